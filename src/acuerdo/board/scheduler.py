"""One worker for many people: it runs one request at a time, and of each client only the newest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Generic, TypeVar

R = TypeVar("R")
MOST_WAITING, MOST_CLIENTS = 200, 2000


class Stale(Exception):  # noqa: N818 it is no error: a newer request took its place
    """A newer request of the same client has come."""


class Busy(Exception):  # noqa: N818 it is no error of the request
    """Too many requests wait."""


@dataclass(frozen=True)
class _Waiting(Generic[R]):
    job: Callable[[], R]
    answer: Future[R]


class Scheduler(Generic[R]):
    """Runs jobs one after another in a thread of its own, clients in turn.

    A client's newer request takes the place of the one that waits; a request with a number that is not above the newest
    one seen of its client is refused. Number 0 keeps no order: such a request waits for its own turn.

    Args:
        most: how many may wait.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._waiting: OrderedDict[object, _Waiting[R]] = OrderedDict()
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._changed = Condition()
        self._open = True
        self._thread = Thread(target=self._work, name="board", daemon=True)
        self._thread.start()

    def submit(self, client: str, number: int, job: Callable[[], R]) -> Future[R]:
        """Return the answer to come.

        Args:
            client: who asks.
            number: rises with every request of the client; 0 for no order.
            job: what to run; an exception that it raises is the answer.

        Raises:
            Stale: a newer request of this client has come before. A request that is overtaken later ends with it too.
            Busy: too many requests wait, or the board is about to end.
        """
        answer: Future[R] = Future()
        with self._changed:
            if not self._open:
                raise Busy
            key: object = client if number else answer
            if number:
                if number <= self._newest.get(client, 0):
                    raise Stale
                self._newest[client] = number
                self._newest.move_to_end(client)
                while len(self._newest) > MOST_CLIENTS:
                    self._newest.popitem(last=False)
            overtaken = self._waiting.get(key)
            if overtaken is None and len(self._waiting) >= self._most:
                raise Busy
            if overtaken is not None and overtaken.answer.set_running_or_notify_cancel():
                overtaken.answer.set_exception(Stale())
            self._waiting[key] = _Waiting(job, answer)  # keeps the place in the row of the one overtaken
            self._changed.notify()
        return answer

    def close(self) -> None:
        """Finish the job at hand and stop; those that wait are cancelled."""
        with self._changed:
            self._open = False
            for item in self._waiting.values():
                item.answer.cancel()
            self._waiting.clear()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._open and not self._waiting:
                    self._changed.wait()
                if not self._open:
                    return
                _, item = self._waiting.popitem(last=False)
                if not item.answer.set_running_or_notify_cancel():
                    continue
            try:
                item.answer.set_result(item.job())
            except BaseException as problem:  # the answer carries it to the one who asked
                item.answer.set_exception(problem)
