"""Quick calibration: the most probable unknowns, and a normal approximation around them (Laplace).

The noise is Student's t in logs and the unknowns are standard normal a priori, so the curvature can be taken as the
expected (Fisher) information, which is always positive: a damped scoring method finds the top, and its curvature gives
the spread. The Jacobian comes from forward differentiation, one draw of the ensemble for each unknown, in single
precision. The first steps take normal noise, three times as wide, since the far tails of Student's t have no slope.

The spreads of noise and of the latent series' shocks, and their persistence, cannot be found by going to the top of
everything at once: the top lies where noise vanishes. They are set before each later step. Spreads climb the density
that they have whatever the rest is, under the normal approximation, by scoring steps as in restricted maximum
likelihood (Patterson and Thompson, 1971): expectation and maximisation (EM) hardly moves a spread of which the figures
say little. Persistence, and what noise carries on, are set to the top of their own expected density (EM).
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
Reals = npt.NDArray[np.float32] | Floats
Bools = npt.NDArray[np.bool_]
Progress = Callable[[int, int, float], None]
_BLOCK = 512
_DAMPING = (0.05, 1.0, 20.0)
_LENGTHS = (1.0, 0.4)
_NORMAL = 1e6
_WIDER = 3.0
_FAR = 1.0
LOCATION = (STUDENT_DF + 1) / (STUDENT_DF + 3)
"""Information about the mean of Student's t, in units of that of a normal with its width."""
SCALE = 2 * STUDENT_DF / (STUDENT_DF + 3)
"""Information about the log of its width, for which a normal has 2."""


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


@dataclass
class _Top:
    """What is known of figures and shocks at the most probable point given the spreads, to first order.

    Attributes:
        residual: of the figures, in widths, (rows,).
        shock: the shocks, (shocks,).
        of_residual: root of the residuals' covariance, of_residual.T @ of_residual, (active, rows).
        of_shock: likewise of the shocks', (active, shocks).
        kept: part of each figure's gap that is the gap before carried on, (rows,).
    """

    residual: Floats
    shock: Floats
    of_residual: npt.NDArray[np.float32]
    of_shock: npt.NDArray[np.float32]
    kept: Floats


class _Climber:
    """Evaluates the posterior density and its slopes at points of the problem."""

    def __init__(self, problem: Problem, active: Bools) -> None:
        self.problem, self.active = problem, np.flatnonzero(active)
        self.damping = 1.0
        self._brake, self._last = np.ones(1), np.zeros(1)
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

    def gradient(self, z: Floats, here: _Slopes, df: float) -> Floats:
        """Return the gradient of the objective by the active unknowns at a point."""
        residual, weight = here.residual, (df + 1) / (df + here.residual**2)
        return np.asarray(
            -here.mean.T @ (weight * residual) + here.wide.T @ (1 - weight * residual**2) + z[self.active]
        )

    def step(self, z: Floats, here: _Slopes, df: float) -> tuple[Floats, float, float]:
        """Return the best of several damped scoring steps, the objective there and what it gained."""
        gradient, information = self.gradient(z, here, df), here.curvature(df)
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

    def top(self, z: Floats, here: _Slopes) -> _Top:
        """Return what is known at the most probable point given the spreads, foretold from the slopes at a point."""
        data, shocks = self.problem.data, self.problem.size - self.problem.head
        factor = linalg.cholesky(here.curvature(STUDENT_DF), lower=True)
        inverse = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True)
        move = -inverse.T @ (inverse @ self.gradient(z, here, STUDENT_DF))
        carried = np.asarray(self.problem.carried_part(jnp.asarray(z)[:, None]))[:, 0][data.noise]
        single = inverse.astype(np.float32)
        return _Top(
            here.residual - here.mean @ move,
            z[self.problem.head :] + move[-shocks:],
            single @ here.mean.T,
            single[:, -shocks:],
            np.where(data.before >= 0, carried**data.apart, 0.0),
        )

    def braked(self, step: Floats) -> Floats:
        """Return a step of the spreads, each shortened where it goes back and forth from one step to the next."""
        turned = step * self._last < 0
        self._brake = np.where(turned, 0.5 * self._brake, np.minimum(1.5 * self._brake, 1.0))
        self._last = step
        return self._brake * step


_GRID = np.linspace(-8, 8, 1601)


def _most_probable(log_likelihood: Floats) -> tuple[float, float]:
    """Return where on the grid a standard normal unknown with this likelihood is most probable, and its spread."""
    value = log_likelihood - 0.5 * _GRID**2
    at = int(np.clip(np.argmax(value), 1, len(_GRID) - 2))
    bend = (value[at - 1] - 2 * value[at] + value[at + 1]) / (_GRID[1] - _GRID[0]) ** 2
    return float(_GRID[at]), float(1 / np.sqrt(max(-bend, 1.0)))


def _set_persistence(problem: Problem, name: str, z: Floats, top: _Top, held: Floats) -> None:
    """Set persistence of a latent series to what its path says; its shocks change so that the path stays.

    The path counts with what is not known of it: squares are those expected under the normal approximation.

    Args:
        problem: the calibration.
        name: the latent series.
        z: the unknowns, changed in place.
        top: what is known given the spreads.
        held: standard deviations of what is set, changed in place.
    """
    built = problem.built
    at, kept = built.slices[f"{name}_persistence"].start, built.transforms[f"{name}_persistence"]
    place = problem.shock_slices[name]
    months = len(problem.months)
    ahead = _ahead(kept(np.float64(z[at])).item(), months)
    path = ahead @ z[place].reshape(months, -1)  # in units of its spread
    members = path.shape[1]
    first = now = past = both = 0.0
    for member in range(members):
        own = top.of_shock[:, place.start - problem.head + member : place.stop - problem.head : members]
        unknown = ahead @ (own.T @ own) @ ahead.T
        square = path[:, member] ** 2 + np.diag(unknown)
        first, now, past = first + square[0], now + square[1:].sum(), past + square[:-1].sum()
        both += path[1:, member] @ path[:-1, member] + np.trace(unknown, offset=1)
    grid = np.asarray(kept(_GRID))
    squares = now - 2 * grid * both + grid**2 * past + first * (1 - grid**2)
    z[at], held[at] = _most_probable(0.5 * members * np.log(1 - grid**2) - 0.5 * squares)
    persistence = float(kept(np.float64(z[at]))[0])
    z[place] = np.concatenate([path[:1] * np.sqrt(1 - persistence**2), path[1:] - persistence * path[:-1]]).ravel()


def _ahead(persistence: float, months: int) -> Floats:
    """Return the paths that a shock of 1 in each month makes, as `process_paths` has them: (months, month of shock)."""
    age = np.subtract.outer(np.arange(months), np.arange(months))
    paths = np.tril(persistence ** np.maximum(age, 0))
    paths[:, 0] /= np.sqrt(1 - persistence**2)
    return np.asarray(paths)


def _set_carried(problem: Problem, z: Floats, top: _Top, held: Floats) -> None:
    """Set the part of each series' noise that is carried from month to month to what the gaps of the figures say.

    As with persistence, squares are those expected under the normal approximation.
    """
    data, rows = problem.data, np.flatnonzero(problem.data.before >= 0)
    gap, root = top.residual.copy(), top.of_residual.copy()
    for row in rows[np.argsort(data.last[rows], kind="stable")]:  # from what is news to the whole gap
        for part in (gap, root):
            part[..., row] *= np.sqrt(1 - top.kept[row] ** 2)
            part[..., row] += top.kept[row] * part[..., data.before[row]]
    now, past = root[:, rows], root[:, data.before[rows]]
    unknown = [np.einsum("ij,ij->j", one, two) for one, two in ((now, now), (now, past), (past, past))]
    grid = np.asarray(problem.carried(np.broadcast_to(_GRID, (len(data.noises), len(_GRID)))))
    for k in range(len(data.noises)):
        own = data.noise[rows] == k
        tried = grid[k][:, None] ** data.apart[rows[own]]
        square = (gap[rows[own]] - tried * gap[data.before[rows[own]]]) ** 2
        square += unknown[0][own] - 2 * tried * unknown[1][own] + tried**2 * unknown[2][own]
        fit = -0.5 * np.log(1 - tried**2) - 0.5 * (STUDENT_DF + 1) * np.log1p(square / (1 - tried**2) / STUDENT_DF)
        at = problem.head - len(data.noises) + k
        z[at], held[at] = _most_probable(fit.sum(axis=1))


def width_information(half: Reals, share: Reals) -> Floats:
    """Return what residuals tell of the logs of spreads, whatever the unknowns that they hang on are.

    Of residuals with the slopes M, in widths, the unknowns being known to the covariance C, what is left is
    P = 1 - M C M.T, and the information about two spreads is 2 P ** 2 added up over the rows of both, as in restricted
    maximum likelihood.

    Args:
        half: a root of M C M.T, half.T @ half, shape (unknowns, rows).
        share: how much the log width of each row rises with the log of each spread, shape (rows, spreads).

    Returns:
        Shape (spreads, spreads).
    """
    told = np.zeros((share.shape[1],) * 2)
    for start in range(0, len(share), _BLOCK):
        own = share[start : start + _BLOCK]
        left = -(half[:, start : start + _BLOCK].T @ half[:, start:])  # those before were met from the other side
        left[np.arange(len(own)), np.arange(len(own))] += 1.0
        left **= 2
        ahead = own.T @ (left @ share[start:])
        told += 2 * (ahead + ahead.T - own.T @ (left[:, : len(own)] @ own))
    return told


def _spread_step(climber: _Climber, z: Floats, log_width: Floats, top: _Top) -> tuple[Floats, Floats]:
    """Return the unknowns of all spreads of noise and shocks after a scoring step, and their standard deviations.

    The step is taken in logs: as an unknown, a spread has a kink at the median of its prior.

    Args:
        climber: that of the calibration.
        z: the unknowns.
        log_width: of each figure there, (rows,).
        top: what is known given the spreads.
    """
    problem = climber.problem
    noise = np.asarray(problem.noise_sd(jnp.asarray(z)[:, None]))[:, 0][problem.data.noise]
    figures, shocks = len(top.residual), len(top.shock)
    share = np.zeros((figures + shocks, len(problem.spreads)), dtype=np.float32)
    share[np.arange(figures), problem.data.noise] = noise**2 * (1 - top.kept**2) / np.exp(2 * log_width)
    share[np.arange(figures, len(share)), problem.spread_of_shock] = 1.0
    half = np.concatenate([np.float32(np.sqrt(LOCATION)) * top.of_residual, top.of_shock], axis=1)
    weight = (STUDENT_DF + 1) / (STUDENT_DF + top.residual**2)
    square = np.concatenate([weight * top.residual**2, top.shock**2]) + (half**2).sum(axis=0)
    score = share.T @ (1 - square)
    share[:figures] *= np.sqrt(SCALE / 2)
    point = z[problem.spreads]
    above, below = problem.spread_slopes(np.ones(problem.size)), problem.spread_slopes(-np.ones(problem.size))
    free = above > 0  # the noise of a market price is held
    rise = np.where(point > 0, above, below)[free]
    information = width_information(half, share[:, free])
    information[np.diag_indices_from(information)] += rise**-2
    known = linalg.inv(information)
    new, deviation = np.zeros(len(point)), np.ones(len(point))
    step = -np.clip(known @ (score[free] + point[free] / rise), -_FAR, _FAR)
    log = rise * point[free] + climber.braked(step)
    new[free] = log / np.where(log > 0, above[free], below[free])
    deviation[free] = np.sqrt(np.diag(known)) / rise
    return new, deviation


def _set_spreads(problem: Problem, climber: _Climber, z: Floats, here: _Slopes, held: Floats) -> float:
    """Move spreads, persistence and the part of noise carried on towards what figures and priors say.

    Paths stay, and so shocks change. Changes `z` and `held` (standard deviations of what is set) in place, and returns
    the largest change of what is set.
    """
    before, top = z.copy(), climber.top(z, here)
    new, held[problem.spreads] = _spread_step(climber, z, here.log_width, top)
    for name in problem.shock_slices:
        _set_persistence(problem, name, z, top, held)
    _set_carried(problem, z, top, held)
    z[problem.spreads] = new
    logs = np.asarray(problem.log_spreads(jnp.asarray(np.stack([before, z], axis=1))))
    z[problem.head :] *= np.exp(logs[:, 0] - logs[:, 1])[problem.spread_of_shock]
    return float(np.abs(z - before)[: problem.head].max())


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
