"""The scenario library through the board's API."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

import board_app
from acuerdo.board.server import make_app
from acuerdo.figures.store import Figures

pytestmark = pytest.mark.model
SCENARIO = {"months": 9, "settings": [{"lever": "asylum_decisions", "value": 6000, "start": "2025-03"}]}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(board_app.app(), base_url="http://localhost", raise_server_exceptions=False)


def save(client: TestClient, title: str = "Faster decisions", **more: Any) -> dict[str, Any]:
    answer = client.post("/api/scenarios", json={"title": title, "scenario": SCENARIO, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_saved_scenario_runs_to_the_same_numbers(client: TestClient) -> None:
    made = save(client, note="for the pre-meeting")
    kept = client.get(f"/api/scenarios/{made['id']}").json()
    assert kept == made
    assert (kept["as_of"], kept["same_model"], kept["problem"], kept["revision"]) == ("2024-12-31", True, None, 1)
    one, other = (client.post("/api/run", json=asked).json() for asked in (SCENARIO, kept["scenario"]))
    assert one == other
    assert not {"client", "number"} & set(kept["scenario"])


def test_a_change_needs_the_revision_that_it_was_made_from(client: TestClient) -> None:
    made = save(client)
    place = f"/api/scenarios/{made['id']}"
    wanted = {"title": "Slower", "note": "", "scenario": {"months": 3}, "revision": 1}
    after = client.put(place, json=wanted)
    assert (after.status_code, after.json()["revision"], after.json()["scenario"]["months"]) == (200, 2, 3)
    late = client.put(place, json={**wanted, "title": "Mine"})
    assert (late.status_code, late.json()["error"]["nearest"]) == (409, "2")
    assert client.delete(place, params={"revision": 1}).status_code == 409
    assert client.get(place).json()["title"] == "Slower"
    assert client.delete(place, params={"revision": 2}).status_code == 204
    for gone in (client.get(place), client.put(place, json=wanted), client.delete(place, params={"revision": 2})):
        assert gone.status_code == 404
        assert gone.json()["error"]["field"] == "scenario"


def test_a_change_to_what_is_not_valid_says_so_and_changes_nothing(client: TestClient) -> None:
    made = save(client)
    bad = {"title": "Bad", "scenario": {"settings": [{"lever": "asylum_decision", "value": 1}]}, "revision": 1}
    answer = client.put(f"/api/scenarios/{made['id']}", json=bad)
    assert (answer.status_code, answer.json()["error"]["nearest"]) == (422, "asylum_decisions")
    assert client.get(f"/api/scenarios/{made['id']}").json() == made


def test_entries_are_listed_and_found_by_title(client: TestClient) -> None:
    names = [save(client, f"Listed {i}")["id"] for i in range(3)]
    found = client.get("/api/scenarios", params={"q": "listed", "limit": 2}).json()
    assert (found["total"], [entry["id"] for entry in found["entries"]]) == (3, names[:0:-1])
    rest = client.get("/api/scenarios", params={"q": "listed", "offset": 2}).json()
    assert [entry["id"] for entry in rest["entries"]] == names[:1]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "   "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": "line\nbreak"}, "title"),
        ({"note": "x" * 2001}, "note"),
        ({"scenario": {"settings": [{"lever": "asylum_decision", "value": 1}]}}, "lever"),
        ({"scenario": {"settings": [{"lever": "asylum_decisions", "value": 1e9}]}}, "asylum_decisions"),
        ({"scenario": {"months": 10**9}}, "scenario.months"),
        ({"scenario": {"draws": 5}}, "scenario.draws"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_what_is_not_valid_is_not_saved(client: TestClient, asked: dict[str, Any], field: str) -> None:
    before = client.get("/api/scenarios").json()["total"]
    answer = client.post("/api/scenarios", json={"title": "t", "scenario": SCENARIO, **asked})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert client.get("/api/scenarios").json()["total"] == before


@pytest.mark.parametrize("text", ["'; DROP TABLE scenarios; --", "<script>alert(1)</script>", "%", "_", "\\"])
def test_words_are_only_words(client: TestClient, text: str) -> None:
    made = save(client, f"odd {text}")
    found = client.get("/api/scenarios", params={"q": f"odd {text}"}).json()
    assert made["id"] in [entry["id"] for entry in found["entries"]]
    assert all(text in entry["title"] for entry in found["entries"])
    assert client.get(f"/api/scenarios/{text}").status_code in (404, 405)


def test_a_scenario_that_does_not_fit_this_board_says_why(client: TestClient) -> None:
    shelf = board_app.app().state.shelf
    for content, words in (
        ('{"form": 1, "scenario": {"settings": [{"lever": "asylum_decision", "value": 1}]}}', "asylum_decisions"),
        ('{"form": 1, "scenario": {"months": 36}}', "months"),
        ('{"form": 99, "scenario": {}}', "newer"),
        ("[]", "object"),
        ("not json", "JSON"),
    ):
        made = shelf.add("old", "", content, "2020-01-01", "another model")
        told = client.get(f"/api/scenarios/{made.id}").json()
        assert told["scenario"] is None
        assert words in told["problem"]
        assert not told["same_model"]


def test_a_board_without_a_library_says_so_and_works() -> None:
    with TestClient(make_app(board_app.projector, Figures.open()), base_url="http://localhost") as alone:
        answer = alone.get("/api/scenarios")
        assert (answer.status_code, answer.json()["error"]["field"]) == (503, "library")
        assert alone.post("/api/scenarios", json={"title": "t", "scenario": SCENARIO}).status_code == 503
        assert alone.post("/api/run", json=SCENARIO).status_code == 200
