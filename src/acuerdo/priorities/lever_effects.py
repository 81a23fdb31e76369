"""What each lever buys, alone or on top of a package: changes by horizon, per unit and per dollar, and ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from acuerdo.levers import Lever
from acuerdo.priorities.batch import Batch
from acuerdo.priorities.futures import Future
from acuerdo.projection import Projector
from acuerdo.scenario import Setting

AS_PROJECTED = Future(id="as_projected", title={}, source="the posterior")


def lever_effects(
    projector: Projector,
    package: Sequence[Setting] = (),
    horizons: Sequence[int] = (6, 12, 24),
    tick: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Return the change that each lever's trial setting makes in each outcome, with the same draws on both sides.

    Args:
        projector: what to run; it reaches at least the longest horizon.
        package: settings on top of which each lever is tried.
        horizons: months after which outcomes are compared.
        tick: called when the runs are done.

    Returns:
        One row for each lever that its trial moves, outcome and horizon: lever, owner, evidence, contested, value,
        without, months, outcome, sides, unit, prefers, change (mean), q05, q95, p_wrong_sign (chance that the change
        has not the sign of its mean), per_unit (change by the difference of the setting), cost (public cost of all
        sides in million US dollars), per_million (change by that cost; missing where it costs nothing), better (whether
        the mean goes where those who care want it) and rank (1 = improves this outcome most after these months).
    """
    months = sorted(set(horizons))
    batch = Batch(projector, [AS_PROJECTED], list(projector.outcomes))
    tried = [(lever, *_trial(projector, lever, package)) for lever in projector.built.levers.values()]
    tried = [one for one in tried if not np.isclose(one[1].value, one[2])]
    plans = [list(package), *([*package, setting] for _, setting, _ in tried)]
    levels = batch.levels(plans, months)
    levels = levels.reshape(len(months), len(plans), projector.draws, -1)
    rows: list[dict[str, Any]] = []
    for h, horizon in enumerate(months):
        costs = batch.costs(plans, horizon).sum(axis=1)
        for at, (lever, setting, without) in enumerate(tried, start=1):
            cost = float(costs[at] - costs[0]) / 1e6
            for o, outcome in enumerate(projector.outcomes.values()):
                change = levels[h, at, :, o] - levels[h, 0, :, o]
                mean = float(change.mean())
                low, high = np.quantile(change, [0.05, 0.95])
                moved = bool(np.any(change != 0))
                rows.append(
                    {
                        "lever": lever.name,
                        "owner": lever.owner,
                        "evidence": lever.evidence,
                        "contested": lever.contested,
                        "value": setting.value,
                        "without": without,
                        "months": horizon,
                        "outcome": outcome.name,
                        "sides": ",".join(outcome.sides),
                        "unit": outcome.unit,
                        "prefers": outcome.prefers,
                        "change": mean,
                        "q05": float(low),
                        "q95": float(high),
                        "p_wrong_sign": float((np.sign(change) != np.sign(mean)).mean()) if moved else 0.0,
                        "per_unit": mean / (setting.value - without),
                        "cost": cost,
                        "per_million": mean / cost if abs(cost) > 1e-9 else np.nan,
                        "better": mean != 0 and (mean < 0) == (outcome.prefers == "lower"),
                    }
                )
    table = pd.DataFrame(rows)
    gain = table["change"].where(table["prefers"] == "higher", -table["change"])
    table["rank"] = gain.groupby([table["outcome"], table["months"]]).rank(ascending=False, method="first").astype(int)
    if tick:
        tick("levers")
    return table


def _trial(projector: Projector, lever: Lever, package: Sequence[Setting]) -> tuple[Setting, float]:
    """Return the trial setting of a lever on top of a package, and what it would be without it."""
    values = projector.levers(package)[lever.name]
    without = float(np.asarray(lever.one_number(values, projector.members.get(lever.over or "", ())))[-1])
    wanted = lever.trial.value if lever.trial.value is not None else without * float(lever.trial.times or 1.0)
    return Setting(lever.name, float(np.clip(wanted, *lever.range))), without
