"""Outcomes: a figure since a meeting against the same figure before it, on a comparable basis.

The period in which the meeting fell counts for neither side. Months are compared with the same months of the year
before, twelve-month windows and years with the last one before. Nothing here says why a figure moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from acuerdo.dialogue.dossier import Measure
from acuerdo.figures.store import Figures

Move = Literal["toward", "away", "little", "undirected"]
Gap = Literal["no_figures", "no_baseline", "nothing_since"]
Basis = Literal["same_months", "windows", "years", "year_to_date"]

LITTLE = 0.02
"""Relative changes up to this size are called little."""

MIN_REVISED = 12
"""Periods held in two copies from which the size of revisions is taken."""


@dataclass(frozen=True)
class Amount:
    """A figure or a sum of figures, with an interval where the figures are corrected for late reports."""

    value: float
    low: float
    high: float
    start: date
    end: date
    vintage: str
    revised: bool

    @property
    def exact(self) -> bool:
        """Whether it is a count without an interval."""
        return self.low == self.value == self.high


@dataclass(frozen=True)
class Outcome:
    """What a figure did since a meeting.

    Attributes:
        measure: the figure.
        unit: short unit of the series.
        frequency: of the figures compared.
        basis: what was compared with what.
        baseline: before the meeting.
        latest: since the meeting.
        path: columns month, value and before (the comparable value before the meeting), from the meeting on.
        periods: how many figures were added up on either side.
        overlap: months that both twelve-month windows share.
        highest: the highest month since the meeting, if it is the highest of the whole series so far.
        lowest: the same for the lowest month.
    """

    measure: Measure
    unit: str
    frequency: str
    basis: Basis
    baseline: Amount
    latest: Amount
    path: pd.DataFrame
    periods: int = 1
    overlap: int = 0
    highest: pd.Period | None = None
    lowest: pd.Period | None = None

    @property
    def change(self) -> float | None:
        """Relative change on the baseline; None if that is zero."""
        return self.latest.value / self.baseline.value - 1 if self.baseline.value > 0 else None

    @property
    def change_interval(self) -> tuple[float, float] | None:
        """The change with both ends of the intervals set against each other, which is wider than chance alone."""
        if self.change is None or self.baseline.low <= 0 or (self.baseline.exact and self.latest.exact):
            return None
        return self.latest.low / self.baseline.high - 1, self.latest.high / self.baseline.low - 1

    @property
    def move(self) -> Move:
        """Whether the figure moved the way the commitment asks for."""
        if self.measure.better is None or self.change is None:
            return "undirected"
        low, high = self.change_interval or (self.change, self.change)
        if abs(self.change) <= LITTLE or low <= 0 <= high:
            return "little"
        return "toward" if (self.change < 0) == (self.measure.better == "lower") else "away"


def outcome(figures: Figures, measure: Measure, since: date) -> Outcome | Gap:
    """Compare a figure since a day with its value before, or say why that cannot be done.

    Args:
        figures: the view; its day decides what is known.
        measure: the figure.
        since: the day of the meeting or commitment.

    Raises:
        InputError: the series or a member is not known.
    """
    frequency = measure.frequency or figures.series(measure.series).frequency
    rows = figures.frame(measure.series, frequency, [measure.member])
    if rows.empty:
        return "no_figures"
    if frequency == "month":
        return _months(figures, measure, rows, since)
    if frequency == "twelve_months":
        return _windows(figures, measure, rows, since)
    return _years(figures, measure, rows, since, frequency)


def same_month_before(month: pd.Period, since: pd.Period) -> pd.Period:
    """Return the month of the same name within the twelve months before `since`, for a later month."""
    return month - 12 * ((month - since).n // 12 + 1)


def by_month(rows: pd.DataFrame) -> pd.DataFrame:
    """Return figures by the month in which they end."""
    return rows.set_index(pd.PeriodIndex(rows["end"], freq="M"))


def _months(figures: Figures, measure: Measure, rows: pd.DataFrame, since: date) -> Outcome | Gap:
    found, made = by_month(rows), pd.Period(since, "M")
    values = dict(zip(found.index, found["value"].astype(float), strict=True))
    after = found.index[found.index > made]
    if after.empty:
        return "nothing_since"
    path = [
        (month, values[month], values[before])
        for month in after
        if (before := same_month_before(month, made)) in values
    ]
    pairs = [month for month, _, _ in path if month > after[-1] - 12]
    if not pairs:
        return "no_baseline"
    top, bottom = max(after, key=lambda month: values[month]), min(after, key=lambda month: values[month])
    return Outcome(
        measure,
        str(rows["unit"].iloc[-1]),
        "month",
        "same_months",
        baseline=_sum(figures, measure, found.loc[[same_month_before(month, made) for month in pairs]]),
        latest=_sum(figures, measure, found.loc[pairs]),
        path=pd.DataFrame(path, columns=["month", "value", "before"]),
        periods=len(pairs),
        highest=top if values[top] >= max(values.values()) else None,
        lowest=bottom if values[bottom] <= min(values.values()) else None,
    )


def _windows(figures: Figures, measure: Measure, rows: pd.DataFrame, since: date) -> Outcome | Gap:
    found, made = by_month(rows), pd.Period(since, "M")
    before, after = found[found.index < made], found[found.index > made]
    if after.empty:
        return "nothing_since"
    if before.empty:
        return "no_baseline"
    base = float(before["value"].iloc[-1])
    path = pd.DataFrame({"month": after.index, "value": after["value"].to_numpy(dtype=float), "before": base})
    return Outcome(
        measure,
        str(rows["unit"].iloc[-1]),
        "twelve_months",
        "windows",
        baseline=_sum(figures, measure, before.tail(1)),
        latest=_sum(figures, measure, after.tail(1)),
        path=path,
        overlap=max(0, 12 - (after.index[-1] - before.index[-1]).n),
    )


def _years(figures: Figures, measure: Measure, rows: pd.DataFrame, since: date, frequency: str) -> Outcome | Gap:
    day = pd.Timestamp(since)
    before, after = rows[rows["end"] < day], rows[rows["start"] > day]
    if before.empty:
        return "no_baseline"
    baseline, latest, basis = before.tail(1), after.tail(1), "years"
    begun = _year_to_date(figures, measure, baseline["end"].iloc[0].year, day) if frequency == "year" else None
    if begun is not None and (latest.empty or begun[1]["end"].iloc[0] > latest["end"].iloc[0]):
        baseline, latest, basis = begun[0], begun[1], "year_to_date"
    if latest.empty:
        return "nothing_since"
    points = pd.concat([after, latest]).drop_duplicates(["start", "end"])
    path = pd.DataFrame(
        {
            "month": pd.PeriodIndex(points["end"], freq="M"),
            "value": points["value"].to_numpy(dtype=float),
            "before": float(baseline["value"].iloc[0]),
        }
    )
    return Outcome(
        measure,
        str(rows["unit"].iloc[-1]),
        frequency,
        "years" if basis == "years" else "year_to_date",
        baseline=_sum(figures, measure, baseline),
        latest=_sum(figures, measure, latest),
        path=path,
    )


def _year_to_date(
    figures: Figures, measure: Measure, base_year: int, day: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return the same part of the base year and of the latest year that began after a day, if both were counted."""
    rows = figures.frame(measure.series, "year_to_date", [measure.member])
    rows = rows.assign(part=rows["end"].dt.strftime("%m-%d"))
    base = rows[rows["end"].dt.year == base_year].set_index("part")
    later = rows[(rows["start"] > day) & rows["part"].isin(base.index)]
    if later.empty:
        return None
    last = later.tail(1)
    return base.loc[[last["part"].iloc[0]]].tail(1), last


def _sum(figures: Figures, measure: Measure, rows: pd.DataFrame) -> Amount:
    """Add figures up, with the interval of the last of them where it is corrected for late reports."""
    value = float(rows["value"].sum())
    low, high = value, value
    if measure.counted is not None:
        size = revisions(figures, measure, str(rows["frequency"].iloc[0]))
        counted = figures.frame(measure.series, str(rows["frequency"].iloc[0]), [measure.counted])
        counted = counted[counted["end"].isin(rows["end"])]
        floor = float(counted["value"].sum()) if len(counted) == len(rows) else value
        low, high = min(floor, value * (1 - size)), value * (1 + size)
    vintages = dict.fromkeys(str(one) for one in rows["vintage"])
    return Amount(
        value,
        low,
        high,
        rows["start"].min().date(),
        rows["end"].max().date(),
        ", ".join(vintages),
        bool(rows["revised"].any()),
    )


def revisions(figures: Figures, measure: Measure, frequency: str) -> float:
    """Return how far the copies held of one period lie apart: the 95 % point of the relative distance, 0 if unknown."""
    rows = figures.vintages(measure.series, frequency, [measure.member])
    held = rows.groupby("end")["value"].agg(["min", "max", "count"])
    held = held[held["count"] > 1]
    if len(held) < MIN_REVISED:
        return 0.0
    return float((held["max"] / held["min"] - 1).quantile(0.95))
