"""Runs that take turns, and runs that die: whoever calls a store waits there until it is its turn, or never goes on.

The stores are the real ones: the class ``LocalStore`` is wrapped, so that every order of the calls of several runs can
be played, and each again from its seed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from etl.io.store import LocalStore

_WRITES = ("put", "delete")
_CALLS = (*_WRITES, "list", "stat", "fetch", "read", "tail", "digest")
_mine = threading.local()


class Killed(BaseException):
    """The process is gone: nothing of the product may catch this."""


class Actor(threading.Thread):
    """Work that stops before every call of a store, until :func:`play` lets it go on.

    Args:
        dies_at: the write to the lake, from 1, in whose place it dies; None: it lives.
        how: "before" or "after" the write, or "torn": the temporary file is left.
    """

    def __init__(self, name: str, work: Callable[[], object], dies_at: int | None = None, how: str = "before") -> None:
        super().__init__(name=name, daemon=True)
        self.work, self.dies_at, self.how = work, dies_at, how
        self.error: BaseException | None = None
        self.over = False
        self.writes = 0
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)

    def run(self) -> None:
        self._go.acquire()
        _mine.actor = self
        try:
            self.work()
        except BaseException as error:
            self.error = error
        self.over = True
        self._back.release()

    def step(self) -> None:
        """Run on to the next call of a store, or to the end."""
        if not self.is_alive():
            self.start()
        self._go.release()
        self._back.acquire()

    def wait(self) -> None:
        self._back.release()
        self._go.acquire()


def play(actors: Sequence[Actor], random_: random.Random) -> None:
    """Let the actors go on in any order, one at a time, until all are over."""
    while alive := [actor for actor in actors if not actor.over]:
        actor = random_.choice(alive)
        for _ in range(random_.choice((1, 1, 2, 4, 16, 64)) if len(alive) > 1 else 1_000_000):
            actor.step()
            if actor.over:
                break


@contextlib.contextmanager
def stores_take_turns() -> Iterator[None]:
    """Inside, every call of a local store by an actor is a turn; calls of everybody else go through."""
    originals = {name: getattr(LocalStore, name) for name in _CALLS}
    for name, original in originals.items():
        setattr(LocalStore, name, _turn(name, original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(LocalStore, name, original)


def _turn(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(store: LocalStore, *arguments: Any, **options: Any) -> Any:
        actor: Actor | None = getattr(_mine, "actor", None)
        if actor is None:
            return original(store, *arguments, **options)
        actor.wait()
        if name not in _WRITES:
            found = original(store, *arguments, **options)
            # a listing is of one moment, not of the moments at which it is read
            return iter(list(found)) if name == "list" else found
        actor.writes += 1
        if actor.writes != actor.dies_at:
            return original(store, *arguments, **options)
        if actor.how == "after":
            original(store, *arguments, **options)
        elif actor.how == "torn" and name == "put":
            _tear(store, *arguments)
        raise Killed

    return call


def _tear(store: LocalStore, path: Path, key: str) -> None:
    """What a writer leaves that dies before its file has its name."""
    target = Path(store.root) / key
    target.parent.mkdir(parents=True, exist_ok=True)
    data = path.read_bytes()
    target.with_name(f".{target.name}.{os.getpid()}-torn.tmp").write_bytes(data[: len(data) // 2])
