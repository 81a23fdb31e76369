"""Why a number moved: parts that add up to the change, of every kind of variable, and good reasons for bad requests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

import board_app
from acuerdo.board import inside_api
from acuerdo.board.api import RunAnswer
from acuerdo.board.track import RecordAnswer
from acuerdo.board.why import MOST_LEVERS, WhyAnswer, split

THREE = [
    {"lever": "asylum_decisions", "value": 9000},
    {"lever": "refugee_places", "value": 8000, "start": "2025-03"},
    {"lever": "support_coverage", "value": 0.5},
]


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(board_app.app(), base_url="http://localhost", raise_server_exceptions=False)


def why(client: TestClient, /, **asked: Any) -> WhyAnswer:
    answer = client.post("/api/why", json={"settings": THREE, "months": 6, **asked})
    assert answer.status_code == 200, answer.text
    return WhyAnswer.model_validate(answer.json())


def adds_up(found: WhyAnswer, parts: list[Any]) -> None:
    total = sum(part.change.mean for part in parts)
    assert total == pytest.approx(found.change.mean, rel=1e-6, abs=1e-9 * max(abs(found.base), 1.0))


# ---- the split itself


def test_all_orders_share_what_only_both_together_do() -> None:
    parts, rest = split(["a", "b", "c"], lambda on: np.array([10.0 * ({"a", "b"} <= on) + 3.0 * ("c" in on)]), 5, False)
    assert {name: float(part[0]) for name, part in parts.items()} == pytest.approx({"a": 5.0, "b": 5.0, "c": 3.0})
    assert rest == pytest.approx(0.0)


def test_beyond_the_most_what_is_left_is_stated() -> None:
    def value(on: frozenset[str]) -> Any:
        return np.array([float(len(on)) ** 2])

    alone, rest = split(["a", "b", "c"], value, 2, False)
    assert [float(part[0]) for part in alone.values()] == [1.0, 1.0, 1.0]
    assert float(rest[0]) == 6.0
    both, rest = split(["a", "b", "c"], value, 2, True)
    assert [float(part[0]) for part in both.values()] == [3.0, 3.0, 3.0]
    assert float(rest[0]) == 0.0


# ---- on the model


@pytest.mark.model
def test_parts_of_an_outcome_add_up_to_the_change_of_the_table(client: TestClient) -> None:
    asked = {"settings": THREE, "months": 6}
    table = RunAnswer.model_validate(client.post("/api/run", json=asked).json())
    for row in table.outcomes:
        if row.change == 0:
            continue
        found = why(client, name=row.name)
        assert found.change.mean == pytest.approx(row.change, rel=1e-3, abs=2e-6 * abs(row.base))
        assert found.base == pytest.approx(row.base, rel=1e-4)
        assert {part.lever for part in found.levers} == {item["lever"] for item in THREE}
        assert found.levers_method == "orders"
        adds_up(found, found.levers)
        adds_up(found, found.drivers)


@pytest.mark.model
def test_every_variable_that_moves_is_accounted_for_by_its_causes(client: TestClient) -> None:
    model = board_app.projector().built.model
    moved: dict[str, int] = {}
    for name, variable in model.variables.items():
        if variable.kind not in ("stock", "level", "flow", "aux"):
            continue
        found = why(client, name=name, settings=THREE[:1], months=3, over="end")
        if found.change.mean == 0:
            continue
        moved[variable.kind] = moved.get(variable.kind, 0) + 1
        assert found.drivers, name
        adds_up(found, found.drivers)
        rest = [part.change.mean for part in found.drivers if part.role == "rest"]
        if found.drivers_method != "alone" and abs(found.change.mean) > 1e-4 * abs(found.base):
            assert abs(sum(rest)) <= 0.02 * abs(found.change.mean), name
        known = {*variable.depends, *(f.name for f in model.flows(enters=name)), variable.leaves, None}
        known |= {f.name for f in model.flows(leaves=name)}
        assert {part.name for part in found.drivers} <= known
    assert set(moved) == {"stock", "level", "flow", "aux"}


@pytest.mark.model
def test_a_stock_moves_by_its_flows(client: TestClient) -> None:
    found = why(client, name="asylum_pending", settings=THREE[:1], month="2025-03")
    roles = {part.name: part.role for part in found.drivers}
    assert found.kind == "stock"
    assert found.months == ["2025-03", "2025-03"]
    assert {"leaves"} <= set(roles.values()) <= {"enters", "leaves", "rest"}
    assert found.change.mean < 0


@pytest.mark.model
def test_many_levers_are_moved_alone_and_the_rest_is_told(client: TestClient) -> None:
    levers = board_app.projector().built.levers
    several = [{"lever": name, "value": lever.range[1]} for name, lever in levers.items()][: MOST_LEVERS + 2]
    found = why(client, name="deaths_on_route", settings=several, months=4)
    assert found.levers_method == "alone"
    assert [part.lever for part in found.levers][-1] is None
    assert len(found.levers) == MOST_LEVERS + 3
    adds_up(found, found.levers)


@pytest.mark.model
def test_settings_of_one_lever_are_one_part(client: TestClient) -> None:
    twice = [{"lever": "asylum_decisions", "value": 2, "times": True}, {**THREE[0], "start": "2025-04"}, THREE[2]]
    found = why(client, name="asylum_pending", settings=twice)
    assert {part.lever for part in found.levers} == {"asylum_decisions", "support_coverage"}
    adds_up(found, found.levers)


@pytest.mark.model
def test_a_series_is_explained_by_the_variable_behind_it(client: TestClient) -> None:
    line = "us.encounters.between_ports"
    found = why(client, name=line)
    member = why(client, name=line, member="GTM")
    assert found.label["es"]
    assert (found.members, member.members) == ("sum", "one")
    assert member.base < found.base
    adds_up(found, found.drivers)


@pytest.mark.model
def test_assumptions_and_a_future_lie_under_both_runs(client: TestClient) -> None:
    about = client.get("/api/about").json()
    future = next(one["name"] for one in about["futures"] if one["name"].startswith("surge"))
    held = next(one["low"] for one in about["assumptions"] if one["name"] == "patience")
    asked = {"settings": THREE[:1], "months": 6, "future": future, "held": {"patience": held}}
    table = RunAnswer.model_validate(client.post("/api/run", json=asked).json())
    (row,) = [row for row in table.outcomes if row.name == "people_protected"]
    found = why(client, name=row.name, **asked)
    assert found.base == pytest.approx(row.base, rel=1e-4)
    assert found.change.mean == pytest.approx(row.change, rel=1e-3)
    assert found.base != pytest.approx(why(client, name=row.name, settings=THREE[:1]).base, rel=1e-6)


@pytest.mark.model
def test_without_a_setting_nothing_moves(client: TestClient) -> None:
    found = why(client, name="asylum_pending", settings=[])
    assert (found.change.mean, found.levers, found.drivers) == (0, [], [])


@pytest.mark.model
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"name": "asylum_pendin"}, "name"),
        ({"name": "asylum_pending", "month": "2031-01"}, "month"),
        ({"name": "asylum_pending", "month": "x"}, "month"),
        ({"name": "asylum_pending", "member": "XXX"}, "member"),
        ({"name": "asylum_pending", "months": 400}, "months"),
        ({"name": "asylum_pending", "over": "most"}, "over"),
        ({"name": "asylum_pending", "settings": [{"lever": "asylum", "value": 1}]}, "lever"),
        ({}, "name"),
    ],
)
def test_what_is_not_valid_is_refused_with_a_reason(client: TestClient, asked: dict[str, Any], field: str) -> None:
    answer = client.post("/api/why", json={"settings": THREE, "months": 6, **asked})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["field"] == field


@pytest.mark.model
def test_too_many_at_work_are_told_to_come_again(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside_api, "MOST_AT_WORK", 0)
    asked = {"name": "court_pending", "settings": THREE, "months": 5}
    answer = client.post("/api/why", json=asked)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    monkeypatch.undo()
    first = client.post("/api/why", json=asked)
    monkeypatch.setattr(inside_api, "MOST_AT_WORK", 0)  # what was answered before is work no more
    assert client.post("/api/why", json={**asked, "client": "another"}).content == first.content


# ---- the diagram


@pytest.mark.model
def test_diagrams_of_every_sector_in_every_language(client: TestClient) -> None:
    english = client.get("/api/diagram/asylum?lang=en")
    spanish = client.get("/api/diagram/asylum?lang=es")
    assert english.headers["content-type"].startswith("image/svg+xml")
    assert 'lang="en"' in english.text
    assert "what moves what" in english.text
    assert "Asilo: qué mueve a qué" in spanish.text
    wrong = client.get("/api/diagram/asylums")
    assert (wrong.status_code, wrong.json()["error"]["nearest"]) == (404, "asylum")
    assert client.get("/api/diagram/asylum?lang=fr").status_code == 404


# ---- the track record


@pytest.mark.model
def test_a_past_forecast_is_shown_beside_what_came(client: TestClient) -> None:
    found = RecordAnswer.model_validate(client.get("/api/record/mexico.homicides").json())
    assert found.reason is None
    (then,) = found.forecasts  # the packaged posterior of a day before the board's
    assert then.day == "2023-09-29"
    assert then.months[0] == "2023-10"
    history = client.get("/api/history/mexico.homicides").json()
    known = dict(zip(history["months"], history["values"], strict=True))
    assert {row.month: row.published for row in then.scored}.items() <= known.items()
    assert len(then.scored) == len([month for month in then.months if known.get(month) is not None])
    for row in then.scored:
        i = then.months.index(row.month)
        assert row.horizon == i + 1
        assert row.inside_90 == (then.band.q05[i] <= row.published <= then.band.q95[i])
    assert then.inside_50 <= then.inside_90 == sum(row.inside_90 for row in then.scored)
    ours, theirs = (sum(getattr(row, name) for row in then.scored) for name in ("crps", "persistence"))
    assert then.skill == pytest.approx(1 - ours / theirs)
    assert [row.horizon for row in found.weights] == [1, 3, 6, 12]
    assert all(0 <= row.weight <= 1 for row in found.weights)
    assert found.weights_known == "2024-12-31"


@pytest.mark.model
def test_what_no_one_publishes_has_no_past_forecast(client: TestClient) -> None:
    found = RecordAnswer.model_validate(client.get("/api/record/people_protected").json())
    assert (found.reason, found.forecasts, found.weights) == ("outcome", [], [])
    wrong = client.get("/api/record/mexico.homicide")
    assert (wrong.status_code, wrong.json()["error"]["nearest"]) == (404, "mexico.homicides")


@pytest.mark.model
def test_every_line_has_a_record_or_a_reason(client: TestClient) -> None:
    for line in client.get("/api/about").json()["lines"]:
        answer = client.get(f"/api/record/{line['id']}")
        assert answer.status_code == 200, answer.text
        found = RecordAnswer.model_validate(answer.json())
        assert (found.reason is None) == bool(found.forecasts)
