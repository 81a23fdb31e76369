"""A full calibration checked by a short run: its chains go on from where they were, and their means must not move.

Where each was halfway and at the end is kept with the posterior. If model, figures or method have changed since, the
chains drift to where they now belong; if not, their means differ from those of the kept draws by the luck of the draws
alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy import stats

from acuerdo.errors import DataError
from acuerdo.inference.centred import Centred
from acuerdo.inference.fit import Fit
from acuerdo.inference.posterior import Posterior
from acuerdo.inference.problem import Problem
from acuerdo.inference.sampler import FULL, Plan, sample

Floats = npt.NDArray[np.float64]
_POINTS = 4
"""Points of the chains at which the spread of the coordinates is worked out."""
_CHANCE = 0.001
"""Chance with which the widest of all gaps may cross its bound by luck, were quantities independent."""
_SHARE, _MOST = 0.05, 0.15
SHORT = replace(FULL, warm_up=10, kept=40, piece=10, rounds=0)
"""A run that takes some minutes on a whole corridor; two chains for each of the posterior."""


@dataclass(frozen=True)
class Recheck:
    """How far a short run is from the draws of a posterior.

    Attributes:
        names: the quantities: parameters (with their member), then the noise of each member of each series.
        gap: difference of the means, in standard errors, by quantity.
        chains: number of chains of the short run, whose means the standard errors come from.
    """

    names: list[str]
    gap: Floats
    chains: int

    @property
    def beyond(self) -> float:
        """Share of the quantities outside the 95 % interval of Student's t: about 0.05 where nothing has changed."""
        return float(np.mean(np.abs(self.gap) > stats.t.isf(_SHARE / 2, self.chains - 1)))

    @property
    def widest(self) -> tuple[str, float]:
        """The quantity with the widest gap, and that gap."""
        at = int(np.argmax(np.abs(self.gap)))
        return self.names[at], float(self.gap[at])

    @property
    def agrees(self) -> bool:
        """Whether the gaps are those of chance: of many quantities, which hang together, up to 0.15 may lie outside."""
        count = len(self.gap)
        bound = stats.t.isf(_CHANCE / 2 / count, self.chains - 1)
        most = max(_MOST, stats.binom.isf(_CHANCE, count, _SHARE) / count)
        return bool(self.beyond <= most and abs(self.widest[1]) <= bound)


def recheck(
    problem: Problem,
    result: Fit,
    found: Posterior,
    plan: Plan,
    progress: Callable[[int, int, float], None] | None = None,
) -> Recheck:
    """Sample on from where the chains of a full calibration ended, and compare with its draws.

    Args:
        problem: the calibration, made anew.
        result: its Laplace approximation, made anew.
        found: the posterior that is checked.
        plan: how long; one chain for each point that the posterior keeps, and no rounds.
        progress: called after each piece with (iterations done, iterations in all, share accepted).

    Raises:
        DataError: the posterior is of a quick calibration, or of other unknowns.
    """
    if not found.ends.size:
        raise DataError("this posterior has no chains: it is of a quick calibration")
    if found.ends.shape[0] != problem.size:
        raise DataError(f"this posterior has {found.ends.shape[0]} unknowns, the calibration {problem.size}")
    centred, count = Centred(problem, result), found.ends.shape[1]
    start = centred.from_problem(found.ends)
    spread = centred.spread(start[:, :: max(1, count // _POINTS)])
    plan = replace(plan, chains=count, rounds=0)
    chains = sample(centred.log_density, start.mean(axis=1), spread, plan, progress=progress, start=start)
    here = np.stack([_told(problem, centred.to_problem(chain.T)) for chain in chains.values])
    there = np.concatenate([found.parameters, np.log(found.noise)])
    there = there[:, : there.shape[1] // count * count].reshape(len(there), count, -1).transpose(1, 2, 0)
    moves = here.std(axis=(0, 1)) > 0  # what is held has no error
    error = np.hypot(_error(here), _error(there))[moves]
    labels = [f"{name} {member}".strip() for name, member in problem.built.labels()] + problem.data.noises
    names = [name for name, moved in zip(labels, moves, strict=True) if moved]
    return Recheck(names, (here.mean(axis=(0, 1)) - there.mean(axis=(0, 1)))[moves] / error, count)


def _told(problem: Problem, z: Floats) -> Floats:
    """Return parameters, on their inner scale, and log spreads of noise, for unknowns (size, draws)."""
    noise = np.log(np.asarray(problem.noise_sd(jnp.asarray(z))))
    return np.concatenate([z[: problem.built.size], noise]).T


def _error(values: Floats) -> Floats:
    """Return standard errors of means over chains that know nothing of each other, (chains, draws, quantities)."""
    return np.asarray(values.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(len(values)))
