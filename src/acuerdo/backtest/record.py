"""What was published of a series: the history that a rival sees, and what came."""

from __future__ import annotations

import numpy as np
import pandas as pd

from acuerdo.backtest.plan import Target
from acuerdo.figures.catalogue import ALL
from acuerdo.figures.store import Figures
from acuerdo.inference.observe import Observable


def published(view: Figures, target: Target) -> pd.Series[float]:
    """Return the monthly figures of a target in a view, by month, without gaps filled."""
    monthly = view.monthly(target.series)
    if target.member not in monthly:
        return pd.Series(dtype=float, index=pd.PeriodIndex([], freq="M"))
    return monthly[target.member].dropna()


def history(view: Figures, observables: dict[str, Observable], target: Target, months: int) -> pd.Series[float]:
    """Return the history that a rival forecasts from: the last months up to the newest figure of the view.

    Where the publisher prints sums over the last months sooner than single months, their differences go on where the
    single months end, as they do in the calibration: all forecasters use the same figures. Months missing inside the
    span are interpolated in logs.

    Args:
        view: what had been published.
        observables: the observation models.
        target: the series and member.
        months: the most months to return.
    """
    found = published(view, target)
    item = observables[target.series]
    total = target.member in (ALL, item.member)
    for other in observables.values():
        if other.rolling and not item.rolling and other.variable == item.variable and total:
            found = _extended(found, published(view, Target(other.series, other.member)), other.rolling)
    if found.empty:
        return found
    span = pd.period_range(found.index.min(), found.index.max(), freq="M")[-months:]
    shift = item.offset + 1e-9
    logs = (found.reindex(span) + shift).map(np.log).interpolate(limit_area="inside").dropna()
    return (logs.map(np.exp) - shift).clip(lower=0.0)


def _extended(single: pd.Series[float], sums: pd.Series[float], width: int) -> pd.Series[float]:
    """Carry single months on by sums over `width` months: d[t] = S[t] - S[t-1] + d[t-width]."""
    months = dict(single.items())
    totals = dict(sums.items())
    for end in sums.index:
        if end not in months and end - 1 in totals and end - width in months:
            months[end] = max(totals[end] - totals[end - 1] + months[end - width], 0.0)
    return pd.Series(months).sort_index()


def came(view: Figures, target: Target, month: pd.Period) -> float:
    """Return the figure for a month in a view, or NaN if it has none."""
    return float(published(view, target).get(month, np.nan))
