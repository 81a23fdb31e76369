"""Scores of predictive draws against what came: CRPS, log score, coverage, bias and PIT, and their differences."""

from __future__ import annotations

from collections.abc import Callable

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


def resampled(count: int, seed: int = 1, block: int = _BLOCK, resamples: int = _RESAMPLES) -> npt.NDArray[np.int64]:
    """Return indices of origins drawn again in blocks of neighbours, (resamples, count); the row of origins is a ring.

    Forecasts from neighbouring origins overlap and their errors go together, hence blocks.
    """
    length = min(block, count)
    pieces = -(-count // length)
    starts = np.random.default_rng(seed).integers(0, count, (resamples, pieces))
    index = (starts[:, :, None] + np.arange(length)) % count
    return np.asarray(index.reshape(resamples, -1)[:, :count])


def skill(ours: Floats, theirs: Floats, seed: int = 1) -> tuple[float, float, float]:
    """Return how much lower our mean score is, as a share of theirs, with its 90 % bootstrap interval.

    Args:
        ours: scores by origin (and member), (origins,) or (origins, members); NaN where there is none.
        theirs: the same for the other forecaster.
        seed: for the bootstrap.
    """
    return _with_interval(ours, theirs, lambda a, b: 1.0 - a / b, seed)


def difference(ours: Floats, theirs: Floats, seed: int = 1) -> tuple[float, float, float]:
    """Return our mean score less theirs, with its 90 % bootstrap interval; arguments as for `skill`."""
    return _with_interval(ours, theirs, lambda a, b: a - b, seed)


def _with_interval(
    ours: Floats, theirs: Floats, of: Callable[[Floats, Floats], Floats], seed: int
) -> tuple[float, float, float]:
    both = np.isfinite(ours) & np.isfinite(theirs)
    a, b = (np.where(both, x, 0.0).reshape(len(x), -1).sum(axis=1) for x in (ours, theirs))
    counts = both.reshape(len(ours), -1).sum(axis=1)
    keep = counts > 0
    a, b, counts = a[keep], b[keep], counts[keep]
    if not len(a):
        return float("nan"), float("nan"), float("nan")
    index = resampled(len(a), seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = of(a.sum() / counts.sum(), b.sum() / counts.sum())
        again = of(a[index].sum(axis=1) / counts[index].sum(axis=1), b[index].sum(axis=1) / counts[index].sum(axis=1))
    low, high = np.nanquantile(again, [0.05, 0.95])
    return float(value), float(low), float(high)
