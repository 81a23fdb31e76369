"""What a published series would have been had it gone on as before a month: one series, no donors, no measure named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo.attribution.interval import LEVEL, Interval
from acuerdo.attribution.panel import MAX_GAPS, MIN_PRE, Note
from acuerdo.attribution.structural import structural
from acuerdo.figures.catalogue import ALL
from acuerdo.figures.store import Figures
from acuerdo.timeline import parse_month

MAX_PRE = 120
_WINDOWS = 10


@dataclass(frozen=True)
class Counterfactual:
    """A series as if it had gone on as before `since`.

    Attributes:
        series: its id.
        member: the member.
        since: first month after.
        unit: its unit.
        path: by month from `since`, columns observed, q05, q50 and q95 of the series without a change; None if it
            cannot be made.
        coverage: share of earlier windows of the same length whose last month lay in the 5-95 % interval, NaN if fewer
            than five could be made.
        reason: why there is no path.
        level: of the interval from q05 to q95.
    """

    series: str
    member: str
    since: pd.Period
    unit: str
    path: pd.DataFrame | None
    coverage: float
    reason: Note | None
    level: float = LEVEL


def counterfactual(
    series: str,
    since: str | pd.Period,
    member: str = ALL,
    as_of: date | str | None = None,
    figures: Figures | None = None,
    seed: int = 1,
) -> Counterfactual:
    """Return the structural counterfactual of a monthly series from `since` on, with what was published by a day.

    Fitted on up to ten years before `since`, which must hold 24 months with few gaps and no zeros. Twelve-month totals
    get a slope of their own and no season.

    Args:
        series: id of the series.
        since: first month that is not used to fit.
        member: the member; the total without it.
        as_of: day, month or None for the latest view.
        figures: the figures; those of the default corridor without them.
        seed: the same gives the same numbers.

    Raises:
        InputError: the series or the member is not known, or `since` is not a month.
    """
    view = (figures or Figures.open()).as_of(as_of)
    entry = view.series(series)
    start = since if isinstance(since, pd.Period) else parse_month(since, "since")
    unit = entry.unit
    view.frame(series, members=[member])  # refuses a member that the series does not have
    monthly = view.monthly(series)
    values = monthly[member].dropna() if member in monthly else pd.Series(dtype=float)

    def without(reason: Note) -> Counterfactual:
        return Counterfactual(series, member, start, unit, None, float("nan"), reason)

    if values.empty or values.index[-1] < start:
        return without(Note("too_short", {"months": 0, "needed": 1}))
    months = pd.period_range(max(values.index[0], start - MAX_PRE), values.index[-1], freq="M", name="month")
    known = values.reindex(months)
    before = known.loc[: start - 1]
    if len(before) < MIN_PRE or before.isna().mean() > MAX_GAPS:
        return without(Note("too_little_before", {"months": int(before.notna().sum()), "needed": MIN_PRE}))
    if (known <= 0).any():
        return without(Note("zeros"))
    overlapping = entry.frequency == "twelve_months"
    data, pre = known.to_numpy(dtype=float), len(before)
    after = len(data) - pre
    rng = np.random.default_rng(seed)

    def run(first: int, draws: int) -> npt.NDArray[np.float64]:
        made = structural(
            data[: first + after], first, rng, None, "slope" if overlapping else "level", not overlapping, draws
        )
        return made.draws

    draws = run(pre, 2000)
    latest = pre - after
    dates = sorted({int(one) for one in np.linspace(MIN_PRE, latest, _WINDOWS)}) if latest >= MIN_PRE else []
    inside = [
        Interval.of_draws(run(one, 500)[-1]).holds(data[one + after - 1])
        for one in dates
        if np.isfinite(data[one + after - 1])
    ]
    path = pd.DataFrame({"observed": data[pre:]}, index=months[pre:])
    low, middle, high = np.quantile(draws, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2], axis=1)
    path = path.assign(q05=low, q50=middle, q95=high)
    path.attrs = {"unit": unit, "level": LEVEL}
    coverage = float(np.mean(inside)) if len(inside) >= 5 else float("nan")
    return Counterfactual(series, member, start, unit, path, coverage, None)
