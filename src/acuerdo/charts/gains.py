"""The plane of both sides' gains: all packages compared, the front, no agreement at the crossing, the packages told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt

from acuerdo.charts import axis, render, theme
from acuerdo.i18n import Texts

_SIDE = 240  # px of the plane; small, because on paper it is drawn a few centimetres wide and its words must be read


@dataclass(frozen=True)
class Gains:
    """What is drawn, gains on no agreement as (first side, second side).

    Attributes:
        packages: all packages compared.
        front: those that no other is better than, in order of the first side's gain.
        told: packages told, with the label that stands beside them.
        axes: titles of the axes.
        nothing: words beside the point of no agreement.
        lines: words above the plane, as which package is which solution.
    """

    packages: list[tuple[float, float]]
    front: list[tuple[float, float]]
    told: list[tuple[float, float, str]]
    axes: tuple[str, str]
    nothing: str
    lines: tuple[str, ...] = ()


@render.quick
def gains_spec(gains: Gains, width: int = _SIDE, height: int = _SIDE) -> dict[str, Any]:
    """Return the Vega-Lite specification of the plane."""
    points = [(0.0, 0.0), *gains.front, *((x, y) for x, y, _ in gains.told)]
    shown = _near(gains.packages, points)
    channels = []
    for at, title in enumerate(gains.axes):
        values = [point[at] for point in [*points, *shown]]
        low, high, step = axis.nice_domain(min(values), max(values), ticks=5)
        ticks = alt.Axis(
            values=axis.tick_values(low, high, step),
            title=title,
            grid=True,
            domain=False,
            format=axis.tick_format(step),
        )
        channel = alt.X if at == 0 else alt.Y
        name = "x:Q" if at == 0 else "y:Q"
        channels.append(channel(name, scale=alt.Scale(domain=[low, high], nice=False), axis=ticks))
    x, y = channels

    def drawn(rows: list[tuple[float, ...]]) -> Any:
        return render.drawn([{"x": row[0], "y": row[1], "order": at} for at, row in enumerate(rows)]).encode(x=x, y=y)

    zero = {"x": 0.0, "y": 0.0, "label": gains.nothing}
    labels = [{"x": px, "y": py, "label": label} for px, py, label in gains.told]
    # from the edge of the drawing, not of the plane: the longest line needs the room beside the axis too
    heading = alt.TitleParams(
        text=list(gains.lines), frame="bounds", fontSize=theme.SIZE_LABEL, fontWeight="normal", color=theme.INK
    )
    layers = [
        render.drawn([zero]).mark_rule(color=theme.INK, strokeWidth=1).encode(x=x),
        render.drawn([zero]).mark_rule(color=theme.INK, strokeWidth=1).encode(y=y),
        drawn(list(shown)).mark_point(shape="circle", size=22, filled=True, color=theme.RULE, opacity=1),
        drawn(list(gains.front)).mark_line(color=theme.BAND_INNER, strokeWidth=2, order=True).encode(order="order:Q"),
        drawn(list(gains.front)).mark_point(shape="circle", size=26, filled=True, color=theme.BAND_INNER, opacity=1),
        render.drawn([zero])
        .mark_point(shape="cross", size=110, filled=True, color=theme.VERMILION, opacity=1)
        .encode(x=x, y=y),
        render.drawn([zero])
        .mark_text(align="left", baseline="top", dx=8, dy=7, color=theme.VERMILION)
        .encode(x=x, y=y, text="label:N"),
        render.drawn(labels)
        .mark_point(shape="circle", size=90, filled=True, color=theme.BLUE, opacity=1)
        .encode(x=x, y=y),
        render.drawn(labels)
        .mark_text(align="right", baseline="middle", dx=-8, dy=-9, color=theme.BLUE, fontWeight="bold")
        .encode(x=x, y=y, text="label:N"),
    ]
    plane = alt.layer(*layers).properties(width=width, height=height)
    return render.finish(plane.properties(title=heading) if gains.lines else plane)


def _near(packages: list[tuple[float, float]], points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the packages that lie no further out than the frame of the points that matter, widened by a half."""
    kept = packages
    for at in (0, 1):
        low, high = min(p[at] for p in points), max(p[at] for p in points)
        room = 0.5 * max(high - low, 1.0)
        kept = [p for p in kept if low - room <= p[at] <= high + room]
    return kept


def gains(found: Gains, title: str, texts: Texts, description: str = "") -> str:
    """Draw the plane as SVG text with an accessible name and description."""
    return render.to_svg(gains_spec(found), title, description, texts)
