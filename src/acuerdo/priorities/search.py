"""Search for the front of several objectives by NSGA-II (Deb and others, 2002), with the operators of pymoo.

Every generation depends only on the population before it, the seed and its number, so a search that was stopped goes on
from its checkpoint exactly as if it had not been.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import binary_tournament
from pymoo.core.duplicate import DefaultDuplicateElimination
from pymoo.core.mating import Mating
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

from acuerdo.errors import DataError
from acuerdo.files import write_whole
from acuerdo.levers import Floats

Evaluate = Callable[[Floats], tuple[Floats, Floats]]
"""From points, (n, variables), to objectives to be made large, (n, objectives), and excesses over limits, (n, m)."""
Tick = Callable[[int], None]


@dataclass(frozen=True)
class Found:
    """A population after a search.

    Attributes:
        points: shape (size, variables), in [0, 1].
        values: objectives, shape (size, objectives).
        excess: how far each limit is exceeded, shape (size, limits); 0 or less is within.
        generation: number of generations made.
    """

    points: Floats
    values: Floats
    excess: Floats
    generation: int

    @property
    def allowed(self) -> Any:
        """Which points keep all limits."""
        return np.all(self.excess <= 0, axis=1) if self.excess.size else np.ones(len(self.points), bool)


class _Sized:
    """What pymoo's tournament wants to know of an algorithm."""

    tournament_type = "comp_by_dom_and_crowding"

    def __init__(self, random_state: np.random.Generator) -> None:
        self.random_state = random_state


def search(
    evaluate: Evaluate,
    start: Floats,
    generations: int,
    seed: int,
    checkpoint: Path | None = None,
    ties: str = "",
    tick: Tick | None = None,
) -> Found:
    """Search points in the unit cube.

    Args:
        evaluate: objectives and limits of many points at once.
        start: the first population, shape (size, variables).
        generations: how many generations in all, those of a checkpoint counted.
        seed: the same seed, start and function give the same result.
        checkpoint: file that is written after each generation and taken up again if it belongs to the same search.
        ties: what the search is about (data, model, settings); a checkpoint with other ties is not taken up.
        tick: called with the number of each generation made.

    Raises:
        DataError: the checkpoint is damaged.
    """
    size, variables = start.shape
    about = f"{ties}|{seed}|{size}|{variables}"
    found = _read(checkpoint, about)
    if found is None:
        found = Found(start, *evaluate(start), 0)
        _write(checkpoint, about, found)
    problem = Problem(n_var=variables, n_obj=found.values.shape[1], n_ieq_constr=found.excess.shape[1], xl=0.0, xu=1.0)
    survival = RankAndCrowding()
    mating = Mating(
        TournamentSelection(func_comp=binary_tournament),
        SBX(eta=15, prob=0.9),
        PM(eta=20),
        eliminate_duplicates=DefaultDuplicateElimination(),
    )
    for generation in range(found.generation, generations):
        rng = np.random.default_rng([seed, generation])
        parents = survival.do(problem, _population(problem, found), n_survive=size, random_state=rng)
        children = mating.do(problem, parents, size, random_state=rng, algorithm=_Sized(rng)).get("X")
        values, excess = evaluate(children)
        both = Found(
            np.concatenate([found.points, children]),
            np.concatenate([found.values, values]),
            np.concatenate([found.excess, excess]),
            generation + 1,
        )
        kept = survival.do(problem, _population(problem, both), n_survive=size, random_state=rng)
        found = Found(kept.get("X"), -kept.get("F"), kept.get("G"), generation + 1)
        _write(checkpoint, about, found)
        if tick:
            tick(generation + 1)
    return found


def _population(problem: Problem, found: Found) -> Population:
    population = Population.new(X=found.points)
    population.set("F", -found.values)
    population.set("G", found.excess)
    for one in population:
        one.evaluated = {"F", "G"}
    return population


def _read(path: Path | None, about: str) -> Found | None:
    if path is None or not path.exists():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["about"] != about:
            return None
        points, values, excess = (np.array(data[name], float) for name in ("points", "values", "excess"))
        return Found(points, values, excess.reshape(len(points), -1), int(data["generation"]))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DataError(f"{path}: not a checkpoint of a search, or damaged; delete it to start anew") from problem


def _write(path: Path | None, about: str, found: Found) -> None:
    if path is not None:
        data = {name: getattr(found, name).tolist() for name in ("points", "values", "excess")}
        write_whole(path, json.dumps({"about": about, "generation": found.generation, **data}))
