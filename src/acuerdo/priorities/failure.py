"""Where a package fails: the conditions, found by PRIM, under which a side is worse off than without agreement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acuerdo.priorities.discovery import prim

if TYPE_CHECKING:
    from acuerdo.priorities.study import Study

_INPUTS = 8  # parameters that are tried: those that go most with the smaller gain
_TELLING = 0.05  # density of failures that a condition has to add
_RARE = 0.03  # share of failing cases below which there is nothing to tell


@dataclass(frozen=True)
class Condition:
    """A future, or a parameter in the highest (`above`) or lowest `share` of its draws."""

    parameter: str
    future: str | None
    above: bool
    share: float


@dataclass(frozen=True)
class Failure:
    """Conditions under which a package fails, and how often with them and over all."""

    conditions: tuple[Condition, ...]
    density: float
    overall: float


def failure(study: Study, at: int) -> Failure | None:
    """Return where a package fails; None when it hardly ever does, or no conditions stand out.

    Args:
        study: what was found.
        at: index of the package.
    """
    gains = study.gains[at].min(axis=-1)  # (futures, draws)
    fails = gains < 0
    overall = float(fails.mean())
    if not _RARE <= overall <= 1 - _RARE:
        return None
    unknowns = study.projector.posterior.parameters
    centred = unknowns - unknowns.mean(axis=1, keepdims=True)
    spread = np.maximum(unknowns.std(axis=1), 1e-12)
    mean = gains.mean(axis=0)
    strength = np.abs(centred @ (mean - mean.mean())) / spread
    rows = np.argsort(-strength, kind="stable")[:_INPUTS]
    ranks = unknowns[rows].argsort(axis=1).argsort(axis=1) / unknowns.shape[1]
    futures = np.repeat(np.eye(len(study.futures)), unknowns.shape[1], axis=0)
    inputs = np.concatenate([np.tile(ranks.T, (len(study.futures), 1)), futures], axis=1)
    labels = study.built.labels()
    names = [f"p{row}" for row in rows] + [f"f{i}" for i in range(len(study.futures))]
    box = prim(inputs, fails.reshape(-1), names, gain=_TELLING)
    if box is None or not box.limits or box.density < overall + 0.1:
        return None
    conditions = []
    for name, (low, high) in box.limits.items():
        number = int(name[1:])
        if name[0] == "f":
            conditions.append(Condition("", study.futures[number].id, bool(np.isfinite(low)), 0.0))
        else:
            above = np.isfinite(low)
            conditions.append(Condition(labels[number][0], None, bool(above), float(1 - low if above else high)))
    return Failure(tuple(conditions), box.density, overall)
