"""System calls of a stage on the lake: listed, killed at and failed by strace.

The stage runs in a process forked from a server that has imported everything, so a kill costs what the stage costs.
"""

from __future__ import annotations

import multiprocessing
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tests.support.fault_proxy import Fault, FaultProxy

_LONGEST_SECONDS = 60
_LINE = re.compile(r'(?P<thread>\d+) +(?P<name>\w+)\((?:\d+<(?P<opened>[^>]*)>|"(?P<named>[^"]*)")')
_OWN = "{process}"

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["pytest", "tests.faults.warm", "tests.faults.syscalls"])


@dataclass(frozen=True)
class Call:
    """The ``number``-th call (from 1) of this name on this path by one thread."""

    name: str
    path: str
    number: int

    def __str__(self) -> str:
        return f"{self.name} of {self.path}" + (f", time {self.number}" if self.number > 1 else "")


def calls_below(folder: Path, names: Sequence[str], work: Callable[..., Any], *arguments: Any) -> list[Call]:
    """The system calls of these names that ``work(*arguments)`` makes on paths below a folder, in their order.

    Snapshots are left out: their names are not known in advance.
    """
    code, log = _traced(work, arguments, ["-e", f"trace={','.join(names)}"])
    assert code == 0, f"{work.__name__} ended with {code}"
    return [
        call
        for call in dict.fromkeys(_calls(log))
        if call.path.startswith(f"{folder}/") and "/.snapshots/" not in call.path
    ]


def kill_at(call: Call, work: Callable[..., Any], *arguments: Any) -> None:
    """Run ``work(*arguments)`` in a process that is killed as it enters this call: the call is not made."""
    code = _traced(work, arguments, _inject(call, "signal=KILL"))[0]
    assert code == -signal.SIGKILL, f"{work.__name__} was not killed at {call}: exit code {code}"


def kill_at_request(proxy: FaultProxy, fault: Fault, work: Callable[..., Any], *arguments: Any) -> None:
    """Run ``work(*arguments)`` in a process that is killed while the proxy holds its request."""
    with proxy.injecting(fault), waiting(work, *arguments) as (process, start):
        start.send(None)
        assert fault.held.wait(_LONGEST_SECONDS), f"no request matched {fault}: there were {proxy.requests}"
        process.kill()
        process.join()


def fail_at(call: Call, error: str, work: Callable[..., Any], *arguments: Any) -> int | None:
    """Run ``work(*arguments)`` in a process whose call returns this error (``EIO``, …); the exit code."""
    return _traced(work, arguments, _inject(call, f"error={error}"))[0]


def _inject(call: Call, what: str) -> list[str]:
    return ["-e", f"trace={call.name}", "-P", call.path, "-e", f"inject={call.name}:{what}:when={call.number}"]


def _traced(work: Callable[..., Any], arguments: Sequence[Any], options: list[str]) -> tuple[int | None, str]:
    """Exit code, and what strace wrote, with the process's id replaced in names."""
    if shutil.which("strace") is None:
        pytest.skip("no strace: install the package strace")
    with (
        tempfile.NamedTemporaryFile("r", errors="replace") as log,
        waiting(_predictable, work, *arguments) as (process, start),
    ):
        own = [option.replace(_OWN, str(process.pid)) for option in options]
        command = ["strace", "-f", "-y", "-o", log.name, *own, "-p", str(process.pid)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            said = []
            while "attached" not in (line := tracer.stderr.readline()):
                said.append(line)
                if not line:
                    pytest.skip(f"strace may not attach to a process here: {''.join(said).strip()}")
            start.send(None)
            process.join(_LONGEST_SECONDS)
            tracer.terminate()
        return process.exitcode, log.read().replace(f".{process.pid}-", f".{_OWN}-")


@contextmanager
def waiting(work: Callable[..., Any], *arguments: Any) -> Iterator[tuple[Any, Connection]]:
    """A process that begins its work when something is sent."""
    ours, theirs = processes.Pipe()
    process = processes.Process(target=_begin, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        ours.close()


def _begin(start: Connection, work: Callable[..., Any], arguments: Sequence[Any]) -> None:
    start.recv()
    work(*arguments)


def _predictable(work: Callable[..., Any], *arguments: Any) -> None:
    """Give temp files names that can be told to strace in advance; each is used once, the process's id stays in it."""
    secrets.token_hex = lambda length=None: "0" * 2 * (length or 4)
    work(*arguments)


def _calls(log: str) -> Iterator[Call]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for found in filter(None, map(_LINE.match, log.splitlines())):
        path = found["opened"] or found["named"] or ""
        counted[found["thread"], found["name"], path] += 1
        yield Call(found["name"], path, counted[found["thread"], found["name"], path])
