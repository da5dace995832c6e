"""Many sources with many small objects on an S3 server: are the counts right, and how many requests does an object take?

    python -m benchmarks.load [--sources 200] [--hours 24] [--objects 10000]

Raw and lake are on an S3 server of its own. The lines are counted as ``zcat | wc -l`` does and compared with the lake.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import etl
from etl.config import Settings, load
from etl.io import store
from etl.stages.run import run

FIRST = datetime(2026, 11, 22)
_LINES = 5
_SOURCE = """
[sources.{name}]
raw = "s3://raw/{name}/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-22T00"
shards = 1
"""
_PLACES = ("staged", "ledger", "work", "events", "metrics", "quarantine")


@dataclass(frozen=True)
class Loaded:
    """What a load took: ``requests`` counts (operation, place in the lake or ``raw``); lines are those of raw and of the lake."""

    objects: int
    requests: Counter[tuple[str, str]]
    wall: float
    cpu: float
    raw_lines: dict[str, int]
    lake_lines: dict[str, int]

    @property
    def requests_per_object(self) -> float:
        """All requests of all stages, for each raw object."""
        return sum(self.requests.values()) / self.objects

    def table(self) -> str:
        """Requests per object by operation and place, the most frequent first."""
        rows = [
            f"{count / self.objects:8.2f}  {name:15} {place}" for (name, place), count in self.requests.most_common()
        ]
        return "\n".join([*rows, f"{self.requests_per_object:8.2f}  requests per object, {self.objects} objects"])


def measure(
    folder: Path, client: Any, sources: int, hours: int, objects: int, processes: int, in_one_run: bool = False
) -> Loaded:
    """Land ``objects`` objects over the sources and hours, run all hours of all sources, and count.

    ``in_one_run`` runs each source once, and its look-back finds all hours; else each hour is run.

    ``client`` is a boto3 client of the server whose buckets ``raw`` and ``lake`` are used, ``folder`` holds the sources.toml.
    """
    names = [f"web_{number:03}" for number in range(sources)]
    path = folder / "sources.toml"
    path.write_text('lake = "s3://lake"\n' + "".join(_SOURCE.format(name=name) for name in names))
    raw_lines = _land(client, names, hours, objects)
    landings = [hours - 1] if in_one_run else list(range(hours))
    started = time.perf_counter()
    if processes == 1:
        parts = [_run(path, names, landings)]
    else:
        shares = [names[number::processes] for number in range(processes)]
        begin = partial(store.use_credentials, **store._credentials)
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=begin) as pool:
            parts = list(pool.map(_run, [path] * processes, shares, [landings] * processes))
    wall = time.perf_counter() - started
    requests = sum((found for found, _ in parts), Counter[tuple[str, str]]())
    return Loaded(objects, requests, wall, sum(cpu for _, cpu in parts), raw_lines, _lake_lines(load(path, {})))


def _land(client: Any, names: Sequence[str], hours: int, objects: int) -> dict[str, int]:
    """The lines of each source."""
    lines = dict.fromkeys(names, 0)
    for number in range(objects):
        name = names[number % len(names)]
        moment = FIRST + timedelta(hours=number // len(names) % hours)
        count = 1 + number % (2 * _LINES - 1)
        text = "".join(
            f'203.0.113.{line} - - [{moment:%d/%b/%Y:%H}:00:{line:02} +0000] "GET /{number} HTTP/1.1" 200 512 "-" "Mozilla/5.0"\n'
            for line in range(count)
        )
        key = f"{name}/{moment:%Y/%m/%d/%H}/host-{number // len(names) // hours}.log.gz"
        client.put_object(Bucket="raw", Key=key, Body=gzip.compress(text.encode(), 1, mtime=0))
        lines[name] += count
    return lines


def _run(path: Path, names: Sequence[str], landings: Sequence[int]) -> tuple[Counter[tuple[str, str]], float]:
    started = time.process_time()
    with counted_requests() as requests:
        settings = load(path, {})
        for hour in landings:
            for name in names:
                run(settings, name, f"{FIRST + timedelta(hours=hour):%Y-%m-%dT%H}")
    return requests, time.process_time() - started


@contextmanager
def counted_requests() -> Iterator[Counter[tuple[str, str]]]:
    """Counts the requests of S3 clients that are made inside, by operation and by where they go."""
    requests: Counter[tuple[str, str]] = Counter()
    make = store._new_client

    def count(event_name: str, request: Any, **_: Any) -> None:
        asked = request.url.replace("%2F", "/")
        place = next((place for place in _PLACES if f"{place}/" in asked), "raw" if "/raw" in asked else "bucket")
        requests[event_name.rpartition(".")[2], place] += 1

    def made(timeout: float) -> Any:
        client = make(timeout)
        client.meta.events.register("before-send.s3", count)
        return client

    store._clients.clear()
    store._new_client = made
    try:
        yield requests
    finally:
        store._new_client = make
        store._clients.clear()


def _lake_lines(settings: Settings) -> dict[str, int]:
    with etl.connect(settings.lake) as connection:
        found = connection.execute(
            "SELECT source_name, count(*) FROM events_web_access GROUP BY 1 ORDER BY 1"
        ).fetchall()
    return dict(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the load; 1 where the lake has other lines than raw."""
    from tests.support.servers import s3_server

    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--sources", type=int, default=200)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--each-hour", action="store_true", help="run each hour, not only the last with its look-back")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, s3_server("raw", "lake") as server:
        store.use_credentials(**server.credentials)
        loaded = measure(
            Path(folder),
            server.client(),
            options.sources,
            options.hours,
            options.objects,
            os.cpu_count() or 1,
            in_one_run=not options.each_hour,
        )
    print(loaded.table())
    print(f"{loaded.wall:.0f} s wall, {loaded.cpu:.0f} s CPU, {sum(loaded.raw_lines.values())} lines")
    if loaded.lake_lines != loaded.raw_lines:
        wrong = sorted(name for name in loaded.raw_lines if loaded.lake_lines.get(name) != loaded.raw_lines[name])
        print(f"lines differ in {', '.join(wrong)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
