"""Exchange: other engines run the exported model unchanged to the same numbers, and the file says what it is."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from acuerdo import projection
from acuerdo.engine import units, xmile
from acuerdo.engine.declare import Sector, Variable, assemble
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.engine.ops import clip, exp, log, maximum, minimum, power, ratio, total
from acuerdo.engine.run import Simulator, process_paths
from acuerdo.errors import DataError, InputError
from acuerdo.inference.posterior import Posterior
from acuerdo.inference.problem import lever_inputs, season_inputs
from acuerdo.scenario import Setting

NAMED = {"x": xmile.NAMESPACE}
ENGINES = {"pysd": xmile.run_pysd, "simlin": xmile.run_simlin}
engines = pytest.mark.parametrize("engine", ENGINES)


def engine_of(name: str) -> Callable[[Path], pd.DataFrame]:
    pytest.importorskip(name, reason="another engine, of the extra `exchange`")
    return ENGINES[name]


def close(ours: Any, theirs: Any, name: str, rtol: float, trifle: float) -> None:
    """Compare two runs; `trifle` is what counts as nothing, as a share of the largest value."""
    ours = np.broadcast_to(np.asarray(ours)[..., 0], theirs.shape)
    np.testing.assert_allclose(theirs, ours, rtol=rtol, atol=trifle * max(np.abs(ours).max(), 1e-9), err_msg=name)


# --- a small model with every kind of variable and operation ----------------------------------------------------------

PLACES = {"place": ["north", "South", "far off"]}
MONTHS = pd.period_range("2024-11", periods=30, freq="M")


def given(name: str, kind: Any, unit: str, over: str | None = None) -> Variable:
    return Variable(name, kind, unit, over, f"The {name}.", "assumption", "given")


def small_model(steps: int) -> Simulator:
    sector = Sector("small")

    @sector.stock("person", over="place", source="assumption")
    def waiting(first):
        """People who wait, "here" & there <now>."""
        return first

    @sector.stock("person", source="assumption")
    def notice(nobody):
        """People who have gone, under a name that begins like a negation."""
        return nobody

    @sector.flow("person/month", enters="waiting", over="place", source="assumption")
    def coming(would_come, wish):
        """People who come, none if the wish is negative."""
        return would_come * wish

    @sector.flow("person/month", leaves="waiting", over="place", source="assumption")
    def served(waiting, places, weight):
        """People served, as far as there are places."""
        return places * ratio(waiting * weight, total(waiting * weight, "place"))

    @sector.flow("person/month", leaves="waiting", over="place", source="assumption")
    def leaving(waiting, tired, rate):
        """People who leave, more of them when they are tired; fewer wait than would leave."""
        return waiting * rate * (1 + tired)

    @sector.flow("person/month", enters="notice", source="assumption")
    def arriving(served):
        """People served, all places."""
        return total(served, "place")

    @sector.flow("person/month", leaves="notice", source="assumption")
    def going(notice, rate, hope):
        """People who go for good."""
        return notice * rate * (1 + hope) - (notice - 0.5 * notice) * rate

    @sector.level("1", initial="habit_start", source="assumption")
    def tired(tired, size, delay, time_step):
        """Tiredness, which can fall below nothing."""
        return (size - 1.5 - tired) / maximum(delay, time_step)

    @sector.aux("1", source="assumption")
    def size(waiting, crowd, hope):
        """Crowding, under a name that is a word of XMILE."""
        crowding = log(1 + ratio(total(waiting, "place"), crowd))
        return minimum(clip(power(crowding, 0.7 - hope), 0.2, 4.0), exp(-hope * (1 - (hope - 2))) + 3)

    @sector.aux("1", source="assumption")
    def hope(step_length, waiting, crowd):
        """Share of a crowd, by a parameter whose name the file needs for itself."""
        return ratio(total(waiting, "place"), total(waiting, "place") + crowd) * step_length

    @sector.aux("1", over="place", source="assumption")
    def nothing(waiting, nobody):
        """A share of nothing."""
        return 1 + ratio(waiting, nobody)

    known = [
        given("first", "parameter", "person", "place"),
        given("nobody", "parameter", "person"),
        given("weight", "parameter", "1", "place"),
        given("rate", "parameter", "1/month"),
        given("crowd", "parameter", "person"),
        given("delay", "parameter", "month"),
        given("habit_start", "parameter", "1"),
        given("unused", "parameter", "1"),
        given("step_length", "parameter", "1"),
        given("places", "lever", "person/month"),
        given("wish", "process", "1", "place"),
        given("would_come", "input", "person/month", "place"),
    ]
    return Simulator(assemble("small", PLACES, [sector], known), steps)


def small_case(steps: int) -> tuple[Simulator, dict[str, Any], dict[str, Any], dict[str, Any]]:
    simulator, rng = small_model(steps), np.random.default_rng(3)
    parameters = {
        "first": jnp.array([[40.0], [0.0], [7.0]]),
        "nobody": jnp.zeros(1),
        "weight": jnp.array([[1.0, 9.0], [2.0, 9.0], [0.5, 9.0]]),
        "rate": jnp.array([1.3, 0.1]),
        "crowd": jnp.array([55.0, 1.0]),
        "delay": jnp.array([0.1, 1.0]),
        "habit_start": jnp.array([0.6, 1.0]),
        "unused": jnp.ones(1),
        "step_length": jnp.array([0.9, 0.9]),
    }
    inputs = {
        "places": jnp.asarray(np.repeat([10.0, 1 / 3, 90.0], 10))[:, None],
        "wish": jnp.asarray(rng.normal(0.4, 0.5, (30, 3, 2))),
        "would_come": jnp.asarray(np.tile([[[20.0], [5.0], [1e-7]]], (30, 1, 1))),
    }
    return simulator, parameters, inputs, simulator.first_state(parameters, inputs, 2)


def everything(simulator: Simulator) -> list[str]:
    return [variable.name for variable in simulator.model.of_kind("stock", "level", "flow", "aux")]


@cache
def small_document(steps: int = 2) -> str:
    simulator, parameters, inputs, state = small_case(steps)
    return xmile.write_xmile(simulator, parameters, state, inputs, MONTHS, note="A test.")


@engines
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_small_model_runs_the_same(tmp_path, engine, steps):
    run = engine_of(engine)
    simulator, parameters, inputs, state = small_case(steps)
    units.check(simulator.model)
    keep = everything(simulator)
    _, ours = simulator.run(state, parameters, inputs, keep)
    path = tmp_path / "small.xmile"
    path.write_text(small_document(steps), encoding="utf-8")
    frame = run(path)
    theirs = xmile.from_frame(simulator, frame, keep)
    shares = frame[[c for c in frame.columns if c.lower().startswith("waiting") and c.endswith("_share")]]
    assert shares.shape[1] == 3
    assert (shares.min() < 1).all(), "the case should ask for more than the stocks can give"
    tolerance = (1e-6, 1e-9) if engine == "pysd" else (1e-9, 1e-12)  # PySD keeps eight digits of a series
    for name in keep:
        close(ours[name], theirs[name], name, *tolerance)


def test_names_survive_and_are_unique():
    names = xmile.xmile_names(small_model(2).model)
    assert names["waiting"] == ("waiting_north", "waiting_South", "waiting_far_off")
    assert names["notice"] == ("var_notice",)
    assert names["size"] == ("var_size",)
    found = [e.attrib["name"].lower() for e in ET.fromstring(small_document()).iterfind(".//x:variables/*", NAMED)]
    assert len(found) == len(set(found))
    assert {"step_length", "step_length_2", "month_number"} <= set(found)


def test_every_variable_of_the_file_has_equation_unit_and_meaning():
    root = ET.fromstring(small_document())
    for element in root.iterfind(".//x:variables/*", NAMED):
        for tag in ("eqn", "units", "doc"):
            assert element.findtext(f"x:{tag}", namespaces=NAMED), (element.attrib["name"], tag)
    assert "unused" not in {e.attrib["name"] for e in root.iter() if "name" in e.attrib}
    assert root.findtext(".//x:caption", namespaces=NAMED) == "Time 0 is the start of 2024-11. A test."
    assert root.find("x:sim_specs", NAMED).attrib["method"] == "Euler"
    assert root.findtext(".//x:stop", namespaces=NAMED) == "30"


def equations(text: str) -> dict[str, str]:
    found = ET.fromstring(text).iterfind(".//x:variables/*", NAMED)
    return {e.attrib["name"]: e.findtext("x:eqn", "", NAMED) for e in found}


def test_equations_read_as_they_are_declared():
    found = equations(small_document())
    assert found["leaving_far_off_asked"] == "MAX(waiting_far_off * rate * (1.0 + tired), 0.0)"
    assert found["leaving_far_off"] == "leaving_far_off_asked * waiting_far_off_share"
    assert found["waiting_far_off_asked"] == "(served_far_off_asked + leaving_far_off_asked) * step_length_2"
    assert found["total_of_waiting"] == "waiting_north + waiting_South + waiting_far_off"
    assert found["arriving"] == "MAX(served_north + served_South + served_far_off, 0.0)"
    assert found["coming_north"] == "MAX(would_come_north * wish_north, 0.0)"
    assert found["would_come_far_off"] == "1e-07"
    steps = "IF month_number < 10.0 THEN 10.0 ELSE (IF month_number < 20.0 THEN 0.3333333333333333 ELSE 90.0)"
    assert found["places"] == steps
    assert found["wish_north"] == "month_number"


def test_a_series_keeps_every_digit():
    _, _, inputs, _ = small_case(2)
    root = ET.fromstring(small_document())
    points = root.findtext(".//x:aux[@name='wish_South']/x:gf/x:ypts", namespaces=NAMED)
    written = [float(y) for y in points.split(",")]
    np.testing.assert_array_equal(written[:-1], np.asarray(inputs["wish"])[:, 1, 0])
    assert written[-1] == written[-2]


def test_the_draw_that_is_asked_for_is_written():
    simulator, parameters, inputs, state = small_case(2)
    found = equations(xmile.write_xmile(simulator, parameters, state, inputs, MONTHS, draw=1))
    assert (found["rate"], found["weight_north"], found["waiting_north"]) == ("0.1", "9.0", "40.0")


@pytest.mark.parametrize("harm", ["parameter", "state", "input"])
def test_what_is_missing_or_not_a_number_is_named(harm):
    simulator, parameters, inputs, state = small_case(2)
    group = {"parameter": parameters, "state": state, "input": inputs}[harm]
    name = next(n for n in group if n != "first")
    write = lambda: xmile.write_xmile(simulator, parameters, state, inputs, MONTHS)  # noqa: E731
    kept = group[name]
    group[name] = kept * np.nan
    with pytest.raises(DataError, match=f"{name}: not a finite number"):
        write()
    del group[name]
    with pytest.raises(DataError, match=f"{name}: "):
        write()


def test_results_that_do_not_fit_are_refused():
    simulator = small_model(2)
    with pytest.raises(DataError, match="whole months"):
        xmile.from_frame(simulator, pd.DataFrame({"tired": [1.0, 2.0]}), ["tired"])
    with pytest.raises(DataError, match="hope: not among the results"):
        xmile.from_frame(simulator, pd.DataFrame({"tired": [1.0, 2.0, 3.0]}), ["tired", "hope"])


def test_results_are_read_as_ours_are():
    frame = pd.DataFrame({"Tired": [1.0, 2.0, 3.0, 4.0, 5.0], "hope": [0.0, 1.0, 2.0, 3.0, 9.0]})
    found = xmile.from_frame(small_model(2), frame, ["tired", "hope"])
    np.testing.assert_array_equal(found["tired"], [3.0, 5.0])
    np.testing.assert_array_equal(found["hope"], [0.5, 2.5])


@pytest.mark.parametrize(
    ("unit", "text"),
    [("1", "dmnl"), ("USD/month/(person/month)", "USD/person"), ("USD/month/(1)", "USD/month"), ("1/month", "1/month")],
)
def test_units_are_simple(unit, text):
    assert xmile.unit_text(unit) == text


# --- the whole model --------------------------------------------------------------------------------------------------


@dataclass
class Case:
    built: CorridorModel
    parameters: dict[str, Any]
    state: dict[str, Any]
    inputs: dict[str, Any]
    months: pd.PeriodIndex


@cache
def case(name: str, months: int = 120) -> Case:
    """Parameters at their medians; latent series of a seed; levers at their start, or at the ends of their range."""
    built, index, rng = load_model(), pd.period_range("2025-01", periods=months, freq="M"), np.random.default_rng(11)
    parameters = built.values(jnp.zeros((built.size, 1)))
    latent = {}
    for process in built.processes.values():
        members = built.members(process.over)
        shocks = rng.standard_normal((months, *([len(members)] if members else []), 1))
        sd, persistence = (parameters[f"{process.name}_{word}"] for word in ("sd", "persistence"))
        latent[process.name] = process_paths(
            jnp.asarray(shocks * (1.5 if name == "stressed" else 1.0)), persistence, sd
        )
    levers = {}
    for lever in built.levers.values():
        low, start, high = (
            np.atleast_1d(lever.spread(value, built.members(lever.over)))
            for value in (lever.range[0], lever.start, lever.range[1])
        )
        values = np.tile(start, (months, 1))
        if name == "stressed":
            values[24:60], values[84:] = high, low
        levers[lever.name] = values if lever.over else values[:, 0]
    inputs = {**season_inputs(index), **lever_inputs(built, levers), **latent}
    return Case(built, parameters, built.simulator.first_state(parameters, inputs, 1), inputs, index)


@pytest.fixture(scope="module", params=["base", "stressed"])
def ran(request, tmp_path_factory) -> tuple[Case, dict[str, Any], Path]:
    it = case(request.param)
    _, outputs = it.built.simulator.run(it.state, it.parameters, it.inputs, everything(it.built.simulator))
    path = tmp_path_factory.mktemp("xmile") / f"{request.param}.xmile"
    path.write_text(xmile.to_xmile(it.built, it.parameters, it.state, it.inputs, it.months), encoding="utf-8")
    return it, outputs, path


@pytest.mark.slow
@pytest.mark.model
@engines
def test_the_whole_model_runs_the_same_in_another_engine(ran, engine):
    run = engine_of(engine)
    it, ours, path = ran
    theirs = xmile.from_frame(it.built.simulator, run(path), ours)
    for name, values in theirs.items():
        # stocks are never near zero by chance; a level may cross zero, where PySD's eight digits of a series show
        variable = it.built.model.variables[name]
        series = it.built.processes.keys() & set(variable.depends)
        # a sum of several series adds up what each has lost, and a level that gathers one what each month has lost
        adds_up = len(series) > 1 or (variable.kind == "level" and series)
        trifle = 1e-12 if variable.kind == "stock" else 1e-8 if adds_up else 1e-9
        close(ours[name], values, name, 1e-6, trifle)
    assert all(variable.name in theirs for variable in it.built.model.of_kind("stock", "level", "flow"))


@pytest.mark.model
def test_another_engine_finds_no_fault_in_equations_and_units(tmp_path):
    simlin = pytest.importorskip("simlin", reason="another engine, of the extra `exchange`")
    it = case("base", 12)
    path = tmp_path / "model.xmile"
    path.write_text(xmile.to_xmile(it.built, it.parameters, it.state, it.inputs, it.months), encoding="utf-8")
    model = simlin.load(path)
    assert model.check() == ()
    assert model.check_units() == ()


@pytest.mark.model
def test_declarations_say_everything_and_are_plain_json():
    built = load_model()
    found = json.loads(json.dumps(xmile.declarations(built), allow_nan=False))
    assert [row["name"] for row in found["variables"]] == list(built.model.variables)
    for row in found["variables"]:
        variable = built.model.variables[row["name"]]
        assert (row["kind"], row["unit"], row["source"]) == (variable.kind, variable.unit, variable.source)
        assert ("tree" in row) == (variable.equation is not None)
        if variable.equation is not None:
            assert set(row["arguments"]) <= leaves_of(row["tree"]) | {"time_step"}
            assert leaves_of(row["tree"]) <= set(row["arguments"]) | set(found["dimensions"])
    level = next(row for row in found["variables"] if row["kind"] == "level")
    assert level["initial"] in built.model.variables


def leaves_of(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*(leaves_of(part) for part in node[1:]))
    return {node} if isinstance(node, str) else set()


# --- export -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def posterior(monkeypatch) -> Posterior:
    """A posterior that needs no fit, of three draws."""
    built, day = load_model(), date(2024, 12, 31)
    rng = np.random.default_rng(2)
    z = 0.3 * rng.standard_normal((built.size, 3))
    it = case("base", 12)
    state = built.simulator.first_state(built.values(jnp.asarray(z)), it.inputs, 3)
    latent = {n: 0.1 * rng.standard_normal((*np.shape(it.inputs[n])[1:-1], 3)) for n in built.processes}
    made = Posterior(
        day=day,
        month=pd.Period(day, "M"),
        parameters=z,
        noise=np.zeros((0, 3)),
        carried=np.zeros((0, 3)),
        noises=[],
        gap=np.zeros((0, 3)),
        figures=[],
        state={name: np.asarray(values) for name, values in state.items()},
        latent=latent,
        recent={},
        paths={},
        mode=np.zeros(0),
        notes={"provisional": 1},
    )
    monkeypatch.setattr(projection, "posterior_for", lambda *_: made)
    return made


@pytest.mark.model
def test_export_is_one_draw_of_a_projection(tmp_path, posterior):
    engine = engine_of("simlin")
    lever = next(item for item in load_model().levers.values() if item.over is None)
    settings = [Setting(lever.name, lever.range[1], pd.Period("2025-03", "M"))]
    path = tmp_path / "one.xmile"
    xmile.export(None, "2024-12", 8, settings, 1, path, draws=3, seed=4)
    projector = projection.make_projector("2024-12", 8, 3, 4, dtype=np.float64)
    keep = [v.name for v in projector.built.model.of_kind("stock", "level")]
    ours = projector.run(settings, noise=False, keep=keep).outputs
    theirs = xmile.from_frame(projector.built.simulator, engine(path), keep)
    for name in keep:
        close(ours[name][..., 1:2], theirs[name], name, 1e-9, 1e-12)
    text = path.read_text(encoding="utf-8")
    assert f"draw 1 of 3, seed 4; settings: {lever.name}=" in text
    assert "provisional" in text


def test_export_of_the_declarations(tmp_path):
    xmile.export(None, None, 12, [], 0, tmp_path / "model.json", form="json")
    assert json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))["steps_per_month"] == 2


@pytest.mark.parametrize(
    ("changed", "field"), [({"draw": 10}, "draw"), ({"form": "mdl"}, "format"), ({"months": 0}, "months")]
)
def test_export_refuses_what_is_not_valid_and_writes_nothing(tmp_path, changed, field):
    known: dict[str, Any] = {"months": 6, "draw": 0, "form": "xmile"} | changed
    with pytest.raises(InputError, match=field):
        xmile.export(None, None, known["months"], [], known["draw"], tmp_path / "a.xmile", known["form"], draws=10)
    assert list(tmp_path.iterdir()) == []
