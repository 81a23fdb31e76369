"""Writing the brief to disk: whole files or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from acuerdo.brief import html, pdf
from acuerdo.brief.model import Brief
from acuerdo.errors import unknown_name
from acuerdo.files import write_whole

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
    paths = []
    for name, content in made.items():
        path = Path(out_dir) / f"brief_{brief.day}_{brief.lang}.{name}"
        write_whole(path, content)
        paths.append(path)
    return paths
