"""The corridor's checks hold over the grid of lever extremes, and a malformed check says what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo import projection
from acuerdo.engine import checks
from acuerdo.engine.checks import Check, Result, Runner
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.errors import InputError
from acuerdo.model_commands import app
from acuerdo.projection import Projector, make_projector

pytestmark = pytest.mark.model

LANGS = ("en", "es")
WHY = {"en": "Because.", "es": "Porque."}


@pytest.fixture(scope="module")
def built() -> CorridorModel:
    return load_model()


@pytest.fixture(scope="module")
def projector() -> Projector:
    return make_projector(None, checks.MONTHS, checks.DRAWS, 1, dtype=np.float64)


@pytest.fixture(scope="module")
def runner(built: CorridorModel, projector: Projector) -> Runner:
    return checks.make_runner(projector, checks.read(built))


@pytest.fixture(scope="module")
def results(built: CorridorModel, runner: Runner) -> list[Result]:
    return [checks.run_one(runner, check) for check in checks.read(built)]


def test_checks_hold(results: list[Result]) -> None:
    """A check marked as known not to hold must fail as well: when it holds again, the mark goes."""
    failing = [f"{r.check.name}: {r.detail.get('en') or 'holds now: take away `known`'}" for r in results if r.fails]
    assert not failing, "\n".join(failing)


def test_there_are_many_checks_of_every_kind(results: list[Result]) -> None:
    assert len(results) >= 25
    kinds = Counter(result.check.kind for result in results)
    assert set(kinds) == set(checks._FIELDS)
    assert sum(bool(result.check.known) for result in results) < 0.1 * len(results)


def test_findings_are_told_in_both_languages(results: list[Result]) -> None:
    for result in results:
        assert result.ok == (not result.detail)
        if not result.ok:
            assert set(result.detail) == set(LANGS)
            assert result.detail["en"] != result.detail["es"]
    for key, words in checks._WORDS.items():
        assert set(words) == set(LANGS), key


def test_grid_holds_every_lever_at_both_ends(built: CorridorModel) -> None:
    grid = checks.cases(built.levers)
    assert len(grid) == 3 + 2 * len(built.levers)
    assert grid[0].settings == ()
    for name, lever in built.levers.items():
        values = {s.value for case in grid if len(case.settings) == 1 for s in case.settings if s.lever == name}
        assert values == set(lever.range)


# --- each kind finds what is wrong ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one(runner: Runner) -> Callable[[Check], Result]:
    return partial(checks.run_one, runner)


def test_what_does_not_stay_between_is_found(one: Callable[[Check], Result]) -> None:
    found = one(Check("x", "stays_between", WHY, "overdose_deaths", low=0, high=10))
    assert not found.ok
    assert "overdose_deaths is" in found.detail["en"]
    assert one(Check("x", "stays_between", WHY, "overdose_deaths", low=0)).ok


def test_a_wrong_direction_is_found(one: Callable[[Check], Result]) -> None:
    right = Check("x", "falls_when", WHY, "overdose_deaths", lever="treatment_coverage")
    assert one(right).ok
    wrong = one(replace(right, kind="rises_when"))
    assert not wrong.ok
    assert "treatment_coverage goes from 0.05 to 0.8" in wrong.detail["en"]
    unmoved = one(Check("x", "rises_when", WHY, "overdose_deaths", lever="trade_capacity"))
    assert not unmoved.ok


def test_one_member_can_be_looked_at(one: Callable[[Check], Result]) -> None:
    check = Check("x", "falls_when", WHY, "departures", lever="visa_requirement", member="COL")
    assert one(check).ok
    assert not one(replace(check, member="MEX")).ok


def test_a_measure_that_changes_something_is_found(one: Callable[[Check], Result]) -> None:
    assert one(Check("x", "zero_equals_baseline", WHY, lever="treatment_coverage")).ok
    found = one(Check("x", "zero_equals_baseline", WHY, lever="treatment_coverage", value=0.8))
    assert not found.ok
    assert "changes by" in found.detail["en"]


def test_parts_that_miss_the_total_are_found(one: Callable[[Check], Result]) -> None:
    found = one(Check("x", "sums_to", WHY, "overdose_deaths", parts=("synthetic_opioid_deaths",)))
    assert not found.ok
    assert "the parts miss overdose_deaths" in found.detail["en"]


def test_a_known_failure_is_no_news_and_its_end_is(one: Callable[[Check], Result]) -> None:
    failing = Check("x", "stays_between", WHY, "overdose_deaths", low=0, high=10, known=WHY)
    assert not one(failing).fails
    assert one(replace(failing, known={})).fails
    assert one(replace(failing, high=None)).fails


def test_too_short_a_horizon_is_refused(built: CorridorModel, projector: Projector) -> None:
    short = copy(projector)
    short.months = projector.months[:3]
    with pytest.raises(InputError, match="months: 3 is not valid; allowed: 12 or more"):
        checks.run(short, checks.read(built))


# --- reading ----------------------------------------------------------------------------------------------------------


def good(**changed: Any) -> dict[str, Any]:
    entry = {"kind": "stays_between", "variable": "waiting_time", "low": 0, "high": 9, "why": WHY}
    return {key: value for key, value in {**entry, **changed}.items() if value is not None}


MOVES = {"kind": "rises_when", "lever": "naloxone_kits", "low": None, "high": None}
NOTHING = {"kind": "zero_equals_baseline", "lever": "naloxone_kits", "variable": None, "low": None, "high": None}
SUMS = {"kind": "sums_to", "total": "overdose_deaths", "variable": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("stays", ("check: 'stays' is not valid", "fields kind, why")),
        (good(kind="stays_betwen"), ("kind: 'stays_betwen' is not valid", "nearest valid: stays_between")),
        (good(variable=None), ("variable: None is not valid", "required")),
        (good(variable="waiting_tim"), ("variable: 'waiting_tim'", "nearest valid: waiting_time")),
        (good(variable=["waiting_time"]), ("variable",)),
        (good(hihg=3), ("field: 'hihg' is not valid", "nearest valid: high")),
        (good(lever="naloxone_kits"), ("field: 'lever' is not valid",)),
        (good(low="zero"), ("low: 'zero' is not valid; allowed: a number",)),
        (good(low=True), ("low: True is not valid",)),
        (good(high=float("nan")), ("high: nan is not valid",)),
        (good(low=10), ("high: 9.0 is not valid; allowed: 10 or more; nearest valid: 10",)),
        (good(low=None, high=None), ("low: None is not valid", "a number for low, for high or for both")),
        (good(member="MEX"), ("member: 'MEX' is not valid", "waiting_time has no dimension")),
        (good(variable="departures", member="MEXX"), ("member: 'MEXX' is not valid", "nearest valid: MEX")),
        (good(why=None), ("why: None is not valid", "required")),
        (good(why="Because."), ("why: 'Because.' is not valid", "en, es")),
        (good(why={"en": "Because."}), ("why", "en, es")),
        (good(known={"en": "It fails."}), ("known", "en, es")),
        (good(**{**MOVES, "lever": "naloxon_kits"}), ("lever: 'naloxon_kits'", "nearest valid: naloxone_kits")),
        (good(**{**MOVES, "lever": None}), ("lever: None is not valid", "required")),
        (good(**{**MOVES, "months": 13}), ("months: 13 is not valid; allowed: 1 to 12; nearest valid: 12",)),
        (good(**{**MOVES, "months": 1.5}), ("months: 1.5 is not valid",)),
        (good(**{**MOVES, "share": 0}), ("share: 0.0 is not valid", "above 0, at most 1")),
        (good(**{**MOVES, "high": 1e9}), ("naloxone_kits: 1000000000.0 is not valid", "0 to 2e+06 kits a month")),
        (good(**{**MOVES, "low": 5, "high": 5}), ("high: 5.0 is not valid; allowed: above low (5)",)),
        (good(**{**NOTHING, "value": -1}), ("naloxone_kits: -1.0 is not valid", "nearest valid: 0")),
        (good(**SUMS), ("parts: None is not valid", "required")),
        (good(**SUMS, parts="other_overdose_deaths"), ("parts: 'other_overdose_deaths'", "a list of variables")),
        (good(**SUMS, parts=["other_overdose_death"]), ("nearest valid: other_overdose_deaths",)),
        (good(**SUMS, parts=["in_treatment"]), ("parts: 'in_treatment, overdose_deaths'", "end of a month")),
        (
            good(**{**SUMS, "total": "departures"}, parts=["overdose_deaths"]),
            ("parts: 'overdose_deaths' is not valid", "variables by origin, as departures is"),
        ),
    ],
)  # fmt: skip
def test_a_malformed_check_says_file_entry_field_and_what_is_allowed(
    built: CorridorModel, tmp_path: Path, entry: Any, says: tuple[str, ...]
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({"my-check": entry}), encoding="utf-8")
    with pytest.raises(InputError) as problem:
        checks.read(built, path)
    message = str(problem.value)
    assert message.startswith(f"{path}, my-check: ")
    assert "\n" not in message
    for words in says:
        assert words in message, message


@pytest.mark.parametrize("text", ["- a\n- b\n", "''", "a: {kind: stays_between"])
def test_a_file_that_is_no_list_of_checks(built: CorridorModel, tmp_path: Path, text: str) -> None:
    from acuerdo.errors import AcuerdoError

    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AcuerdoError, match=r"own\.yaml"):
        checks.read(built, path)


def test_a_name_that_stands_twice_is_refused(built: CorridorModel, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    line = "same: {kind: stays_between, variable: waiting_time, low: 0, why: {en: a, es: b}}\n"
    path.write_text(line + line, encoding="utf-8")
    with pytest.raises(InputError, match=r"own.yaml, line 2: name: 'same'"):
        checks.read(built, path)


def test_a_corridor_without_checks_has_none(built: CorridorModel, tmp_path: Path) -> None:
    elsewhere = corridors.Corridor("elsewhere", tmp_path, built.corridor.about)
    assert checks.read(replace(built, corridor=elsewhere)) == []
    with pytest.raises(Exception, match="cannot be read"):
        checks.read(built, tmp_path / "missing.yaml")


# --- the command ------------------------------------------------------------------------------------------------------


def test_command_ends_with_one_if_a_check_fails(
    projector: Projector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "make_projector", lambda *_: projector)
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({"too-low": good(variable="overdose_deaths")}), encoding="utf-8")
    run = CliRunner()
    failing = run.invoke(app, ["check", "--file", str(path)])
    assert failing.exit_code == 1
    assert "too-low" in failing.stdout
    assert "1 fail" in failing.stdout
    found = json.loads(run.invoke(app, ["check", "--file", str(path), "--json", "--lang", "es"]).stdout)
    (told,) = found["checks"]
    assert (told["name"], told["ok"], told["fails"], told["why"]) == ("too-low", False, True, "Porque.")
    path.write_text(yaml.safe_dump({"fine": good(variable="overdose_deaths", high=None)}), encoding="utf-8")
    passing = run.invoke(app, ["check", "--file", str(path)])
    assert passing.exit_code == 0
    assert "1 hold, 0 fail" in passing.stdout
