"""The API of looking inside: why a number moved, the diagram of a sector, and how past forecasts did."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response

from acuerdo.board.api import Refusal
from acuerdo.board.desk import Desk
from acuerdo.board.scheduler import Busy, Scheduler
from acuerdo.board.track import RecordAnswer, Tracks
from acuerdo.board.why import Reasons, WhyAnswer, WhyRequest
from acuerdo.engine.drawing import sector_svg
from acuerdo.errors import unknown_name
from acuerdo.i18n import Texts

MOST_AT_WORK = 8
"""So many splits may be at work at once: each is many runs, between which those of moved levers have their turn."""

_REASONS = {
    404: "There is no such name.",
    422: "A name or value is not valid; the answer names the nearest valid one.",
    503: "Too many requests wait.",
}


def _answers(*codes: int) -> dict[int | str, dict[str, Any]]:
    return {code: {"model": Refusal, "description": _REASONS[code]} for code in codes}


def add_inside(app: FastAPI, desk: Desk, scheduler: Scheduler[bytes]) -> None:
    """Add what looks inside to a board. The step-by-step run is compiled here."""
    reasons, tracks, at_work = Reasons(desk), Tracks(desk), set[object]()
    reasons.stepper.ready()
    languages = list(desk.projector.built.corridor.about["locales"])

    @app.post("/api/why", summary="Why a number moved: by lever, and by direct cause", responses=_answers(422, 503))
    async def why(asked: WhyRequest) -> WhyAnswer:
        known = reasons.known(asked)
        if known is None:
            reasons.check(asked)
            if len(at_work) >= MOST_AT_WORK:
                raise Busy
            at_work.add(job := object())
            try:
                steps = reasons.steps(asked)
                while not known:
                    known = await asyncio.wrap_future(scheduler.submit(asked.client, 0, lambda: next(steps)))
            finally:
                at_work.discard(job)
        return Response(known, media_type="application/json")  # type: ignore[return-value]

    @cache
    def drawn(sector: str, lang: str) -> str:
        return sector_svg(desk.projector.built, sector, Texts(lang, desk.projector.built.corridor))

    @app.get(
        "/api/diagram/{sector}",
        summary="What moves what in a sector, as a drawing",
        response_class=Response,
        responses={**_answers(404), 200: {"content": {"image/svg+xml": {}}, "description": "The drawing."}},
    )
    def diagram(sector: str, lang: Annotated[str, Query(max_length=20)] = languages[0]) -> Response:
        if lang not in languages:
            raise unknown_name("lang", lang, languages)
        return Response(drawn(sector, lang), media_type="image/svg+xml", headers={"cache-control": "max-age=3600"})

    @app.get("/api/record/{line}", summary="Past forecasts of a line beside what came", responses=_answers(404))
    def past(line: str) -> RecordAnswer:
        return tracks.record(line)


__all__ = ["add_inside"]
