"""The engine on small models with known answers: stocks, sharing, conservation, levels, processes, units, priors."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from acuerdo.engine import units
from acuerdo.engine.declare import Model, Sector, Variable, assemble
from acuerdo.engine.ops import clip, exp, log, maximum, minimum, power, ratio, total
from acuerdo.engine.priors import Prior, Transform
from acuerdo.engine.run import Simulator, audit, process_paths
from acuerdo.errors import DataError

PLACES = {"place": ["north", "middle", "south"], "team": ["red", "blue"]}
Z95 = 1.6448536269514722


def parameter(name: str, unit: str, over: str | None = None) -> Variable:
    return Variable(name, "parameter", unit, over, f"The {name}.", "assumption", "given")


def series(name: str, unit: str, over: str | None = None) -> Variable:
    return Variable(name, "input", unit, over, f"The {name}.", "assumption", "given")


def model_of(sector: Sector, *known: Variable) -> Model:
    return assemble("small", PLACES, [sector], known)


# --- one stock that drains --------------------------------------------------------------------------------------------


def drain_model() -> Model:
    sector = Sector("drain")

    @sector.stock("kg", source="assumption")
    def water(at_first):
        """Water in the tank."""
        return at_first

    @sector.flow("kg/month", leaves="water", source="assumption")
    def outflow(water, rate):
        """Water that runs out."""
        return water * rate

    return model_of(sector, parameter("at_first", "kg"), parameter("rate", "1/month"), series("months", "1"))


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_drain_follows_euler(steps: int) -> None:
    model, months = drain_model(), 7
    units.check(model)
    simulator = Simulator(model, steps)
    known = {"at_first": jnp.array([100.0, 40.0, 0.0]), "rate": jnp.array([0.1, 0.6, 0.3])}
    given_series = {"months": jnp.zeros((months, 1))}
    start = simulator.first_state(known, given_series, 3)
    end, kept = simulator.run(start, known, given_series, ["water", "outflow"])
    kept_share = (1 - np.array([0.1, 0.6, 0.3]) / steps) ** steps
    expected = np.array([100.0, 40.0, 0.0]) * kept_share ** np.arange(months + 1)[:, None]
    np.testing.assert_allclose(kept["water"], expected[1:], rtol=1e-12)
    np.testing.assert_allclose(kept["outflow"], -np.diff(expected, axis=0), rtol=1e-10, atol=1e-12)  # a month's total
    np.testing.assert_allclose(end["water"], expected[-1], rtol=1e-12)


def test_a_run_can_be_taken_up_where_another_ended() -> None:
    simulator = Simulator(drain_model(), 2)
    known = {"at_first": jnp.array([100.0]), "rate": jnp.array([0.2])}
    whole, part = {"months": jnp.zeros((6, 1))}, {"months": jnp.zeros((3, 1))}
    start = simulator.first_state(known, whole, 1)
    at_once, _ = simulator.run(start, known, whole, [])
    half, _ = simulator.run(start, known, part, [])
    np.testing.assert_allclose(simulator.run(half, known, part, [])[0]["water"], at_once["water"], rtol=1e-12)


# --- sharing what a stock can give ------------------------------------------------------------------------------------


def sharing_model() -> Model:
    sector = Sector("sharing")

    @sector.stock("person", over="place", source="assumption")
    def waiting(waiting_first):
        """People waiting."""
        return waiting_first

    @sector.stock("person", over="place", source="assumption")
    def arrived(nobody):
        """People who have arrived."""
        return nobody

    @sector.flow("person/month", enters="waiting", over="place", source="assumption")
    def coming(wants_in):
        """People who come."""
        return wants_in

    @sector.flow("person/month", leaves="waiting", enters="arrived", over="place", source="assumption")
    def moving(wants_a):
        """People who move on."""
        return wants_a

    @sector.flow("person/month", leaves="waiting", over="place", source="assumption")
    def leaving(wants_b):
        """People who leave."""
        return wants_b

    @sector.flow("person/month", leaves="arrived", enters="waiting", over="place", source="assumption")
    def returning(wants_c):
        """People who come back."""
        return wants_c

    names = ("wants_in", "wants_a", "wants_b", "wants_c")
    return model_of(
        sector,
        parameter("waiting_first", "person", "place"),
        parameter("nobody", "person", "place"),
        *(series(name, "person/month", "place") for name in names),
    )


@cache
def sharing(steps: int) -> Simulator:
    units.check(sharing_model())
    return Simulator(sharing_model(), steps)


def run_sharing(steps: int, first: np.ndarray, wants: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run with `first` (3,) people waiting and `wants` (4, months, 3) asked for by the four flows."""
    simulator = sharing(steps)
    known = {"waiting_first": jnp.asarray(first)[:, None], "nobody": jnp.zeros((3, 1))}
    names = ("wants_in", "wants_a", "wants_b", "wants_c")
    asked = {name: jnp.asarray(part)[..., None] for name, part in zip(names, wants, strict=True)}
    start = simulator.first_state(known, asked, 1)
    keep = ["waiting", "arrived", "coming", "moving", "leaving", "returning"]
    return start, simulator.run(start, known, asked, keep)[1]


def amounts(count: int, low: float = 0.0) -> st.SearchStrategy[list[float]]:
    one = st.one_of(st.just(0.0), st.floats(low, 1e6, allow_subnormal=False))
    return st.lists(one, min_size=count, max_size=count)


@settings(max_examples=60, deadline=None)
@given(first=amounts(3), wants=amounts(4 * 4 * 3, -1e3), steps=st.sampled_from([1, 2]))
def test_sharing_never_goes_below_zero_and_keeps_account(first: list[float], wants: list[float], steps: int) -> None:
    start, out = run_sharing(steps, np.array(first), np.array(wants).reshape(4, 4, 3))
    for series_kept in out.values():
        assert np.isfinite(series_kept).all()
        assert (np.asarray(series_kept) >= 0).all()
    assert max(audit(sharing(steps).model, start, out).values()) < 1e-9
    inside = np.asarray(out["waiting"] + out["arrived"])[..., 0]
    moved = np.cumsum(np.asarray(out["coming"] - out["leaving"])[..., 0], axis=0)
    np.testing.assert_allclose(inside, np.array(first) + moved, rtol=1e-9, atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(first=amounts(3), asked=amounts(6))
def test_sharing_is_in_proportion_to_what_is_asked(first: list[float], asked: list[float]) -> None:
    have, (a, b) = np.array(first), np.array(asked).reshape(2, 3)
    nothing = np.zeros((1, 3))
    _, out = run_sharing(1, have, np.stack([nothing, a[None], b[None], nothing]))
    share = np.where(a + b > have, have / np.where(a + b > 0, a + b, 1.0), 1.0)
    np.testing.assert_allclose(np.asarray(out["moving"])[0, :, 0], a * share, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.asarray(out["leaving"])[0, :, 0], b * share, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.asarray(out["waiting"])[0, :, 0], np.maximum(have - a - b, 0), rtol=1e-9, atol=1e-6)


def test_what_comes_in_cannot_go_out_in_the_same_step() -> None:
    wants = np.zeros((4, 1, 3))
    wants[0], wants[1] = 30.0, 100.0
    _, out = run_sharing(1, np.full(3, 10.0), wants)
    np.testing.assert_allclose(np.asarray(out["moving"])[0, :, 0], 10.0)
    np.testing.assert_allclose(np.asarray(out["waiting"])[0, :, 0], 30.0)


def test_audit_finds_what_was_lost() -> None:
    wants = np.full((4, 3, 3), 5.0)
    start, out = run_sharing(2, np.full(3, 50.0), wants)
    assert max(audit(sharing(2).model, start, out).values()) < 1e-12
    out["leaving"] = out["leaving"] * 0.5
    gaps = audit(sharing(2).model, start, out)
    assert gaps["waiting"] > 0.01
    assert gaps["arrived"] < 1e-12


def test_gradient_is_finite_when_everything_is_asked_for() -> None:
    """Fitting needs gradients also where a stock is empty or asked for more than it has."""
    simulator = sharing(2)

    def left(first: Any, asked: Any) -> Any:
        known = {"waiting_first": first, "nobody": jnp.zeros((3, 1))}
        wants = {name: jnp.broadcast_to(asked, (3, 3, 1)) for name in ("wants_in", "wants_a", "wants_b", "wants_c")}
        start = simulator.first_state(known, wants, 1)
        return simulator.run(start, known, wants, ["arrived"])[1]["arrived"].sum()

    for first, asked in ((0.0, 0.0), (0.0, 10.0), (5.0, 100.0), (100.0, 1.0)):
        slopes = jax.grad(left, argnums=(0, 1))(jnp.full((3, 1), first), jnp.full((3, 1), asked))
        assert all(np.isfinite(slope).all() for slope in slopes), (first, asked)


# --- levels -----------------------------------------------------------------------------------------------------------


def level_model() -> Model:
    sector = Sector("level")

    @sector.level("person/month", initial="aim", source="assumption")
    def in_place(in_place, aim, delay):
        """What is in place of the aim."""
        return (aim - in_place) / delay

    return model_of(sector, series("aim", "person/month"), parameter("delay", "month"))


@pytest.mark.parametrize("steps", [1, 4])
def test_level_follows_its_input(steps: int) -> None:
    model, months = level_model(), 9
    units.check(model)
    simulator = Simulator(model, steps)
    known = {"delay": jnp.array([2.0, 5.0])}
    aim = {"aim": jnp.array([10.0] + [30.0] * (months - 1))[:, None]}
    start = simulator.first_state(known, aim, 2)
    np.testing.assert_array_equal(start["in_place"], [10.0, 10.0])  # it begins where its input begins
    _, out = simulator.run(start, known, aim, ["in_place", "aim"])
    far = (1 - 1 / (steps * np.array([2.0, 5.0]))) ** (steps * np.arange(months)[:, None])
    np.testing.assert_allclose(out["in_place"], 30 - 20 * far, rtol=1e-12)


# --- latent series ----------------------------------------------------------------------------------------------------


def test_process_dies_out_by_half_after_a_unit_shock() -> None:
    shocks = jnp.array([1.0, 0.0, 0.0, 0.0])[:, None]
    paths = process_paths(shocks, jnp.array([0.5]), jnp.array([1.0]), before=jnp.array([0.0]))
    np.testing.assert_allclose(paths[:, 0], [1.0, 0.5, 0.25, 0.125], rtol=1e-12)


def test_process_goes_on_from_the_month_before() -> None:
    quiet = jnp.zeros((3, 1))
    paths = process_paths(quiet, jnp.array([0.5]), jnp.array([2.0]), before=jnp.array([8.0]))
    np.testing.assert_allclose(paths[:, 0], [4.0, 2.0, 1.0], rtol=1e-12)


def test_process_begins_with_its_lasting_spread() -> None:
    shocks = jnp.array([1.0, 0.0])[:, None]
    paths = process_paths(shocks, jnp.array([0.6]), jnp.array([0.8]))
    np.testing.assert_allclose(paths[:, 0], [0.8 / 0.8, 0.6], rtol=1e-12)  # 0.8 / sqrt(1 - 0.6 ** 2) = 1


def test_process_by_member_and_draw() -> None:
    shocks = jnp.asarray(np.random.default_rng(1).normal(size=(5, 3, 2)))
    persistence, sd = jnp.array([0.3, 0.9]), jnp.array([1.0, 0.1])
    paths = np.asarray(process_paths(shocks, persistence, sd, before=jnp.zeros((3, 2))))
    expected = np.zeros((3, 2))
    for month in range(5):
        expected = np.array([0.3, 0.9]) * expected + np.array([1.0, 0.1]) * np.asarray(shocks)[month]
        np.testing.assert_allclose(paths[month], expected, rtol=1e-10)


# --- declarations that are refused ------------------------------------------------------------------------------------


def test_loop_without_a_stock_is_refused() -> None:
    sector = Sector("loop")

    @sector.aux("1")
    def hen(egg):
        """The hen."""
        return egg

    @sector.aux("1")
    def egg(chick):
        """The egg."""
        return chick

    @sector.aux("1")
    def chick(hen):
        """The chick."""
        return hen

    with pytest.raises(DataError, match="loop without a stock: hen -> egg -> chick -> hen"):
        model_of(sector)


def test_loop_by_what_a_stock_can_give_is_refused() -> None:
    """Flows out of one stock share it, so none of them can depend on what another one got."""
    sector = Sector("loop")

    @sector.stock("kg", source="assumption")
    def tank(full):
        """Tank."""
        return full

    @sector.flow("kg/month", leaves="tank", source="assumption")
    def one(rate):
        """One."""
        return rate

    @sector.flow("kg/month", leaves="tank", source="assumption")
    def other(one):
        """Other."""
        return one

    with pytest.raises(DataError, match="loop without a stock"):
        model_of(sector, parameter("full", "kg"), parameter("rate", "kg/month"))


def test_loop_through_a_stock_is_accepted() -> None:
    assert drain_model().order == ["outflow"]


def test_equations_are_ordered_by_what_they_need() -> None:
    sector = Sector("order")

    @sector.aux("1")
    def last(middle):
        """Last."""
        return middle

    @sector.aux("1")
    def middle(first):
        """Middle."""
        return first

    @sector.aux("1")
    def first(known):
        """First."""
        return known

    assert model_of(sector, parameter("known", "1")).order == ["first", "middle", "last"]


def test_unknown_dependency_is_refused_with_the_nearest_name() -> None:
    sector = Sector("unknown")

    @sector.aux("1/month")
    def doubled(raet):
        """Twice the rate."""
        return raet * 2

    known = (parameter("rate", "1/month"), parameter("place_of_birth", "1"))
    with pytest.raises(DataError, match="doubled: depends on unknown 'raet'; nearest: rate"):
        model_of(sector, *known)


def test_name_declared_twice_is_refused() -> None:
    sector = Sector("twice")

    @sector.aux("1")
    def rate(other):
        """Rate."""
        return other

    with pytest.raises(DataError, match="rate: declared twice, in given and twice"):
        model_of(sector, parameter("rate", "1"), parameter("other", "1"))


@pytest.mark.parametrize("missing", ["meaning", "unit", "source"])
def test_incomplete_declaration_is_refused(missing: str) -> None:
    parts = {"unit": "1", "meaning": "A rate.", "source": "assumption"} | {missing: ""}
    bare = Variable("rate", "parameter", parts["unit"], None, parts["meaning"], parts["source"], "given")
    with pytest.raises(DataError, match="rate: unit, meaning and source"):
        model_of(Sector("none"), bare)


def test_unknown_dimension_is_refused() -> None:
    with pytest.raises(DataError, match="rate: no dimension 'planet'"):
        model_of(Sector("none"), parameter("rate", "1", "planet"))


def test_flow_ends_at_a_stock_of_its_own_dimension() -> None:
    sector = Sector("ends")

    @sector.flow("1", leaves="rate", source="assumption")
    def away(rate):
        """Away."""
        return rate

    with pytest.raises(DataError, match="away: a flow ends at a stock or the boundary, not at the parameter rate"):
        model_of(sector, parameter("rate", "1"))

    sector = Sector("dimension")

    @sector.stock("kg", over="place", source="assumption")
    def heap(full):
        """Heap."""
        return full

    @sector.flow("kg/month", leaves="heap", source="assumption")
    def carted(rate):
        """Carted."""
        return rate

    with pytest.raises(DataError, match="carted: runs over None, but heap runs over place"):
        model_of(sector, parameter("full", "kg", "place"), parameter("rate", "kg/month"))


def test_first_value_of_a_stock_comes_from_parameters_only() -> None:
    sector = Sector("first")

    @sector.stock("kg", source="assumption")
    def heap(weather):
        """Heap."""
        return weather

    with pytest.raises(DataError, match="heap: a first value depends on parameters only"):
        model_of(sector, series("weather", "kg"))


def test_equation_may_not_branch() -> None:
    sector = Sector("branch")

    @sector.aux("1")
    def picked(rate):
        """Picked."""
        return rate if rate else 0.0

    with pytest.raises(TypeError, match="may not branch"):
        units.check(model_of(sector, parameter("rate", "1")))


# --- units ------------------------------------------------------------------------------------------------------------

KNOWN = (
    parameter("people", "person"),
    parameter("events", "event"),
    parameter("kilos", "kg"),
    parameter("pounds", "lb"),
    parameter("days", "day"),
    parameter("months", "month"),
    parameter("part", "1"),
    parameter("percentage", "percent"),
    parameter("by_place", "person", "place"),
    parameter("by_team", "person", "team"),
)


def checked(unit: str, equation: Any, over: str | None = None) -> None:
    depends = tuple(equation.__code__.co_varnames[: equation.__code__.co_argcount])
    result = Variable("result", "aux", unit, over, "Result.", "assumption", "units", equation, depends)
    units.check(assemble("units", PLACES, [], [*KNOWN, result]))


@pytest.mark.parametrize(
    ("unit", "equation", "over", "says"),
    [
        ("person", lambda people, events: people + events, None, "add of person and event"),
        ("person", lambda people, events: people - events, None, "sub of person and event"),
        ("kg", lambda kilos, pounds: kilos + pounds, None, "add of kg and lb"),
        ("month", lambda months, days: maximum(months, days), None, "max of month and d"),
        ("person", lambda people: people + 1, None, "add of person"),
        ("1", lambda part, percentage: part + percentage, None, "add of"),
        ("person", lambda people, part: clip(people, 0, part), None, "min of person"),
        ("1", lambda people: exp(people), None, "exp of a quantity in person"),
        ("1", lambda kilos: log(kilos), None, "log of a quantity in kg"),
        ("1", lambda people, part: power(people, part), None, "power of person"),
        ("1", lambda part, people: power(part, people), None, "power of .* to person"),
        ("person", lambda people, months: people / months, None, "in person, but the equation gives person/month"),
        ("person/year", lambda people, months: people / months, None, "in person/a, but .* person/month"),
        ("event", lambda people: people, None, "declared in event, but the equation gives person"),
        ("person", lambda by_place, by_team: by_place + by_team, "place", "mixes the dimensions place and team"),
        ("person", lambda by_place: by_place, None, "declared over None, but the equation runs over place"),
        ("person", lambda by_place: by_place, "team", "declared over team, but the equation runs over place"),
        ("person", lambda by_place: total(by_place, "team"), None, "total over team of something that runs over place"),
        ("person", lambda people: total(people, "place"), None, "total over place of something that runs over None"),
        ("person", lambda people: people, "place", "declared over place, but the equation runs over None"),
        ("furlong/parsnip", lambda people: people, None, "unit 'furlong/parsnip' is not known"),
    ],
)  # fmt: skip
def test_equation_that_does_not_balance_is_refused(unit: str, equation: Any, over: str | None, says: str) -> None:
    with pytest.raises(DataError, match=says):
        checked(unit, equation, over)


@pytest.mark.parametrize(
    ("unit", "equation", "over"),
    [
        ("person", lambda people, part: people * (1 - part), None),
        ("person", lambda people: maximum(people, 0), None),
        ("person/month", lambda people, months: ratio(people, months), None),
        ("1", lambda people, by_place: ratio(by_place, total(by_place, "place")) * (people / people), "place"),
        ("person", lambda by_place: total(by_place, "place"), None),
        ("kg**2", lambda kilos: power(kilos, 2.0), None),
        ("1", lambda part: exp(-part) + log(part) - power(part, part), None),
    ],
)
def test_equation_that_balances_is_accepted(unit: str, equation: Any, over: str | None) -> None:
    checked(unit, equation, over)


def test_flow_in_another_unit_than_its_stock_is_refused() -> None:
    sector = Sector("flow")

    @sector.stock("person", source="assumption")
    def queue(people):
        """Queue."""
        return people

    @sector.flow("person", leaves="queue", source="assumption")
    def served(people):
        """Served."""
        return people

    with pytest.raises(DataError, match="served: flows in person, but queue needs person/month"):
        units.check(model_of(sector, *KNOWN))


def test_level_changes_by_its_unit_a_month_and_starts_in_it() -> None:
    def build(unit: str, initial: str, rate: Any) -> Model:
        sector = Sector("level")

        @sector.level(unit, initial=initial, source="assumption")
        def habit(habit, people, months):
            """Habit."""
            return rate(habit, people, months)

        return model_of(sector, *KNOWN)

    units.check(build("person", "people", lambda habit, people, months: (people - habit) / months))
    with pytest.raises(DataError, match="habit: declared in person/month, but the equation gives person"):
        units.check(build("person", "people", lambda habit, people, months: people - habit))
    with pytest.raises(DataError, match="habit: first value events has another unit"):
        units.check(build("person", "events", lambda habit, people, months: (people - habit) / months))


def test_time_step_is_in_months() -> None:
    checked("person/month", lambda people, time_step: people / time_step)
    with pytest.raises(DataError, match="declared in person/d, but"):
        checked("person/day", lambda people, time_step: people / time_step)


# --- operations -------------------------------------------------------------------------------------------------------


def test_operations_on_numbers() -> None:
    x, y = jnp.array([4.0, 0.0, 9.0]), jnp.array([2.0, 0.0, 0.0])
    np.testing.assert_array_equal(ratio(x, y), [2.0, 0.0, 0.0])
    np.testing.assert_array_equal(minimum(x, y), y)
    np.testing.assert_array_equal(clip(x, 1.0, 5.0), [4.0, 1.0, 5.0])
    np.testing.assert_allclose(power(x, 0.5), [2.0, 1e-6, 3.0], rtol=1e-9)  # held away from zero
    np.testing.assert_array_equal(total(jnp.ones((5, 3, 2)), "place"), jnp.full((5, 2), 3.0))


def test_ratio_has_a_gradient_where_both_are_zero() -> None:
    slopes = jax.grad(lambda x, y: ratio(x, y), argnums=(0, 1))(0.0, 0.0)
    assert np.isfinite(slopes).all()


# --- priors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prior", "low", "median", "high"),
    [
        (Prior(dist="normal", median=2, low=-1, high=5), -1, 2, 5),
        (Prior(dist="lognormal", median=10, low=5, high=20), 5, 10, 20),
        (Prior(dist="lognormal", median=10, times=3), 10 / 3, 10, 30),
        (Prior(dist="share", median=0.5, low=0.2, high=0.8), 0.2, 0.5, 0.8),
        (Prior(dist="share", median=0.8, low=0.5, high=16 / 17), 0.5, 0.8, 16 / 17),  # odds 1, 4, 16
        (Prior(dist="share", median=3, low=2, high=4, lower=1, upper=5), 2, 3, 4),
        (Prior(dist="fixed", median=7), 7, 7, 7),
    ],
    ids=lambda value: value.dist if isinstance(value, Prior) else "",
)
def test_prior_has_its_median_and_range(prior: Prior, low: float, median: float, high: float) -> None:
    found = Transform.of(prior)(jnp.array([-Z95, 0.0, Z95]))
    np.testing.assert_allclose(np.broadcast_to(found, 3), [low, median, high], rtol=1e-10)


def test_prior_by_member() -> None:
    prior = Prior(
        dist="lognormal", median={"red": 10, "blue": 100}, low={"red": 5, "blue": 10}, high={"red": 20, "blue": 1000}
    )
    transform = Transform.of(prior, ["blue", "red"])
    z = jnp.array([[-Z95, 0.0, Z95]] * 2)
    np.testing.assert_allclose(transform(z), [[10, 100, 1000], [5, 10, 20]], rtol=1e-10)


def test_prior_with_one_number_for_all_members() -> None:
    transform = Transform.of(Prior(dist="share", median={"red": 0.5, "blue": 0.2}, low=0.1, high=0.9), ["red", "blue"])
    assert transform.location.shape == transform.above.shape == (2, 1)
    np.testing.assert_allclose(transform(jnp.zeros((2, 4))), [[0.5] * 4, [0.2] * 4], rtol=1e-10)
    same = Transform.of(Prior(dist="normal", median=1, low=0, high=2), ["red", "blue"])
    np.testing.assert_allclose(same(jnp.array([[Z95], [-Z95]])), [[2], [0]], atol=1e-10)


@pytest.mark.parametrize("dist", ["normal", "lognormal", "share"])
def test_prior_keeps_its_points_when_they_are_not_symmetric(dist: str) -> None:
    transform = Transform.of(Prior(dist=dist, median=0.3, low=0.25, high=0.8))
    np.testing.assert_allclose(transform(jnp.array([-Z95, 0.0, Z95])), [0.25, 0.3, 0.8], rtol=1e-9)


def test_prior_for_a_missing_member_fails() -> None:
    with pytest.raises(KeyError):
        Transform.of(Prior(dist="fixed", median={"red": 1.0}), ["red", "blue"])


@settings(max_examples=100, deadline=None)
@given(z=st.floats(-5, 5), median=st.floats(0.05, 0.95), dist=st.sampled_from(["lognormal", "share"]))
def test_prior_stays_inside_its_support(z: float, median: float, dist: str) -> None:
    prior = Prior(dist=dist, median=median, low=median * 0.5, high=min(median * 1.5, 0.99))  # type: ignore[arg-type]
    value = float(Transform.of(prior)(jnp.array([z]))[0])
    assert value > 0
    assert dist == "lognormal" or value < 1


@pytest.mark.parametrize(
    "bad",
    [
        {"dist": "normal", "median": 1},
        {"dist": "share", "median": 0.5, "low": 0.1},
        {"dist": "normal", "median": 1, "times": 2},
        {"dist": "lognormal", "median": 1, "times": 1},
        {"dist": "uniform", "median": 1, "low": 0, "high": 2},
    ],
)
def test_prior_that_says_too_little_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Prior(**bad)
