"""Calibration of made-up figures: what is true is found again, with intervals as wide as they should be.

Simulation-based calibration (Talts and others, 2018): draw the unknowns from the prior, make figures from them with the
observation model, run the whole calibration on these, and note the rank of each true value among the posterior draws.
If model, likelihood and inference agree with each other, ranks are uniform.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from acuerdo.files import write_whole
from acuerdo.inference.centred import Centred
from acuerdo.inference.fit import fit
from acuerdo.inference.observe import STUDENT_DF, predict, spread
from acuerdo.inference.problem import Problem
from acuerdo.inference.sampler import Plan, sample

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Infer = Callable[[Problem, int], Floats]
"""From a problem and a seed to posterior draws of its unknowns, (size, draws)."""

DRAWS = 99
"""Draws among which a true value is ranked: 100 possible ranks."""


def simulate_data(problem: Problem, z: Floats, seed: int) -> Problem:
    """Return a problem like the one given, with figures made from unknowns in place of those published.

    The figures are those of the observation model as the likelihood has it: not rounded, and where counts are small
    they may lie below zero, down to minus the offset.

    Args:
        problem: model, months and rows.
        z: the true unknowns, (size,).
        seed: of the noise.
    """
    data, z_ = problem.data, jnp.asarray(z)[:, None]
    _, outputs, _ = problem.simulate(z_, data.variables)
    mean = np.maximum(np.asarray(predict(data, outputs)), 0.0)
    offset = data.offset[:, None] + 1e-9
    sd = np.asarray(problem.noise_sd(z_))[data.noise]
    width = np.asarray(spread(mean, sd, offset, data.poisson[:, None], data.late[:, None]))
    noise = np.random.default_rng(seed).standard_t(STUDENT_DF, mean.shape)
    carried = np.asarray(problem.carried_part(z_))[data.noise]
    for row in np.argsort(data.last, kind="stable"):
        if data.before[row] >= 0:
            kept = carried[row] ** data.apart[row]
            noise[row] = kept * noise[data.before[row]] + np.sqrt(1 - kept**2) * noise[row]
    value = np.exp(np.log(mean + offset) + width * noise) - offset
    return replace(problem, data=replace(data, value=value[:, 0]))


def by_laplace(problem: Problem, seed: int) -> Floats:
    """Calibrate by the quick method: the normal approximation, with the spreads that it holds drawn besides."""
    found = fit(problem)
    z = found.draw(DRAWS, seed)
    z[~found.active] = found.draw_held(DRAWS, seed)
    return z


def by_sampling(plan: Plan) -> Infer:
    """Return a calibration by the full method, thinned to so many draws."""

    def infer(problem: Problem, seed: int) -> Floats:
        centred = Centred(problem, fit(problem))
        centre = centred.centre()
        chains = sample(
            centred.log_density,
            centre,
            centred.spread(centre[:, None]),
            replace(plan, seed=seed),
            respread=centred.spread,
        )
        flat = chains.values.reshape(-1, problem.size)
        at = np.linspace(0, len(flat) - 1, DRAWS).round().astype(int)
        return centred.to_problem(flat[at].T)

    return infer


@dataclass(frozen=True)
class Ranks:
    """Result of simulation-based calibration.

    Attributes:
        names: the quantities: parameters (with their member), then each noise and the part of it that is carried on.
        truth: their true values, standard normal a priori, (fits, quantities).
        rank: how many of the posterior draws lie below, 0 to `DRAWS`, (fits, quantities).
        mean: posterior means, (fits, quantities).
        sd: posterior standard deviations, (fits, quantities).
        failed: fits that came to no end or whose made-up figures were not finite; they have no row.
    """

    names: list[str]
    truth: Floats
    rank: Ints
    mean: Floats
    sd: Floats
    failed: int = 0

    def p_values(self) -> Floats:
        """Return the chi-square test of uniform ranks for each quantity; NaN below ten fits."""
        fits = len(self.rank)
        bins = min(max(fits // 5, 2), 20)
        if fits < 10:
            return np.full(len(self.names), np.nan)
        edges = np.linspace(0, DRAWS + 1, bins + 1).round()
        expected = fits * np.diff(edges) / (DRAWS + 1)
        counts = np.array([np.histogram(column + 0.5, edges)[0] for column in self.rank.T])
        return np.asarray(stats.chisquare(counts, expected, axis=1).pvalue)

    def failing(self, level: float = 0.01) -> list[str]:
        """Return the quantities whose ranks are not uniform, with Bonferroni's correction for their number."""
        return [name for name, p in zip(self.names, self.p_values(), strict=True) if p < level / len(self.names)]

    def inside(self, share: float) -> Floats:
        """Return the share of fits whose central interval of that share holds the truth, by quantity."""
        low, high = (1 - share) / 2 * (DRAWS + 1), (1 + share) / 2 * (DRAWS + 1)
        return np.asarray(((self.rank + 0.5 > low) & (self.rank + 0.5 < high)).mean(axis=0))

    def recovered(self) -> Floats:
        """Return the share of the spread of the true values that the posterior means explain, by quantity."""
        gap = ((self.truth - self.mean) ** 2).mean(axis=0)
        return np.asarray(1 - gap / np.maximum((self.truth**2).mean(axis=0), 1e-12))

    def table(self) -> pd.DataFrame:
        """Return one row a quantity: p value, coverage, explained share, bias and spread in prior sds."""
        return pd.DataFrame(
            {
                "quantity": self.names,
                "p_value": self.p_values(),
                "inside_50": self.inside(0.5),
                "inside_90": self.inside(0.9),
                "recovered": self.recovered(),
                "bias": (self.mean - self.truth).mean(axis=0),
                "sd": self.sd.mean(axis=0),
            }
        )


def quantities(problem: Problem) -> list[str]:
    """Return the names of what is ranked, in the order of the unknowns."""
    labels = [f"{name}[{member}]" if member else name for name, member in problem.built.labels()]
    noises = problem.data.noises
    return labels + [f"noise[{name}]" for name in noises] + [f"carried[{name}]" for name in noises]


def sbc(
    problem: Problem,
    infer: Infer = by_laplace,
    fits: int = 20,
    seed: int = 1,
    path: Path | None = None,
    key: str = "",
    progress: Callable[[int, int, float], None] | None = None,
) -> Ranks:
    """Run simulation-based calibration.

    Args:
        problem: model, months and rows; its figures are not used.
        infer: the calibration to check.
        fits: how many calibrations to run.
        seed: the same seed gives the same true values and figures.
        path: file that keeps what is done, so that a run that was stopped goes on.
        key: what is run, so that a file of something else is not used.
        progress: called after each calibration with (done, in all, share of true values inside the 90 % intervals).
    """
    names = quantities(problem)
    head = len(names)
    key = f"{key}:{seed}:{DRAWS}:{head}"
    rows = _resume(path, key)[:fits]
    for at in range(len(rows), fits):
        rows.append(_one(problem, infer, head, [seed, at]))
        if path:
            write_whole(path, json.dumps({"key": key, "rows": rows}))
        if progress:
            progress(at + 1, fits, float(_gather(names, rows).inside(0.9).mean()) if any(rows) else float("nan"))
    return _gather(names, rows)


_Row = dict[str, list[float]]


def _one(problem: Problem, infer: Infer, head: int, seed: list[int]) -> _Row:
    """Return true values, ranks, means and spreads of one made-up world; nothing if it could not be calibrated."""
    draw_seed, data_seed, fit_seed = (int(s) for s in np.random.SeedSequence(seed).generate_state(3))
    truth = np.random.default_rng(draw_seed).standard_normal(problem.size)
    made = simulate_data(problem, truth, data_seed)
    if not np.isfinite(made.data.value).all():
        return {}
    try:
        z = infer(made, fit_seed)[:head]
    except (np.linalg.LinAlgError, ValueError):  # a curvature that is not finite
        return {}
    rank = (z < truth[:head, None]).sum(axis=1)
    return {
        "truth": truth[:head].tolist(),
        "rank": rank.tolist(),
        "mean": z.mean(axis=1).tolist(),
        "sd": z.std(axis=1).tolist(),
    }


def _gather(names: list[str], rows: list[_Row]) -> Ranks:
    done = [row for row in rows if row]
    arrays = {name: np.array([row[name] for row in done]).reshape(len(done), -1) for name in ("truth", "mean", "sd")}
    rank = np.array([row["rank"] for row in done], dtype=np.int64).reshape(len(done), -1)
    return Ranks(names, arrays["truth"], rank, arrays["mean"], arrays["sd"], len(rows) - len(done))


def _resume(path: Path | None, key: str) -> list[_Row]:
    try:
        told = json.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return []
    return list(told["rows"]) if isinstance(told, dict) and told.get("key") == key else []


__all__ = ["DRAWS", "Infer", "Ranks", "by_laplace", "by_sampling", "quantities", "sbc", "simulate_data"]
