"""Projections: the months ahead under any setting of the levers, as draws or as labelled quantiles."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from pydantic import BaseModel, ConfigDict, ValidationError

import acuerdo.notebook  # noqa: F401  projections draw and tabulate themselves
from acuerdo import corridor as corridors
from acuerdo import packages, scenario
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.engine.run import Array, Arrays, place, process_paths
from acuerdo.errors import DataError, InputError
from acuerdo.figures.store import Figures
from acuerdo.inference.observe import STUDENT_DF, Observable, load_observables, with_noise
from acuerdo.inference.posterior import Posterior, posterior_for
from acuerdo.inference.problem import lever_inputs, lever_record, season_inputs
from acuerdo.levers import load_levers
from acuerdo.scenario import Setting
from acuerdo.timeline import parse_as_of

if TYPE_CHECKING:
    from acuerdo.forecast import Issue
    from acuerdo.priorities.futures import Future

Floats = npt.NDArray[np.float64]
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
STATISTICS = ("mean", *QUANTILES)
MOST_MONTHS, MOST_DRAWS = 120, 20_000
_MOST_KEPT = 40_000  # numbers of a noise that are kept for the next run


class Outcome(BaseModel):
    """Something that one or both sides care about.

    Attributes:
        variable: variable of the model.
        over: how twelve months become one number: their `sum`, their `mean`, or the value at the `end`.
        sides: sides that care, or both.
        prefers: the direction that those sides prefer.
        group: people, drugs, security or economy.
        factor: from the variable's unit to the unit shown.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    variable: str
    label: dict[str, str]
    unit: str
    unit_label: dict[str, str]
    over: Literal["sum", "mean", "end"]
    sides: list[str]
    prefers: Literal["lower", "higher"]
    group: str
    factor: float = 1.0


def load_outcomes(corridor: corridors.Corridor) -> dict[str, Outcome]:
    """Read and check the corridor's outcomes.

    Raises:
        DataError: an entry is not valid.
    """
    found: dict[str, Outcome] = {}
    for name, entry in corridor.yaml("model", "outcomes.yaml").items():
        try:
            found[name] = Outcome(name=name, **entry)
        except ValidationError as problem:
            first = problem.errors()[0]
            raise DataError(f"outcomes.yaml: {name}: {first['loc']}: {first['msg']}") from problem
    return found


@dataclass
class Ensemble:
    """Draws of a scenario.

    Attributes:
        months: the months projected.
        outputs: variables of the model, (months, [members,] draws).
        observed: published series with noise: member to (months, draws).
    """

    months: pd.PeriodIndex
    outputs: dict[str, Floats]
    observed: dict[str, dict[str, Floats]]


class Projector:
    """Runs scenarios from one posterior with the same draws and the same chance events, so that differences are paired.

    Args:
        built: the model.
        figures: the snapshot.
        posterior: where to start.
        months: how many months to run.
        draws: number of draws; more than the posterior has are drawn from it again.
        seed: for the draws, the shocks to come and the noise.
        dtype: precision of the runs; single carries seven digits, and takes half the time.
        record: lever values of the months ahead without a setting; what was known on the posterior's day without it.
        share: share the draws out over the cores; not where several threads run at once, for they would wait for each
            other's cores for ever.
    """

    def __init__(
        self,
        built: CorridorModel,
        figures: Figures,
        posterior: Posterior,
        months: int,
        draws: int,
        seed: int,
        dtype: Any = np.float32,
        record: Mapping[str, Floats] | None = None,
        share: bool = True,
    ) -> None:
        self.built, self.seed, self._share = built, seed, share
        self.months = pd.period_range(posterior.month + 1, periods=months, freq="M")
        rng = self._rng("draws")
        have = posterior.draws
        index = rng.permutation(have)[:draws] if draws <= have else rng.integers(0, have, draws)
        self.posterior = posterior.take(index.astype(np.int64))
        self.draws = draws
        self.observables = load_observables(built.corridor, built.model)
        self.outcomes = load_outcomes(built.corridor)
        view = figures.as_of(posterior.day)
        self.base = dict(record) if record is not None else lever_record(built, self.months, view, posterior.day)
        self.members = dict(built.model.dimensions)
        self.dtype = dtype
        self._base_inputs = self._place(lever_inputs(built, self.base))
        self._chance: dict[str, dict[str, Floats]] = {}
        self._given: dict[tuple[int, str], Arrays] = {}
        parameters = built.values(jnp.asarray(self.posterior.parameters))
        self.parameters = self._place(parameters)
        self.state = self._place(self.posterior.state)
        self.season = self._place(season_inputs(self.months))
        self.latent = self._place(self._latent_paths(parameters))
        self._laid_out: dict[str, tuple[Arrays, Arrays]] = {}
        seen = [v for item in self.observables.values() for _, v, _ in item.parts(built.model)]
        self._keep = tuple(dict.fromkeys([*seen, *(o.variable for o in self.outcomes.values())]))

    def _rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def _latent_paths(self, parameters: Arrays) -> Arrays:
        """Return latent series of the months ahead, (months, [members,] draws).

        They are logarithms. Shocks that are as likely up as down would raise the mean of what they multiply by spread
        alone, the more the further ahead; so half the variance of what has come since the record's end is taken off,
        and on average nothing changes without a cause. The correction is that of recruitment in fish stock assessment
        (Methot and Taylor, 2011, Can. J. Fish. Aquat. Sci. 68: 1744-1760).
        """
        paths: Arrays = {}
        for name, process in self.built.processes.items():
            members = self.built.members(process.over)
            shape = (len(self.months), *([len(members)] if members else []), self.draws)
            shocks = self._rng(name).standard_normal(shape)
            kept, sd = (np.asarray(parameters[f"{name}_{kind}"]) for kind in ("persistence", "sd"))
            ahead = np.arange(1, shape[0] + 1).reshape(-1, *[1] * sd.ndim)
            variance = sd**2 * (1 - kept ** (2 * ahead)) / (1 - kept**2)
            path = process_paths(jnp.asarray(shocks), kept, sd, jnp.asarray(self.posterior.latent[name]))
            paths[name] = path - 0.5 * variance
        return paths

    def levers(self, settings: Sequence[Setting] = (), future: Future | None = None) -> dict[str, Floats]:
        """Return lever values by month with the settings made; a future forces its own whatever they say.

        Raises:
            InputError: a setting is not valid.
        """
        scenario.check(settings, self.built.levers, self.months, self.members)
        made = scenario.apply(settings, self.base, self.built.levers, self.months, self.members)
        return future.force(made, self.built) if future else made

    def inputs(
        self, settings: Sequence[Setting] = (), future: Future | None = None, horizon: int | None = None
    ) -> Arrays:
        """Return what a run of so many months is driven by: levers with the settings made, season and latent series.

        Raises:
            InputError: a setting is not valid.
        """
        months, key = len(self.months[:horizon]), (len(self.months[:horizon]), future.id if future else "")
        if key not in self._given:
            every = {**self._base_inputs, **self.season, **(self._in(future)[1] if future else self.latent)}
            if months < len(self.months):
                # cut as NumPy arrays: single operations on arrays shared out over devices can lock each other up
                every = self._place({name: np.asarray(value)[:months] for name, value in every.items()})
            self._given[key] = every
        values = self.levers(settings, future)
        names = [*(item.lever for item in settings), *(item.lever for item in (future.levers if future else ()))]
        moved = lever_inputs(self.built, {name: values[name] for name in names})
        return {**self._given[key], **self._place({name: np.asarray(x)[:months] for name, x in moved.items()})}

    def _place(self, arrays: Mapping[str, Array]) -> Arrays:
        if self._share:
            return place(arrays, self.draws, self.dtype)
        return {name: jnp.asarray(value, self.dtype) for name, value in arrays.items()}

    def _in(self, future: Future) -> tuple[Arrays, Arrays]:
        """Return the starting state and the latent series of a future; worked out once for each."""
        if future.id not in self._laid_out:
            latent = {name: np.asarray(value) for name, value in self.latent.items()}
            self._laid_out[future.id] = (
                self._place(future.starts(self.state)),
                self._place(future.latent(latent, self.built)),
            )
        return self._laid_out[future.id]

    def driven(
        self,
        settings: Sequence[Setting] = (),
        parameters: Mapping[str, float] | None = None,
        future: Future | None = None,
        horizon: int | None = None,
    ) -> tuple[Arrays, Arrays, Arrays]:
        """Return what a run starts from, its parameters and its inputs; see `run`.

        Raises:
            InputError: a setting is not valid.
        """
        held = {name: jnp.full_like(self.parameters[name], value) for name, value in (parameters or {}).items()}
        state = self._in(future)[0] if future else self.state
        fixed = self._place(future.held(self.parameters)) if future else {}
        return state, {**self.parameters, **fixed, **held}, self.inputs(settings, future, horizon)

    def run(
        self,
        settings: Sequence[Setting] = (),
        *,
        noise: bool | Collection[str] = True,
        keep: Sequence[str] = (),
        parameters: Mapping[str, float] | None = None,
        future: Future | None = None,
        horizon: int | None = None,
    ) -> Ensemble:
        """Run one scenario.

        Args:
            settings: lever settings; none for what is in force.
            noise: also make published series, with the noise of observation; or only those named.
            keep: further variables to return.
            parameters: parameters held at a value instead of their draws; they go over those of the future.
            future: what neither side decides, laid over the draws; None for the course as projected.
            horizon: how many of the months to run; all without it. Each number is compiled once.

        Raises:
            InputError: a setting is not valid.
        """
        wanted = tuple(dict.fromkeys((*self._keep, *keep)))
        months = self.months[:horizon]
        _, outputs = self.built.simulator.run(*self.driven(settings, parameters, future, horizon), wanted)
        arrays = {name: np.asarray(value) for name, value in outputs.items()}
        arrays = {name: np.broadcast_to(value, (*value.shape[:-1], self.draws)) for name, value in arrays.items()}
        named = (self.observables if noise else ()) if isinstance(noise, bool) else noise
        observed = {name: self._observe(self.observables[name], arrays) for name in named}
        return Ensemble(months, arrays, observed)

    def _noise(self, item: Observable, member: str, news: Floats) -> Floats:
        """Return the noise of a member's figures, in spreads, going on from the last gap: (months, draws)."""
        start = next((k for k, f in enumerate(self.posterior.figures) if f[:2] == (item.series, member)), None)
        if start is None or item.rolling:
            return news
        carried = self.posterior.carried[self.posterior.noises.index(item.noise_of(member))]
        past = self.posterior.gap[start] * carried ** self.posterior.figures[start][2]
        for fresh in news:  # in place, month by month
            past = carried * past + np.sqrt(1 - carried**2) * fresh
            fresh[:] = past
        return news

    def _chances(self, item: Observable) -> dict[str, Floats]:
        """Return the noise of the months ahead by member, (months, draws): the same for every scenario."""
        rng = self._rng(item.series)
        shape = len(self.months), self.draws
        found = {
            member: self._noise(item, member, rng.standard_t(STUDENT_DF, shape))
            for member, _, _ in item.parts(self.built.model)
        }
        if shape[0] * shape[1] <= _MOST_KEPT:
            self._chance[item.series] = found
        return found

    def _observe(self, item: Observable, outputs: dict[str, Floats]) -> dict[str, Floats]:
        chance = self._chance.get(item.series) or self._chances(item)
        spreads = dict(zip(self.posterior.noises, self.posterior.noise, strict=True))
        found: dict[str, Floats] = {}
        for member, variable, row in item.parts(self.built.model):
            values = outputs[variable] if row is None else outputs[variable][:, row]
            values = values * item.factor * item.lengths(self.months[: len(values)])[:, None]
            if item.rolling:
                past = self.posterior.recent[variable] * item.factor
                before = pd.period_range(end=self.months[0] - 1, periods=len(past), freq="M")
                past = past * item.lengths(before)[:, None]
                joined = np.concatenate([past[-(item.rolling - 1) :], values])
                running = np.cumsum(np.concatenate([np.zeros((1, self.draws)), joined]), axis=0)
                values = running[item.rolling :] - running[: -item.rolling]
            sd = spreads.get(item.noise_of(member), np.full(self.draws, item.noise[1]))
            found[member] = with_noise(values, sd, chance[member][: len(values)], item.offset, item.count)
            for other, share in item.completeness.items():
                if other != member:
                    found[other] = found[member] * share
        if item.over is not None:
            found["ALL"] = np.sum(list(found.values()), axis=0)
        return found


def summary(draws: Floats) -> Floats:
    """Return mean and quantiles over the last axis, stacked first: shape (6, ...)."""
    return np.concatenate([draws.mean(axis=-1)[None], np.quantile(draws, list(QUANTILES.values()), axis=-1)])


def project(
    as_of: str | date | None = None,
    months: int = 12,
    set: Mapping[str, float | str] | Sequence[str] | None = None,  # noqa: A002 the name users know from --set
    measures: str | Path | None = None,
    draws: int = 1000,
    seed: int = 1,
    corridor: str | None = None,
    progress: Callable[[int, int, float], None] | None = None,
    combine: bool = True,
) -> xr.Dataset:
    """Project published series and outcomes, with what had been published by a day and any setting of the levers.

    Args:
        as_of: day, month (its last day) or None for everything in the snapshot.
        months: months ahead, from the month after the as-of month; 1 to 120.
        set: lever settings: {lever: value}, {lever: "value@YYYY-MM"} or ["lever=value@YYYY-MM..YYYY-MM", ...].
        measures: a file of measures (YAML) or the name of a package of the library; `set` goes over it.
        draws: number of draws, 1 to 20,000.
        seed: the same seed gives the same numbers, and scenarios of one seed share their draws.
        corridor: name of the corridor.
        progress: called as (step, most, objective) if a posterior has to be fitted first.
        combine: combine published series with simple rival forecasts, with the weights that the backtest learned.

    Returns:
        A dataset with dimensions statistic (mean, q05 ... q95), month and, where a series has one, its dimension; each
        variable has units, labels in every language, and kind (observable or outcome). A combined series says so in
        its attribute `method`, and the model's own forecast of it stands beside it as `SERIES.model` (kind model). The
        attribute `combined` says whether and why not.

    Raises:
        InputError: a lever, value, date or number is not valid.
        DataError: the snapshot, the model or a file is damaged.
    """
    collect(set, measures, corridor)  # what is not valid is refused before any work
    projector = make_projector(as_of, months, draws, seed, corridor, progress)
    settings = collect(set, measures, corridor, projector.months)
    ensemble = projector.run(settings)
    if not combine:
        return to_dataset(projector, ensemble, settings)
    from acuerdo import forecast  # it needs this module's classes

    return to_dataset(projector, ensemble, settings, forecast.issue(projector, ensemble, settings, progress=progress))


def collect(
    wanted: Mapping[str, float | str] | Sequence[str] | None,
    measures: str | Path | None,
    corridor: str | None = None,
    months: pd.PeriodIndex | None = None,
) -> list[Setting]:
    """Return the settings of a measures file or library package and then those wanted besides, in this order.

    Args:
        wanted: settings as in `project`.
        measures: a file or the name of a package.
        corridor: name of the corridor.
        months: the months projected, to which a replay of the past is moved; without them it keeps its dates.

    Raises:
        InputError, DataError: one is not valid.
    """
    home = corridors.load(corridor)
    settings: list[Setting] = []
    if measures is not None:
        package = packages.find(measures, home)
        settings = package.settings if months is None else package.ahead(months)
    texts = [f"{name}={value}" for name, value in wanted.items()] if isinstance(wanted, Mapping) else wanted or []
    settings += [scenario.parse_setting(text) for text in texts]
    scenario.check(settings, load_levers(home), months, home.about["dimensions"])
    return settings


def whole(field: str, value: int, low: int, high: int) -> int:
    """Return a whole number inside its range.

    Raises:
        InputError: it is not.
    """
    if not low <= value <= high:
        raise InputError(field, value, f"{low} to {high}", min(max(value, low), high))
    return value


def make_projector(
    as_of: str | date | None,
    months: int,
    draws: int,
    seed: int,
    corridor: str | None = None,
    progress: Callable[[int, int, float], None] | None = None,
    dtype: Any = np.float32,
    share: bool = True,
) -> Projector:
    """Load model, figures and posterior, ready to run scenarios. See `project` and `Projector` for the arguments."""
    whole("months", months, 1, MOST_MONTHS)
    whole("draws", draws, 1, MOST_DRAWS)
    whole("seed", seed, 0, 2**32 - 1)
    day = parse_as_of(as_of)
    home = corridors.load(corridor)
    figures = Figures.open(home)
    built = load_model(corridor)
    posterior = posterior_for(built, figures, day, progress)
    return Projector(built, figures, posterior, months, draws, seed, dtype, share=share)


def to_dataset(
    projector: Projector, ensemble: Ensemble, settings: Sequence[Setting] = (), issued: Issue | None = None
) -> xr.Dataset:
    """Return an ensemble as labelled quantiles; with the forecast `issued` from it, where that combines others."""
    built, catalogue = projector.built, Figures.open(projector.built.corridor).catalogue
    data: dict[str, xr.DataArray] = {}
    time = ensemble.months.to_timestamp()
    coords = {"statistic": list(STATISTICS), "month": time}
    combined = issued.notes if issued else {}
    for name, members in ensemble.observed.items():
        entry = catalogue[name]
        attrs = {
            "units": entry.unit,
            "kind": "observable",
            "source": f"{entry.publisher}, {entry.table}",
            **{f"label_{lang}": entry.label[lang] for lang in built.corridor.about["locales"]},
        }
        dimension = f"{entry.dimension}" if entry.dimension in projector.members else f"{name}.{entry.dimension}"
        if issued and name in combined:
            method = {"method": combined[name]}
            data[name] = _quantiles(issued.ensemble.observed[name], coords, dimension, {**attrs, **method})
            data[f"{name}.model"] = _quantiles(members, coords, dimension, {**attrs, "kind": "model"})
        else:
            data[name] = _quantiles(members, coords, dimension, attrs)
    for name, outcome in projector.outcomes.items():
        values = ensemble.outputs[outcome.variable] * outcome.factor
        attrs = {
            "units": outcome.unit,
            "kind": "outcome",
            "sides": ",".join(outcome.sides),
            "prefers": outcome.prefers,
            "source": f"model: {outcome.variable}",
            **{f"label_{lang}": outcome.label[lang] for lang in built.corridor.about["locales"]},
        }
        data[name] = xr.DataArray(summary(values), dims=("statistic", "month"), coords=coords, attrs=attrs)
    notes = projector.posterior.notes
    return xr.Dataset(data).assign_attrs(
        title=built.corridor.about["title"]["en"],
        corridor=built.corridor.name,
        as_of=str(projector.posterior.day or "latest"),
        draws=projector.draws,
        seed=projector.seed,
        provisional=int(notes.get("provisional", 1)),
        method=str(notes.get("method", "")),
        data_digest=str(notes.get("data_digest", "")),
        model_digest=str(notes.get("model_digest", "")),
        combined=issued.status if issued else "model only: not asked for",
        settings="; ".join(str(item) for item in settings) or "none",
    )


def _quantiles(
    members: Mapping[str, Floats], coords: Mapping[str, Any], dimension: str, attrs: Mapping[str, str]
) -> xr.DataArray:
    """Return draws by member, (months, draws), as labelled quantiles; a series without members has no dimension."""
    if list(members) == ["ALL"]:
        return xr.DataArray(summary(members["ALL"]), dims=("statistic", "month"), coords=coords, attrs=attrs)
    return xr.DataArray(
        np.stack([summary(v) for v in members.values()], axis=-1),
        dims=("statistic", "month", dimension),
        coords={**coords, dimension: list(members)},
        attrs=attrs,
    )


def to_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Return a projection as a long table: month, id, kind, member, unit and the statistics."""
    rows = []
    for name, array in dataset.data_vars.items():
        dimension = next((d for d in array.dims if d not in ("statistic", "month")), None)
        members = [str(m) for m in array[dimension].values] if dimension else ["ALL"]
        for j, member in enumerate(members):
            values = array.values[..., j] if dimension else array.values
            for i, month in enumerate(dataset["month"].values):
                if np.isnan(values[:, i]).all():
                    continue
                rows.append(
                    {
                        "month": str(month)[:7],
                        "id": str(name),
                        "kind": array.attrs["kind"],
                        "member": member,
                        "unit": array.attrs["units"],
                        **{s: float(values[k, i]) for k, s in enumerate(STATISTICS)},
                    }
                )
    return pd.DataFrame(rows)


__all__ = [
    "Ensemble",
    "Outcome",
    "Projector",
    "collect",
    "load_outcomes",
    "make_projector",
    "project",
    "to_dataset",
    "to_table",
]
