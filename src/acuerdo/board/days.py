"""Boards of other days: what had been published by then, made in a thread when first asked for, and few at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from threading import Lock, Thread
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from acuerdo.board.api import Refusal
from acuerdo.board.desk import Desk
from acuerdo.board.guard import refusal
from acuerdo.errors import unknown_name
from acuerdo.inference.posterior import packaged, saved

PLACE = "/on"
LATEST = "latest"
_NO_DAY: dict[int | str, dict[str, Any]] = {404: {"model": Refusal, "description": "There is no such day."}}
MOST_BOARDS = 3  # with the one that the board was started with


class DayState(BaseModel):
    """A day whose figures the board can show; `place` is where its page and API stand."""

    day: str
    place: str
    state: Literal["ready", "making", "asleep", "failed"]


@dataclass
class _Board:
    app: FastAPI | None = None
    failed: bool = False


def day_name(day: date | None) -> str:
    """Return the name of a day in the API: YYYY-MM-DD, or `latest` for all figures there are."""
    return LATEST if day is None else day.isoformat()


class Days:
    """The boards of other days as one ASGI application, mounted at `PLACE`; safe to ask from several threads.

    Args:
        desk: of the day that the board was started with.
        make: makes the board of a day (None for the latest), whose `state.close` ends it; None for a board of its own
            day only.
    """

    def __init__(self, desk: Desk, make: Callable[[date | None], FastAPI] | None) -> None:
        self._desk, self._make = desk, make
        self._own = day_name(desk.projector.posterior.day)
        self._boards: OrderedDict[str, _Board] = OrderedDict()
        self._known: dict[str, date | None] | None = None
        self._lock, self._reading = Lock(), Lock()

    @property
    def known(self) -> dict[str, date | None]:
        """Days of the packaged posteriors that fit this model and these figures, and the board's own; oldest first."""
        with self._reading:
            if self._known is None:
                built, figures = self._desk.projector.built, self._desk.snapshot
                stems = sorted(path.stem for path in packaged(built).glob("*.nc")) if self._make else []
                days = {stem: None if stem == LATEST else date.fromisoformat(stem) for stem in stems}
                fitting = {name: day for name, day in days.items() if saved(built, figures, day) is not None}
                self._known = dict(sorted({**fitting, self._own: self._desk.projector.posterior.day}.items()))
            return self._known

    def states(self) -> list[DayState]:
        """Return every day with the state of its board."""
        return [self._state(name) for name in self.known]

    def ask(self, name: str) -> DayState:
        """Have the board of a day made if it is not there; return its state as it is now.

        Raises:
            InputError: there is no such day.
        """
        if name not in self.known:
            raise unknown_name("day", name, self.known)
        if name != self._own:
            with self._lock:
                board = self._boards.get(name)
                if board is None or board.failed:
                    self._boards[name] = board = _Board()
                    Thread(target=self._work, args=(name, board), name=f"board of {name}", daemon=True).start()
                self._boards.move_to_end(name)
        return self._state(name)

    def close(self) -> None:
        """End every board."""
        with self._lock:
            boards = list(self._boards.values())
            self._boards.clear()
        for board in boards:
            if board.app is not None:
                board.app.state.close()

    def _work(self, name: str, board: _Board) -> None:
        assert self._make is not None, "a board of one day has no other"
        try:
            app = self._make(self.known[name])
        except Exception:
            board.failed = True
            raise  # the thread's traceback is for whoever runs the board; visitors see the state
        with self._lock:
            if self._boards.get(name) is board:
                board.app = app
            ready = [key for key, other in self._boards.items() if other.app is not None]
            ended = [self._boards.pop(key) for key in ready[: max(0, len(ready) - (MOST_BOARDS - 1))]]
        if board.app is None:  # closed meanwhile
            app.state.close()
        for other in ended:
            if other.app is not None:
                other.app.state.close()

    def _state(self, name: str) -> DayState:
        if name == self._own:
            return DayState(day=name, place="", state="ready")
        board = self._boards.get(name)
        place = f"{PLACE}/{name}"
        if board is None:
            return DayState(day=name, place=place, state="asleep")
        return DayState(day=name, place=place, state="failed" if board.failed else "ready" if board.app else "making")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the board of its day; a page of a board that is not there leads to the main one."""
        name, _, rest = scope["path"].removeprefix(f"{PLACE}/").partition("/")
        with self._lock:
            board = self._boards.get(name)
            app = None if board is None else board.app
            if app is not None:
                self._boards.move_to_end(name)
        if app is not None:
            await app({**scope, "root_path": f"{PLACE}/{name}"}, receive, send)
        elif rest == "":
            await RedirectResponse("/", 307)(scope, receive, send)  # a browser keeps the scenario behind the #
        else:
            answer = refusal(503, "day", name, f"a day whose board is ready; ask GET /api/days/{name[:20]}")
            await answer(scope, receive, send)


def add_days(app: FastAPI, desk: Desk, make: Callable[[date | None], FastAPI] | None) -> Days:
    """Add the boards of other days to a board; return them, to be closed with it."""
    days = Days(desk, make)

    @app.get("/api/days", summary="Days whose figures can be shown")
    def listed() -> list[DayState]:
        return days.states()

    @app.get(
        "/api/days/{day}", summary="Have the board of a day made", responses={404: {"description": "No such day."}}
    )
    def ask(day: str) -> DayState:
        return days.ask(day)

    app.mount(PLACE, days)
    return days
