"""What was published against the model with nothing but policy moving: bands, and lines for the other two runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo.charts import axis, render, theme
from acuerdo.charts.fan import BANDS
from acuerdo.i18n import Texts

Floats = npt.NDArray[np.float64]
_EXTENT = 50  # px for the labels of the y axis
_HALF_MONTH = 15 * 24 * 3600 * 1000  # ms: a month stands at its middle, so that a day inside it is before or after


@dataclass(frozen=True)
class ReplayChart:
    """What one picture shows: months, what was published, draws (months, draws) of three runs, and the day marked.

    A month without a value is NaN in all draws.
    """

    months: pd.PeriodIndex
    published: Floats
    policy: Floats
    fitted: Floats
    neither: Floats
    start: date


def _middle(month: pd.Period) -> int:
    return axis.stamp(month) + _HALF_MONTH


@render.quick
def replay_spec(
    shown: ReplayChart, title: str, unit: str, texts: Texts, width: int = 680, height: int = 230
) -> dict[str, Any]:
    """Return the Vega-Lite specification: bands with policy alone, medians of the other runs, the published line."""
    quantiles = np.quantile(shown.policy, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1)
    bands = [
        {"month": _middle(month), **dict(zip(BANDS, map(float, quantiles[:, i]), strict=True))}
        for i, month in enumerate(shown.months)
        if np.isfinite(quantiles[:, i]).all()
    ]

    def line(values: Floats) -> list[dict[str, float | int]]:
        return [
            {"month": _middle(month), "value": float(value)}
            for month, value in zip(shown.months, values, strict=True)
            if np.isfinite(value)
        ]

    fitted, neither = np.median(shown.fitted, axis=1), np.median(shown.neither, axis=1)
    top = float(np.nanmax([quantiles[4].max(), np.nanmax(shown.published), np.nanmax(fitted), np.nanmax(neither)]))
    low, high, step = axis.nice_domain(0.0, top)
    ticks = [_middle(month) for month in shown.months]
    x = alt.X(
        "month:T",
        scale=alt.Scale(type="utc", domain=[ticks[0], ticks[-1]]),
        axis=alt.Axis(values=ticks, format="%b %Y", labelAngle=-40, grid=False, domain=False, title=None),
    )
    y = axis.values(low, high, step, _EXTENT, grid=True)
    band = render.drawn(bands).encode(x=x)
    day = axis.stamp(pd.Timestamp(shown.start))
    mark = render.drawn([{"month": day, "level": high, "words": texts.day(shown.start, short=True)}]).encode(x=x)
    seen = render.drawn(line(shown.published)).encode(x=x, y=y("value"))
    layers = [
        band.mark_area(color=theme.BAND_OUTER).encode(y=y("q05"), y2="q95:Q"),
        band.mark_area(color=theme.BAND_INNER).encode(y=y("q25"), y2="q75:Q"),
        band.mark_line(color=theme.BLUE, strokeWidth=2).encode(y=y("q50")),
        render.drawn(line(neither))
        .mark_line(color=theme.MUTED, strokeWidth=1.4, strokeDash=[2, 3])
        .encode(x=x, y=y("value")),
        seen.mark_line(color=theme.INK, strokeWidth=1.6),
        seen.mark_point(color=theme.INK, filled=True, size=24, opacity=1),
        render.drawn(line(fitted))
        .mark_line(color=theme.VERMILION, strokeWidth=1.6, strokeDash=[7, 3])
        .encode(x=x, y=y("value")),
        mark.mark_rule(color=theme.MUTED, strokeDash=[3, 3], strokeWidth=1),
        mark.mark_text(align="left", baseline="bottom", dx=4, dy=-1, color=theme.MUTED, fontSize=10).encode(
            y=y("level"), text="words:N"
        ),
    ]
    heading = alt.TitleParams(text=title, subtitle=unit, frame="bounds")
    return render.finish(alt.layer(*layers).properties(width=width - _EXTENT - 8, height=height, title=heading))


def replay(shown: ReplayChart, title: str, unit: str, texts: Texts, description: str = "", **options: Any) -> str:
    """Draw a replay as SVG text; arguments as for `replay_spec`, and a description for people who do not see it."""
    return render.to_svg(replay_spec(shown, title, unit, texts, **options), f"{title} ({unit})", description, texts)
