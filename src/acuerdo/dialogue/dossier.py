"""The dossier of the dialogues: meetings, statements, reported facts and commitments, and what was known of them when.

Each is a YAML file of the corridor (`dossier/*.yaml`); the header of the file explains its fields. Scores of the
commitments stand in `scores.yaml` beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Day  # noqa: N812  (fields are named date)
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, model_validator

from acuerdo.corridor import Corridor
from acuerdo.errors import InputError, unknown_name
from acuerdo.figures import catalogue as catalogues
from acuerdo.figures.catalogue import ALL, Catalogue, Frequency
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


class Target(Record):
    """What the figures have to show at the due date: below or above a share of the baseline, or a level.

    Attributes:
        side: on which side of the mark the test is met.
        share: of the baseline (1 for the baseline itself).
        level: in the unit of the series.
    """

    side: Literal["below", "above"]
    share: float | None = Field(default=None, gt=0)
    level: float | None = None

    @model_validator(mode="after")
    def _one_mark(self) -> Target:
        if (self.share is None) == (self.level is None):
            raise ValueError("exactly one of share and level")
        return self

    def mark(self, baseline: float) -> float:
        """Return the mark in the unit of the series."""
        return self.level if self.level is not None else (self.share or 0.0) * baseline

    def met(self, value: float, baseline: float) -> bool:
        """Tell whether a value meets the target."""
        return value < self.mark(baseline) if self.side == "below" else value > self.mark(baseline)


class Measure(Record):
    """A figure by which the world can be seen to have changed, or not.

    Attributes:
        series: id in the catalogue.
        member: member of the series.
        counted: member with what has been counted so far, where `member` is an estimate corrected for late reports.
        frequency: frequency of the figures, if not the main one.
        better: the direction that the commitment asks for; left out where the text asks for none.
        target: for a commitment with a due date, the mark that the figures have to reach.
    """

    series: Text
    member: str = ALL
    counted: str | None = None
    frequency: Frequency | None = None
    better: Literal["lower", "higher"] | None = None
    target: Target | None = None


class Test(Record):
    """What counts as done, fixed before anybody scores.

    Attributes:
        written: the day on which the test was written.
        passes: what would have to be seen for full delivery.
        changes: what would change the score.
    """

    written: Day
    passes: Words
    changes: Words


class Commitment(Record):
    """A promise on record.

    Attributes:
        made: the day on which it was made, with `made_words` where that is not plain.
        due: the last day, and `due_words` where the text says it otherwise; both left out if it sets none.
        measures: figures that show the outcome, the one that counts first.
        test: the operational test of delivery.
        untestable: why no test can be written.
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
    measures: list[Measure] = Field(default_factory=list)
    test: Test | None = None
    untestable: Words | None = None
    later: Text | None = None
    sources: list[Source] = Field(min_length=1)
    later_sources: list[Source] = Field(default_factory=list)
    mark: Mark
    mark_note: Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Commitment:
        if self.due is not None and self.due < self.made:
            raise ValueError("due on or after made")
        if self.due is None and any(one.target for one in self.measures):
            raise ValueError("a target only with a due date")
        if self.test is not None and self.untestable is not None:
            raise ValueError("either a test or the reason why there is none (untestable)")
        return self


Delivery = Annotated[int, Field(ge=-1, le=1)]
"""+1 done in full, 0 in part or in progress, -1 not done or the opposite (the scale of the G20 Research Group)."""


class Evidence(Record):
    """What a score rests on."""

    title: Text
    address: Text
    type: Literal["O", "M", "P"]


class Score(Record):
    """What one coder found of a commitment.

    Attributes:
        commitment: id of the commitment.
        by: a side, for its own view on record, or coder_1 or coder_2 for an independent coder; never a person's name.
        published: the day on which the last piece of evidence was public, from which the score can be known.
        coded: the day on which the score was given.
        delivery: +1, 0 or -1.
        evidence: at least one piece.
        note: why, in a sentence.
    """

    commitment: Id
    by: Annotated[str, one_of("coders")]
    published: Day
    coded: Day
    delivery: Delivery
    evidence: list[Evidence] = Field(min_length=1)
    note: Words

    @model_validator(mode="after")
    def _in_order(self) -> Score:
        if self.coded < self.published:
            raise ValueError("coded on or after published")
        return self


@dataclass(frozen=True)
class Picture:
    """The dossier as it was known on a day (None: all of it)."""

    day: Day | None
    dialogues: list[Dialogue]
    meetings: list[KnownMeeting]
    statements: list[Statement]
    reported: list[Reported]
    commitments: list[Commitment]
    scores: list[Score]


@dataclass(frozen=True)
class Dossier:
    """All that is on record, in the order of the files."""

    dialogues: list[Dialogue]
    meetings: list[Meeting]
    statements: list[Statement]
    reported: list[Reported]
    commitments: list[Commitment]
    scores: list[Score] = field(default_factory=list)

    def as_of(self, day: Day | None) -> Picture:
        """Return what was known on `day`.

        A meeting of a later date is there only if it had been announced or sought by then, with what was known of it;
        of the commitments made by then, the follow-up (`later`) is left out, since it was read afterwards. Scores are
        those whose evidence was public by then.
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
            scores=[one for one in self.scores if day is None or one.published <= day],
        )


def load_dossier(corridor: Corridor, folder: Path | None = None) -> Dossier:
    """Read and check a dossier; nothing is returned unless all of it is valid.

    Args:
        corridor: whose sides, languages and figures the entries may name.
        folder: the dossier; that of the corridor if none is given.

    Raises:
        DataError: a file is missing or is not YAML.
        InputError: an entry is not valid; the message names file, line, entry, field and what is allowed.
    """
    names = contexts(corridor)
    home = folder or corridor.path("dossier")
    dialogues = read_records(home / "meetings.yaml", Dialogue, key="dialogues", context=names)
    meetings = read_records(home / "meetings.yaml", Meeting, key="meetings", context=names)
    statements = read_records(home / "statements.yaml", Statement, context=names)
    reported = read_records(home / "reported.yaml", Reported, context=names)
    commitments = read_records(home / "commitments.yaml", Commitment, context=names)
    scores = read_records(
        home / "scores.yaml", Score, label=("commitment", "by", "published"), context=names, optional=True
    )
    for group in (dialogues, meetings, statements, reported, commitments):
        _refuse_repeated_ids(group)
    dialogue_ids = [item.record.id for item in dialogues]
    meeting_ids = [item.record.id for item in meetings]
    _check_references(meetings, "dialogue", dialogue_ids)
    _check_references(commitments, "dialogue", dialogue_ids)
    _check_references(commitments, "meeting", meeting_ids)
    _check_references(reported, "meeting", meeting_ids)
    if any(item.record.measures for item in commitments) or any(item.record.series for item in reported):
        _check_figures(commitments, reported, catalogues.read(corridor))
    _check_scores(scores, {item.record.id: item.record for item in commitments})
    return Dossier(
        dialogues=[item.record for item in dialogues],
        meetings=[item.record for item in meetings],
        statements=[item.record for item in statements],
        reported=[item.record for item in reported],
        commitments=[item.record for item in commitments],
        scores=[item.record for item in scores],
    )


def _refuse_repeated_ids(found: Iterable[Found[Dialogue | Meeting | Statement | Reported | Commitment]]) -> None:
    first: dict[str, str] = {}
    for item in found:
        name = item.record.id
        if name in first:
            raise InputError("id", name, f"an id of its own (already used in {first[name]})", where=item.where("id"))
        first[name] = item.where("id")


def _check_references(
    found: Iterable[Found[Meeting | Reported | Commitment]], field_name: str, choices: Sequence[str]
) -> None:
    for item in found:
        name = getattr(item.record, field_name)
        if name is not None and name not in choices:
            raise unknown_name(f"{item.label}, {field_name}", name, choices, item.where(field_name))


def _check_figures(
    commitments: Iterable[Found[Commitment]], reported: Iterable[Found[Reported]], catalogue: Catalogue
) -> None:
    """Refuse a series or member that the catalogue does not have."""
    for fact in reported:
        series = fact.record.series
        if series is not None and series not in catalogue.entries:
            raise unknown_name(f"{fact.label}, series", series, catalogue.entries, fact.where("series"))
    for item in commitments:
        for number, measure in enumerate(item.record.measures):
            place = f"{item.label}, measures.{number}"
            if measure.series not in catalogue.entries:
                where = item.where("measures", number, "series")
                raise unknown_name(f"{place}.series", measure.series, catalogue.entries, where)
            members = catalogue.members(measure.series)
            for name in ("member", "counted"):
                member = getattr(measure, name)
                if member is not None and member not in members:
                    where = item.where("measures", number, name)
                    raise unknown_name(f"{place}.{name}", member, members, where)


def _check_scores(scores: Iterable[Found[Score]], commitments: Mapping[str, Commitment]) -> None:
    """Refuse scores of what is not on record or has no test, given before the test, or given twice."""
    first: dict[tuple[str, str, Day], str] = {}
    for item in scores:
        score = item.record
        if score.commitment not in commitments:
            raise unknown_name(
                f"{item.label}, commitment", score.commitment, commitments, where=item.where("commitment")
            )
        promise = commitments[score.commitment]
        if promise.test is None:
            allowed = "a commitment with an operational test, written before the score"
            raise InputError(f"{item.label}, commitment", score.commitment, allowed, where=item.where("commitment"))
        if score.coded < promise.test.written:
            allowed = f"{promise.test.written} or later, when the test was written"
            raise InputError(f"{item.label}, coded", str(score.coded), allowed, where=item.where("coded"))
        if score.published < promise.made:
            allowed = f"{promise.made} or later, when the commitment was made"
            raise InputError(f"{item.label}, published", str(score.published), allowed, where=item.where("published"))
        key = (score.commitment, score.by, score.published)
        if key in first:
            allowed = f"one score by each coder for each day (already in {first[key]})"
            raise InputError(f"{item.label}, published", str(score.published), allowed, where=item.where("published"))
        first[key] = item.where()


def words(value: Name | None, lang: str) -> str:
    """Return a name or words in a language; nothing for None."""
    if value is None:
        return ""
    return value[lang] if isinstance(value, Mapping) else value
