"""Scores of predictive draws against what came: CRPS, log score, coverage, bias and PIT, and their differences."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import scoringrules as sr  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]

SCORES = ("crps", "crps_log", "log_score", "log_score_log", "in_50", "in_90", "bias", "bias_log", "ape", "pit")
_LEAST_WIDTH = 0.01  # of the kernel of the log score, in logs: draws that all say the same are not sure to 1 %
_RESAMPLES, _BLOCK = 2000, 3


def score(draws: Floats, value: Floats, offset: float, seed: int = 1) -> dict[str, Floats]:
    """Score draws against what came.

    Args:
        draws: predictive draws, (..., draws), not negative.
        value: what came, (...).
        offset: added before taking logs.
        seed: for the rank of a value among draws that equal it (PIT of counts).

    Returns:
        By name, each of shape (...): `crps` (in the figure's unit) and `crps_log` (of logs); `log_score` and
        `log_score_log` (a Gaussian kernel in logs; the first is its density in the figure's unit), lower is better;
        `in_50`, `in_90` (1 if the central interval holds the value); `bias` (mean less value) and `bias_log` (median
        less value, of logs); `ape` (absolute error of the median as a share of the value); `pit`.
    """
    shift = max(offset, 1e-9)
    logs, seen = np.log(draws + shift), np.log(value + shift)
    low90, low50, middle, high50, high90 = np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95], axis=-1)
    spread = np.minimum(logs.std(axis=-1), np.subtract(*np.quantile(logs, [0.75, 0.25], axis=-1)) / 1.34)
    width = np.maximum(1.06 * spread * draws.shape[-1] ** -0.2, _LEAST_WIDTH)
    log_score = sr.logs_ensemble(seen, logs, bw=width, backend="numpy")
    tie = np.random.default_rng(seed).random(value.shape)
    below = np.mean(draws < value[..., None], axis=-1)
    return {
        "crps": np.asarray(sr.crps_ensemble(value, draws, estimator="qd", backend="numpy")),
        "crps_log": np.asarray(sr.crps_ensemble(seen, logs, estimator="qd", backend="numpy")),
        "log_score": np.asarray(log_score + seen),
        "log_score_log": np.asarray(log_score),
        "in_50": ((value >= low50) & (value <= high50)).astype(float),
        "in_90": ((value >= low90) & (value <= high90)).astype(float),
        "bias": draws.mean(axis=-1) - value,
        "bias_log": np.log(middle + shift) - seen,
        "ape": np.abs(middle - value) / np.maximum(value, shift),
        "pit": below + tie * np.mean(draws == value[..., None], axis=-1),
    }


@cache
def resampled(count: int, seed: int = 1, block: int = _BLOCK, resamples: int = _RESAMPLES) -> Floats:
    """Return how often each origin is drawn in each resample of blocks of neighbours, (resamples, count).

    Forecasts from neighbouring origins overlap and their errors go together, hence blocks; the last
    origin is the neighbour of the first.
    """
    length = min(block, count)
    pieces = -(-count // length)
    starts = np.random.default_rng(seed).integers(0, count, (resamples, pieces))
    index = ((starts[:, :, None] + np.arange(length)) % count).reshape(resamples, -1)[:, :count]
    times = np.zeros((resamples, count))
    np.add.at(times, (np.arange(resamples)[:, None], index), 1.0)
    return times


Interval = tuple[float, float, float]
"""A value and the ends of its 90 % bootstrap interval."""


def compare(ours: Floats, theirs: Floats, seed: int = 1) -> tuple[Interval, Interval]:
    """Compare two forecasters on the origins and members that both have.

    Args:
        ours: scores by origin (and member), (origins,) or (origins, members); NaN where there is none.
        theirs: the same for the other forecaster.
        seed: for the bootstrap.

    Returns:
        Skill (how much lower our mean score is, as a share of theirs) and difference (our mean score less theirs). One
        origin alone has no interval: its ends are NaN.
    """
    both = np.isfinite(ours) & np.isfinite(theirs)
    a, b = (np.where(both, x, 0.0).reshape(len(x), -1).sum(axis=1) for x in (ours, theirs))
    counts = both.reshape(len(ours), -1).sum(axis=1)
    held = counts > 0
    if not held.any():
        nothing = (float("nan"),) * 3
        return nothing, nothing
    sums = np.stack([a[held], b[held], counts[held].astype(float)], axis=1)
    rows = np.concatenate([sums.sum(axis=0, keepdims=True), resampled(len(sums), seed) @ sums])
    mine, other = rows[:, 0] / rows[:, 2], rows[:, 1] / rows[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        several = len(sums) > 1
        return _interval(1.0 - mine / other, several), _interval(mine - other, several)


def _interval(values: Floats, several: bool) -> Interval:
    known = several and np.isfinite(values[1:]).any()
    low, high = np.nanquantile(values[1:], [0.05, 0.95]) if known else (np.nan, np.nan)
    return float(values[0]), float(low), float(high)
