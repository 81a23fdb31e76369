"""Targets with a due date: met, missed or open, and for open ones the share of draws that meet them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo.dialogue.dossier import Commitment, Measure
from acuerdo.figures.store import Figures

if TYPE_CHECKING:
    from acuerdo.projection import Ensemble, Projector

Floats = npt.NDArray[np.float64]
MONTHLY = ("month", "twelve_months")


@dataclass(frozen=True)
class Deadline:
    """How a target stands in a view of the figures.

    Attributes:
        state: met or missed once the deciding figure is public, open before, unknown without a baseline.
        months: the twelve months that decide.
        baseline: the same before the commitment.
        mark: what the figures have to be below or above.
        value: the deciding figure, if public.
    """

    state: Literal["met", "missed", "open", "unknown"]
    months: pd.PeriodIndex
    baseline: float
    mark: float
    value: float | None = None


@dataclass(frozen=True)
class Chance:
    """The chance of meeting an open target, from the projection under what is in force.

    Attributes:
        probability: share of the draws that meet it.
        low: lower end of the 90 % interval that comes from the number of draws alone.
        high: its upper end.
        draws: number of draws.
        known: how many of the deciding months were public.
        provisional: whether the calibration behind it is a quick, unreviewed one.
    """

    probability: float
    low: float
    high: float
    draws: int
    known: int
    provisional: bool = True


def deciding_months(due: date) -> pd.PeriodIndex:
    """Return the last twelve whole months that end by a day."""
    last = pd.Period(due, "M")
    if pd.Timestamp(due) < last.end_time.normalize():
        last -= 1
    return pd.period_range(last - 11, last, freq="M")


def deadline(figures: Figures, promise: Commitment, measure: Measure) -> Deadline | None:
    """Return how a target stands, or None if the commitment has no target, no due date or no figures by month."""
    frequency = measure.frequency or figures.series(measure.series).frequency
    if measure.target is None or promise.due is None or frequency not in MONTHLY:
        return None
    months = deciding_months(promise.due)
    found = _public(figures, measure, frequency)
    made = pd.Period(promise.made, "M")
    before = pd.period_range(made - (12 if frequency == "month" else 1), made - 1, freq="M")
    if not set(before) <= found.keys():
        return Deadline("unknown", months, float("nan"), float("nan"))
    baseline = sum(found[month] for month in before)
    mark = measure.target.mark(baseline)
    wanted = months if frequency == "month" else months[-1:]
    if not set(wanted) <= found.keys():
        return Deadline("open", months, baseline, mark)
    value = sum(found[month] for month in wanted)
    return Deadline("met" if measure.target.met(value, baseline) else "missed", months, baseline, mark, value)


def open_targets(figures: Figures, promises: Iterable[Commitment]) -> list[tuple[Commitment, Measure, Deadline]]:
    """Return the targets whose deciding figure is not public in this view."""
    found = [
        (promise, measure, deadline(figures, promise, measure)) for promise in promises for measure in promise.measures
    ]
    return [(promise, measure, one) for promise, measure, one in found if one is not None and one.state == "open"]


def months_needed(targets: Sequence[tuple[Commitment, Measure, Deadline]], last: pd.Period) -> int:
    """Return how many months after `last` a projection needs to reach every deciding month, at least one."""
    return max([1, *((one.months[-1] - last).n for _, _, one in targets)])


def chance(
    projector: Projector, ensemble: Ensemble, figures: Figures, measure: Measure, standing: Deadline
) -> Chance | None:
    """Return the share of draws that meet an open target, or None if the projection lacks a deciding month.

    Months that were public are taken as printed. A month of the record that is not public yet is the fitted one, and so
    is a twelve-month window that ends with the record: without the noise of observation.
    """
    frequency = measure.frequency or figures.series(measure.series).frequency
    draws = _draws(projector, ensemble, measure, frequency)
    if draws is None or measure.target is None:
        return None
    public = _public(figures, measure, frequency)
    wanted = standing.months if frequency == "month" else standing.months[-1:]
    if not all(month in public or month in draws for month in wanted):
        return None
    total = np.zeros(projector.draws)
    for month in wanted:
        total += public[month] if month in public else draws[month]
    met = total < standing.mark if measure.target.side == "below" else total > standing.mark
    low, high = _jeffreys(int(met.sum()), len(met))
    return Chance(float(met.mean()), low, high, len(met), sum(month in public for month in wanted))


def _public(figures: Figures, measure: Measure, frequency: str) -> dict[pd.Period, float]:
    """Return the figures of a view by the month in which they end."""
    rows = figures.frame(measure.series, frequency, [measure.member])
    return dict(zip(pd.PeriodIndex(rows["end"], freq="M"), rows["value"].astype(float), strict=True))


def _draws(
    projector: Projector, ensemble: Ensemble, measure: Measure, frequency: str
) -> dict[pd.Period, Floats] | None:
    """Return draws by month: as projected and, for the last months of the record, as fitted."""
    seen = ensemble.observed.get(measure.series, {})
    if measure.member not in seen:
        return None
    found = dict(zip(ensemble.months, seen[measure.member], strict=True))
    item, recent = projector.observables[measure.series], projector.posterior.recent
    parts = [part for part in item.parts(projector.built.model) if part[0] == measure.member]
    if len(parts) == 1 and parts[0][1] in recent:
        _, variable, row = parts[0]
        fitted = (recent[variable] if row is None else recent[variable][:, row]) * item.factor
        first = ensemble.months[0]
        before = pd.period_range(end=first - 1, periods=len(fitted), freq="M")
        fitted = fitted * item.lengths(before)[:, None]
        if frequency == "twelve_months":
            found[first - 1] = fitted[-12:].sum(axis=0)
        elif item.kind == "flow":
            found |= {first - len(fitted) + i: month for i, month in enumerate(fitted)}
    return found


def _jeffreys(hits: int, draws: int) -> tuple[float, float]:
    from scipy.stats import beta

    low, high = beta.ppf([0.05, 0.95], hits + 0.5, draws - hits + 0.5)
    return (0.0 if hits == 0 else float(low)), (1.0 if hits == draws else float(high))
