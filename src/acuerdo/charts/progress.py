"""A small multiple of progress: what was recorded, beside the comparable figures from before a meeting."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from acuerdo.charts import axis, render, theme
from acuerdo.i18n import Texts

_EXTENT = 42  # px for the labels of the y axis, the same in all so that they line up


def _points(frame: pd.DataFrame) -> list[dict[str, float | int]]:
    return [
        {"month": axis.stamp(month), "value": float(value)}
        for month, value in zip(frame["month"], frame["value"], strict=True)
    ]


@render.quick
def progress_spec(
    history: pd.DataFrame,
    before: pd.DataFrame,
    since: date,
    target: float | None = None,
    band: pd.DataFrame | None = None,
    now: pd.DataFrame | None = None,
    months_back: int = 30,
    width: int = 240,
    height: int = 44,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of one small multiple.

    Args:
        history: columns month and value as recorded.
        before: columns month and value, the comparable figures from before the meeting at the months after it.
        since: the day of the meeting.
        target: the level to reach, in the unit of the values.
        band: columns month, q05, q50 and q95 of the series without what was agreed.
        now: columns month and value of recorded figures that the line must not reach, such as a part of a year.
        months_back: how much history to show before the last month.
        width: whole width in pixels.
        height: height of the plot in pixels.
    """
    dots = history.tail(1) if now is None else now
    last = max(history["month"].iloc[-1], dots["month"].iloc[-1], pd.Period(since, "M") + 1)
    first = min(last - months_back, pd.Period(since, "M") - 6)
    history = history[history["month"] >= first]
    if band is not None:
        band = band[(band["month"] >= first) & (band["month"] <= last)].dropna()
    parts = [
        history["value"],
        dots["value"],
        before["value"],
        pd.Series([target] if target is not None else [], dtype=float),
    ]
    if band is not None:
        parts += [band["q05"], band["q95"]]
    values = pd.concat(parts)
    low, high, step = axis.nice_domain(float(values.min()), float(values.max()), ticks=3)
    x = axis.years(first, last, axis.stamp(last + 1))
    y = axis.values(low, high, step, _EXTENT)
    lines = [
        {"month": axis.stamp(first), "to": axis.stamp(last + 1), "value": tick}
        for tick in axis.tick_values(low, high, step)
    ]
    layers: list[Any] = [render.drawn(lines).mark_rule(color=theme.GRID).encode(x=x, x2="to:T", y=y("value"))]
    if band is not None and len(band):
        rows = [
            {"month": axis.stamp(row["month"]), **{name: float(row[name]) for name in ("q05", "q50", "q95")}}
            for row in band.to_dict("records")
        ]
        spread = render.drawn(rows).encode(x=x)
        layers.append(spread.mark_area(color=theme.BAND_OUTER).encode(y=y("q05"), y2="q95:Q"))
        layers.append(spread.mark_line(color=theme.BLUE, strokeWidth=1.4).encode(y=y("q50")))
    day = [{"month": axis.stamp(pd.Timestamp(since))}]
    layers.append(render.drawn(day).mark_rule(color=theme.MUTED, strokeDash=[3, 3], strokeWidth=1).encode(x=x))
    if target is not None:
        mark = [{"month": day[0]["month"], "to": axis.stamp(last + 1), "value": target}]
        rule = render.drawn(mark).mark_rule(color=theme.VERMILION, strokeWidth=1.6, strokeDash=[6, 3])
        layers.append(rule.encode(x=x, x2="to:T", y=y("value")))
    if len(before):
        grey = render.drawn(_points(before)).encode(x=x, y=y("value"))
        layers.append(grey.mark_line(color=theme.ORANGE, strokeWidth=1.8))
        if len(before) == 1:
            layers.append(grey.mark_point(color=theme.ORANGE, filled=True, size=26, opacity=1))
    line = render.drawn(_points(history)).encode(x=x, y=y("value"))
    layers.append(line.mark_line(color=theme.INK, strokeWidth=1.6))
    end = render.drawn(_points(dots)).encode(x=x, y=y("value"))
    layers.append(end.mark_point(color=theme.INK, filled=True, size=26, opacity=1))
    return render.finish(alt.layer(*layers).properties(width=width - _EXTENT - 8, height=height))


def progress(
    history: pd.DataFrame,
    before: pd.DataFrame,
    since: date,
    title: str,
    texts: Texts,
    description: str = "",
    **options: Any,
) -> str:
    """Draw one small multiple as SVG text; arguments as for `progress_spec`, and words for who does not see it."""
    return render.to_svg(progress_spec(history, before, since, **options), title, description, texts)
