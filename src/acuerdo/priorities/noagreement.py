"""No agreement: what each side would do with its own levers alone, each the best answer to the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from acuerdo.levers import Floats
from acuerdo.priorities.space import Measure, Plan, Space

Score = Callable[[Sequence[Plan]], tuple[Floats, Floats]]
"""From packages to values, shape (packages, sides), and costs in US dollars, shape (packages, sides)."""
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAST = 0.02  # points that one more measure has to add
_ROUNDS = 3


@dataclass(frozen=True)
class NoAgreement:
    """What each side does alone.

    Attributes:
        plans: by side.
        settled: whether each side's choice is the best answer to the other's, on the settings tried.
    """

    plans: dict[str, Plan]
    settled: bool

    @property
    def together(self) -> Plan:
        """Both sides' measures."""
        return tuple(measure for plan in self.plans.values() for measure in plan)


def no_agreement(space: Space, score: Score, tick: Callable[[str], None] | None = None) -> NoAgreement:
    """Find what each side would do without agreement.

    In turn each side improves its own measures, one lever at a time, given those of the other side, until neither
    finds anything better. Contested levers are among them: what a side would do alone includes them if they serve it.

    Args:
        space: all levers; each side moves those that it owns alone.
        score: values and costs of packages.
        tick: called with each side's name when it has answered.
    """
    plans: dict[str, Plan] = dict.fromkeys(space.sides, ())
    for turn in range(_ROUNDS):
        before = dict(plans)
        for at, side in enumerate(space.sides):
            others = tuple(m for other in space.sides if other != side for m in plans[other])
            plans[side] = best_answer(space.only(side, contested=True), at, others, plans[side], score)
            if tick:
                tick(side)
        if plans == before and turn > 0:
            return NoAgreement(plans, True)
    return NoAgreement(plans, plans == before)


def best_answer(space: Space, side: int, others: Plan, start: Plan, score: Score) -> Plan:
    """Return the measures by which one side does best given those of others, within its limits.

    Each step tries levers at five settings, or left as they are, and takes the best; it ends when none adds anything.
    The first step tries all levers, the next ones those that added something in the step before.

    Args:
        space: the side's own levers.
        side: its place among the sides.
        others: measures of the others.
        start: where to begin.
        score: values and costs of packages.
    """
    plan = start
    value = float(score([(*others, *plan)])[0][0, side])
    names = list(space.levers)
    for _ in range(2 * len(space.levers)):
        changed = [(name, one) for name in names for one in _changes(space, plan, name)]
        if not changed:
            return plan
        tried = [one for _, one in changed]
        values, costs = score([(*others, *one) for one in tried])
        own = space.limits.over(space.months)[space.sides[side]]
        counted = np.array([space.counts(one)[side] for one in tried])
        allowed = (costs[:, side] <= own) & (counted <= space.limits.most[space.sides[side]])
        gains = np.where(allowed, values[:, side], -np.inf)
        best = int(np.argmax(gains))
        if gains[best] < value + _LEAST:
            return plan
        useful = {name for (name, _), gain in zip(changed, gains, strict=True) if gain >= value + _LEAST}
        names = [name for name in names if name in useful]
        plan, value = tried[best], float(gains[best])
    return plan


def _changes(space: Space, plan: Plan, name: str) -> list[Plan]:
    rest = tuple(measure for measure in plan if measure.lever != name)
    found = [rest] if len(rest) < len(plan) else []
    for share in LEVELS:
        value = space.value(name, share)
        measure = Measure(name, value)
        if abs(value - space.without[name]) > 1e-9 and measure not in plan:
            found.append(tuple(sorted((*rest, measure))))
    return found
