"""The page "progress since the last dialogue": figures beside their baseline, commitments by status, open targets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pandas as pd

from acuerdo import charts
from acuerdo.brief.model import Chart, Progress, ProgressChart, ProgressGroup, ProgressItem, ProgressTally
from acuerdo.brief.outlook import recorded
from acuerdo.brief.sources import Sources, ordered
from acuerdo.dialogue.dossier import KnownMeeting, Measure, Picture
from acuerdo.dialogue.outcome import Outcome, by_month, outcome
from acuerdo.dialogue.scorecard import STATUSES, Attribution, Indicator, Road, Row, Scorecard, Tally
from acuerdo.dialogue.wording import ScoreWords
from acuerdo.figures.catalogue import ALL
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts, lower_first

MOST_CHARTS = 6
BASE_RATE = "g20.utoronto.ca/analysis/170105-ifi-reform-research.html"


def since(picture: Picture, day: date, eve_days: int) -> list[KnownMeeting]:
    """Return the last yearly meeting of each dialogue of the pair before the days of this brief, oldest first."""
    pair = [one.id for one in picture.dialogues if one.pair]
    last: dict[str, KnownMeeting] = {}
    for meeting in picture.meetings:
        held = meeting.annual and meeting.status == "held" and meeting.date is not None
        if held and meeting.dialogue in pair and _day(meeting) < day - timedelta(days=eve_days):
            before = last.get(meeting.dialogue)
            if before is None or _day(before) < _day(meeting):
                last[meeting.dialogue] = meeting
    return sorted(last.values(), key=_day)


class ProgressWriter:
    """Writes the page from a scorecard."""

    def __init__(
        self,
        card: Scorecard,
        figures: Figures,
        texts: Texts,
        sources: Sources,
        wanted: Sequence[str] = (),
        roads: Mapping[str, Road] | None = None,
    ) -> None:
        self.card = card
        self.figures = figures
        self.texts = texts
        self.sources = sources
        self.wanted = list(wanted)
        self.roads = roads or {}
        self.words = ScoreWords(texts, figures.catalogue)

    def write(self, meetings: Sequence[KnownMeeting]) -> Progress | None:
        """Return the page, or None if no commitment is on record.

        Args:
            meetings: the last dialogues (see `since`), at least one; what happened from the first on is shown.
        """
        if not self.card.rows:
            return None
        texts, start = self.texts, _day(meetings[0])
        named = texts.listing(
            texts.t("brief.progress_meeting", title=texts.pick(one.title), day=texts.day(_day(one), short=True))
            for one in meetings
        )
        fresh = [row for row in self.card.rows if self._fresh(row, start)]
        groups = [self._group(status, [row for row in fresh if row.status == status]) for status in STATUSES[:-1]]
        return Progress(
            intro=texts.t("brief.progress_intro", meetings=named),
            charts=tuple(self._charts(start)),
            columns=tuple(texts.t(f"brief.progress_status.{name}") for name in STATUSES),
            tallies=tuple(self._tallies()),
            groups=tuple(group for group in groups if group.items),
            open=tuple(self._open()),
            rest=self._rest(fresh),
            notes=tuple(self._notes()),
        )

    def _fresh(self, row: Row, start: date) -> bool:
        return row.promise.made >= start or any(view.published >= start for view in row.views)

    def _group(self, status: str, rows: Sequence[Row]) -> ProgressGroup:
        title = self.texts.t("brief.progress_group", status=self.texts.t(f"score.status.{status}"), count=len(rows))
        return ProgressGroup(status, title, tuple(self._item(row) for row in rows))

    def _item(self, row: Row) -> ProgressItem:
        cited = [(one.type, one.title, one.address) for view in row.views for one in view.evidence]
        return ProgressItem(
            text=self.texts.pick(row.promise.text),
            about=self._about(row),
            notes=tuple(self._view_notes(row)),
            differ=row.differ,
            sources=ordered(
                self.sources.cite(self.texts.t(f"source_type.{kind}"), title, address) for kind, title, address in cited
            ),
        )

    def _view_notes(self, row: Row) -> list[str]:
        """Return the coder's note alone where there is one view, and all views with their owner otherwise."""
        if len(row.views) == 1:
            return [self.texts.pick(row.views[0].note)]
        return self.words.views(row)

    def _about(self, row: Row) -> str:
        return f"{self.words.owner(row.promise.owner)}, {self.texts.month(row.promise.made, short=True)}"

    def _open(self) -> list[ProgressItem]:
        return [
            ProgressItem(
                text=self.texts.pick(row.promise.text),
                about=self._about(row),
                notes=(self.words.standing(one, row.promise.due), self.words.chance(one)),
            )
            for row in self.card.rows
            for one in row.indicators
            if one.standing is not None and one.standing.state == "open"
        ]

    def _tallies(self) -> list[ProgressTally]:
        titles = {one.id: self.texts.pick(one.title) for one in self.card.dialogues}
        found = [ProgressTally(titles[one.name], self._cells(one)) for one in self.card.tallies()]
        return [*found, ProgressTally(self.texts.t("brief.progress_all"), self._cells(self.card.tally()))]

    def _cells(self, tally: Tally) -> tuple[str, ...]:
        numbers = [*(tally.counts[name] for name in STATUSES), tally.total]
        return tuple(self.texts.number(one) if one else "–" for one in numbers)

    def _rest(self, fresh: Sequence[Row]) -> str:
        reasons = Counter(row.reason for row in self.card.rows if row.status == "not_scored")
        listed = sum(row.status != "not_scored" for row in fresh)
        scored = sum(row.status != "not_scored" for row in self.card.rows)
        parts = [self.texts.t(f"brief.progress_rest.{name}", count=count) for name, count in reasons.most_common()]
        return self.texts.t(
            "brief.progress_rest.all",
            listed=listed,
            earlier=scored - listed,
            count=sum(reasons.values()),
            reasons="; ".join(parts),
        )

    def _notes(self) -> list[str]:
        total = self.card.tally()
        mean = self.texts.percent(total.mean) if total.mean is not None else self.texts.t("format.missing")
        notes = [
            self.texts.t("score.chosen") if self.texts.has("score.chosen") else "",
            self.texts.t("brief.progress_mean", mean=mean, scored=total.scored, total=total.total),
            self.texts.t("brief.progress_base", source=self._base_rate()),
            self.words.agreement(self.card),
            self.words.written(self.card),
        ]
        return [note for note in notes if note]

    def _base_rate(self) -> int:
        """Return the number of the source of the base rate."""
        return self.sources.cite("G20 Research Group", "Compliance of members", BASE_RATE)

    def _charts(self, start: date) -> list[ProgressChart]:
        """Draw the figures that are asked for, else those that most commitments name, those with a direction first."""
        named: Counter[tuple[str, str]] = Counter()
        measures: dict[tuple[str, str], Measure] = {}
        for row in self.card.rows:
            for one in row.indicators:
                key = (one.measure.series, one.measure.member)
                named[key] += 1
                held = measures.get(key)
                if held is None or _rank(one.measure) < _rank(held):
                    measures[key] = one.measure
        if self.wanted:
            order = sorted(
                (key for key in measures if key[0] in self.wanted), key=lambda key: self.wanted.index(key[0])
            )
        else:
            order = sorted(measures, key=lambda key: (_rank(measures[key]), -named[key]))
        found = []
        for key in order:
            made = self._chart(measures[key], start)
            if made is not None:
                found.append(made)
            if len(found) == MOST_CHARTS:
                break
        return found

    def _chart(self, measure: Measure, start: date) -> ProgressChart | None:
        frequency = measure.frequency or self.figures.series(measure.series).frequency
        history = self._history(measure, frequency)
        if len(history) < 3:
            return None
        found = outcome(self.figures, measure, start)
        if found in ("no_figures", "no_baseline") or (found == "nothing_since" and not self.wanted):
            return None
        roads = {name: road(measure.series, measure.member, start, self.card.day) for name, road in self.roads.items()}
        indicator = Indicator(measure, found, None, None, roads)
        entry = self.figures.series(measure.series)
        title = self.texts.pick(entry.label)
        before, now = pd.DataFrame({"month": [], "value": []}), None
        if isinstance(found, Outcome):
            before = found.path.rename(columns={"value": "recorded", "before": "value"})[["month", "value"]]
            now = found.path[["month", "value"]] if found.basis == "year_to_date" else None
        text = self._short(indicator)
        drawing = charts.progress(
            history,
            before,
            start,
            title,
            self.texts,
            text,
            target=self._target(measure, frequency),
            band=_band(roads),
            now=now,
            months_back=30 if frequency in ("month", "twelve_months") else 96,
        )
        total = measure.member == ALL
        unit = self.words.unit(indicator) if total else lower_first(self.texts.pick(entry.members[measure.member]))
        return ProgressChart(Chart(drawing, title, text), unit, text)

    def _history(self, measure: Measure, frequency: str) -> pd.DataFrame:
        if frequency in ("month", "twelve_months"):
            return recorded(self.figures, measure.series, measure.member)
        rows = by_month(self.figures.frame(measure.series, frequency, [measure.member]))
        return pd.DataFrame({"month": rows.index, "value": rows["value"].to_numpy(dtype=float)})

    def _target(self, measure: Measure, frequency: str) -> float | None:
        """Return the mark of an open or closed target in the unit of the chart: per month for monthly figures."""
        for row in self.card.rows:
            for one in row.indicators:
                same = (one.measure.series, one.measure.member) == (measure.series, measure.member)
                if same and one.standing is not None and one.standing.state != "unknown":
                    return one.standing.mark / (12 if frequency == "month" else 1)
        return None

    def _short(self, indicator: Indicator) -> str:
        """Return what a figure did in a line, for the space under a small chart."""
        found = indicator.outcome
        if isinstance(found, str):
            return self.texts.t(f"score.gap.{found}")
        line = self.texts.t(
            "brief.progress_line",
            span=self.words.span(found.latest, found),
            latest=self.texts.rounded(found.latest.value),
            baseline=self.texts.rounded(found.baseline.value),
            change=self.words.change(found),
        )
        if found.measure.better is not None:
            line += f" {self.texts.t(f'brief.progress_move.{found.move}')}"
        if found.highest is not None:
            line += " " + self.texts.t("brief.progress_highest", month=self.texts.month(found.highest, short=True))
        return f"{line} {self.words.attribution_line(indicator)}".strip()


def _band(roads: Mapping[str, Attribution | None]) -> pd.DataFrame | None:
    """Return the band of the first road that has one."""
    return next((found.band for found in roads.values() if found is not None and len(found.band)), None)


def _rank(measure: Measure) -> int:
    """Order measures: with a target, with a direction, others."""
    return 0 if measure.target is not None else 1 if measure.better is not None else 2


def _day(meeting: KnownMeeting) -> date:
    return meeting.date or date.max
