"""Posteriors: fit one, keep it as a file, find the one that belongs to a view of the figures."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pandas as pd
import platformdirs
import xarray as xr

from acuerdo.engine.load import CorridorModel, code_digest, model_digest
from acuerdo.errors import DataError
from acuerdo.figures.store import Figures
from acuerdo.files import write_whole
from acuerdo.inference.centred import Centred
from acuerdo.inference.divergences import examine
from acuerdo.inference.fit import Fit, fit
from acuerdo.inference.observe import load_observables, predict
from acuerdo.inference.problem import Problem, lever_record, make_problem, record_months

if TYPE_CHECKING:
    from acuerdo.inference.sampler import Chains, Plan

Floats = npt.NDArray[np.float64]
DRAWS, SEED, RECENT, PATHS = 1000, 20240101, 12, 100
MOST_R_HAT, LEAST_ESS = 1.01, 400
_WORST = 8  # quantities named that mix worst
_SEARCH = "search.npz"  # beside the checkpoints
_ROUNDING = 1e-9  # of its size: a quantity that moves by less is held
QUICK = "most probable point with a normal approximation (Laplace), priors of the evidence register"
FULL = "Hamiltonian Monte Carlo, whitened by the Laplace approximation, priors of the evidence register"
Progress = Callable[[int, int, float], None]


_GROUPS = ("state", "latent", "recent", "paths")


@dataclass
class Posterior:
    """Draws of everything a projection starts from.

    Attributes:
        day: the as-of day, or None for the latest view.
        month: last month of the record; a projection starts in the next.
        parameters: standard normal unknowns of the parameters, (size, draws).
        noise: spread of each noise in logs, (noises, draws).
        carried: part of it that is carried from a month to the next, (noises, draws).
        noises: names of the noises, one for each member of each series (see `Observable.noise_of`).
        gap: gap in logs, in spreads, of the last monthly figure of each member of a series, (figures, draws): what the
            noise of the months ahead starts from.
        figures: series and member of each row of `gap`, and the months from that figure to `month`.
        state: stocks and levels at the end of `month`.
        latent: latent series in `month`.
        recent: observed variables over the last months, (months, [members,] draws); of those with members, only where
            a figure ahead adds them up.
        paths: latent series over all months of the record, of the draws in `few`: (months, [members,] few draws);
            none after `take`.
        mode: the most probable unknowns of the calibration, from which one of another day can start: (unknowns,).
        notes: method, hashes, convergence, in-sample coverage; of a full calibration also chains, largest R-hat,
            smallest effective sample size, divergences and, if there are any, where and why (`Divergences`). The draws
            are those of its chains, one chain after another.
        ends: of a full calibration, the unknowns where the halves of its chains ended, from which it can be gone on
            with: (unknowns, halves); of a quick one, none.
    """

    day: date | None
    month: pd.Period
    parameters: Floats
    noise: Floats
    carried: Floats
    noises: list[str]
    gap: Floats
    figures: list[tuple[str, str, int]]
    state: dict[str, Floats]
    latent: dict[str, Floats]
    recent: dict[str, Floats]
    paths: dict[str, Floats]
    mode: Floats
    notes: dict[str, Any]
    ends: Floats = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def draws(self) -> int:
        """Number of draws."""
        return int(self.parameters.shape[1])

    def take(self, index: npt.NDArray[np.int64]) -> Posterior:
        """Return the draws of an index, in its order."""

        def pick(group: dict[str, Floats]) -> dict[str, Floats]:
            return {name: values[..., index] for name, values in group.items()}

        return Posterior(
            self.day,
            self.month,
            self.parameters[:, index],
            self.noise[:, index],
            self.carried[:, index],
            self.noises,
            self.gap[:, index],
            self.figures,
            pick(self.state),
            pick(self.latent),
            pick(self.recent),
            {},
            self.mode,
            self.notes,
            self.ends,
        )

    @property
    def few(self) -> npt.NDArray[np.int64]:
        """Index of the draws whose paths over the record are kept, evenly spaced."""
        count = next((values.shape[-1] for values in self.paths.values()), 0)
        return _few(self.draws, count)

    def save(self, path: Path) -> None:
        """Write the posterior as netCDF, whole or not at all."""
        variables: dict[str, Any] = {
            "parameters": (("unknown", "draw"), self.parameters.astype("float32")),
            "noise": (("of_noise", "draw"), self.noise.astype("float32")),
            "carried": (("of_noise", "draw"), self.carried.astype("float32")),
            "gap": (("figure", "draw"), self.gap.astype("float32")),
            "age": (("figure",), np.array([age for _, _, age in self.figures], dtype="int32")),
            "mode": (("of_calibration",), self.mode.astype("float32")),
        }
        if self.ends.size:
            variables["ends"] = (("of_calibration", "chain"), self.ends.astype("float32"))
        for group in _GROUPS:
            last = "few_draws" if group == "paths" else "draw"
            for name, values in getattr(self, group).items():
                dims = tuple(f"{group}_{name}_{i}" for i in range(values.ndim - 1))
                variables[f"{group}.{name}"] = ((*dims, last), values.astype("float32"))
        names = [f"{series}|{member}" for series, member, _ in self.figures]
        data = xr.Dataset(variables, coords={"of_noise": self.noises, "figure": names})
        data.attrs = {"day": str(self.day or "latest"), "month": str(self.month), **self.notes}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        compress = {name: {"zlib": True, "complevel": 6, "shuffle": True} for name in data.data_vars}
        data.to_netcdf(part, engine="h5netcdf", encoding=compress)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Posterior:
        """Read a posterior.

        Raises:
            DataError: the file is missing or damaged.
        """
        try:
            with xr.open_dataset(path, engine="h5netcdf") as data:
                data = data.load()
            groups: dict[str, dict[str, Floats]] = {name: {} for name in _GROUPS}
            for name in data.data_vars:
                group, _, variable = str(name).partition(".")
                if group in groups:
                    groups[group][variable] = data[name].values.astype(float)
            day, month = data.attrs["day"], data.attrs["month"]
            return cls(
                None if day == "latest" else date.fromisoformat(day),
                pd.Period(month, "M"),
                data["parameters"].values.astype(float),
                data["noise"].values.astype(float),
                data["carried"].values.astype(float),
                [str(s) for s in data["of_noise"].values],
                data["gap"].values.astype(float),
                [
                    _figure(str(name), int(age))
                    for name, age in zip(data["figure"].values, data["age"].values, strict=True)
                ],
                **groups,
                mode=data["mode"].values.astype(float),
                notes={k: v for k, v in data.attrs.items() if k not in ("day", "month")},
                ends=data["ends"].values.astype(float) if "ends" in data else np.empty((0, 0)),
            )
        except (OSError, KeyError, ValueError) as problem:
            raise DataError(f"{path}: not a posterior, or damaged; rebuild it with: acuerdo calibrate") from problem


def _figure(name: str, age: int) -> tuple[str, str, int]:
    series, _, member = name.partition("|")
    return series, member, age


def digests(built: CorridorModel, view: Figures, day: date | None, months: pd.PeriodIndex) -> dict[str, str]:
    """Return the hashes that tie a posterior to its figures, to what the levers were, to the model and the method."""
    here = Path(__file__).parent
    data, model = hashlib.sha256(view.digest.encode()), hashlib.sha256(model_digest(built).encode())
    for name, values in sorted(lever_record(built, months, view, day).items()):
        data.update(name.encode() + np.round(values, 6).tobytes())
    for name, item in load_observables(built.corridor, built.model).items():
        model.update(f"{name}{item.model_dump_json()}".encode())
    model.update(code_digest([here / name for name in ("fit.py", "observe.py", "problem.py")]).encode())
    return {"data_digest": data.hexdigest(), "model_digest": model.hexdigest()}


def calibrate(
    built: CorridorModel,
    figures: Figures,
    day: date | None,
    progress: Progress | None = None,
    draws: int = DRAWS,
    plan: Plan | None = None,
    sampling: Progress | None = None,
) -> Posterior:
    """Calibrate the model to the figures that had been published by a day.

    Args:
        built: the model.
        figures: the snapshot.
        day: the as-of day, or None for the latest view.
        progress: called after each step of the fit with (steps taken, steps at most, objective).
        draws: draws to return.
        plan: how long to sample after the fit (a full calibration); None takes the fit's normal approximation (quick).
        sampling: called while sampling with (iterations done, iterations in all, share accepted).

    Raises:
        DataError: the search for the most probable point fails.
    """
    problem = make_problem(built, figures, day)
    ties = digests(built, problem.figures, day, problem.months)
    if plan is None:
        result = search(problem, progress)
        z = result.draw(draws, SEED)
        future = z.copy()  # the record is run with the spreads held; the months ahead draw them
        future[~result.active] = result.draw_held(draws, SEED)
        return _posterior(problem, result, z, future, {"method": QUICK, "provisional": 1, **_told(result), **ties})
    from acuerdo.inference.sampler import sample

    folder = sampling_folder(built, day)
    # checkpoints hold the sampler's coordinates, which hang on its code too
    here = Path(__file__).parent
    key = "".join([*ties.values(), code_digest([here / f"{name}.py" for name in ("centred", "patterns", "sampler")])])
    result = _search_of_run(problem, folder, key, progress)
    centred = Centred(problem, result)
    centre = centred.centre()
    spread = centred.spread(centre[:, None])
    chains = sample(centred.log_density, centre, spread, plan, folder, key, sampling, centred.spread)
    names: list[str] = []
    reported, taken, ends = [], [], []
    at, halves = np.linspace(0, plan.kept - 1, draws // plan.chains).round().astype(int), [plan.kept // 2 - 1, -1]
    for chain in chains.values:
        z = centred.to_problem(chain.T)
        names, values = _reported(problem, z)
        reported.append(values)
        taken.append(z[:, at])
        ends.append(z[:, halves])  # far enough apart to know nothing of each other
    found = diagnose(chains, np.stack(reported), names)
    diverged = examine(chains, centred.information, centred.names())
    if diverged is not None:
        found["diverged"] = diverged.text()
    how = {"method": FULL, "provisional": int(not sound(found)), "chains": plan.chains, "iterations": plan.kept}
    z = np.concatenate(taken, axis=1)
    whole = _posterior(problem, result, z, z, {**_told(result), **how, **found, **ties})
    return replace(whole, ends=np.concatenate(ends, axis=1))


def search(problem: Problem, progress: Progress | None) -> Fit:
    """Search for the most probable point from the packaged calibration and, where that leads nowhere, from the prior.

    Raises:
        DataError: neither search ends.
    """
    here = _elsewhere(problem)
    try:
        return fit(problem, progress=progress, start=here)
    except (np.linalg.LinAlgError, ValueError) as broken:  # the curvature is not that of a top, or not a number
        if here is None:
            raise _lost(problem) from broken
    try:
        return fit(problem, progress=progress)
    except (np.linalg.LinAlgError, ValueError) as broken:
        raise _lost(problem) from broken


def _search_of_run(problem: Problem, folder: Path, key: str, progress: Progress | None) -> Fit:
    """Return where a run of the same work that was stopped had begun, or else search, and keep what is found.

    The coordinates of its checkpoints hang on it, and a new search may begin at another packaged calibration.
    """
    from acuerdo.inference.sampler import remove_checkpoints

    path = folder / _SEARCH
    try:
        with np.load(path) as there:
            if str(there["key"]) == key:
                arrays = {name: there[name] for name in ("mode", "active", "factor", "spread")}
                return Fit(**arrays, objective=there["objective"].tolist(), converged=bool(there["converged"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        pass  # none, or damaged
    remove_checkpoints(folder)
    found, buffer = search(problem, progress), io.BytesIO()
    np.savez(buffer, allow_pickle=False, key=np.array(key), **vars(found))
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, buffer.getvalue())
    return found


def forget_run(built: CorridorModel, day: date | None) -> None:
    """Remove what a full calibration of a day kept on its way, if it did: what it found is safe elsewhere."""
    from acuerdo.inference.sampler import remove_checkpoints

    remove_checkpoints(sampling_folder(built, day))
    (sampling_folder(built, day) / _SEARCH).unlink(missing_ok=True)


def _told(result: Fit) -> dict[str, Any]:
    steps = len(result.objective) - 1
    return {"converged": int(result.converged), "objective": result.objective[-1], "steps": steps}


def _lost(problem: Problem) -> DataError:
    return DataError(f"calibration of {problem.day or 'latest'}: the search found no most probable point")


def _few(draws: int, count: int) -> npt.NDArray[np.int64]:
    return np.linspace(0, draws - 1, min(count, draws)).round().astype(np.int64)


def _elsewhere(problem: Problem) -> Floats | None:
    """Return where the search may start: the mode of the packaged calibration of the latest view, cut to the months.

    Only the start comes from later figures; where the search ends is up to the figures of the problem. None if there is
    no packaged calibration of the same unknowns.
    """
    built, head = problem.built, problem.head
    try:
        there = Posterior.load(packaged(built) / file_name(None))
    except DataError:
        return None
    months = (there.month - problem.months[0]).n + 1
    width = sum(len(built.members(item.over)) or 1 for item in built.processes.values())
    same = there.noises == problem.data.noises and there.notes["unknown_names"] == _names(built)
    if not same or len(there.mode) != head + months * width:
        return None
    z, at = np.zeros(problem.size), head
    z[:head] = there.mode[:head]
    for name, item in built.processes.items():
        members = len(built.members(item.over)) or 1
        length = min(months, len(problem.months)) * members
        place = problem.shock_slices[name]
        z[place.start : place.start + length] = there.mode[at : at + length]
        at += months * members
    return z


def _names(built: CorridorModel) -> str:
    """Return a hash of the names of the unknown parameters and latent series, in order."""
    return hashlib.sha256(repr((built.labels(), list(built.processes))).encode()).hexdigest()


def _posterior(problem: Problem, result: Fit, z: Floats, future: Floats, told: dict[str, Any]) -> Posterior:
    built, day = problem.built, problem.day
    keep = tuple(dict.fromkeys(v for item in problem.observables.values() for _, v, _ in item.parts(built.model)))
    keep = tuple(dict.fromkeys((*keep, *problem.data.variables)))
    end, outputs, paths = problem.simulate(jnp.asarray(z), keep)
    rolled = {v for item in problem.observables.values() if item.rolling for _, v, _ in item.parts(built.model)}
    recent = [name for name in keep if name in rolled or built.model.variables[name].over is None]
    gap, figures = _last_gaps(problem, z, outputs)
    notes: dict[str, Any] = {
        "seed": SEED,
        "rows": len(problem.data.value),
        "unknowns": problem.size,
        "unknown_names": _names(built),
        "in_sample_coverage_90": _coverage(problem, z, outputs),
        **told,
    }
    return Posterior(
        day,
        problem.months[-1],
        future[: built.size],
        np.asarray(problem.noise_sd(jnp.asarray(future))),
        np.asarray(problem.carried_part(jnp.asarray(future))),
        problem.data.noises,
        gap,
        figures,
        {k: np.asarray(v) for k, v in end.items()},
        {k: np.asarray(v[-1]) for k, v in paths.items()},
        {name: np.asarray(outputs[name][-RECENT:]) for name in recent},
        {k: np.asarray(v)[..., _few(z.shape[1], PATHS)] for k, v in paths.items()},
        result.mode,
        notes,
    )


def _last_gaps(problem: Problem, z: Floats, outputs: dict[str, Any]) -> tuple[Floats, list[tuple[str, str, int]]]:
    """Return the gap, in spreads, of the last monthly figure of each member of a series, and what figures they are."""
    data, last = problem.data, len(problem.months) - 1
    gap, width = problem.gaps(outputs, problem.noise_sd(jnp.asarray(z)))
    latest: dict[tuple[str, str], int] = {}
    for row in np.argsort(data.last, kind="stable"):
        if data.first[row] == data.last[row]:
            latest[data.labels[row]] = int(row)
    rows = list(latest.values())
    figures = [(*data.labels[row], last - int(data.last[row])) for row in rows]
    return np.asarray((gap / width)[np.array(rows)]), figures


def _coverage(problem: Problem, z: Floats, outputs: dict[str, Any]) -> float:
    """Share of the fitted figures inside the 90 % interval of what the posterior would publish."""
    from acuerdo.inference.observe import STUDENT_DF, spread

    data = problem.data
    mean = np.maximum(np.asarray(predict(data, outputs)), 0.0)
    offset = data.offset[:, None] + 1e-9
    sd = np.asarray(problem.noise_sd(jnp.asarray(z)))[data.noise]
    width = np.asarray(spread(mean, sd, offset, data.poisson[:, None], data.late[:, None]))
    noise = np.random.default_rng(SEED).standard_t(STUDENT_DF, mean.shape)
    seen = np.log(mean + offset) + width * noise
    low, high = np.quantile(seen, [0.05, 0.95], axis=1)
    value = np.log(data.value + offset[:, 0])
    return float(np.mean((value >= low) & (value <= high)))


def _reported(problem: Problem, z: Floats) -> tuple[list[str], Floats]:
    """Return what is shown or projected from, for unknowns (size, draws): names, and shape (draws, quantities).

    Parameters and noise; stocks, levels and latent series at the end; each observed variable of the last months.
    """
    built, noises = problem.built, problem.data.noises
    end, outputs, paths = problem.simulate(jnp.asarray(z), problem.data.variables)
    names = [f"{name} {member}".strip() for name, member in built.labels()]
    names += [f"{kind} of {noise}" for kind in ("noise", "noise carried on") for noise in noises]
    parts = [z[: problem.head]]

    def add(label: str, values: Any, over: str | None) -> None:
        names.extend(f"{label} {member}".strip() for member in built.members(over) or [""])
        parts.append(np.asarray(values).reshape(-1, z.shape[1]))

    for name, values in end.items():
        add(name, values, built.model.variables[name].over)
    for name, path in paths.items():
        add(name, path[-1], built.processes[name].over)
    for name in problem.data.variables:
        for month, values in zip(problem.months[-RECENT:], outputs[name][-RECENT:], strict=True):
            add(f"{name} {month}", values, built.model.variables[name].over)
    return names, np.concatenate(parts).T


def diagnose(
    chains: Chains, reported: Floats | None = None, names: Sequence[str] | None = None
) -> dict[str, float | str]:
    """Return the largest R-hat and the smallest effective sample sizes, and what went wrong.

    R-hat is rank-normalised and split; effective sizes are of bulk and tails (Vehtari and others, 2021), by ArviZ.

    Args:
        chains: what the sampler returned.
        reported: quantities that follow from the unknowns, (chains, draws, quantities): R-hat and sizes are theirs, and
            those of the unknowns are told beside them. Without it they are those of the unknowns.
        names: of the quantities, (quantities,): those with the largest R-hat and with the smallest sizes are told.

    Returns:
        Also `within_bounds`, the share of the quantities whose R-hat and sizes are sound.
    """
    unknowns = _mixing(chains.values)
    judged = unknowns if reported is None else _mixing(reported)
    sound_ones = (judged["r_hat"] <= MOST_R_HAT) & (judged["bulk"] >= LEAST_ESS) & (judged["tail"] >= LEAST_ESS)
    found: dict[str, float | str] = {
        **_extremes(judged),
        **{f"{name}_of_unknowns": value for name, value in _extremes(unknowns).items()},
        "within_bounds": float(sound_ones.mean()),
        "divergences": int(chains.diverging.sum()),
        "mean_steps": float(chains.steps.mean()),
        "mean_accepted": float(chains.accepted.mean()),
    }
    if names is not None:
        least = judged[["bulk", "tail"]].min(axis=1)
        named = judged.assign(name=[names[i] for i in judged.index], least=least)
        rows = named.sort_values("r_hat", ascending=False).head(_WORST).itertuples()
        found["mixes_worst"] = "; ".join(f"{row.name} ({row.r_hat:.3f})" for row in rows)
        rows = named.sort_values("least").head(_WORST).itertuples()
        found["fewest_draws"] = "; ".join(f"{row.name} ({row.least:.0f})" for row in rows)
    return found


def _mixing(values: Floats) -> pd.DataFrame:
    """Return R-hat and effective sizes of each quantity that moves, (chains, draws, quantities), by its position."""
    import arviz as az

    # what is held cannot mix
    moves = np.flatnonzero(np.ptp(values, axis=(0, 1)) > _ROUNDING * np.abs(values).max(axis=(0, 1)))
    data = az.convert_to_dataset({"x": values[:, :, moves]})
    sizes = {part: az.ess(data, method=part)["x"].values for part in ("bulk", "tail")}
    return pd.DataFrame({"r_hat": az.rhat(data)["x"].values, **sizes}, index=moves)


def _extremes(mixing: pd.DataFrame) -> dict[str, float]:
    return {
        "worst_r_hat": float(mixing["r_hat"].max()),
        "least_ess_bulk": float(mixing["bulk"].min()),
        "least_ess_tail": float(mixing["tail"].min()),
    }


def sound(told: Mapping[str, Any]) -> bool:
    """Return whether chains may be relied on, from what `diagnose` tells of them; otherwise they stay provisional."""
    return long_enough(told) and told["divergences"] == 0


def long_enough(told: Mapping[str, Any]) -> bool:
    """Return whether R-hat and effective sizes are within their bounds, from what `diagnose` tells of the chains."""
    least = min(told["least_ess_bulk"], told["least_ess_tail"])
    return bool(told["worst_r_hat"] <= MOST_R_HAT and least >= LEAST_ESS)


def standing(notes: Mapping[str, Any]) -> str:
    """Return how a posterior was made, from its notes: `quick`, `unsound` (sampled, but provisional) or `full`."""
    if notes.get("method") != FULL:
        return "quick"
    return "unsound" if notes.get("provisional", 1) else "full"


def kept(built: CorridorModel) -> Path:
    """Return the folder of posteriors that were made on this machine."""
    return Path(platformdirs.user_cache_dir("acuerdo")) / built.corridor.name


def packaged(built: CorridorModel) -> Path:
    """Return the folder of posteriors that ship with the corridor."""
    return built.corridor.path("posterior")


def sampling_folder(built: CorridorModel, day: date | None) -> Path:
    """Return the folder of the checkpoints of a full calibration."""
    return kept(built) / f"sampling_{day or 'latest'}"


def file_name(day: date | None) -> str:
    """Return the name of the file of a view's posterior."""
    return f"{day or 'latest'}.nc"


def saved(built: CorridorModel, figures: Figures, day: date | None) -> Posterior | None:
    """Return the posterior that belongs to the view of a day, packaged or kept from before, or None without one."""
    wanted = digests(built, figures.as_of(day), day, record_months(figures, day))
    for path in (packaged(built) / file_name(day), kept(built) / file_name(day)):
        if path.exists():
            try:
                found = Posterior.load(path)
            except DataError:
                continue  # a damaged file is as good as none
            fits = found.parameters.shape[0] == built.size
            if fits and {k: found.notes.get(k) for k in wanted} == wanted:
                return found
    return None


def posterior_for(
    built: CorridorModel, figures: Figures, day: date | None, progress: Progress | None = None
) -> Posterior:
    """Return the posterior that belongs to the view of a day: packaged, kept from before, or fitted now and kept."""
    found = saved(built, figures, day)
    if found is not None:
        return found
    fitted = calibrate(built, figures, day, progress)
    with contextlib.suppress(OSError):  # without a place to keep it, it is fitted again next time
        fitted.save(kept(built) / file_name(day))
    return fitted
