"""A sparkline: the course of one series in the space of a word."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from acuerdo.charts import render, theme
from acuerdo.charts.axis import nice_domain, stamp
from acuerdo.i18n import Texts


@render.quick
def sparkline_spec(history: pd.DataFrame, width: int = 110, height: int = 26) -> dict[str, Any]:
    """Return the Vega-Lite specification of a sparkline; see `sparkline`."""
    tidy = history.loc[:, ["month", "value"]].sort_values("month")
    rows = [
        {"month": stamp(month), "value": None if pd.isna(value) else float(value)}
        for month, value in zip(tidy["month"], tidy["value"], strict=True)
    ]
    known = [row for row in rows if row["value"] is not None]
    values = [float(row["value"] or 0.0) for row in known]
    low, high, _ = nice_domain(min(values, default=0.0), max(values, default=1.0))
    x = alt.X("month:T", axis=None, scale=alt.Scale(type="utc", nice=False))
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(domain=[low, high], nice=False))
    line = render.drawn(rows).mark_line(color=theme.MUTED, strokeWidth=1.3).encode(x=x, y=y)
    dot = render.drawn(known[-1:]).mark_point(color=theme.BLUE, filled=True, size=26, opacity=1).encode(x=x, y=y)
    spec = render.finish(alt.layer(line, dot).properties(width=width, height=height))
    spec["padding"] = {"left": 1, "right": 4, "top": 3, "bottom": 3}
    return spec


def sparkline(
    history: pd.DataFrame, title: str, texts: Texts, description: str = "", width: int = 110, height: int = 26
) -> str:
    """Draw columns month and value as a small line with a dot at its end, without axes, from zero.

    A row without a value breaks the line; periods that have no row do not.
    """
    spec = sparkline_spec(history, width, height)
    return render.to_svg(spec, title, description, texts)
