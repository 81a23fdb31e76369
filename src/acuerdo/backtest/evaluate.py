"""From kept forecasts to scores: of each forecaster, of the pool with weights of its time, and of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from acuerdo.backtest import pool, record, scores
from acuerdo.backtest.keep import Kept
from acuerdo.backtest.plan import MEMBERS, Plan, Target, month_of
from acuerdo.backtest.pool import MODEL, POOLED, Past, Weights
from acuerdo.backtest.rivals import RIVALS
from acuerdo.backtest.run import MODEL_RECORD, SEED
from acuerdo.figures.store import Figures
from acuerdo.inference.observe import Observable
from acuerdo.inference.problem import record_months

Floats = npt.NDArray[np.float64]

COMBINED = "combined"
FORECASTERS = (MODEL, MODEL_RECORD, COMBINED, *RIVALS)
OURS = (MODEL, MODEL_RECORD, COMBINED)
BEST = "best_rival"
"""The rival with the least mean CRPS on a series and horizon, picked afterwards: the hardest bar."""


@dataclass
class Evaluation:
    """Scores of a backtest.

    Attributes:
        points: one row for each origin, target, horizon and forecaster: what came, and the scores.
        scores: means over origins for each series, members scored together, horizon and forecaster.
        skill: how much lower the mean CRPS is than each rival's, as a share, with 90 % bootstrap intervals.
        coverage: coverage of each forecaster over all points and over those of the headline series.
        tables: weights as they were known on each origin's day and on the last day of the snapshot.
        final: weights with all that has come since.
        counts: past origins behind each of the final weights.
    """

    points: pd.DataFrame
    scores: pd.DataFrame
    skill: pd.DataFrame
    coverage: pd.DataFrame
    tables: list[tuple[date, Weights]]
    final: Weights
    counts: dict[str, dict[str, dict[int, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Case:
    """The pool's members on one origin, target and horizon: their draws, quantiles of them and distances between."""

    day: date
    target: Target
    horizon: int
    draws: Floats
    thinned: Floats
    apart: Floats


def evaluate(
    plan: Plan,
    figures: Figures,
    observables: dict[str, Observable],
    forecasts: Mapping[date, Kept],
    before: Mapping[date, Kept] | None = None,
) -> Evaluation:
    """Score the forecasts of a plan.

    Args:
        plan: the plan.
        figures: the snapshot: its latest vintages are what came.
        observables: the observation models, for offsets.
        forecasts: by origin, what each forecaster said.
        before: by earlier day, what the rivals said, for the first weights of the pool; it is not scored.
    """
    cases = _cases(plan, forecasts, POOLED)
    early = _cases(plan, before or {}, tuple(RIVALS))
    end = record_months(figures, None)[-1].end_time.date()
    days = sorted({*plan.origins, end})
    tables = [(day, _weights(plan, cases, early, figures.as_of(day), day)[0]) for day in days]
    final, counts = _weights(plan, cases, early, figures, None)
    combined = _combined(plan, cases, dict(tables))
    points = _points(plan, figures, observables, forecasts, combined)
    return Evaluation(
        points, _summaries(plan, points), _skills(plan, points), _coverage(plan, points), tables, final, counts
    )


def _cases(plan: Plan, forecasts: Mapping[date, Kept], names: Sequence[str]) -> list[_Case]:
    found = []
    for day, forecast in forecasts.items():
        kept = forecast.draws
        for target in plan.targets:
            if not all(target in kept.get(name, {}) for name in names):
                continue
            for i, horizon in enumerate(plan.horizons):
                draws = np.stack([kept[name][target][i] for name in names])
                thinned = pool.thin(draws)
                found.append(_Case(day, target, horizon, draws, thinned, pool.apart(thinned)))
    return found


Counts = dict[str, dict[str, dict[int, int]]]


def _weights(
    plan: Plan, cases: list[_Case], early: list[_Case], view: Figures, day: date | None
) -> tuple[Weights, Counts]:
    """Return weights learned from earlier origins whose figure a view has, and how many origins those are."""
    came = {target: dict(record.published(view, target).items()) for target in plan.targets}
    past = _past(plan, cases, came, day)
    counts: Counts = {}
    for (series, scope, horizon), rows in past.items():
        counts.setdefault(series, {}).setdefault(scope, {})[horizon] = len({one.origin for one in rows})
    return pool.learn_all(past, _past(plan, early, came, day)), counts


def _past(
    plan: Plan, cases: list[_Case], came: Mapping[Target, Mapping[Any, float]], day: date | None
) -> dict[pool.Slot, list[Past]]:
    past: dict[pool.Slot, list[Past]] = {}
    for case in cases:
        slot = past.setdefault((case.target.series, plan.scope(case.target), case.horizon), [])
        value = came[case.target].get(month_of(case.day) + case.horizon)
        if value is None or (day is not None and case.day >= day):
            continue
        error = np.abs(case.thinned - float(value)).mean(axis=1)
        slot.append(Past(case.day, case.target.name, error, case.apart))
    return past


def _combined(plan: Plan, cases: list[_Case], tables: Mapping[date, Weights]) -> dict[tuple[date, Target, int], Floats]:
    found = {}
    for case in cases:
        row = tables[case.day][case.target.series][plan.scope(case.target)][case.horizon]
        weights = pool.over_months({case.horizon: row}, 1)
        found[case.day, case.target, case.horizon] = pool.mix(case.draws[:, None], weights, SEED, case.target.name)[0]
    return found


def _points(
    plan: Plan,
    figures: Figures,
    observables: dict[str, Observable],
    forecasts: Mapping[date, Kept],
    combined: Mapping[tuple[date, Target, int], Floats],
) -> pd.DataFrame:
    frames = []
    for target in plan.targets:
        came = dict(record.published(figures, target).items())
        keys: list[tuple[date, int, str]] = []
        draws: list[Floats] = []
        for day in plan.origins:
            for i, horizon in enumerate(plan.horizons):
                if month_of(day) + horizon not in came:
                    continue
                said = {name: of[target][i] for name, of in forecasts[day].draws.items() if target in of}
                if (day, target, horizon) in combined:
                    said[COMBINED] = combined[day, target, horizon]
                keys += [(day, horizon, name) for name in said]
                draws += list(said.values())
        if not keys:
            continue
        values = np.array([float(came[month_of(day) + horizon]) for day, horizon, _ in keys])
        table = pd.DataFrame(keys, columns=["origin", "horizon", "forecaster"])
        table.insert(1, "series", target.series)
        table.insert(2, "member", target.member)
        table["month"] = [str(month_of(day) + horizon) for day, horizon, _ in keys]
        table["value"] = values
        frames.append(table.assign(**scores.score(np.stack(draws), values, observables[target.series].offset)))
    return pd.concat(frames, ignore_index=True)


def units(plan: Plan) -> list[tuple[str, str, list[str]]]:
    """Return what is scored together: (series, name, members): each member alone, all members, and each group."""
    found: list[tuple[str, str, list[str]]] = []
    for series, members in plan.series.items():
        found += [(series, member, [member]) for member in members]
        if len(members) > 1:
            found.append((series, MEMBERS, members[1:]))
            for name, group in plan.groups.items():
                inside = [member for member in group.members if member in members[1:]]
                if inside:
                    found.append((series, name, inside))
    return found


_MEANS = {
    "crps": "crps",
    "crps_log": "crps_log",
    "log_score": "log_score",
    "log_score_log": "log_score_log",
    "in_50": "coverage_50",
    "in_90": "coverage_90",
    "bias": "bias",
    "bias_log": "bias_log",
    "ape": "mape",
}


def _summaries(plan: Plan, points: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for series, name, members in units(plan):
        part = points[(points["series"] == series) & points["member"].isin(members)]
        for (horizon, forecaster), some in part.groupby(["horizon", "forecaster"], sort=False):
            means = {title: float(some[column].mean()) for column, title in _MEANS.items()}
            rows.append(
                {
                    "series": series,
                    "members": name,
                    "horizon": horizon,
                    "forecaster": forecaster,
                    "origins": int(some["origin"].nunique()),
                    "points": len(some),
                    **means,
                }
            )
    table = pd.DataFrame(rows)
    order = {name: i for i, name in enumerate(FORECASTERS)}
    at = table["forecaster"].map(order)
    return (
        table.assign(_at=at)
        .sort_values(["horizon", "_at"], kind="stable")
        .drop(columns="_at")
        .sort_values(["series", "members"], kind="stable")
        .reset_index(drop=True)
    )


def _skills(plan: Plan, points: pd.DataFrame) -> pd.DataFrame:
    grids = {column: _grid(plan, points, column) for column in ("crps", "crps_log")}
    places = {(target.series, target.member): i for i, target in enumerate(plan.targets)}
    rows = []
    for series, name, members in units(plan):
        at = [places[series, member] for member in members]
        for k, horizon in enumerate(plan.horizons):
            said = {who: grids["crps"][i, k][:, at] for i, who in enumerate(FORECASTERS)}
            said = {who: grid for who, grid in said.items() if np.isfinite(grid).any()}
            present = [rival for rival in RIVALS if rival in said]
            if not present:
                continue
            best = min(present, key=lambda rival: float(np.nanmean(said[rival])))
            for ours in [who for who in OURS if who in said]:
                for rival in [*present, BEST]:
                    other = best if rival == BEST else rival
                    pair = FORECASTERS.index(ours), FORECASTERS.index(other)
                    both = np.isfinite(said[ours]) & np.isfinite(said[other])
                    row: dict[str, object] = {
                        "series": series,
                        "members": name,
                        "horizon": horizon,
                        "forecaster": ours,
                        "rival": rival,
                        "best": best,
                        "origins": int(both.any(axis=1).sum()),
                    }
                    for column, grid in grids.items():
                        found = scores.compare(*(grid[i, k][:, at] for i in pair))
                        tail = column.removeprefix("crps")
                        for title, values in zip((f"skill{tail}", f"difference{tail}"), found, strict=True):
                            row.update(zip((title, f"{title}_low", f"{title}_high"), values, strict=True))
                    rows.append(row)
    return pd.DataFrame(rows)


def _grid(plan: Plan, points: pd.DataFrame, column: str) -> Floats:
    """Return a score as (forecasters, horizons, origins, targets), NaN where there is none."""
    places = {(target.series, target.member): i for i, target in enumerate(plan.targets)}
    grid = np.full((len(FORECASTERS), len(plan.horizons), len(plan.origins), len(places)), np.nan)
    at = (
        points["forecaster"].map(FORECASTERS.index),
        points["horizon"].map(plan.horizons.index),
        points["origin"].map(plan.origins.index),
        [places[pair] for pair in zip(points["series"], points["member"], strict=True)],
    )
    grid[tuple(np.asarray(part, dtype=np.int64) for part in at)] = points[column].to_numpy(dtype=float)
    return grid


def _coverage(plan: Plan, points: pd.DataFrame) -> pd.DataFrame:
    rows = []
    headline = [(series, plan.series[series][0]) for series in plan.headline]
    pieces = [("all", points)]
    for series, member in headline:
        pieces.append((series, points[(points["series"] == series) & (points["member"] == member)]))
    for name, part in pieces:
        for forecaster in FORECASTERS:
            some = part[part["forecaster"] == forecaster]
            if len(some):
                rows.append(
                    {
                        "of": name,
                        "forecaster": forecaster,
                        "points": len(some),
                        "coverage_50": float(some["in_50"].mean()),
                        "coverage_90": float(some["in_90"].mean()),
                    }
                )
    return pd.DataFrame(rows)
