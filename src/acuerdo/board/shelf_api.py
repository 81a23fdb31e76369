"""The API of the scenario library: list, read, save, change and delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acuerdo.board.api import Refusal, RunRequest
from acuerdo.board.desk import Desk
from acuerdo.board.guard import refusal
from acuerdo.board.shelf import MOST_PAGE, ChangedError, Entry, GoneError, Shelf, ShelfError
from acuerdo.errors import InputError

FORM = 1
"""Version of the form in which scenarios are kept."""

_WHO = {"client", "number"}  # of a request, not of a scenario
Title = Annotated[
    str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")
]
Note = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Saving(_Form):
    """A scenario to keep."""

    title: Title
    note: Note = ""
    scenario: RunRequest


class Changing(Saving):
    """What an entry is to be, and the revision that this was made from."""

    revision: int = Field(ge=1, le=2**31 - 1)


class _Content(BaseModel):
    form: int
    scenario: dict[str, Any]


class Kept(BaseModel):
    """An entry of the library."""

    id: str
    title: str
    note: str
    form: int = Field(description="version of the form of the scenario")
    scenario: dict[str, Any] | None = Field(
        description="as POST /api/run takes it; None if it does not fit this board, see `problem`"
    )
    problem: str | None = Field(description="why the scenario cannot be loaded on this board")
    as_of: str = Field(description="day of the figures that it was saved on")
    same_model: bool = Field(description="whether the model is the one that it was saved on")
    revision: int
    made: str
    changed: str


class Listing(BaseModel):
    """Some entries, the newest change first."""

    total: int
    offset: int
    entries: list[Kept]


_REASONS = {
    404: "There is no such entry.",
    409: "Somebody else changed the entry first; the answer says its revision.",
    422: "A name or value is not valid.",
    503: "The library cannot be reached, or the board has none.",
}


def _answers(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: {"model": Refusal, "description": _REASONS[code]} for code in codes}


def add_shelf(app: FastAPI, desk: Desk, shelf: Shelf | None) -> None:
    """Add the library to a board; without a shelf, every request is told that there is none."""
    digest = str(desk.projector.posterior.notes.get("model_digest", ""))
    day = str(desk.projector.posterior.day or "latest")

    def open_shelf() -> Shelf:
        if shelf is None:
            raise ShelfError("this board was started without a library")
        return shelf

    def told(entry: Entry) -> Kept:
        form, scenario, problem = 0, None, None
        try:
            kept = _Content.model_validate_json(entry.scenario)
            form = kept.form
            if form > FORM:
                raise InputError("form", form, f"up to {FORM}: saved by a newer acuerdo")
            asked = RunRequest.model_validate(kept.scenario)
            desk.check(asked)
            scenario = asked.model_dump(mode="json", exclude=_WHO)
        except InputError as error:  # a lever or line that this board does not have
            problem = str(error)
        except ValidationError as error:
            first = error.errors()[0]
            problem = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        return Kept(
            id=entry.id,
            title=entry.title,
            note=entry.note,
            form=form,
            scenario=scenario,
            problem=problem,
            as_of=entry.as_of,
            same_model=entry.model == digest,
            revision=entry.revision,
            made=entry.made,
            changed=entry.changed,
        )

    def content(asked: RunRequest) -> str:
        desk.check(asked)
        return _Content(form=FORM, scenario=asked.model_dump(mode="json", exclude=_WHO)).model_dump_json()

    @app.get("/api/scenarios", summary="Saved scenarios, the newest change first", responses=_answers(422, 503))
    def entries(
        q: Annotated[str, Query(max_length=120, description="words in the title")] = "",
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_PAGE)] = 50,
    ) -> Listing:
        total, found = open_shelf().find(q.replace("\x00", ""), offset, limit)
        return Listing(total=total, offset=offset, entries=[told(entry) for entry in found])

    @app.post("/api/scenarios", status_code=201, summary="Save a scenario", responses=_answers(422, 503))
    def save(asked: Saving) -> Kept:
        return told(open_shelf().add(asked.title.strip(), asked.note, content(asked.scenario), day, digest))

    @app.get("/api/scenarios/{name}", summary="One saved scenario", responses=_answers(404, 503))
    def entry(name: str) -> Kept:
        return told(open_shelf().get(_clean(name)))

    @app.put("/api/scenarios/{name}", summary="Change a saved scenario", responses=_answers(404, 409, 422, 503))
    def change(name: str, asked: Changing) -> Kept:
        made = content(asked.scenario)
        new = {"title": asked.title.strip(), "note": asked.note, "scenario": made, "as_of": day, "model": digest}
        return told(open_shelf().change(_clean(name), asked.revision, **new))

    @app.delete(
        "/api/scenarios/{name}",
        status_code=204,
        summary="Delete a saved scenario",
        responses=_answers(404, 409, 422, 503),
    )
    def remove(name: str, revision: Annotated[int, Query(ge=1, le=2**31 - 1)]) -> Response:
        open_shelf().remove(_clean(name), revision)
        return Response(status_code=204)

    @app.exception_handler(GoneError)
    def gone(_: Request, problem: GoneError) -> Response:
        return refusal(404, "scenario", str(problem), "the id of a saved scenario")

    @app.exception_handler(ChangedError)
    def changed(_: Request, problem: ChangedError) -> Response:
        return refusal(409, "revision", "changed by somebody else", "the revision it is at now", problem.revision)

    @app.exception_handler(ShelfError)
    def closed(_: Request, problem: ShelfError) -> Response:
        return refusal(503, "library", str(problem), "a library that can be reached; the rest of the board works")


def _clean(name: str) -> str:
    return name.replace("\x00", "")


__all__ = ["FORM", "Changing", "Kept", "Listing", "Saving", "add_shelf"]
