"""Why paths diverged: how curved the density was where each began, along what, and what was far out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import small_model
from acuerdo.inference import posterior as posteriors
from acuerdo.inference import sampler
from acuerdo.inference.centred import Centred
from acuerdo.inference.divergences import MOST, Divergence, Divergences, examine
from acuerdo.inference.fit import fit
from acuerdo.inference.problem import Problem
from acuerdo.inference.sampler import Chains, Plan
from acuerdo.inference.synthetic import simulate_data

Floats = npt.NDArray[np.float64]
NAMES = ["one", "two", "three", "four", "held"]
BAD = (2, 40)


def chains(spread: Floats, bad: tuple[tuple[int, int], ...] = (BAD,)) -> Chains:
    """Standard normal draws of four unknowns and one that is held; where paths diverged the fourth is nine out."""
    values = np.random.default_rng(0).standard_normal((4, 100, 5))
    values[..., 4] = 7.0
    diverging = np.zeros((4, 100), dtype=bool)
    for place in bad:
        values[(*place, 3)] = 9.0
        diverging[place] = True
    return Chains(values, diverging, np.full((4, 100), 16), np.full((4, 100), 0.8), np.full(4, 0.1), spread)


def information(point: Floats) -> Floats:
    """Of a density that is narrow along the first unknown less half of the second where the fourth is far out."""
    along = np.array([2.0, -1.0, 0.0, 0.0, 0.0]) / np.sqrt(5)
    return np.asarray(np.eye(5) + (99.0 if point[3] > 5 else 2.0) * np.outer(along, along))


def test_where_and_along_what_a_path_diverged() -> None:
    found = examine(chains(np.ones(5)), information, NAMES)
    assert found is not None
    assert found.usual == pytest.approx([3.0, 3.0, 3.0])
    (path,) = found.paths
    assert (path.chain, path.iteration, path.curvature) == (3, 41, pytest.approx(100.0))
    assert [name for name, _ in path.along[:2]] == ["one", "two"]
    assert [share for _, share in path.along[:2]] == pytest.approx([1.0, -0.5], abs=0.06)  # widths of 400 draws
    assert max(abs(share) for _, share in path.along[2:]) == pytest.approx(0.0, abs=1e-6)
    name, far = path.far[0]
    assert (name, far) == ("four", pytest.approx(9 / np.sqrt(1 + 81 / 400), abs=0.4))


def test_curvature_is_in_the_coordinates_of_the_sampler() -> None:
    """Twice as wide a factor meets four times the curvature, whether it is a diagonal or a whole one."""
    scales = np.array([2.0, 2.0, 1.0, 1.0, 1.0])
    for spread in (scales, np.diag(scales)):
        found = examine(chains(spread), information, NAMES)
        assert found is not None
        assert found.paths[0].curvature == pytest.approx(400.0)
        assert found.usual == pytest.approx([12.0] * 3)


def test_a_factor_that_fits_meets_a_curvature_of_one_along_every_direction() -> None:
    fitting = np.linalg.inv(np.linalg.cholesky(information(np.zeros(5)))).T
    found = examine(chains(fitting), information, NAMES)
    assert found is not None
    assert found.usual == pytest.approx([1.0] * 3)
    assert found.paths[0].curvature == pytest.approx(100 / 3, abs=0.06)


@pytest.mark.parametrize(("steps", "ahead", "curvature"), [(16, 0.75, 100.0), (4, 0.0, 3.0)])
def test_a_path_that_began_at_a_usual_place_is_followed_to_the_first_narrow_one(
    steps: int, ahead: float, curvature: float
) -> None:
    """At 7 sin(t) - 2 (1 - cos(t)), for t in quarters of 1.6; on one that ends at 0.4 there is nothing narrow."""
    made = chains(np.ones(5))
    made.values[(*BAD, 3)] = 0.0
    made.steps[:] = steps
    fourth = np.eye(5)[3]
    found = examine(replace(made, launches={BAD: (2 * fourth, 7 * fourth)}), information, NAMES)
    assert found is not None
    (path,) = found.paths
    assert (path.ahead, path.curvature) == (ahead, pytest.approx(curvature))
    if ahead:
        assert dict(path.far)["four"] == pytest.approx(7 * np.sin(1.2) - 2 * (1 - np.cos(1.2)), abs=0.4)


def test_usual_places_are_not_those_of_divergences() -> None:
    """A chain all but ten of whose paths diverged."""
    bad = tuple((0, number) for number in range(100) if number % 10)
    found = examine(chains(np.ones(5), bad), information, NAMES)
    assert found is not None
    assert found.usual == pytest.approx([3.0] * 3)
    assert [path.iteration for path in found.paths] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    assert len(found.paths) == MOST


@pytest.mark.parametrize(("width", "usual"), [(1, [3.0] * 3), (4, [])])
def test_chains_all_of_whose_paths_diverged(width: int, usual: list[float]) -> None:
    bad = tuple((chain, number) for chain in range(width) for number in range(100))
    found = examine(chains(np.ones(5), bad), information, NAMES)
    assert found is not None
    assert found.usual == pytest.approx(usual)
    assert len(found.paths) == MOST


def test_without_divergences_there_is_nothing_to_tell() -> None:
    assert examine(chains(np.ones(5), ()), information, NAMES) is None


def test_of_two_unknowns_too() -> None:
    few = chains(np.ones(5))
    found = examine(replace(few, values=few.values[..., 2:4], spread=np.ones(2)), lambda x: np.diag([1.0, x[1]]), "ab")
    assert found is not None
    assert found.paths[0].curvature == pytest.approx(9.0)
    assert found.paths[0].along[0] == ("b", 1.0)


def test_round_trip() -> None:
    found = Divergences([1.5, 2.0, 3.0], [Divergence(1, 2, 33.3, [("año", 1.0)], [("b", -4.2), ("c", 3.0)], 0.5)])
    assert Divergences.read(found.text()) == found
    before = json.loads(found.text())
    del before["paths"][0]["ahead"]
    assert Divergences.read(json.dumps(before)).paths[0].ahead == 0.0, "kept before paths were followed"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"usual": [1], "paths": [{"chain": 1}]}'])
def test_something_else_is_refused(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Divergences.read(text)


# --- of a calibration -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def problem() -> Problem:
    blank = small_model.make(12, ("north", "south"), follows="arrivals")
    return simulate_data(blank, np.random.default_rng(3).standard_normal(blank.size), 4)


def test_unknowns_have_their_names_in_order(problem: Problem) -> None:
    centred = Centred(problem, fit(problem))
    names = centred.names()
    assert len(names) == problem.size == len(set(names))
    assert names[: problem.built.size] == [f"{name} {member}".strip() for name, member in problem.built.labels()]
    place = problem.shock_slices["pressure"]
    assert names[place][:3] == ["arrivals 2020-01 north", "arrivals 2020-01 south", "arrivals 2020-02 north"]
    noise = slice(problem.built.size, problem.built.size + 2)
    assert names[noise] == [f"noise of {name}" for name in problem.data.noises[:2]]


def test_the_spread_is_a_factor_of_the_inverse_of_the_information(problem: Problem) -> None:
    centred = Centred(problem, fit(problem))
    centre = centred.centre()
    spread = centred.spread(centre[:, None])
    np.testing.assert_allclose(
        spread @ spread.T @ centred.information(centre), np.eye(problem.size), atol=1e-6 * problem.size
    )


def test_a_full_calibration_keeps_where_its_paths_diverged(
    problem: Problem, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    real: Callable[..., Chains] = sampler.sample

    def once(*arguments: Any) -> Chains:
        made = real(*arguments)
        made.diverging[:] = False
        made.diverging[1, 7] = True
        return made

    monkeypatch.setattr(posteriors, "make_problem", lambda *_: problem)
    monkeypatch.setattr(posteriors, "digests", lambda *_: {"data_digest": "a", "model_digest": "b"})
    monkeypatch.setattr(posteriors, "kept", lambda _: tmp_path)
    monkeypatch.setattr(sampler, "sample", once)
    plan = Plan(chains=2, warm_up=40, kept=40, piece=20, steps=8)
    found: Any = posteriors.calibrate(problem.built, None, None, draws=40, plan=plan)  # type: ignore[arg-type]
    assert (found.notes["divergences"], found.notes["provisional"]) == (1, 1)
    told = Divergences.read(found.notes["diverged"])
    assert [(path.chain, path.iteration) for path in told.paths] == [(2, 8)]
    assert all(0.3 < value < 30 for value in told.usual), told.usual
    found.save(tmp_path / "kept.nc")
    again = posteriors.Posterior.load(tmp_path / "kept.nc")
    assert json.loads(again.notes["diverged"]) == json.loads(told.text())
