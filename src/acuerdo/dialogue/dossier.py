"""The dossier of the dialogues: meetings, statements, reported facts and commitments, and what was known of them when.

Each is a YAML file of the corridor (`dossier/*.yaml`); the header of the file explains its fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Day  # noqa: N812  (fields are named date)
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, model_validator

from acuerdo.corridor import Corridor
from acuerdo.errors import InputError, unknown_name
from acuerdo.records import Found, Owner, Record, Text, contexts, one_of, read_records


def _in_every_language(value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    languages = (info.context or {}).get("languages")
    if languages is not None and sorted(value) != sorted(languages):
        raise ValueError(f"words in each of the languages {', '.join(languages)} and in no other")
    return value


Words = Annotated[dict[str, Text], AfterValidator(_in_every_language)]
"""The same words in each language of the corridor."""

Name = Text | Words
"""A name that is the same in every language, or words where it is not."""

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Side = Annotated[str, one_of("sides")]
Mark = Literal["read", "read-1", "unverified"]
Status = Literal["held", "announced", "sought_by_one_side", "not_announced", "published"]
Attribution = Literal["on_the_record", "customary_anonymity", "official_document", "published_document"]

STATUS_WORDS: dict[Status, dict[str, str]] = {
    "held": {"en": "held", "es": "se celebró"},
    "announced": {"en": "announced", "es": "se anunció"},
    "sought_by_one_side": {"en": "sought by one side", "es": "lo busca una de las partes"},
    "not_announced": {"en": "not announced", "es": "no se ha anunciado"},
    "published": {"en": "published", "es": "se publicó"},
}
"""The status of a meeting in words."""

ATTRIBUTION_WORDS: dict[Attribution, dict[str, str]] = {
    "on_the_record": {"en": "on the record", "es": "declaración pública"},
    "customary_anonymity": {"en": "on customary anonymity", "es": "bajo el anonimato acostumbrado"},
    "official_document": {"en": "official document", "es": "documento oficial"},
    "published_document": {"en": "published document", "es": "documento publicado"},
}
"""The attribution of a statement in words."""


class Source(Record):
    """Where something was read: `O` official page, `M` copy of an official text elsewhere, `P` press or analysis."""

    address: Text
    type: Literal["O", "M", "P"]
    note: Text | None = None


class Delegations(Record):
    """Who took part, by side; `third` for participants of neither side."""

    sides: dict[Side, list[Name]] = Field(default_factory=dict)
    third: list[Name] = Field(default_factory=list)


class Step(Record):
    """A status of a meeting and the day from which it could be known.

    Before a meeting is held, what was known of it (`when`, `place`, `agenda`, `delegations`) stands here.
    """

    status: Status
    known_from: Day
    by: list[Side] = Field(default_factory=list)
    when: Words | None = None
    place: Words | None = None
    agenda: Words | None = None
    delegations: Delegations | None = None
    sources: list[Source] = Field(default_factory=list)

    @model_validator(mode="after")
    def _complete(self) -> Step:
        if (self.status == "sought_by_one_side") != bool(self.by):
            raise ValueError("by names the side for sought_by_one_side, and is left out otherwise")
        if self.status not in {"held", "published"} and not self.sources:
            raise ValueError("sources (a status other than held or published needs its own)")
        return self


class Dialogue(Record):
    """A series of meetings; `pair` marks the annual dialogues that belong together."""

    id: Id
    title: Words
    pair: bool = False


class Meeting(Record):
    """A meeting, a call or a joint document.

    Attributes:
        date: the (first) day; none for a meeting that never got one.
        until: the last day, if there were several.
        reported: whether the date is that of the report.
        annual: whether it is the yearly top-level meeting of its dialogue.
        status: the steps in order of `known_from`.
    """

    id: Id
    dialogue: Id
    title: Words
    date: Day | None = None
    until: Day | None = None
    reported: bool = False
    place: Words | None = None
    level: Words
    annual: bool = False
    status: list[Step] = Field(min_length=1)
    delegations: Delegations | None = None
    agenda: Words
    document: Words | None = None
    sources: list[Source] = Field(min_length=1)
    mark: Mark

    @model_validator(mode="after")
    def _in_order(self) -> Meeting:
        days = [step.known_from for step in self.status]
        if days != sorted(days):
            raise ValueError("status in order of known_from")
        if any(step.status in {"held", "published"} for step in self.status) and self.date is None:
            raise ValueError("a date (the meeting was held or published)")
        if self.until is not None and (self.date is None or self.until < self.date):
            raise ValueError("until after date")
        return self

    def as_of(self, day: Day | None) -> KnownMeeting | None:
        """Return the meeting as it was known on `day` (None for the latest), or None if nothing was known of it."""
        steps = [step for step in self.status if day is None or step.known_from <= day]
        if not steps:
            return None
        step = steps[-1]
        done = step.status in {"held", "published"}
        return KnownMeeting(
            id=self.id,
            dialogue=self.dialogue,
            title=self.title,
            level=self.level,
            annual=self.annual,
            status=step.status,
            by=step.by,
            announced=any(one.status in {"announced", "held", "published"} for one in steps),
            date=None if step.when is not None else self.date,
            until=self.until if done else None,
            when=step.when,
            reported=self.reported if done else False,
            place=self.place if done else step.place,
            delegations=(self.delegations if done else step.delegations) or Delegations(),
            agenda=self.agenda if done else step.agenda,
            document=self.document if done else None,
            sources=step.sources or self.sources,
            mark=self.mark,
        )


class KnownMeeting(Record):
    """A meeting as it was known on a day (see `Meeting`); `announced` is whether it had been announced by then."""

    id: Id
    dialogue: Id
    title: Words
    level: Words
    annual: bool
    status: Status
    by: list[Side]
    announced: bool
    date: Day | None
    until: Day | None
    when: Words | None
    reported: bool
    place: Words | None
    delegations: Delegations
    agenda: Words | None
    document: Words | None
    sources: list[Source]
    mark: Mark


class Statement(Record):
    """What somebody said, in our own words; short quotes stay in the language in which they were read."""

    id: Id
    who: Name
    office: Words | None = None
    side: Owner
    date: Day
    date_words: Words | None = None
    venue: Words
    attribution: Attribution
    text: Words
    known_from: Day
    sources: list[Source] = Field(min_length=1)
    mark: Mark


class Amount(Record):
    """A number and its unit."""

    value: float
    unit: Text


class Reported(Record):
    """A fact as it was reported on a day.

    Attributes:
        amount: the number reported, if there is one; `also` in another unit.
        series: the id of the figures against which it can be checked.
        meeting: the meeting it is about.
    """

    id: Id
    text: Words
    amount: Amount | None = None
    also: Amount | None = None
    reported_by: Words
    known_from: Day
    series: Text | None = None
    meeting: Id | None = None
    sources: list[Source] = Field(min_length=1)
    mark: Mark


class Commitment(Record):
    """A promise on record.

    Attributes:
        made: the day on which it was made, with `made_words` where that is not plain.
        due: the last day, and `due_words` where the text says it otherwise; both left out if it sets none.
        series: ids of the figures that measure it.
        later: what was read about the follow-up, with `later_sources`; none means that nothing was read, not that
            nothing happened.
    """

    id: Id
    dialogue: Id
    meeting: Id | None = None
    made: Day
    made_words: Words | None = None
    known_from: Day
    owner: Owner
    text: Words
    kind: Literal["action", "outcome", "spending"]
    due: Day | None = None
    due_words: Words | None = None
    indicator: Words | None = None
    series: list[Text] = Field(default_factory=list)
    later: Text | None = None
    sources: list[Source] = Field(min_length=1)
    later_sources: list[Source] = Field(default_factory=list)
    mark: Mark
    mark_note: Text | None = None


@dataclass(frozen=True)
class Picture:
    """The dossier as it was known on a day (None: all of it)."""

    day: Day | None
    dialogues: list[Dialogue]
    meetings: list[KnownMeeting]
    statements: list[Statement]
    reported: list[Reported]
    commitments: list[Commitment]


@dataclass(frozen=True)
class Dossier:
    """All that is on record, in the order of the files."""

    dialogues: list[Dialogue]
    meetings: list[Meeting]
    statements: list[Statement]
    reported: list[Reported]
    commitments: list[Commitment]

    def as_of(self, day: Day | None) -> Picture:
        """Return what was known on `day`.

        A meeting of a later date is there only if it had been announced or sought by then, with what was known of it;
        of the commitments made by then, the follow-up (`later`) is left out, since it was read afterwards.
        """
        meetings = [known for meeting in self.meetings if (known := meeting.as_of(day)) is not None]
        commitments = list(self.commitments)
        if day is not None:
            nothing: dict[str, object] = {"later": None, "later_sources": []}
            commitments = [one.model_copy(update=nothing) for one in commitments if one.known_from <= day]
        return Picture(
            day=day,
            dialogues=list(self.dialogues),
            meetings=meetings,
            statements=[one for one in self.statements if day is None or one.known_from <= day],
            reported=[one for one in self.reported if day is None or one.known_from <= day],
            commitments=commitments,
        )


def load_dossier(corridor: Corridor) -> Dossier:
    """Read and check the corridor's dossier; nothing is returned unless all of it is valid.

    Raises:
        DataError: a file is missing or is not YAML.
        InputError: an entry is not valid; the message names file, line, entry, field and what is allowed.
    """
    names = contexts(corridor)
    folder = corridor.path("dossier")
    dialogues = read_records(folder / "meetings.yaml", Dialogue, key="dialogues", context=names)
    meetings = read_records(folder / "meetings.yaml", Meeting, key="meetings", context=names)
    statements = read_records(folder / "statements.yaml", Statement, context=names)
    reported = read_records(folder / "reported.yaml", Reported, context=names)
    commitments = read_records(folder / "commitments.yaml", Commitment, context=names)
    for group in (dialogues, meetings, statements, reported, commitments):
        _refuse_repeated_ids(group)
    dialogue_ids = [item.record.id for item in dialogues]
    meeting_ids = [item.record.id for item in meetings]
    _check_references(meetings, "dialogue", dialogue_ids)
    _check_references(commitments, "dialogue", dialogue_ids)
    _check_references(commitments, "meeting", meeting_ids)
    _check_references(reported, "meeting", meeting_ids)
    return Dossier(
        dialogues=[item.record for item in dialogues],
        meetings=[item.record for item in meetings],
        statements=[item.record for item in statements],
        reported=[item.record for item in reported],
        commitments=[item.record for item in commitments],
    )


def _refuse_repeated_ids(found: Iterable[Found[Dialogue | Meeting | Statement | Reported | Commitment]]) -> None:
    first: dict[str, str] = {}
    for item in found:
        name = item.record.id
        if name in first:
            raise InputError("id", name, f"an id of its own (already used in {first[name]})", where=item.where("id"))
        first[name] = item.where("id")


def _check_references(
    found: Iterable[Found[Meeting | Reported | Commitment]], field: str, choices: Sequence[str]
) -> None:
    for item in found:
        name = getattr(item.record, field)
        if name is not None and name not in choices:
            raise unknown_name(f"{item.label}, {field}", name, choices, item.where(field))


def words(value: Name | None, lang: str) -> str:
    """Return a name or words in a language; nothing for None."""
    if value is None:
        return ""
    return value[lang] if isinstance(value, Mapping) else value
