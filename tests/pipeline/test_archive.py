"""Raw objects go to an archive and come back as they were; what is damaged or in the way is named and left alone."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from etl.cli import main
from etl.io.store import open_store, use_credentials
from tests.faults.closing import assert_closed, assert_same_from_raw, digests
from tests.pipeline.conftest import World, access
from tests.support.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.servers import S3Server, s3_server

HOURS = ("2026-11-22T10", "2026-11-22T11")
RANGE = ("--from", HOURS[0], "--to", HOURS[1])
KEYS = ("2026/11/22/10/web-1.log", "2026/11/22/10/web-2.log.gz", "2026/11/22/11/web-1.log")


def lines(key: str) -> list[str]:
    hour = key.split("/")[3]
    return [access(f"2026-11-22T{hour}:00:{second:02}+0000", f"/{key}/{second}") for second in range(5)]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[S3Server, FaultProxy]]:
    with s3_server("raw", "lake", "archive") as s3, fault_proxy(s3.endpoint_url) as proxy:
        yield s3, proxy


@pytest.fixture
def s3(server: tuple[S3Server, FaultProxy]) -> Iterator[S3Server]:
    use_credentials(**{**server[0].credentials, "endpoint_url": server[1].endpoint_url})
    yield server[0]
    use_credentials()


@dataclass
class Outcome:
    code: int
    hours: list[dict[str, Any]]
    said: str

    def sums(self, *names: str) -> tuple[int, ...]:
        return tuple(sum(hour[name] for hour in self.hours) for name in names)


class Etl:
    """``etl`` with the configuration of a world."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self._world, self._capsys = world, capsys

    def __call__(self, command: str, *arguments: str) -> Outcome:
        code = main(["--config", str(self._world.root / "sources.toml"), command, "web", *RANGE, "--json", *arguments])
        shown = self._capsys.readouterr()
        return Outcome(code, json.loads(shown.out) if shown.out else [], shown.err.replace("\n", " "))


SOURCE = '[sources.web]\nraw = "{}"\nformat = "combined"\nstart = "2026-11-22T10"\nshards = 1\n'


@pytest.fixture
def etl(web: World, capsys: pytest.CaptureFixture[str]) -> Etl:
    web.configure(SOURCE.format("raw/web/%Y/%m/%d/%H/"))
    for key in KEYS:
        web.land(f"web/{key}", lines(key), at="2026-11-22T12:34:56")
    return Etl(web, capsys)


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file: modification time in nanoseconds and bytes."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


@pytest.mark.parametrize("place", ["{root}/archive", "s3://archive/local"])
def test_local_raw_comes_back_as_it_was_and_changes_no_byte_of_the_lake(
    web: World, etl: Etl, s3: S3Server, place: str
) -> None:
    os.utime(web.root / "raw/web" / KEYS[0], ns=(1, 1795344000_123456789))
    to = place.format(root=web.root)
    web.run("web", *HOURS)
    raw, lake = files(web.root / "raw"), web.objects()
    assert etl("archive", "--to-archive", to).sums("objects", "copied") == (3, 3)
    for key in KEYS[:2]:
        (web.root / "raw/web" / key).unlink()
    restored = etl("restore", "--archive", to)
    assert restored.code == 0
    assert restored.sums("restored", "present", "failed") == (2, 1, 0)
    assert files(web.root / "raw") == raw
    web.run("web", *HOURS, reprocess=True)
    assert web.objects() == lake
    assert_closed(web.settings, "web", 15)
    assert_same_from_raw(web.settings, "web", list(HOURS))


def test_raw_on_s3_comes_back_with_its_times_and_gives_the_same_rows(web: World, etl: Etl, s3: S3Server) -> None:
    client = s3.client()
    for key in KEYS:
        client.upload_file(str(web.root / "raw/web" / key), "raw", f"web/{key}")
    web.configure(SOURCE.format("s3://raw/web/%Y/%m/%d/%H/"))
    web.run("web", *HOURS)
    rows = "SELECT event_id, observed_time, source_uri, url_path FROM events_web_access ORDER BY 1"
    before, events = web.query(rows), digests(web.settings.lake)
    archive = str(web.root / "archive")
    assert etl("archive", "--to-archive", archive).code == 0
    for key in KEYS:
        client.delete_object(Bucket="raw", Key=f"web/{key}")
    time.sleep(1.1)  # LastModified counts in seconds
    assert etl("restore", "--archive", archive).sums("restored") == (3,)
    web.run("web", *HOURS, reprocess=True)
    assert web.query(rows) == before
    derived = ("events/", "metrics/", "staged/")
    after = digests(web.settings.lake)
    assert {key: after[key] for key in after if key.startswith(derived)} == {
        key: events[key] for key in events if key.startswith(derived)
    }
    assert_closed(web.settings, "web", 15)
    assert_same_from_raw(web.settings, "web", list(HOURS))


def test_archiving_again_copies_what_is_new_and_keeps_what_raw_no_longer_has(web: World, etl: Etl) -> None:
    archive = web.root / "archive"
    etl("archive", "--to-archive", str(archive))
    before = files(archive)
    assert etl("archive", "--to-archive", str(archive)).sums("copied") == (0,)
    assert files(archive) == before
    (web.root / "raw/web" / KEYS[0]).unlink()
    web.land("web/2026/11/22/10/late.log", lines(KEYS[0])[:1])
    web.land(f"web/{KEYS[2]}", lines(KEYS[2])[:2])
    assert etl("archive", "--to-archive", str(archive)).sums("objects", "copied") == (4, 2)
    assert etl("restore", "--archive", str(archive)).sums("restored", "present") == (1, 3)
    assert set(before) - set(files(archive)) == set()


def test_an_object_that_is_damaged_in_the_archive_is_named_and_the_others_are_restored(web: World, etl: Etl) -> None:
    archive = web.root / "archive"
    etl("archive", "--to-archive", str(archive))
    damaged, gone, _ = sorted((archive / "objects/web").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    gone.unlink()
    raw = files(web.root / "raw")
    for key in KEYS:
        (web.root / "raw/web" / key).unlink()
    restored = etl("restore", "--archive", str(archive))
    assert restored.code == 1
    assert restored.sums("restored", "failed") == (1, 2)
    assert f"{damaged}: the archived object is damaged" in restored.said
    assert f"{gone}: no such file" in restored.said
    [(name, found)] = files(web.root / "raw").items()
    assert found == raw[name]


def test_an_object_of_other_content_is_never_overwritten(web: World, etl: Etl) -> None:
    archive = str(web.root / "archive")
    etl("archive", "--to-archive", archive)
    changed = web.land(f"web/{KEYS[0]}", ["something else"])
    before = changed.read_bytes(), changed.stat().st_mtime_ns
    restored = etl("restore", "--archive", archive)
    assert restored.code == 1
    assert restored.sums("present", "failed") == (2, 1)
    assert f"{changed}: it holds other content than the archive" in restored.said
    assert (changed.read_bytes(), changed.stat().st_mtime_ns) == before


def test_objects_go_into_another_folder(web: World, etl: Etl) -> None:
    archive, other = str(web.root / "archive"), web.root / "other"
    etl("archive", "--to-archive", archive)
    assert etl("restore", "--archive", archive, "--into", str(other)).sums("restored") == (3,)
    assert files(other) == files(web.root / "raw/web")


@pytest.mark.parametrize(
    ("raw", "arguments", "said"),
    [
        ("raw/web/%Y/%m/%d/%H/", ("restore", "--archive", "empty"), "no manifest of source 'web'"),
        ("s3://raw/web/", ("restore", "--archive", "archive"), "LastModified decides the landing hour"),
        ("nowhere/%Y/%m/%d/%H/", ("archive", "--to-archive", "archive"), "no such folder"),
    ],
)
def test_what_cannot_be_done_is_said(web: World, etl: Etl, raw: str, arguments: tuple[str, ...], said: str) -> None:
    web.configure(SOURCE.format(raw))
    *command, place = arguments
    outcome = etl(*command, str(web.root / place))
    assert outcome.code == 1
    assert said in outcome.said


def test_no_key_of_a_manifest_leads_out_of_raw(web: World, etl: Etl) -> None:
    archive = web.root / "archive"
    etl("archive", "--to-archive", str(archive))
    manifest = archive / "manifests/web/2026-11-22T11.json"
    manifest.write_text(manifest.read_text().replace(KEYS[2], "../../escaped"))
    restored = etl("restore", "--archive", str(archive))
    assert restored.code == 1
    assert "would leave the folder" in restored.said
    assert not (web.root / "escaped").exists()


def test_what_reads_back_damaged_gets_no_manifest(
    web: World, etl: Etl, s3: S3Server, server: tuple[S3Server, FaultProxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGBUCKET_STORE_DEADLINE", "2")
    with server[1].injecting(Fault("flip", "^GET /archive/damaged/objects/")):
        outcome = etl("archive", "--to-archive", "s3://archive/damaged")
    assert outcome.code == 1
    assert "did not match calculated checksum" in outcome.said
    assert list(open_store("s3://archive/damaged").list("manifests/")) == []
    assert etl("archive", "--to-archive", "s3://archive/damaged").sums("objects") == (3,)
