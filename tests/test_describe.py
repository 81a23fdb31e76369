"""What the model says of each variable is whole, in both languages, and the same from both ends of a link."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from acuerdo.engine.declare import TIME_STEP
from acuerdo.engine.describe import EVIDENCE, KINDS, ROLES, catalogue, describe, history_words, links, number
from acuerdo.engine.load import CorridorModel, load_model
from acuerdo.engine.signs import points
from acuerdo.errors import InputError
from acuerdo.i18n import Texts
from acuerdo.levers import Lever, Rule
from acuerdo.model_commands import app

LANGS = ("en", "es")
KEYS = {
    "name", "kind", "sector", "unit", "dimension", "meanings", "source", "evidence", "equations", "depends_on",
    "used_by", "flow", "prior", "lever", "outcomes", "series",
}  # fmt: skip


@pytest.fixture(scope="module")
def built() -> CorridorModel:
    return load_model()


@pytest.fixture(scope="module")
def entries(built: CorridorModel) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in catalogue(built)}


def test_catalogue_holds_every_variable_in_order(built: CorridorModel, entries: dict[str, Any]) -> None:
    assert list(entries) == list(built.model.variables)
    assert json.loads(json.dumps(entries)) == json.loads(json.dumps({n: describe(built, n) for n in entries}))


def test_every_entry_is_whole(built: CorridorModel, entries: dict[str, Any]) -> None:
    for name, entry in entries.items():
        variable = built.model.variables[name]
        assert set(entry) == KEYS
        assert entry["kind"] in KINDS
        assert entry["unit"]
        assert entry["source"]
        assert set(entry["meanings"]) == set(LANGS)
        assert all(entry["meanings"].values())
        assert bool(entry["equations"]) == (variable.equation is not None or variable.kind == "process")
        assert {equation["role"] for equation in entry["equations"]} <= set(ROLES)
        assert (entry["dimension"] is None) == (variable.over is None)
        if variable.over:
            assert list(entry["dimension"]["members"]) == list(built.members(variable.over))
        assert (entry["prior"] is not None) == (variable.kind == "parameter")
        assert (entry["flow"] is not None) == (variable.kind == "flow")
        if entry["evidence"] is not None:
            assert entry["evidence"] in EVIDENCE
        for words in (KINDS[entry["kind"]], *(ROLES[equation["role"]] for equation in entry["equations"])):
            assert set(words) == set(LANGS)


def test_evidence_is_told_of_parameters_and_levers(built: CorridorModel, entries: dict[str, Any]) -> None:
    for name, parameter in built.parameters.items():
        assert entries[name]["evidence"] == parameter.evidence
    for name, lever in built.levers.items():
        assert entries[name]["evidence"] == entries[f"{name}_set"]["evidence"] == lever.evidence


def test_links_are_the_same_from_both_ends(built: CorridorModel, entries: dict[str, Any]) -> None:
    before, after = links(built)
    for name, entry in entries.items():
        assert entry["depends_on"] == before[name]
        assert entry["used_by"] == after[name]
        assert name not in before[name]
        assert TIME_STEP not in before[name]
        for need in before[name]:
            assert name in after[need]
        for user in after[name]:
            assert name in before[user]


def test_links_hold_what_equations_and_flows_say(built: CorridorModel, entries: dict[str, Any]) -> None:
    for variable in built.model.variables.values():
        needs = set(variable.depends) - {variable.name, TIME_STEP}
        assert needs <= set(entries[variable.name]["depends_on"])
        for end in filter(None, (variable.leaves, variable.enters)):
            assert variable.name in entries[end]["depends_on"]


def test_parameters_are_used_somewhere(built: CorridorModel, entries: dict[str, Any]) -> None:
    unused = [name for name in built.parameters if not entries[name]["used_by"]]
    assert unused == []


def test_prior_points_are_those_of_the_transform(built: CorridorModel) -> None:
    import numpy as np

    for name, parameter in built.parameters.items():
        transform = built.transforms[name]
        for j, q in ((0, -1.6448536269514722), (1, 0.0), (2, 1.6448536269514722)):
            if transform.dist == "fixed":
                continue
            expected = np.asarray(transform(np.full_like(transform.location, q))).ravel()
            found = [triple[j] for triple in points(parameter, built.members(parameter.over)).values()]
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9, err_msg=name)


def test_prior_in_words(built: CorridorModel, entries: dict[str, Any]) -> None:
    for name, parameter in built.parameters.items():
        words = entries[name]["prior"]["words"]
        fixed = parameter.prior.dist == "fixed"
        assert words["en"].startswith("fixed at " if fixed else "median "), name
        assert words["es"].startswith("fijo en " if fixed else "mediana "), name


def find(built: CorridorModel, want: Any) -> str:
    return next(name for name, parameter in built.parameters.items() if want(parameter))


def test_prior_by_member_tells_equal_members_together(built: CorridorModel, entries: dict[str, Any]) -> None:
    name = find(built, lambda p: isinstance(p.prior.median, dict) and len(set(p.prior.median.values())) == 2)
    prior = entries[name]["prior"]
    assert set(prior["points"]) == set(built.members(built.parameters[name].over))
    assert prior["words"]["en"].count(";") == 1


def test_flow_says_where_it_goes(built: CorridorModel, entries: dict[str, Any]) -> None:
    for flow in built.model.of_kind("flow"):
        said = entries[flow.name]["flow"]
        assert (said["from"], said["to"]) == (flow.leaves, flow.enters)
        assert (
            said["words"]["en"] == f"from {flow.leaves or 'outside the model'} to {flow.enters or 'outside the model'}"
        )
        assert said["words"]["es"].startswith("de ")


def test_lever_is_told_with_its_setting_and_what_is_in_place(built: CorridorModel, entries: dict[str, Any]) -> None:
    for name, lever in built.levers.items():
        for variable in (name, f"{name}_set"):
            said = entries[variable]["lever"]
            assert said["name"] == name
            assert said["range"] == list(lever.range)
            assert set(said["owner_label"]) == set(LANGS)
            for lang in LANGS:
                words = said["words"][lang]
                assert len(words["history"]) == 1 + len(lever.history)
                assert all(words[key] for key in ("range", "build_up", "wears_off", "cost", "trial"))
            assert said["words"]["en"]["history"] != said["words"]["es"]["history"]
        assert (f"{name}_build_up" in entries) == (lever.build_up is not None)


def rule(**fields: Any) -> Rule:
    return Rule(source="a source", **fields)


@pytest.mark.parametrize(
    ("given", "en", "es"),
    [
        (
            rule(series="us.kits", members=["ALL"]),
            "published series us.kits (ALL), the last value is held (a source)",
            "serie publicada us.kits (ALL), se mantiene el último valor (a source)",
        ),
        (
            rule(series="us.kits", after="zero"),
            "published series us.kits, then zero (a source)",
            "serie publicada us.kits, después cero (a source)",
        ),
        (
            rule(measure="wall", add=0.35, until=date(2021, 8, 31)),
            "measure wall of the policy calendar: 0.35 more while in force, to Aug 31, 2021 (a source)",
            "medida wall del calendario de políticas: 0.35 más mientras está en vigor, hasta el 31 ago 2021 (a source)",
        ),
        (
            rule(measure="wall", times=0.0),
            "measure wall of the policy calendar: times 0 while in force (a source)",
            "medida wall del calendario de políticas: por 0 mientras está en vigor (a source)",
        ),
        (
            rule(measure="wall", number=True),
            "measure wall of the policy calendar: its own number is added (a source)",
            "medida wall del calendario de políticas: se suma su propio número (a source)",
        ),
        (
            rule(value=30000, targets=True, **{"from": date(2023, 1, 6)}),
            "30,000, shared among those it is for, from Jan 6, 2023 (a source)",
            "30,000, repartido entre quienes abarca, desde el 6 ene 2023 (a source)",
        ),
        (
            rule(value=1, members=["A", "B"], known_until=date(2026, 1, 1)),
            "1, for A, B, as known before Jan 1, 2026 (a source)",
            "1, para A, B, según se sabía antes del 1 ene 2026 (a source)",
        ),
    ],
)
def test_record_in_words(built: CorridorModel, given: Rule, en: str, es: str) -> None:
    lever: Lever = next(iter(built.levers.values())).model_copy(update={"history": [given], "start": 0.0})
    for lang, line in (("en", en), ("es", es)):
        assert history_words(lever, Texts(lang, built.corridor))[1] == line


def test_without_a_record(built: CorridorModel) -> None:
    lever = next(iter(built.levers.values())).model_copy(update={"history": [], "start": 0.15})
    assert history_words(lever, Texts("en", built.corridor)) == ["no record: 0.15 throughout"]


@pytest.mark.parametrize(
    ("value", "shown"), [(0.5, "0.5"), (26000, "26,000"), (30.4375, "30.44"), (0.0000092, "0.0000092"), (0, "0")]
)
def test_number(built: CorridorModel, value: float, shown: str) -> None:
    assert number(Texts("en", built.corridor), value) == shown


def test_unknown_variable_names_the_nearest(built: CorridorModel) -> None:
    with pytest.raises(InputError, match=r"variable: 'waiting_tim' is not valid.*nearest valid: waiting_time"):
        describe(built, "waiting_tim")


# --- the command ------------------------------------------------------------------------------------------------------

run = CliRunner()


def test_list_by_sector_and_kind(built: CorridorModel) -> None:
    found = json.loads(run.invoke(app, ["list", "--kind", "stock", "--json", "--lang", "es"]).stdout)["variables"]
    stocks = built.model.of_kind("stock")
    assert [row["name"] for row in found] == [v.name for v in stocks]
    assert found[0]["meaning"] == built.meanings[stocks[0].name]["es"]
    sector = stocks[0].sector
    shown = run.invoke(app, ["list", "--sector", sector, "--kind", "flow"])
    assert shown.exit_code == 0
    assert f"variables: {sum(v.sector == sector for v in built.model.of_kind('flow'))}" in shown.stdout


def test_show(built: CorridorModel) -> None:
    flow = built.model.of_kind("flow")[0]
    assert json.loads(run.invoke(app, ["show", flow.name, "--json"]).stdout) == json.loads(
        json.dumps(describe(built, flow.name))
    )
    for name in (flow.name, next(iter(built.levers)), next(iter(built.parameters)), next(iter(built.processes))):
        for lang in LANGS:
            shown = run.invoke(app, ["show", name, "--lang", lang])
            assert shown.exit_code == 0, shown.output
            assert name in shown.stdout
            for equation in describe(built, name)["equations"]:
                assert equation["text"] in shown.stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["show", "waiting_tim"], "nearest valid: waiting_time"),
        (["list", "--kind", "stok"], "nearest valid: stock"),
        (["list", "--sector", "asilum"], "nearest valid: asylum"),
        (["graph", "--sector", "asilum"], "nearest valid: asylum"),
        (["list", "--lang", "fr"], "allowed: en, es"),
    ],
)
def test_bad_input(args: list[str], says: str) -> None:
    result = run.invoke(app, args)
    assert isinstance(result.exception, InputError)
    assert says in str(result.exception)
    assert result.stdout == ""
