"""Prior distributions given as a median and a 90 % range, and the map from a standard normal to the parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from acuerdo.engine.run import Array

Number = float | dict[str, float]
_Z95 = 1.6448536269514722


class Prior(BaseModel):
    """A prior: `fixed` (median only), `normal`, `lognormal`, or `share` (logit-normal between `lower` and `upper`).

    `low` and `high` are the 5 % and 95 % points. For a lognormal, `times` may stand for both: the range is from
    median / times to median * times. Numbers may differ by member of a dimension.
    """

    model_config = ConfigDict(extra="forbid", strict=False)

    dist: Literal["fixed", "normal", "lognormal", "share"]
    median: Number
    low: Number | None = None
    high: Number | None = None
    times: float | None = None
    lower: float = 0.0
    upper: float = 1.0

    @model_validator(mode="after")
    def _range(self) -> Prior:
        if self.dist == "fixed":
            return self
        if self.times is not None:
            if self.dist != "lognormal" or self.times <= 1:
                raise ValueError("times goes with a lognormal and is above 1")
        elif self.low is None or self.high is None:
            raise ValueError("low and high (5 % and 95 % points) are required")
        return self


def _spread(value: Number, members: Sequence[str]) -> np.ndarray:
    if isinstance(value, Mapping):
        return np.array([float(value[m]) for m in members])[:, None]
    return np.full((len(members), 1), float(value)) if members else np.array([float(value)])


@dataclass(frozen=True)
class Transform:
    """Maps standard normal values to a parameter; the median and the 5 % and 95 % points are those of the prior.

    On the scale of the link the distribution is normal on either side of the median, with a spread for each side.
    """

    dist: str
    location: np.ndarray
    below: np.ndarray
    above: np.ndarray
    lower: float
    upper: float

    @classmethod
    def of(cls, prior: Prior, members: Sequence[str] = ()) -> Transform:
        """Build the map of a prior; `members` are those of the parameter's dimension, if any."""
        median = _spread(prior.median, members)
        if prior.dist == "fixed":
            return cls("fixed", median, np.zeros_like(median), np.zeros_like(median), 0.0, 1.0)

        def link(x: np.ndarray) -> np.ndarray:
            if prior.dist == "lognormal":
                return np.asarray(np.log(x))
            if prior.dist == "share":
                inside = (x - prior.lower) / (prior.upper - prior.lower)
                return np.asarray(np.log(inside / (1 - inside)))
            return x

        location = link(median)
        if prior.times is not None:
            below = above = np.full_like(median, np.log(prior.times))
        else:
            assert prior.low is not None
            assert prior.high is not None
            below = location - link(_spread(prior.low, members))
            above = link(_spread(prior.high, members)) - location
        return cls(prior.dist, location, below / _Z95, above / _Z95, prior.lower, prior.upper)

    def linked(self, z: Array) -> Array:
        """Return the parameter on the scale of its link (its log, for a lognormal) for standard normal `z`."""
        location, below, above = (jnp.asarray(part, z.dtype) for part in (self.location, self.below, self.above))
        return location + jnp.where(z > 0, above, below) * z

    def __call__(self, z: Array) -> Array:
        """Return the parameter for standard normal `z`, shape (draws,) or (members, draws)."""
        x = self.linked(z)
        if self.dist == "lognormal":
            return jnp.exp(x)
        if self.dist == "share":
            return self.lower + (self.upper - self.lower) * jax.nn.sigmoid(x)
        return x


class Parameter(BaseModel):
    """One parameter: meaning in each language, unit, prior, and the evidence behind it."""

    model_config = ConfigDict(extra="forbid")

    name: str
    unit: str
    en: str
    es: str
    prior: Prior
    source: str
    evidence: Literal["strong", "moderate", "weak", "assumption", "definition"]
    over: str | None = None
    sector: str = ""
