"""The calibration in the sampler's coordinates: latent series by their values, more or less in units of their spread.

Published figures say much about the level of a latent series in a month, and only through it something about spread and
persistence. With shocks as unknowns, a change of the spread moves the whole series and every fit with it; with the
values as unknowns the figures do not depend on spread and persistence at all. Where the figures say little, it is the
other way round; and likewise for the spread of the figures' noise. So the values are taken about where they are most
probable given the spreads, in units of how uncertain they are given the spreads, both to first order (`Guide`): partial
non-centring (Papaspiliopoulos, Roberts and Skoeld, 2007) that heeds the noise as well. What is left for the sampler to
know of the spreads is what figures say of them whatever the values are. A series of which the figures say next to
nothing keeps its shocks for unknowns.

With the spread of its own shocks a series moves not to first order but as a normal one would, pattern by pattern of its
months, and so does what it leans on (`patterns`).

What figures tell is not the cause but what it leads to: deaths, and not supply. Of a series that follows a variable of
the model (`Process.follows`) the unknowns are therefore that variable's logarithm month by month; the series is what is
left once the logarithm that the variable would have without it is taken off. That depends on the past only, so that the
Jacobian of the change is one, and parameters can move without a figure's being missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy import linalg

from acuerdo.engine.run import Array, Arrays, process_paths
from acuerdo.inference.fit import LOCATION, SCALE, Fit, width_information
from acuerdo.inference.observe import STUDENT_DF
from acuerdo.inference.patterns import Moves, Patterns, find, straight
from acuerdo.inference.problem import Problem

Floats = npt.NDArray[np.float64]
_BLOCK = 512
_SINGLE = jnp.float32
_UNTOLD = 0.9  # of the variance of a series' shocks that the figures leave: with more, it keeps them for unknowns


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


class Guide(NamedTuple):
    """How the values of latent series hang on the spreads of noise and shocks, near the most probable point.

    Attributes:
        shift: how far the most probable values move when the log of a spread rises by 1, (values, spreads); 0 for that
            of their own shocks.
        stretch: how much the logs of the values' own uncertainties rise with it, (values, spreads), likewise.
        patterns: how they hang on the spread of their own shocks.
        told: information about the logs of the spreads, and then about the parts of noise that are carried on, from
            the widths of residuals, whatever the values are, (spreads and parts, spreads and parts).
    """

    shift: Floats
    stretch: Floats
    patterns: Patterns
    told: Floats


class Slopes(NamedTuple):
    """Figures and months of latent series at a point: residuals, in widths, (rows,), and slopes, (rows, size).

    Attributes:
        residual: of the figures.
        figure: slopes of the means of figures, in widths (of the residuals without what moves the widths).
        wide: slopes of the log widths of figures.
        shock: residuals of the months.
        month: slopes of the shocks, likewise.
        width: slopes of the log widths of the months.
    """

    residual: npt.NDArray[np.float32]
    figure: npt.NDArray[np.float32]
    wide: npt.NDArray[np.float32]
    shock: npt.NDArray[np.float32]
    month: npt.NDArray[np.float32]
    width: npt.NDArray[np.float32]


class Centred:
    """The posterior density of a problem in the sampler's coordinates.

    The unknowns are laid out as those of the problem, with the values of each latent series in place of its shocks; for
    a series that follows a variable, with the logarithms of that variable. Values count from where they are at the most
    probable point, in units of the spread of the shocks there; where the spreads are others, from the `Guide`'s shift,
    and in units stretched by it.

    Args:
        problem: the calibration.
        fit: its Laplace approximation, for the most probable point.
    """

    def __init__(self, problem: Problem, fit: Fit) -> None:
        self.problem, self.fit = problem, fit
        at_fit = jnp.asarray(fit.mode)[:, None]
        built = problem.built
        self.unit = {name: np.asarray(self._series(at_fit, name).sd) for name in built.processes}
        self.follows = {name: item.follows for name, item in built.processes.items() if item.follows}
        self.untold = self._untold()
        paths = problem.paths(at_fit, built.values(at_fit[: built.size]))
        without = self._without(at_fit)
        self.usual = {name: path + without.get(name, 0.0) for name, path in paths.items()}
        carried = np.arange(built.size, problem.head)[len(problem.data.noises) :]
        self._of_widths = np.concatenate([problem.spreads, carried])
        self._usual_spreads = np.asarray(problem.log_spreads(at_fit))
        self._places = self._paths()
        self._in_order = np.argsort(self._places.ravel())
        self._own_spread = problem.spread_of_shock[self._places[:, 0]]
        self.guide = self._unguided()
        self.guide = self._guide()  # found in coordinates that have none

    def _untold(self) -> frozenset[str]:
        """Return the series of whose shocks the figures leave nearly all as it was before; none that follows another.

        With their values for unknowns, how large and how lasting the shocks are would hang on the values and on nothing
        else, and the two would hold each other in place.
        """
        problem = self.problem
        places = {name: problem.shock_slices[name] for name in problem.built.processes if name not in self.follows}
        return frozenset(name for name, place in places.items() if self._left[place].mean() > _UNTOLD)

    @cached_property
    def _left(self) -> Floats:
        """Variances of the unknowns of the problem that figures leave of 1, (size,)."""
        left, factor = np.ones(self.problem.size), self.fit.factor
        left[self.fit.active] = (linalg.solve_triangular(factor, np.eye(len(factor)), lower=True) ** 2).sum(axis=0)
        return left

    def _series(self, z: Array, name: str) -> Series:
        built = self.problem.built
        persistence, sd = (
            built.transforms[f"{name}_{kind}"](z[built.slices[f"{name}_{kind}"]]) for kind in ("persistence", "sd")
        )
        return Series(persistence[0], sd if built.processes[name].over else sd[0])

    def _paths(self) -> npt.NDArray[np.int64]:
        """Return where the values of each path are, counted from the first of all, (paths, months)."""
        count, head = len(self.problem.months), self.problem.head
        every = [np.arange(s.start, s.stop).reshape(count, -1).T for s in self.problem.shock_slices.values()]
        return np.concatenate(every) - head

    def _unguided(self) -> Guide:
        """Return a guide by which values hang on no spread."""
        nothing = np.zeros((self._places.size, len(self.problem.spreads)))
        paths, months = self._places.shape
        patterns = straight(paths, months, self.problem.head)
        return Guide(nothing, nothing, patterns, np.zeros((len(self._of_widths),) * 2))

    def _own_slopes(self, point: Floats) -> Floats:
        """Return the slope of each log spread by its unknown, 0 for one that is fixed, 1 for each part carried on."""
        return np.concatenate([self.problem.spread_slopes(point), np.ones(len(self.problem.data.noises))])

    def _guided(self, x: Array, guide: Guide) -> tuple[Array, Array, Moves]:
        """Return shift and log stretch of the values, (values, draws), and how patterns move, for unknowns of `x`."""
        apart = self.problem.log_spreads(x) - jnp.asarray(self._usual_spreads, x.dtype)
        head = (x - jnp.asarray(self.fit.mode, x.dtype)[:, None])[: self.problem.head]
        shift, stretch = (jnp.asarray(part, x.dtype) @ apart for part in (guide.shift, guide.stretch))
        return shift, stretch, guide.patterns.moves(apart[self._own_spread], head)

    def _by_path(self, values: Array) -> Array:
        """Return values, (values, draws), by path, (paths, months, draws)."""
        return values[self._places]

    def _by_value(self, paths: Array) -> Array:
        return paths.reshape(-1, paths.shape[-1])[self._in_order]

    def _by_series(self, values: Array) -> Arrays:
        """Return values, (values, draws), of each latent series, (months, [members,] draws)."""
        whole = jnp.concatenate([jnp.zeros((self.problem.head, values.shape[-1]), values.dtype), values])
        return {name: self.problem.shocks(whole, name) for name in self.unit}

    def _without(self, z: Array) -> Arrays:
        """Return the logarithms of what the series follow, without them, for unknowns of the problem (size, draws)."""
        problem = self.problem
        parameters = problem.built.values(z[: problem.built.size])
        paths = problem.paths(z, parameters)
        _, outputs = problem.follow(parameters, paths, (), self.follows, given=True)
        return {name: outputs[f"{name}_without"] for name in self.follows}

    def run(self, x: Array, guide: Guide | None = None) -> tuple[Arrays, Arrays]:
        """Return latent series, (months, [members,] draws), and what figures observe, for unknowns (size, draws)."""
        problem, given = self.problem, {}
        shift, stretch, moves = self._guided(x, guide or self.guide)
        own = self._by_value(moves.move(self._by_path(x[problem.head :])))
        moved = self._by_series(own * jnp.exp(stretch) + shift)
        for name, unit in self.unit.items():
            if name in self.untold:
                series = self._series(x, name)
                given[name] = process_paths(problem.shocks(x, name), series.persistence, series.sd)
                continue
            given[name] = jnp.asarray(self.usual[name], x.dtype) + jnp.asarray(unit, x.dtype) * moved[name]
        parameters = problem.built.values(x[: problem.built.size])
        _, outputs = problem.follow(parameters, given, problem.data.variables, self.follows)
        return {name: outputs[name] if name in self.follows else given[name] for name in given}, outputs

    def figures(self, x: Array, outputs: Arrays) -> tuple[Array, Array]:
        """Return (residual, log spread) of every figure, (rows, draws), for unknowns and what figures observe."""
        problem = self.problem
        gap, width = problem.gaps(outputs, problem.noise_sd(x))
        return problem.news(gap, width, problem.carried_part(x))

    def months(self, x: Array, paths: Arrays, guide: Guide | None = None) -> tuple[Array, Array]:
        """Return (shock, log width) of each month of each latent series in the sampler's coordinates, (rows, draws)."""
        shocks, widths = [], []
        _, stretch, moves = self._guided(x, guide or self.guide)
        longer = self._by_series(stretch + self._by_value(moves.log_longer))
        for name, path in paths.items():
            series, count = self._series(x, name), x.shape[-1]
            if name in self.untold:
                own = self.problem.shocks(x, name).reshape(-1, count)
                shocks.append(own)
                widths.append(jnp.zeros_like(own))
                continue
            width = series.log_widths(len(path)) - jnp.log(jnp.asarray(self.unit[name], x.dtype)) - longer[name]
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

    def information(self, point: Floats) -> Floats:
        """Return the expected information about the unknowns at a point, (size, size): of figures, months and priors.

        Args:
            point: unknowns of the sampler, (size,).
        """
        head, widths = self.problem.head, self._of_widths
        here = self._slopes(point, self.guide)
        for slopes in (here.figure, here.month):
            slopes[:, self.problem.spreads] = 0.0
        for slopes in (here.wide, here.width):
            slopes[:, widths] = 0.0  # the guide has it
        told = LOCATION * (here.figure.T @ here.figure) + SCALE * (here.wide.T @ here.wide)
        told += here.month.T @ here.month + 2 * (here.width.T @ here.width)
        one, own = told.astype(float), self._own_slopes(point)
        one[np.ix_(widths, widths)] += np.outer(own, own) * self.guide.told
        one[np.arange(head), np.arange(head)] += 1.0
        return one

    def names(self) -> list[str]:
        """Return the names of the sampler's unknowns, in order, (size,): parameter and member, noise, month by month.

        A month of a series that follows a variable goes by that variable, one that it does not by the series.
        """
        problem, built = self.problem, self.problem.built
        names = [f"{name} {member}".strip() for name, member in built.labels()]
        names += [f"{kind} of {noise}" for kind in ("noise", "noise carried on") for noise in problem.data.noises]
        names += [""] * (problem.size - problem.head)
        for name, item in built.processes.items():
            place, members = problem.shock_slices[name], built.members(item.over) or [""]
            called = [
                f"{self.follows.get(name, name)} {month} {member}".strip()
                for month in problem.months
                for member in members
            ]
            names[place] = called
        return names

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
        size, found = self.problem.size, [self.information(point) for point in points.T]
        mean = np.mean(found, axis=0)
        lower = linalg.cholesky(mean, lower=True)
        factor = np.asarray(linalg.solve_triangular(lower, np.eye(size), lower=True).T)
        if len(found) == 1:
            return factor
        free = np.mean([_inverse(lower.T, one) for one in found], axis=0)
        much, along = linalg.eigh(free, overwrite_a=True)
        return np.asarray(factor @ (along * np.clip(much, 1.0, None) ** 0.25))

    def _guide(self) -> Guide:
        """Return how values hang on spreads at the most probable point, with everything else where it is there.

        With the values unknown, residuals r of normal figures and shocks have the covariance P = 1 - M C M.T in widths,
        for M the slopes of the residuals and C the covariance of the values. When the log of the spread of some rows
        rises, the values move by C M.T r twice over those rows, the log of an uncertainty by the rows' share in it, and
        the information about two spreads is 2 P ** 2 added up over the rows of both, as in restricted maximum
        likelihood. For Student's t, information about means and widths is that of `LOCATION` and `SCALE`.
        """
        centre, head = self.centre(), self.problem.head
        here = self._slopes(centre, self.guide)
        own, count = self._own_slopes(centre), len(self.problem.spreads)
        wide = np.concatenate([here.wide, here.width])[:, self._of_widths] / np.where(own > 0, own, np.inf)
        heavy = 2 * STUDENT_DF * (STUDENT_DF + 1) / (STUDENT_DF + here.residual**2) ** 2
        pull = np.concatenate(
            [heavy[:, None] * here.residual[:, None] * here.figure, 2 * here.shock[:, None] * here.month]
        )
        every = np.concatenate([np.sqrt(LOCATION) * here.figure, here.month])
        # what a part carried on does to means hangs on the gaps, which are others elsewhere: no value leans on it
        every[:, self._of_widths] = 0.0
        slopes = every[:, head:]
        lower = linalg.cholesky((slopes.T @ slopes).astype(float), lower=True)
        half = linalg.solve_triangular(lower, slopes.T.astype(float), lower=True)
        inverse = linalg.solve_triangular(lower, np.eye(len(lower)), lower=True)
        variance = (inverse**2).sum(axis=0)
        shift = inverse.T @ (inverse @ (pull[:, head:].T @ wide[:, :count]))
        stretch = ((inverse.T @ half) ** 2 @ wide[:, :count]) / variance[:, None]
        bare = wide.copy()
        bare[: len(here.figure)] *= np.sqrt(SCALE / 2)
        turned = -inverse.T @ (inverse @ (slopes.T @ every[:, :head]))
        precision, prior, by_prior = [], [], []
        for place in self._places:
            months = here.month[place].astype(float)
            months[:, self._of_widths] = 0.0
            own = months[:, head + place]
            precision.append(np.linalg.inv(inverse[:, place].T @ inverse[:, place]))
            prior.append(own.T @ own)
            by_prior.append(-own.T @ months[:, :head])
        patterns = find(
            np.stack(precision),
            np.stack(prior),
            turned[self._places],
            np.stack(by_prior),
            shift[self._places, self._own_spread[:, None]],
            self._left[:head],
        )
        at = self._places, self._own_spread[:, None]
        shift[at] = stretch[at] = 0.0  # the patterns have it
        return Guide(shift, stretch, patterns, width_information(half, bare))

    def _slopes(self, point: Floats, guide: Guide) -> Slopes:
        """Return figures and months at a point."""
        size = self.problem.size
        parts = [self._block(jnp.asarray(point), jnp.asarray(start), guide) for start in range(0, size, _BLOCK)]
        return Slopes(
            *(
                np.asarray(part[0]) if part[0].ndim == 1 else np.concatenate(part, axis=1)[:, :size]
                for part in zip(*parts, strict=True)
            )
        )

    @cached_property
    def _block(self) -> Callable[[Array, Array, Guide], tuple[Array, ...]]:
        size = self.problem.size

        @jax.jit
        def block(point: Array, start: Array, guide: Guide) -> tuple[Array, ...]:
            here = jnp.broadcast_to(point[:, None].astype(_SINGLE), (size, _BLOCK))
            chosen = jnp.minimum(start + jnp.arange(_BLOCK), size - 1)
            directions = (jnp.arange(size)[:, None] == chosen[None, :]).astype(_SINGLE)

            def told(x: Array) -> tuple[tuple[Array, Array], ...]:
                paths, outputs = self.run(x, guide)
                return self.figures(x, outputs), self.months(x, paths, guide)

            values, slopes = jax.jvp(told, (here,), (directions,))
            found: list[Array] = []
            for (residual, _), (slope, wide) in zip(values, slopes, strict=True):
                found += [residual[:, 0], slope + residual * wide, wide]
            return tuple(found)

        return block

    def to_problem(self, x: Floats) -> Floats:
        """Return unknowns of the problem, (size, draws), for unknowns of the sampler, (size, draws)."""
        return np.asarray(self._to_problem(jnp.asarray(x)))

    def from_problem(self, z: Floats) -> Floats:
        """Return unknowns of the sampler, (size, draws), for unknowns of the problem, (size, draws)."""
        return np.asarray(self._from_problem(jnp.asarray(z), self.guide))

    @cached_property
    def _to_problem(self) -> Callable[[Array], Array]:
        @jax.jit
        def convert(x: Array) -> Array:
            z = x
            for name, path in self.run(x)[0].items():
                if name in self.untold:
                    continue
                shocks = self._series(x, name).shocks(path)
                z = z.at[self.problem.shock_slices[name]].set(shocks.reshape(-1, x.shape[-1]))
            return z

        return convert

    @cached_property
    def _from_problem(self) -> Callable[[Array, Guide], Array]:
        @jax.jit
        def convert(z: Array, guide: Guide) -> Array:
            x, without = z, self._without(z)
            shift, stretch, moves = self._guided(z, guide)
            paths = self.problem.paths(z, self.problem.built.values(z[: self.problem.built.size]))
            moved = [
                (path + without.get(name, 0.0) - self.usual[name]) / self.unit[name] for name, path in paths.items()
            ]
            values = jnp.concatenate([part.reshape(-1, z.shape[-1]) for part in moved])
            own = moves.undo(self._by_path((values - shift) * jnp.exp(-stretch)))
            x = x.at[self.problem.head :].set(self._by_value(own))
            for name in self.untold:
                place = self.problem.shock_slices[name]
                x = x.at[place].set(z[place])
            return x

        return convert


def _inverse(upper: Floats, information: Floats) -> Floats:
    """Return upper @ inverse of information @ upper.T."""
    lower = linalg.cholesky(information, lower=True)
    half = linalg.solve_triangular(lower, upper.T, lower=True)
    return np.asarray(half.T @ half)
