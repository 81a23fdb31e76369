"""The board over the packaged posterior, made once for all tests that ask it."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from fastapi import FastAPI

from acuerdo.board.server import make_app
from acuerdo.board.shelf import Shelf
from acuerdo.figures.store import Figures
from acuerdo.projection import Projector, make_projector

MONTHS, DRAWS = 12, 60


@cache
def projector() -> Projector:
    return make_projector("2024-12", MONTHS, DRAWS, 1, share=False)


@cache
def app() -> FastAPI:
    return make_app(projector, Figures.open(), shelf=Shelf(Path(tempfile.mkdtemp()) / "library.sqlite"))
