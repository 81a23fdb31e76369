"""Forecasts kept as files: one for each origin and kind of forecaster, whole or not at all, valid for one key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from acuerdo.backtest.plan import Target
from acuerdo.files import write_whole

Floats = npt.NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
Paths = Mapping[str, Mapping[Target, Floats]]
"""Draws of paths by forecaster and target, (months, draws)."""


@dataclass(frozen=True)
class Kept:
    """Forecasts of one origin.

    Attributes:
        draws: by forecaster and target, (horizons, draws).
        bands: by forecaster and target, quantiles of each month, (months, quantiles).
    """

    draws: dict[str, dict[Target, Floats]]
    bands: dict[str, dict[Target, Floats]]

    def joined(self, other: Kept) -> Kept:
        """Return these forecasters and those of another file."""
        return Kept({**self.draws, **other.draws}, {**self.bands, **other.bands})


def key_of(*parts: object) -> str:
    """Return a hash of everything that a file of forecasts depends on."""
    seen = hashlib.sha256()
    for part in parts:
        seen.update(f"{part!s}\x1e".encode())
    return seen.hexdigest()


def save(path: Path, paths: Paths, horizons: list[int], key: str) -> None:
    """Keep forecasts: draws at the horizons and quantiles of every month.

    Raises:
        InputError: the place cannot be written to.
    """
    names = list(paths)
    targets = list(dict.fromkeys(target for one in paths.values() for target in one))
    some = next((values for one in paths.values() for values in one.values()), np.zeros((max(horizons), 1)))
    months, draws = some.shape
    at = np.asarray(horizons) - 1
    kept = np.full((len(names), len(targets), len(horizons), draws), np.nan, dtype="float32")
    bands = np.full((len(names), len(targets), months, len(QUANTILES)), np.nan, dtype="float32")
    for i, name in enumerate(names):
        for j, target in enumerate(targets):
            if target in paths[name]:
                kept[i, j] = paths[name][target][at]
                bands[i, j] = np.quantile(paths[name][target], QUANTILES, axis=1).T
    data = xr.Dataset(
        {
            "draws": (("forecaster", "target", "horizon", "draw"), kept),
            "bands": (("forecaster", "target", "month", "quantile"), bands),
        },
        coords={
            "forecaster": names,
            "target": [target.name for target in targets],
            "horizon": horizons,
            "month": np.arange(1, months + 1),
            "quantile": list(QUANTILES),
        },
        attrs={"key": key},
    )
    compress = {name: {"zlib": True, "complevel": 4, "shuffle": True} for name in data.data_vars}
    write_whole(path, bytes(data.to_netcdf(engine="h5netcdf", encoding=compress)))


def load(path: Path, key: str) -> Kept | None:
    """Return the forecasts of a file, or None if there is none, it is damaged or it belongs to another key."""
    try:
        with xr.open_dataset(path, engine="h5netcdf") as data:
            if data.attrs.get("key") != key:
                return None
            data = data.load()
        names = [str(name) for name in data["forecaster"].values]
        targets = [Target(*str(name).split("|", 1)) for name in data["target"].values]
        draws, bands = data["draws"].values.astype(float), data["bands"].values.astype(float)
    except (OSError, KeyError, ValueError):
        return None
    held = np.isfinite(draws).all(axis=(2, 3))
    return Kept(
        {n: {t: draws[i, j] for j, t in enumerate(targets) if held[i, j]} for i, n in enumerate(names)},
        {n: {t: bands[i, j] for j, t in enumerate(targets) if held[i, j]} for i, n in enumerate(names)},
    )


def months_after(origin: pd.Period, months: int) -> pd.PeriodIndex:
    """Return the months after an origin."""
    return pd.period_range(origin + 1, periods=months, freq="M")
