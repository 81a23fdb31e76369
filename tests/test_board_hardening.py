"""What the board does about people who mean it ill or do not finish: fast parts without a model, and the API."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import board_app
from acuerdo.board import patience
from acuerdo.board.commands import listen, serve
from acuerdo.board.guard import Guard

GOOD = {"title": "t", "scenario": {"months": 3}}


# ---- who does not finish


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())}")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """The address of a server that waits a quarter of a second for a head and for a body."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.25)
    app: Any = Guard(Starlette(routes=[Route("/", echo, methods=["GET", "POST"])]), seconds=0.25)
    listening, started = listen("127.0.0.1", 0), threading.Event()
    threading.Thread(target=serve, args=(app, listening, started.set), daemon=True).start()
    assert started.wait(30)
    yield listening.getsockname()
    listening.close()


def to_the_end(connection: socket.socket) -> bytes:
    """Everything that the server says until it hangs up; fails when it does not."""
    connection.settimeout(30)
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"])
def test_a_connection_without_a_whole_request_is_closed(place: tuple[str, int], said: bytes) -> None:
    with socket.create_connection(place) as connection:
        connection.sendall(said)
        assert to_the_end(connection) == b""


def test_bytes_that_trickle_in_do_not_prolong_the_wait(place: tuple[str, int]) -> None:
    def trickle(connection: socket.socket) -> None:
        for part in (b"GET / HTTP/1.1\r\nx: ", *[b"x"] * 600):
            connection.sendall(part)
            time.sleep(0.05)

    with socket.create_connection(place) as connection, pytest.raises(OSError):
        trickle(connection)


def test_the_wait_begins_anew_with_the_next_request_of_a_connection(place: tuple[str, int]) -> None:
    with socket.create_connection(place) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET / HTTP/1.1\r\nho")
        to_the_end(connection)


def test_a_body_that_does_not_come_is_told_so(place: tuple[str, int]) -> None:
    with socket.create_connection(place) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        told = to_the_end(connection)
    assert told.startswith(b"HTTP/1.1 408")
    assert b'"field":"body"' in told


def test_who_finishes_after_a_pause_inside_the_time_is_served(place: tuple[str, int], monkeypatch: Any) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 60)
    with socket.create_connection(place) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        time.sleep(0.4)
        connection.sendall(b"host: x\r\nconnection: close\r\n\r\n")
        assert to_the_end(connection).startswith(b"HTTP/1.1 200")


def test_a_wait_of_the_application_itself_is_not_cut_short() -> None:
    async def slow(request: Request) -> PlainTextResponse:
        await asyncio.sleep(0.2)
        return await echo(request)

    inner = Starlette(routes=[Route("/", slow, methods=["POST"])])
    with TestClient(Guard(inner, seconds=0.05), base_url="http://localhost") as client:
        assert client.post("/", content=b"xyz").text == "3"


# ---- what is no scenario, at every place that takes one


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(board_app.app(), base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def kept(client: TestClient) -> str:
    return str(client.post("/api/scenarios", json=GOOD).json()["id"])


FINE = b'{"months": 3}'
NO_SCENARIO = [
    b'{"settings": [{"lever": "asylum_decisions", "value": NaN}]}',
    b'{"settings": [{"lever": "asylum_decision", "value": 1}]}',
    b'{"settings": [{"lever": "\\ud800", "value": 1}]}',
    b'{"held": {"patience": Infinity}}',
    b'{"held": {"\\ud800": 1}}',
    b'{"held": {"a\\u0000b": 1}}',
    b'{"lines": ["<script>alert(1)</script>"]}',
    b'{"lines": ["\\ud800"]}',
    b'{"\\ud800": 1}',
    b'{"months": 1000000000}',
    b'{"draws": 1000000000}',
    b'{"a":' * 10_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"[" * 60_000,
    b"\xff\xfe",
    b"x" * 10_000_000,
]


def refused(client: TestClient, method: str, path: str, body: bytes) -> None:
    answer = client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, (method, path, answer.text[:200])
    assert answer.json()["error"]["message"]
    assert len(answer.content) < 2000


def whole(title: bytes = b"t", note: bytes = b"", scenario: bytes = FINE, revision: bytes = b"") -> bytes:
    return b'{"title": "%b", "note": "%b", "scenario": %b%b}' % (title, note, scenario, revision)


@pytest.mark.model
@pytest.mark.parametrize("scenario", NO_SCENARIO)
def test_what_is_no_scenario_is_refused_and_nothing_is_saved(client: TestClient, kept: str, scenario: bytes) -> None:
    before = client.get("/api/scenarios").json()
    refused(client, "POST", "/api/run", scenario)
    refused(client, "POST", "/api/scenarios", whole(scenario=scenario))
    refused(client, "PUT", f"/api/scenarios/{kept}", whole(scenario=scenario, revision=b', "revision": 1'))
    assert client.get("/api/scenarios").json() == before


@pytest.mark.model
@pytest.mark.parametrize(
    ("title", "note"),
    [
        (b"\\ud800", b""),
        (b"a\\u0000b", b""),
        (b"\\u0000", b""),
        (b"a\\u001bb", b""),
        (b"t", b"a\\u0000b"),
        (b"t", b"\\udc00"),
    ],
)
def test_words_that_cannot_be_kept_are_refused(client: TestClient, kept: str, title: bytes, note: bytes) -> None:
    refused(client, "POST", "/api/scenarios", whole(title, note))
    refused(client, "PUT", f"/api/scenarios/{kept}", whole(title, note, revision=b', "revision": 1'))
    assert client.get(f"/api/scenarios/{kept}").json()["revision"] == 1


@pytest.mark.model
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
def test_a_body_of_another_kind_is_refused(client: TestClient, kind: str) -> None:
    for path in ("/api/run", "/api/scenarios"):
        answer = client.post(path, content=b'{"months": 3}', headers={"content-type": kind})
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["message"]


@pytest.mark.model
@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff",
        "/api/history/%ff%00",
        "/api/variable/..%2f..%2fetc",
        "/api/scenarios/%00",
        "/static/%00",
        "/" + "x" * 5000,
    ],
)
def test_a_malformed_address_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert len(answer.json()["error"]["value"]) <= 81


@pytest.mark.model
@pytest.mark.parametrize(
    "query", ["limit=1000000000", "limit=NaN", "offset=-1", "offset=1e9", "q=" + "x" * 121, "limit=0"]
)
def test_a_listing_is_bounded(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/scenarios?{query}")
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == query.split("=")[0]
