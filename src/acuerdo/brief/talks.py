"""The dialogue section: meetings, reported facts beside the figures, statements, commitments, as known on the day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from acuerdo.brief import settings as brief_settings
from acuerdo.brief.measures import side_name
from acuerdo.brief.model import CommitmentItem, MeetingItem, NamedText, ReportedFact, StatementItem, Talks
from acuerdo.brief.present import Presenter
from acuerdo.brief.sources import ordered
from acuerdo.dialogue.dossier import (
    ATTRIBUTION_WORDS,
    STATUS_WORDS,
    Commitment,
    Delegations,
    Dossier,
    KnownMeeting,
    Reported,
    Source,
    Statement,
)
from acuerdo.i18n import upper_first


class TalksWriter:
    """Writes the dialogue section from the dossier as known on a day."""

    def __init__(self, dossier: Dossier, presenter: Presenter, wanted: brief_settings.Talks, day: date) -> None:
        self.dossier = dossier
        self.picture = dossier.as_of(day)
        self.presenter = presenter
        self.texts = presenter.texts
        self.sources = presenter.sources
        self.wanted = wanted
        self.day = day

    def write(self) -> Talks:
        """Return the section."""
        eve = self.day - timedelta(days=self.wanted.eve_days)
        ahead = self.day + timedelta(days=self.wanted.upcoming_days)
        back = self.day - timedelta(days=self.wanted.recent_days)
        dated = sorted((one for one in self.picture.meetings if one.date), key=_meeting_day)
        near = [one for one in dated if eve <= _meeting_day(one) <= ahead]
        undated = [one for one in self.picture.meetings if one.date is None and self._fresh(one)]
        earlier = [one for one in reversed(dated) if back <= _meeting_day(one) < eve]
        said = [one for one in self.picture.statements if one.date >= self.day - timedelta(days=self.wanted.said_days)]
        promised = [
            one for one in self.picture.commitments if one.made >= self.day - timedelta(days=self.wanted.promised_days)
        ]
        told = [
            one
            for one in self.picture.reported
            if one.known_from >= self.day - timedelta(days=self.wanted.reported_days)
        ]
        here = {one.id for one in [*near, *undated]}
        free = [one for one in told if one.meeting not in here]
        checked = [one for one in free if one.id in self.wanted.checks]
        return Talks(
            empty=not (near or undated or earlier or said or promised or told),
            upcoming=tuple(
                self._meeting(one, [fact for fact in told if fact.meeting == one.id]) for one in [*near, *undated]
            ),
            facts=tuple(self._fact(one) for one in checked),
            told=tuple(self._fact(one) for one in free if one not in checked),
            commitments=tuple(
                self._commitment(one) for one in sorted(promised, key=lambda one: one.made, reverse=True)
            ),
            statements=tuple(self._statement(one) for one in sorted(said, key=lambda one: one.date, reverse=True)),
            recent=tuple(self._meeting(one) for one in earlier),
        )

    def _fresh(self, meeting: KnownMeeting) -> bool:
        """Tell whether what is known of a meeting without a date is recent news."""
        whole = next(one for one in self.dossier.meetings if one.id == meeting.id)
        last = max(step.known_from for step in whole.status if step.known_from <= self.day)
        return last >= self.day - timedelta(days=self.wanted.upcoming_days)

    def _meeting(self, meeting: KnownMeeting, told: Iterable[Reported] = ()) -> MeetingItem:
        texts = self.texts
        status = texts.pick(STATUS_WORDS[meeting.status])
        if meeting.by:
            status = texts.t(
                "brief.by_side", status=status, side=texts.listing(side_name(one, texts) for one in meeting.by)
            )
        if not meeting.announced and meeting.status != "not_announced":
            status = f"{status}; {texts.pick(STATUS_WORDS['not_announced'])}"
        return MeetingItem(
            title=texts.pick(meeting.title),
            when=self._when(meeting),
            when_short=self._when(meeting, short=True),
            place=texts.pick(meeting.place),
            status=upper_first(status),
            state=meeting.status,
            delegations=self._delegations(meeting.delegations),
            agenda=tuple(filter(None, [texts.pick(meeting.agenda)])),
            notes=tuple(self._fact(fact) for fact in told),
            sources=self._cite(meeting.sources),
        )

    def _when(self, meeting: KnownMeeting, short: bool = False) -> str:
        texts = self.texts
        if meeting.when is not None or meeting.date is None:
            return texts.pick(meeting.when)
        when = texts.day(meeting.date, short)
        if meeting.until is not None and meeting.until != meeting.date:
            when = texts.days(meeting.date, meeting.until, short)
        return texts.t("brief.reported_on", day=when) if meeting.reported else when

    def _delegations(self, delegations: Delegations) -> tuple[NamedText, ...]:
        texts = self.texts
        sides = [
            NamedText(side_name(side, texts), texts.listing(texts.pick(name) for name in names))
            for side, names in delegations.sides.items()
            if names
        ]
        if delegations.third:
            third = texts.listing(texts.pick(name) for name in delegations.third)
            sides.append(NamedText(texts.t("brief.third"), third))
        return tuple(sides)

    def _cite(self, sources: Iterable[Source]) -> tuple[int, ...]:
        return ordered(
            self.sources.cite(self.texts.t(f"source_type.{source.type}"), source.note or "", source.address)
            for source in sources
        )

    def _fact(self, fact: Reported) -> ReportedFact:
        check = self.wanted.checks.get(fact.id)
        sources = self._cite(fact.sources)
        printed = [self.presenter.key_figure(item) for item in check.figures] if check else []
        return ReportedFact(
            text=self.texts.pick(fact.text),
            sources=sources,
            checks=tuple(figure for figure in printed if figure is not None),
            note=self.texts.pick(check.note) if check else "",
        )

    def _statement(self, statement: Statement) -> StatementItem:
        texts = self.texts
        who = ", ".join(filter(None, [texts.pick(statement.who), texts.pick(statement.office)]))
        return StatementItem(
            when=texts.pick(statement.date_words) or texts.day(statement.date),
            who=who,
            attribution=texts.pick(ATTRIBUTION_WORDS[statement.attribution]),
            text=texts.pick(statement.text),
            sources=self._cite(statement.sources),
        )

    def _commitment(self, promise: Commitment) -> CommitmentItem:
        texts = self.texts
        return CommitmentItem(
            when=texts.pick(promise.made_words) or texts.day(promise.made, short=True),
            owner=side_name(promise.owner, texts),
            text=texts.pick(promise.text),
            sources=self._cite(promise.sources),
        )


def _meeting_day(meeting: KnownMeeting) -> date:
    return meeting.date or date.max
