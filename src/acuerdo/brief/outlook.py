"""The outlook: fans of the projection with the history that was public on the day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pandas as pd
import xarray as xr

from acuerdo import charts
from acuerdo.brief import settings as brief_settings
from acuerdo.brief.model import Chart, FanItem
from acuerdo.errors import DataError, unknown_name
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts, upper_first

_QUANTILES = ["q05", "q25", "q50", "q75", "q95"]


def bands(projection: xr.Dataset, variable: str, member: str = "ALL") -> pd.DataFrame:
    """Return columns month and q05 to q95 of one variable.

    Raises:
        InputError: the projection has no such variable or member.
        DataError: the variable has a further dimension of which no member was named.
    """
    if variable not in projection.data_vars:
        raise unknown_name("projection", variable, [str(name) for name in projection.data_vars])
    data = projection[variable]
    for name in [str(dim) for dim in data.dims if dim not in ("statistic", "month")]:
        members = [str(value) for value in data[name].values]
        if member == "ALL" and member not in members:
            raise DataError(f"projection of {variable}: the brief needs one member of {name}")
        if member not in members:
            raise unknown_name(f"{name} of {variable}", member, members)
        data = data.sel({name: member})
    values = data.sel(statistic=_QUANTILES).transpose("month", "statistic").to_numpy()
    months = pd.PeriodIndex(pd.DatetimeIndex(data["month"].to_numpy()), freq="M")
    table = pd.DataFrame(values, columns=_QUANTILES)
    table.insert(0, "month", months)
    return table


def label(projection: xr.Dataset, variable: str, texts: Texts) -> str:
    """Return the name of a variable of the projection."""
    return str(projection[variable].attrs[f"label_{texts.lang}"])


def recorded(figures: Figures, series: str, member: str) -> pd.DataFrame:
    """Return columns month and value of the history of a series; empty if it is not one of the catalogue."""
    empty = pd.DataFrame({"month": pd.PeriodIndex([], freq="M"), "value": pd.Series([], dtype=float)})
    if series not in figures.ids:
        return empty
    main = figures.series(series).frequency
    known = figures.catalogue.members(series)
    if member not in known:
        return empty
    rows = figures.frame(series, main if main in ("month", "twelve_months") else "month", [member])
    if rows.empty:
        return empty
    return pd.DataFrame({"month": pd.PeriodIndex(rows["end"], freq="M"), "value": rows["value"].to_numpy(dtype=float)})


def fans(
    projection: xr.Dataset,
    figures: Figures,
    wanted: Iterable[brief_settings.Fan],
    day: date,
    history_months: int,
    outlook_months: int,
    texts: Texts,
) -> tuple[FanItem, ...]:
    """Draw the fans a corridor asks for, leaving out variables that the projection lacks."""
    return tuple(
        _fan(projection, figures, fan, day, history_months, outlook_months, texts)
        for fan in wanted
        if fan.id in projection.data_vars
    )


def horizon(day: date, months: int) -> pd.Period:
    """Return the month that lies so many months after the day."""
    return pd.Period(day, "M") + months


def _fan(
    projection: xr.Dataset,
    figures: Figures,
    fan: brief_settings.Fan,
    day: date,
    history_months: int,
    outlook_months: int,
    texts: Texts,
) -> FanItem:
    series = fan.history or fan.id
    spread = bands(projection, fan.id, fan.member)
    past = recorded(figures, series, fan.history_member or fan.member)
    if len(past):
        spread = spread[spread["month"] > past["month"].iloc[-1]]
    spread = spread[spread["month"] <= horizon(day, outlook_months)]
    title = texts.pick(fan.label) or label(projection, fan.id, texts)
    unit = texts.pick(fan.unit)
    if not unit:
        known = series in figures.ids
        unit = texts.pick(figures.series(series).unit_label) if known else str(projection[fan.id].attrs["units"])
    words = upper_first(_clause(spread, past, texts))
    chart = charts.fan(past, spread, title, unit, texts, words, as_of=day, months_back=history_months, zero=fan.zero)
    return FanItem(fan.id, Chart(chart, title, words), words, _clause(spread, past, texts))


def _clause(spread: pd.DataFrame, past: pd.DataFrame, texts: Texts) -> str:
    """Say the median and the 90 % interval of the last month, beside the last recorded figure."""
    if not len(spread):
        return texts.t("brief.fan_none")
    last = spread.iloc[-1]
    words = texts.t(
        "brief.fan_words",
        month=texts.month(last["month"]),
        median=texts.rounded(float(last["q50"])),
        interval=texts.interval(float(last["q05"]), float(last["q95"])),
    )
    if not len(past):
        return words
    latest = past.iloc[-1]
    return f"{words} " + texts.t(
        "brief.fan_recorded", month=texts.month(latest["month"]), value=texts.rounded(float(latest["value"]))
    )
