"""Why paths diverged: how curved the density was on the way of each, along what, and what was far out there.

A path diverges where the density is so much narrower than nearly everywhere that a step of the usual size leaps out of
it. One of a fixed number of steps is then refused, so that the chain keeps the place where it began; the No-U-Turn
sampler returns a point along it, which is near. What is told is the expected information there, in the coordinates of
the sampler, in which it is 1 along every direction on average: its largest value, beside that of usual places, says how
much too long the step was, and its direction says which unknowns hold each other.

A path that did not begin at a narrow place ran into one further on. It is then followed quarter by quarter as it would
go from its slope and momentum if the density were of curvature 1, to the first narrow place. The real path bends away
from such a place before, or leaps over it, so that what comes after the first does not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import LinearOperator, eigsh

if TYPE_CHECKING:
    from acuerdo.inference.sampler import Chains

Floats = npt.NDArray[np.float64]
MOST = 10
"""Divergences that are looked at: where there are more, the first of them say what is wrong."""
_USUAL = 3
_NARROW = 2.0  # times the largest curvature at usual places
_QUARTERS = (0.25, 0.5, 0.75, 1.0)
_NAMED = 4  # unknowns named of a direction, and of those that are far out


@dataclass(frozen=True)
class Divergence:
    """Where a path diverged, or seems to have.

    Attributes:
        chain: number of the chain, from 1.
        iteration: number of the iteration kept of it, from 1.
        curvature: largest expected information along a direction of the sampler's coordinates.
        along: the unknowns that move most along it, each in its posterior standard deviations, as a share of the most.
        far: the unknowns furthest from their posterior means there, in posterior standard deviations.
        ahead: how far along the path this is, as a share of it; 0 where it began.
    """

    chain: int
    iteration: int
    curvature: float
    along: list[tuple[str, float]]
    far: list[tuple[str, float]]
    ahead: float = 0.0


@dataclass(frozen=True)
class Divergences:
    """What was found of the paths that diverged.

    Attributes:
        usual: largest curvature at places of the chains where nothing was wrong, smallest first.
        paths: the divergences that were looked at, at most `MOST`.
    """

    usual: list[float]
    paths: list[Divergence]

    def text(self) -> str:
        """Return the same as JSON, as it is kept in the notes of a posterior."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Divergences:
        """Return what `text` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """

        def pairs(listed: list[Any]) -> list[tuple[str, float]]:
            return [(str(name), float(value)) for name, value in listed]

        told = json.loads(text)
        paths = [
            Divergence(**{**path, "along": pairs(path["along"]), "far": pairs(path["far"])}) for path in told["paths"]
        ]
        return cls([float(value) for value in told["usual"]], paths)


def examine(chains: Chains, information: Callable[[Floats], Floats], names: Sequence[str]) -> Divergences | None:
    """Look at where paths diverged; None if none did.

    Args:
        chains: what the sampler returned, (chains, draws, size).
        information: the expected information about the unknowns at a point, (size, size) for (size,).
        names: of the unknowns, (size,).
    """
    if not chains.diverging.any():
        return None
    mean, deviation = (np.asarray(part(axis=(0, 1))) for part in (chains.values.mean, chains.values.std))
    width = np.where(deviation > 0, deviation, np.inf)  # what is held cannot be far out
    factor = np.diag(chains.spread) if chains.spread.ndim == 1 else chains.spread

    def named(values: Floats) -> list[tuple[str, float]]:
        return [(names[i], round(float(values[i]), 2)) for i in np.argsort(-np.abs(values))[:_NAMED]]

    def look(place: tuple[int, int], point: Floats, ahead: float = 0.0) -> Divergence:
        curvature, direction = _tightest(information(point), factor)
        moved = factor @ direction / width
        moved /= moved[np.argmax(np.abs(moved))]
        far = named((point - mean) / width)
        return Divergence(place[0] + 1, place[1] + 1, round(curvature, 1), named(moved), far, ahead)

    def follow(place: tuple[int, int], most: float) -> Divergence:
        began = look(place, chains.values[place])
        if began.curvature > most or place not in chains.launches:
            return began
        slope, momentum = chains.launches[place]
        length = chains.steps[place] * chains.step_size[place[0]]
        for ahead in _QUARTERS:
            u = momentum * np.sin(ahead * length) - slope * (1 - np.cos(ahead * length))
            there = look(place, chains.values[place] + factor @ u, ahead)
            if there.curvature > most:
                return there
        return began

    def places(chosen: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
        return [(chain, iteration) for chain, iteration in np.argwhere(chosen).tolist()]

    sound = places(~chains.diverging)
    at = [(2 * number + 1) * len(sound) // (2 * _USUAL) for number in range(_USUAL)][: len(sound)]
    usual = sorted(look(sound[number], chains.values[sound[number]]).curvature for number in at)
    most = _NARROW * usual[-1] if usual else 0.0
    return Divergences(usual, [follow(place, most) for place in places(chains.diverging)[:MOST]])


def _tightest(information: Floats, factor: Floats) -> tuple[float, Floats]:
    """Return the largest curvature in the coordinates of a factor, and its direction there, of length 1."""

    def curved(u: Floats) -> Floats:
        return np.asarray(factor.T @ (information @ (factor @ u)))

    size = len(information)
    if size < 3:  # the iteration needs room
        values, vectors = np.linalg.eigh(factor.T @ information @ factor)
        return float(values[-1]), vectors[:, -1]
    values, vectors = eigsh(
        LinearOperator((size, size), matvec=curved, dtype=float), k=1, which="LA", v0=np.ones(size) / np.sqrt(size)
    )
    return float(values[0]), vectors[:, 0]
