"""What must hold for any setting of the levers: finite, not negative, conserved."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acuerdo.corridors.us_mexico.model import trade
from acuerdo.engine.load import load_model
from acuerdo.engine.run import audit, process_paths
from acuerdo.figures.store import Figures
from acuerdo.inference.posterior import Posterior, file_name, packaged
from acuerdo.inference.problem import lever_inputs, make_problem, season_inputs

MONTHS = pd.period_range("2025-01", periods=24, freq="M")
DRAWS = 8


@pytest.fixture(scope="module")
def built():
    return load_model()


@pytest.fixture(scope="module")
def drawn(built):
    rng = np.random.default_rng(5)
    parameters = built.values(jnp.asarray(rng.standard_normal((built.size, DRAWS))))
    latent = {}
    for name, process in built.processes.items():
        members = built.members(process.over)
        shape = (len(MONTHS), *([len(members)] if members else []), DRAWS)
        shocks = jnp.asarray(rng.standard_normal(shape))
        latent[name] = process_paths(shocks, parameters[f"{name}_persistence"], parameters[f"{name}_sd"])
    return parameters, {**season_inputs(MONTHS), **latent}


def run(built, drawn, values):
    """Run with each lever at `values[lever]`: two numbers, the second from the middle month on."""
    parameters, given_inputs = drawn
    half = len(MONTHS) // 2
    record = {}
    for name, lever in built.levers.items():
        first, second = (lever.spread(v, built.members(lever.over)) for v in values[name])
        record[name] = np.stack([first] * half + [second] * (len(MONTHS) - half))
    inputs = {**given_inputs, **lever_inputs(built, record)}
    keep = tuple(v.name for v in built.model.of_kind("stock", "level", "flow"))
    start = built.simulator.first_state(parameters, inputs, DRAWS)
    _, outputs = built.simulator.run(start, parameters, inputs, keep)
    return start, {name: np.asarray(value) for name, value in outputs.items()}


def settings_of(built):
    ranges = {name: lever.range for name, lever in built.levers.items()}
    one = {n: st.one_of(st.sampled_from(r), st.floats(*r)) for n, r in ranges.items()}
    return st.fixed_dictionaries({n: st.tuples(v, v) for n, v in one.items()})


def check(built, start, outputs):
    for variable in built.model.of_kind("stock", "flow"):
        values = outputs[variable.name]
        assert np.isfinite(values).all(), f"{variable.name} is not finite"
        assert (values >= 0).all(), f"{variable.name} is negative: {values.min()}"
    for variable in built.model.of_kind("level"):
        assert np.isfinite(outputs[variable.name]).all(), f"{variable.name} is not finite"
    worst = max(audit(built.model, start, outputs).items(), key=lambda item: item[1])
    assert worst[1] < 1e-6, f"{worst[0]} is not conserved: {worst[1]}"


@pytest.mark.model
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_setting_is_finite_not_negative_and_conserved(built, drawn, data):
    values = data.draw(settings_of(built))
    start, outputs = run(built, drawn, values)
    check(built, start, outputs)


@pytest.mark.model
@pytest.mark.parametrize("end", [0, 1])
def test_all_levers_at_one_end(built, drawn, end):
    values = {name: (lever.range[end], lever.range[1 - end]) for name, lever in built.levers.items()}
    start, outputs = run(built, drawn, values)
    check(built, start, outputs)


@pytest.mark.model
@pytest.mark.parametrize("unit", ["person", "kg", "case"])
def test_what_enters_and_leaves_the_whole_accounts_for_the_change(built, drawn, unit):
    """Only flows across the boundary change the total of a quantity: flows between stocks cancel."""
    values = {
        name: (lever.range[0] + 0.7 * (lever.range[1] - lever.range[0]), lever.range[0])
        for name, lever in built.levers.items()
    }
    start, outputs = run(built, drawn, values)
    stocks = [v for v in built.model.of_kind("stock") if v.unit == unit]

    def whole(found):
        return sum(np.asarray(found(v.name)).reshape(-1, DRAWS).sum(axis=0) for v in stocks)

    before, after = whole(lambda n: start[n]), whole(lambda n: outputs[n][-1])
    moved = np.zeros(DRAWS)
    for flow in built.model.of_kind("flow"):
        ends = [flow.leaves, flow.enters]
        if not any(e and built.model.variables[e].unit == unit for e in ends):
            continue
        amount = outputs[flow.name].reshape(-1, DRAWS).sum(axis=0)
        moved += amount * (flow.leaves is None) - amount * (flow.enters is None)
    np.testing.assert_allclose(after - before, moved, rtol=1e-6, atol=1e-6 * float(np.max(after)))


def first_month(built, drawn, lever, keep):
    """The first month's values without and with a lever of one origin, Haiti, in force."""
    parameters, given_inputs = drawn
    outputs = []
    for on in (0.0, 1.0):
        record = {name: one.spread(one.start, built.members(one.over)) for name, one in built.levers.items()}
        record[lever] = on * np.array([name == "HTI" for name in built.members("origin")])
        inputs = {**given_inputs, **lever_inputs(built, {n: np.stack([v] * len(MONTHS)) for n, v in record.items()})}
        start = built.simulator.first_state(parameters, inputs, DRAWS)
        outputs.append(
            {n: np.asarray(v)[0] for n, v in built.simulator.run(start, parameters, inputs, keep)[1].items()}
        )
    return outputs


@pytest.mark.model
def test_expulsion_by_air_changes_the_wish_of_those_it_reaches_alone(built, drawn):
    """Known answer: the wish is multiplied by exp of the effect, of which a share is felt before people set out."""
    keep = ("wish_to_cross", "would_depart", "attempts")
    without, with_ = first_month(built, drawn, "expulsion_flights", keep)
    parameters, _ = drawn
    haiti = built.members("origin").index("HTI")
    others = np.arange(len(built.members("origin"))) != haiti
    effect, upstream = (np.asarray(parameters[name]) for name in ("expulsion_flight_effect", "upstream_share"))
    for name, share in (("wish_to_cross", 1 - upstream), ("would_depart", upstream)):
        np.testing.assert_allclose(with_[name][haiti], without[name][haiti] * np.exp(-effect * share), rtol=1e-4)
        np.testing.assert_allclose(with_[name][others], without[name][others], rtol=1e-5)
    assert (with_["attempts"][haiti] < without["attempts"][haiti]).all()


@pytest.mark.model
def test_an_exception_takes_its_share_of_those_who_act_to_the_ports(built, drawn):
    """In the first month nobody's choice but that of people from Haiti changes, and nobody is lost."""
    keep = ("attempts", "received_by_exception", "encounters_at_ports", "choosing")
    without, with_ = first_month(built, drawn, "port_exceptions", keep)
    parameters, _ = drawn
    haiti, use = built.members("origin").index("HTI"), np.asarray(parameters["exception_use"])
    others = np.arange(len(built.members("origin"))) != haiti
    np.testing.assert_allclose(with_["attempts"][others], without["attempts"][others], rtol=1e-5)
    assert not without["received_by_exception"].any()
    assert not with_["received_by_exception"][others].any()
    acting = with_["received_by_exception"][haiti] + with_["choosing"][haiti]
    np.testing.assert_allclose(with_["received_by_exception"][haiti], use * acting, rtol=1e-5)
    np.testing.assert_allclose(
        with_["encounters_at_ports"] - without["encounters_at_ports"],
        with_["received_by_exception"],
        rtol=1e-3,
        atol=0.1,
    )


@pytest.mark.model
def test_a_steady_trend_of_supply_adds_up_to_what_wears_off(built, drawn):
    """Known answer of the two steps a month: trend * memory * (1 - (1 - 0.5 / memory) ** steps)."""
    parameters, given_inputs = drawn
    trend = 0.02
    inputs = {**given_inputs, "supply_trend": jnp.full((len(MONTHS), DRAWS), trend)}
    levers = {
        n: np.stack([lever.spread(lever.start, built.members(lever.over))] * len(MONTHS))
        for n, lever in built.levers.items()
    }
    inputs |= lever_inputs(built, levers)
    start = built.simulator.first_state(parameters, inputs, DRAWS)
    _, outputs = built.simulator.run(start, parameters, inputs, ("supply_gathered", "value_grown", "trucks_grown"))
    memory, steps = 60.0, 2 * np.arange(1, len(MONTHS) + 1)
    wanted = trend * memory * (1 - (1 - 0.5 / memory) ** steps)
    np.testing.assert_allclose(np.asarray(outputs["supply_gathered"])[:, 0], wanted, rtol=1e-5)
    for growth, level in (("value_growth", "value_grown"), ("truck_growth", "trucks_grown")):
        grown = np.asarray(parameters[growth]) * np.arange(1, len(MONTHS) + 1)[:, None]
        np.testing.assert_allclose(np.asarray(outputs[level]), grown, rtol=1e-5)


@settings(deadline=None)
@given(st.floats(0.5, 1.6), st.floats(0.3, 0.9), st.floats(0.0, 0.15), st.floats(0.0, 0.2))
def test_more_demand_never_lets_fewer_trucks_cross(officers, usual_load, elasticity, slowdown):
    """Also beyond every draw of the packaged posteriors: a count of trucks comes of one demand only."""
    demand = 500_000.0 * np.exp(np.linspace(-1.5, 1.5, 400))
    load = trade.port_load(demand, 500_000.0, usual_load, 1.0, officers, 0.5, 0.05, slowdown)
    wait = trade.port_wait(1.2, load, usual_load)
    trucks = np.asarray(trade.trucks_northbound(demand, trade.trade_kept(elasticity, wait, 1.2), 1.0), float)
    assert (np.diff(np.log(trucks)) > 0).all()
    assert (np.diff(np.asarray(wait)) >= 0).all()


@pytest.mark.model
def test_a_latent_series_raises_what_it_follows_about_in_proportion(built):
    """The sampler moves the variable in place of the series: a month's shock shows in it in the same month."""
    problem = make_problem(built, Figures.open(built.corridor), None)
    mode = Posterior.load(packaged(built) / file_name(None)).mode
    follows = {name: item.follows for name, item in built.processes.items() if item.follows}
    assert len(follows) > 8
    for name, variable in follows.items():
        place, raised = problem.shock_slices[name], mode.copy()
        width = len(built.members(built.processes[name].over)) or 1
        raised[place.stop - width : place.stop] += 1.0
        _, outputs, paths = problem.simulate(jnp.asarray(np.stack([mode, raised], axis=1)), [variable])
        rise = np.diff(np.log(np.asarray(outputs[variable][-1])))
        wanted = np.diff(np.asarray(paths[name][-1]))
        np.testing.assert_allclose(rise / wanted, 1.0, atol=0.3, err_msg=name)


@pytest.mark.model
@pytest.mark.parametrize("parameter", ["job_pull", "trucks_base", "value_per_truck"])
def test_what_a_series_follows_stays_where_it_is_put_when_a_parameter_moves(built, parameter):
    """Parameters and followed variables move freely of each other, also where one series moves another's variable."""
    problem = make_problem(built, Figures.open(built.corridor), None)
    z = Posterior.load(packaged(built) / file_name(None)).mode[:, None]
    follows = {name: item.follows for name, item in built.processes.items() if item.follows}
    parameters = built.values(jnp.asarray(z[: built.size]))
    paths = problem.paths(jnp.asarray(z), parameters)
    keep = tuple(follows.values())
    _, before = problem.follow(parameters, paths, keep, follows, given=True)
    put = {name: path + before.get(f"{name}_without", 0.0) for name, path in paths.items()}
    z[built.slices[parameter]] += 2.0
    parameters = built.values(jnp.asarray(z[: built.size]))
    _, after = problem.follow(parameters, put, keep, follows)
    largest = 0.0
    for name, variable in follows.items():
        moved = np.abs(np.log(np.asarray(after[variable]) / np.asarray(before[variable])))
        assert np.quantile(moved, 0.95) < 0.05, f"{variable} moves with {parameter}"
        largest = max(largest, float(np.abs(np.asarray(after[name]) - np.asarray(paths[name])).max()))
    assert largest > 0.05, f"{parameter} moves some series in exchange"


def test_series_come_after_those_that_move_their_variable(built):
    follows = {name: item.follows for name, item in built.processes.items() if item.follows}
    layers = built.simulator._layers(follows)
    assert sorted(name for layer in layers for name, _ in layer) == sorted(follows)
    at = {name: i for i, layer in enumerate(layers) for name, _ in layer}
    assert at["job_openings"] < at["origin_pressure"]
    assert at["enforcement_practice"] < at["claim_practice"]
    assert at["truck_pressure"] < at["value_drift"]
