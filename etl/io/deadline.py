"""A bound on how long a call may take, whatever the other side does.

A socket's timeout begins anew with every byte, so a server that sends one now and then is never silent and never done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")


class DeadlineExceeded(Exception):
    """The call was not done in time; its thread is left to itself."""


class Limit:
    """The moment (of the monotonic clock) at which a call is given up; the call may extend it for the bytes it moves."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self.extended = 0.0

    @property
    def left(self) -> float:
        """Seconds until then; not above 0 once it has passed."""
        return self._end + self.extended - time.monotonic()

    def extend(self, seconds: float) -> None:
        """Allow this much more."""
        self.extended += seconds

    def require(self) -> None:
        """Raise DeadlineExceeded once the limit has passed: ends the thread of a call that nobody waits for."""
        if self.left <= 0:
            raise DeadlineExceeded("no complete answer within the deadline")


def within(limit: Limit, call: Callable[[Limit], T]) -> T:
    """The call's result, or what it raised. Raises DeadlineExceeded at the limit."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call(limit))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="store call", daemon=True).start()
    while not wait([future], max(limit.left, 0)).done:
        limit.require()
    return future.result()
