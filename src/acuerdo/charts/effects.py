"""Dots and intervals: what each measure changes, one panel per outcome, around a line at zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

from acuerdo.charts import axis, render, theme
from acuerdo.i18n import Texts

_ROW = 19  # px for one measure
_NAMES = 214  # px for the names of the measures


@dataclass(frozen=True)
class EffectsPanel:
    """One outcome.

    Attributes:
        title: the outcome.
        unit: the unit of the change.
        rows: columns label (the measure), change, q05 and q95, in the order to show.
    """

    title: str
    unit: str
    rows: pd.DataFrame


def _panel(panel: EffectsPanel, names: list[str], width: int, named: bool, texts: Texts) -> Any:
    rows = panel.rows
    low, high, step = axis.nice_domain(float(rows["q05"].min()), float(rows["q95"].max()), ticks=3)
    records = [
        {
            "label": str(row["label"]),
            **{name: float(row[name]) for name in ("change", "q05", "q95")},
            "clear": bool(row["q05"] > 0 or row["q95"] < 0),
        }
        for row in rows.to_dict("records")
    ]
    x_axis = alt.Axis(
        values=axis.tick_values(low, high, step),
        labelExpr=f"datum.value == 0 ? '0' : format(datum.value, '+{axis.tick_format(step)}')",
        labelFlush=False,
        title=None,
        grid=True,
        domain=False,
        ticks=False,
    )
    y = alt.Y(
        "label:N",
        sort=names,
        scale=alt.Scale(domain=names, paddingOuter=0.4),
        axis=alt.Axis(
            title=None,
            domain=False,
            ticks=False,
            labels=named,
            labelLimit=_NAMES,
            labelColor=theme.INK,
            minExtent=_NAMES if named else 0,
            maxExtent=_NAMES if named else 0,
            labelPadding=8,
        ),
    )
    scale = alt.Scale(domain=[low, high], nice=False)
    base = render.drawn(records).encode(y=y)
    zero = (
        render.drawn([{"zero": 0}])
        .mark_rule(color=theme.INK, strokeWidth=1)
        .encode(x=alt.X("zero:Q", scale=scale, axis=x_axis))
    )
    whisker = base.mark_rule(color=theme.BLUE, strokeWidth=1.6).encode(
        x=alt.X("q05:Q", scale=scale, axis=x_axis), x2="q95:Q"
    )
    dot = base.mark_point(shape="circle", size=46, opacity=1, stroke=theme.BLUE, strokeWidth=1.6).encode(
        x=alt.X("change:Q", scale=scale, axis=x_axis),
        fill=alt.condition(alt.datum.clear, alt.value(theme.BLUE), alt.value("white")),
    )
    heading = alt.TitleParams(text=panel.title, subtitle=panel.unit, fontSize=12, frame="group")
    return alt.layer(zero, whisker, dot).properties(width=width, height=_ROW * len(names), title=heading)


@render.quick
def effects_spec(
    panels: list[EffectsPanel], texts: Texts, layout: Literal["wide", "tall"] = "wide", width: int = 700
) -> dict[str, Any]:
    """Return the Vega-Lite specification: panels beside each other with one column of names, or one above the other.

    A filled dot has a 90 % interval that does not hold zero; a hollow dot has one that does.
    """
    names = list(dict.fromkeys(str(label) for panel in panels for label in panel.rows["label"]))
    if layout == "tall":
        room = width - _NAMES - 20
        return render.finish(alt.vconcat(*[_panel(panel, names, room, True, texts) for panel in panels], spacing=18))
    room = (width - _NAMES - 16 - 18 * len(panels)) // max(len(panels), 1)
    row = [_panel(panel, names, room, index == 0, texts) for index, panel in enumerate(panels)]
    return render.finish(alt.hconcat(*row, spacing=18))


def effects(
    panels: list[EffectsPanel],
    title: str,
    texts: Texts,
    description: str = "",
    layout: Literal["wide", "tall"] = "wide",
    width: int = 700,
) -> str:
    """Draw the effects of measures as SVG text; arguments as for `effects_spec`, with an accessible description."""
    return render.to_svg(effects_spec(panels, texts, layout, width), title, description, texts)
