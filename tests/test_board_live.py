"""The board as a process of its own: it survives bad company, and a kill loses nothing that was saved."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytestmark = pytest.mark.slow
SCENARIO = {"months": 6, "settings": [{"lever": "asylum_decisions", "value": 6000}]}


@contextmanager
def board(library: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    options = ["board", "--no-open", "--port", "0", "--draws", "20", "--as-of", "2024-12", "--library", str(library)]
    process = subprocess.Popen([sys.executable, "-m", "acuerdo", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, "the address is printed"
        yield found[0], process
    finally:
        process.kill()
        process.wait()


def ask(address: str, path: str, body: bytes | None = None, method: str | None = None) -> tuple[int, bytes]:
    headers = {"content-type": "application/json"}
    try:
        with urlopen(Request(address + path, body, headers, method=method), timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        return refused.code, refused.read()
    except OSError:  # the board hung up on a body that is too large
        return 413, b'{"error": {"message": "closed"}}'


def resident(process: subprocess.Popen[str]) -> float:
    """Megabytes in memory."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_bad_company_gets_reasons_and_the_board_stays_as_it_was(tmp_path: Path) -> None:
    with board(tmp_path / "library.sqlite") as (address, process):
        good = json.dumps(SCENARIO).encode()
        status, first = ask(address, "api/run", good)
        assert status == 200
        before = resident(process)
        idle = [socket.create_connection((re.split("[/:]+", address)[1], int(address.split(":")[2].strip("/"))))]
        idle += [socket.create_connection(idle[0].getpeername()) for _ in range(99)]
        for connection in idle[:50]:
            connection.sendall(b"POST /api/run HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n{")
        bad = [
            b'{"settings": [{"lever": "asylum_decision", "value": 1}]}',
            b'{"settings": [{"lever": "asylum_decisions", "value": NaN}]}',
            b"x" * 10_000_000,
            b'{"draws": 1000000000}',
            b'{"months": 1000000000}',
            b'{"client": "\'; DROP TABLE scenarios; --"}',
            b'{"held": {"<script>alert(1)</script>": 1}}',
            b"[" * 60_000,
            b'{"a":' * 10_000,
        ]
        for round_ in range(12):
            for body in bad:
                status, told = ask(address, "api/run", body)
                assert 400 <= status < 500, body[:60]
                assert json.loads(told)["error"]["message"]
            setting = {"lever": "asylum_decisions", "value": 1000 + round_}
            assert ask(address, "api/run", json.dumps({"settings": [setting]}).encode())[0] == 200
        for connection in idle:
            connection.close()
        assert ask(address, "api/run", good) == (200, first)
        assert resident(process) - before < 200, "megabytes more than before"


def test_a_kill_loses_no_saved_scenario(tmp_path: Path) -> None:
    library, saved = tmp_path / "library.sqlite", []
    for turn in range(2):
        with board(library) as (address, process):
            found = json.loads(ask(address, "api/scenarios")[1])
            assert sorted(entry["id"] for entry in found["entries"]) == sorted(saved)
            for number in range(5):
                body = {"title": f"Turn {turn}, number {number}", "scenario": SCENARIO}
                status, told = ask(address, "api/scenarios", json.dumps(body).encode())
                assert status == 201
                saved.append(json.loads(told)["id"])
            process.send_signal(signal.SIGKILL)
    assert len(set(saved)) == 10


@pytest.mark.parametrize("library", ["postgresql+psycopg://a:secret@127.0.0.1:1/none?connect_timeout=2", "."])
def test_a_library_that_cannot_be_opened_is_told_in_one_line(library: str) -> None:
    command = [sys.executable, "-m", "acuerdo", "board", "--library", library]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "scenario library" in done.stderr
    assert "secret" not in done.stderr
