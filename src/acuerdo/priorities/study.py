"""The whole study: no agreement, search, robustness, bargaining and what the result depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from acuerdo import packages as library_packages
from acuerdo.engine.load import CorridorModel
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.inference.posterior import Posterior
from acuerdo.levers import Floats
from acuerdo.priorities.bargaining import SOLUTIONS, Agreement, agree, front
from acuerdo.priorities.batch import Batch
from acuerdo.priorities.futures import Future, load_futures
from acuerdo.priorities.information import Worth, worth_knowing
from acuerdo.priorities.kept import key, posterior_digest
from acuerdo.priorities.noagreement import NoAgreement, no_agreement
from acuerdo.priorities.robustness import Robustness, robustness
from acuerdo.priorities.search import search
from acuerdo.priorities.shared import Recipe, SharedBatch
from acuerdo.priorities.space import GENES, Measure, Plan, Space, after, load_limits, make_space, settings
from acuerdo.priorities.sweep import Sweep, sweep
from acuerdo.priorities.trades import Concession, Trade, concessions, trades
from acuerdo.priorities.values import Values
from acuerdo.projection import Projector
from acuerdo.scenario import Setting

Tick = Callable[[str], None]
MOST_SHOWN, FEWEST_SHOWN = 5, 3
ALTERNATIVES = 2
_TRIFLE = (
    0.1  # points: a measure that gives neither side more is taken out; a package that gives a side less is not told
)
_ALIKE = 0.75  # two packages that share more of their measures than this are told once


@dataclass(frozen=True)
class Effort:
    """How much is run.

    Attributes:
        search_draws: draws of the posterior in the search.
        check_draws: draws, others than those of the search, on which the packages found are compared.
        size: packages of a generation.
        generations: number of generations.
        again: number of generations of each search for an alternative.
        weights: number of weights tried around those given.
    """

    search_draws: int = 16
    check_draws: int = 200
    size: int = 100
    generations: int = 100
    again: int = 15
    weights: int = 1000

    @property
    def steps(self) -> int:
        """Number of ticks that a study makes."""
        return self.generations + ALTERNATIVES * self.again + _OTHER_STEPS


QUICK = Effort(search_draws=8, check_draws=64, size=60, generations=40, again=8, weights=300)
_OTHER_STEPS = 4


@dataclass(frozen=True)
class Contested:
    """A contested lever used by its owner, on top of what both would do without agreement, contested levers apart.

    Attributes:
        measure: the lever at the setting that the brief tries.
        owner: its owner.
        chosen: whether its owner would use it without agreement, because that serves the owner's own values.
        points: mean change of each side's value by it, shape (sides,).
        low, high: 90 % interval over draws and futures, shape (sides,).
        worse: share of draws and futures in which each side is worse off with it, shape (sides,).
    """

    measure: Measure
    owner: str
    chosen: bool
    points: Floats
    low: Floats
    high: Floats
    worse: Floats


@dataclass
class Study:
    """What a study found. Arrays are over `plans` on the first axis and over `values.sides` on the last.

    Attributes:
        plans: the packages compared: the front, the library's proposals and packages chosen from them.
        names: of each, its name in the library, or empty.
        lacks: packages that are the best found without a lever of the first one, with that lever.
        shown: indices of the packages told, best first.
        reasons: for each package told, the criteria by which it is first.
        gains: gain on no agreement in points, (plans, futures, draws, sides).
        changes: change of outcomes against no agreement, (plans, futures, draws, outcomes).
        in_force: setting of each lever that is in force; `space.without` has those without agreement.
        base: mean of the outcomes without new measures, (outcomes,).
        without: mean of the outcomes without agreement, (outcomes,).
        costs: in US dollars beyond no agreement, (plans, sides).
        no_agreement_cost: of no agreement beyond what is in force, (sides,).
        no_agreement_points: value of no agreement against what is in force, (sides,).
        worth: by side, what knowing each parameter is worth for its choice among the packages in the zone of agreement
            and no agreement; none where the zone is empty.
        tests: mean gains with an assumption changed, by test, (plans, sides).
    """

    built: CorridorModel
    projector: Projector
    values: Values
    space: Space
    in_force: dict[str, float]
    futures: list[Future]
    none: NoAgreement
    plans: list[Plan]
    names: list[str]
    lacks: dict[int, str]
    gains: Floats
    changes: Floats
    base: Floats
    without: Floats
    costs: Floats
    no_agreement_cost: Floats
    no_agreement_points: Floats
    robust: Robustness
    agreement: Agreement
    sweep: Sweep
    tests: dict[str, Floats]
    test_futures: dict[str, Future]
    contested: list[Contested]
    concessions: list[Concession]
    trades: list[Trade]
    seed: int
    worth: dict[str, list[Worth]] = field(default_factory=dict)
    runs: int = 0
    shown: list[int] = field(default_factory=list)
    reasons: dict[int, list[str]] = field(default_factory=dict)

    @property
    def asked(self) -> Floats:
        """Least gain that each side asks, shape (sides,)."""
        return np.array([self.values.reservation[side] for side in self.values.sides])

    def passes(self) -> dict[str, Floats]:
        """Return for each measure whether both sides prefer each package to no agreement by it."""
        found: dict[str, Floats] = {k: np.asarray(v, float) for k, v in self.robust.preferred(self.asked).items()}
        return {**found, "weights": (self.sweep.both > 0.5).astype(float)}


class Scorer:
    """Values of packages to both sides, from one batch, on top of what would be done anyway.

    Attributes:
        apart: what is done without agreement.
        base: outcomes without new measures, (futures, draws, outcomes).
        mean: their mean in the first future, (outcomes,).
    """

    def __init__(self, batch: Batch, values: Values, apart: Plan = ()) -> None:
        self.batch, self.values, self.apart = batch, values, apart
        self.base = batch.levels([()])[0]
        self.mean = self.base[0].mean(axis=0)

    @property
    def under(self) -> Plan:
        """What goes on of it beneath a package: all but contested measures, which an agreement ends."""
        levers = self.batch.projector.built.levers
        return tuple(measure for measure in self.apart if not levers[measure.lever].contested)

    def without(self) -> Floats:
        """Return changes of outcomes without agreement against what is in force, (1, futures, draws, outcomes)."""
        return np.asarray(self.batch.levels([settings(self.apart, self.batch.projector.months)]) - self.base)

    def changes(self, plans: Sequence[Plan]) -> Floats:
        """Return changes of outcomes against what is in force, (plans, futures, draws, outcomes)."""
        return np.asarray(self.batch.levels([self._settings(plan) for plan in plans]) - self.base)

    def points(self, changes: Floats) -> Floats:
        """Return values of changes, shape (..., outcomes) to (..., sides)."""
        return self.values.points(changes, self.mean)

    def score(self, plans: Sequence[Plan]) -> tuple[Floats, Floats]:
        """Return mean values and costs of packages, each (plans, sides)."""
        return self.points(self.changes(plans)).mean(axis=(1, 2)), self.costs(plans)

    def costs(self, plans: Sequence[Plan]) -> Floats:
        """Return costs beyond what is done without agreement, in US dollars, (plans, sides)."""
        apart = settings(self.apart, self.batch.projector.months)
        found = self.batch.costs([*(self._settings(plan) for plan in plans), apart])
        return np.asarray(found[:-1] - found[-1])

    def _settings(self, plan: Plan) -> list[Setting]:
        months = self.batch.projector.months
        return [*settings(self.under, months), *settings(plan, months)]


def study(
    built: CorridorModel,
    figures: Figures,
    posterior: Posterior,
    values: Values,
    months: int = 12,
    seed: int = 1,
    budget: Mapping[str, float] | None = None,
    unilateral: bool = True,
    effort: Effort | None = None,
    checkpoint: Path | None = None,
    tick: Tick | None = None,
    client: Any = None,
) -> Study:
    """Find packages that both sides prefer to no agreement.

    Args:
        built: the model.
        figures: the snapshot.
        posterior: where the months ahead start.
        values: value functions of the sides.
        months: months compared.
        seed: the same seed gives the same result.
        budget: by side, million US dollars over twelve months for the package; over those of the corridor's limits.
        unilateral: without agreement each side does what is best for it alone; else what is in force just goes on.
        effort: how much is run.
        checkpoint: file from which a stopped search goes on.
        tick: called after each step, `Effort.steps` times.
        client: of a Dask scheduler over whose workers packages are shared out (see `shared.connect`); the posterior
            must then be the one that the workers find for that day.

    Raises:
        InputError: a budget is not possible, or the posterior has fewer draws than are asked for.
        DataError: a file of the corridor or the checkpoint is damaged.
    """
    effort = effort or Effort()
    done: Tick = tick or (lambda _: None)
    if effort.search_draws + effort.check_draws > posterior.draws:
        raise InputError("draws", effort.search_draws + effort.check_draws, f"up to {posterior.draws}", posterior.draws)
    order = np.random.default_rng(seed).permutation(posterior.draws)
    cut = effort.search_draws
    every = load_futures(built)
    futures = [future for future in every if future.kind == "future"]

    def batch(draws: npt.NDArray[np.int64], its_seed: int) -> Batch:
        projector = Projector(built, figures, posterior.take(draws), months, len(draws), its_seed)
        if client is None:
            return Batch(projector, futures, values.outcomes)
        ids = tuple(future.id for future in futures)
        recipe = Recipe(
            built.corridor.name,
            posterior.day,
            posterior_digest(posterior),
            tuple(map(int, draws)),
            months,
            its_seed,
            ids,
            values.outcomes,
        )
        return SharedBatch(projector, futures, client, recipe)

    first = batch(order[:cut], seed)
    second = batch(order[cut : cut + effort.check_draws], seed + 1)
    alone, agreed = load_limits(built.corridor, built.levers, budget)
    ahead = first.projector
    everything = make_space(built.levers, ahead.base, ahead.members, alone, values.sides, months)
    finder = Scorer(first, values)
    none = no_agreement(everything, finder.score) if unilateral else NoAgreement(dict.fromkeys(values.sides, ()), True)
    done("no agreement")

    finder.apart = none.together
    space = after(everything, none.together, agreed)
    known = _library(space, everything, second.projector)
    ties = _ties(built, posterior, values, alone, agreed, none, months, effort.search_draws)
    found = _search(finder, space, list(known.values()), effort, seed, checkpoint, done, ties)
    judge = Scorer(second, values, none.together)
    plans = [plan for plan in dict.fromkeys([*found, *known.values()]) if plan]
    picked = _picks(judge, space, plans)
    done("compared")
    pruned = [_prune(finder, space, plan) for plan in picked]
    other = _alternatives(finder, space, pruned, found, effort, seed, done)
    done("pruned")
    plans = list(dict.fromkeys([*pruned, *other, *plans]))
    result = _judge(
        built,
        judge,
        space,
        everything,
        none,
        plans,
        {plan: name for name, plan in known.items()},
        other,
        every,
        effort,
        seed,
    )
    done("judged")
    result.runs += finder.batch.runs + judge.batch.runs
    return result


def _ties(built: CorridorModel, posterior: Posterior, values: Values, *more: object) -> str:
    """Return what a checkpoint belongs to: draws and files of the corridor, the values given, and `more`."""
    given = {side: weights.tolist() for side, weights in values.weights.items()}
    said = repr((key(built, posterior), given, values.references, more))
    return hashlib.sha256(said.encode()).hexdigest()


def _search(
    finder: Scorer,
    space: Space,
    known: Sequence[Plan],
    effort: Effort,
    seed: int,
    checkpoint: Path | None,
    done: Tick,
    ties: str,
) -> list[Plan]:
    """Return the packages of the front found; the first population holds nothing, the library and random packages."""
    rng = np.random.default_rng(seed)
    start = rng.random((effort.size, space.size))
    start[:, ::GENES] = rng.random((effort.size, len(space.levers))) < 0.5 + 0.3 * rng.random((effort.size, 1))
    start[:, ::GENES] *= rng.random((effort.size, len(space.levers)))
    for at, plan in enumerate([(), *known][: effort.size // 2]):
        start[at] = space.encode(plan)
    return _front_of(finder, space, start, effort.generations, seed, done, checkpoint, ties)


def _front_of(
    finder: Scorer,
    space: Space,
    start: Floats,
    generations: int,
    seed: int,
    done: Tick,
    checkpoint: Path | None = None,
    ties: str = "",
) -> list[Plan]:
    def evaluate(points: Floats) -> tuple[Floats, Floats]:
        plans = [space.decode(one) for one in points]
        values, costs = finder.score(plans)
        return values, space.excess(plans, costs)

    made = 0

    def tick(_: int) -> None:
        nonlocal made
        made += 1
        done("generation")

    before = finder.batch.runs
    found = search(evaluate, start, generations, seed, checkpoint, ties, tick)
    for _ in range(generations - made):  # those run before a stop count as well
        done("generation")
    each = len(start) * len(finder.batch.futures) * finder.batch.projector.draws
    finder.batch.runs = before + (generations + 1) * each
    kept = found.points[found.allowed]
    kept = kept[front(found.values[found.allowed])] if len(kept) else kept
    return list(dict.fromkeys(space.decode(one) for one in kept))


def _alternatives(
    finder: Scorer, space: Space, picked: Sequence[Plan], found: Sequence[Plan], effort: Effort, seed: int, done: Tick
) -> dict[Plan, str]:
    """Return for each measure that matters most to the first package the best one without it, with the lever's name.

    The search begins with the packages found, without that lever, and with random ones.
    """
    if not picked or len(picked[0]) < 2:
        return {}
    first = picked[0]
    smaller = [tuple(m for m in first if m is not one) for one in first]
    values, _ = finder.score([first, *smaller])
    loss = (values[0] - values[1:]).sum(axis=1)
    alternatives: dict[Plan, str] = {}
    for at in np.argsort(-loss, kind="stable")[:ALTERNATIVES]:
        lever = first[at].lever
        rest = replace(space, levers={name: one for name, one in space.levers.items() if name != lever})
        rng = np.random.default_rng([seed, int(at)])
        start = rng.random((effort.size, rest.size))
        start[:, ::GENES] *= 0.7
        known = [tuple(m for m in plan if m.lever != lever) for plan in (*picked, *found)]
        for row, plan in enumerate(list(dict.fromkeys(known))[: effort.size // 2]):
            start[row] = rest.encode(plan)
        plans = _front_of(finder, rest, start, effort.again, seed, done)
        if plans:
            values, _ = finder.score(plans)
            gains = np.maximum(values - finder.points(finder.without()).mean(axis=(1, 2)), 0.0)
            best = plans[int(np.argmax(np.prod(gains, axis=1)))]
            alternatives[_prune(finder, rest, best)] = lever
    return alternatives


def _library(space: Space, everything: Space, projector: Projector) -> dict[str, Plan]:
    """Return the library's proposals as packages of the months ahead.

    Proposals with a lever that packages may not hold are left out, and measures that would be done anyway.
    """
    found = {}
    for name, package in library_packages.library(projector.built.corridor).items():
        if package.replays or any(lever not in space.levers for lever in package.levers):
            continue
        levers = projector.levers(package.settings)
        plan = []
        for lever in package.levers:
            item = space.levers[lever]
            value = float(np.asarray(item.one_number(levers[lever], projector.members.get(item.over or "", ())))[-1])
            value = float(np.clip(value, *space.limits.bounds[lever]))
            wanted, anyway = (x - everything.without[lever] for x in (value, space.without[lever]))
            if abs(value - space.without[lever]) > 1e-9 and not wanted * (wanted - anyway) < 0:
                plan.append(Measure(lever, value))
        if plan:
            found[name] = tuple(plan)
    return found


def _allowed(space: Space, plans: Sequence[Plan], costs: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(np.all(space.excess(plans, costs) <= 0, axis=1))


def _picks(judge: Scorer, space: Space, plans: list[Plan]) -> list[Plan]:
    """Return the packages that are first by some criterion, among those that keep the limits."""
    plans = _within(space, plans, judge)
    if not plans:
        return []
    gains = judge.points(judge.changes(plans) - judge.without())
    asked = np.array([judge.values.reservation[side] for side in judge.values.sides])
    robust = robustness(gains, asked)
    found = agree(robust.mean, np.zeros(2), asked)
    firsts: Iterable[int] = [*found.solutions.values(), *(int(order[0]) for order in robust.order().values())]
    product = np.where(found.zone, np.prod(np.maximum(robust.mean - asked, 0), axis=1), -1.0)
    more = [int(at) for at in np.argsort(-product, kind="stable")[:MOST_SHOWN] if product[at] > 0]
    return [plans[at] for at in dict.fromkeys([*firsts, *more])]


def _within(space: Space, plans: Sequence[Plan], scorer: Scorer) -> list[Plan]:
    kept = _allowed(space, plans, scorer.costs(plans))
    return [plan for plan, inside in zip(plans, kept, strict=True) if inside]


def _prune(finder: Scorer, space: Space, plan: Plan) -> Plan:
    """Return a package without the measures that give neither side more than a trifle."""
    while len(plan) > 1:
        smaller = [tuple(m for m in plan if m is not one) for one in plan]
        values, costs = finder.score([plan, *smaller])
        loss = (values[0] - values[1:]).max(axis=1)
        loss[~_allowed(space, smaller, costs[1:])] = np.inf
        at = int(np.argmin(loss))
        if loss[at] >= _TRIFLE:
            break
        plan = smaller[at]
    return plan


def _judge(
    built: CorridorModel,
    judge: Scorer,
    space: Space,
    everything: Space,
    none: NoAgreement,
    plans: list[Plan],
    known: Mapping[Plan, str],
    alternatives: Mapping[Plan, str],
    every: Sequence[Future],
    effort: Effort,
    seed: int,
) -> Study:
    values = judge.values
    plans = _within(space, plans, judge)
    without = judge.without()
    changed = judge.changes(plans) - without
    gains = judge.points(changed)
    asked = np.array([values.reservation[side] for side in values.sides])
    robust = robustness(gains, asked)
    tests: dict[str, Floats] = {}
    runs = 0
    test_futures = {future.id: future for future in every if future.kind == "test"}
    for name, future in test_futures.items():
        other = Scorer(Batch(judge.batch.projector, [future], values.outcomes), values, judge.apart)
        tests[name] = other.points(other.changes(plans) - other.without()).mean(axis=(1, 2))
        runs += other.batch.runs
    steps = _steps(space)
    beneath = judge.changes([()])
    moved = judge.points(judge.changes([(step,) for step in steps]) - beneath)
    owners = {name: lever.owner for name, lever in built.levers.items()}
    given = concessions(steps, moved.reshape(len(steps), -1, len(values.sides)), values.sides, owners)
    result = Study(
        built=built,
        projector=judge.batch.projector,
        values=values,
        space=space,
        in_force=everything.without,
        futures=judge.batch.futures,
        none=none,
        plans=plans,
        names=[known.get(plan, "") for plan in plans],
        lacks={at: alternatives[plan] for at, plan in enumerate(plans) if plan in alternatives},
        gains=gains,
        changes=changed,
        base=judge.mean,
        without=(judge.base + without[0]).mean(axis=(0, 1)),
        costs=judge.costs(plans),
        no_agreement_cost=Scorer(judge.batch, values).costs([judge.apart])[0],
        no_agreement_points=judge.points(without[0]).mean(axis=(0, 1)),
        robust=robust,
        agreement=agree(robust.mean, np.zeros(2), asked),
        sweep=sweep(changed.mean(axis=(1, 2)), values, judge.mean, effort.weights, seed),
        tests=tests,
        test_futures=test_futures,
        contested=_contested(everything, judge, beneath),
        concessions=given,
        trades=trades(given, values.sides),
        seed=seed,
        runs=runs,
    )
    _choose(result)
    zone = result.agreement.zone
    if zone.any():
        by_draw = result.gains[zone].mean(axis=1)
        by_draw = np.concatenate([by_draw, np.zeros_like(by_draw[:1])])  # to sign nothing is a choice too
        unknowns = result.projector.posterior.parameters
        result.worth = {
            side: worth_knowing(built, by_draw[..., s], unknowns, seed) for s, side in enumerate(values.sides)
        }
    return result


def _steps(space: Space) -> list[Measure]:
    """Return each lever moved half of the way to either end of its bounds from where no agreement leaves it."""
    found = []
    for name in space.levers:
        low, high = space.limits.bounds[name]
        for end in (low, high):
            share = ((space.without[name] + end) / 2 - low) / (high - low)
            value = space.value(name, float(np.clip(share, 0, 1)))
            if abs(value - space.without[name]) > 1e-9:
                found.append(Measure(name, value))
    return found


def _contested(everything: Space, judge: Scorer, beneath: Floats) -> list[Contested]:
    found = []
    for name, lever in everything.levers.items():
        if lever.contested:
            trial = lever.trial.value if lever.trial.value is not None else lever.range[1]
            measure = Measure(name, float(trial))
            points = judge.points(judge.changes([(measure,)]) - beneath)[0].reshape(-1, 2)
            low, high = np.quantile(points, [0.05, 0.95], axis=0)
            chosen = any(one.lever == name for one in judge.apart)
            worse = (points < 0).mean(axis=0)
            found.append(Contested(measure, lever.owner, chosen, points.mean(axis=0), low, high, worse))
    return found


def _choose(result: Study) -> None:
    """Choose what is told: first by some criterion, preferred by both sides under most measures, not alike.

    A package that gives a side a trifle is not told, though it may be the surest.
    """
    passes = np.stack(list(result.passes().values())).mean(axis=0) if result.plans else np.zeros(0)
    gains = np.maximum(result.robust.mean - result.asked, 0.0)
    good = result.agreement.zone & (passes > 0.5) & (gains.min(axis=1) >= _TRIFLE)
    product = np.prod(gains, axis=1)
    ranked: list[tuple[str, int]] = []
    if good.any():
        among = np.flatnonzero(good)
        inside = agree(result.robust.mean[among], np.zeros(2), result.asked)
        ranked = [(name, int(among[inside.solutions[name]])) for name in SOLUTIONS]
        for name, order in result.robust.order().items():
            ranked.append((name, next(int(at) for at in order if good[at])))
    for name, at in ranked:
        result.reasons.setdefault(at, []).append(name)
    by_product = [int(at) for at in np.argsort(-product, kind="stable") if good[at]]
    alternatives = [at for at in result.lacks if good[at]]
    for at in [at for _, at in ranked] + alternatives + by_product:
        alike = (
            other for other in result.shown if at == other or (at not in alternatives and _alike(result, at, other))
        )
        same = next(alike, None)
        if same is not None:
            if same != at:
                known = result.reasons.setdefault(same, [])
                known += [f"near_{name}" for name in result.reasons.pop(at, []) if name not in known]
            continue
        enough = MOST_SHOWN if at in result.reasons or at in alternatives else FEWEST_SHOWN
        if len(result.shown) < enough:
            result.shown.append(at)
    result.shown.sort(key=lambda at: -float(product[at]))


def _alike(result: Study, one: int, other: int) -> bool:
    first, second = ({measure.lever for measure in result.plans[at]} for at in (one, other))
    return len(first & second) > _ALIKE * len(first | second)
