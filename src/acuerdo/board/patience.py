"""How long the board waits for somebody to say what is wanted: a silent connection must not keep the others out."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""Time for the head of a request, from the connection or from its first byte on."""


class Patient(H11Protocol):
    """HTTP as uvicorn speaks it, but a connection whose request does not come whole in time is closed.

    uvicorn's limit counts open connections, so without this a few hundred silent ones would shut the board. The time is
    not prolonged by bytes that trickle in. The time for the body is the guard's matter.
    """

    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take bytes; wait for the rest of the head, or no longer."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to wait."""
        super().connection_lost(exc)
        self._stop()

    def _waits(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        if not self._waits():
            self._stop()
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _stop(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _hang_up(self) -> None:
        self._head = None
        if self._waits():
            self.transport.close()


__all__ = ["HEAD_SECONDS", "Patient"]
