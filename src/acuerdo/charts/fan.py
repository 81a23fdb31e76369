"""The fan: what was recorded, then the median with its 50 and 90 % bands."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from acuerdo.charts import axis, render, theme
from acuerdo.i18n import Texts, decimals

BANDS = ["q05", "q25", "q50", "q75", "q95"]
_LABEL_ROOM = 66  # px kept free at the right for the labels of the last month
_EXTENT = 50  # px for the labels of the y axis, the same in all fans so that they line up


def _tidy(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the frame by month, in order, months as periods, without rows that lack a value."""
    tidy = frame.loc[:, ["month", *columns]].dropna().copy()
    months = tidy["month"]
    if not isinstance(months.dtype, pd.PeriodDtype):
        tidy["month"] = pd.PeriodIndex(pd.to_datetime(months), freq="M")
    return tidy.sort_values("month").reset_index(drop=True)


def _records(frame: pd.DataFrame, columns: list[str]) -> list[dict[str, float | int]]:
    return [
        {"month": axis.stamp(row["month"]), **{name: float(row[name]) for name in columns}}
        for row in frame.to_dict("records")
    ]


def _joined(history: pd.DataFrame, bands: pd.DataFrame) -> pd.DataFrame:
    """Start the bands from the last recorded month when they follow it without a gap."""
    if not len(history) or not len(bands) or bands["month"].iloc[0] != history["month"].iloc[-1] + 1:
        return bands
    last = history.iloc[-1]
    start = pd.DataFrame([{"month": last["month"], **dict.fromkeys(BANDS, last["value"])}])
    return pd.concat([start, bands], ignore_index=True)


def _with_gaps(history: pd.DataFrame) -> list[dict[str, float | int | None]]:
    """Return the records of a history with an empty one where months are missing, which breaks the line."""
    rows: list[dict[str, float | int | None]] = []
    before = None
    for row in history.to_dict("records"):
        if before is not None and row["month"] != before + 1:
            rows.append({"month": axis.stamp(before + 1), "value": None})
        rows.append({"month": axis.stamp(row["month"]), "value": float(row["value"])})
        before = row["month"]
    return rows


def _alone(history: pd.DataFrame) -> list[bool]:
    """Tell which months need a dot: the last one, and those without a neighbour, of which no line would tell."""
    months = set(history["month"])
    last = history["month"].iloc[-1]
    return [month == last or not {month - 1, month + 1} & months for month in history["month"]]


@render.quick
def fan_spec(
    history: pd.DataFrame,
    bands: pd.DataFrame,
    title: str,
    unit: str,
    texts: Texts,
    as_of: date | None = None,
    months_back: int = 36,
    zero: bool = True,
    width: int = 360,
    height: int = 170,
    without: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of a fan.

    Args:
        history: columns month and value; drawn as a line up to its last month.
        bands: columns month, q05, q25, q50, q75 and q95; may be empty.
        title: what the chart shows.
        unit: the unit, shown under the title.
        texts: words and formats of the reader's language.
        as_of: the day of the view, marked by a dashed line.
        months_back: how much history to show.
        zero: whether the axis starts from zero, as it must for counts.
        width: whole width in pixels.
        height: height of the plot in pixels.
        without: the outlook without the measures that `bands` are with, of the same form; drawn as a dashed median with
            the outline of its 90 % band, and the bands then in the colour of measures.
    """
    bands = _tidy(bands, BANDS)
    beside = _tidy(without, BANDS) if without is not None else bands.iloc[:0]
    main, outer, inner = (
        (theme.BLUE, theme.BAND_OUTER, theme.BAND_INNER)
        if without is None
        else (theme.VERMILION, theme.WITH_OUTER, theme.WITH_INNER)
    )
    history = _tidy(history, ["value"])
    end = max([*history["month"].tail(1), *bands["month"].tail(1)], default=pd.Period(as_of or "2000-01", "M"))
    last = history["month"].iloc[-1] if len(history) else end
    history = history[history["month"] > last - months_back]
    bands = _joined(history, bands)
    beside = _joined(history, beside) if len(beside) else beside
    start = min([*history["month"].head(1), *bands["month"].head(1)], default=end - months_back)

    everything = pd.concat([history["value"], bands["q05"], bands["q95"], beside["q05"], beside["q95"]])
    low, high, step = axis.nice_domain(float(everything.min()), float(everything.max()), zero)
    plot = width - _EXTENT - 8
    span = max(axis.stamp(end) - axis.stamp(start), 1)
    room = _LABEL_ROOM if len(bands) else 12
    x = axis.years(start, end, axis.stamp(start) + span * plot / (plot - room))
    y = axis.values(low, high, step, _EXTENT)
    lines = [
        {"month": axis.stamp(start), "to": axis.stamp(end), "level": tick} for tick in axis.tick_values(low, high, step)
    ]
    layers: list[Any] = [render.drawn(lines).mark_rule(color=theme.GRID).encode(x=x, x2="to:T", y=y("level"))]
    if len(bands):
        spread = render.drawn(_records(bands, BANDS)).encode(x=x)
        layers += [
            spread.mark_area(color=outer).encode(y=y("q05"), y2="q95:Q"),
            spread.mark_area(color=inner).encode(y=y("q25"), y2="q75:Q"),
            spread.mark_line(color=main, strokeWidth=2).encode(y=y("q50")),
        ]
    if len(beside):
        plain = render.drawn(_records(beside, BANDS)).encode(x=x)
        layers += [
            plain.mark_line(color=theme.BLUE, strokeWidth=1, strokeDash=[1, 3]).encode(y=y("q05")),
            plain.mark_line(color=theme.BLUE, strokeWidth=1, strokeDash=[1, 3]).encode(y=y("q95")),
            plain.mark_line(color=theme.BLUE, strokeWidth=1.6, strokeDash=[5, 3]).encode(y=y("q50")),
        ]
    if as_of is not None:
        day = axis.stamp(pd.Timestamp(as_of))
        layers.append(
            render.drawn([{"month": day}]).mark_rule(color=theme.MUTED, strokeDash=[3, 3], strokeWidth=1).encode(x=x)
        )
        layers.append(
            render.drawn([{"month": day, "words": texts.day(as_of, short=True), "level": high}])
            .mark_text(align="right", baseline="bottom", dx=-4, dy=-1, color=theme.MUTED, fontSize=10)
            .encode(x=x, y=y("level"), text="words:N")
        )
    if len(history):
        line = render.drawn(_with_gaps(history)).encode(x=x, y=y("value"))
        layers.append(line.mark_line(color=theme.INK, strokeWidth=1.6))
        dots = render.drawn(_records(history[_alone(history)], ["value"])).encode(x=x, y=y("value"))
        layers.append(dots.mark_point(color=theme.INK, filled=True, size=22, opacity=1))
    if len(bands):
        layers += _end_labels(bands.iloc[-1], x, y, (low, high), height, texts, main)
    heading = alt.TitleParams(text=title, subtitle=unit, frame="bounds")
    return render.finish(alt.layer(*layers).properties(width=plot, height=height, title=heading))


def _end_labels(
    last: pd.Series[Any], x: alt.X, y: Any, domain: tuple[float, float], height: int, texts: Texts, colour: str
) -> list[Any]:
    """Return the labels at the right of the last month: median in its colour, ends of the 90 % band in grey."""
    per_px = (domain[1] - domain[0]) / height
    names = ["q05", "q50", "q95"]
    places = axis.spread([float(last[name]) for name in names], gap=13 * per_px)
    month = axis.stamp(last["month"])
    digits = decimals(max(abs(float(last[name])) for name in names), 3)
    layers = []
    for name, place in zip(names, places, strict=True):
        main = name == "q50"
        row = {"month": month, "place": place, "words": texts.number(round(float(last[name]), digits), max(digits, 0))}
        layers.append(
            render.drawn([row])
            .mark_text(
                align="left",
                baseline="middle",
                dx=5,
                color=colour if main else theme.MUTED,
                fontWeight="bold" if main else "normal",
            )
            .encode(x=x, y=y("place"), text="words:N")
        )
    return layers


def fan(
    history: pd.DataFrame,
    bands: pd.DataFrame,
    title: str,
    unit: str,
    texts: Texts,
    description: str = "",
    **options: Any,
) -> str:
    """Draw a fan as SVG text; arguments as for `fan_spec`, and a description for people who do not see the chart."""
    spec = fan_spec(history, bands, title, unit, texts, **options)
    return render.to_svg(spec, f"{title} ({unit})", description, texts)
