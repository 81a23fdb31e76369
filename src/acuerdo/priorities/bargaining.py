"""Two sides and a finite set of packages: the front, the zone of agreement, and three classical solutions.

A point is the pair of values that a package gives the two sides, the disagreement point the pair without agreement.
Nash (1950) takes the package with the largest product of gains; Kalai and Smorodinsky (1975) the one whose smaller
gain, as a share of the most that the side could get, is largest; the egalitarian one (Kalai, 1977) whose smaller gain
is largest. Ties go to the larger sum of gains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """What the two sides could agree on.

    Attributes:
        zone: for each package, whether it leaves both sides with at least what each asks, and one with more.
        front: for each package, whether no other package is better for one side and as good for the other.
        nash, kalai_smorodinsky, egalitarian: index of each solution; None when the zone is empty.
    """

    zone: Flags
    front: Flags
    nash: int | None
    kalai_smorodinsky: int | None
    egalitarian: int | None

    @property
    def empty(self) -> bool:
        """Whether nothing leaves both sides with what they ask: a finding, not an error."""
        return not self.zone.any()

    @property
    def solutions(self) -> dict[str, int]:
        """The solutions by name; none when the zone is empty."""
        found = {name: getattr(self, name) for name in SOLUTIONS}
        return {name: at for name, at in found.items() if at is not None}


SOLUTIONS = ("nash", "kalai_smorodinsky", "egalitarian")


def front(points: Floats) -> Flags:
    """Tell which points, shape (packages, 2), no other point dominates; of equal points all are kept."""
    unique, back = np.unique(points, axis=0, return_inverse=True)
    order = np.lexsort((-unique[:, 1], -unique[:, 0]))
    second = unique[order, 1]
    best = np.concatenate([[-np.inf], np.maximum.accumulate(second)[:-1]])
    kept = np.zeros(len(unique), bool)
    kept[order] = second > best
    return np.asarray(kept[back.reshape(-1)])


def agree(points: Floats, without: Floats, reservation: Floats | None = None) -> Agreement:
    """Find zone, front and solutions.

    Args:
        points: value of each package for each side, shape (packages, 2).
        without: values without agreement, shape (2,).
        reservation: least gain on no agreement that each side asks before it signs, shape (2,); zero without it.
    """
    floor = without + (0.0 if reservation is None else reservation)
    gains = points - floor
    zone = np.all(gains >= 0, axis=1) & np.any(gains > 0, axis=1)
    if not zone.any():
        return Agreement(zone, front(points), None, None, None)
    most = np.where(zone[:, None], gains, 0.0).max(axis=0)
    shares = gains / np.where(most > 0, most, 1.0)
    total = gains.sum(axis=1)

    def best(score: Floats) -> int:
        score = np.where(zone, score, -np.inf)
        near = score >= score.max() - 1e-12 * max(1.0, abs(score.max()))
        return int(np.argmax(np.where(near, total, -np.inf)))

    return Agreement(
        zone,
        front(points),
        best(np.where(zone, gains[:, 0] * gains[:, 1], -np.inf)),
        best(shares.min(axis=1)),
        best(gains.min(axis=1)),
    )


def hypervolume(points: Floats, reference: Floats) -> float:
    """Return the area between the front of points to be made large and a reference point below them, for two sides."""
    above = points[np.all(points > reference, axis=1)]
    area, low = 0.0, float(reference[1])
    for x, y in sorted(map(tuple, above[front(above)]), reverse=True):
        area += (x - reference[0]) * (y - low)
        low = y
    return float(area)
