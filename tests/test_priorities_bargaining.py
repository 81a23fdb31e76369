"""Two sides: solutions known in closed form, and properties that must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acuerdo.priorities.bargaining import agree, front, hypervolume

ZERO = np.zeros(2)
GRID = np.linspace(0, 1, 100_001)


def split(power, scale=1.0):
    """Split one dollar: x to the first, who values it as scale * x ** power, the rest to the second."""
    return np.stack([scale * GRID**power, 1 - GRID], axis=1)


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0, 2.0])
def test_nash_splits_the_dollar(power):
    found = agree(split(power), ZERO)
    assert GRID[found.nash] == pytest.approx(power / (1 + power), abs=1e-4)


@pytest.mark.parametrize("scale", [1.0, 2.0, 7.5])
def test_kalai_smorodinsky_does_not_depend_on_scale(scale):
    """Both could get the whole dollar at best, so sqrt(x) = 1 - x: x = (3 - sqrt 5) / 2."""
    found = agree(split(0.5, scale), ZERO)
    assert GRID[found.kalai_smorodinsky] == pytest.approx((3 - np.sqrt(5)) / 2, abs=1e-4)


@pytest.mark.parametrize("scale", [1.0, 2.0, 7.5])
def test_egalitarian_gives_equal_gains(scale):
    """Scale * x = 1 - x: x = 1 / (1 + scale)."""
    found = agree(split(1.0, scale), ZERO)
    assert GRID[found.egalitarian] == pytest.approx(1 / (1 + scale), abs=1e-4)


def test_nash_from_another_disagreement_point():
    """With 0.2 and 0.1 to fall back on, the remaining 0.7 is halved: x = 0.2 + 0.35."""
    found = agree(split(1.0), np.array([0.2, 0.1]))
    assert GRID[found.nash] == pytest.approx(0.55, abs=1e-4)
    asked = agree(split(1.0), ZERO, np.array([0.2, 0.1]))
    assert asked.nash == found.nash


def test_an_empty_zone_is_a_finding():
    found = agree(split(1.0), np.array([0.6, 0.6]))
    assert found.empty
    assert found.solutions == {}
    assert found.nash is None
    assert found.front.all()


def test_no_gain_for_anyone_is_no_agreement():
    assert agree(np.zeros((3, 2)), ZERO).empty


points = arrays(float, st.tuples(st.integers(1, 40), st.just(2)), elements=st.integers(-8, 8).map(float))


@given(points)
@settings(max_examples=200, deadline=None)
def test_solutions_are_in_the_zone_and_on_the_front_of_it(values):
    found = agree(values, ZERO)
    for at in found.solutions.values():
        assert found.zone[at]
        better = np.all(values >= values[at], axis=1) & np.all(values > values[at], axis=1)
        assert not better.any()
    if found.nash is not None and np.all(values[found.nash] > 0):
        assert found.front[found.nash]


@given(points, st.floats(0.1, 10), st.floats(0.1, 10))
@settings(max_examples=100, deadline=None)
def test_nash_gains_do_not_depend_on_units(values, one, other):
    scale = np.array([one, other])
    first, second = agree(values, ZERO), agree(values * scale, ZERO)
    if first.nash is None or second.nash is None:
        assert first.nash is second.nash
        return
    product = np.prod(values[first.nash])
    assert np.prod(values[second.nash]) == pytest.approx(product)


@given(points)
@settings(max_examples=100, deadline=None)
def test_sides_may_change_places(values):
    one, other = agree(values, ZERO), agree(values[:, ::-1], ZERO)
    assert np.array_equal(one.zone, other.zone)
    assert np.array_equal(one.front, other.front)
    if one.egalitarian is not None and other.egalitarian is not None:
        assert values[one.egalitarian].min() == values[other.egalitarian].min()


@given(points)
@settings(max_examples=100, deadline=None)
def test_front_agrees_with_the_definition(values):
    dominated = [any(np.all(q >= p) and np.any(q > p) for q in values) for p in values]
    assert np.array_equal(front(values), ~np.array(dominated))


def test_area_of_one_point():
    assert hypervolume(np.array([[2.0, 3.0]]), ZERO) == 6
    assert hypervolume(np.array([[2.0, 3.0], [3.0, 1.0], [1.0, 1.0]]), ZERO) == 7
    assert hypervolume(np.array([[-2.0, 3.0]]), ZERO) == 0
