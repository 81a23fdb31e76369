"""The calibration in the sampler's coordinates: latent series by their values, more or less in units of their spread.

Published figures say much about the level of a latent series in a month, and only through it something about spread and
persistence. With shocks as unknowns, a change of the spread moves the whole series and every fit with it; with the
values as unknowns the figures do not depend on spread and persistence at all. Where the figures say little, it is the
other way round. So the values are taken in units of spread ** part, with `part` the share of the shocks' prior variance
that the figures leave, as in partial non-centring (Papaspiliopoulos, Roberts and Skoeld, 2007).

What figures tell is not the cause but what it leads to: deaths, and not supply. Of a series that follows a variable of
the model (`Process.follows`) the unknowns are therefore that variable's logarithm month by month; the series is what is
left once the logarithm that the variable would have without it is taken off. That depends on the past only, so that the
Jacobian of the change is one, and parameters can move without a figure's being missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy import linalg

from acuerdo.engine.run import Array, Arrays
from acuerdo.inference.fit import Fit
from acuerdo.inference.observe import STUDENT_DF
from acuerdo.inference.problem import Problem

Floats = npt.NDArray[np.float64]
_BLOCK = 512
_SINGLE = jnp.float32


@dataclass(frozen=True)
class Series:
    """How the months of one latent series hang together: shock[t] = (x[t] - persistence * x[t-1]) / sd.

    Attributes:
        persistence: shape (draws,).
        sd: shape (draws,), or (members, draws).
    """

    persistence: Array
    sd: Array

    def shocks(self, path: Array) -> Array:
        """Return the shocks of a path, shape (months, ..., draws), the first as of a stationary series."""
        first = path[:1] * jnp.sqrt(1 - self.persistence**2)
        return jnp.concatenate([first, path[1:] - self.persistence * path[:-1]]) / self.sd

    def log_widths(self, months: int) -> Array:
        """Return the logarithm of how far a shock of 1 moves each month given the month before, (months, ...draws)."""
        wide = jnp.log(self.sd)
        first = wide - 0.5 * jnp.log(1 - self.persistence**2)
        return jnp.concatenate([first[None], jnp.broadcast_to(wide, (months - 1, *wide.shape))])


class Centred:
    """The posterior density of a problem in the sampler's coordinates.

    The unknowns are laid out as those of the problem, with the values of each latent series, in units of
    unit ** (1 - part) * sd ** part, in place of its shocks; for a series that follows a variable, with the logarithms
    of that variable. Both count from where they are at the most probable point: counted from zero, a long departure
    from the usual would grow and shrink with the spread, and miss every figure.

    Args:
        problem: the calibration.
        fit: its Laplace approximation, for units and parts.
    """

    def __init__(self, problem: Problem, fit: Fit) -> None:
        self.problem, self.fit = problem, fit
        at_fit = jnp.asarray(fit.mode)[:, None]
        processes = problem.built.processes
        self.unit = {name: np.asarray(self._series(at_fit, name).sd) for name in processes}
        left = np.ones((problem.size, 1))
        left[fit.active, 0] = _variances(fit.factor)
        self.part = {name: np.clip(problem.shocks(left, name).mean(axis=0), 0.0, 1.0) for name in self.unit}
        self.follows = {name: item.follows for name, item in processes.items() if item.follows}
        paths = problem.paths(at_fit, problem.built.values(at_fit[: problem.built.size]))
        without = self._without(at_fit)
        self.usual = {name: path + without.get(name, 0.0) for name, path in paths.items()}

    def _series(self, z: Array, name: str) -> Series:
        built = self.problem.built
        persistence, sd = (
            built.transforms[f"{name}_{kind}"](z[built.slices[f"{name}_{kind}"]]) for kind in ("persistence", "sd")
        )
        return Series(persistence[0], sd if built.processes[name].over else sd[0])

    def _scale(self, series: Series, name: str) -> Array:
        part = jnp.asarray(self.part[name], series.sd.dtype)
        return jnp.asarray(self.unit[name], series.sd.dtype) ** (1 - part) * series.sd**part

    def _without(self, z: Array) -> Arrays:
        """Return the logarithms of what the series follow, without them, for unknowns of the problem (size, draws)."""
        problem = self.problem
        parameters = problem.built.values(z[: problem.built.size])
        paths = problem.paths(z, parameters)
        _, outputs = problem.follow(parameters, paths, (), self.follows, given=True)
        return {name: outputs[f"{name}_without"] for name in self.follows}

    def run(self, x: Array) -> tuple[Arrays, Arrays]:
        """Return latent series, (months, [members,] draws), and what figures observe, for unknowns (size, draws)."""
        problem, given = self.problem, {}
        for name in self.unit:
            moved = problem.shocks(x, name) * self._scale(self._series(x, name), name)
            given[name] = jnp.asarray(self.usual[name], x.dtype) + moved
        parameters = problem.built.values(x[: problem.built.size])
        _, outputs = problem.follow(parameters, given, problem.data.variables, self.follows)
        return {name: outputs[name] if name in self.follows else given[name] for name in given}, outputs

    def figures(self, x: Array, outputs: Arrays) -> tuple[Array, Array]:
        """Return (residual, log spread) of every figure, (rows, draws), for unknowns and what figures observe."""
        problem = self.problem
        gap, width = problem.gaps(outputs, problem.noise_sd(x))
        return problem.news(gap, width, problem.carried_part(x))

    def months(self, x: Array, paths: Arrays) -> tuple[Array, Array]:
        """Return (shock, log width) of each month of each latent series in the sampler's coordinates, (rows, draws)."""
        shocks, widths = [], []
        for name, path in paths.items():
            series, count = self._series(x, name), x.shape[-1]
            width = series.log_widths(len(path)) - jnp.log(self._scale(series, name))
            shocks.append(series.shocks(path).reshape(-1, count))
            widths.append(width.reshape(-1, count))
        return jnp.concatenate(shocks), jnp.concatenate(widths)

    def log_density(self, x: Array) -> Array:
        """Return the log posterior density, up to a constant, of unknowns (size,).

        The model runs in single precision, its figures are added up in double.
        """
        single = x[:, None].astype(_SINGLE)
        paths, outputs = self.run(single)
        residual, log_width = (part.astype(x.dtype) for part in self.figures(single, outputs))
        likelihood = -(0.5 * (STUDENT_DF + 1) * jnp.log1p(residual**2 / STUDENT_DF) + log_width).sum()
        shock, width = self.months(x[:, None], {name: path.astype(x.dtype) for name, path in paths.items()})
        prior = -(0.5 * shock**2 + width).sum() - 0.5 * (x[: self.problem.head] ** 2).sum()
        total = likelihood + prior
        return jnp.where(jnp.isfinite(total), total, -jnp.inf)

    def centre(self) -> Floats:
        """Return the fit's most probable point."""
        return self.from_problem(self.fit.mode[:, None])[:, 0]

    def spread(self, points: Floats) -> Floats:
        """Return a factor of the inverse of the expected information, averaged over points.

        What figures and priors tell on average about the unknowns near the points (Fisher's information) is positive
        whatever the points, and with points from the bulk of the posterior it is the curvature that a sampler meets.
        Where tight directions turn from point to point, the inverse of the mean is too narrow, and the mean of the
        inverses too wide: the covariance is their geometric mean.

        Args:
            points: unknowns of the sampler, (size, number of points).

        Returns:
            Shape (size, size), with covariance spread @ spread.T.
        """
        size, head = self.problem.size, self.problem.head
        found = []
        for point in points.T:
            figure, wide, shock, width = self._slopes(point)
            told = (STUDENT_DF + 1) / (STUDENT_DF + 3) * (figure.T @ figure)
            told += 2 * STUDENT_DF / (STUDENT_DF + 3) * (wide.T @ wide)
            told += shock.T @ shock + 2 * (width.T @ width)
            one = told.astype(float)
            one[np.arange(head), np.arange(head)] += 1.0
            found.append(one)
        mean = np.mean(found, axis=0)
        lower = linalg.cholesky(mean, lower=True)
        factor = np.asarray(linalg.solve_triangular(lower, np.eye(size), lower=True).T)
        if len(found) == 1:
            return factor
        free = np.mean([_inverse(lower.T, one) for one in found], axis=0)
        much, along = linalg.eigh(free, overwrite_a=True)
        return np.asarray(factor @ (along * np.clip(much, 1.0, None) ** 0.25))

    def _slopes(self, point: Floats) -> tuple[npt.NDArray[np.float32], ...]:
        """Return slopes at a point of the means (in widths) and log widths of figures and of months, (rows, size)."""
        size = self.problem.size
        parts = [self._block(jnp.asarray(point), jnp.asarray(start)) for start in range(0, size, _BLOCK)]
        return tuple(
            np.concatenate([np.asarray(p) for p in part], axis=1)[:, :size] for part in zip(*parts, strict=True)
        )

    @cached_property
    def _block(self) -> Callable[[Array, Array], tuple[Array, ...]]:
        size = self.problem.size

        @jax.jit
        def block(point: Array, start: Array) -> tuple[Array, ...]:
            here = jnp.broadcast_to(point[:, None].astype(_SINGLE), (size, _BLOCK))
            chosen = jnp.minimum(start + jnp.arange(_BLOCK), size - 1)
            directions = (jnp.arange(size)[:, None] == chosen[None, :]).astype(_SINGLE)

            def told(x: Array) -> tuple[tuple[Array, Array], ...]:
                paths, outputs = self.run(x)
                return self.figures(x, outputs), self.months(x, paths)

            values, slopes = jax.jvp(told, (here,), (directions,))
            found: list[Array] = []
            for (residual, _), (slope, wide) in zip(values, slopes, strict=True):
                found += [slope + residual * wide, wide]
            return tuple(found)

        return block

    def to_problem(self, x: Floats) -> Floats:
        """Return unknowns of the problem, (size, draws), for unknowns of the sampler, (size, draws)."""

        @jax.jit
        def convert(x: Array) -> Array:
            z = x
            for name, path in self.run(x)[0].items():
                shocks = self._series(x, name).shocks(path)
                z = z.at[self.problem.shock_slices[name]].set(shocks.reshape(-1, x.shape[-1]))
            return z

        return np.asarray(convert(jnp.asarray(x)))

    def from_problem(self, z: Floats) -> Floats:
        """Return unknowns of the sampler, (size, draws), for unknowns of the problem, (size, draws)."""

        @jax.jit
        def convert(z: Array) -> Array:
            x, without = z, self._without(z)
            parameters = self.problem.built.values(z[: self.problem.built.size])
            for name, path in self.problem.paths(z, parameters).items():
                values = path + without.get(name, 0.0) - self.usual[name]
                values = values / self._scale(self._series(z, name), name)
                x = x.at[self.problem.shock_slices[name]].set(values.reshape(-1, z.shape[-1]))
            return x

        return np.asarray(convert(jnp.asarray(z)))


def _inverse(upper: Floats, information: Floats) -> Floats:
    """Return upper @ inverse of information @ upper.T."""
    lower = linalg.cholesky(information, lower=True)
    half = linalg.solve_triangular(lower, upper.T, lower=True)
    return np.asarray(half.T @ half)


def _variances(factor: Floats) -> Floats:
    """Return the variances of a normal whose curvature has this lower factor."""
    inverse = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True)
    return np.asarray((inverse**2).sum(axis=0))
