"""Answers by the hash of their scenario, for caches: what a hash stands for never changes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Header, Path, Response

from acuerdo.board.api import Refusal, RunAnswer
from acuerdo.board.desk import Desk
from acuerdo.board.guard import refusal

_KEPT = "private, max-age=31536000, immutable"  # private: the board may demand a token
_RESPONSES: dict[int | str, dict[str, Any]] = {
    304: {"description": "You have it."},
    404: {"model": Refusal, "description": "This answer is not kept (any more); POST /api/run gives it."},
}


def named(key: str) -> dict[str, str]:
    """Return the headers that say by which hash an answer can be asked for again."""
    return {"etag": _tag(key), "content-location": f"/api/answers/{key}"}


def _tag(key: str) -> str:
    return f'W/"{key}"'  # weak: its bytes may be compressed or not


def add_answers(app: FastAPI, desk: Desk) -> None:
    """Add the answers that the desk has kept."""

    @app.get("/api/answers/{key}", summary="An answer of POST /api/run, by its hash", responses=_RESPONSES)
    def answer(
        key: Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="`scenario` of the answer")],
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> RunAnswer:
        known = desk.known(key)
        if known is None:
            return refusal(404, "answer", key, "the hash of a scenario run lately; POST /api/run runs it again")  # type: ignore[return-value]
        headers = {**named(key), "cache-control": _KEPT}
        told = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
        if f'"{key}"' in told or told == ["*"]:
            return Response(status_code=304, headers=headers)  # type: ignore[return-value]
        return Response(known, media_type="application/json", headers=headers)  # type: ignore[return-value]


__all__ = ["add_answers", "named"]
