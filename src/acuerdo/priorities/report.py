"""The study as plain data: what the command prints as JSON, what is kept, and what the brief is written from."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from acuerdo.engine.load import CorridorModel
from acuerdo.levers import Floats, Lever
from acuerdo.priorities.failure import failure
from acuerdo.priorities.information import Worth
from acuerdo.priorities.robustness import MEASURES
from acuerdo.priorities.space import Measure
from acuerdo.priorities.study import Study
from acuerdo.priorities.trades import Concession

_WORTH = 5  # parameters told for each side


def to_dict(study: Study, quick: bool = False) -> dict[str, Any]:
    """Return all results of a study as lists and mappings for JSON; money in US dollars, gains in points.

    Args:
        study: what was found.
        quick: whether the search was the smaller one for a first look.
    """
    writer = _Plain(study)
    found = {
        "corridor": study.built.corridor.name,
        "months": [str(study.projector.months[0]), str(study.projector.months[-1])],
        "seed": study.seed,
        "quick": quick,
        "runs": study.runs,
        "draws": int(study.gains.shape[2]),
        "sides": list(study.values.sides),
        "futures": [{"id": f.id, "title": f.title, "source": f.source} for f in study.futures],
        "assumptions": [{"id": f.id, "title": f.title, "source": f.source} for f in study.test_futures.values()],
        "weights": {
            side: dict(zip(study.values.outcomes, map(float, w), strict=True))
            for side, w in study.values.weights.items()
        },
        "reservation": study.values.reservation,
        "zone": int(study.agreement.zone.sum()),
        "zone_empty": study.agreement.empty,
        "zone_empty_share_of_weights": study.sweep.empty,
        "no_agreement": {
            "measures": {side: [writer.measure(m) for m in study.none.plans[side]] for side in study.values.sides},
            "settled": study.none.settled,
            "cost": writer.pair(study.no_agreement_cost),
            "value": writer.pair(study.no_agreement_points),
        },
        "contested": [
            {
                "lever": one.measure.lever,
                "value": one.measure.value,
                "owner": one.owner,
                "chosen": one.chosen,
                "points": writer.pair(one.points),
                "q05": writer.pair(one.low),
                "q95": writer.pair(one.high),
                "worse_off": writer.pair(one.worse),
                "priors": priors(study.built, study.built.levers[one.measure.lever]),
            }
            for one in study.contested
        ],
        "trades": [
            {"one": writer.concession(trade.one), "other": writer.concession(trade.other), "net": trade.net}
            for trade in study.trades
        ],
        "concessions": [writer.concession(one) for one in study.concessions],
        "worth_knowing": {side: [writer.worth(one) for one in worth[:_WORTH]] for side, worth in study.worth.items()},
        "left_out": study.space.limits.left_out,
        "packages": [writer.package(at) for at in range(len(study.plans))],
    }
    return dict(json.loads(json.dumps(found)))  # what is read from a file later is exactly this


def priors(built: CorridorModel, lever: Lever) -> list[dict[str, Any]]:
    """Return the priors that rest on the same entry of evidence as a lever: median and 5-95 % range."""
    return [
        {
            "parameter": p.name,
            "label": built.meanings[p.name],
            "median": p.prior.median,
            "low": p.prior.low,
            "high": p.prior.high,
            "evidence": p.evidence,
        }
        for p in built.parameters.values()
        if p.prior.low is not None and p.source.split(":")[0] == lever.source
    ]


class _Plain:
    def __init__(self, study: Study) -> None:
        self.study = study
        self.months = study.projector.months
        self.passes = study.passes()

    def pair(self, values: Floats) -> dict[str, float]:
        return {side: round(float(x), 4) for side, x in zip(self.study.values.sides, values, strict=True)}

    def measure(self, one: Measure) -> dict[str, Any]:
        study = self.study
        return {
            "lever": one.lever,
            "owner": study.built.levers[one.lever].owner,
            "value": one.value,
            "from": str(self.months[one.start]),
            "without_agreement": study.space.without.get(one.lever, study.in_force[one.lever]),
            "in_force": study.in_force[one.lever],
        }

    def concession(self, one: Concession) -> dict[str, Any]:
        return {
            "measure": self.measure(one.measure),
            "giver": one.giver,
            "taker": one.taker,
            "loss": round(one.loss, 4),
            "gain": round(one.gain, 4),
            "q05": round(one.low, 4),
            "q95": round(one.high, 4),
            "sure": one.sure,
        }

    def worth(self, one: Worth) -> dict[str, Any]:
        return {
            "parameter": one.parameter,
            "member": one.member,
            "label": self.study.built.meanings[one.parameter],
            "points": round(one.value, 4),
            "chance": round(one.noise, 4),
        }

    def package(self, at: int) -> dict[str, Any]:
        study, robust = self.study, self.study.robust
        told = at in study.shown
        entry: dict[str, Any] = {
            "name": study.names[at],
            "told": study.shown.index(at) + 1 if told else None,
            "first_by": study.reasons.get(at, []),
            "best_without": study.lacks.get(at, ""),
            "measures": [self.measure(one) for one in study.plans[at]],
            "cost": self.pair(study.costs[at]),
            "in_zone": bool(study.agreement.zone[at]),
            "on_front": bool(study.agreement.front[at]),
            "robustness": {name: self.pair(getattr(robust, name)[at]) for name in MEASURES if name != "satisficing"},
            "both_gain": float(robust.satisficing[at]),
            "backfiring": self.pair(robust.backfiring[at]),
            "preferred_by": {name: bool(flags[at]) for name, flags in self.passes.items()},
            "weights": {"among_first": float(study.sweep.top[at]), "both_prefer": float(study.sweep.both[at])},
            "by_future": {f.id: self.pair(study.gains[at, i].mean(axis=0)) for i, f in enumerate(study.futures)},
            "with_assumption_changed": {name: self.pair(gain[at]) for name, gain in study.tests.items()},
        }
        return entry | self.told(at) if told else entry

    def told(self, at: int) -> dict[str, Any]:
        """Return what is said only of a package that is told."""
        study = self.study
        gain = study.gains[at].reshape(-1, len(study.values.sides))
        low, high = np.quantile(gain, [0.05, 0.95], axis=0)
        change = study.changes[at].reshape(-1, len(study.values.outcomes))
        ends = np.quantile(change, [0.05, 0.95], axis=0)
        swings = study.values.swings(study.base)
        outcomes = {}
        for o, name in enumerate(study.values.outcomes):
            mean = float(change[:, o].mean())
            points = {side: round(float(w[o] * mean / swings[o]), 4) for side, w in study.values.weights.items()}
            outcomes[name] = {"mean": mean, "q05": float(ends[0, o]), "q95": float(ends[1, o]), "points": points}
        turning = {}
        for side in study.values.sides:
            found = study.sweep.turning[side][at]
            turning[side] = {"outcome": found[0], "correlation": round(found[1], 4)} if found else None
        return {
            "q05": self.pair(low),
            "q95": self.pair(high),
            "outcomes": outcomes,
            "turns_on_weight": turning,
            "fails": self.fails(at),
        }

    def fails(self, at: int) -> dict[str, Any] | None:
        found = failure(self.study, at)
        if found is None:
            return None
        conditions = [
            {"future": one.future, "holds": one.above}
            if one.future is not None
            else {
                "parameter": one.parameter,
                "label": self.study.built.meanings[one.parameter],
                "high": one.above,
                "share": round(one.share, 4),
            }
            for one in found.conditions
        ]
        return {"conditions": conditions, "share_failing": found.density, "share_failing_overall": found.overall}
