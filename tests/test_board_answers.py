"""Answers by the hash of their scenario."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

import board_app
from acuerdo.board import desk as desk_module

pytestmark = pytest.mark.model
SCENARIO = {"months": 5, "settings": [{"lever": "asylum_decisions", "value": 4321}]}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(board_app.app(), base_url="http://localhost", raise_server_exceptions=False)


def test_an_answer_can_be_asked_for_again_by_its_hash(client: TestClient) -> None:
    first = client.post("/api/run", json=SCENARIO)
    key = first.json()["scenario"]
    assert first.headers["content-location"] == f"/api/answers/{key}"
    assert "immutable" not in first.headers.get("cache-control", "")
    again = client.get(first.headers["content-location"])
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    assert {"private", "immutable"} <= set(again.headers["cache-control"].split(", "))


def test_who_has_the_answer_is_not_sent_it_again(client: TestClient) -> None:
    first = client.post("/api/run", json=SCENARIO)
    place, tag = first.headers["content-location"], first.headers["etag"]
    for has in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        answer = client.get(place, headers={"if-none-match": has})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert client.get(place, headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("key", "status"), [("0" * 32, 404), ("0" * 31, 422), ("'; DROP TABLE--", 422), ("Z" * 32, 422)]
)
def test_a_hash_that_is_not_kept_is_told(client: TestClient, key: str, status: int) -> None:
    answer = client.get(f"/api/answers/{key}")
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert "immutable" not in answer.headers["cache-control"]


def test_another_version_of_the_program_has_other_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = desk_module.RunRequest.model_validate(SCENARIO)
    here = board_app.app().state.desk
    monkeypatch.setattr(desk_module, "__version__", "999")
    assert desk_module.Desk(here.projector, here.figures).key(asked) != here.key(asked)
