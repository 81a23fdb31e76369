"""The study as plain data."""

from __future__ import annotations

from typing import Any

import numpy as np

from acuerdo.levers import Floats
from acuerdo.priorities.robustness import MEASURES
from acuerdo.priorities.space import Plan
from acuerdo.priorities.study import Study


def to_dict(study: Study) -> dict[str, Any]:
    """Return all results of a study as lists and mappings for JSON; money in US dollars, gains in points."""
    sides = study.values.sides
    months = study.projector.months
    robust = study.robust

    def pair(values: Floats) -> dict[str, float]:
        return {side: round(float(x), 4) for side, x in zip(sides, values, strict=True)}

    def plan(measures: Plan) -> list[dict[str, Any]]:
        return [
            {
                "lever": m.lever,
                "owner": study.built.levers[m.lever].owner,
                "value": m.value,
                "from": str(months[m.start]),
                "without_agreement": study.space.without.get(m.lever, study.in_force[m.lever]),
                "in_force": study.in_force[m.lever],
            }
            for m in measures
        ]

    def outcomes(at: int) -> dict[str, dict[str, float]]:
        change = study.changes[at].reshape(-1, len(study.values.outcomes))
        low, high = np.quantile(change, [0.05, 0.95], axis=0)
        return {
            name: {"mean": float(change[:, o].mean()), "q05": float(low[o]), "q95": float(high[o])}
            for o, name in enumerate(study.values.outcomes)
        }

    passes = study.passes()
    packages = []
    for at, measures in enumerate(study.plans):
        entry: dict[str, Any] = {
            "name": study.names[at],
            "told": study.shown.index(at) + 1 if at in study.shown else None,
            "first_by": study.reasons.get(at, []),
            "measures": plan(measures),
            "cost": pair(study.costs[at]),
            "in_zone": bool(study.agreement.zone[at]),
            "on_front": bool(study.agreement.front[at]),
            "robustness": {name: pair(getattr(robust, name)[at]) for name in MEASURES if name != "satisficing"},
            "both_gain": float(robust.satisficing[at]),
            "backfiring": pair(robust.backfiring[at]),
            "preferred_by": {name: bool(flags[at]) for name, flags in passes.items()},
            "weights": {"among_first": float(study.sweep.top[at]), "both_prefer": float(study.sweep.both[at])},
            "by_future": {f.id: pair(study.gains[at, i].mean(axis=0)) for i, f in enumerate(study.futures)},
            "with_assumption_changed": {name: pair(gain[at]) for name, gain in study.tests.items()},
        }
        if at in study.shown:
            entry["outcomes"] = outcomes(at)
        packages.append(entry)
    return {
        "corridor": study.built.corridor.name,
        "months": [str(months[0]), str(months[-1])],
        "seed": study.seed,
        "runs": study.runs,
        "draws": study.gains.shape[2],
        "futures": [f.id for f in study.futures],
        "weights": {
            side: dict(zip(study.values.outcomes, map(float, w), strict=True))
            for side, w in study.values.weights.items()
        },
        "reservation": study.values.reservation,
        "zone_empty": study.agreement.empty,
        "zone_empty_share_of_weights": study.sweep.empty,
        "no_agreement": {
            "measures": {side: plan(study.none.plans[side]) for side in sides},
            "settled": study.none.settled,
            "cost": pair(study.no_agreement_cost),
            "value": pair(study.no_agreement_points),
        },
        "contested": [
            {
                "lever": one.measure.lever,
                "value": one.measure.value,
                "owner": one.owner,
                "points": pair(one.points),
                "q05": pair(one.low),
                "q95": pair(one.high),
                "worse_off": pair(one.worse),
            }
            for one in study.contested
        ],
        "trades": [
            {"one": plan((trade.one.measure,))[0], "other": plan((trade.other.measure,))[0], "net": trade.net}
            for trade in study.trades
        ],
        "packages": packages,
    }
