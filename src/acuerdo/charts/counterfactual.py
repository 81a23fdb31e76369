"""A series with and without a measure, the donors' weights, and where the measure stands among its placebos."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from acuerdo.charts import axis, render, theme
from acuerdo.i18n import Texts

_EXTENT = 56  # px for the labels of the y axis
_ROOM = 2.5  # a band that goes further above the highest line than this many times its height is cut


@render.quick
def counterfactual_spec(
    path: pd.DataFrame,
    on: date,
    title: str,
    unit: str,
    texts: Texts,
    months_back: int = 36,
    width: int = 520,
    height: int = 220,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of a series with and without a measure.

    Args:
        path: by month (a PeriodIndex), columns observed, q05, q50 and q95; before the measure q50 is what was fitted.
            A band that goes far beyond the lines is cut at the top.
        on: the day of the measure, marked by a dashed line.
        title: what the chart shows.
        unit: the unit, shown under the title.
        texts: words and formats of the reader's language.
        months_back: how many months before the measure to show.
        width: width of the plot in pixels.
        height: height of the plot in pixels.
    """
    shown = path[path.index >= pd.Period(on, "M") - months_back]
    band = shown.dropna(subset=["q05", "q95"])
    top = _ROOM * float(shown[["observed", "q50"]].max().max())
    low, high, step = axis.nice_domain(0.0, min(top, float(shown[["observed", "q95", "q50"]].max().max())))
    start, end = shown.index[0], shown.index[-1]
    x = axis.years(start, end, axis.stamp(end + 1))
    y = axis.values(low, high, step, _EXTENT, grid=True)
    day = axis.stamp(pd.Timestamp(on))
    mark = render.drawn([{"month": day, "level": high, "words": texts.day(on, short=True)}]).encode(x=x)
    spread = render.drawn(_rows(band, ["q05", "q95"])).encode(x=x)
    fitted = render.drawn(_rows(shown[~shown.index.isin(band.index)], ["q50"])).encode(x=x, y=y("q50"))
    without = render.drawn(_rows(band, ["q50"])).encode(x=x, y=y("q50"))
    seen = render.drawn(_rows(shown, ["observed"])).encode(x=x, y=y("observed"))
    layers = [
        spread.mark_area(color=theme.BAND_OUTER, clip=True).encode(y=y("q05"), y2="q95:Q"),
        fitted.mark_line(color=theme.SKY, strokeWidth=1.2, strokeDash=[4, 3]),
        without.mark_line(color=theme.BLUE, strokeWidth=2.2, point={"color": theme.BLUE, "size": 18}),
        seen.mark_line(color=theme.INK, strokeWidth=1.8),
        mark.mark_rule(color=theme.MUTED, strokeDash=[3, 3], strokeWidth=1),
        mark.mark_text(align="right", baseline="top", dx=-4, color=theme.MUTED, fontSize=10).encode(
            y=y("level"), text="words:N"
        ),
    ]
    heading = alt.TitleParams(text=title, subtitle=unit, frame="bounds")
    return render.finish(alt.layer(*layers).properties(width=width, height=height, title=heading))


@render.quick
def placebo_spec(
    own: float, others: pd.Series[Any], title: str, subtitle: list[str], width: int = 240
) -> dict[str, Any]:
    """Return the specification of a strip: the statistic of the measure among those of its placebos.

    Args:
        own: the statistic at the true date or of the treated unit.
        others: the statistics of the placebos, by name.
        title: what the placebos are.
        subtitle: lines under the title: what the statistic is, and the p-value.
        width: width of the plot in pixels.
    """
    values = [float(value) for value in others]
    low, high, step = axis.nice_domain(0.0, max([own, *values]), ticks=3)
    x = alt.X(
        "value:Q",
        scale=alt.Scale(domain=[low, high], nice=False),
        axis=alt.Axis(
            values=axis.tick_values(low, high, step), format=axis.tick_format(step), title=None, domain=True, grid=False
        ),
    )
    y = alt.Y("row:Q", scale=alt.Scale(domain=[-1, 1]), axis=None)
    placebos = render.drawn([{"value": value, "row": 0} for value in values])
    treated = render.drawn([{"value": own, "row": 0}])
    layers = [
        placebos.mark_tick(color=theme.MUTED, thickness=1.6, size=22, opacity=0.75).encode(x=x, y=y),
        treated.mark_point(shape="diamond", filled=True, color=theme.VERMILION, size=110, opacity=1).encode(x=x, y=y),
    ]
    heading = alt.TitleParams(text=title, subtitle=subtitle, fontSize=12, frame="bounds")
    return render.finish(alt.layer(*layers).properties(width=width, height=46, title=heading))


@render.quick
def weights_spec(weights: pd.Series[Any], title: str, texts: Texts, width: int = 150) -> dict[str, Any]:
    """Return the specification of bars: the weight of each donor, largest first; `weights` by name, sum 1."""
    ordered = weights.sort_values(ascending=False)
    names = [str(name) for name in ordered.index]
    rows = [
        {"name": name, "value": float(value), "words": texts.percent(float(value))}
        for name, value in zip(names, ordered, strict=True)
    ]
    y = alt.Y("name:N", sort=names, axis=alt.Axis(title=None, domain=False, ticks=False, labelLimit=120))
    x = alt.X("value:Q", scale=alt.Scale(domain=[0, max(float(ordered.max()), 0.01)]), axis=None)
    base = render.drawn(rows).encode(y=y, x=x)
    layers = [
        base.mark_bar(color=theme.BLUE, height=10),
        base.mark_text(align="left", dx=4, color=theme.MUTED, fontSize=10).encode(text="words:N"),
    ]
    heading = alt.TitleParams(text=title, fontSize=12, frame="bounds")
    return render.finish(alt.layer(*layers).properties(width=width, height=17 * len(names), title=heading))


def _rows(frame: pd.DataFrame, columns: list[str]) -> list[dict[str, float | int | None]]:
    return [
        {
            "month": axis.stamp(month),
            **{name: None if pd.isna(value) else float(value) for name, value in zip(columns, values, strict=True)},
        }
        for month, values in zip(frame.index, frame[columns].to_numpy(), strict=True)
    ]
