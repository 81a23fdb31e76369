"""How far results depend on the weights: the same packages under many weights around those given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from acuerdo.priorities.bargaining import agree
from acuerdo.priorities.values import POINTS, Values

Floats = npt.NDArray[np.float64]
CONCENTRATION = 20.0
"""Of the Dirichlet distribution: at 20, a weight of 25 of 100 lies between 11 and 42 in nine of ten cases."""
TOP = 3


@dataclass(frozen=True)
class Sweep:
    """What happens to packages when the weights of both sides vary.

    Attributes:
        top: share of weights under which each package is among the first by the product of gains, shape (packages,).
        both: share of weights under which both sides prefer each package to no agreement, shape (packages,).
        sides: share of weights under which each side prefers it, shape (packages, sides).
        empty: share of weights under which the zone of agreement is empty.
        turning: by side, the outcome whose weight separates best the weights under which each package is preferred by
            that side from the others, with the correlation: one (outcome, correlation) or None for each package.
    """

    top: Floats
    both: Floats
    sides: Floats
    empty: float
    turning: dict[str, list[tuple[str, float] | None]]


def draw_weights(values: Values, count: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Return weights around those given, by side, shape (count, outcomes): Dirichlet, zero where they are zero."""
    found = {}
    for side, weights in values.weights.items():
        drawn = np.zeros((count, len(weights)))
        cares = weights > 0
        drawn[:, cares] = POINTS * rng.dirichlet(CONCENTRATION * weights[cares] / weights.sum(), count)
        found[side] = drawn
    return found


def sweep(gains: Floats, values: Values, base: Floats, count: int, seed: int) -> Sweep:
    """Vary the weights of both sides.

    Args:
        gains: mean change of each outcome against no agreement, shape (packages, outcomes).
        values: the value functions.
        base: mean of each outcome on the course without new measures, shape (outcomes,).
        count: number of weights tried.
        seed: of the draws.
    """
    weights = draw_weights(values, count, np.random.default_rng(seed))
    scaled = gains / values.swings(base)
    asked = np.array([values.reservation[side] for side in values.sides])
    points = np.stack([weights[side] @ scaled.T for side in values.sides], axis=-1)  # (count, packages, sides)
    good = points > asked
    top = np.zeros(len(gains))
    empty = 0
    for one in points:
        zone = agree(one, np.zeros(2), asked).zone
        empty += not zone.any()
        product = np.where(zone, np.prod(np.maximum(one - asked, 0.0), axis=1), -1.0)
        first = np.argsort(-product, kind="stable")[:TOP]
        top[first[product[first] >= 0]] += 1
    turning = {
        side: [_turning(values, weights[side], points[:, p, s], good[:, p, s]) for p in range(len(gains))]
        for s, side in enumerate(values.sides)
    }
    return Sweep(top / count, good.all(axis=2).mean(axis=0), good.mean(axis=0), empty / count, turning)


def _turning(values: Values, weights: Floats, points: Floats, good: npt.NDArray[np.bool_]) -> tuple[str, float] | None:
    """Return the outcome on whose weight a side's preference turns; None where it does not turn on weights."""
    if good.all() or not good.any():
        return None
    spread = weights.std(axis=0)
    centred = (weights - weights.mean(axis=0)) * (points - points.mean())[:, None]
    correlation = np.where(spread > 0, centred.mean(axis=0) / np.where(spread > 0, spread, 1.0) / points.std(), 0.0)
    at = int(np.argmax(np.abs(correlation)))
    return values.outcomes[at], float(correlation[at])
