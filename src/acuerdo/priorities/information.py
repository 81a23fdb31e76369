"""What one would have to know: the value of perfect information on single parameters for the choice of a package.

The expected value of partial perfect information is what the choice would gain on average if one parameter were known
before it: E[max over packages of E(value | parameter)] - max over packages of E(value). The inner mean is estimated by
regression on the parameter over the draws (Strong, Oakley and Brennan, 2014), here a polynomial of third degree in its
standard normal unknown; what the same regression finds on shuffled values is taken off, because it finds something in
noise too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from acuerdo.engine.load import CorridorModel

Floats = npt.NDArray[np.float64]
_DEGREE = 3
_SHUFFLES = 5


@dataclass(frozen=True)
class Worth:
    """What knowing a parameter would be worth.

    Attributes:
        parameter: its name.
        member: member of its dimension, or empty.
        value: in the unit of the values, what chance explains taken off; 0 or more.
        noise: the largest value that any shuffled parameter gave; a smaller value says nothing.
    """

    parameter: str
    member: str
    value: float
    noise: float


def evppi(values: Floats, unknown: Floats) -> float:
    """Return the expected value of knowing one unknown before choosing, as the regression finds it.

    Args:
        values: value of each choice in each draw, shape (choices, draws).
        unknown: the parameter in each draw, about standard normal, shape (draws,).
    """
    spread = unknown.std()
    if spread == 0 or len(values) < 2:
        return 0.0
    design = np.vander((unknown - unknown.mean()) / spread, _DEGREE + 1)
    fitted = design @ np.linalg.lstsq(design, values.T, rcond=None)[0]
    return float(fitted.max(axis=1).mean() - values.mean(axis=1).max())


def worth_knowing(built: CorridorModel, values: Floats, unknowns: Floats, seed: int) -> list[Worth]:
    """Return all parameters, those worth most to know first.

    Args:
        built: the model.
        values: value of each package in each draw, shape (packages, draws).
        unknowns: standard normal unknowns of the draws, shape (size, draws).
        seed: of the shuffles.
    """
    rng = np.random.default_rng(seed)
    chance = [evppi(values, rng.permutation(unknown)) for unknown in unknowns for _ in range(_SHUFFLES)]
    mean, most = float(np.mean(chance)), float(np.max(chance))
    found = [
        Worth(name, member, max(evppi(values, unknown) - mean, 0.0), most)
        for (name, member), unknown in zip(built.labels(), unknowns, strict=True)
    ]
    return sorted(found, key=lambda one: -one.value)
