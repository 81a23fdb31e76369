"""What must be measured in a process of its own: `python -m acuerdo.bench.child WHAT DRAWS MONTHS` prints JSON."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from acuerdo.errors import DataError

# nothing compiled by an earlier process may be taken up
_FRESH = {"JAX_ENABLE_COMPILATION_CACHE": "false"}


def seconds(command: list[str]) -> float:
    """Return how long a command of this Python takes, started afresh.

    Raises:
        DataError: it fails.
    """
    start = time.perf_counter()
    _run(command)
    return time.perf_counter() - start


def measure(what: str, draws: int, months: int, corridor: str) -> dict[str, float]:
    """Measure `first` (a projection's first and warm run) or `memory` (its peak) in a process of its own."""
    found: dict[str, float] = json.loads(
        _run(["-m", "acuerdo.bench.child", what, str(draws), str(months), corridor]).splitlines()[-1]
    )
    return found


def _run(command: list[str]) -> str:
    source = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, **_FRESH, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DataError(f"a process of the benchmark failed ({' '.join(command)}): {last}")
    return done.stdout


def _main(what: str, draws: int, months: int, corridor: str) -> dict[str, Any]:
    from acuerdo.projection import make_projector

    projector = make_projector(None, months, draws, 1, corridor)
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        projector.run(noise=what == "memory")
        taken.append(time.perf_counter() - start)
    return {"first": taken[0], "warm": min(taken[1:]), "peak_mb": _peak_bytes() / 1e6}


def _peak_bytes() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would begin at what the parent held, on Linux
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024
    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])) + "\n")
