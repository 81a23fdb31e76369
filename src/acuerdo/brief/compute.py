"""Numbers worked out from figures that were public on the day, each with the figures it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from acuerdo.brief.settings import Item
from acuerdo.figures.store import Figure, Figures

_NEAR = pd.Timedelta(days=16)  # a dated stock counts as "a year earlier" within half a month


@dataclass(frozen=True)
class Reading:
    """A number with its period and what it rests on.

    Attributes:
        value: the number, in `unit`.
        unit: short unit of the series.
        start: first day of the period.
        end: last day of the period.
        frequency: what the period is.
        earlier: the same a year earlier, if known.
        parts: the figures used for `value`.
        earlier_parts: the figures used for `earlier`.
    """

    value: float
    unit: str
    start: date
    end: date
    frequency: str
    earlier: float | None
    parts: tuple[Figure, ...]
    earlier_parts: tuple[Figure, ...] = ()

    @property
    def change(self) -> float | None:
        """Relative change on a year earlier."""
        if self.earlier is None or self.earlier <= 0:
            return None
        return self.value / self.earlier - 1

    @property
    def revised(self) -> bool:
        """Whether the value rests on a vintage later than the day of the view."""
        return any(part.revised for part in self.parts)


def reading(figures: Figures, item: Item) -> Reading | None:
    """Work out one item of the brief, or None if the view lacks the figures."""
    if item.method == "sum_12":
        return _sum_12(figures, item)
    if item.method == "pace":
        return _pace(figures, item)
    if item.method == "twelve_months":
        return _twelve_months(figures, item)
    return _latest(figures, item)


def _figures(figures: Figures, item: Item, frequency: str | None = None) -> list[Figure]:
    """Return the figures of an item, oldest first, in its printed unit."""
    chosen = frequency or item.frequency or figures.series(item.series).frequency
    frame = figures.frame(item.series, chosen, [item.member])
    return [
        Figure(
            series=item.series,
            value=float(row["value"]) / item.scale,
            unit=str(row["unit"]),
            start=pd.Timestamp(row["start"]).date(),
            end=pd.Timestamp(row["end"]).date(),
            frequency=str(row["frequency"]),
            member=str(row["member"]),
            source=str(row["source"]),
            vintage=str(row["vintage"]),
            published=pd.Timestamp(row["published"]).date(),
            revised=bool(row["revised"]),
        )
        for row in frame.to_dict("records")
    ]


def _month(figure: Figure) -> pd.Period:
    return pd.Period(figure.end, "M")


def _year_before(figure: Figure, others: list[Figure]) -> Figure | None:
    """Return the figure for the same period one year earlier."""
    if figure.frequency == "day":
        target = pd.Timestamp(figure.end) - pd.DateOffset(years=1)
        near = [other for other in others if abs(pd.Timestamp(other.end) - target) <= _NEAR]
        return min(near, key=lambda other: abs(pd.Timestamp(other.end) - target), default=None)
    wanted = _month(figure) - 12
    same = [other for other in others if _month(other) == wanted and other.end.day >= min(figure.end.day, 28)]
    return same[-1] if same else None


def _latest(figures: Figures, item: Item) -> Reading | None:
    found = _figures(figures, item)
    if not found:
        return None
    last = found[-1]
    before = _year_before(last, found)
    return Reading(
        value=last.value,
        unit=last.unit,
        start=last.start,
        end=last.end,
        frequency=last.frequency,
        earlier=before.value if before else None,
        parts=(last,),
        earlier_parts=(before,) if before else (),
    )


def _sum_12(figures: Figures, item: Item) -> Reading | None:
    by_month = {_month(figure): figure for figure in _figures(figures, item, "month")}
    if not by_month:
        return None
    end = max(by_month)
    span = [by_month.get(month) for month in pd.period_range(end - 11, end, freq="M")]
    parts = tuple(part for part in span if part is not None)
    if len(parts) < 12:
        return None
    before = [by_month.get(month) for month in pd.period_range(end - 23, end - 12, freq="M")]
    earlier = tuple(part for part in before if part is not None)
    return Reading(
        value=sum(part.value for part in parts),
        unit=parts[-1].unit,
        start=parts[0].start,
        end=parts[-1].end,
        frequency="twelve_months",
        earlier=sum(part.value for part in earlier) if len(earlier) == 12 else None,
        parts=parts,
        earlier_parts=earlier if len(earlier) == 12 else (),
    )


def months_covered(figure: Figure) -> float:
    """Return the months from January to the end of a year-to-date figure, part months by days."""
    month = _month(figure)
    return month.month - 1 + figure.end.day / month.days_in_month


def _pace(figures: Figures, item: Item) -> Reading | None:
    found = _figures(figures, item, "year_to_date")
    if not found:
        return None
    last = found[-1]
    years = {_month(figure).year: figure for figure in _figures(figures, item, "year")}
    before = years.get(last.end.year - 1)
    return Reading(
        value=last.value * 12 / months_covered(last),
        unit=last.unit,
        start=date(last.end.year, 1, 1),
        end=date(last.end.year, 12, 31),
        frequency="pace",
        earlier=before.value if before else None,
        parts=(last,),
        earlier_parts=(before,) if before else (),
    )


def _twelve_months(figures: Figures, item: Item) -> Reading | None:
    found = _figures(figures, item, "year_to_date")
    years = {figure.end.year: figure for figure in _figures(figures, item, "year")}
    for last in reversed(found):
        same = _year_before(last, found)
        whole = years.get(last.end.year - 1)
        if same is not None and whole is not None:
            return Reading(
                value=last.value + whole.value - same.value,
                unit=last.unit,
                start=(pd.Period(last.end, "M") - 11).start_time.date(),
                end=last.end,
                frequency="twelve_months",
                earlier=None,
                parts=(last, whole, same),
            )
    return None


def history(figures: Figures, item: Item, months: int) -> pd.DataFrame:
    """Return columns month and value for a sparkline: the last months, or all points of an irregular series."""
    found = _figures(figures, item)
    if not found:
        return pd.DataFrame({"month": pd.PeriodIndex([], freq="M"), "value": []})
    points = pd.Series({_month(figure): figure.value for figure in found}).sort_index()
    regular = found[-1].frequency in ("month", "twelve_months")
    last = points.index[-1]
    span = points[points.index > last - months]
    if regular and len(span) > months / 2:
        points = span.reindex(pd.period_range(span.index[0], last, freq="M"))
    else:
        points = points[points.index > last - max(months, 120)]
    return pd.DataFrame({"month": points.index, "value": points.to_numpy()})
