"""The calibration problem: standard normal unknowns in, residuals of figures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo import calendar
from acuerdo.engine.load import SEASON, CorridorModel
from acuerdo.engine.priors import Prior, Transform
from acuerdo.engine.run import Array, Arrays, process_paths
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.inference.observe import (
    MOST_CARRIED,
    Data,
    Observable,
    line_up,
    load_observables,
    predict,
    series_of,
    spread,
)
from acuerdo.levers import Floats, announced_ahead, history

FIRST_MONTH = pd.Period("2018-01", "M")
"""First modelled month: citizenship, detention and seizure figures of all sectors begin in 2018."""


def season_inputs(months: pd.PeriodIndex) -> Arrays:
    """Return what `SEASON` names of each month, shape (T, 1): waves of one to six a year, and 1 in December, else 0."""
    month = np.asarray(months.month)
    angle = 2 * np.pi * (month - 1) / 12
    waves = [wave(k * angle) for k in range(1, 6) for wave in (np.cos, np.sin)]
    given = (*waves, np.cos(6 * angle), (month == 12).astype(float))
    return {name: jnp.asarray(one)[:, None] for name, one in zip(SEASON, given, strict=True)}


def lever_record(built: CorridorModel, months: pd.PeriodIndex, figures: Figures, day: date | None) -> dict[str, Floats]:
    """Return what each lever was in each month as far as it was known on a day: shape (T,) or (T, members)."""
    entries = calendar.known(calendar.load_calendar(built.corridor), day)
    return {
        name: history(lever, months, built.members(lever.over), entries, figures, day)
        for name, lever in built.levers.items()
    }


def lever_inputs(
    built: CorridorModel, record: Mapping[str, Floats], announced: Mapping[str, Floats] | None = None
) -> Arrays:
    """Return lever settings as inputs of a run (a last axis of length 1 for the draws).

    Args:
        built: the model.
        record: value of each lever by month, (T,) or (T, members).
        announced: for levers whose changes people act on ahead, the share of each month in which next month's change
            had been announced, (T,); without it every change is announced a month ahead.
    """
    inputs: Arrays = {}
    for name, values in record.items():
        inputs[f"{name}_set"] = jnp.asarray(values)[..., None]
        if built.levers[name].announced:
            share = 1.0 if announced is None else announced[name].reshape(-1, *[1] * (values.ndim - 1))
            ahead = np.concatenate([values[1:], values[-1:]])
            inputs[f"{name}_announced"] = jnp.asarray(values + share * (ahead - values))[..., None]
    return inputs


def announcements(built: CorridorModel, months: pd.PeriodIndex, day: date | None) -> dict[str, Floats]:
    """Return `levers.announced_ahead` of each lever that has it, as far as the calendar was known on a day."""
    entries = calendar.known(calendar.load_calendar(built.corridor), day)
    return {name: announced_ahead(lever, months, entries) for name, lever in built.levers.items() if lever.announced}


@dataclass
class Problem:
    """Everything that a fit needs: model, months, data, and the layout of the unknowns.

    The unknowns are standard normal a priori: parameters, then the noise of each member of each series, then the part
    of it that is carried from month to month, then the monthly shocks of each latent series.

    Attributes:
        head: number of unknowns before the shocks.
        size: number of unknowns.
        shock_slices: where the shocks of each latent series are.
        spreads: where the unknowns of the spreads are, first of each noise, then of the shocks of each latent series.
        spread_of_shock: for each shock, which of the spreads it has.
    """

    built: CorridorModel
    figures: Figures
    day: date | None
    months: pd.PeriodIndex
    observables: dict[str, Observable]
    data: Data
    inputs: Arrays
    noise: Transform
    carried: Transform
    shock_slices: dict[str, slice] = field(default_factory=dict)
    spreads: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    spread_of_shock: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        at = self.head = self.built.size + 2 * len(self.data.noises)
        spreads, owners = [np.arange(len(self.data.noises)) + self.built.size], [np.empty(0, dtype=np.int64)]
        first = len(self.data.noises)
        for name, process in self.built.processes.items():
            width = len(self.built.members(process.over)) or 1
            self.shock_slices[name] = slice(at, at + len(self.months) * width)
            at += len(self.months) * width
            own = np.arange(self.built.size)[self.built.slices[f"{name}_sd"]]
            spreads.append(own)
            owners.append(np.resize(first + np.arange(len(own)), len(self.months) * width))
            first += len(own)
        self.size = at
        self.spreads, self.spread_of_shock = np.concatenate(spreads), np.concatenate(owners)

    def shocks(self, z: Array, name: str) -> Array:
        """Return the shocks of a latent series, shape (T, [members,] draws)."""
        members = self.built.members(self.built.processes[name].over)
        shape = (len(self.months), len(members)) if members else (len(self.months),)
        return z[self.shock_slices[name]].reshape(*shape, z.shape[-1])

    def paths(self, z: Array, parameters: Arrays) -> Arrays:
        """Return the latent series, shape (T, [members,] draws)."""
        return {
            name: process_paths(self.shocks(z, name), parameters[f"{name}_persistence"], parameters[f"{name}_sd"])
            for name in self.built.processes
        }

    def simulate(self, z: Array, keep: Sequence[str]) -> tuple[Arrays, Arrays, Arrays]:
        """Run the months of the record for unknowns `z`, shape (size, draws).

        Returns:
            State at the end, kept variables, and the latent series.
        """
        parameters = self.built.values(z[: self.built.size])
        paths = self.paths(z, parameters)
        return *self.follow(parameters, paths, keep), paths

    def follow(
        self,
        parameters: Arrays,
        paths: Arrays,
        keep: Sequence[str],
        follows: Mapping[str, str] | None = None,
        given: bool = False,
    ) -> tuple[Arrays, Arrays]:
        """Run the months of the record along given latent series; return the state at the end and kept variables.

        `follows` and `given` are those of `Simulator.run`.
        """
        path = next(iter(paths.values()))
        inputs = {**{name: jnp.asarray(x, path.dtype) for name, x in self.inputs.items()}, **paths}
        state = self.built.simulator.first_state(parameters, inputs, path.shape[-1])
        return self.built.simulator.run(state, parameters, inputs, keep, follows, given)

    def noise_sd(self, z: Array) -> Array:
        """Return the spread of each noise, in logs, shape (noises, draws)."""
        at = self.built.size
        return self.noise(z[at : at + len(self.data.noises)])

    def log_spreads(self, z: Array) -> Array:
        """Return the logs of the spreads of noise and of shocks, shape (spreads, draws)."""
        built = self.built
        sds = [built.transforms[f"{name}_sd"](z[built.slices[f"{name}_sd"]]) for name in built.processes]
        return jnp.log(jnp.concatenate([self.noise_sd(z), *sds]))

    def spread_slopes(self, point: Floats) -> Floats:
        """Return the slope of each log spread by its unknown at a point (size,), 0 for one that is fixed."""
        along = np.zeros((len(point), 1))
        along[self.spreads] = 1.0
        return np.asarray(jax.jvp(self.log_spreads, (jnp.asarray(point)[:, None],), (jnp.asarray(along),))[1])[:, 0]

    def carried_part(self, z: Array) -> Array:
        """Return the part of each noise that is carried from a month to the next, (noises, draws)."""
        return self.carried(z[self.head - len(self.data.noises) : self.head])

    def compare(self, z: Array) -> tuple[Array, Array]:
        """Return (residual, log spread) of every figure, shape (rows, draws); the residual is in spreads."""
        _, outputs, _ = self.simulate(z, self.data.variables)
        gap, width = self.gaps(outputs, self.noise_sd(z))
        return self.news(gap, width, self.carried_part(z))

    def news(self, gap: Array, width: Array, carried: Array) -> tuple[Array, Array]:
        """Return (residual, log spread) of what each figure says beyond the figure of the same member before it.

        A gap is carried on by the month: expected is `carried ** apart` times the gap before, both in spreads.
        """
        held = jnp.asarray(self.data.before >= 0, gap.dtype)[:, None]
        kept = held * carried[self.data.noise] ** jnp.asarray(self.data.apart[:, None], gap.dtype)
        left = jnp.sqrt(1 - kept**2)
        u = gap / width
        return (u - kept * u[self.data.before]) / left, jnp.log(width * left)

    def gaps(self, outputs: Arrays, noise_sd: Array) -> tuple[Array, Array]:
        """Return (gap, spread), in logs, of every figure for a run's outputs and the noise of each series."""
        kind = noise_sd.dtype
        mean = jnp.maximum(predict(self.data, outputs), 0.0)
        offset = jnp.asarray(self.data.offset[:, None] + 1e-9, kind)
        counting = jnp.asarray(self.data.poisson[:, None], kind)
        width = spread(mean, noise_sd[self.data.noise], offset, counting, jnp.asarray(self.data.late[:, None], kind))
        gap = jnp.log(jnp.asarray(self.data.value[:, None], kind) + offset) - jnp.log(mean + offset)
        return gap, width


def record_months(figures: Figures, day: date | None) -> pd.PeriodIndex:
    """Return the months of the record: from the first modelled one to that of the day, or to the newest figures.

    Raises:
        InputError: the day is before there are figures to fit, or after the months that the snapshot covers.
    """
    newest = max(pd.Period(end, "M") for end in _ends(figures))
    low, high = (FIRST_MONTH + 24).start_time.date(), newest.end_time.date()
    if day is not None and not low <= day <= high:
        raise InputError("as-of", str(day), f"a day from {low} to {high}, or latest", str(min(max(day, low), high)))
    return pd.period_range(FIRST_MONTH, newest if day is None else pd.Period(day, "M"), freq="M")


def make_problem(built: CorridorModel, figures: Figures, day: date | None) -> Problem:
    """Set up the calibration to the figures that had been published by a day (None: all of them).

    Raises:
        InputError: the day is before there are figures to fit, or after the months the snapshot covers.
    """
    months = record_months(figures, day)
    view = figures.as_of(day)
    observables = load_observables(built.corridor, built.model)
    data = line_up(observables, built.model, view, months)
    record = lever_record(built, months, view, day)
    inputs = {**season_inputs(months), **lever_inputs(built, record, announcements(built, months, day))}
    noise = _by_series("lognormal", [observables[series_of(name)].noise for name in data.noises])
    share = [observables[series_of(name)].carried for name in data.noises]
    kept = [np.clip(one, 1e-9, None).tolist() for one in share]  # a share of 0 has no logit
    carried = _by_series("share", kept, MOST_CARRIED)
    return Problem(built, view, day, months, observables, data, inputs, noise, carried)


def _by_series(
    dist: Literal["lognormal", "share"], triples: Sequence[Sequence[float]], upper: float = 1.0
) -> Transform:
    members = [str(i) for i in range(len(triples))]
    low, median, high = (dict(zip(members, points, strict=True)) for points in zip(*triples, strict=True))
    return Transform.of(Prior(dist=dist, low=low, median=median, high=high, upper=upper), members)


def _ends(figures: Figures) -> list[date]:
    found = [figures.latest(name) for name in figures.ids]
    return [f.end for f in found if f is not None and f.frequency == "month"]


__all__ = ["FIRST_MONTH", "Problem", "lever_inputs", "lever_record", "make_problem", "season_inputs"]
