"""The board's server: a documented API without memory of who asks, and the one page that uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from acuerdo import __version__
from acuerdo.board.answers import add_answers, named
from acuerdo.board.api import About, Described, History, PackageAbout, PictureAbout, Refusal, RunAnswer, RunRequest
from acuerdo.board.days import add_days
from acuerdo.board.desk import Desk
from acuerdo.board.downloads import add_downloads
from acuerdo.board.guard import LOOPBACK, Guard, refusal
from acuerdo.board.inside_api import add_inside
from acuerdo.board.scheduler import Busy, Scheduler, Stale
from acuerdo.board.shelf import Shelf
from acuerdo.board.shelf_api import add_shelf
from acuerdo.errors import InputError
from acuerdo.figures.store import Figures
from acuerdo.i18n import Texts
from acuerdo.projection import Projector

STATIC = Path(__file__).parent / "static"
_REFUSALS: dict[int | str, dict[str, Any]] = {
    code: {"model": Refusal, "description": words}
    for code, words in {
        400: "The body is not JSON.",
        409: "A newer request of the same client has come.",
        408: "The body does not come whole in time.",
        413: "The body is too large.",
        422: "A name or value is not valid; the answer names the nearest valid one.",
        503: "Too many requests wait.",
    }.items()
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Refusal, "description": "There is no such name."}}


def make_app(
    projector_factory: Callable[[], Projector],
    figures: Figures,
    token: str | None = None,
    any_host: bool = False,
    shelf: Shelf | None = None,
    other_day: Callable[[date | None], Projector] | None = None,
) -> FastAPI:
    """Return the board as an ASGI application.

    Args:
        projector_factory: makes the projector to run, whose months are the longest horizon; called once, here, and
            run once.
        figures: the snapshot.
        token: what a visitor has to show; None for a board that only its own machine can reach.
        shelf: the library of saved scenarios; None for a board without one.
        other_day: makes the projector of another day, for boards of other days under `/on/DAY`; None for a board of
            one day only.
        any_host: answer whatever name the request gives to the host; otherwise only the names of the own machine.

    Raises:
        DataError: the corridor's `board.yaml` is not valid.
    """
    desk, scheduler = Desk(projector_factory(), figures), Scheduler[bytes]()
    desk.warm()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.close()
        if shelf is not None:
            shelf.close()

    app = FastAPI(
        title="acuerdo board",
        version=__version__,
        description="Levers, outcomes and scenarios of a shared model. Every answer is for the figures of one day.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.desk, app.state.shelf = desk, shelf
    run = _add_api(app, desk, scheduler)
    makers = add_downloads(app, desk, run)
    _add_refusals(app)
    add_answers(app, desk)
    add_shelf(app, desk, shelf)
    add_inside(app, desk, scheduler)

    def board_of(day: date | None) -> FastAPI:  # behind the guard of this one, with the same library
        assert other_day is not None
        return make_app(lambda: other_day(day), figures, any_host=True, shelf=shelf)

    days = add_days(app, desk, board_of if other_day else None)

    def close() -> None:
        for part in (scheduler, makers, days):
            part.close()

    app.state.close = close

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    app.add_middleware(Guard, token=token, hosts=() if any_host else LOOPBACK)
    return app


def _add_api(app: FastAPI, desk: Desk, scheduler: Scheduler[bytes]) -> Callable[[RunRequest], Awaitable[bytes]]:
    """Add the board's own paths; return what runs a request in its turn."""

    async def answered(asked: RunRequest) -> bytes:
        known = desk.known(desk.key(asked))
        if known is not None:
            return known
        desk.check(asked)  # what is not valid is refused without waiting
        made: bytes = await asyncio.wrap_future(scheduler.submit(asked.client, asked.number, lambda: desk.run(asked)))
        return made

    @app.get("/api/about", summary="Levers, outcomes, lines and assumptions")
    def about() -> About:
        return desk.about

    @app.post("/api/run", summary="Run a scenario against the outlook without it", responses=_REFUSALS)
    async def run(asked: RunRequest) -> RunAnswer:
        return Response(await answered(asked), media_type="application/json", headers=named(desk.key(asked)))  # type: ignore[return-value]

    @app.get("/api/variable/{name}", summary="Equation, unit, meaning, source and neighbours", responses=_NOT_FOUND)
    def variable(name: str) -> Described:
        return desk.variable(name)

    @app.get("/api/history/{line}", summary="What has been published of a line", responses=_NOT_FOUND)
    def history(line: str) -> History:
        return desk.history(line)

    @app.get("/api/picture", summary="Where people and goods are now")
    def picture() -> list[PictureAbout]:
        return desk.pictures

    @app.get("/api/packages", summary="The library of packages of measures")
    def packages() -> list[PackageAbout]:
        return desk.packages

    @app.get("/api/texts/{lang}", summary="Words of the page", responses=_NOT_FOUND)
    def texts(lang: str) -> dict[str, Any]:
        words = Texts(lang, desk.projector.built.corridor)
        shared = {f"evidence.{key}": text for key, text in words.raw("evidence").items()}
        return {**words.raw("board"), **shared, "interval": words.raw("format")["interval"]}

    return answered


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(InputError)
    def not_valid(request: Request, problem: InputError) -> Response:
        status = 422 if request.method in ("POST", "PUT") else 404  # otherwise a name in the path that there is not
        return refusal(status, problem.field, problem.value, problem.allowed, problem.nearest)

    @app.exception_handler(RequestValidationError)
    def not_in_form(_: Request, problem: RequestValidationError) -> Response:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or "body"
        return refusal(400 if first["type"] == "json_invalid" else 422, field, first.get("input"), first["msg"])

    @app.exception_handler(HTTPException)
    def other(request: Request, problem: HTTPException) -> Response:
        return refusal(problem.status_code, "request", f"{request.method} {request.url.path}", str(problem.detail))

    @app.exception_handler(Stale)
    def stale(_: Request, problem: Stale) -> Response:
        return refusal(409, "number", "", "a number above that of every earlier request of this client")

    @app.exception_handler(Busy)
    def busy(_: Request, problem: Busy) -> Response:
        answer = refusal(503, "request", "too many requests wait", "a new try in a moment")
        answer.headers["retry-after"] = "1"
        return answer
