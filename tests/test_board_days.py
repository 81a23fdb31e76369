"""Boards of other days: made when asked for, few at a time, each with the figures of its day alone."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient

import board_app
from acuerdo.board import days as board_days
from acuerdo.board.server import make_app
from acuerdo.figures.store import Figures
from acuerdo.projection import Projector, make_projector

pytestmark = pytest.mark.model


def other_day(day: date | None) -> Projector:
    return make_projector(day, 6, 20, 1, share=False)


@pytest.fixture(scope="module")
def client() -> Any:
    with TestClient(
        make_app(board_app.projector, Figures.open(), other_day=other_day), base_url="http://localhost"
    ) as it:
        yield it


def ready(client: TestClient, day: str) -> dict[str, Any]:
    done = threading.Event()
    for _ in range(600):
        told = dict(client.get(f"/api/days/{day}").json())
        if told["state"] != "making":
            return told
        done.wait(0.2)
    raise AssertionError(f"the board of {day} is not ready")


def test_a_board_of_another_day_knows_only_what_was_public_then(client: TestClient) -> None:
    states = {told["day"]: told["state"] for told in client.get("/api/days").json()}
    assert states["2024-12-31"] == "ready"
    assert states["2023-09-29"] == "asleep"
    assert client.get("/on/2023-09-29/api/about").status_code == 503
    page = client.get("/on/2023-09-29/", follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (307, "/")
    told = ready(client, "2023-09-29")
    assert told == {"day": "2023-09-29", "place": "/on/2023-09-29", "state": "ready"}
    about = client.get("/on/2023-09-29/api/about").json()
    assert about["as_of"] == "2023-09-29"
    assert about["months"][0] < "2024-01"
    assert "<title>" in client.get("/on/2023-09-29/").text
    own = client.post("/api/run", json={"months": 6}).json()
    other = client.post("/on/2023-09-29/api/run", json={"months": 6}).json()
    assert other["months"][0] == about["months"][0]
    assert own["scenario"] != other["scenario"]
    past = client.get("/on/2023-09-29/api/history/us.encounters.between_ports").json()
    assert max(past["months"]) < "2023-10"
    assert client.get("/api/about").json()["as_of"] == "2024-12-31"


def test_a_day_that_there_is_not_is_refused(client: TestClient) -> None:
    answer = client.get("/api/days/2023-09-30")
    assert (answer.status_code, answer.json()["error"]["nearest"]) == (404, "2023-09-29")
    assert client.get("/on/2019-01-01/api/about").status_code == 503


def test_the_guard_of_the_main_board_stands_before_them_all() -> None:
    app = make_app(board_app.projector, Figures.open(), token="secret", other_day=other_day)
    with TestClient(app, base_url="http://localhost") as client:
        for path in ("/api/days", "/on/2023-09-29/", "/on/2023-09-29/api/about"):
            assert client.get(path).status_code == 401
        assert client.get("/api/days", headers={"authorization": "Bearer secret"}).status_code == 200


def test_the_board_used_longest_ago_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Fake:
        def __init__(self, name: str) -> None:
            self.state = self
            self.name = name

        def close(self) -> None:
            closed.append(self.name)

    known = {f"2020-01-0{i}": date(2020, 1, i) for i in (1, 2, 3)}
    desk = board_app.app().state.desk
    found = board_days.Days(desk, lambda day: Fake(str(day)))  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(found, "_known", {**known, "2024-12-31": date(2024, 12, 31)})
    for name in known:
        found.ask(name)
        for thread in threading.enumerate():
            if thread.name == f"board of {name}":
                thread.join(20)
        assert found.ask(name).state == "ready"
    assert closed == ["2020-01-01"]
    found.close()
    assert sorted(closed) == sorted(known)
