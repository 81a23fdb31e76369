"""Agreement of two independent coders who scored the same commitments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from acuerdo.dialogue.dossier import Score
from acuerdo.records import CODERS

SCALE = (-1, 0, 1)


@dataclass(frozen=True)
class Agreement:
    """How two coders agree.

    Attributes:
        coders: how many independent coders scored anything.
        both: commitments that both scored.
        same: of these, how many got the same score.
        kappa: Cohen's kappa; None where it cannot be worked out (no common commitment, or all scores the same).
        low: lower end of its 95 % interval.
        high: upper end.
    """

    coders: int
    both: int = 0
    same: int = 0
    kappa: float | None = None
    low: float | None = None
    high: float | None = None


def agreement(latest: Iterable[Score]) -> Agreement:
    """Return the agreement of the independent coders.

    Args:
        latest: of each coder, the score that holds for each commitment.
    """
    scores = list(latest)
    given = {coder: {one.commitment: one.delivery for one in scores if one.by == coder} for coder in CODERS}
    first, second = (given[coder] for coder in CODERS)
    coders = sum(bool(scores) for scores in given.values())
    common = sorted(first.keys() & second.keys())
    if not common:
        return Agreement(coders)
    table = np.zeros((len(SCALE), len(SCALE)))
    for name in common:
        table[SCALE.index(first[name]), SCALE.index(second[name])] += 1
    same = int(np.trace(table))
    if len({first[name] for name in common} | {second[name] for name in common}) < 2:
        return Agreement(coders, len(common), same)
    from statsmodels.stats.inter_rater import cohens_kappa  # type: ignore[import-untyped]

    with np.errstate(invalid="ignore", divide="ignore"):  # its z-value, which is not used, may not exist
        found = cohens_kappa(table)
    return Agreement(coders, len(common), same, float(found.kappa), float(found.kappa_low), float(found.kappa_upp))
