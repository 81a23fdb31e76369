"""Parts of the board that need no model: the scheduler, the guard, the cache, the page's files, the command."""

from __future__ import annotations

import re
import socket
import threading
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from typer.testing import CliRunner

from acuerdo import corridor as corridors
from acuerdo.board import settings
from acuerdo.board.about import round_step
from acuerdo.board.api import RunRequest
from acuerdo.board.commands import listen
from acuerdo.board.desk import Recent
from acuerdo.board.guard import COOKIE, LOOPBACK, Guard
from acuerdo.board.scheduler import MOST_WAITING, Busy, Scheduler, Stale
from acuerdo.board.server import STATIC
from acuerdo.cli import app as cli
from acuerdo.errors import DataError, InputError
from acuerdo.i18n import Texts

# ---- the scheduler


class Gate:
    """A job that says when it has begun, and ends when it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(10)
        return "gate"


@pytest.fixture
def scheduler():
    made = Scheduler[str]()
    yield made
    made.close()


def test_only_the_newest_waiting_request_of_a_client_is_run(scheduler):
    gate, ran = Gate(), []
    first = scheduler.submit("a", 1, gate)
    assert gate.begun.wait(10)
    waiting = [scheduler.submit("a", n, lambda n=n: ran.append(n) or str(n)) for n in range(2, 7)]
    other = scheduler.submit("b", 1, lambda: "b")
    gate.go.set()
    assert first.result(10) == "gate"
    for overtaken in waiting[:-1]:
        with pytest.raises(Stale):
            overtaken.result(10)
    assert waiting[-1].result(10) == "6"
    assert other.result(10) == "b"
    assert ran == [6]


def test_a_late_request_is_refused(scheduler):
    assert scheduler.submit("a", 5, lambda: "five").result(10) == "five"
    for number in (5, 4):
        with pytest.raises(Stale):
            scheduler.submit("a", number, lambda: "late")
    assert scheduler.submit("b", 1, lambda: "b").result(10) == "b"


def test_requests_without_a_number_all_have_their_turn(scheduler):
    gate = Gate()
    scheduler.submit("a", 0, gate)
    assert gate.begun.wait(10)
    others = [scheduler.submit("a", 0, lambda n=n: str(n)) for n in range(5)]
    gate.go.set()
    assert [other.result(10) for other in others] == ["0", "1", "2", "3", "4"]


def test_a_job_that_fails_tells_its_caller_and_nobody_else(scheduler):
    def fails() -> str:
        raise InputError("x", 1, "2")

    with pytest.raises(InputError):
        scheduler.submit("a", 1, fails).result(10)
    assert scheduler.submit("a", 2, lambda: "fine").result(10) == "fine"


def test_a_row_that_is_too_long_is_refused(scheduler):
    gate = Gate()
    scheduler.submit("gate", 1, gate)
    assert gate.begun.wait(10)
    for n in range(MOST_WAITING):
        scheduler.submit(f"c{n}", 1, lambda: "c")
    with pytest.raises(Busy):
        scheduler.submit("one more", 1, lambda: "c")
    newest = scheduler.submit("c0", 2, lambda: "newer")  # takes a place that it has already
    gate.go.set()
    assert newest.result(10) == "newer"


def test_closing_cancels_those_that_wait():
    made, gate = Scheduler[str](), Gate()
    made.submit("a", 1, gate)
    assert gate.begun.wait(10)
    waiting = made.submit("b", 1, lambda: "b")
    closing = threading.Thread(target=made.close)
    closing.start()
    gate.go.set()
    closing.join(10)
    assert not closing.is_alive()
    with pytest.raises(CancelledError):
        waiting.result(10)
    with pytest.raises(Busy):  # and nobody who comes later waits for ever
        made.submit("c", 1, lambda: "c")


# ---- the guard


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())}")


def guarded(**options: object) -> TestClient:
    inner = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    return TestClient(Guard(inner, **options), base_url="http://localhost", follow_redirects=False)  # type: ignore[arg-type]


def test_bodies_up_to_the_limit_pass_whole():
    client = guarded(most_bytes=1000)
    assert client.post("/", content=b"x" * 1000).text == "1000"
    assert client.post("/", content=(b"x" * 100 for _ in range(10))).text == "1000"
    assert client.get("/").text == "0"


@pytest.mark.parametrize("stream", [False, True])
def test_larger_bodies_are_refused_without_being_kept(stream):
    pulled = 0

    def parts():
        nonlocal pulled
        for _ in range(10_000):
            pulled += 1
            yield b"x" * 1024

    answer = guarded(most_bytes=1000).post("/", content=parts() if stream else b"x" * 10_000_000)
    assert answer.status_code == 413
    assert answer.json()["error"]["allowed"] == "at most 1000 bytes"


def test_other_names_of_this_machine_are_refused():
    client = guarded(hosts=LOOPBACK)
    assert client.get("/", headers={"host": "localhost:8765"}).status_code == 200
    assert client.get("/", headers={"host": "127.0.0.1"}).status_code == 200
    answer = client.get("/", headers={"host": "evil.example:8765"})
    assert answer.status_code == 421
    assert answer.json()["error"]["value"] == "evil.example"


def test_token_by_link_cookie_or_header():
    client = guarded(token="right")
    for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": "right"}, {"cookie": f"{COOKIE}=wrong"}):
        assert client.get("/", headers=given).status_code == 401
    assert client.get("/?token=wrong").status_code == 401
    assert client.get("/?token=wröng").status_code == 401
    assert client.get("/", headers={"authorization": "Bearer right"}).status_code == 200
    entered = client.get("/?token=right")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/").status_code == 200  # the client has kept the cookie


def test_every_answer_forbids_foreign_and_inline_scripts():
    for answer in (guarded().get("/"), guarded(token="t").get("/"), guarded(most_bytes=1).post("/", content=b"xx")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


# ---- small parts


def test_the_cache_keeps_the_values_used_last():
    kept: Recent[int] = Recent(3)
    for key in range(3):
        kept.put(key, key)
    assert kept.get(0) == 0
    kept.put(3, 3)
    assert kept.get(1) is None
    assert [kept.get(key) for key in (0, 2, 3)] == [0, 2, 3]
    assert len(kept) == 3


@pytest.mark.parametrize(("raw", "step"), [(200, 200), (600, 500), (0.01, 0.01), (0.015, 0.01), (99, 50), (1, 1)])
def test_steps_are_round(raw, step):
    assert round_step(raw) == pytest.approx(step, rel=1e-12)


def test_the_key_of_a_scenario_does_not_depend_on_who_asks():
    one = RunRequest(client="a", number=1, settings=[{"lever": "x", "value": 1}])  # type: ignore[list-item]
    other = RunRequest(client="b", number=9, settings=[{"lever": "x", "value": 1.0}])  # type: ignore[list-item]
    assert one.model_dump(exclude={"client", "number"}) == other.model_dump(exclude={"client", "number"})


def test_a_corridor_without_valid_settings_says_where(tmp_path):
    (tmp_path / "board.yaml").write_text("charts: [{id: a, colour: red}]\n")
    with pytest.raises(DataError, match=r"board\.yaml: charts\.0\.colour"):
        settings.read(corridors.Corridor("test", tmp_path, {}))


# ---- the page's files


def test_the_page_asks_for_nothing_from_elsewhere_and_has_no_inline_code():
    for path in STATIC.iterdir():
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.findall(r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text), path
        assert "innerHTML" not in text, path
        assert "eval(" not in text, path
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"\son\w+=|style=|<script>|javascript:", page)


def test_every_text_that_the_page_asks_for_exists():
    known = set(Texts("en").raw("board"))
    asked: set[str] = set()
    for path in STATIC.glob("*.js"):
        asked |= set(re.findall(r"""\bt\(\s*["']([a-z_.]+)["']""", path.read_text("utf-8")))
    assert len(asked) > 50
    assert asked - known == {"interval"}


def test_the_machinery_of_the_board_names_no_side():
    about = corridors.load().about
    names = [words[lang] for words in about["sides"].values() for lang in about["locales"]]
    for path in [*STATIC.iterdir(), *Path(settings.__file__).parent.glob("*.py")]:
        text = path.read_text("utf-8")
        assert not [name for name in names if name in text], path
        assert corridors.load().name not in text, path


# ---- the command


def test_a_port_that_is_taken_is_named_with_a_free_one():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as problem:
            listen("127.0.0.1", port)
    assert problem.value.field == "port"
    assert isinstance(problem.value.nearest, int)
    assert problem.value.nearest != port


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--port", "70000"], "port"),
        (["--host", "no such host"], "host"),
        (["--host", "192.0.2.1"], "host"),
        (["--draws", "1000000000"], "draws"),
    ],
)
def test_bad_options_are_refused_before_any_work(options, field, monkeypatch):
    if options[1] == "192.0.2.1":
        options = [*options, "--port", "0"]
    if options[1] == "no such host":  # no name server is asked by a test
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror()))
    result = CliRunner().invoke(cli, ["board", *options])
    assert isinstance(result.exception, InputError)
    assert result.exception.field == field
    assert result.exception.nearest is not None
