"""What the corridor declares is complete, its units are checked, its levers act, and the machinery knows no country."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import acuerdo
from acuerdo import corridor as corridors
from acuerdo.engine import units
from acuerdo.engine.declare import Model, Variable
from acuerdo.engine.load import CorridorModel, check_follows, load_model
from acuerdo.errors import DataError
from acuerdo.levers import Lever

NAME = "us_mexico"
CORRIDOR = corridors.load(NAME)
IMPOSSIBLE = "mg/USD"
LEVERS = list(CORRIDOR.yaml("model", "levers.yaml"))
HOME = Path(acuerdo.__file__).parent
LANGS = ("en", "es")


@pytest.fixture(scope="module")
def built() -> CorridorModel:
    return load_model(NAME)


@pytest.fixture(scope="module")
def model(built: CorridorModel) -> Model:
    return built.model


# --- every variable ---------------------------------------------------------------------------------------------------


def test_every_variable_has_unit_meaning_and_source(built: CorridorModel) -> None:
    for variable in built.model.variables.values():
        assert variable.unit, variable.name
        units.parse(variable.unit)
        assert variable.source.strip(), variable.name
        for lang in LANGS:
            assert built.meanings[variable.name][lang].strip(), f"{variable.name}: no meaning in {lang}"


def test_meanings_are_one_line_and_differ_between_languages(built: CorridorModel) -> None:
    for name, meaning in built.meanings.items():
        assert all("\n" not in meaning[lang] for lang in LANGS), name
        if built.model.variables[name].kind in ("stock", "level", "flow", "aux"):
            assert meaning["en"] != meaning["es"], name


def test_spanish_file_names_what_the_sectors_declare_and_nothing_else(model: Model) -> None:
    path = CORRIDOR.path("model", "variables.es.yaml")
    spanish = yaml.safe_load(path.read_text("utf-8"))
    declared = {v.name for sector in CORRIDOR.module("model").SECTORS for v in sector.variables}
    assert set(spanish) <= set(model.variables)
    assert set(spanish) == declared
    keys = re.findall(r"^(\w+):", path.read_text("utf-8"), re.MULTILINE)
    assert len(keys) == len(set(keys)), "a name stands twice"
    assert [name for name, meaning in spanish.items() if not meaning.endswith(".")] == []


def test_flows_leave_or_enter_a_stock_of_their_own_dimension(model: Model) -> None:
    for flow in model.of_kind("flow"):
        ends = [end for end in (flow.leaves, flow.enters) if end is not None]
        assert ends, f"{flow.name}: touches no stock"
        assert flow.leaves != flow.enters, flow.name
        for end in ends:
            assert model.variables[end].kind == "stock", flow.name
            assert model.variables[end].over == flow.over, flow.name


def test_every_stock_can_change(model: Model) -> None:
    for stock in model.of_kind("stock"):
        assert model.flows(leaves=stock.name), f"{stock.name}: nothing leaves"
        assert model.flows(enters=stock.name), f"{stock.name}: nothing enters"


# --- the unit check ---------------------------------------------------------------------------------------------------


def alone(model: Model, name: str, *, ends: bool, **changed: Any) -> Model:
    """Return a model of one equation and what it asks for, so that no other equation can be the one that objects."""
    variable = replace(model.variables[name], **changed)
    if not ends:
        variable = replace(variable, leaves=None, enters=None, initial=None)
    near = [*variable.depends, *filter(None, (variable.initial, variable.leaves, variable.enters))]
    others = {
        need: replace(model.variables[need], equation=None, depends=(), leaves=None, enters=None, initial=None)
        for need in near
        if need in model.variables
    }
    return replace(model, variables=others | {name: variable})


def with_equation(model: Model) -> list[Variable]:
    return [v for v in model.variables.values() if v.equation is not None]


@pytest.mark.parametrize("ends", [False, True], ids=["equation alone", "with stocks and first value"])
def test_unit_check_covers_every_equation(model: Model, ends: bool) -> None:
    for variable in with_equation(model):
        units.check(alone(model, variable.name, ends=ends))  # as declared, it balances
        with pytest.raises(DataError, match=f"^{variable.name}: "):
            units.check(alone(model, variable.name, ends=ends, unit=IMPOSSIBLE))


def test_unit_check_covers_what_equations_ask_for(model: Model) -> None:
    """An impossible unit is found in the whole model as well, by its own equation or by the first that uses it."""
    wanted = [v for v in model.variables.values() if v.name in ("in_transit", "consumed", "port_wait", "cooperation")]
    assert len(wanted) == 4
    for variable in wanted:
        broken = dict(model.variables) | {variable.name: replace(variable, unit=IMPOSSIBLE)}
        with pytest.raises(DataError) as problem:
            units.check(replace(model, variables=broken))
        moved = [*model.flows(leaves=variable.name), *model.flows(enters=variable.name)]
        objecting = {variable.name, *model.used_by(variable.name), *(flow.name for flow in moved)}
        assert str(problem.value).split(":")[0] in objecting


def test_dimension_check_covers_every_equation_over_a_dimension(model: Model) -> None:
    for variable in with_equation(model):
        if variable.over is not None:
            with pytest.raises(DataError, match=rf"^{variable.name}: (declared over None|total over)"):
                units.check(alone(model, variable.name, ends=False, over=None))


# --- parameters -------------------------------------------------------------------------------------------------------

# something that a reader can look up: an entry of the register or the calendar, or a publisher
RECORD = re.compile(
    r"register [DMT]\d|policy calendar|\b[A-Z]{3,}\b|Census|State Department|Federal Reserve|Banco de Mexico"
    r"|Mexican government"
)


def test_every_parameter_has_both_languages_source_and_evidence(built: CorridorModel) -> None:
    for name, parameter in built.parameters.items():
        assert parameter.en.strip(), name
        assert parameter.es.strip(), name
        assert parameter.source.strip(), name
        assert parameter.evidence in ("strong", "moderate", "weak", "assumption", "definition"), name


def test_every_assumption_is_called_one(built: CorridorModel) -> None:
    for name, parameter in built.parameters.items():
        if parameter.source.startswith("assumption"):
            assert parameter.evidence == "assumption", name
        sourced = RECORD.search(parameter.source) or parameter.source.startswith("definition")
        called = "assumption" in (parameter.evidence, *re.findall(r"\w+", parameter.source))
        assert sourced or called, f"{name}: {parameter.source!r} is neither a record nor called an assumption"
        if parameter.evidence == "definition":
            assert parameter.prior.dist == "fixed", f"{name}: a definition has no spread"


def _by_member(value: Any, members: tuple[str, ...]) -> list[float]:
    return [float(value[member]) for member in members] if isinstance(value, dict) else [float(value)]


def test_every_prior_is_ordered_and_finite(built: CorridorModel) -> None:
    for name, parameter in built.parameters.items():
        prior, members = parameter.prior, built.members(parameter.over)
        transform = built.transforms[name]
        assert np.isfinite(transform.location).all(), name
        assert np.isfinite(transform.below).all(), name
        assert np.isfinite(transform.above).all(), name
        if prior.dist == "fixed":
            continue
        assert (transform.below > 0).all(), name
        assert (transform.above > 0).all(), name
        if prior.times is None:
            low, median, high = (_by_member(part, members) for part in (prior.low, prior.median, prior.high))
            assert all(a < b < c for a, b, c in zip(low, median, high, strict=True)), name
            if prior.dist == "share":
                assert all(prior.lower < a and c < prior.upper for a, c in zip(low, high, strict=True)), name


# --- levers -----------------------------------------------------------------------------------------------------------


def triples(value: Any) -> list[tuple[float, float, float]]:
    return list(value.values()) if isinstance(value, dict) else [value]


def test_levers_are_those_of_the_file(built: CorridorModel) -> None:
    assert list(built.levers) == LEVERS
    assert len(LEVERS) == len(set(LEVERS)) > 20


@pytest.mark.parametrize("name", LEVERS)
def test_lever_is_complete(built: CorridorModel, name: str) -> None:
    lever = built.levers[name]
    assert lever.owner in ("us", "mexico", "both")
    for words in (lever.label, lever.unit_label, lever.help):
        assert set(words) == set(LANGS)
        assert all(words[lang].strip() for lang in LANGS)
    low, high = lever.range
    assert low < high
    assert low <= lever.start <= high
    assert lever.source.strip()
    assert lever.cost.source.strip()
    assert lever.cost.unit.strip()
    assert lever.cost.value >= 0
    units.parse(lever.unit)
    assert set(lever.targets) <= set(built.members(lever.over))
    assert bool(lever.targets) == (lever.over is not None)


@pytest.mark.parametrize("name", LEVERS)
def test_lever_builds_up_and_wears_off(built: CorridorModel, name: str) -> None:
    lever = built.levers[name]
    if lever.build_up is None:
        assert built.model.variables[name].kind == "aux", "in place at once"
    else:
        assert 0 < lever.build_up[0] < lever.build_up[1] < lever.build_up[2]
    assert (lever.half_life is None) == (lever.fade is None)
    if lever.half_life is None:
        assert f"{name}_felt" not in built.model.variables
        return
    assert lever.fade is not None
    if isinstance(lever.half_life, dict):
        assert set(lever.half_life) == set(built.members(lever.over))
    for low, median, high in triples(lever.half_life):
        assert 0 < low < median < high
    assert 0 < lever.fade[0] < lever.fade[1] < lever.fade[2] < 1


@pytest.mark.parametrize("name", LEVERS)
def test_lever_trial_is_in_range(built: CorridorModel, name: str) -> None:
    lever: Lever = built.levers[name]
    low, high = lever.range
    assert (lever.trial.value is None) != (lever.trial.times is None)
    if lever.trial.value is not None:
        assert low <= lever.trial.value <= high
    else:
        assert lever.trial.times is not None
        assert lever.trial.times > 0
        assert lever.trial.times != 1
        assert low <= min(max(lever.start * lever.trial.times, low), high) <= high


def own(name: str) -> set[str]:
    """Return the variables that the machinery declares for a lever, and public cost, none of which is an effect."""
    return {
        name,
        f"{name}_set",
        f"{name}_usual",
        f"{name}_felt",
        *(f"public_cost_{s}" for s in CORRIDOR.about["sides"]),
    }


@pytest.mark.parametrize("name", LEVERS)
def test_lever_acts(built: CorridorModel, name: str) -> None:
    users = {user for effective in (name, f"{name}_felt") for user in built.model.used_by(effective)} - own(name)
    assert users, f"{name}: no equation uses it"


@pytest.mark.parametrize("name", LEVERS)
def test_what_wears_off_is_used(built: CorridorModel, name: str) -> None:
    if built.levers[name].half_life is not None:
        assert built.model.used_by(f"{name}_felt"), f"{name}: its wearing-off changes nothing"


@pytest.mark.parametrize("name", LEVERS)
def test_lever_reaches_an_outcome(built: CorridorModel, name: str) -> None:
    outcomes = {entry["variable"] for entry in CORRIDOR.yaml("model", "outcomes.yaml").values()} - own(name)
    reached, edge = {name}, [name]
    while edge:
        at = edge.pop()
        variable = built.model.variables[at]
        after = [*built.model.used_by(at), *filter(None, (variable.leaves, variable.enters))]
        edge += [user for user in after if user not in reached]
        reached |= set(after)
    assert reached & outcomes, f"{name}: moves nothing that either side cares about"


# --- the machinery knows no country -----------------------------------------------------------------------------------

KINDS = (".py", ".yaml", ".html", ".css", ".typ", ".j2")
NAMES = (
    r"us[_-]mexico|united states|estados unidos|estadounidenses?|american[oa]?s?|m[eé]xico|mexican[oa]?s?|"
    r"guatemala|guatemaltec[oa]s?|guatemalans?|honduras|hondureñ[oa]s?|hondurans?|salvador|salvadoreñ[oa]s?|"
    r"salvador[ae]ns?|nicaragua|nicaragüenses?|nicaraguans?|cuba|cuban[oa]?s?|ha[ií]t[ií]|haitian[oa]?s?|venezuela|"
    r"venezolan[oa]s?|venezuelans?|colombia|colombian[oa]?s?|ecuador|ecuatorian[oa]s?|ecuador(?:ian|ean)s?|per[uú]|"
    r"peruan[oa]s?|peruvians?"
)
CODES = r"MEX|GTM|HND|SLV|NIC|CUB|HTI|VEN|COL|ECU|PER|USA|US|MX|U\.\s?S\.|EE\.?\s?UU\.?"
LETTER = r"A-Za-zÀ-ÖØ-öø-ÿ"
COUNTRY = re.compile(
    rf"(?<![{LETTER}])(?i:{NAMES})(?![{LETTER}])"
    rf"|(?<![{LETTER}_])(?:{CODES})(?![{LETTER}_])"  # not the PER of STEPS_PER_MONTH
    rf"|(?<![{LETTER}_])(?:[a-z]{{2}}[_-](?:US|MX)(?![{LETTER}_])|us_(?=[a-z]))"
)
# a currency, and a language tag given as an example: neither is knowledge of a corridor
ALLOWED = re.compile(r"\bUS dollars?\b|`en-US`")


def countries(text: str) -> list[str]:
    return [found.group() for found in COUNTRY.finditer(ALLOWED.sub("", text))]


def machinery(*suffixes: str) -> Iterator[Path]:
    for path in sorted(HOME.rglob("*")):
        if path.suffix in suffixes and path.relative_to(HOME).parts[0] != "corridors":
            yield path


@pytest.mark.parametrize(
    "text",
    ["us_mexico", "the United States", "a U.S. port", "EE. UU.", "de México.", "mexico.homicides", "un hondureño",
     "{HTI: 1}", '["PER"]', "Perú", "en_US", "cubanos", "us_share = 1", "personas estadounidenses", "El Salvador"],
)  # fmt: skip
def test_scan_finds_countries(text: str) -> None:
    assert countries(text)


@pytest.mark.parametrize(
    "text",
    ["let us use the status", 'scope="col"', "two per cent", "plus_minus", "a column", "PERCENT", "us-letter",
     "in US dollars", "cubic", "superuser", "focus_on", "STEPS_PER_MONTH", "USD/month", "COLUMNS",
     "las personas", "incubate"],
)  # fmt: skip
def test_scan_leaves_other_words_alone(text: str) -> None:
    assert countries(text) == []


def test_scan_knows_every_origin_and_side() -> None:
    places = [*CORRIDOR.about["sides"].values()]
    for code, place in CORRIDOR.about["dimensions"]["origin"].items():
        if code != "OTH":
            places.append(place)
            assert countries(code), code
    assert [place[lang] for place in places for lang in LANGS if not countries(place[lang])] == []


def test_machinery_names_no_country() -> None:
    files = list(machinery(*KINDS))
    assert len(files) > 30
    found = [
        f"{path.relative_to(HOME)}:{number}: {', '.join(names)}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (names := countries(line))
    ]
    assert not found, "\n".join(found)


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
    elif isinstance(node, str):
        yield node


def test_machinery_names_no_side_by_its_short_name() -> None:
    sides = tuple(CORRIDOR.about["sides"])
    found = []
    for path in machinery(".py"):
        constants = [n.value for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Constant)]
        words = [value for value in constants if isinstance(value, str)]
        found += [f"{path.name}: {word}" for word in words if word in sides or word.startswith(("us.", "mexico."))]
    for path in machinery(".yaml"):
        words = list(_strings(yaml.safe_load(path.read_text("utf-8"))))
        found += [f"{path.name}: {word}" for word in words if word in sides]
    assert not found


def _imports(path: Path) -> Iterator[str]:
    package = ["acuerdo", *path.relative_to(HOME).parent.parts]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    ("follows", "told"),
    [
        ("departure", "no variable 'departure' in the model; nearest: departures"),
        ("synthetic_opioid_deaths", "synthetic_opioid_deaths is over None, not origin"),
    ],
)
def test_a_series_that_follows_nothing_is_refused(built: CorridorModel, follows: str, told: str) -> None:
    process = built.processes["origin_pressure"].model_copy(update={"follows": follows})
    with pytest.raises(DataError, match=f"origin_pressure: follows: {re.escape(told)}"):
        check_follows(process, built.model)


def test_machinery_imports_no_corridor() -> None:
    found = [
        f"{path.relative_to(HOME)}: {name}"
        for path in machinery(".py")
        for name in _imports(path)
        if name == "acuerdo.corridors" or name.startswith("acuerdo.corridors.")
    ]
    assert not found
