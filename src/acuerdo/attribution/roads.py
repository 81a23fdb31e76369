"""The two roads of the scorecard: what a series would have been without what was agreed, by model and by series.

The model's road runs the record again with every lever held, from the month of the meeting on, at its value of that
month, and with the latent series as they were fitted; what was published is divided by the model's paired ratio. It
takes out all measures that followed the meeting together, whoever took them, and not one commitment. The statistical
road lets the series itself go on as before the meeting.

For a declared question the model takes out just the measures that the question names, by their replays in the library
of packages, draw by draw; that stands beside the answer of the series.
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
from acuerdo.attribution.interval import LEVEL, Comparison, Interval, compare
from acuerdo.dialogue.scorecard import Attribution, Road
from acuerdo.figures.store import Figures
from acuerdo.packages import library

if TYPE_CHECKING:
    from acuerdo.attribution.answer import Answer
    from acuerdo.attribution.questions import Question
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
    _runs: dict[tuple[date | None, int | None, tuple[str, ...]], dict[str, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from acuerdo.inference.observe import load_observables

        self._observables = load_observables(self.built.corridor, self.built.model)

    def __call__(self, series: str, member: str, since: date, day: date | None) -> Attribution | None:
        """Return what a series would have been had the levers stayed as in the month of the meeting."""
        item = self._observables.get(series)
        start = pd.Period(since, "M")
        if item is None:
            return None
        months = self._record(day).months
        if not months[0] < start < months[-1]:
            return None
        hold = int((start - months[0]).n)
        with_, without = (self._of(item, member, self._run(day, at)) for at in (None, hold))
        view = self.figures.as_of(day)
        recorded = view.monthly(series)
        if with_ is None or without is None or member not in recorded:
            return None
        seen = recorded[member].reindex(months)[months > start].dropna()
        if seen.empty:
            return None
        at = months.get_indexer(seen.index)
        ratio = (without[at] + item.offset) / (with_[at] + item.offset)
        draws = ratio * seen.to_numpy(float)[:, None]
        low, middle, high = np.quantile(draws, ENDS, axis=1)
        path = pd.DataFrame({"observed": seen, "q05": low, "q50": middle, "q95": high}, index=seen.index)
        return _told("model", "levers_held", self.figures, series, path, draws)

    def ratio(self, question: Question, day: date | None, months: pd.PeriodIndex) -> Interval | None:
        """Return the treated members' total with the measures of a question over that without them, in the model.

        Args:
            question: the question; its `packages` are what is taken out.
            day: the as-of day.
            months: the months compared.

        Returns:
            With measures over without. Of 12-month sums, which overlap, the last counts. None where no lever stands for
            the measure, the model does not have the series, or the record of the day does not reach the measure.
        """
        item, record = self._observables.get(question.series), self._record(day)
        packages = [library(self.built.corridor)[name] for name in question.packages]
        if item is None or not packages or not all(record.reaches(one) for one in packages):
            return None
        at = record.months.get_indexer(months)
        totals = []
        for names in ((), tuple(question.packages)):
            run = self._run(day, None, names)
            parts = [self._of(item, member, run) for member in question.treated]
            if any(part is None for part in parts):
                return None
            values = np.sum([part for part in parts if part is not None], axis=0)[at[at >= 0]]
            if not len(values):
                return None
            totals.append(values[-1] if item.rolling is not None else values.sum(axis=0))
        return Interval.of_draws(totals[0] / totals[1])

    def compare(self, answer: Answer) -> Comparison | None:
        """Return the model's answer to a question beside that of the series; None if either has none."""
        if not answer.estimates:
            return None
        first = answer.estimates[0]
        months = pd.PeriodIndex(first.path.dropna(subset=["q05", "observed"]).index)
        own = self.ratio(answer.question, answer.day, months)
        return None if own is None else compare(own, first.ratio, none=1.0)

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

    def _record(self, day: date | None) -> Recorded:
        from acuerdo.replay import Recorded

        if day not in self._records:
            self._records[day] = Recorded.of(self.built, self.figures, self.posterior_of(day))
        return self._records[day]

    def _run(self, day: date | None, hold: int | None, without: tuple[str, ...] = ()) -> dict[str, Floats]:
        if (day, hold, without) not in self._runs:
            keep = tuple(dict.fromkeys(v for o in self._observables.values() for _, v, _ in o.parts(self.built.model)))
            record = self._record(day)
            if without:
                record = record.without([library(self.built.corridor)[name] for name in without])
            self._runs[day, hold, without] = record.run(keep, hold, levers=True)
        return self._runs[day, hold, without]


def _told(
    road: str, method: str, figures: Figures, series: str, path: pd.DataFrame, draws: Floats | None = None
) -> Attribution:
    """Return the attribution of a path with columns observed, q05, q50 and q95.

    The total is that of the months compared; of 12-month sums, which overlap, it is the last. Its interval is that of
    the totals of `draws`, (months, draws); without them that of the sums of the monthly ends, which takes every month
    as off in the same direction, so that it is wide rather than narrow.
    """
    entry = figures.series(series)
    counted = path.iloc[-1:] if entry.frequency == "twelve_months" else path
    observed, low, middle, high = (float(counted[name].sum()) for name in ("observed", "q05", "q50", "q95"))
    if draws is not None:
        low, middle, high = (float(x) for x in np.quantile(draws[-len(counted) :].sum(axis=0), ENDS))
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
    return {"model": model_road(corridor, figures, progress), "statistical": statistical_road(figures)}


def model_road(
    corridor: str | None, figures: Figures, progress: Callable[[int, int, float], None] | None = None
) -> ModelRoad:
    """Return the road by the model; see `roads_for` for the arguments."""
    from acuerdo.engine.load import load_model
    from acuerdo.inference.posterior import posterior_for

    built = load_model(corridor)
    return ModelRoad(built, figures, lambda day: posterior_for(built, figures, day, progress))
