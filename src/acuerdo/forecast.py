"""The issued forecast: the model and its rivals combined as the backtest says; levers act through the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import platformdirs
import xarray as xr

from acuerdo.backtest import keep, pool, record
from acuerdo.backtest.plan import Plan, Target, load_plan
from acuerdo.backtest.pool import MODEL, POOLED, WeightsFile, read_weights
from acuerdo.backtest.rivals import MOST_STALE, RIVALS, Predictive, rivals
from acuerdo.corridor import Corridor
from acuerdo.engine.load import CorridorModel, code_digest
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.files import write_whole
from acuerdo.inference.observe import Observable
from acuerdo.inference.posterior import Posterior, Progress, file_name, packaged
from acuerdo.scenario import Setting

if TYPE_CHECKING:
    from acuerdo.projection import Ensemble, Projector

Floats = npt.NDArray[np.float64]
Fitted = dict[Target, dict[str, Predictive]]

MONTHS = 120
"""Months ahead that a rival's forecast is kept for: the most that a projection can have."""


@dataclass(frozen=True)
class Issue:
    """What is issued.

    Attributes:
        ensemble: the scenario, with the combined draws of the series in `notes`.
        notes: by series, which members the forecast has and how much they weigh.
        status: one line on the combination as a whole.
    """

    ensemble: Ensemble
    notes: dict[str, str]
    status: str


def weights_path(corridor: Corridor) -> Path:
    """Return where the corridor keeps the weights of the issued forecast."""
    return corridor.path("backtest", "weights.json")


def issue(
    projector: Projector,
    ensemble: Ensemble,
    settings: Sequence[Setting] = (),
    weights: WeightsFile | None = None,
    progress: Progress | None = None,
) -> Issue:
    """Combine a scenario's published series with the rivals' forecasts.

    Without settings a combined draw is a path of the model or of one rival. With settings, each draw is that of the
    case without them times what the settings change in the model, in the draw of the same number.

    Args:
        projector: who made the scenario.
        ensemble: the scenario.
        settings: its lever settings.
        weights: weights to use; the corridor's file without it.
        progress: called as (step, most, value) while rivals are fitted.

    Raises:
        DataError: the corridor's file of weights is damaged.
    """
    built, posterior = projector.built, projector.posterior
    held = weights or read_weights(weights_path(built.corridor))
    if held is None:
        return Issue(ensemble, {}, "model only: no backtest has been run (acuerdo backtest)")
    if held.model_digest != posterior.notes.get("model_digest"):
        return Issue(ensemble, {}, "model only: the weights belong to another version of the model (acuerdo backtest)")
    known = held.known_on(posterior.day)
    if known is None:
        return Issue(ensemble, {}, f"model only: no weights had been learned by {posterior.day}")
    figures = Figures.open(built.corridor)
    plan = load_plan(built.corridor, built.model, projector.observables)
    fitted = fitted_rivals(
        built.corridor, figures, projector.observables, plan, posterior.day, posterior.month, progress
    )
    base = projector.run() if settings else ensemble
    months = len(ensemble.months)
    observed = {series: dict(members) for series, members in ensemble.observed.items()}
    notes: dict[str, str] = {}
    for target in plan.targets:
        by_horizon = known.get(target.series, {}).get(plan.scope(target))
        if by_horizon is None or target not in fitted:
            continue
        item = projector.observables[target.series]
        said = {MODEL: base.observed[target.series][target.member]}
        for name, one in fitted[target].items():
            said[name] = one.draw(months, projector.draws, projector.seed, f"{name} {target.name}")
        mixed = pool.mix(
            np.stack([said[name] for name in POOLED]),
            pool.over_months(by_horizon, months),
            projector.seed,
            target.name,
        )
        if settings:
            mixed = _shifted(mixed, said[MODEL], ensemble.observed[target.series][target.member], item)
        observed[target.series][target.member] = mixed
        notes.setdefault(target.series, _note(by_horizon))
    return Issue(replace(ensemble, observed=observed), notes, f"combined: {len(notes)} series")


def _shifted(mixed: Floats, base: Floats, scenario: Floats, item: Observable) -> Floats:
    """Move combined draws by what the settings change in the model's draws of the same numbers."""
    offset = max(item.offset, 1e-9)
    moved = (mixed + offset) * (scenario + offset) / (base + offset) - offset
    moved = np.maximum(moved, 0.0)
    return np.asarray(np.round(moved) if item.count else moved)


def _note(by_horizon: dict[int, dict[str, float]]) -> str:
    pieces = [
        f"at {horizon} months " + ", ".join(f"{name} w={row[name]:.2f}" for name in POOLED if row.get(name))
        for horizon, row in sorted(by_horizon.items())
    ]
    return "combined: " + "; ".join(pieces)


def fitted_rivals(
    corridor: Corridor,
    figures: Figures,
    observables: dict[str, Observable],
    plan: Plan,
    day: date | None,
    origin: pd.Period,
    progress: Progress | None = None,
) -> Fitted:
    """Return the rivals' forecasts from the view of a day: packaged, kept from before, or fitted now and kept."""
    view = figures.as_of(day)
    key = _key(view, observables, plan, origin)
    kept = Path(platformdirs.user_cache_dir("acuerdo")) / corridor.name / f"rivals-{file_name(day)}"
    for path in (packaged_rivals(corridor, day), kept):
        found = load_rivals(path, key, observables)
        if found is not None:
            return found
    fitted = fit_rivals(view, observables, plan, origin, progress)
    try:
        save_rivals(kept, fitted, key)
    except InputError:  # without a place to keep them, they are fitted again next time
        return fitted
    return fitted


def read_rivals(
    corridor: Corridor,
    figures: Figures,
    observables: dict[str, Observable],
    plan: Plan,
    day: date | None,
    origin: pd.Period,
) -> Fitted | None:
    """Return the rivals' forecasts from the view of a day that come with the corridor, or None without them."""
    key = _key(figures.as_of(day), observables, plan, origin)
    return load_rivals(packaged_rivals(corridor, day), key, observables)


def fit_rivals(
    view: Figures, observables: dict[str, Observable], plan: Plan, origin: pd.Period, progress: Progress | None = None
) -> Fitted:
    """Fit every rival to every target of a plan."""
    found: Fitted = {}
    for step, target in enumerate(plan.targets):
        item = observables[target.series]
        past = record.history(view, observables, target, plan.history)
        said = rivals(past, origin, MONTHS, item.offset, item.count)
        if said:
            found[target] = said
        if progress:
            progress(step + 1, len(plan.targets), 0.0)
    return found


def package_rivals(
    corridor: Corridor,
    figures: Figures,
    observables: dict[str, Observable],
    plan: Plan,
    day: date | None,
    origin: pd.Period,
    progress: Progress | None = None,
) -> Path:
    """Write the rivals' forecasts of a view into the corridor, so that the first issue does not have to fit them."""
    fitted = fitted_rivals(corridor, figures, observables, plan, day, origin, progress)
    path = packaged_rivals(corridor, day)
    save_rivals(path, fitted, _key(figures.as_of(day), observables, plan, origin))
    return path


def package_all(built: CorridorModel, figures: Figures, observables: dict[str, Observable], plan: Plan) -> list[Path]:
    """Write the rivals' forecasts of every view that has a packaged posterior; return what was written."""
    written = []
    for path in sorted(packaged(built).glob("*.nc")):
        found = Posterior.load(path)
        written.append(package_rivals(built.corridor, figures, observables, plan, found.day, found.month))
    return written


def packaged_rivals(corridor: Corridor, day: date | None) -> Path:
    """Return where the corridor keeps the rivals' forecasts of a view."""
    return corridor.path("backtest", f"rivals-{file_name(day)}")


def _key(view: Figures, observables: dict[str, Observable], plan: Plan, origin: pd.Period) -> str:
    here = Path(__file__).parent / "backtest"
    shapes = [(name, item.offset, item.count) for name, item in observables.items() if name in plan.series]
    code = code_digest([here / "rivals.py", here / "record.py"])
    return keep.key_of(view.digest, plan.targets, plan.history, shapes, origin, code)


def save_rivals(path: Path, fitted: Fitted, key: str) -> None:
    """Keep rivals' forecasts as netCDF, whole or not at all.

    Raises:
        InputError: the place cannot be written to.
    """
    targets, steps = list(fitted), MONTHS + MOST_STALE
    mean, sd = (np.zeros((len(targets), len(RIVALS), MONTHS), dtype="float32") for _ in range(2))
    weights = np.zeros((len(targets), len(RIVALS), steps), dtype="float32")
    for i, target in enumerate(targets):
        for j, name in enumerate(RIVALS):
            one = fitted[target][name]
            mean[i, j], sd[i, j], weights[i, j, : len(one.weights)] = one.mean, one.sd, one.weights
    lags = [len(fitted[target][next(iter(RIVALS))].weights) - MONTHS for target in targets]
    data = xr.Dataset(
        {
            "mean": (("target", "rival", "month"), mean),
            "sd": (("target", "rival", "month"), sd),
            "weights": (("target", "rival", "step"), weights),
            "lag": ("target", np.asarray(lags, dtype="int16")),
            "most": ("target", [fitted[target][next(iter(RIVALS))].most for target in targets]),
        },
        coords={"target": [target.name for target in targets], "rival": list(RIVALS)},
        attrs={"key": key},
    )
    compress = {name: {"zlib": True, "complevel": 9, "shuffle": True} for name in ("mean", "sd", "weights")}
    write_whole(path, bytes(data.to_netcdf(engine="h5netcdf", encoding=compress)))


def load_rivals(path: Path, key: str, observables: dict[str, Observable]) -> Fitted | None:
    """Return the rivals' forecasts of a file, or None if there is none, it is damaged or it belongs to another key."""
    try:
        with xr.open_dataset(path, engine="h5netcdf") as data:
            if data.attrs.get("key") != key:
                return None
            data = data.load()
        found: Fitted = {}
        for i, text in enumerate(data["target"].values):
            target = Target(*str(text).split("|", 1))
            item, steps = observables[target.series], MONTHS + int(data["lag"].values[i])
            found[target] = {
                str(name): Predictive(
                    data["mean"].values[i, j].astype(float),
                    data["sd"].values[i, j].astype(float),
                    data["weights"].values[i, j, :steps].astype(float),
                    max(item.offset, 1e-9),
                    float(data["most"].values[i]),
                    item.count,
                )
                for j, name in enumerate(data["rival"].values)
            }
    except (OSError, KeyError, ValueError):
        return None
    return found
