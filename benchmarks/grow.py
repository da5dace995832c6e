"""Grow a real access log to any size and keep what it is like.

The grown log is the source repeated as whole blocks, each in the source's own order, so bursts, sessions, runs of equal
values and line lengths stay as they were; shuffled or invented lines would compress and sort differently. Block ``e`` is
shifted in time by ``e`` times the span of the source. Were nothing else changed, dictionaries would never grow. Real logs
meet Heaps' law: the number of distinct values grows as ``n ** b`` with the number of lines ``n``. So ``b`` is measured on
the source for addresses, request targets and user agents, and each block gets as many new values as the law asks for, in
place of its rarest ones. A new value has the length of the one it replaces.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

_LINE = re.compile(
    rb'(?P<client>\S+)(?P<who> \S+ .*?)\[(?P<time>[^\]]+)\](?P<quote> "\S+ )(?P<target>\S+)(?P<answer> HTTP/[^"]*" \S+ \S+ ")'
    rb'(?P<host>(?:[a-z]+://[^/"]*)?)(?P<referrer>[^"]*)(?P<between>" ")(?P<agent>[^"]*)(?P<rest>".*\n)'
)
_TIME = "%d/%b/%Y:%H:%M:%S %z"
_COMBINED = re.compile(rb'\S+ \S+ [^\[]*\[(?P<time>[^\]]+)\] "[^"]*" \d{3} \S+ "[^"]*" "[^"]*"')
_ESCAPED = re.compile(rb"%[0-9A-Fa-f]{2}|[0-9]+|[^%0-9]+|%")
_SEED = 1
# ids of client, time, target, referrer and agent; then the text between them
_Parts = tuple[int, int, int, int, int, bytes, bytes, bytes, bytes, bytes, bytes]


def is_combined(line: bytes) -> bool:
    """Whether a line is a plain one in combined format."""
    found = _COMBINED.match(line)
    return bool(found and line.isascii() and _moment(found["time"]))


@cache
def _moment(text: bytes) -> datetime | None:
    try:
        return datetime.strptime(text.decode(errors="replace"), _TIME)
    except ValueError:
        return None


@dataclass(frozen=True)
class Grown:
    """What a grown log holds: ``last`` is the time of its latest event, ISO 8601 with offset."""

    lines: int
    size: int
    blocks: int
    distinct: dict[str, int]
    last: str


class _Vocabulary:
    """The distinct values of one kind in a block, and the exponent of their growth."""

    def __init__(self) -> None:
        self.ids: dict[bytes, int] = {}
        self.counts: Counter[int] = Counter()
        self._sizes: list[int] = []

    def add(self, value: bytes) -> int:
        number = self.ids.setdefault(value, len(self.ids))
        self.counts[number] += 1
        self._sizes.append(len(self.ids))
        return number

    @property
    def exponent(self) -> float:
        """b of V(n) = K n^b, from the vocabulary at an eighth of the occurrences and at all of them; 0 to 1."""
        seen = len(self._sizes)
        if seen < 8:
            return 0.0
        return min(1.0, math.log(self._sizes[-1] / self._sizes[seen // 8 - 1]) / math.log(seen / (seen // 8)))

    def block(self, number: int, change: _Change) -> list[bytes]:
        """The values of block ``number`` (0 is the source itself), by id."""
        values = list(self.ids)
        if number == 0:
            return values
        b = self.exponent
        fresh = round(len(values) * ((number + 1) ** b - number**b))
        random = Random(f"{_SEED} {number} {len(values)}")
        rarest = sorted(range(len(values)), key=lambda item: (self.counts[item], random.random()))
        for item in rarest[:fresh]:
            values[item] = change(values[item], random)
        return values


class _Change:
    """Makes another value of the same length."""

    def __init__(self, *, address: bool = False) -> None:
        self._address = address

    def __call__(self, value: bytes, random: Random) -> bytes:
        octets = value.split(b".")
        if self._address and len(octets) == 4 and all(octet.isdigit() for octet in octets):
            low = {1: 0, 2: 10, 3: 100}
            high = {1: 9, 2: 99, 3: 255}
            return b".".join(
                [octets[0], *(b"%d" % random.randint(low[len(part)], high[len(part)]) for part in octets[1:])]
            )
        pieces = _ESCAPED.findall(value)
        if any(piece.isdigit() for piece in pieces):
            return b"".join(_number(len(piece), random) if piece.isdigit() else piece for piece in pieces)
        head, slash, name = value.rpartition(b"/")
        stem, dot, ending = name.partition(b".")
        letters = [_letter(piece, random) if not piece.startswith(b"%") else piece for piece in _ESCAPED.findall(stem)]
        return head + slash + b"".join(letters) + dot + ending


def _number(digits: int, random: Random) -> bytes:
    return b"%d" % random.randint(10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1)


def _letter(text: bytes, random: Random) -> bytes:
    return bytes(random.randint(97, 122) if 97 <= code <= 122 else code for code in text)


class Grower:
    """A source log, taken apart once; ``lines`` renders as many blocks of it as are asked for.

    Raises ValueError where no line of the source is in combined format.
    """

    def __init__(self, source: Sequence[bytes]) -> None:
        self._clients, self._targets, self._agents, self._times = (_Vocabulary() for _ in range(4))
        self._parts: list[_Parts | bytes] = []
        nothing = self._targets.add(b"")
        for line in source:
            found = _LINE.fullmatch(line)
            known = found is not None and _moment(found["time"]) is not None
            self._parts.append(self._taken_apart(found, nothing) if found and known else line)
        if not self._times.ids:
            raise ValueError("no line is in combined format; expected an access log of Apache or nginx")
        self._moments = [moment for text in self._times.ids if (moment := _moment(text))]
        self._span = max(self._moments) - min(self._moments) + timedelta(seconds=1)

    def _taken_apart(self, found: re.Match[bytes], nothing: int) -> _Parts:
        return (
            self._clients.add(found["client"]),
            self._times.add(found["time"]),
            self._targets.add(found["target"]),
            # a referrer on the own site names a target, and moves with it
            self._targets.add(found["referrer"]) if found["host"] else nothing,
            self._agents.add(found["agent"]),
            found["who"] + b"[",
            b"]" + found["quote"],
            found["answer"] + found["host"],
            b"" if found["host"] else found["referrer"],
            found["between"],
            found["rest"],
        )

    def blocks(self) -> Iterator[list[bytes]]:
        """Block after block, without end."""
        number = 0
        while True:
            yield self._block(number)
            number += 1

    def _block(self, number: int) -> list[bytes]:
        clients = self._clients.block(number, _Change(address=True))
        targets = self._targets.block(number, _Change())
        agents = self._agents.block(number, _Change())
        times = [(moment + number * self._span).strftime(_TIME).encode() for moment in self._moments]
        return [
            parts
            if isinstance(parts, bytes)
            else b"".join(
                (
                    clients[parts[0]],
                    parts[5],
                    times[parts[1]],
                    parts[6],
                    targets[parts[2]],
                    parts[7],
                    targets[parts[3]],
                    parts[8],
                    parts[9],
                    agents[parts[4]],
                    parts[10],
                )
            )
            for parts in self._parts
        ]

    def last(self, block: int) -> datetime:
        """The latest time in a block."""
        return max(self._moments) + block * self._span

    def distinct(self, blocks: int) -> dict[str, int]:
        """How many distinct values the law gives after so many blocks."""
        kinds = {"addresses": self._clients, "targets": self._targets, "agents": self._agents}
        return {name: round(len(kind.ids) * blocks**kind.exponent) for name, kind in kinds.items()}


def grow(source: Sequence[bytes], size: int, target: Path) -> Grown:
    """Write at least ``size`` bytes of grown log to a gzip file, the last block cut at a line; returns what it holds.

    The same source and size give the same log.
    """
    grower = Grower([line if line.endswith(b"\n") else line + b"\n" for line in source])
    lines, written, count = 0, 0, 0
    temp = target.with_suffix(".part")
    blocks = grower.blocks()
    with temp.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as sink:
        while written < size:
            data = b"".join(next(blocks))
            if written + len(data) >= size:
                data = data[: data.index(b"\n", size - written - 1) + 1]
            sink.write(data)
            count += 1
            lines += data.count(b"\n")
            written += len(data)
    grown = Grown(lines, written, count, grower.distinct(count), grower.last(count - 1).isoformat())
    temp.replace(target)
    target.with_suffix(".json").write_text(json.dumps(asdict(grown)))
    return grown
