"""Writing the brief to disk: whole files or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from acuerdo.brief import html, pdf
from acuerdo.brief.model import Brief
from acuerdo.errors import InputError, unknown_name

FORMATS = ("html", "pdf")


def write(brief: Brief, out_dir: Path | str, formats: Iterable[str] = FORMATS, paper: str = "a4") -> list[Path]:
    """Write the brief in the given formats and return the paths, named like `brief_2023-09-29_en.html`.

    All formats are rendered before the first file is touched, and each file appears whole or not at all.

    Raises:
        InputError: a format or the paper is not known, or the folder cannot be written to.
    """
    makers: dict[str, Callable[[], bytes]] = {
        "html": lambda: html.render(brief).encode(),
        "pdf": lambda: pdf.render(brief, paper),
    }
    wanted = list(dict.fromkeys([formats] if isinstance(formats, str) else formats))
    for name in wanted:
        if name not in makers:
            raise unknown_name("format", name, makers)
    made = {name: makers[name]() for name in wanted}
    folder = Path(out_dir)
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            path = folder / f"brief_{brief.day}_{brief.lang}.{name}"
            _replace(path, content)
            paths.append(path)
    except OSError as problem:
        reason = problem.strerror or problem.__class__.__name__
        raise InputError("out", str(folder), f"a folder that can be written to ({reason})") from problem
    return paths


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
