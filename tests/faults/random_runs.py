"""One random life of a source: arrivals, overwrites, deletions, runs, overlaps, kills and backfills, then the recount.

python -m tests.faults.random_runs 17        plays the life of seed 17 and prints what happens in it
python -m tests.faults.random_runs 17 100    plays 100 lives from there, quietly
"""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from etl import layout
from etl.config import Settings, load
from etl.errors import EtlError, ObjectMissing
from etl.io.engine import read_footer
from etl.io.statements import load_statements
from etl.io.store import open_store
from etl.model.ledger import Ledger
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.land import land
from etl.stages.normalize import normalize, shard_inputs
from etl.stages.publish import publish
from tests.faults.closing import assert_closed, raw_lines
from tests.faults.model import HOUR, NARROW, WIDE, Count, Seen, recount
from tests.faults.turns import Actor, Killed, play, stores_take_turns

FIRST, HOURS, LOOK_BACK = datetime(2026, 11, 22, 10), 3, 1
_SQL = Path(__file__).with_name("sql")
_SOURCE = """lake = "lake"
sql = ["{sql}"]
[sources.web]
raw = "raw/%Y/%m/%d/%H/"
format = "small"
start = "{first:%Y-%m-%dT%H}"
shards = {shards}
look_back_hours = {look_back}
max_lateness_days = 1
deduplicate = "{deduplicate}"
options = {{ accept_pattern = '{accept}' }}
"""
_RETRIES = 3
EVENTS = {"arrive": 3, "overwrite": 1, "delete": 1, "run": 2, "kill": 2, "overlap": 2, "change_format": 1}
"""What may happen, and how often beside the others."""
if importlib.util.find_spec("etl.stages.replay") is not None:
    EVENTS["replay"] = 1


class Life:
    """A source with its raw objects and lake in a folder, and all that happens to it, decided by one seed."""

    def __init__(self, folder: Path, seed: int, tell: Callable[[str], None] = lambda event: None) -> None:
        self.folder, self.tell = folder, tell
        self.random = random.Random(seed)
        self.shards = self.random.choice((1, 1, 2))
        self.deduplicate = self.random.choice(("none", "objects"))
        self.accept = NARROW
        self.next_hour = FIRST
        self.clock = FIRST
        self.versions: dict[tuple[str, str], tuple[str, ...]] = {}
        self.present: dict[str, tuple[str, ...]] = {}
        self.settings = self._configure()
        tell(f"{self.shards} shards, deduplicate {self.deduplicate}")
        for hour in range(HOURS):
            # never deleted: a run stops where everything is gone, which is another test
            self._write(FIRST + timedelta(hours=hour), "anchor.log", self._lines(FIRST + timedelta(hours=hour)))

    def _configure(self) -> Settings:
        path = self.folder / "sources.toml"
        values = {"first": FIRST, "shards": self.shards, "deduplicate": self.deduplicate, "accept": self.accept}
        path.write_text(_SOURCE.format(sql=_SQL, look_back=LOOK_BACK, **values))
        return load(path, {})

    # raw

    def _lines(self, landing: datetime) -> tuple[str, ...]:
        found = []
        for _ in range(self.random.randint(1, 4)):
            kind = self.random.random()
            late = self.random.choice((0, 0, 0, 1, 1, 3, 30))
            moment = landing - timedelta(hours=late) + timedelta(seconds=self.random.randint(0, 3599))
            path = self.random.choice(("/shop/", "/shop/", "/blog/"))
            line = f"{moment:%Y-%m-%dT%H:%M:%S} {path}{self.random.randint(0, 99)} 200"
            found.append("" if kind < 0.08 else "rubbish" if kind < 0.16 else line)
        return tuple(found)

    def _write(self, landing: datetime, name: str, lines: tuple[str, ...]) -> None:
        key = f"{landing:%Y/%m/%d/%H}/{name}"
        path = self.folder / "raw" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        data = "".join(f"{line}\n" for line in lines).encode()
        temp = path.with_name(f".{path.name}")
        temp.write_bytes(gzip.compress(data, mtime=0) if key.endswith(".gz") else data)
        self.clock += timedelta(seconds=1)
        os.utime(temp, (self.clock.timestamp(),) * 2)
        found = temp.stat()
        temp.replace(path)
        self.present[key] = lines
        self.versions[key, f"{found.st_size:x}-{found.st_mtime_ns:x}"] = lines

    def arrive(self) -> None:
        late = self.random.choice((0, 0, 0, 1, 1, 2, 3))
        landing = max(FIRST, min(self.next_hour, self._last) - timedelta(hours=late))
        lines = self._lines(landing)
        if self.present and self.random.random() < 0.2:
            lines = self.random.choice(sorted(self.present.values()))
        name = f"host{self.random.randint(1, 6)}.log{self.random.choice(('', '.gz'))}"
        self.tell(f"arrives {landing:{HOUR}}/{name}: {len(lines)} lines, {late} hours late")
        self._write(landing, name, lines)

    def overwrite(self) -> None:
        key = self.random.choice(sorted(self.present))
        landing, name = datetime.strptime(key[:13], "%Y/%m/%d/%H"), key[14:]
        before = self.present[key]
        how = self.random.choice(("longer", "shorter", "another"))
        lines = {
            "longer": (*before, *self._lines(landing)),
            "shorter": before[:-1] or self._lines(landing),
            "another": self._lines(landing - timedelta(hours=self.random.choice((0, 1, 2)))),
        }[how]
        self.tell(f"overwritten {key}: {how}")
        self._write(landing, name, lines)

    def delete(self) -> None:
        if keys := sorted(key for key in self.present if "anchor" not in key):
            key = self.random.choice(keys)
            self.tell(f"deleted {key}")
            (self.folder / "raw" / key).unlink()
            del self.present[key]

    def change_raw(self) -> None:
        self.random.choice((self.arrive, self.arrive, self.overwrite, self.delete))()

    # runs

    @property
    def _last(self) -> datetime:
        return FIRST + timedelta(hours=HOURS - 1)

    def _run(self, hour: datetime, reprocess: bool = False) -> None:
        """What `etl run` does, with the retries of Airflow around each stage."""
        text, settings = f"{hour:{HOUR}}", self.settings
        work = _retried(lambda: land(settings, "web", text))
        touched: set[str] = set()
        for shard in range(self.shards):
            touched |= set(_retried(lambda shard=shard: normalize(settings, "web", work, shard, reprocess)))
        partitions = _retried(lambda: publish(settings, "web", touched, force=reprocess))
        _retried(lambda: aggregate(settings, "web", partitions))
        _retried(lambda: check(settings, "web", text, partitions))

    def _actor(self, may_die: bool) -> Actor:
        if self.next_hour <= self._last and self.random.random() < 0.6:
            hour, reprocess, name = self.next_hour, False, "scheduled run"
            self.next_hour += timedelta(hours=1)
        else:
            newest = max(FIRST, min(self.next_hour - timedelta(hours=1), self._last))
            hour = FIRST + timedelta(hours=self.random.randint(0, int((newest - FIRST).total_seconds() // 3600)))
            reprocess, name = self.random.random() < 0.4, "backfill"
        dies_at = self.random.randint(1, 14) if may_die else None
        how = self.random.choice(("before", "after", "torn"))
        told = f"{name} of {hour:{HOUR}}" + (" with reprocess" if reprocess else "")
        told += f", dies {how} write {dies_at}" if dies_at else ""
        return Actor(told, lambda: self._run(hour, reprocess), dies_at, how)

    def run(self) -> None:
        self._play([self._actor(may_die=False)])

    def kill(self) -> None:
        self.change_raw()
        self._play([self._actor(may_die=True)])

    def overlap(self) -> None:
        self.change_raw()
        actors = [self._actor(may_die=self.random.random() < 0.2) for _ in range(2)]
        if self.random.random() < 0.5:
            actors.append(Actor("meanwhile in raw", self._meanwhile))
        # an object that is deleted or replaced under a run may fail it; nothing fails a run that is alone
        self._play(actors, ObjectMissing, _Exhausted)

    def _meanwhile(self) -> None:
        lake = open_store(self.settings.lake)
        for _ in range(self.random.randint(1, 20)):
            lake.stat("anything")  # a turn
        self.change_raw()

    def _play(self, actors: list[Actor], *allowed: type[BaseException]) -> None:
        play(actors, self.random)
        for actor in actors:
            error = "" if actor.error is None else f": {type(actor.error).__name__}"
            self.tell(f"{actor.name}{error} ({actor.writes} writes)")
            if actor.error is not None and not isinstance(actor.error, (Killed, *allowed)):
                raise AssertionError(f"{actor.name} failed") from actor.error

    def change_format(self) -> None:
        self.accept = WIDE if self.accept == NARROW else NARROW
        self.settings = self._configure()
        self.tell(f"accepts now {self.accept}")

    def replay(self) -> None:
        """The format is corrected, and what it had rejected is replayed."""
        from etl.stages.replay import replay

        self.accept = WIDE
        self.settings = self._configure()
        first = FIRST + timedelta(hours=self.random.randint(0, HOURS - 1))
        last = min(self._last, first + timedelta(hours=self.random.randint(0, 2)))
        dies_at = self.random.randint(1, 14) if self.random.random() < 0.4 else None
        told = f"replay of {first:{HOUR}} to {last:{HOUR}}" + (f", dies at write {dies_at}" if dies_at else "")
        self._play([Actor(told, lambda: replay(self.settings, "web", first, last), dies_at)], ObjectMissing)

    def live(self) -> None:
        """Some events, then a scheduled run and a look at the lake, then a sweep over all hours and another look."""
        names = [name for name, weight in EVENTS.items() for _ in range(weight)]
        for _ in range(self.random.randint(3, 7)):
            getattr(self, self.random.choice(names))()
            if not self._notes():
                self._compare("where no note is left", recount(self._seen_by_ledgers(), self.deduplicate))
        self._settle()
        self._sweep()

    def _settle(self) -> None:
        """After the next scheduled run the lake is what its ledgers say, and those of the window say what raw has."""
        hour = min(self.next_hour, self._last)
        self._quiet(hour)
        while notes := self._notes():
            # a run that died outside of the window waits for a run of its own hour
            landing = datetime.strptime(notes[0].split("/")[-1][:13], HOUR)
            self._quiet(landing)
            hour = max(hour, landing) if landing in (hour, hour - timedelta(hours=1)) else hour
        seen = self._seen_by_ledgers()
        window = [hour - timedelta(hours=back) for back in range(LOOK_BACK + 1)]
        for landing in window:
            of_hour = {item.key: item.lines for item in seen if item.landing == landing}
            in_raw = {key: lines for key, lines in self.present.items() if key.startswith(f"{landing:%Y/%m/%d/%H}/")}
            assert of_hour == in_raw, f"the window of {hour:{HOUR}} does not follow raw in {landing:{HOUR}}"
        self._compare("after a scheduled run", recount(seen, self.deduplicate))

    def _sweep(self) -> None:
        for number in range(HOURS):
            self._quiet(FIRST + timedelta(hours=number))
        seen = [
            Seen(key, datetime.strptime(key[:13], "%Y/%m/%d/%H"), lines, self.accept)
            for key, lines in self.present.items()
        ]
        expected = recount(seen, self.deduplicate)
        self._compare("after the sweep", expected)
        assert not self._notes(), f"pending notes are left: {self._notes()}"
        assert raw_lines(self.folder / "raw") == expected.lines

    def _quiet(self, hour: datetime) -> None:
        try:
            self._run(hour)
        except EtlError as error:
            raise AssertionError(f"a quiet run of {hour:{HOUR}} failed") from error

    # the lake, read without the pipeline

    def _notes(self) -> list[str]:
        return [stat.key for stat in open_store(self.settings.lake).list(layout.pending_prefix("web"))]

    def _seen_by_ledgers(self) -> list[Seen]:
        accepts = {}
        for accept in (NARROW, WIDE):
            path = self.folder / "as_then.toml"
            values = {"first": FIRST, "shards": self.shards, "deduplicate": self.deduplicate, "accept": accept}
            path.write_text(_SOURCE.format(sql=_SQL, look_back=LOOK_BACK, **values))
            settings = load(path, {})
            accepts[shard_inputs(settings.source("web"), load_statements(settings.sql))] = accept
        found = []
        for path in sorted((self.folder / "lake" / "ledger").rglob("*.json")):
            ledger = Ledger.from_json(path.read_bytes())
            for book in ledger.objects:
                lines = self.versions[_key(book.uri), book.etag]
                found.append(
                    Seen(_key(book.uri), datetime.strptime(ledger.landing_hour, HOUR), lines, accepts[ledger.inputs])
                )
        return found

    def _compare(self, when: str, expected: Count) -> None:
        found = self._lake()
        for name in ("lines", "ignored", "published", "duplicates", "quarantined"):
            wanted, got = getattr(expected, name), getattr(found, name)
            assert got == wanted, f"{when}, {name}: {_difference(wanted, got)}"
        assert self._requests() == expected.requests, (
            f"{when}, requests of traffic_hourly: {self._requests()}; expected {expected.requests}"
        )
        quarantined, published = len(expected.quarantined), sum(expected.requests.values())
        assert expected.lines == published + quarantined + expected.ignored + sum(expected.duplicates.values())

    def _lake(self) -> Count:
        lake, count = self.folder / "lake", Count()
        for path in sorted((lake / "ledger").rglob("*.json")):
            for book in Ledger.from_json(path.read_bytes()).objects:
                count.lines += book.lines
                count.ignored += book.ignored
        store = open_store(self.settings.lake)
        for path in sorted((lake / "events").rglob("*.parquet")):
            key = path.relative_to(lake).as_posix()
            hour = f"{layout.parse_partition_key(key)[1].hour:{HOUR}}"
            rows = pq.ParquetFile(path).read(["source_uri", "source_line", "event_time"]).to_pylist()
            assert {f"{row['event_time']:{HOUR}}" for row in rows} == {hour}, f"{key} holds other hours or nothing"
            lines = [(_key(row["source_uri"]), row["source_line"]) for row in rows]
            assert len(lines) == len(set(lines)), f"{key} repeats rows"
            count.published[hour] = set(lines)
            footer = read_footer(store, key)
            assert footer is not None
            count.duplicates += Counter({hour: footer.books["duplicates"]})
        for path in sorted((lake / "quarantine").rglob("*.parquet")):
            rejected = pq.ParquetFile(path).read(["source_uri", "source_line"]).to_pylist()
            lines = [(_key(row["source_uri"]), row["source_line"]) for row in rejected]
            assert not count.quarantined & set(lines) and len(lines) == len(set(lines)), f"{path} repeats lines"
            count.quarantined |= set(lines)
        return count

    def _requests(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for path in sorted((self.folder / "lake" / "metrics" / "traffic_hourly").rglob("*.parquet")):
            for row in pq.ParquetFile(path).read(["hour_start", "requests"]).to_pylist():
                found[f"{row['hour_start']:{HOUR}}"] += row["requests"]
        return dict(found)


class _Exhausted(Exception):
    """A retryable error that came back at every attempt."""


def _retried(stage: Callable[[], Any]) -> Any:
    for attempt in range(_RETRIES):
        try:
            return stage()
        except EtlError as error:
            if not error.retryable:
                raise
            if attempt == _RETRIES - 1:
                raise _Exhausted(str(error)) from error
    raise AssertionError("unreachable")


def _key(uri: str) -> str:
    """``…/raw/2026/11/22/10/a.log`` without what is before the hour."""
    return uri.rpartition("/raw/")[2]


def _difference(wanted: Any, got: Any) -> str:
    if isinstance(wanted, dict):
        hours = sorted(hour for hour in {*wanted, *got} if wanted.get(hour) != got.get(hour))
        return "; ".join(f"{hour}: expected {wanted.get(hour)}, found {got.get(hour)}" for hour in hours)
    if isinstance(wanted, set):
        return f"missing {sorted(wanted - got)}, too many {sorted(got - wanted)}"
    return f"expected {wanted}, found {got}"


@contextlib.contextmanager
def one_database() -> Iterator[None]:
    """Connections are databases of their own within one instance of DuckDB: to open an instance takes longer than a stage."""
    instance, original, numbers = duckdb.connect(), duckdb.connect, iter(range(10**9))

    def connect() -> duckdb.DuckDBPyConnection:
        connection = instance.cursor()
        name = f"stage_{next(numbers)}"
        connection.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
        return connection

    duckdb.connect = connect
    try:
        yield
    finally:
        duckdb.connect = original
        instance.close()


def play_life(seed: int, tell: Callable[[str], None] = lambda event: None) -> None:
    """The life of a seed in a folder of its own, which is gone afterwards. Raises AssertionError."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="logbucket-life-", dir=shm if shm.is_dir() else None))
    try:
        with stores_take_turns():
            life = Life(folder, seed, tell)
            life.live()
            assert_closed(life.settings, "web", raw_lines(folder / "raw")) if seed % 25 == 0 else None
    finally:
        shutil.rmtree(folder)


def main(arguments: list[str]) -> int:
    """Play lives; 1 at the first that does not end as it has to."""
    first, count = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1
    started = time.monotonic()
    with one_database():
        for seed in range(first, first + count):
            told: list[str] = []
            try:
                play_life(seed, told.append)
            except BaseException:
                print(f"seed {seed}:", *told, sep="\n  ")
                raise
            if count == 1:
                print(*told, sep="\n")
    print(f"{count} lives from seed {first} in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
