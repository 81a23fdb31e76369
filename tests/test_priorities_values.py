"""Values, limits and futures: what the corridor's files say, and plain answers to what is not valid."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from acuerdo import corridor as corridors
from acuerdo.errors import DataError, InputError
from acuerdo.levers import load_levers
from acuerdo.priorities.noagreement import no_agreement
from acuerdo.priorities.robustness import robustness
from acuerdo.priorities.space import Measure, Space, after, load_limits, nice_step
from acuerdo.priorities.study import Scorer
from acuerdo.priorities.sweep import draw_weights, sweep
from acuerdo.priorities.trades import concessions, trades
from acuerdo.priorities.values import equal_groups, load_file, load_values, swing_weights
from acuerdo.projection import load_outcomes

CORRIDOR = corridors.load("us_mexico")


@pytest.fixture(scope="module")
def values():
    return load_values(CORRIDOR)


@pytest.fixture
def changed(tmp_path: Path):
    """Write the corridor's values with one thing changed, and return the path."""

    def write(change):
        data = yaml.safe_load(CORRIDOR.path("values.yaml").read_text("utf-8"))
        change(data)
        path = tmp_path / "values.yaml"
        path.write_text(yaml.safe_dump(data), "utf-8")
        return path

    return write


def test_default_weights_are_equal_over_groups(values):
    outcomes = load_outcomes(CORRIDOR)
    for side in values.sides:
        groups: dict[str, float] = {}
        for name, weight in zip(values.outcomes, values.weights[side], strict=True):
            assert (weight > 0) == (side in outcomes[name].sides)
            groups[outcomes[name].group] = groups.get(outcomes[name].group, 0) + weight
        assert sum(groups.values()) == pytest.approx(100)
        assert np.ptp(list(groups.values())) < 1e-9


def test_best_everywhere_is_worth_100_more_than_worst_everywhere(values):
    base = np.linspace(10, 1000, len(values.outcomes))
    unit = [base[o] / 100 if values.references[n].scale == "percent" else 1 for o, n in enumerate(values.outcomes)]
    worst, best = (
        np.array([getattr(values.references[n], end) for n in values.outcomes]) * unit for end in ("worst", "best")
    )
    assert values.points(best, base) - values.points(worst, base) == pytest.approx([100, 100])
    assert values.points(np.zeros(len(base)), base) == pytest.approx([0, 0])


def test_value_rises_with_what_a_side_prefers(values):
    outcomes = load_outcomes(CORRIDOR)
    base = np.full(len(values.outcomes), 100.0)
    for o, name in enumerate(values.outcomes):
        better = np.zeros(len(base))
        better[o] = 1.0 if outcomes[name].prefers == "higher" else -1.0
        points = dict(zip(values.sides, values.points(better, base), strict=True))
        for side in values.sides:
            assert (points[side] > 0) == (side in outcomes[name].sides)
            assert points[side] >= 0


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"homicides": -1, "goods_trade": 2}, "homicides: -1 is not valid; allowed: 0 or more"),
        ({"homicides": 0, "goods_trade": 0}, "all zero"),
        ({"homicide": 1}, "nearest valid: homicides"),
        ({}, "all zero"),
    ],
)
def test_weights_that_are_not_valid(changed, weights, said):
    path = changed(lambda data: data["sides"]["mexico"].update(weights=weights))
    with pytest.raises(InputError) as problem:
        load_values(CORRIDOR, path)
    assert said in str(problem.value)
    assert "values.yaml, line" in str(problem.value)


def test_references_that_are_not_valid(changed):
    path = changed(lambda data: data["references"]["homicides"].update(best=20))
    with pytest.raises(InputError, match="below the worst"):
        load_values(CORRIDOR, path)
    path = changed(lambda data: data["references"].pop("homicides"))
    with pytest.raises(InputError, match="homicides"):
        load_values(CORRIDOR, path)
    path = changed(lambda data: data["sides"].pop("mexico"))
    with pytest.raises(InputError, match="mexico"):
        load_values(CORRIDOR, path)
    with pytest.raises(DataError, match="no such file"):
        load_file(CORRIDOR, Path("nowhere.yaml"))


def test_own_weights_are_made_to_sum_to_100(changed):
    path = changed(lambda data: data["sides"]["us"].update(weights={"overdose_deaths": 3, "goods_trade": 1}))
    weights = load_values(CORRIDOR, path).weights["us"]
    assert sorted(weights)[-2:] == [25, 75]
    assert weights.sum() == 100


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 100), min_size=1), st.floats(0.1, 50))
def test_swing_weights_depend_on_ratios_only(ratings, factor):
    one = swing_weights(ratings)
    other = swing_weights({name: factor * value for name, value in ratings.items()})
    assert sum(one.values()) == pytest.approx(100, abs=0.1)
    assert one == pytest.approx(other, abs=0.02)


def test_outcomes_left_out_carry_no_weight():
    outcomes = load_outcomes(CORRIDOR)
    assert "cooperation" not in equal_groups(outcomes, "us", ["cooperation"])
    assert "cooperation" not in load_values(CORRIDOR).outcomes


# --- limits


def test_corridor_limits_are_within_the_ranges():
    levers = load_levers(CORRIDOR)
    alone, agreed = load_limits(CORRIDOR, levers)
    for name, (low, high) in agreed.bounds.items():
        assert levers[name].range[0] <= low < high <= levers[name].range[1]
    assert alone.budget["us"] > 0
    assert not set(agreed.consented)


@pytest.mark.parametrize(
    ("budget", "said"),
    [({"us": -1.0}, "0 or more"), ({"us": float("nan")}, "0 or more"), ({"uk": 5.0}, "nearest valid: us")],
)
def test_impossible_budgets(budget, said):
    with pytest.raises(InputError, match=said):
        load_limits(CORRIDOR, load_levers(CORRIDOR), budget)


def made_up_space(names=("parole_places", "asylum_decisions", "precursor_control", "military_action")) -> Space:
    levers = {name: lever for name, lever in load_levers(CORRIDOR).items() if name in names}
    alone, _ = load_limits(CORRIDOR, load_levers(CORRIDOR))
    return Space(levers, dict.fromkeys(levers, 0.0), alone, 12, ("us", "mexico"))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_genes_are_packages_within_bounds(genes):
    space = made_up_space()
    plan = space.decode(np.array(genes))
    for measure in plan:
        low, high = space.limits.bounds[measure.lever]
        assert low <= measure.value <= high
        assert 0 <= measure.start < space.limits.latest
    assert space.decode(space.encode(plan)) == plan


def test_contested_levers_are_not_in_packages():
    space = made_up_space()
    assert "military_action" not in space.only("us").levers
    assert "military_action" not in after(space, (), space.limits).levers
    assert "military_action" in space.only("us", contested=True).levers


def test_a_joint_measure_counts_for_both():
    plan = (Measure("parole_places", 1.0), Measure("precursor_control", 0.5))
    space = made_up_space()
    assert space.counts(plan).tolist() == [2, 1]
    inside = space.excess([plan], np.array([[3e9, 3e8]]))
    assert (inside <= 0).all()
    assert space.excess([plan], np.array([[3.1e9, 0]]))[0].tolist()[0] > 0


@pytest.mark.parametrize(("low", "high", "step"), [(0, 1, 0.05), (0, 6000, 200), (0.7, 1.5, 0.05), (0, 40000, 2000)])
def test_steps_are_round(low, high, step):
    assert nice_step(low, high) == pytest.approx(step)


def test_each_side_does_what_is_best_for_it_alone():
    """Parole is worth x - x^2 to its owner, decisions harm theirs: the one goes to its best, the other stays."""
    space = made_up_space()
    high = space.limits.bounds["parole_places"][1]

    def score(plans):
        values = []
        for plan in plans:
            given = {measure.lever: measure.value for measure in plan}
            x, y = given.get("parole_places", 0) / high, given.get("asylum_decisions", 0) / 6000
            values.append([10 * x * (1 - x) + y, -y - x])
        return np.array(values), np.zeros((len(plans), 2))

    found = no_agreement(space, score)
    assert found.settled
    assert found.plans["mexico"] == ()
    (measure,) = found.plans["us"]
    assert measure.lever == "parole_places"
    assert measure.value == pytest.approx(high / 2, rel=0.1)


def test_a_contested_lever_is_open_to_its_owner_alone():
    """Where force is worth something to its owner, it is used without agreement, else not."""
    space = made_up_space()

    def worth(points):
        def score(plans):
            used = [{m.lever: m.value for m in plan}.get("military_action", 0.0) for plan in plans]
            return np.array([[points * x, -x] for x in used]), np.zeros((len(plans), 2))

        return no_agreement(space, score).plans["us"]

    assert [m.lever for m in worth(2.0)] == ["military_action"]
    assert worth(-2.0) == ()


class _FakeBatch:
    """Outcome o of a package is the value of the o-th lever; costs are a tenth of the sum, all borne by the first."""

    def __init__(self, names):
        self.names, levers = names, load_levers(CORRIDOR)
        months = pd.period_range("2025-01", periods=12, freq="M")
        self.projector = SimpleNamespace(built=SimpleNamespace(levers=levers), months=months)

    def levels(self, packages):
        set_to = [{one.lever: one.value for one in package} for package in packages]
        return np.array([[[[one.get(name, 0.0) for name in self.names]]] for one in set_to])

    def costs(self, packages):
        total = self.levels(packages).sum(axis=(1, 2, 3))
        return np.stack([total / 10, 0 * total], axis=1)


def test_an_agreement_ends_contested_measures_and_keeps_the_others(values):
    apart = (Measure("military_action", 1.0), Measure("parole_places", 30.0))
    scorer = Scorer(_FakeBatch(["military_action", "parole_places", "naloxone_kits"]), values, apart)
    assert scorer.under == apart[1:]
    assert scorer.without()[0, 0, 0].tolist() == [1, 30, 0]
    assert scorer.changes([(), (Measure("naloxone_kits", 5.0),)])[:, 0, 0].tolist() == [[0, 30, 0], [0, 30, 5]]
    assert scorer.costs([(Measure("naloxone_kits", 5.0),)])[0].tolist() == pytest.approx([0.4, 0]), (
        "beyond no agreement"
    )


# --- robustness, weights, trades


def test_measures_of_robustness_by_hand():
    gains = np.zeros((2, 2, 2, 2))
    gains[0] = [[[4, 1], [2, 1]], [[-2, 1], [0, 1]]]
    gains[1] = 1.5
    found = robustness(gains, np.zeros(2))
    assert found.mean[0].tolist() == [1, 1]
    assert found.worst_future[0].tolist() == [-1, 1]
    assert found.regret[0].tolist() == [2.5, 0.5]
    assert found.regret[1].tolist() == [1.5, 0]
    assert found.satisficing.tolist() == [0.75, 1]
    assert found.backfiring[0].tolist() == [0.25, 0]
    order = found.order()
    assert order["mean"][0] == 1
    assert order["satisficing"][0] == 1
    assert found.preferred(np.zeros(2))["worst_future"].tolist() == [False, True]


def test_weights_are_drawn_around_those_given(values):
    drawn = draw_weights(values, 4000, np.random.default_rng(1))
    for side in values.sides:
        assert drawn[side].sum(axis=1) == pytest.approx(100)
        assert drawn[side].mean(axis=0) == pytest.approx(values.weights[side], abs=0.5)


def test_sweep_says_on_which_weight_it_turns(values):
    """A package that lowers homicides but raises the cost of waiting is preferred by those for whom homicides count."""
    base = np.full(len(values.outcomes), 100.0)
    change = np.zeros((1, len(base)))
    at = {name: o for o, name in enumerate(values.outcomes)}
    change[0, at["homicides"]], change[0, at["delay_cost"]] = -1.0, 7.5
    found = sweep(change, values, base, 2000, 1)
    assert 0.1 < found.sides[0, 1] < 0.9
    turning = found.turning["mexico"][0]
    assert turning is not None
    assert turning[0] in ("homicides", "delay_cost")
    assert (turning[1] > 0) == (turning[0] == "homicides")
    assert found.sides[0, 0] == 0
    assert found.turning["us"][0] is None
    assert found.empty == 1


def test_trades_need_a_gain_for_both():
    measures = [Measure("a", 1.0), Measure("b", 1.0), Measure("c", 1.0)]
    points = np.array([[-1.0, 5.0], [4.0, -2.0], [1.0, 1.0]])[:, None, :] * np.ones((1, 3, 1))
    given = concessions(measures, points, ("one", "two"), {"a": "one", "b": "both", "c": "one"})
    assert [c.measure.lever for c in given] == ["a", "b"]
    (trade,) = trades(given, ("one", "two"))
    assert trade.net == {"one": 3.0, "two": 3.0}
    assert trades(given[:1], ("one", "two")) == []
    assert concessions(measures, points, ("one", "two"), dict.fromkeys("abc", "two"))[0].measure.lever == "b"
