"""What stands before the board: the size of a request, the host that it names, the token, and what a page may load."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acuerdo.board.api import MOST_BYTES, Problem, Refusal

LOOPBACK = ("127.0.0.1", "localhost")
COOKIE = "acuerdo_board"
BODY_SECONDS = 20.0
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def refusal(status: int, field: str, value: object, allowed: str, nearest: object | None = None) -> Response:
    """Return an answer that says why a request was refused; what it quotes of the request is cut short."""
    shown = value if isinstance(value, str) else repr(value)
    shown = shown[:80] + ("…" if len(shown) > 80 else "")
    message = f"{field}: {shown!r} is not valid; allowed: {allowed}"
    if nearest is not None:
        message += f"; nearest valid: {nearest}"
    problem = Problem(
        field=_told(field),
        value=_told(shown),
        allowed=_told(allowed),
        nearest=None if nearest is None else _told(str(nearest)),
        message=_told(message),
    )
    return Response(Refusal(error=problem).model_dump_json(), status, media_type="application/json")


def _told(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # half a character, which JSON can escape, is no text


class Guard:
    """Lets a request through, or answers it with the reason why not.

    Args:
        app: what stands behind.
        token: what a visitor has to show (as a cookie, a bearer token, or `?token=` once); None for a board that only
            its own machine can reach.
        hosts: names by which the board may be asked for; empty for any. On the own machine this keeps out pages of
            other sites that have their name point here.
        most_bytes: largest body.
        seconds: time for a body to come whole.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str | None = None,
        hosts: Iterable[str] = (),
        most_bytes: int = MOST_BYTES,
        seconds: float = BODY_SECONDS,
    ) -> None:
        self._app, self._token, self._hosts, self._most = app, token, frozenset(hosts), most_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-cache")
            await send(message)

        refused = self._refused(scope)
        if refused is not None:
            await refused(scope, receive, send_guarded)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._body(scope, receive)
        except TimeoutError:
            slow = refusal(408, "body", "not whole", f"a body that comes whole in {self._seconds:g} seconds")
            slow.headers["connection"] = "close"
            await slow(scope, receive, send_guarded)
            return
        if body is None:
            large = refusal(413, "body", f"more than {self._most} bytes", f"at most {self._most} bytes")
            large.headers["connection"] = "close"
            await large(scope, receive, send_guarded)
            return
        told = False

        async def receive_again() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_again, send_guarded)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the body, or None as soon as it is known to be too large."""
        length = Headers(scope=scope).get("content-length", "")
        if length.isdigit() and int(length) > self._most:
            return None
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                break
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
            if size > self._most:
                return None
        return b"".join(parts)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").rsplit(":", 1)[0].lower()
        if self._hosts and host not in self._hosts:
            return refusal(421, "host", host, ", ".join(sorted(self._hosts)))
        if self._token is None:
            return None
        query = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if query and self._right(query) and scope["method"] == "GET":
            entered = RedirectResponse(scope["path"] or "/", 303)
            entered.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
            return entered
        if self._right(_shown(headers)):
            return None
        return refusal(401, "token", "", "the address with ?token=... that was printed when the board was started")

    def _right(self, shown: str) -> bool:
        assert self._token is not None
        return secrets.compare_digest(shown.encode(), self._token.encode())


def _shown(headers: Headers) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value
