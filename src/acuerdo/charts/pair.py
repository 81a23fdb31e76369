"""Two versions of one path: their lines, and beside them the relative change with its 50 and 90 % bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo.charts import axis, render, theme
from acuerdo.charts.fan import BANDS
from acuerdo.i18n import Texts

Floats = npt.NDArray[np.float64]
_EXTENT = 50  # px for the labels of the y axis, the same in all charts so that they line up
_QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]


@render.quick
def pair_spec(
    months: Sequence[str],
    before: Floats,
    after: Floats,
    title: str,
    unit: str,
    change: str,
    names: tuple[str, str] = ("A", "B"),
    width: int = 360,
    height: int = 130,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of a pair; values that are not finite are left out.

    Args:
        months: YYYY-MM of each value.
        before: values, (months, draws); draw 0 is drawn as the line, the others give the bands of the change.
        after: the same of the other version.
        title: what is shown.
        unit: unit of the values.
        change: what the second plot shows: the gap in percent of the largest value of `before` in each draw.
        names: of the two versions, at the end of their lines.
        width: width of each of the two plots in pixels, with their axes.
        height: height of the plots in pixels.
    """
    stamps = [axis.stamp(pd.Period(month, "M")) for month in months]
    ends = pd.Period(months[0], "M"), pd.Period(months[-1], "M")
    plot = width - _EXTENT - 24
    x = alt.X(
        "month:T",
        scale=alt.Scale(type="utc", domain=[stamps[0], stamps[-1]]),
        axis=alt.Axis(values=axis.year_ticks(*ends), format="%Y", grid=False, domain=False, title=None),
    )
    levels = _levels(stamps, before[:, 0], after[:, 0], x, names, height).properties(
        width=plot, height=height, title=_subtitle(unit)
    )
    changes = _changes(stamps, before, after, x).properties(width=plot, height=height, title=_subtitle(change))
    return render.finish(
        alt.hconcat(levels, changes, spacing=18).properties(title=alt.TitleParams(text=title, frame="bounds", offset=6))
    )


def _subtitle(words: str) -> alt.TitleParams:
    return alt.TitleParams(
        text=words, fontSize=theme.SIZE_LABEL, fontWeight="normal", color=theme.MUTED, frame="bounds", offset=8
    )


def _frame(stamps: list[int], values: Floats, zero: bool, x: alt.X) -> tuple[Any, Any, tuple[float, float]]:
    """Return the lines of the grid, a maker of y channels, and the ends of the y axis for some values."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low, high, step = axis.nice_domain(low, high, zero, ticks=3)
    ticks = axis.tick_values(low, high, step)
    y = axis.values(low, high, step, _EXTENT)
    rows = [{"month": stamps[0], "to": stamps[-1], "level": tick} for tick in ticks]
    grid = render.drawn(rows).mark_rule(color=theme.GRID).encode(x=x, x2="to:T", y=y("level"))
    return grid, y, (low, high)


def _levels(stamps: list[int], before: Floats, after: Floats, x: alt.X, names: tuple[str, str], height: int) -> Any:
    grid, y, (low, high) = _frame(stamps, np.concatenate([before, after]), True, x)
    looks: list[tuple[Floats, str, dict[str, Any]]] = [
        (before, theme.INK, {"strokeWidth": 1.4, "strokeDash": [5, 3]}),
        (after, theme.BLUE, {"strokeWidth": 2}),
    ]
    layers = [grid]
    for values, colour, look in reversed(looks):
        rows = _finite({"month": stamp, "value": float(v)} for stamp, v in zip(stamps, values, strict=True))
        layers.append(render.drawn(rows).mark_line(color=colour, **look).encode(x=x, y=y("value")))
    last = [float(values[-1]) if np.isfinite(values[-1]) else low for values, _, _ in looks]
    order = np.argsort(last, kind="stable")
    places = axis.spread([last[i] for i in order], gap=13 * (high - low) / height)
    for i, place in zip(order, places, strict=True):
        row = {"month": stamps[-1], "value": place, "words": names[i]}
        mark = render.drawn([row]).mark_text(align="left", dx=5, color=looks[i][1], fontWeight="bold")
        layers.append(mark.encode(x=x, y=y("value"), text="words:N"))
    return alt.layer(*layers)


def _changes(stamps: list[int], before: Floats, after: Floats, x: alt.X) -> Any:
    clean = np.where(np.isfinite(before), before, 0.0)
    scale = np.abs(clean).max(axis=0)
    scale = np.where(scale > 0, scale, np.abs(np.where(np.isfinite(after), after, 0.0)).max(axis=0))
    gap = 100 * np.divide(after - before, scale, out=np.zeros_like(before), where=scale > 0)
    bands = np.quantile(gap[:, 1:], _QUANTILES, axis=1)
    grid, y, _ = _frame(stamps, np.concatenate([bands.ravel(), gap[:, 0]]), True, x)
    rows = _finite(
        {"month": stamp, "line": float(gap[t, 0]), **{name: float(bands[q, t]) for q, name in enumerate(BANDS)}}
        for t, stamp in enumerate(stamps)
    )
    shown = render.drawn(rows).encode(x=x)
    zero = render.drawn([{"month": stamps[0], "to": stamps[-1], "level": 0.0}])
    return alt.layer(
        shown.mark_area(color=theme.BAND_OUTER).encode(y=y("q05"), y2="q95:Q"),
        shown.mark_area(color=theme.BAND_INNER).encode(y=y("q25"), y2="q75:Q"),
        grid,
        zero.mark_rule(color=theme.INK, strokeDash=[5, 3]).encode(x=x, x2="to:T", y=y("level")),
        shown.mark_line(color=theme.BLUE, strokeWidth=2).encode(y=y("line")),
    )


def _finite(rows: Any) -> list[dict[str, Any]]:
    return [row for row in rows if all(np.isfinite(value) for value in row.values())]


def pair(
    months: Sequence[str],
    before: Floats,
    after: Floats,
    title: str,
    unit: str,
    change: str,
    description: str,
    texts: Texts,
) -> str:
    """Draw a pair as SVG text; arguments as for `pair_spec`, and a description for people who do not see the chart."""
    spec = pair_spec(months, before, after, title, unit, change)
    return render.to_svg(spec, f"{title} ({unit})", description, texts)
