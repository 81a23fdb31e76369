"""The benchmark: its C is the model that it claims to be, its counts are right, its report is whole. No test times."""

from __future__ import annotations

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo.bench import commands, measure, native, profile, rows, subset
from acuerdo.bench.clock import Timing, summary, take_turns
from acuerdo.bench.rows import Row, Target
from acuerdo.bench.work import Work, scalar_equations
from acuerdo.cli import app
from acuerdo.engine.declare import Sector, Variable, assemble
from acuerdo.engine.ops import exp, power, ratio, total
from acuerdo.engine.run import audit
from acuerdo.errors import DataError

needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="no C compiler")
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


def subset_work(draws: int, months: int, precision: str = "float64", keep: tuple[str, ...] = subset.KEEP) -> Work:
    case, simulator = subset.case(draws, months, precision), subset.simulator()
    parameters, inputs = ({k: jnp.asarray(v) for k, v in g.items()} for g in (case.parameters, case.inputs))
    return Work(simulator, simulator.first_state(parameters, inputs, draws), parameters, inputs, keep)


def outputs_of(work: Work):
    return work.simulator.run(work.state, work.parameters, work.inputs, work.keep)[1]


# --- the subset and its opponent --------------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("draws", [1, 150])  # fewer than a block, and blocks with a short one at the end
@pytest.mark.parametrize("precision", TOLERANCE)
def test_c_has_the_numbers_of_the_declared_subset(tmp_path, precision, draws, threads):
    run, found = native.runner(native.build(tmp_path, precision), subset.case(draws, 30, precision), threads)
    run()
    ours = outputs_of(subset_work(draws, 30, precision))
    for name in subset.KEEP:
        assert ours[name].dtype == found[name].dtype == precision
        np.testing.assert_allclose(found[name], ours[name], rtol=TOLERANCE[precision], err_msg=name)


def test_the_case_binds_and_releases_every_stock():
    names = [v.name for v in subset.simulator().model.of_kind("stock", "flow")]
    work = subset_work(200, 36, keep=(*names, "queue_length", "capacity", "queue_choice"))
    ours = outputs_of(work)
    assert max(audit(work.simulator.model, work.state, ours).values()) < 1e-12
    wanted = np.asarray(work.parameters["acting_rate"])
    assert 0.01 < (wanted > subset.STEPS).mean() < 0.5, "some draws ask the border for more than it has, most do not"
    emptied = np.asarray(ours["queue_length"]) < 0.5 * np.asarray(ours["capacity"])
    assert 0 < emptied.mean() < 0.9
    assert 0 < np.asarray(ours["queue_choice"]).min() < np.asarray(ours["queue_choice"]).max() < 1


def test_equations_of_the_subset():
    assert scalar_equations(subset.simulator().model) == 13 * len(subset.MEMBERS) + 6


def test_a_compiler_that_is_missing_or_refuses_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(DataError, match="no C compiler"):
        native.build(tmp_path)
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho 'this is not C' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(DataError, match="this is not C"):
        native.build(tmp_path)


def test_the_source_is_part_of_the_package():
    assert native.SOURCE.is_file()
    assert native.SOURCE.is_relative_to(Path(corridors.__file__).parent)


# --- counting ---------------------------------------------------------------------------------------------------------


def counted_model():
    sector = Sector("counted")

    @sector.stock("person", over="place", source="assumption")
    def here(first):
        """People here."""
        return exp(first / first)

    @sector.flow("person/month", leaves="here", over="place", source="assumption")
    def leaving(here, rate):
        """People who leave."""
        return here * rate * exp(power(here / here, rate / rate))

    @sector.aux("1", source="assumption")
    def share(here, first):
        """A share."""
        return total(ratio(here, first), "place")

    given = [
        Variable("first", "parameter", "person", "place", "First.", "assumption", "given"),
        Variable("rate", "parameter", "1/month", None, "Rate.", "assumption", "given"),
    ]
    return assemble("counted", {"place": ["a", "b", "c"]}, [sector], given)


def test_equations_count_members_and_not_what_is_given():
    assert scalar_equations(counted_model()) == 3 + 3 + 1


def test_costly_operations_of_the_equations():
    # of three members: exp, pow (an exp and a log), a division, a ratio; of one: a division
    assert profile.declared(counted_model()) == {"exp": 6, "log": 3, "div": 7}


def test_the_compiled_step_is_read():
    work = subset_work(40, 3, "float32")
    step = profile.compiled_step(work)
    asked = profile.declared(work.simulator.model)
    assert step.loops > 5
    assert step.moved > work.draws * scalar_equations(work.simulator.model)
    for name in ("exp", "log", "div"):  # what a loop computes again is counted again
        assert asked[name] / 2 <= step.numbers[name] / work.draws <= 4 * asked[name], name


# --- the clock and the rows -------------------------------------------------------------------------------------------


def test_opponents_take_turns():
    order: list[str] = []
    found = take_turns({name: lambda name=name: order.append(name) for name in "ab"}, 3)
    assert order == list("abababab")
    assert {name: timing.repeats for name, timing in found.items()} == {"a": 3, "b": 3}


def test_medians_and_quartiles():
    assert summary([5.0, 1.0, 2.0, 4.0, 3.0], [1.0, 9.0, 2.0]) == Timing(3.0, 2.0, 4.0, 1.0, 2.0, 5)


@pytest.mark.parametrize(
    ("target", "value", "ratio", "met"),
    [
        (Target("at most", 3.0), 3.0, None, True),
        (Target("at most", 3.0), 3.1, 0.1, False),
        (Target("at least", 9.0, "ratio"), 1.0, 9.5, True),
        (Target("at least", 9.0, "ratio"), 10.0, 8.5, False),
        (Target("at least", 9.0, "ratio"), 10.0, None, None),
        (Target("at most", 3.0), None, 1.0, None),
        (None, 1.0, 1.0, None),
    ],
)
def test_met_or_not(monkeypatch, target, value, ratio, met):
    monkeypatch.setattr(rows, "TARGETS", {"part.row": target} if target else {})
    assert Row("part.row", "A row", value, "ms", ratio=ratio).met is met


def test_a_row_in_words():
    row = Row("model.run", "A run", 31.26, "ms", ratio=1234.5, against="C", fastest=25.04)
    assert rows.cells(row) == ("A run", "31.3 ms", "25", "1,234 x C", "at most 25 ms", "NOT MET")
    assert rows.cells(Row("model.run", "A run", note="why"))[-1] == "not measured"


# --- the whole --------------------------------------------------------------------------------------------------------

EXPECTED = {
    "model": [
        "model.equations",
        "model.run",
        "model.what_if",
        "model.draw",
        "model.equation_step",
        "model.rate",
        "model.float32",
        "model.float64",
        "model.5_draws",
        "profile.fixed",
        "profile.loops",
        "profile.moved",
        "profile.held",
        "profile.exp",
        "profile.log",
        "profile.div",
    ],
    "c": ["c.hand", "c.ours"],
    "memory": ["memory.9"],
    "packages": ["packages.rate"],
}


@pytest.fixture(scope="module")
def small() -> measure.Bench:
    return measure.Bench(
        measure.Plan(corridors.load().name, repeats=1, draws=9, months=2, sizes=(5,), profile=True), lambda: None
    )


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.parametrize("part", EXPECTED)
def test_a_part_has_its_rows(small, part):
    found = small.parts[part]()
    assert [row.name for row in found] == EXPECTED[part]
    for row in json.loads(json.dumps([row.as_dict() for row in found], allow_nan=False)):
        assert row["value"] is None or row["value"] >= 0
        assert row["value"] is not None or row["note"].startswith("not measured: ")
        assert (row["target"] is not None) == (row["name"] in rows.TARGETS)


@pytest.mark.slow
@pytest.mark.model
def test_an_engine_that_is_not_installed_is_a_row(small, monkeypatch):
    def missing(*_: object) -> None:
        raise ImportError

    monkeypatch.setattr(measure, "_pysd", missing)
    monkeypatch.setattr(measure, "_simlin", missing)
    found = small.engines()
    assert [row.name for row in found] == ["engines.pysd", "engines.simlin"]
    assert all(row.value is None and row.met is None and "not installed" in row.note for row in found)


def test_every_part_can_be_asked_for():
    assert set(measure.PIECES) == {*commands.PARTS, "brief", "dask"}


def test_the_command_refuses_an_unknown_part():
    result = CliRunner().invoke(app, ["bench", "--only", "memry"])
    assert result.exit_code != 0
    assert "nearest valid: memory" in str(result.exception)


def test_the_command_prints_and_writes(tmp_path, monkeypatch):
    class Fake:
        def __init__(self, plan: measure.Plan, tick: measure.Tick) -> None:
            assert plan.repeats == 5
            tick()
            self.parts = {"c": lambda: [Row("c.ours", "ours [x]", 9.0, "ms", ratio=3.2, against="C", note="a [note]")]}

    monkeypatch.setattr(measure, "Bench", Fake)
    out = tmp_path / "bench.json"
    result = CliRunner().invoke(app, ["bench", "--quick", "--only", "c", "--json", str(out)])
    assert result.exit_code == 0, result.output
    for words in ("ours [x]", "a [note]", "3.2 x C", "NOT MET", "at most 3 x"):
        assert words in result.output
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["about"]["cores"] >= 1
    assert document["rows"][0]["met"] is False
