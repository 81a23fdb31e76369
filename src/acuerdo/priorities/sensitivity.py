"""Global sensitivity through SALib: which unknowns and levers move outcomes (Morris to screen, Sobol to share out).

A factor is a number from 0 to 1. A parameter's factor is the quantile of its posterior draws, so that the ranges are
those that the figures leave; members of one parameter move together. A lever's factor runs over its feasible settings.
Factors are taken as independent, which the posterior's are not altogether: the shares say what moves outcomes, not how
the posterior's variance splits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd
from SALib.analyze import morris as morris_analysis
from SALib.analyze import sobol as sobol_analysis
from SALib.sample import morris as morris_sample
from SALib.sample import sobol as sobol_sample

from acuerdo.effects import over_horizon
from acuerdo.inference.problem import lever_inputs
from acuerdo.priorities.space import Space, load_limits, make_space
from acuerdo.projection import Ensemble, Projector

Floats = npt.NDArray[np.float64]
Evaluate = Callable[[Floats], Floats]
"""From factors, shape (n, factors), to outcomes, shape (n, outcomes)."""
LEVELS = 4


def _problem(names: Sequence[str], bounds: Sequence[tuple[float, float]] | None) -> dict[str, object]:
    limits = [list(one) for one in bounds] if bounds else [[0.0, 1.0]] * len(names)
    return {"num_vars": len(names), "names": list(names), "bounds": limits}


def screen(
    evaluate: Evaluate,
    names: Sequence[str],
    outcomes: Sequence[str],
    trajectories: int,
    seed: int,
    bounds: Sequence[tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Return Morris's measures: columns outcome, factor, mu_star (mean absolute effect over the range), sigma.

    mu_star_conf is the half width of the 90 % interval of mu_star, by bootstrap over the trajectories. It takes
    `trajectories` x (factors + 1) runs.
    """
    problem = _problem(names, bounds)
    points = morris_sample.sample(problem, trajectories, num_levels=LEVELS, seed=seed)
    values = evaluate(points)
    rows = []
    for o, outcome in enumerate(outcomes):
        found = morris_analysis.analyze(problem, points, values[:, o], num_levels=LEVELS, seed=seed, conf_level=0.9)
        measures = ("mu_star", "mu_star_conf", "sigma")
        rows += [
            {"outcome": outcome, "factor": name, **{key: float(found[key][at]) for key in measures}}
            for at, name in enumerate(names)
        ]
    return pd.DataFrame(rows)


def shares(
    evaluate: Evaluate,
    names: Sequence[str],
    outcomes: Sequence[str],
    samples: int,
    seed: int,
    bounds: Sequence[tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Return Sobol's shares: columns outcome, factor, first, first_conf, total, total_conf.

    The last of each pair is the half width of the 90 % interval, by bootstrap over the samples. It takes
    `samples` x (factors + 2) runs; `samples` is a power of two.
    """
    problem = _problem(names, bounds)
    points = sobol_sample.sample(problem, samples, calc_second_order=False, seed=seed)
    values = evaluate(points)
    rows = []
    for o, outcome in enumerate(outcomes):
        found = sobol_analysis.analyze(problem, values[:, o], calc_second_order=False, conf_level=0.9, seed=seed)
        rows += [
            {"outcome": outcome, "factor": name, "first": s, "first_conf": sc, "total": t, "total_conf": tc}
            for name, s, sc, t, tc in zip(
                names, found["S1"], found["S1_conf"], found["ST"], found["ST_conf"], strict=True
            )
        ]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Factors:
    """Parameters and levers of a model as factors, and the runs that they stand for.

    All other unknowns, the chance events and the state at the start are those of one draw in the middle.

    Attributes:
        projector: model and posterior.
        parameters: names of parameters.
        space: levers with their feasible settings.
        levers: names of levers; set from the first month.
        outcomes: names of outcomes.
        columns: runs at once.
    """

    projector: Projector
    parameters: tuple[str, ...]
    space: Space
    levers: tuple[str, ...]
    outcomes: tuple[str, ...]
    columns: int = 1024

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors, in order."""
        return (*self.parameters, *self.levers)

    def __call__(self, points: Floats) -> Floats:
        """Run the model at factors, shape (n, factors); return outcomes, shape (n, outcomes)."""
        found = []
        for first in range(0, len(points), self.columns):
            part = points[first : first + self.columns]
            padded = np.concatenate([part, np.repeat(part[-1:], self.columns - len(part), axis=0)])
            found.append(self._run(padded)[: len(part)])
        return np.concatenate(found)

    def _run(self, points: Floats) -> Floats:
        projector, built = self.projector, self.projector.built
        unknowns = np.sort(projector.posterior.parameters, axis=1)
        middle = np.median(unknowns, axis=1)
        z = np.repeat(middle[:, None], len(points), axis=1)
        steps = np.linspace(0, 1, unknowns.shape[1])
        for column, name in enumerate(self.parameters):
            rows = built.slices[name]
            z[rows] = np.stack([np.interp(points[:, column], steps, row) for row in unknowns[rows]])
        levers = {name: np.repeat(value[..., None], len(points), axis=-1) for name, value in projector.base.items()}
        for column, name in enumerate(self.levers, start=len(self.parameters)):
            low, high = self.space.limits.bounds[name]
            lever = built.levers[name]
            spread = lever.spread(1.0, built.members(lever.over))
            value = low + points[:, column] * (high - low)
            wanted = np.multiply.outer(spread, value)
            levers[name] = np.where(
                np.broadcast_to((spread > 0)[..., None], wanted.shape)[None], wanted[None], levers[name]
            )

        def one(value: object) -> Floats:
            array = np.asarray(value)
            drawn = array.ndim > 0 and array.shape[-1] == projector.draws
            return np.asarray(np.median(array, axis=-1, keepdims=True) if drawn else array)

        kind = projector.dtype
        state = {
            name: jnp.asarray(np.repeat(one(value), len(points), axis=-1), kind)
            for name, value in projector.state.items()
        }
        given = {
            name: jnp.asarray(one(value), kind) for name, value in {**projector.season, **projector.latent}.items()
        }
        set_to = {name: jnp.asarray(np.asarray(x)[..., 0], kind) for name, x in lever_inputs(built, levers).items()}
        variables = tuple(dict.fromkeys(projector.outcomes[name].variable for name in self.outcomes))
        parameters = {name: jnp.asarray(value, kind) for name, value in built.values(jnp.asarray(z)).items()}
        _, outputs = built.simulator.run(state, parameters, {**given, **set_to}, variables)
        ensemble = Ensemble(projector.months, {name: np.asarray(x, float) for name, x in outputs.items()}, {})
        columns = [over_horizon(projector.outcomes[name], ensemble, len(projector.months)) for name in self.outcomes]
        return np.stack([np.broadcast_to(column, len(points)) for column in columns], axis=1)


def screened_shares(
    projector: Projector,
    outcomes: Sequence[str],
    sides: Sequence[str],
    trajectories: int,
    samples: int,
    kept: int,
    seed: int,
    tick: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Screen all parameters and feasible levers by Morris, then share out the variance of each outcome by Sobol.

    Args:
        projector: model and posterior.
        outcomes: names of outcomes.
        sides: names of the sides.
        trajectories: of the screening.
        samples: of the shares; a power of two.
        kept: factors of each outcome that go on from the screening to the shares; the others stay in the middle.
        seed: of both.
        tick: called after the screening and after each outcome.

    Returns:
        Columns of `shares`, mu_star, mu_star_conf and kind (lever or parameter), for each outcome the factors kept,
        those with the largest total share first. Shares are missing for an outcome that no factor moves.
    """
    built = projector.built
    limits, _ = load_limits(built.corridor, built.levers)
    space = make_space(built.levers, projector.base, projector.members, limits, sides, len(projector.months))
    levers = tuple(name for name, lever in space.levers.items() if not lever.contested)
    every = Factors(projector, tuple(built.slices), space, levers, tuple(outcomes))
    screening = screen(every, every.names, outcomes, trajectories, seed)
    if tick:
        tick("screening")
    found = []
    for outcome in outcomes:
        rows = screening[screening["outcome"] == outcome].nlargest(kept, "mu_star")
        names = list(rows["factor"])
        some = Factors(
            projector,
            tuple(name for name in names if name in built.slices),
            space,
            tuple(name for name in names if name not in built.slices),
            (outcome,),
        )
        table = shares(some, some.names, [outcome], samples, seed).merge(
            rows[["factor", "mu_star", "mu_star_conf"]], on="factor"
        )
        table["kind"] = np.where(table["factor"].isin(list(built.slices)), "parameter", "lever")
        found.append(table.sort_values("total", ascending=False))
        if tick:
            tick(outcome)
    return pd.concat(found, ignore_index=True)
