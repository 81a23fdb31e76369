"""Scenario discovery: where a package fails, as a box of few inputs, by PRIM (Friedman and Fisher, 1999).

The box starts with all cases. Again and again the face is cut off, a small share of the cases at a time, whose loss
leaves the largest share of failures inside; then faces are moved out again as long as that raises it. Inputs whose
limits do not matter are set free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Box:
    """A region of the inputs.

    Attributes:
        limits: by input, the lowest and highest value inside; infinite where there is no limit.
        density: share of the cases inside that fail.
        coverage: share of all failures that are inside.
        mass: share of all cases that are inside.
    """

    limits: dict[str, tuple[float, float]]
    density: float
    coverage: float
    mass: float


def inside(inputs: Floats, low: Floats, high: Floats) -> Flags:
    """Tell which cases, shape (cases, inputs), lie within limits, shape (inputs,) each."""
    return np.asarray(np.all((inputs >= low) & (inputs <= high), axis=1))


def prim(
    inputs: Floats, fails: Flags, names: Sequence[str], peel: float = 0.05, least: float = 0.05, gain: float = 0.02
) -> Box | None:
    """Find the box of inputs in which failures are most dense.

    Args:
        inputs: one row for each case, shape (cases, inputs).
        fails: which cases fail, shape (cases,).
        names: of the inputs.
        peel: share of the cases inside that one cut takes off.
        least: smallest share of all cases that a box may hold.
        gain: an input is limited only if setting it free lowered the density by more than this.

    Returns:
        The box, or None when no case or every case fails.
    """
    if not fails.any() or fails.all():
        return None
    count = inputs.shape[1]
    low, high = np.full(count, -np.inf), np.full(count, np.inf)
    best = (low.copy(), high.copy())
    peak = float(fails.mean())
    while True:
        now = inside(inputs, low, high)
        tries = []
        for at in range(count):
            values = inputs[now, at]
            for end in (0, 1):
                edge = np.quantile(values, peel if end == 0 else 1 - peel)
                changed = (low.copy(), high.copy())
                beyond = values[values > edge] if end == 0 else values[values < edge]
                if not len(beyond):
                    continue
                changed[end][at] = (
                    (beyond.min() if np.mean(values < edge) == 0 else edge)
                    if end == 0
                    else (beyond.max() if np.mean(values > edge) == 0 else edge)
                )
                kept = inside(inputs, *changed)
                if least * len(inputs) <= kept.sum() < now.sum():
                    tries.append((float(fails[kept].mean()), int(kept.sum()), changed))
        if not tries:
            break
        density, _, (low, high) = max(tries, key=lambda one: one[:2])
        if density > peak + 1e-12:
            peak, best = density, (low.copy(), high.copy())
    low, high = _paste(inputs, fails, *best, peel)
    low, high = _free(inputs, fails, low, high, gain)
    kept = inside(inputs, low, high)
    limits = {
        name: (float(low[at]), float(high[at]))
        for at, name in enumerate(names)
        if np.isfinite(low[at]) or np.isfinite(high[at])
    }
    return Box(limits, float(fails[kept].mean()), float(fails[kept].sum() / fails.sum()), float(kept.mean()))


def _paste(inputs: Floats, fails: Flags, low: Floats, high: Floats, share: float) -> tuple[Floats, Floats]:
    """Move faces out while that does not lower the density."""
    moved = True
    while moved:
        moved = False
        now = inside(inputs, low, high)
        density, size = float(fails[now].mean()), max(int(share * now.sum()), 1)
        for at in range(inputs.shape[1]):
            for end in (0, 1):
                changed = (low.copy(), high.copy())
                changed[end][at] = -np.inf if end == 0 else np.inf
                wider = inputs[inside(inputs, *changed) & ~now, at]
                if not len(wider):
                    continue
                ordered = np.sort(wider) if end == 1 else np.sort(wider)[::-1]
                changed[end][at] = ordered[min(size, len(ordered)) - 1]
                kept = inside(inputs, *changed)
                if float(fails[kept].mean()) >= density and kept.sum() > now.sum():
                    low, high = changed
                    moved = True
                    break
            if moved:
                break
    return low, high


def _free(inputs: Floats, fails: Flags, low: Floats, high: Floats, gain: float) -> tuple[Floats, Floats]:
    """Take limits away, the least useful first, as long as the density falls by no more than `gain` each time."""
    while True:
        density = float(fails[inside(inputs, low, high)].mean())
        tries = []
        for at in range(inputs.shape[1]):
            for end in (0, 1):
                if np.isfinite((low, high)[end][at]):
                    changed = (low.copy(), high.copy())
                    changed[end][at] = -np.inf if end == 0 else np.inf
                    tries.append((float(fails[inside(inputs, *changed)].mean()), changed))
        if not tries:
            return low, high
        after, changed = max(tries, key=lambda one: one[0])
        if after < density - gain:
            return low, high
        low, high = changed
