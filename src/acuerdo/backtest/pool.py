"""The linear pool of the model and its rivals: weights learned on what had come by a day, and paths drawn from it."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from acuerdo.backtest.rivals import RIVALS
from acuerdo.errors import DataError

Floats = npt.NDArray[np.float64]

MODEL = "model"
POOLED = (MODEL, *RIVALS)
"""Members of the pool, in the order of every array of weights."""
FEWEST_PAST = 4
"""With fewer past origins whose figure had come, a series has no weights of its own: it takes those of all series."""
SHRINKAGE = 8.0
"""What weights are drawn towards counts as much as so many past origins (assumption: origins overlap, so a dozen
says as much as a handful that do not)."""
MODEL_FIRST = 0.5
"""Weight of the model where nothing has come yet: equations and extrapolation alike, however many rivals extrapolate
(assumption)."""
_LEAST_WEIGHT = 0.02  # below it a member is left out
_THINNED = 200  # quantiles that stand for a sample

Weights = dict[str, dict[str, dict[int, dict[str, float]]]]
"""Weight by series, scope, horizon and member."""


@dataclass(frozen=True)
class Past:
    """What each member of the pool said, and what came.

    Attributes:
        origin: day of the forecast.
        target: name of the target, for its scale.
        error: E|X - y| of each member, (members,).
        apart: E|X - X'| of each two members, (members, members).
    """

    origin: date
    target: str
    error: Floats
    apart: Floats

    def crps(self, weights: Floats) -> float:
        """Return the CRPS of the pool, which is a quadratic form of its weights."""
        return float(weights @ self.error - 0.5 * weights @ self.apart @ weights)


def thin(draws: Floats) -> Floats:
    """Return the quantiles that stand for each sample, (..., draws) to (..., quantiles)."""
    return np.moveaxis(np.quantile(draws, (np.arange(_THINNED) + 0.5) / _THINNED, axis=-1), 0, -1)


def apart(samples: Floats) -> Floats:
    """Return E|X - Y| of each two members, the integral of F (1 - G) + G (1 - F), from samples (members, quantiles)."""
    grid = np.sort(samples, axis=None)
    shares = np.stack([np.searchsorted(np.sort(row), grid[:-1], side="right") for row in samples]) / samples.shape[1]
    one_way = (shares * np.diff(grid)) @ (1.0 - shares).T
    return np.asarray(one_way + one_way.T)


def learn(past: Sequence[Past], centre: Floats, fewest: int = FEWEST_PAST) -> Floats:
    """Return the weights with the least mean CRPS over what is past, drawn towards a centre.

    Each target's scores are divided by the mean error of all members on it, so that targets of any size count alike.

    Args:
        past: what was said and what came.
        centre: weights to be drawn towards as if by `SHRINKAGE` more origins, (members,).
        fewest: with fewer past origins, the centre itself is returned.
    """
    members = len(centre)
    origins = {one.origin for one in past}
    if len(origins) < fewest:
        return centre
    errors: dict[str, list[float]] = {}
    for one in past:
        errors.setdefault(one.target, []).append(float(one.error.mean()))
    scales = {name: float(np.mean(of)) or 1.0 for name, of in errors.items()}
    error = np.mean([one.error / scales[one.target] for one in past], axis=0)
    spread = np.mean([one.apart / scales[one.target] for one in past], axis=0)
    best = optimize.minimize(
        lambda w: w @ error - 0.5 * w @ spread @ w,
        centre,
        jac=lambda w: error - spread @ w,
        bounds=[(0.0, 1.0)] * members,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(members)},
        method="SLSQP",
    ).x
    return np.asarray((len(origins) * best + SHRINKAGE * centre) / (len(origins) + SHRINKAGE))


Slot = tuple[str, str, int]
"""Series, scope and horizon."""


def learn_all(past: Mapping[Slot, Sequence[Past]], before: Mapping[Slot, Sequence[Past]]) -> Weights:
    """Return weights for each series, scope and horizon.

    First the rivals' weights among themselves, also from days before the first origin: those of a series are drawn
    towards those of all series at the horizon, these towards those at the next shorter horizon, and at the shortest
    towards equal weights. Then the model joins: its weight over all series is drawn towards that at the next shorter
    horizon, at the shortest towards `MODEL_FIRST`; and the weights of a series towards that weight of the model with
    the rivals' own weights for the rest. So where little has come yet, a series borrows.

    Args:
        past: what the whole pool said, in the order of `POOLED`.
        before: what the rivals alone said on days before the first origin.
    """
    rivals = len(POOLED) - 1
    among = np.full(rivals, 1.0 / rivals)
    first = MODEL_FIRST
    weights: Weights = {}
    for horizon in sorted({horizon for _, _, horizon in past}):
        here = {slot: rows for slot, rows in past.items() if slot[2] == horizon}
        alone = {slot: [*before.get(slot, []), *(_without_model(one) for one in rows)] for slot, rows in here.items()}
        among = learn([one for rows in alone.values() for one in rows], among, fewest=1)
        start = np.append(first, (1.0 - first) * among)
        first = float(learn([one for rows in here.values() for one in rows], start, fewest=1)[0])
        for slot, rows in here.items():
            series, scope, _ = slot
            learned = learn(rows, np.append(first, (1.0 - first) * learn(alone[slot], among)))
            held = np.where(learned < _LEAST_WEIGHT, 0.0, learned)
            row = {name: round(float(w), 3) for name, w in zip(POOLED, held / held.sum(), strict=True) if w > 0}
            weights.setdefault(series, {}).setdefault(scope, {})[horizon] = row
    return weights


def _without_model(one: Past) -> Past:
    return Past(one.origin, one.target, one.error[1:], one.apart[1:, 1:])


def over_months(by_horizon: Mapping[int, Mapping[str, float]], months: int) -> Floats:
    """Return the weights of each month ahead, (months, members): linear in the log of the horizon, held at the ends."""
    horizons = sorted(by_horizon)
    table = np.array([[by_horizon[h].get(name, 0.0) for name in POOLED] for h in horizons])
    at = np.log(np.arange(1, months + 1))
    found = np.stack([np.interp(at, np.log(horizons), column) for column in table.T], axis=1)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def mix(paths: Floats, weights: Floats, seed: int, name: str) -> Floats:
    """Draw paths from the pool.

    Each draw has one number between 0 and 1 that says from which member it comes in each month; where the weights do
    not change from month to month it stays with one member, so that paths are whole.

    Args:
        paths: (members, months, draws); members without weight may be NaN.
        weights: (months, members).
        seed: for the choice of members.
        name: of the target, which has its own choice.
    """
    members, _, draws = paths.shape
    rng = np.random.default_rng([seed, zlib.crc32(f"pool {name}".encode())])
    place = (rng.permutation(draws) + 0.5) / draws
    ends = np.cumsum(weights, axis=1)
    ends[:, -1] = 1.0
    chosen = np.minimum((place[None, :, None] > ends[:, None, :]).sum(axis=2), members - 1)
    return np.asarray(np.take_along_axis(paths, chosen[None], axis=0)[0])


@dataclass(frozen=True)
class WeightsFile:
    """Weights for issued forecasts, as the corridor keeps them.

    Attributes:
        model_digest: the model that they were learned with.
        tables: weights as they were known on each origin's day and on the last day of the snapshot, in order.
        final: weights with all that the snapshot has, whenever it was published.
        counts: number of past origins behind each series, scope and horizon of the final weights.
        about: what was learned from.
    """

    model_digest: str
    tables: list[tuple[date, Weights]]
    final: Weights
    counts: dict[str, dict[str, dict[int, int]]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def known_on(self, day: date | None) -> Weights | None:
        """Return the newest weights that were known on a day (None: the final ones)."""
        if day is None:
            return self.final
        known = [table for when, table in self.tables if when <= day]
        return known[-1] if known else None

    def to_json(self) -> str:
        """Return the text of the file, with a digest of its content."""
        content = {
            "about": self.about,
            "model_digest": self.model_digest,
            "tables": [{"known_on": str(day), "weights": table} for day, table in self.tables],
            "final": self.final,
            "counts": self.counts,
        }
        plain = json.loads(json.dumps(content))
        return json.dumps({"digest": _digest(plain), **plain}, indent=1) + "\n"


def read_weights(path: Path) -> WeightsFile | None:
    """Read a file of weights, or return None if there is none.

    Raises:
        DataError: it is damaged or was changed by hand.
    """
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("digest") != _digest(content):
            raise ValueError("digest")
        tables = [(date.fromisoformat(one["known_on"]), _by_horizon(one["weights"])) for one in content["tables"]]
        counts = {
            series: {scope: {int(h): count for h, count in row.items()} for scope, row in scopes.items()}
            for series, scopes in content["counts"].items()
        }
        final = _by_horizon(content["final"])
        return WeightsFile(content["model_digest"], tables, final, counts, content["about"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise DataError(f"{path}: not a file of weights, or damaged; rebuild it with: acuerdo backtest") from problem


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _by_horizon(weights: Any) -> Weights:
    return {
        series: {scope: {int(h): dict(row) for h, row in by.items()} for scope, by in scopes.items()}
        for series, scopes in weights.items()
    }
