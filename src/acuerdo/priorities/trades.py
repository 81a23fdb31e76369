"""Issue trades: what one side can give that costs it little and is worth much to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from acuerdo.priorities.space import Measure

Floats = npt.NDArray[np.float64]
_FELT = 0.1  # points below which a gain or loss is not counted


@dataclass(frozen=True)
class Concession:
    """A measure that is worth something to one side and costs the other.

    Attributes:
        measure: the measure.
        giver, taker: sides by name.
        loss: mean loss of the giver in points, positive.
        gain: mean gain of the taker in points.
        low, high: 90 % interval of the taker's gain.
        sure: share of states in which the giver loses and the taker gains.
    """

    measure: Measure
    giver: str
    taker: str
    loss: float
    gain: float
    low: float
    high: float
    sure: float


@dataclass(frozen=True)
class Trade:
    """Two measures, one given by each side, that leave both better off together.

    Attributes:
        one, other: the concessions, of the first and of the second side.
        net: mean gain of each side from both together, if effects add up, by side.
    """

    one: Concession
    other: Concession
    net: dict[str, float]


def concessions(
    measures: Sequence[Measure], points: Floats, sides: Sequence[str], owners: Mapping[str, str]
) -> list[Concession]:
    """Return the measures that a side can give: it loses by them, and the other gains; the best ratio of both first.

    Args:
        measures: measures, each alone on top of the same package.
        points: change of value by each, shape (measures, states, 2).
        sides: names of the two sides.
        owners: owner of each lever; nobody gives what is the other side's alone.
    """
    found = []
    mean = points.mean(axis=1)
    for at, measure in enumerate(measures):
        giver = int(np.argmin(mean[at]))
        taker = 1 - giver
        loss, gain = -float(mean[at, giver]), float(mean[at, taker])
        if loss > 0 and gain > _FELT and owners[measure.lever] in (sides[giver], "both"):
            low, high = np.quantile(points[at, :, taker], [0.05, 0.95])
            sure = np.mean((points[at, :, giver] < 0) & (points[at, :, taker] > 0))
            found.append(
                Concession(measure, sides[giver], sides[taker], loss, gain, float(low), float(high), float(sure))
            )
    return sorted(found, key=lambda one: -one.gain / max(one.loss, 1e-6))


def trades(given: Sequence[Concession], sides: Sequence[str], shown: int = 5) -> list[Trade]:
    """Return pairs of concessions, one by each side, by which both gain; the largest smaller gain first."""
    found = []
    for one in given:
        for other in given:
            if (one.giver, other.giver) == tuple(sides) and one.measure.lever != other.measure.lever:
                net = {sides[0]: other.gain - one.loss, sides[1]: one.gain - other.loss}
                if min(net.values()) > 0:
                    found.append(Trade(one, other, net))
    found.sort(key=lambda trade: -min(trade.net.values()))
    seen: set[tuple[str, str]] = set()
    kept = []
    for trade in found:
        pair = trade.one.measure.lever, trade.other.measure.lever
        if pair not in seen:
            seen.add(pair)
            kept.append(trade)
    return kept[:shown]
