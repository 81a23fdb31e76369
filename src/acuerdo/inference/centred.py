"""The calibration in the sampler's coordinates: latent series by their values instead of their monthly shocks.

Published figures say much about the level of a latent series in a month, and only through it something about spread and
persistence. With shocks as unknowns, a change of the spread moves the whole series and every fit with it; with the
values as unknowns the figures do not depend on spread and persistence at all, and chains move freely.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Series:
    """How the months of one latent series hang together: shock[t] = (x[t] - persistence * x[t-1]) / sd."""

    persistence: Array
    sd: Array

    def shocks(self, path: Array) -> Array:
        """Return the shocks of a path, shape (months, ...), the first as of a stationary series."""
        first = path[:1] * jnp.sqrt(1 - self.persistence**2)
        return jnp.concatenate([first, path[1:] - self.persistence * path[:-1]]) / self.sd

    def log_scale(self, months: int, members: int) -> Array:
        """Return the logarithm of the Jacobian from path to shocks."""
        return members * (0.5 * jnp.log(1 - self.persistence**2) - months * jnp.log(self.sd))


class Centred:
    """The posterior density of a problem in the sampler's coordinates.

    The unknowns are laid out as those of the problem, with the values of each latent series, in units of its spread in
    the fit, in place of its shocks.

    Args:
        problem: the calibration.
        fit: its Laplace approximation, for units and curvature.
    """

    def __init__(self, problem: Problem, fit: Fit) -> None:
        self.problem, self.fit = problem, fit
        self._at_fit = {name: self._series(jnp.asarray(fit.mode)[:, None], name) for name in problem.built.processes}
        self.unit = {name: float(series.sd[0]) for name, series in self._at_fit.items()}

    def _series(self, z: Array, name: str) -> Series:
        built = self.problem.built
        found = [
            built.transforms[f"{name}_{kind}"](z[built.slices[f"{name}_{kind}"].start])
            for kind in ("persistence", "sd")
        ]
        return Series(*found)

    def paths(self, x: Array) -> Arrays:
        """Return the latent series, (months, [members,] draws)."""
        return {name: self.problem.shocks(x, name) * self.unit[name] for name in self.unit}

    def log_density(self, x: Array) -> Array:
        """Return the log posterior density, up to a constant, of unknowns (size,)."""
        problem = self.problem
        z = x[:, None]
        paths = self.paths(z)
        parameters = problem.built.values(z[: problem.built.size])
        _, outputs = problem.follow(parameters, paths, problem.data.variables)
        gap, width = problem.gaps(outputs, problem.noise_sd(z))
        residual, log_width = problem.news(gap, width, problem.carried_part(z))
        likelihood = -(0.5 * (STUDENT_DF + 1) * jnp.log1p(residual**2 / STUDENT_DF) + log_width).sum()
        prior = -0.5 * (x[: problem.head] ** 2).sum()
        for name, path in paths.items():
            series = self._series(z, name)
            members = path.size // len(problem.months)
            prior += -0.5 * (series.shocks(path) ** 2).sum() + series.log_scale(len(problem.months), members)[0]
        total = likelihood + prior
        return jnp.where(jnp.isfinite(total), total, -jnp.inf)

    def centre(self) -> Floats:
        """Return the fit's most probable point."""
        x = self.fit.mode.copy()
        built = self.problem.built
        parameters = built.values(jnp.asarray(self.fit.mode[: built.size, None]))
        paths = self.problem.paths(jnp.asarray(self.fit.mode[:, None]), parameters)
        for name, place in self.problem.shock_slices.items():
            x[place] = np.asarray(paths[name] / self.unit[name]).ravel()
        return x

    def spread(self) -> Floats:
        """Return a factor of the fit's covariance: (size, size), with x = centre + spread @ (standard normal)."""
        size = self.problem.size
        at = np.full(size, -1)
        at[self.fit.active] = np.arange(int(self.fit.active.sum()))
        curvature = self.fit.factor @ self.fit.factor.T
        for name, place in self.problem.shock_slices.items():
            columns = at[place].reshape(len(self.problem.months), -1)
            curvature = self._by_value(curvature, columns, name)
            curvature = self._by_value(curvature.T, columns, name).T
        lower = linalg.cholesky(curvature, lower=True)
        found = np.zeros((size, size))
        active = np.flatnonzero(self.fit.active)
        found[np.ix_(active, active)] = linalg.solve_triangular(lower, np.eye(len(lower)), lower=True).T
        held = np.flatnonzero(~self.fit.active)
        found[held, held] = self.fit.spread
        return found

    def _by_value(self, matrix: Floats, columns: npt.NDArray[np.int64], name: str) -> Floats:
        """Return a matrix whose columns were for shocks, with columns for values instead (the chain rule)."""
        series = self._at_fit[name]
        kept, ratio = float(series.persistence[0]), self.unit[name] / float(series.sd[0])
        found = matrix.copy()
        old = matrix[:, columns]
        new = old * ratio
        new[:, 0] *= np.sqrt(1 - kept**2)
        new[:, :-1] -= kept * ratio * old[:, 1:]
        found[:, columns] = new
        return found

    def to_problem(self, x: Floats) -> Floats:
        """Return unknowns of the problem, (size, draws), for unknowns of the sampler, (size, draws)."""

        @jax.jit
        def convert(x: Array) -> Array:
            z = x
            for name, path in self.paths(x).items():
                shocks = self._series(x, name).shocks(path)
                z = z.at[self.problem.shock_slices[name]].set(shocks.reshape(-1, x.shape[-1]))
            return z

        return np.asarray(convert(jnp.asarray(x)))
