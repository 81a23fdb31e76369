"""Pictures of a calibration: what was learned of each parameter, and published figures against the model's bands."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from acuerdo.charts import axis, render, theme
from acuerdo.i18n import Texts

_ROW = 14  # px for one parameter
_NAMES = 400  # px for the names of the parameters
_PRIOR_90, _PRIOR_50 = 1.645, 0.674  # ends of a standard normal's central intervals
_FAR = 4.0  # prior standard deviations shown to either side
_PANEL = (218, 84)  # px of one member's plot
_FEW = 14  # figures up to which each gets a bar of its own instead of a band


@render.quick
def learned_spec(rows: pd.DataFrame, axis_title: str, width: int = 400) -> dict[str, Any]:
    """Return the picture of parameters: posterior intervals over the band of the prior, in prior standard deviations.

    Args:
        rows: columns label, q05, q25, q50, q75, q95, in the order to show.
        axis_title: what the axis measures.
        width: of the plot in pixels.
    """
    labels = [str(label) for label in rows["label"]]
    low = min(-2.5, max(-_FAR, float(rows["q05"].min())))
    high = max(2.5, min(_FAR, float(rows["q95"].max())))
    scale = alt.Scale(domain=[low, high], nice=False, clamp=True)
    x_axis = alt.Axis(title=axis_title, tickCount=6, grid=False, format="~f")
    y = alt.Y(
        "label:N",
        sort=labels,
        scale=alt.Scale(domain=labels),
        axis=alt.Axis(
            title=None,
            domain=False,
            ticks=False,
            labelLimit=_NAMES,
            labelColor=theme.INK,
            labelFontSize=10,
            minExtent=_NAMES,
            maxExtent=_NAMES,
        ),
    )

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=scale, axis=x_axis)

    layers: list[Any] = [
        render.drawn([{"from": -end, "to": end}]).mark_rect(color=colour).encode(x=x("from"), x2="to:Q")
        for end, colour in ((_PRIOR_90, theme.GRID), (_PRIOR_50, theme.RULE))
    ]
    fields = ["q05", "q25", "q50", "q75", "q95"]
    records = [
        {"label": str(r["label"]), **{f: float(np.clip(r[f], low, high)) for f in fields}}
        for r in rows.to_dict("records")
    ]
    base = render.drawn(records).encode(y=y)
    layers += [
        base.mark_rule(color=theme.BLUE, strokeWidth=1.2).encode(x=x("q05"), x2="q95:Q"),
        base.mark_rule(color=theme.BLUE, strokeWidth=4).encode(x=x("q25"), x2="q75:Q"),
        base.mark_point(filled=True, color="white", stroke=theme.BLUE, strokeWidth=1, size=22, opacity=1).encode(
            x=x("q50")
        ),
    ]
    return render.finish(alt.layer(*layers).properties(width=width, height=_ROW * len(labels)))


@render.quick
def overview_spec(points: pd.DataFrame, across: str, up: str, width: int = 560, height: int = 300) -> dict[str, Any]:
    """Return a dot for each parameter: how far its mean moved, and how narrow it became.

    Args:
        points: columns group, shift, sd.
        across: title of the axis of `shift`.
        up: title of the axis of `sd`.
        width: of the plot in pixels.
        height: of the plot in pixels.
    """
    records = [
        {"group": str(r["group"]), "shift": float(r["shift"]), "sd": float(r["sd"])} for r in points.to_dict("records")
    ]
    groups = list(dict.fromkeys(str(group) for group in points["group"]))
    dots = (
        render.drawn(records)
        .mark_point(filled=True, size=26, opacity=0.75)
        .encode(
            x=alt.X("shift:Q", axis=alt.Axis(title=across, format="~f")),
            y=alt.Y(
                "sd:Q",
                scale=alt.Scale(domain=[0, max(1.1, float(points["sd"].max()))]),
                axis=alt.Axis(title=up, format="~f"),
            ),
            color=alt.Color(
                "group:N",
                sort=groups,
                scale=alt.Scale(domain=groups, range=theme.PALETTE[: len(groups)]),
                legend=alt.Legend(title=None, orient="top", columns=4),
            ),
        )
    )
    one = render.drawn([{"sd": 1}]).mark_rule(color=theme.MUTED, strokeDash=[3, 3]).encode(y="sd:Q")
    return render.finish(alt.layer(one, dots).properties(width=width, height=height))


def _panel(title: str, rows: pd.DataFrame, span: tuple[pd.Period, pd.Period]) -> Any:
    values = rows[["value", "q05", "q95"]].to_numpy(float)
    top, bottom = float(values.max()), float(values.min())
    low, high, step = axis.nice_domain(bottom, top, zero=bottom < 0.5 * top, ticks=3)
    start, end = span
    x = alt.X(
        "month:T",
        scale=alt.Scale(type="utc", domain=[axis.stamp(start), axis.stamp(end)]),
        axis=alt.Axis(
            values=axis.year_ticks(start, end),
            format="%Y",
            labelFontSize=9,
            labelFlush=False,
            grid=False,
            domain=False,
            title=None,
        ),
    )
    y_axis = alt.Axis(
        values=axis.tick_values(low, high, step),
        format=axis.tick_format(step),
        labelFontSize=9,
        title=None,
        domain=False,
        ticks=False,
        minExtent=44,
        maxExtent=44,
    )
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=scale, axis=y_axis)

    records = [
        {"month": axis.stamp(r["month"]), **{f: float(f"{r[f]:.4g}") for f in ("value", "q05", "q25", "q75", "q95")}}
        for r in rows.to_dict("records")
    ]
    base = render.drawn(records).encode(x=x)
    if len(rows) <= _FEW:
        bands = [
            base.mark_rule(color=theme.BAND_OUTER, strokeWidth=9).encode(y=y("q05"), y2="q95:Q"),
            base.mark_rule(color=theme.BAND_INNER, strokeWidth=9).encode(y=y("q25"), y2="q75:Q"),
        ]
    else:
        bands = [
            base.mark_area(color=theme.BAND_OUTER).encode(y=y("q05"), y2="q95:Q"),
            base.mark_area(color=theme.BAND_INNER).encode(y=y("q25"), y2="q75:Q"),
        ]
    dots = base.mark_point(color=theme.INK, filled=True, size=7, opacity=1).encode(y=y("value"))
    heading = alt.TitleParams(text=title, fontSize=11, offset=4, frame="bounds")
    return alt.layer(*bands, dots).properties(width=_PANEL[0], height=_PANEL[1], title=heading)


@render.quick
def checks_spec(panels: list[tuple[str, pd.DataFrame]], span: tuple[pd.Period, pd.Period]) -> dict[str, Any]:
    """Return panels of published figures (dots) over the 50 and 90 % bands of the calibrated model, three in a row.

    Args:
        panels: title, and columns month, value, q05, q25, q75, q95.
        span: first and last month of the axis.
    """
    drawn = [_panel(title, rows, span) for title, rows in panels]
    rows = [alt.hconcat(*drawn[at : at + 3], spacing=10) for at in range(0, len(drawn), 3)]
    return render.finish(alt.vconcat(*rows, spacing=12))


@render.quick
def ranks_spec(
    steps: pd.DataFrame, band: pd.DataFrame, across: str, up: str, width: int = 460, height: int = 260
) -> dict[str, Any]:
    """Return the picture of simulation-based calibration: distribution of the ranks less the uniform, one line each.

    Args:
        steps: columns quantity, at (0 to 1), difference.
        band: columns at, low, high: where 95 of 100 sets of uniform ranks stay throughout.
        across: title of the axis of `at`.
        up: title of the axis of differences.
        width: of the plot in pixels.
        height: of the plot in pixels.
    """
    x = alt.X("at:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title=across, format=".1f", grid=False))
    area = (
        render.drawn([{name: float(r[name]) for name in ("at", "low", "high")} for r in band.to_dict("records")])
        .mark_area(color=theme.BAND_OUTER)
        .encode(x=x, y=alt.Y("low:Q", axis=alt.Axis(title=up, format="+.1f")), y2="high:Q")
    )
    lines = (
        render.drawn(
            [
                {"quantity": str(r["quantity"]), "at": float(r["at"]), "difference": float(r["difference"])}
                for r in steps.to_dict("records")
            ]
        )
        .mark_line(color=theme.INK, strokeWidth=0.8, opacity=0.5)
        .encode(x=x, y="difference:Q", detail="quantity:N")
    )
    return render.finish(alt.layer(area, lines).properties(width=width, height=height))


def draw(spec: dict[str, Any], title: str, description: str, texts: Texts) -> str:
    """Draw one of these specifications as SVG text."""
    return render.to_svg(spec, title, description, texts)
