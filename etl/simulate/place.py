"""Placing records: which landing hour, object and line each gets, and what lies between them."""

from __future__ import annotations

import gzip
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import NamedTuple

from etl.simulate.truth import SourceTruth
from etl.simulate.world import HOUR_MS, Fate, Record, Source, World

_MALFORMED_SHARE = 0.003
_BLANK_SHARE = 0.0008
_NO_FINAL_NEWLINE_SHARE = 0.1
_GZIP_LEVEL, _GZIP_LEVEL_OF_RETRY = 6, 9
_LINES_BEFORE_CUT = 3


class _Object(NamedTuple):
    """A raw object; a record belongs to the object in which it begins."""

    name: str
    records: list[Record]
    content: bytes


def place(root: Path, world: World, source: Source) -> SourceTruth:
    """Write the raw objects of a source under root and return their true counts.

    One object is uploaded a second time, an hour later under another name: by landing hour its rows are the copies.
    """
    truth = SourceTruth()
    waiting: defaultdict[int, list[Record]] = defaultdict(list)
    twice_hour = (world.hours - 1) // 2 if source.upload_twice else None
    retry_hour = min((world.hours - 1) // 2 + 1, world.hours - 1)
    retry: _Object | None = None
    for hour in range(world.hours):
        rng = world.rng(source.name, hour)
        records = list(source.records(world, hour, rng))
        for record in [*records, *_noise(world, source, hour, rng, records)]:
            waiting[record.arrival_ms // HOUR_MS].append(record)
        landed = waiting.pop(hour, [])
        for host in source.hosts:
            for piece in _pieces(source, host, [record for record in landed if record.host == host], rng):
                _put(root, world, source, hour, piece)
                truth.enter(world, hour, piece.records)
                if hour == twice_hour and host == source.hosts[0]:
                    retry = piece._replace(name=f"{piece.name}-retry")
        if retry and hour == retry_hour:
            _put(root, world, source, hour, retry, _GZIP_LEVEL_OF_RETRY)
            truth.enter(world, hour, retry.records, duplicate=True)
    return truth


def _noise(world: World, source: Source, hour: int, rng: Random, records: list[Record]) -> Iterator[Record]:
    """Malformed lines anywhere between the records of the hour, and blank ones where they belong to no record."""
    for fate, share in ((Fate.QUARANTINED, _MALFORMED_SHARE), (Fate.IGNORED, _BLANK_SHARE)):
        if fate is Fate.IGNORED and source.cut_inside_records:
            continue
        for _ in range(int(len(records) * share + rng.random())):
            good = rng.choice(records).text
            line = source.malformed(rng, good) if fate is Fate.QUARANTINED else b""
            at = hour * HOUR_MS + rng.randrange(HOUR_MS)
            yield Record(at, rng.choice(source.hosts), line + b"\n", 1, fate, at, fate.value, {})


def _pieces(source: Source, host: str, records: list[Record], rng: Random) -> Iterator[_Object]:
    """The objects a host uploads in an hour; where the source cuts inside records, a trace goes on in the next."""
    records.sort(key=attrgetter("arrival_ms"))
    begin, carried = 0, b""
    for number in range(1, source.objects_per_hour + 1):
        last = number == source.objects_per_hour
        end = len(records) * number // source.objects_per_hour
        cut = None
        if source.cut_inside_records and not last:
            cut = next((i for i in range(end, len(records)) if records[i].lines > _LINES_BEFORE_CUT), None)
            end = end if cut is None else cut + 1
        content = carried + b"".join(record.text for record in records[begin:end])
        carried = b"" if cut is None else b"".join(records[cut].text.splitlines(keepends=True)[_LINES_BEFORE_CUT:])
        content = content.removesuffix(carried)
        # Taking the newline from a blank line would take the line.
        if last and content[-2:-1] not in (b"", b"\n") and rng.random() < _NO_FINAL_NEWLINE_SHARE:
            content = content[:-1]
        if content:
            yield _Object(f"{host}-{number:04}", records[begin:end], content)
        begin = end


def _put(root: Path, world: World, source: Source, hour: int, piece: _Object, gzip_level: int = _GZIP_LEVEL) -> None:
    folder = world.time(hour * HOUR_MS).strftime("%Y/%m/%d/%H")
    content = gzip.compress(piece.content, gzip_level, mtime=0) if source.suffix.endswith(".gz") else piece.content
    write(root / "raw" / source.name / folder / (piece.name + source.suffix), content, world.time((hour + 1) * HOUR_MS))


def write(path: Path, content: bytes, modified: datetime) -> None:
    """Write a file with a modification time of its own, naive meaning UTC, so that reruns leave equal trees."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    seconds = modified.replace(tzinfo=UTC).timestamp()
    os.utime(path, (seconds, seconds))
