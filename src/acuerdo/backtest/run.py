"""Forecasts as of past days: the model's and its rivals', kept as files so that a run can go on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np

from acuerdo import projection
from acuerdo.backtest import keep, record, rivals
from acuerdo.backtest.plan import Plan, Target, month_of
from acuerdo.backtest.pool import MODEL
from acuerdo.engine.load import CorridorModel, code_digest
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.inference.observe import Observable
from acuerdo.inference.posterior import Progress, digests, posterior_for
from acuerdo.inference.problem import lever_record, record_months

MODEL_RECORD = "model_record"
"""The model with the levers as they came to be; not a forecast, because nobody knew those dates."""
DRAWS, SEED = 1000, 1
_QUICK_DRAWS = 200


class Forecaster(Protocol):
    """Something that forecasts every target of a plan from what had been published by a day."""

    name: str

    def key(self, day: date) -> str:
        """Return a hash of all that the forecasts of a day depend on."""
        ...

    def paths(self, day: date, progress: Progress | None = None) -> keep.Paths:
        """Return draws of paths by forecaster and target, (months, draws)."""
        ...


class Rivals:
    """Persistence, seasonal naive, ETS and AutoARIMA on the figures of the day's view alone."""

    name = "rivals"

    def __init__(
        self, figures: Figures, observables: dict[str, Observable], plan: Plan, draws: int = DRAWS, seed: int = SEED
    ) -> None:
        self.figures, self.observables, self.plan, self.draws, self.seed = figures, observables, plan, draws, seed

    def key(self, day: date) -> str:
        """Return a hash of the view, the plan, and the code and package that forecast."""
        here = Path(__file__).parent
        code = code_digest([here / "rivals.py", here / "record.py"])
        shapes = [(name, self.observables[name].offset, self.observables[name].count) for name in self.plan.series]
        plan = (self.plan.targets, self.plan.horizons, self.plan.history, shapes, self.draws, self.seed)
        return keep.key_of(self.figures.as_of(day).digest, plan, code, version("statsforecast"))

    def paths(self, day: date, progress: Progress | None = None) -> keep.Paths:
        """See `Forecaster`."""
        view, months = self.figures.as_of(day), max(self.plan.horizons)
        found: dict[str, dict[Target, keep.Floats]] = {name: {} for name in rivals.RIVALS}
        for step, target in enumerate(self.plan.targets):
            item = self.observables[target.series]
            past = record.history(view, self.observables, target, self.plan.history)
            for name, one in rivals.rivals(past, month_of(day), months, item.offset, item.count).items():
                found[name][target] = one.draw(months, self.draws, self.seed, f"{name} {target.name}")
            if progress:
                progress(step + 1, len(self.plan.targets), 0.0)
        return found


class Model:
    """The model, calibrated on the figures of the day's view, with the levers as known then and as they came to be."""

    name = "model"

    def __init__(
        self,
        built: CorridorModel,
        figures: Figures,
        observables: dict[str, Observable],
        plan: Plan,
        draws: int = DRAWS,
        seed: int = SEED,
    ) -> None:
        self.built, self.figures, self.observables, self.plan = built, figures, observables, plan
        self.draws, self.seed = draws, seed

    def key(self, day: date) -> str:
        """Return a hash of the view, the levers known then and since, the model and the code that projects."""
        months = keep.months_after(month_of(day), max(self.plan.horizons))
        tied = digests(self.built, self.figures.as_of(day), day, record_months(self.figures, day))
        later = {name: np.round(x, 6).tolist() for name, x in self._later(day).items()}
        code = code_digest([Path(projection.__file__)])
        plan = (self.plan.targets, self.plan.horizons, len(months), self.draws, self.seed)
        return keep.key_of(sorted(tied.items()), sorted(later.items()), code, plan)

    def _later(self, day: date) -> dict[str, keep.Floats]:
        months = keep.months_after(month_of(day), max(self.plan.horizons))
        return lever_record(self.built, months, self.figures, None)

    def paths(self, day: date, progress: Progress | None = None) -> keep.Paths:
        """See `Forecaster`."""
        posterior = posterior_for(self.built, self.figures, day, progress)
        months = max(self.plan.horizons)
        found: dict[str, dict[Target, keep.Floats]] = {}
        for name, levers in ((MODEL, None), (MODEL_RECORD, self._later(day))):
            projector = projection.Projector(
                self.built, self.figures, posterior, months, self.draws, self.seed, record=levers
            )
            seen = projector.run().observed
            found[name] = {target: seen[target.series][target.member] for target in self.plan.targets}
        return found


def forecasters(
    built: CorridorModel, figures: Figures, observables: dict[str, Observable], plan: Plan, quick: bool
) -> list[Forecaster]:
    """Return the rivals, first, and the model; quick with fewer draws."""
    draws = _QUICK_DRAWS if quick else DRAWS
    return [Rivals(figures, observables, plan, draws), Model(built, figures, observables, plan, draws)]


def tied(built: CorridorModel, figures: Figures) -> dict[str, str]:
    """Return the digests (`model`, `data`) that a posterior of the latest view has, to which weights are tied."""
    found = digests(built, figures, None, record_months(figures, None))
    return {"model": found["model_digest"], "data": found["data_digest"]}


def ready(plan: Plan, makers: Sequence[Forecaster], folder: Path) -> list[date]:
    """Return the origins whose forecasts are all in the folder and valid.

    Raises:
        InputError: there is none.
    """
    days = [
        day for day in plan.origins if all(keep.load(_path(folder, maker, day), maker.key(day)) for maker in makers)
    ]
    if not days:
        raise InputError("out", str(folder), "a folder with finished forecasts of this model and these figures")
    return days


def _path(folder: Path, maker: Forecaster, day: date) -> Path:
    return folder / "forecasts" / f"{maker.name}-{day}.nc"


def run(
    plan: Plan,
    makers: Sequence[Forecaster],
    folder: Path,
    progress: Progress | None = None,
    tick: Callable[[str], None] | None = None,
) -> dict[date, keep.Kept]:
    """Return the forecasts of every origin; those already in the folder and still valid are read, not made again.

    Args:
        plan: the plan.
        makers: who forecasts.
        folder: where forecasts are kept, one file for each maker and origin.
        progress: called within a forecast as (step, most, value).
        tick: called when one is ready, with its name.

    Raises:
        InputError: the folder cannot be written to.
    """
    found: dict[date, keep.Kept] = {}
    for day in plan.origins:
        ready = keep.Kept({}, {})
        for maker in makers:
            path, key = _path(folder, maker, day), maker.key(day)
            kept = keep.load(path, key)
            if kept is None:
                keep.save(path, maker.paths(day, progress), plan.horizons, key)
                kept = keep.load(path, key)
            assert kept is not None
            ready = ready.joined(kept)
            if tick:
                tick(f"{maker.name} {day}")
        found[day] = ready
    return found
