"""Many packages at once: they are laid side by side, with their draws, on the draws axis of one run of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from acuerdo.effects import over_horizon
from acuerdo.engine.run import Arrays, place
from acuerdo.inference.problem import lever_inputs
from acuerdo.levers import Floats
from acuerdo.packages import monthly_cost
from acuerdo.priorities.futures import Future
from acuerdo.projection import Ensemble, Projector
from acuerdo.scenario import Setting

Package = Sequence[Setting]
COLUMNS = 1024
"""Columns of one run; few enough for the caches, many enough that the cost of a call does not count."""


class Batch:
    """Runs packages in every future with the same draws and chance events, so that all differences are paired.

    Args:
        projector: model, draws and months.
        futures: the futures; each package is run in each of them.
        outcomes: names of the outcomes, in the order of the results.
        columns: columns of one run.

    Attributes:
        runs: number of package-by-future-by-draw runs so far.
    """

    def __init__(
        self, projector: Projector, futures: Sequence[Future], outcomes: Sequence[str], columns: int = COLUMNS
    ) -> None:
        self.projector, self.futures, self.outcomes = projector, list(futures), list(outcomes)
        self.side_by_side = max(1, columns // projector.draws)
        self.runs = 0
        self._given = [self._lay_out(future) for future in self.futures]
        self._keep = tuple(dict.fromkeys(projector.outcomes[name].variable for name in self.outcomes))

    def _wide(self, arrays: Mapping[str, Any]) -> Arrays:
        """Repeat the draws once for each package that runs beside others, and put them on the devices."""
        draws, times = self.projector.draws, self.side_by_side
        wide: dict[str, Any] = {}
        for name, value in arrays.items():
            array = np.asarray(value)
            drawn = array.ndim > 0 and array.shape[-1] == draws and draws > 1
            wide[name] = np.tile(array, (*[1] * (array.ndim - 1), times)) if drawn else array
        return place(wide, draws * times, self.projector.dtype)

    def _lay_out(self, future: Future) -> tuple[Arrays, Arrays, Arrays]:
        projector = self.projector
        parameters = {**projector.parameters, **future.held(projector.parameters)}
        latent = {name: np.asarray(value) for name, value in projector.latent.items()}
        inputs = {**projector.season, **future.latent(latent, projector.built)}
        return self._wide(future.starts(projector.state)), self._wide(parameters), self._wide(inputs)

    def levers(self, packages: Sequence[Package]) -> dict[str, Floats]:
        """Return lever values of packages by month, shape (months, [members,] packages)."""
        made = [self.projector.levers(package) for package in packages]
        return {name: np.stack([one[name] for one in made], axis=-1) for name in made[0]}

    def costs(self, packages: Sequence[Package], months: int | None = None) -> Floats:
        """Return what packages cost each side beyond what is in force, in US dollars, shape (packages, sides)."""
        built = self.projector.built
        sides = list(built.corridor.about["sides"])
        found = []
        for package in packages:
            after = self.projector.levers(package)
            cost = monthly_cost(self.projector.base, after, built.levers, sides)
            found.append([float(cost[side][:months].sum()) for side in sides])
        return np.array(found)

    def levels(self, packages: Sequence[Package], months: Sequence[int] | None = None) -> Floats:
        """Run packages and return their outcomes.

        Args:
            packages: settings of each package; an empty one is what is in force.
            months: horizons wanted; the whole length without it.

        Returns:
            Shape (packages, futures, draws, outcomes); with several horizons (horizons, packages, ...).

        Raises:
            InputError: a setting is not valid.
        """
        horizons = list(months or [len(self.projector.months)])
        draws = self.projector.draws
        found = np.empty((len(horizons), len(packages), len(self.futures), draws, len(self.outcomes)))
        self._fill(found, packages, horizons)
        self.runs += len(packages) * len(self.futures) * draws
        return found if len(horizons) > 1 else found[0]

    def _fill(self, found: Floats, packages: Sequence[Package], horizons: Sequence[int]) -> None:
        """Run packages, block by block, into an array (horizons, packages, futures, draws, outcomes)."""
        for first, block in self._blocks(packages):
            levers = self.padded(block)
            for f in range(len(self.futures)):
                found[:, first : first + len(block), f] = self.in_future(levers, f, horizons)[:, : len(block)]

    def _blocks(self, packages: Sequence[Package]) -> list[tuple[int, list[Package]]]:
        """Return packages in blocks that run side by side, each with its place."""
        starts = range(0, len(packages), self.side_by_side)
        return [(first, list(packages[first : first + self.side_by_side])) for first in starts]

    def in_future(self, levers: Mapping[str, Floats], future: int, horizons: Sequence[int]) -> Floats:
        """Run one full block (see `padded`) in one future; return shape (horizons, side by side, draws, outcomes)."""
        outputs = self._run(future, self.futures[future].force(levers, self.projector.built))
        ensemble = Ensemble(self.projector.months, outputs, {})
        outcomes = [self.projector.outcomes[name] for name in self.outcomes]
        by_horizon = [np.stack([over_horizon(one, ensemble, h) for one in outcomes], axis=-1) for h in horizons]
        shape = (len(horizons), self.side_by_side, self.projector.draws, len(outcomes))
        return np.stack(by_horizon).reshape(shape)

    def padded(self, packages: Sequence[Package]) -> dict[str, Floats]:
        """Return lever values, the last package repeated until the run is full: one shape of run, compiled once."""
        missing = self.side_by_side - len(packages)
        values = self.levers(packages)
        return {k: np.concatenate([v, np.repeat(v[..., -1:], missing, axis=-1)], axis=-1) for k, v in values.items()}

    def _run(self, future: int, levers: Mapping[str, Floats]) -> dict[str, Floats]:
        built, draws, packages = self.projector.built, self.projector.draws, self.side_by_side
        inputs = {}
        for name, value in lever_inputs(built, levers).items():
            array = np.asarray(value, self.projector.dtype)
            wide = np.broadcast_to(array, (*array.shape[:-1], draws))
            inputs[name] = wide.reshape(*array.shape[:-2], packages * draws)
        state, parameters, given = self._given[future]
        placed = place(inputs, packages * draws, self.projector.dtype)
        _, outputs = built.simulator.run(state, parameters, {**given, **placed}, self._keep)
        columns = packages * draws
        arrays = {name: np.asarray(value, float) for name, value in outputs.items()}
        return {
            name: np.broadcast_to(value, (*value.shape[:-1], columns)) if value.shape[-1] == 1 else value
            for name, value in arrays.items()
        }


__all__ = ["COLUMNS", "Batch", "Package"]
