"""Many people at one board: from a slider event to the whole answer, with scenarios of which no two are alike.

    python tools/bench_board_load.py [--people 50] [--seconds 30] [--address http://127.0.0.1:8765/]

Each person drags a slider (8 positions, 150 ms apart, the next asked for when the answer before has come), looks at the
result for 4 to 8 seconds, and takes another lever. A second run has all people look at the same eight scenarios, as in
a room that follows a link: then answers come from the cache. Without an address it starts a board of its own in another
process (as of 2024-12, 200 draws). Only this machine is asked, and it ends by itself.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

POSITIONS, BETWEEN, LOOKING = 8, 0.15, (4.0, 8.0)
MOST_PEOPLE, MOST_SECONDS = 200, 120


class Person(threading.Thread):
    """Somebody at the board; `times` has seconds from event to answer."""

    def __init__(self, number: int, address: str, until: float, levers: list[dict[str, object]], shared: bool) -> None:
        super().__init__(daemon=True)
        self.random = random.Random(number)
        place = urlsplit(address)
        self.connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        self.name_, self.until, self.levers, self.shared = f"{shared:d}-person-{number}", until, levers, shared
        self.times: list[float] = []
        self.other: dict[int, int] = {}
        self.asked = 0

    def run(self) -> None:
        """Drag, look, and drag again."""
        time.sleep(self.random.uniform(0, LOOKING[1]))
        while time.monotonic() < self.until:
            lever = self.random.choice(self.levers)
            low, high = lever["range"]  # type: ignore[misc]
            start, end = self.random.uniform(low, high), self.random.uniform(low, high)
            for step in range(POSITIONS):
                began = time.monotonic()
                if self.shared:
                    lever, value = self.levers[step % 8], sum(self.levers[step % 8]["range"]) / 2  # type: ignore[arg-type]
                else:
                    value = start + (end - start) * step / (POSITIONS - 1)
                self.ask({"lever": lever["name"], "value": value})
                time.sleep(max(0.0, BETWEEN - (time.monotonic() - began)))
            time.sleep(self.random.uniform(*LOOKING))

    def ask(self, setting: dict[str, object]) -> None:
        """Ask for one scenario and take down how long it took."""
        self.asked += 1
        body = json.dumps({"client": self.name_, "number": self.asked, "months": 12, "settings": [setting]})
        began = time.monotonic()
        self.connection.request(
            "POST", "/api/run", body, {"content-type": "application/json", "accept-encoding": "gzip"}
        )
        answer = self.connection.getresponse()
        answer.read()
        if answer.status == 200:
            self.times.append(time.monotonic() - began)
        else:
            self.other[answer.status] = self.other.get(answer.status, 0) + 1


def crowd(address: str, people: int, seconds: float, shared: bool) -> None:
    """Let people at the board and print what it took."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    connection.request("GET", "/api/about")
    levers = json.load(connection.getresponse())["levers"]
    until = time.monotonic() + seconds
    persons = [Person(number, address, until, levers, shared) for number in range(people)]
    for person in persons:
        person.start()
    for person in persons:
        person.join()
    times = sorted(t * 1000 for person in persons for t in person.times)
    p50, p95, p99 = (times[min(int(share * len(times)), len(times) - 1)] for share in (0.5, 0.95, 0.99))
    other = {code: sum(person.other.get(code, 0) for person in persons) for person in persons for code in person.other}
    kind = "the same eight scenarios" if shared else "no two scenarios alike"
    print(
        f"{people} people, {kind}: median {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms; "
        f"{len(times)} answers in {seconds:.0f} s; others {other or 'none'}"
    )


def main() -> None:
    """Run both crowds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=50)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--address")
    given = options.parse_args()
    people, seconds = min(given.people, MOST_PEOPLE), min(given.seconds, MOST_SECONDS)
    own = None
    address = given.address
    if not address:
        command = [sys.executable, "-m", "acuerdo", "board", "--no-open", "--port", "0", "--as-of", "2024-12"]
        own = subprocess.Popen([*command, "--library", "none"], stdout=subprocess.PIPE, text=True)
        assert own.stdout is not None
        address = re.findall(r"http://\S+", own.stdout.readline())[0]
    elif urlsplit(address).hostname not in ("127.0.0.1", "localhost"):
        options.error("--address: only this machine (127.0.0.1) is asked")
    try:
        for shared in (False, True):
            crowd(address, people, seconds, shared)
    finally:
        if own is not None:
            own.terminate()
            own.wait()
    print(f"load of this machine in the last minute: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
