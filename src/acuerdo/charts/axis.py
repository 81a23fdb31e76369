"""Axes with round ends, and labels that do not run into each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import altair as alt
import pandas as pd


def nice_domain(low: float, high: float, zero: bool = True, ticks: int = 4) -> tuple[float, float, float]:
    """Return round ends that hold `low` to `high`, and the step between ticks."""
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    size = max(abs(low), abs(high))
    if high - low <= max(size * 1e-9, 1e-300):
        high = low + (size if size > 1e-300 else 1.0)
    raw = (high - low) / ticks
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step


def tick_values(low: float, high: float, step: float) -> list[float]:
    """Return the ticks from `low` to `high`."""
    count = round((high - low) / step)
    return [round(low + step * index, 10) for index in range(count + 1)]


def tick_format(step: float) -> str:
    """Return the d3 format with as many decimals as the step needs, thousands separated."""
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if digits and round(step * 10**digits, 6) % 1:
        digits += 1
    if not digits and step % 1:
        digits = 1
    return f",.{digits}f"


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Return positions at least `gap` apart, in the order given (rising) and as close to `values` as can be."""
    places = list(values)
    for _ in range(50):
        moved = False
        for index in range(len(places) - 1):
            short = gap - (places[index + 1] - places[index])
            if short > 1e-9:
                places[index] -= short / 2
                places[index + 1] += short / 2
                moved = True
        if not moved:
            break
    return places


def stamp(month: pd.Period | pd.Timestamp) -> int:
    """Return the start of a month as milliseconds in UTC, the one form of time that charts use."""
    start = month.to_timestamp() if isinstance(month, pd.Period) else pd.Timestamp(month)
    return int((start - pd.Timestamp("1970-01-01")) // pd.Timedelta(milliseconds=1))


def year_ticks(start: pd.Period, end: pd.Period) -> list[int]:
    """Return the Januaries from `start` to `end`."""
    return [stamp(month) for month in pd.period_range(start, end, freq="M") if month.month == 1]


def years(start: pd.Period, end: pd.Period, last: float) -> alt.X:
    """Return the time axis of field `month` up to the stamp `last`, with a tick at each January of `start` to `end`."""
    return alt.X(
        "month:T",
        scale=alt.Scale(type="utc", domain=[stamp(start), last]),
        axis=alt.Axis(values=year_ticks(start, end), format="%Y", grid=False, domain=False, title=None),
    )


def values(low: float, high: float, step: float, extent: int, grid: bool = False) -> Callable[[str], alt.Y]:
    """Return what makes the value axis of a field.

    Args:
        low: lower end.
        high: upper end.
        step: between ticks.
        extent: room for the labels, in pixels.
        grid: whether the axis draws grid lines.
    """
    shown = alt.Axis(
        values=tick_values(low, high, step),
        format=tick_format(step),
        title=None,
        domain=False,
        ticks=False,
        grid=grid,
        minExtent=extent,
        maxExtent=extent,
    )
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    return lambda field: alt.Y(f"{field}:Q", scale=scale, axis=shown)
