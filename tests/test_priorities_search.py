"""The search: known hypervolumes, a front known in closed form, limits, and going on after a stop."""

import numpy as np
import pytest
from pymoo.indicators.hv import HV
from pymoo.problems import get_problem

from acuerdo.errors import DataError
from acuerdo.priorities.bargaining import front, hypervolume
from acuerdo.priorities.search import search

REFERENCE = np.array([-1.1, -1.1])  # objectives are made large here, and small in the ZDT problems


def none(points):
    return np.zeros((len(points), 0))


def start(size, variables, seed=1):
    return np.random.default_rng(seed).random((size, variables))


@pytest.mark.parametrize(
    ("name", "size", "area"), [("zdt1", 2000, 0.876667), ("zdt2", 2000, 0.543333), ("zdt3", 100, 1.329)]
)
def test_area_under_known_fronts(name, size, area):
    points = get_problem(name).pareto_front(size)
    ours = hypervolume(-points, REFERENCE)
    assert ours == pytest.approx(HV(ref_point=np.array([1.1, 1.1]))(points), rel=1e-9)
    assert ours == pytest.approx(area, abs=2e-3)
    assert front(-points).mean() > 0.95  # ends of the pieces of the third are rounded


@pytest.mark.parametrize(("name", "area"), [("zdt1", 0.876667), ("zdt2", 0.543333), ("zdt3", 1.329)])
def test_search_comes_near_known_fronts(name, area):
    problem = get_problem(name, n_var=8)

    def evaluate(points):
        return -problem.evaluate(points), none(points)

    found = search(evaluate, start(60, 8), 120, seed=1)
    assert hypervolume(found.values, REFERENCE) == pytest.approx(area, rel=0.03)


def two_levers(points):
    """Each lever buys one side's outcome with falling returns, and both cost: x + y of 1 at most."""
    values = np.sqrt(points)
    return values, points.sum(axis=1, keepdims=True) - 1


def test_front_of_two_levers_within_one_per_cent():
    """With sqrt(x), sqrt(y) and x + y = 1 the front is the quarter of the unit circle."""
    found = search(two_levers, start(60, 2), 80, seed=3)
    values = found.values[found.allowed]
    values = values[front(values)]
    assert len(values) > 30
    assert np.abs(np.hypot(*values.T) - 1).max() < 0.01
    assert hypervolume(values, np.zeros(2)) == pytest.approx(np.pi / 4, rel=0.01 + 1 / len(values))
    gaps = np.diff(np.sort(np.arctan2(values[:, 1], values[:, 0])), prepend=0, append=np.pi / 2)
    assert gaps.max() < 0.15


def test_search_is_reproducible_and_its_seed_matters():
    one, same, other = (search(two_levers, start(20, 2), 10, seed=seed).values for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_stopped_search_goes_on_as_if_it_had_not_been(tmp_path):
    whole = search(two_levers, start(20, 2), 12, seed=5)
    path = tmp_path / "search.json"

    def stops(generation):
        if generation == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(two_levers, start(20, 2), 12, seed=5, checkpoint=path, tick=stops)
    made = []
    resumed = search(two_levers, start(20, 2), 12, seed=5, checkpoint=path, tick=made.append)
    assert made == list(range(6, 13))
    assert np.array_equal(resumed.points, whole.points)
    assert np.array_equal(resumed.values, whole.values)


def test_a_checkpoint_of_another_search_is_not_taken_up(tmp_path):
    path = tmp_path / "search.json"
    search(two_levers, start(20, 2), 3, seed=5, checkpoint=path, ties="a")
    made = []
    search(two_levers, start(20, 2), 3, seed=5, checkpoint=path, ties="b", tick=made.append)
    assert made == [1, 2, 3]


def test_a_damaged_checkpoint_is_named(tmp_path):
    path = tmp_path / "search.json"
    path.write_text('{"about": "', encoding="utf-8")
    with pytest.raises(DataError, match=r"search\.json"):
        search(two_levers, start(20, 2), 3, seed=5, checkpoint=path)


def test_when_nothing_keeps_the_limits_it_says_so():
    found = search(lambda x: (x, np.ones((len(x), 1))), start(20, 2), 5, seed=1)
    assert not found.allowed.any()
