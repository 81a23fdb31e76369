"""Revisions of a checkout: their files in a folder that does not stay, and their model run in a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from acuerdo.compare import runner
from acuerdo.errors import DataError, InputError, nearest_name

MONTHS, DRAWS, SEED = 24, 40, 1
WORKING_TREE = (".", "worktree")
OLDEST = "the first with src/acuerdo/engine/describe.py"
"""Revision from which on the runner works, in words; from there to now nothing that it asks for has changed."""

Tick = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Found:
    """What one revision did on the standard scenarios.

    Attributes:
        revision: as the person named it.
        commit: short name of the commit; empty for the working tree.
        said: its declarations, lever record, and the words of scenarios and paths (`runner.py` writes them).
        paths: `record` (path, past, draw) and `ahead` (scenario, path, month, draw); draw 0 is the median of the
            priors, and each path has an id, member, kind and unit.
    """

    revision: str
    commit: str
    said: Mapping[str, Any]
    paths: xr.Dataset


def compare_runs(
    repo: Path, revisions: tuple[str, str], last: str, corridor: str | None = None, tick: Tick | None = None
) -> tuple[Found, Found]:
    """Run two revisions on the standard scenarios, at the same time. Nothing of it stays on the disk.

    Args:
        repo: a folder of the checkout.
        revisions: two git revisions; `.` or `worktree` for the files as they are.
        last: last month of the record, YYYY-MM; scenarios begin in the month after.
        corridor: name of the corridor.
        tick: called with revision, steps done and steps in all.

    Raises:
        InputError: the folder is not in a checkout, or a revision is not one of it.
        DataError: a revision holds no model, or its code cannot run the scenarios.
    """
    top = checkout(repo)
    commits = [resolve(top, revision) for revision in revisions]
    wanted = {"corridor": corridor, "last": last, "months": MONTHS, "draws": DRAWS, "seed": SEED}

    with ExitStack() as stay:
        sources = [stay.enter_context(files_of(top, *each)) for each in zip(revisions, commits, strict=True)]
        with ThreadPoolExecutor(2) as pool:
            runs = [
                pool.submit(_run, source, revision, commit, wanted, tick)
                for source, revision, commit in zip(sources, revisions, commits, strict=True)
            ]
        first, second = (run.result() for run in runs)
    return first, second


def checkout(folder: Path) -> Path:
    """Return the top of the git checkout that a folder is in.

    Raises:
        InputError: there is none.
    """
    done = _git(folder, "rev-parse", "--show-toplevel")
    if done.returncode != 0:
        raise InputError("repo", str(folder), "a folder of a git checkout of this project")
    return Path(os.fsdecode(done.stdout).removesuffix("\n"))


def resolve(top: Path, revision: str) -> str:
    """Return the short name of a revision's commit, or nothing for the working tree.

    Raises:
        InputError: the checkout has no such revision.
    """
    if revision in WORKING_TREE:
        return ""
    done = _git(top, "rev-parse", "--verify", "--quiet", "--short", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode != 0:
        listed = _git(top, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags").stdout.decode()
        allowed = "a branch, tag or commit of this checkout, or `.` for the working tree"
        raise InputError("revision", revision, allowed, nearest_name(revision, [*listed.split(), "HEAD"]))
    return done.stdout.decode().strip()


@contextmanager
def files_of(top: Path, revision: str, commit: str) -> Iterator[Path]:
    """Give the folder with the Python code of a revision: that of the working tree, or a copy that does not stay.

    Raises:
        DataError: the revision holds no model, or one too old to compare.
    """
    if not commit:
        yield _with_model(top / "src", revision)
        return
    with tempfile.TemporaryDirectory(prefix="compare-") as name:
        done = _git(top, "archive", "--format=tar", commit, "src")
        if done.returncode == 0:
            with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
                archive.extractall(name, filter="data")
        yield _with_model(Path(name) / "src", revision)


def _with_model(source: Path, revision: str) -> Path:
    engine = source / "acuerdo" / "engine"
    for name, lacks in (("load.py", "it holds no model"), ("describe.py", "its model does not describe itself yet")):
        if not (engine / name).is_file():
            raise DataError(f"revision {revision}: {lacks}; the oldest that can be compared is {OLDEST}")
    return source


def _git(folder: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(folder), *args], capture_output=True, check=False)
    except FileNotFoundError:
        raise DataError("git: not found; comparing revisions needs it") from None


def _run(source: Path, revision: str, commit: str, wanted: Mapping[str, Any], tick: Tick | None) -> Found:
    """Run the scenarios with the code in a folder, and read what they gave."""
    env = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory(prefix="compare-") as name, tempfile.TemporaryFile() as errors:
        # -P: the script's own folder is not searched for modules
        command = [
            sys.executable,
            "-P",
            str(Path(runner.__file__)),
            name,
            json.dumps({**wanted, "source": str(source)}),
        ]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                done, slash, total = line.strip().partition("/")
                if tick and slash and done.isdigit() and total.isdigit():
                    tick(revision, int(done), int(total))
        if process.returncode != 0:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
            raise DataError(f"revision {revision}: its model cannot be run on the scenarios ({lines[-1]})")
        said = json.loads((Path(name) / "declarations.json").read_text(encoding="utf-8"))
        with xr.open_dataset(Path(name) / "paths.nc", engine="h5netcdf") as data:
            return Found(revision, commit, said, data.load())
