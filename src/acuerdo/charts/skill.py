"""How good forecasts were: skill against others with intervals, coverage of intervals, and histograms of PIT."""

from __future__ import annotations

import textwrap
from typing import Any

import altair as alt
import pandas as pd

from acuerdo.charts import render, theme
from acuerdo.i18n import Texts

_COLOURS = [theme.BLUE, theme.VERMILION, theme.GREEN, theme.PURPLE, theme.ORANGE, theme.INK]
_LEAST, _MOST = -1.0, 1.0  # a score worse than twice the other's is drawn at the edge


def _colour(names: list[str]) -> alt.Color:
    legend = alt.Legend(title=None, orient="top", direction="horizontal", symbolType="circle", symbolStrokeWidth=0)
    return alt.Color("who:N", scale=alt.Scale(domain=names, range=_COLOURS[: len(names)]), legend=legend)


def _inside(share: float) -> float | None:
    return None if pd.isna(share) else min(max(float(share), _LEAST), _MOST)


@render.quick
def skill_spec(rows: pd.DataFrame, texts: Texts, columns: int = 3, width: int = 205) -> dict[str, Any]:
    """Return the specification of skill by horizon, a panel for each series.

    Args:
        rows: columns panel, row (the horizon in words), who (the other forecaster), skill, low and high (shares; above
            zero is better), in the order to show.
        texts: words and formats of the reader's language.
        columns: panels beside each other.
        width: of a panel, in pixels.
    """
    names = list(dict.fromkeys(rows["who"]))
    order = list(dict.fromkeys(rows["row"]))
    ticks = alt.Axis(
        values=[-1, -0.5, 0, 0.5, 1],
        labelExpr="datum.value == 0 ? '0' : format(datum.value, '+.0%')",
        labelFlush=False,
        title=None,
        domain=False,
        ticks=False,
    )
    x = alt.X("skill:Q", scale=alt.Scale(domain=[_LEAST, _MOST]), axis=ticks)
    panels = []
    for panel in dict.fromkeys(rows["panel"]):
        records = [
            {
                "row": str(row["row"]),
                "who": str(row["who"]),
                **{name: _inside(row[name]) for name in ("skill", "low", "high")},
            }
            for row in rows[rows["panel"] == panel].dropna(subset=["skill"]).to_dict("records")
        ]
        y = alt.Y(
            "row:N", sort=order, scale=alt.Scale(domain=order), axis=alt.Axis(title=None, domain=False, ticks=False)
        )
        base = render.drawn(records).encode(
            y=y, yOffset=alt.YOffset("who:N", sort=names, scale=alt.Scale(domain=names))
        )
        zero = render.drawn([{"skill": 0}]).mark_rule(color=theme.INK, strokeWidth=1).encode(x=x)
        line = base.mark_rule(strokeWidth=1.5).encode(
            x=alt.X("low:Q", scale=alt.Scale(domain=[_LEAST, _MOST]), axis=ticks), x2="high:Q", color=_colour(names)
        )
        dot = base.mark_point(filled=True, size=34, opacity=1).encode(x=x, color=_colour(names))
        heading = alt.TitleParams(text=textwrap.wrap(str(panel), width // 7), fontSize=12)
        panels.append(alt.layer(zero, line, dot).properties(width=width, height=44 * len(order), title=heading))
    return render.finish(alt.concat(*panels, columns=columns, spacing=26))


@render.quick
def coverage_spec(
    rows: pd.DataFrame, nominal: float, band: tuple[float, float], texts: Texts, width: int = 420
) -> dict[str, Any]:
    """Return the specification of coverage: one line for each series, one dot for each forecaster.

    Args:
        rows: columns row (the series), who (the forecaster) and coverage (a share), in the order to show.
        nominal: the share that the intervals should hold, drawn as a line.
        band: the shares that count as good, shaded.
        texts: words and formats of the reader's language.
        width: of the plot, in pixels.
    """
    names, order = list(dict.fromkeys(rows["who"])), list(dict.fromkeys(rows["row"]))
    scale = alt.Scale(domain=[0, 1])
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], title=None, domain=False, ticks=False)
    y = alt.Y(
        "row:N", sort=order, axis=alt.Axis(title=None, domain=False, ticks=False, labelLimit=260, labelColor=theme.INK)
    )
    records = [
        {"row": str(row["row"]), "who": str(row["who"]), "coverage": float(row["coverage"])}
        for row in rows.to_dict("records")
    ]
    shade = render.drawn([{"low": band[0], "high": band[1]}]).mark_rect(color=theme.BAND_OUTER, opacity=0.7)
    shaded = shade.encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q")
    line = render.drawn([{"at": nominal}]).mark_rule(color=theme.MUTED, strokeDash=[3, 3])
    dots = render.drawn(records).mark_point(filled=True, size=48, opacity=0.9)
    layers = alt.layer(
        shaded,
        line.encode(x=alt.X("at:Q", scale=scale, axis=axis)),
        dots.encode(
            x=alt.X("coverage:Q", scale=scale, axis=axis),
            y=y,
            yOffset=alt.YOffset("who:N", sort=names, scale=alt.Scale(domain=names)),
            color=_colour(names),
        ),
    )
    return render.finish(layers.properties(width=width, height=34 * len(order)))


@render.quick
def pit_spec(rows: pd.DataFrame, texts: Texts, bins: int = 10, width: int = 150) -> dict[str, Any]:
    """Return the specification of histograms of PIT values, one for each forecaster.

    A well-calibrated forecaster's are flat; a heap at both ends means intervals that are too narrow.

    Args:
        rows: columns who (the forecaster) and pit (0 to 1), in the order to show.
        texts: words and formats of the reader's language.
        bins: number of bars.
        width: of a panel, in pixels.
    """
    panels = []
    for who in dict.fromkeys(rows["who"]):
        values = rows.loc[rows["who"] == who, "pit"].clip(0, 1 - 1e-9)
        share = (values * bins).astype(int).value_counts(normalize=True)
        records = [
            {"low": i / bins, "high": (i + 1) / bins, "zero": 0, "share": float(share.get(i, 0.0))} for i in range(bins)
        ]
        top = alt.Scale(domain=[0, max(0.3, float(share.max()) * 1.05)])
        axis = alt.Axis(format=".0%", tickCount=4, title=None, domain=False, ticks=False)
        bars = render.drawn(records).mark_rect(color=theme.BLUE, stroke="white", strokeWidth=1)
        drawn = bars.encode(
            x=alt.X("low:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(values=[0, 0.5, 1], title=None, grid=False)),
            x2="high:Q",
            y=alt.Y("share:Q", scale=top, axis=axis),
            y2="zero:Q",
        )
        flat = render.drawn([{"at": 1 / bins}]).mark_rule(color=theme.INK, strokeDash=[3, 3])
        panels.append(
            alt.layer(drawn, flat.encode(y=alt.Y("at:Q", scale=top, axis=axis))).properties(
                width=width, height=110, title=alt.TitleParams(text=str(who), fontSize=12)
            )
        )
    return render.finish(alt.concat(*panels, columns=4, spacing=20))
