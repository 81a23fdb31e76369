"""Quick calibration: the most probable unknowns, and a normal approximation around them (Laplace).

The noise is Student's t in logs and the unknowns are standard normal a priori, so the curvature can be taken as the
expected (Fisher) information, which is always positive: a damped scoring method finds the top, and its curvature gives
the spread. The Jacobian comes from forward differentiation, one draw of the ensemble for each unknown, in single
precision.

The spreads of noise and of the latent series' shocks cannot be found by going to the top of everything at once: the top
lies where noise vanishes. They are set in turn with it, by expectation and maximisation (EM) over the normal
approximation; the persistence of the latent series keeps its prior.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy import linalg

from acuerdo.inference.observe import STUDENT_DF
from acuerdo.inference.problem import Problem

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[int, int, float], None]
_BLOCK = 512
_DAMPING = np.array([0.1, 10.0])
_LENGTHS = np.array([1.0, 0.35])


@dataclass
class Fit:
    """Result of a quick calibration.

    Attributes:
        mode: the unknowns: most probable values, and for spreads and persistence the values held.
        active: which unknowns the normal approximation covers.
        factor: lower Cholesky factor of the curvature of the active ones.
        spread: for the others, their standard deviation.
        objective: minus the log posterior density after each step, up to a constant; it may rise between rounds.
        converged: whether the last round ended within its tolerance.
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


class _Climber:
    """Evaluates the posterior density and its slopes at points of the problem."""

    def __init__(self, problem: Problem, active: Bools) -> None:
        self.problem, self.active = problem, np.flatnonzero(active)
        size, indices = problem.size, jnp.asarray(self.active)

        @jax.jit
        def objective(z: jax.Array) -> jax.Array:
            residual, log_width = problem.compare(z.astype(jnp.float32))
            data = 0.5 * (STUDENT_DF + 1) * jnp.log1p(residual**2 / STUDENT_DF) + log_width
            total = data.astype(jnp.float64).sum(axis=0) + 0.5 * (z**2).sum(axis=0)
            return jnp.where(jnp.isfinite(total), total, jnp.inf)

        @jax.jit
        def block(z: jax.Array, start: jax.Array) -> tuple[jax.Array, ...]:
            here = jnp.broadcast_to(z[:, None].astype(jnp.float32), (size, _BLOCK))
            chosen = indices[jnp.minimum(start + jnp.arange(_BLOCK), len(indices) - 1)]
            directions = (jnp.arange(size)[:, None] == chosen[None, :]).astype(jnp.float32)
            (residual, log_width), (slope, wide) = jax.jvp(problem.compare, (here,), (directions,))
            # residual = gap / width: the part of its slope that moves the mean
            return residual[:, 0], log_width[:, 0], -slope - residual[:, :1] * wide, wide

        self.objective: Callable[[Floats], Floats] = lambda z: np.asarray(objective(jnp.asarray(z)))
        self._block = block

    def slopes(self, z: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return residuals, log widths, slopes of the mean in widths, and slopes of the log width (rows, active)."""
        point = jnp.asarray(z)
        count = len(self.active)
        parts = [self._block(point, jnp.asarray(start)) for start in range(0, count, _BLOCK)]
        mean = np.concatenate([np.asarray(p[2]) for p in parts], axis=1)[:, :count]
        wide = np.concatenate([np.asarray(p[3]) for p in parts], axis=1)[:, :count]
        return np.asarray(parts[0][0], float), np.asarray(parts[0][1], float), mean, wide

    @staticmethod
    def curvature(mean_slope: Floats) -> Floats:
        """Return the expected information about the active unknowns, with that of the prior."""
        found = (STUDENT_DF + 1) / (STUDENT_DF + 3) * (mean_slope.T @ mean_slope).astype(float)
        found[np.diag_indices_from(found)] += 1.0
        return found

    def climb(self, z: Floats, most: int, tolerance: float, report: Callable[[float], None]) -> tuple[Floats, list[float], bool]:
        """Take damped scoring steps until one gains less than the tolerance."""
        damping, path = 1.0, [float(self.objective(z[:, None])[0])]
        for _ in range(most):
            residual, _, mean, wide = self.slopes(z)
            weight = (STUDENT_DF + 1) / (STUDENT_DF + residual**2)
            gradient = -mean.T @ (weight * residual) + wide.T @ (1 - weight * residual**2) + z[self.active]
            information = self.curvature(mean)
            diagonal = np.diag(np.diag(information))
            steps = [-linalg.solve(information + damping * d * diagonal, gradient, assume_a="pos") for d in _DAMPING]
            points = np.repeat(z[:, None], len(steps) * len(_LENGTHS), axis=1)
            for j, (step, length) in enumerate((s, k) for s in steps for k in _LENGTHS):
                points[self.active, j] += length * step
            values = self.objective(points)
            at = int(np.argmin(values))
            gain = path[-1] - float(values[at])
            if gain > 0:
                z = points[:, at]
                damping = float(np.clip(damping * _DAMPING[at // len(_LENGTHS)], 1e-5, 1e5))
            else:
                damping *= 100
            path.append(min(path[-1], float(values[at])))
            report(path[-1])
            if 0 <= gain < tolerance:
                return z, path, True
            if damping > 1e5:
                break
        return z, path, False


def _most_probable(log_density: Callable[[Floats], Floats]) -> tuple[float, float]:
    """Return where a density over one standard normal unknown is highest, and its spread there."""
    grid = np.linspace(-8, 8, 1601)
    value = log_density(grid) - 0.5 * grid**2
    at = int(np.clip(np.argmax(value), 1, len(grid) - 2))
    bend = (value[at - 1] - 2 * value[at] + value[at + 1]) / (grid[1] - grid[0]) ** 2
    return float(grid[at]), float(1 / np.sqrt(max(-bend, 1.0)))


def _set_spreads(problem: Problem, climber: _Climber, z: Floats, held: Floats) -> tuple[Floats, Floats, Floats]:
    """Set the spreads of shocks and noise to what the figures and their priors say, given the normal approximation.

    Returns:
        Unknowns with new spreads, the standard deviations of the held unknowns, and the factor of the curvature.
    """
    residual, log_width, mean, _ = climber.slopes(z)
    factor = linalg.cholesky(climber.curvature(mean), lower=True)
    inverse = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True)
    variance = np.zeros(problem.size)
    variance[climber.active] = (inverse**2).sum(axis=0)
    z, held = z.copy(), held.copy()
    for name, place in problem.shock_slices.items():
        at = problem.built.slices[f"{name}_sd"].start
        spread = problem.built.transforms[f"{name}_sd"]
        size = float((z[place] ** 2 + variance[place]).sum())
        number = place.stop - place.start
        old = float(spread.location[0] + spread.scale[0] * z[at])

        def shocks(grid: Floats, spread: object = spread, size: float = size, number: int = number, old: float = old) -> Floats:
            new = spread.location[0] + spread.scale[0] * grid  # type: ignore[attr-defined]
            return np.asarray(-number * new - 0.5 * size * np.exp(2 * (old - new)))

        z[at], held[at] = _most_probable(shocks)
    explained = (linalg.solve_triangular(factor, mean.T.astype(float), lower=True) ** 2).sum(axis=0)
    square = residual**2 + explained
    gap = np.exp(2 * log_width) * square * (STUDENT_DF + 1) / (STUDENT_DF + square)
    noise_now = np.asarray(problem.noise_sd(jnp.asarray(z)[:, None]))[:, 0]
    counting = np.exp(2 * log_width) - noise_now[problem.data.noise] ** 2
    for k in range(len(problem.data.series)):
        rows = problem.data.noise == k
        at = problem.built.size + k
        location, scale = float(problem.noise.location[k, 0]), float(problem.noise.scale[k, 0])

        def figures(grid: Floats, rows: Bools = rows, location: float = location, scale: float = scale) -> Floats:
            total = np.exp(2 * (location + scale * grid))[:, None] + np.maximum(counting[rows], 0.0)[None, :]
            return np.asarray((-0.5 * np.log(total) - 0.5 * gap[rows] / total).sum(axis=1))

        if rows.any():
            z[at], held[at] = _most_probable(figures)
    return z, held, factor


def fit(
    problem: Problem, rounds: int = 5, most: int = 14, tolerance: float = 1.0, progress: Progress | None = None
) -> Fit:
    """Find the most probable unknowns and the curvature there.

    Args:
        problem: the calibration.
        rounds: rounds of setting the spreads.
        most: steps at most in the first round; later ones take 4.
        tolerance: a round ends when a step lowers the objective by less than this.
        progress: called after each step with (steps taken, steps at most, objective).
    """
    held = np.zeros(problem.size, dtype=bool)
    for name in problem.built.processes:
        for kind in ("sd", "persistence"):
            held[problem.built.slices[f"{name}_{kind}"]] = True
    held[problem.built.size : problem.built.size + len(problem.data.series)] = True
    climber = _Climber(problem, ~held)
    z, spread = np.zeros(problem.size), np.ones(problem.size)
    path: list[float] = []
    total, taken = most + 4 * (rounds - 1), 0

    def report(value: float) -> None:
        nonlocal taken
        taken += 1
        if progress:
            progress(taken, total, value)

    converged = False
    for turn in range(rounds):
        z, steps, converged = climber.climb(z, most if turn == 0 else 4, tolerance, report)
        path += steps
        if turn < rounds - 1:
            z, spread, _ = _set_spreads(problem, climber, z, spread)
    _, _, mean, _ = climber.slopes(z)
    factor = linalg.cholesky(climber.curvature(mean), lower=True)
    return Fit(z, ~held, factor, spread[held], path, converged)
