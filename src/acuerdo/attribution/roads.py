"""The two roads of the scorecard: what a series would have been without what was agreed, by model and by series.

The model's road runs the record again with every lever held, from the month of the meeting on, at its value of that
month, and with the latent series as they were fitted; what was published is divided by the model's paired ratio. It
takes out all measures that followed the meeting together, whoever took them, and not one commitment. The statistical
road lets the series itself go on as before the meeting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo.attribution.counterfactual import counterfactual
from acuerdo.attribution.interval import LEVEL
from acuerdo.dialogue.scorecard import Attribution, Road
from acuerdo.figures.store import Figures

if TYPE_CHECKING:
    from acuerdo.engine.load import CorridorModel
    from acuerdo.inference.observe import Observable
    from acuerdo.inference.posterior import Posterior
    from acuerdo.replay import Recorded

Floats = npt.NDArray[np.float64]
ENDS = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)


def statistical_road(figures: Figures) -> Road:
    """Return the road by the series alone: a structural time series fitted to what came before the meeting's month."""
    kept: dict[tuple[str, str, date, date | None], Attribution | None] = {}

    def road(series: str, member: str, since: date, day: date | None) -> Attribution | None:
        key = (series, member, since, day)
        if key not in kept:
            start = pd.Period(since, "M") + 1
            found = counterfactual(series, start, member, day, figures)
            path = None if found.path is None else found.path.dropna()
            kept[key] = (
                None if path is None or path.empty else _told("statistical", "structural", figures, series, path)
            )
        return kept[key]

    return road


@dataclass
class ModelRoad:
    """The road by the model.

    Attributes:
        built: the model.
        figures: the figures.
        posterior_of: gives the posterior of a day.
    """

    built: CorridorModel
    figures: Figures
    posterior_of: Callable[[date | None], Posterior]
    _observables: dict[str, Observable] = field(default_factory=dict)
    _records: dict[date | None, Recorded] = field(default_factory=dict)
    _runs: dict[tuple[date | None, int | None], tuple[pd.PeriodIndex, dict[str, Floats]]] = field(default_factory=dict)

    def __call__(self, series: str, member: str, since: date, day: date | None) -> Attribution | None:
        """Return what a series would have been had the levers stayed as in the month of the meeting."""
        from acuerdo.inference.observe import load_observables

        if not self._observables:
            self._observables = load_observables(self.built.corridor, self.built.model)
        item = self._observables.get(series)
        start = pd.Period(since, "M")
        if item is None:
            return None
        months, fitted = self._run(day, None)
        if not months[0] < start < months[-1]:
            return None
        _, held = self._run(day, int((start - months[0]).n))
        with_, without = (self._of(item, member, run) for run in (fitted, held))
        view = self.figures.as_of(day)
        recorded = view.monthly(series)
        if with_ is None or without is None or member not in recorded:
            return None
        seen = recorded[member].reindex(months)[months > start].dropna()
        if seen.empty:
            return None
        at = months.get_indexer(seen.index)
        ratio = (without[at] + item.offset) / (with_[at] + item.offset)
        low, middle, high = np.quantile(ratio, ENDS, axis=1) * seen.to_numpy(float)
        path = pd.DataFrame({"observed": seen, "q05": low, "q50": middle, "q95": high}, index=seen.index)
        return _told("model", "levers_held", self.figures, series, path)

    def _of(self, item: Observable, member: str, run: dict[str, Floats]) -> Floats | None:
        """Return what the series would show without noise, (months, draws); None for a member that is not modelled."""
        parts = {name: (variable, row) for name, variable, row in item.parts(self.built.model)}
        members = list(parts) if member not in parts and item.over is not None else [member]
        if any(name not in parts for name in members):
            return None
        values = sum(run[v] if row is None else run[v][:, row] for v, row in (parts[name] for name in members))
        values = np.asarray(values) * item.factor
        if item.rolling is None:
            return values
        running = np.cumsum(values, axis=0)
        running[item.rolling :] = running[item.rolling :] - running[: -item.rolling]
        return running

    def _run(self, day: date | None, hold: int | None) -> tuple[pd.PeriodIndex, dict[str, Floats]]:
        from acuerdo.replay import Recorded

        if (day, hold) not in self._runs:
            keep = tuple(dict.fromkeys(v for o in self._observables.values() for _, v, _ in o.parts(self.built.model)))
            if day not in self._records:
                self._records[day] = Recorded.of(self.built, self.figures, self.posterior_of(day))
            record = self._records[day]
            self._runs[day, hold] = record.months, record.run(keep, hold, levers=True)
        return self._runs[day, hold]


def _told(road: str, method: str, figures: Figures, series: str, path: pd.DataFrame) -> Attribution:
    """Return the attribution of a path with columns observed, q05, q50 and q95.

    The total is that of the months compared; of 12-month sums, which overlap, it is the last. Totals of ends take every
    month as off in the same direction, so their interval is wide rather than narrow.
    """
    entry = figures.series(series)
    counted = path.iloc[-1:] if entry.frequency == "twelve_months" else path
    observed, low, middle, high = (float(counted[name].sum()) for name in ("observed", "q05", "q50", "q95"))
    verdict = "fall" if observed < low else "rise" if observed > high else "not_distinguishable"
    band = path[["q05", "q50", "q95"]].rename_axis("month").reset_index()
    return Attribution(
        road, method, entry.unit, counted.index[0], counted.index[-1], observed, (low, middle, high), verdict, band
    )


def roads_for(
    corridor: str | None, figures: Figures, progress: Callable[[int, int, float], None] | None = None
) -> dict[str, Road]:
    """Return both roads, by name, for the scorecard.

    Args:
        corridor: name of the corridor.
        figures: the figures.
        progress: called while a posterior is fitted, should there be none of the day.
    """
    from acuerdo.engine.load import load_model
    from acuerdo.inference.posterior import posterior_for

    built = load_model(corridor)
    model = ModelRoad(built, figures, lambda day: posterior_for(built, figures, day, progress))
    return {"model": model, "statistical": statistical_road(figures)}
