"""Intervals with their level, and whether two independent estimates of one effect agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from acuerdo.errors import InputError

LEVEL = 0.9
"""Level of every interval of attribution: from the 5th to the 95th percentile."""

Why = Literal["overlap_same_sign", "no_overlap", "opposite_sign", "opposite_sign_neither_clear"]


@dataclass(frozen=True)
class Interval:
    """A central estimate between two ends.

    Attributes:
        low: lower end; minus infinity where the data set no bound.
        mid: median or point estimate.
        high: upper end; infinity where the data set no bound.
        level: chance that the interval is meant to hold the truth with.
    """

    low: float
    mid: float
    high: float
    level: float = LEVEL

    def __post_init__(self) -> None:
        if not self.low <= self.mid <= self.high:
            raise InputError("interval", (self.low, self.mid, self.high), "low <= mid <= high")
        if not 0 < self.level < 1:
            raise InputError("level", self.level, "a number between 0 and 1")

    @classmethod
    def of_draws(cls, draws: npt.NDArray[np.float64], level: float = LEVEL) -> Interval:
        """Return median and central interval of a sample, shape (N,)."""
        low, mid, high = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2])
        return cls(float(low), float(mid), float(high), level)

    def holds(self, value: float) -> bool:
        """Tell whether a value lies in the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Comparison:
    """The effect of one measure by two independent roads.

    Attributes:
        model: by the model, the measure taken out.
        statistical: by the series alone.
        agree: the intervals overlap and both central estimates lie on the same side of no effect.
        why: the reason in one word; the text `attribution.compare.<why>` has the sentence.
    """

    model: Interval
    statistical: Interval
    agree: bool
    why: Why


def compare(model: Interval, statistical: Interval, none: float = 0.0) -> Comparison:
    """Compare two estimates of one effect.

    They agree when their intervals overlap and their central estimates lie on the same side of `none`. Where they lie
    on opposite sides but both intervals hold `none`, the reason says that neither road tells an effect from nothing.

    Args:
        model: the model's estimate.
        statistical: the statistical one, of the same quantity.
        none: the value that means no effect: 0 for a difference, 1 for a ratio.

    Raises:
        InputError: the two intervals are of different levels.
    """
    if model.level != statistical.level:
        raise InputError("level", statistical.level, f"the level of the other interval, {model.level}", model.level)
    if model.low > statistical.high or statistical.low > model.high:
        return Comparison(model, statistical, False, "no_overlap")
    if np.sign(model.mid - none) == np.sign(statistical.mid - none):
        return Comparison(model, statistical, True, "overlap_same_sign")
    unclear = model.holds(none) and statistical.holds(none)
    return Comparison(model, statistical, False, "opposite_sign_neither_clear" if unclear else "opposite_sign")
