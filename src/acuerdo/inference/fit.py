"""Quick calibration: the most probable unknowns, and a normal approximation around them (Laplace).

The noise is Student's t in logs and the unknowns are standard normal a priori, so the curvature can be taken as the
expected (Fisher) information, which is always positive: a damped scoring method finds the top, and its curvature gives
the spread. The Jacobian comes from forward differentiation, one draw of the ensemble for each unknown, in single
precision. The first steps take normal noise, three times as wide, since the far tails of Student's t have no slope.

The spreads of noise and of the latent series' shocks, and their persistence, cannot be found by going to the top of
everything at once: the top lies where noise vanishes. They are set before each later step, by expectation and
maximisation (EM) over the normal approximation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy import linalg

from acuerdo.engine.priors import Transform
from acuerdo.inference.observe import STUDENT_DF
from acuerdo.inference.problem import Problem

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[int, int, float], None]
Covariance = Callable[[npt.NDArray[np.int64]], Floats]
_BLOCK = 512
_DAMPING = (0.05, 1.0, 20.0)
_LENGTHS = (1.0, 0.4)
_NORMAL = 1e6
_WIDER = 3.0


@dataclass
class Fit:
    """Result of a quick calibration.

    Attributes:
        mode: the unknowns: most probable values, and for spreads and persistence the values held.
        active: which unknowns the normal approximation covers.
        factor: lower Cholesky factor of the curvature of the active ones.
        spread: for the others, their standard deviation.
        objective: minus the log posterior density at the start and after each step, up to a constant; comparable within
            a phase only while the spreads stay.
        converged: whether the last step gained less than the tolerance.
    """

    mode: Floats
    active: Bools
    factor: Floats
    spread: Floats
    objective: list[float]
    converged: bool

    def draw(self, count: int, seed: int) -> Floats:
        """Return draws of the active unknowns, the others held, shape (size, count)."""
        z = np.repeat(self.mode[:, None], count, axis=1)
        normal = np.random.default_rng(seed).standard_normal((int(self.active.sum()), count))
        z[self.active] += linalg.solve_triangular(self.factor, normal, lower=True, trans="T")
        return z

    def draw_held(self, count: int, seed: int) -> Floats:
        """Return draws of the unknowns that were held, shape (number held, count)."""
        normal = np.random.default_rng(seed + 1).standard_normal((int((~self.active).sum()), count))
        return np.asarray(self.mode[~self.active, None] + self.spread[:, None] * normal)


@dataclass
class _Slopes:
    """Residuals and log widths of the figures (rows), and slopes of mean and log width, in widths (rows, active)."""

    residual: Floats
    log_width: Floats
    mean: Floats
    wide: Floats

    def curvature(self, df: float) -> Floats:
        """Return the expected information about the active unknowns, with that of the prior."""
        found = (df + 1) / (df + 3) * (self.mean.T @ self.mean).astype(float)
        found[np.diag_indices_from(found)] += 1.0
        return found


class _Climber:
    """Evaluates the posterior density and its slopes at points of the problem."""

    def __init__(self, problem: Problem, active: Bools) -> None:
        self.problem, self.active = problem, np.flatnonzero(active)
        self.damping = 1.0
        size, indices = problem.size, jnp.asarray(self.active)

        @jax.jit
        def objective(z: jax.Array, df: jax.Array) -> jax.Array:
            residual, log_width = problem.compare(z.astype(jnp.float32))
            residual, log_width = residual.astype(jnp.float64), log_width.astype(jnp.float64)
            total = (0.5 * (df + 1) * jnp.log1p(residual**2 / df) + log_width).sum(axis=0) + 0.5 * (z**2).sum(axis=0)
            return jnp.where(jnp.isfinite(total), total, jnp.inf)

        @jax.jit
        def block(z: jax.Array, start: jax.Array) -> tuple[jax.Array, ...]:
            here = jnp.broadcast_to(z[:, None].astype(jnp.float32), (size, _BLOCK))
            chosen = indices[jnp.minimum(start + jnp.arange(_BLOCK), len(indices) - 1)]
            directions = (jnp.arange(size)[:, None] == chosen[None, :]).astype(jnp.float32)
            (residual, log_width), (slope, wide) = jax.jvp(problem.compare, (here,), (directions,))
            # residual = gap / width: the part of its slope that moves the mean
            return residual[:, 0], log_width[:, 0], -slope - residual[:, :1] * wide, wide

        self._objective, self._block = objective, block

    def value(self, z: Floats, df: float) -> Floats:
        """Return minus the log posterior density at points (size, count)."""
        return np.asarray(self._objective(jnp.asarray(z), jnp.asarray(df)))

    def slopes(self, z: Floats) -> _Slopes:
        """Return residuals, widths and slopes at a point."""
        point, count = jnp.asarray(z), len(self.active)
        parts = [self._block(point, jnp.asarray(start)) for start in range(0, count, _BLOCK)]
        mean = np.concatenate([np.asarray(p[2]) for p in parts], axis=1)[:, :count]
        wide = np.concatenate([np.asarray(p[3]) for p in parts], axis=1)[:, :count]
        return _Slopes(np.asarray(parts[0][0], float), np.asarray(parts[0][1], float), mean, wide)

    def step(self, z: Floats, here: _Slopes, df: float) -> tuple[Floats, float, float]:
        """Return the best of several damped scoring steps, the objective there and what it gained."""
        residual = here.residual
        weight = (df + 1) / (df + residual**2)
        gradient = -here.mean.T @ (weight * residual) + here.wide.T @ (1 - weight * residual**2) + z[self.active]
        information = here.curvature(df)
        diagonal = np.diag(information).copy()
        points = [z]
        for factor in _DAMPING:
            damped = information.copy()
            damped[np.diag_indices_from(damped)] += self.damping * factor * diagonal
            move = -linalg.solve(damped, gradient, assume_a="pos", overwrite_a=True)
            for length in _LENGTHS:
                point = z.copy()
                point[self.active] += length * move
                points.append(point)
        values = self.value(np.stack(points, axis=1), df)
        at = int(np.argmin(values))
        moved = 100.0 if at == 0 else _DAMPING[(at - 1) // len(_LENGTHS)]
        self.damping = float(np.clip(self.damping * moved, 1e-6, 1e6))
        return points[at], float(values[at]), float(values[0] - values[at])


_GRID = np.linspace(-8, 8, 1601)


def _most_probable(log_likelihood: Floats) -> tuple[float, float]:
    """Return where on the grid a standard normal unknown with this likelihood is most probable, and its spread."""
    value = log_likelihood - 0.5 * _GRID**2
    at = int(np.clip(np.argmax(value), 1, len(_GRID) - 2))
    bend = (value[at - 1] - 2 * value[at] + value[at + 1]) / (_GRID[1] - _GRID[0]) ** 2
    return float(_GRID[at]), float(1 / np.sqrt(max(-bend, 1.0)))


def _set_process(problem: Problem, name: str, z: Floats, covariance: Covariance, held: Floats) -> None:
    """Set persistence and spread of a latent series to what its path says; its shocks change so that the path stays.

    The path counts with what is not known of it: squares are those expected under the normal approximation.

    Args:
        problem: the calibration.
        name: the latent series.
        z: the unknowns, changed in place.
        covariance: that of unknowns of the problem, given their positions.
        held: standard deviations of what is set, changed in place.
    """
    built = problem.built
    at_kept, at_sd = built.slices[f"{name}_persistence"].start, built.slices[f"{name}_sd"]
    kept, sd = built.transforms[f"{name}_persistence"], built.transforms[f"{name}_sd"]
    place = problem.shock_slices[name]
    months = len(problem.months)
    shocks = np.asarray(problem.shocks(z[:, None], name))[..., 0].reshape(months, -1)
    old_sd, ahead = _spreads(sd, z[at_sd]), _ahead(kept(np.float64(z[at_kept])).item(), months)
    path = old_sd * (ahead @ shocks)
    members = path.shape[1]
    first, now, past, both = (np.zeros(members) for _ in range(4))
    for member in range(members):
        unknown = ahead @ covariance(np.arange(place.start + member, place.stop, members)) @ ahead.T
        square = path[:, member] ** 2 + old_sd[member] ** 2 * np.diag(unknown)
        first[member], now[member], past[member] = square[0], square[1:].sum(), square[:-1].sum()
        both[member] = path[1:, member] @ path[:-1, member] + old_sd[member] ** 2 * np.trace(unknown, offset=1)

    def squares(persistence: Floats) -> Floats:
        """Return expected sums of squared shocks of each member, (..., members), for persistence of any shape."""
        kept = persistence[..., None]
        return np.asarray(now - 2 * kept * both + kept**2 * past + first * (1 - kept**2))

    grid = np.asarray(kept(_GRID))
    start = 0.5 * members * np.log(1 - grid**2)
    z[at_kept], held[at_kept] = _most_probable(start - 0.5 * (squares(grid) / old_sd**2).sum(axis=1))
    persistence = float(kept(np.float64(z[at_kept]))[0])
    log_sd = np.asarray(sd.linked(np.broadcast_to(_GRID, (members, len(_GRID)))))
    total = squares(np.array(persistence))
    for member, log in enumerate(log_sd):
        at = at_sd.start + member
        z[at], held[at] = _most_probable(-months * log - 0.5 * total[member] * np.exp(-2 * log))
    new_sd = _spreads(sd, z[at_sd])
    new = np.concatenate([path[:1] * np.sqrt(1 - persistence**2), path[1:] - persistence * path[:-1]]) / new_sd
    z[place] = new.ravel()


def _ahead(persistence: float, months: int) -> Floats:
    """Return the paths that a shock of 1 in each month makes, as `process_paths` has them: (months, month of shock)."""
    age = np.subtract.outer(np.arange(months), np.arange(months))
    paths = np.tril(persistence ** np.maximum(age, 0))
    paths[:, 0] /= np.sqrt(1 - persistence**2)
    return np.asarray(paths)


def _spreads(sd: Transform, z: Floats) -> Floats:
    return np.asarray(sd(z[:, None]))[:, 0]


def _set_carried(problem: Problem, z: Floats, residual: Floats, kept: Floats, held: Floats) -> None:
    """Set the part of each series' noise that is carried from month to month to what the gaps of the figures say."""
    data = problem.data
    gap = np.zeros(len(residual))
    for row in np.argsort(data.last, kind="stable"):
        past = gap[data.before[row]] if data.before[row] >= 0 else 0.0
        gap[row] = residual[row] * np.sqrt(1 - kept[row] ** 2) + kept[row] * past
    grid = np.asarray(problem.carried(np.broadcast_to(_GRID, (len(data.noises), len(_GRID)))))
    for k in range(len(data.noises)):
        rows = np.flatnonzero((data.noise == k) & (data.before >= 0))
        tried = grid[k][:, None] ** data.apart[rows]
        news = (gap[rows] - tried * gap[data.before[rows]]) / np.sqrt(1 - tried**2)
        fit = -0.5 * np.log(1 - tried**2) - 0.5 * (STUDENT_DF + 1) * np.log1p(news**2 / STUDENT_DF)
        at = problem.head - len(data.noises) + k
        z[at], held[at] = _most_probable(fit.sum(axis=1))


def _set_spreads(problem: Problem, climber: _Climber, z: Floats, here: _Slopes, held: Floats) -> float:
    """Set spreads, and the part of noise carried on, to what figures and priors say, given the normal approximation.

    Changes `z` and `held` (their standard deviations) in place, and returns the largest change.
    """
    factor = linalg.cholesky(here.curvature(STUDENT_DF), lower=True)
    inverse = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True)

    def covariance(of: npt.NDArray[np.int64]) -> Floats:
        chosen = inverse[:, np.searchsorted(climber.active, of)]
        return np.asarray(chosen.T @ chosen)

    before = z.copy()
    for name in problem.shock_slices:
        _set_process(problem, name, z, covariance, held)
    explained = ((inverse.astype(np.float32) @ here.mean.T) ** 2).sum(axis=0)
    square = here.residual**2 + explained
    carried = np.asarray(problem.carried_part(jnp.asarray(before)[:, None]))[:, 0][problem.data.noise]
    kept = np.where(problem.data.before >= 0, carried**problem.data.apart, 0.0)
    width = np.exp(2 * here.log_width) / (1 - kept**2)
    gap = width * square * (STUDENT_DF + 1) / (STUDENT_DF + square)
    noise = np.asarray(problem.noise_sd(jnp.asarray(before)[:, None]))[:, 0]
    counting = np.maximum(width - noise[problem.data.noise] ** 2, 0.0)
    log_noise = np.asarray(problem.noise.linked(np.broadcast_to(_GRID, (len(problem.data.noises), len(_GRID)))))
    for k in range(len(problem.data.noises)):
        rows = problem.data.noise == k
        log_sd = log_noise[k]
        total = np.exp(2 * log_sd)[:, None] + counting[rows][None, :]
        at = problem.built.size + k
        z[at], held[at] = _most_probable((-0.5 * np.log(total) - 0.5 * gap[rows] / total).sum(axis=1))
    _set_carried(problem, z, here.residual, kept, held)
    shocks = np.concatenate([np.arange(p.start, p.stop) for p in problem.shock_slices.values()])
    return float(np.abs(np.delete(z - before, shocks)).max())


def fit(
    problem: Problem,
    most: int = 30,
    tolerance: float = 5.0,
    progress: Progress | None = None,
    start: Floats | None = None,
) -> Fit:
    """Find the most probable unknowns and the curvature there.

    Args:
        problem: the calibration.
        most: steps at most.
        tolerance: stop when a step lowers the objective by less than this and the spreads have settled.
        progress: called after each step with (steps taken, steps at most, objective).
        start: unknowns to start from, (size,), for example those of a fit to other months; None for the prior medians.
    """
    held = np.zeros(problem.size, dtype=bool)
    for name in problem.built.processes:
        for kind in ("sd", "persistence"):
            held[problem.built.slices[f"{name}_{kind}"]] = True
    noise = slice(problem.built.size, problem.built.size + len(problem.data.noises))
    held[problem.built.size : problem.head] = True
    climber = _Climber(problem, ~held)
    z, spread, path = np.zeros(problem.size), np.ones(problem.size), []
    wide = problem.noise.above[:, 0]
    z[noise] = np.where(wide > 0, np.log(_WIDER) / np.where(wide > 0, wide, 1.0), 0.0)  # noise may be fixed
    rough, converged = start is None, False
    if start is not None:
        z = start.copy()
    for step in range(most):
        here = climber.slopes(z)
        change = np.inf
        if not rough:
            change = _set_spreads(problem, climber, z, here, spread)
            here = climber.slopes(z)
        z, value, gain = climber.step(z, here, _NORMAL if rough else STUDENT_DF)
        path.append(value)
        if progress:
            progress(step + 1, most, value)
        if rough and (gain < 0.02 * abs(value) or step >= most // 2):
            rough, climber.damping = False, 1.0
        elif not rough and gain < tolerance and change < 0.15:
            converged = True
            break
    factor = linalg.cholesky(climber.slopes(z).curvature(STUDENT_DF), lower=True)
    return Fit(z, ~held, factor, spread[held], path, converged)
