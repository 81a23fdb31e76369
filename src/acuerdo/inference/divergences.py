"""Why paths diverged: how curved the density was where each began, along what, and what was far out there.

A path diverges where the density is so much narrower than nearly everywhere that a step of the usual size leaps out of
it. One of a fixed number of steps is then refused, so that the chain keeps the place where it began; the No-U-Turn
sampler returns a point along it, which is near. What is told is the expected information there, in the coordinates of
the sampler, in which it is 1 along every direction on average: its largest value, beside that of usual places, says how
much too long the step was, and its direction says which unknowns hold each other. Where it is no larger than there, the
path ran into a narrow place further on, which this does not find.
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
_NAMED = 4  # unknowns named of a direction, and of those that are far out


@dataclass(frozen=True)
class Divergence:
    """Where a path diverged.

    Attributes:
        chain: number of the chain, from 1.
        iteration: number of the iteration kept of it, from 1.
        curvature: largest expected information along a direction of the sampler's coordinates.
        along: the unknowns that move most along it, each in its posterior standard deviations, as a share of the most.
        far: the unknowns furthest from their posterior means there, in posterior standard deviations.
    """

    chain: int
    iteration: int
    curvature: float
    along: list[tuple[str, float]]
    far: list[tuple[str, float]]


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

    def look(chain: int, iteration: int) -> Divergence:
        point = chains.values[chain, iteration]
        curvature, direction = _tightest(information(point), factor)
        moved = factor @ direction / width
        moved /= moved[np.argmax(np.abs(moved))]
        return Divergence(
            int(chain) + 1, int(iteration) + 1, round(curvature, 1), named(moved), named((point - mean) / width)
        )

    sound = np.argwhere(~chains.diverging)
    at = [(2 * number + 1) * len(sound) // (2 * _USUAL) for number in range(_USUAL)] if len(sound) else []
    usual = [look(*sound[place]).curvature for place in at]
    return Divergences(sorted(usual), [look(*place) for place in np.argwhere(chains.diverging)[:MOST]])


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
