"""Objects that come twice, late, or change: before, while and after they are read."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from etl.errors import ObjectChanged
from etl.io.store import use_credentials
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.land import land
from etl.stages.normalize import normalize
from etl.stages.publish import publish
from tests.faults.closing import assert_closed, assert_same_from_raw, raw_lines
from tests.pipeline.conftest import World
from tests.support.servers import S3Server, s3_server

Line = Callable[..., str]
HOUR, NEXT = "2026-11-22T10", "2026-11-22T11"
KEY = "web/2026/11/22/10/web-1.log.gz"


def source(raw: str = "raw/web/%Y/%m/%d/%H/", **more: str) -> str:
    keys = {"format": '"combined"', "start": '"2026-11-22T00"', "shards": "1", **more}
    return f'[sources.web]\nraw = "{raw}"\n' + "".join(f"{key} = {value}\n" for key, value in keys.items())


def lines(line: Line, count: int, path: str) -> list[str]:
    return [line(f"2026-11-22T{9 + n % 2:02}:00:{n % 60:02}+0000", f"/{path}/{n}") for n in range(count)]


def stored(world: World) -> dict[str, tuple[int, bytes]]:
    return {key: found for key, found in world.objects().items() if not key.startswith("work/")}


def assert_follows_raw(world: World, *hours: str) -> dict[str, int]:
    """The books close against the raw files, the same run again changes nothing, and raw alone gives the same lake."""
    sums = assert_closed(world.settings, "web", raw_lines(world.root / "raw"))
    before = stored(world)
    world.run("web", hours[-1])
    assert stored(world) == before
    assert_same_from_raw(world.settings, "web", list(hours))
    return sums


@pytest.mark.parametrize(("deduplicate", "published"), [("none", 20), ("objects", 10)])
def test_the_same_content_under_two_keys(world: World, line: Line, deduplicate: str, published: int) -> None:
    world.configure(source(deduplicate=f'"{deduplicate}"'))
    world.land("web/2026/11/22/10/web-1.log", lines(line, 10, "a"))
    world.land("web/2026/11/22/11/copy of web-1.log.gz", lines(line, 10, "a"))
    world.run("web", HOUR, NEXT)
    sums = assert_follows_raw(world, HOUR, NEXT)
    assert (sums["published"], sums["duplicates"]) == (published, 20 - published)


def overwritten(world: World, line: Line) -> None:
    world.land(KEY, lines(line, 30, "new"), at="2026-11-22T11:20:00")


def truncated(world: World, line: Line) -> None:
    path = world.root / "raw" / KEY
    path.write_bytes(path.read_bytes()[:-9])


def emptied(world: World, line: Line) -> None:
    (world.root / "raw" / KEY).write_bytes(b"")


def deleted(world: World, line: Line) -> None:
    (world.root / "raw" / KEY).unlink()


def joined_by_a_late_one(world: World, line: Line) -> None:
    world.land("web/2026/11/22/10/late.log", lines(line, 5, "late"), at="2026-11-22T11:20:00")


@pytest.mark.parametrize(
    ("change", "published"),
    [(overwritten, 31), (truncated, 1), (emptied, 1), (deleted, 1), (joined_by_a_late_one, 16)],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_what_happens_to_an_object_after_processing_happens_to_its_rows(
    world: World, line: Line, change: Callable[[World, Line], None], published: int
) -> None:
    world.configure(source())
    world.land(KEY, lines(line, 10, "old"))
    world.land("web/2026/11/22/10/web-2.log", [line("2026-11-22T10:00:00+0000", "/other")])
    world.run("web", HOUR)
    assert sum(world.counts().values()) == 11
    change(world, line)
    world.run("web", NEXT)
    assert sum(world.counts().values()) == published
    if change is not truncated:
        assert_follows_raw(world, HOUR, NEXT)
    else:
        [(reason, uri)] = world.query("SELECT reject_reason, source_uri FROM quarantine")
        assert reason.startswith("corrupt gzip data") and uri.endswith("web-1.log.gz")
        assert_same_from_raw(world.settings, "web", [HOUR, NEXT])


@contextmanager
def once_it_is_open(path: Path, change: Callable[[], None]) -> Iterator[None]:
    """Changes a file as soon as this process reads it."""
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for handle in Path("/proc/self/fd").iterdir():
                try:
                    if handle.readlink() == path:
                        change()
                        return
                except OSError:
                    continue
            time.sleep(0.0005)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def replaced(path: Path, data: bytes) -> None:
    other = path.with_name(".upload")
    other.write_bytes(data)
    other.replace(path)


def rewritten_in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def appended_to(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to see when the file is read")
@pytest.mark.parametrize("change", [replaced, rewritten_in_place, appended_to])
def test_a_file_that_changes_while_it_is_read_is_read_again(
    world: World, line: Line, change: Callable[[Path, bytes], None]
) -> None:
    """The attempt fails and writes nothing; the next one has the same work list, as a task of Airflow has, and succeeds."""
    world.configure(source())
    path = world.land(KEY.removesuffix(".gz"), lines(line, 20_000, "old"))
    new = "".join(f"{text}\n" for text in lines(line, 100, "new")).encode()
    work = land(world.settings, "web", HOUR)
    with once_it_is_open(path, lambda: change(path, new)), pytest.raises(ObjectChanged) as raised:
        normalize(world.settings, "web", work, 0)
    assert raised.value.retryable
    assert {key.split("/")[0] for key in world.objects()} == {"work"}
    touched = normalize(world.settings, "web", work, 0)
    aggregate(world.settings, "web", publish(world.settings, "web", touched))
    check(world.settings, "web", HOUR, touched)
    assert assert_follows_raw(world, HOUR)["published"] == (20_100 if change is appended_to else 100)


@pytest.mark.parametrize(
    ("modified", "landed", "published"), [("2026-11-22T10:59:00", HOUR, 30), ("2026-11-22T11:20:00", NEXT, 0)]
)
def test_an_object_replaced_between_listing_and_reading_goes_to_its_new_landing_hour(
    world: World, line: Line, modified: str, landed: str, published: int
) -> None:
    world.configure(source("raw/web/"))
    world.land("web/web-1.log", lines(line, 10, "old"), at="2026-11-22T10:10:00")
    work = land(world.settings, "web", HOUR)
    world.land("web/web-1.log", lines(line, 30, "new"), at=modified)
    touched = normalize(world.settings, "web", work, 0)
    publish(world.settings, "web", touched)
    assert sum(world.counts().values()) == published
    world.run("web", landed)
    assert assert_follows_raw(world, landed)["published"] == 30


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server("raw") as server:
        yield server


def test_an_object_of_s3_that_is_replaced_while_it_is_read_is_read_again(
    world: World, s3: S3Server, line: Line
) -> None:
    """What was read is one version, whole; when it is replaced before the first byte, it is the new one."""
    use_credentials(**s3.credentials)
    try:
        world.configure(source("s3://raw/%Y/%m/%d/%H/"))
        bodies = [
            gzip.compress("".join(f"{text}\n" for text in lines(line, count, "x")).encode()) for count in (10, 30, 50)
        ]
        put = {"Bucket": "raw", "Key": "2026/11/22/10/web-1.log.gz"}
        s3.client().put_object(**put, Body=bodies[0])
        work = land(world.settings, "web", HOUR)
        s3.client().put_object(**put, Body=bodies[1])
        touched = normalize(world.settings, "web", work, 0)
        aggregate(world.settings, "web", publish(world.settings, "web", touched))
        check(world.settings, "web", HOUR, touched)
        assert_closed(world.settings, "web", 30)
        assert_same_from_raw(world.settings, "web", [HOUR])
        stale = world.root / "stale"
        stale.mkdir()
        from etl.io.store import open_store

        etag = next(open_store("s3://raw").list("")).etag
        s3.client().put_object(**put, Body=bodies[2])
        with pytest.raises(ObjectChanged, match="the object was replaced while it was read") as raised:
            open_store("s3://raw").fetch("2026/11/22/10/web-1.log.gz", stale, etag)
        assert raised.value.retryable
        world.run("web", HOUR)
        assert_closed(world.settings, "web", 50)
        assert_same_from_raw(world.settings, "web", [HOUR])
    finally:
        use_credentials()
