"""The board over the packaged posterior, made once for all tests that ask it."""

from __future__ import annotations

from functools import cache

from fastapi import FastAPI

from acuerdo.board.server import make_app
from acuerdo.figures.store import Figures
from acuerdo.projection import Projector, make_projector

MONTHS, DRAWS = 12, 60


@cache
def projector() -> Projector:
    return make_projector("2024-12", MONTHS, DRAWS, 1)


@cache
def app() -> FastAPI:
    return make_app(projector, Figures.open())
