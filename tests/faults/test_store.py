"""The object store fails, lies or refuses: the run recovers or says so, and the next one completes it.

Raw and lake are on a real S3 server behind a proxy that injects the fault. Every test ends with the closing invariant, and
with the bytes that one quiet pass over the same raw objects gives.
"""

from __future__ import annotations

import gzip
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from etl.config import Settings, load
from etl.errors import ConfigError, EtlError, StoreRefused, StoreUnavailable
from etl.io.store import open_store, put_bytes, use_credentials
from etl.stages.run import run
from tests.faults.closing import assert_closed, assert_same_from_raw, digests
from tests.pipeline.conftest import access
from tests.support.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.servers import S3Server, s3_server

HOUR = "2026-11-22T10"
ROOT = Path(__file__).parents[2]
DEADLINE = 3.0
PLAIN = [access(f"2026-11-22T10:00:{second:02}+0000", f"/plain/{second}") for second in range(20)] + ["rubbish"]
ZIPPED = [access(f"2026-11-22T09:59:{second:02}+0000", f"/zipped/{second}") for second in range(30)]
LINES = len(PLAIN) + len(ZIPPED)

RAW_LISTING, RAW_OBJECT = r"^GET /raw\?list", r"^GET /raw/web/.*log"
WORK_LIST, SLICE, FOOTER = r"^GET .*/work/.*json\.gz", r"^GET .*/staged/.*parquet", r"^GET .*/events/.*parquet"
PUT_SLICE, PUT_PARTITION, PUT_LEDGER = r"^PUT .*/staged/", r"^PUT .*/events/", r"^PUT .*/ledger/"


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True)
class Site:
    """An S3 server with raw objects, the proxy before it, and what a quiet pass makes of them."""

    s3: S3Server
    proxy: FaultProxy
    folder: Path
    expected: dict[str, str]

    def settings(self, lake: str, raw: str = "s3://raw/web") -> Settings:
        path = self.folder / "sources.toml"
        path.write_text(
            f'lake = "{lake}"\n[sources.web]\nraw = "{raw}/%Y/%m/%d/%H/"\nformat = "combined"\n'
            f'start = "{HOUR}"\nshards = 1\n'
        )
        return load(path, {})

    def assert_whole(self, settings: Settings) -> None:
        """The books close and the lake holds what a quiet pass makes of raw."""
        assert_closed(settings, "web", LINES)
        assert digests(settings.lake) == self.expected


def producer(s3: S3Server) -> Any:
    """A client that sends no checksum, as many producers do."""
    return boto3.client("s3", **s3.credentials, config=Config(request_checksum_calculation="when_required"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with s3_server("raw", "lake") as s3, fault_proxy(s3.endpoint_url) as proxy:
        client = producer(s3)
        client.put_object(Bucket="raw", Key="web/2026/11/22/10/web-1.log", Body=text(PLAIN))
        client.put_object(Bucket="raw", Key="web/2026/11/22/10/web-2.log.gz", Body=gzip.compress(text(ZIPPED)))
        site = Site(s3, proxy, folder, {})
        use_credentials(**s3.credentials)
        quiet = site.settings(f"{folder}/quiet")
        run(quiet, "web", HOUR)
        site.expected.update(digests(quiet.lake))
        use_credentials()
        yield site


@pytest.fixture(autouse=True)
def quick_and_clean(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOGBUCKET_STORE_TIMEOUT", "0.8")
    monkeypatch.setenv("LOGBUCKET_STORE_DEADLINE", str(DEADLINE))
    use_credentials(**{**site.s3.credentials, "endpoint_url": site.proxy.endpoint_url})
    site.proxy.requests.clear()
    yield
    use_credentials()


@pytest.fixture
def settings(site: Site, request: pytest.FixtureRequest) -> Settings:
    """Raw and a lake of the test's own, both on S3."""
    return site.settings(f"s3://lake/{abs(hash(request.node.name)):x}")


RECOVERED = {
    "bursts of 500 and 503": [
        Fault("answer", RAW_LISTING, times=2),
        Fault("answer", PUT_SLICE, times=1, status=500, code="InternalError"),
        Fault("answer", r"^HEAD ", times=1, after=3),
    ],
    "a reset, a hang and a trickle": [
        Fault("reset", RAW_OBJECT, times=1),
        Fault("hang", PUT_SLICE, times=1),
        Fault("trickle", SLICE, times=1),
    ],
    "bodies cut short, and a listing without one": [
        Fault("empty", RAW_LISTING, times=1),
        Fault("truncate", RAW_LISTING, times=1),
        Fault("truncate", RAW_OBJECT, times=1),
        Fault("truncate", WORK_LIST, times=1),
        Fault("truncate", FOOTER, times=1),
    ],
    "a flipped bit in raw objects, the work list, a slice and a footer": [
        Fault("flip", r"^GET .*web-1\.log$", times=1),
        Fault("flip", r"^GET .*web-2\.log\.gz$", times=1),
        Fault("flip", WORK_LIST, times=1),
        Fault("flip", SLICE, times=1),
        Fault("flip", FOOTER, times=1, at=40),
    ],
    "PUTs and a DELETE that are done but not answered": [
        Fault("lost", PUT_SLICE, times=1),
        Fault("lost", PUT_PARTITION, times=1),
        Fault("lost", PUT_LEDGER, times=1),
        Fault("lost", "^DELETE ", times=1),
    ],
}


@pytest.mark.parametrize("name", RECOVERED)
def test_a_run_recovers_from(site: Site, settings: Settings, name: str) -> None:
    faults = [replace(fault) for fault in RECOVERED[name]]
    footers = any(fault.match == FOOTER for fault in faults)
    if footers:
        # there are none to be read in the first run of an hour
        run(settings, "web", HOUR)
    with site.proxy.injecting(*faults):
        run(settings, "web", HOUR, reprocess=footers)
    site.assert_whole(settings)


SUSTAINED = {
    "503 for every PUT of a partition": Fault("answer", PUT_PARTITION),
    "every PUT of a ledger hangs": Fault("hang", PUT_LEDGER),
    "every PUT of a ledger is done but not answered": Fault("lost", PUT_LEDGER),
    "every raw object is cut short": Fault("truncate", RAW_OBJECT),
    "every listing of raw is empty": Fault("empty", RAW_LISTING),
    "a bit is flipped in every plain raw object": Fault("flip", r"^GET .*web-1\.log$"),
    "a bit is flipped in every slice": Fault("flip", SLICE),
}


@pytest.mark.parametrize("name", SUSTAINED)
def test_a_lasting_fault_fails_in_time_and_the_next_run_closes(site: Site, settings: Settings, name: str) -> None:
    begun = time.monotonic()
    with site.proxy.injecting(replace(SUSTAINED[name])), pytest.raises(StoreUnavailable) as caught:
        run(settings, "web", HOUR)
    assert time.monotonic() - begun < 6 * DEADLINE
    assert caught.value.retryable
    assert "s3://" in str(caught.value)
    assert "run again" in str(caught.value)
    run(settings, "web", HOUR)
    site.assert_whole(settings)


OPERATIONS: dict[str, tuple[str, Callable[[Any, Path], object]]] = {
    "list": (r"^GET /raw\?", lambda store, folder: list(store.list("web/"))),
    "stat": (r"^HEAD ", lambda store, folder: store.stat("web/2026/11/22/10/web-1.log")),
    "read": (RAW_OBJECT, lambda store, folder: store.read("web/2026/11/22/10/web-1.log")),
    "tail": (RAW_OBJECT, lambda store, folder: store.tail("web/2026/11/22/10/web-1.log", 100)),
    "fetch": (RAW_OBJECT, lambda store, folder: store.fetch("web/2026/11/22/10/web-1.log", folder)),
}


@pytest.mark.parametrize(
    ("operation", "kind"),
    [(name, kind) for name in OPERATIONS for kind in ("trickle", "hang") if (name, kind) != ("stat", "trickle")],
)
def test_every_operation_ends_at_the_deadline(
    site: Site, operation: str, kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGBUCKET_STORE_DEADLINE", "0.8")
    pattern, call = OPERATIONS[operation]
    begun = time.monotonic()
    with site.proxy.injecting(Fault(kind, pattern)), pytest.raises(StoreUnavailable, match="attempts in"):
        call(open_store("s3://raw"), tmp_path)
    assert time.monotonic() - begun < 2.5


def test_one_operation_is_six_requests_at_most(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGBUCKET_STORE_DEADLINE", "1000")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with site.proxy.injecting(Fault("answer", "^GET ")), pytest.raises(StoreUnavailable, match="6 attempts"):
        open_store("s3://raw").read("web/2026/11/22/10/web-1.log")
    assert len(site.proxy.requests) == 6


@pytest.mark.parametrize("size", [1000, 200_000])
@pytest.mark.parametrize("operation", ["read", "tail", "fetch"])
@pytest.mark.parametrize("kind", ["flip", "truncate"])
def test_what_was_written_by_us_is_read_again_until_it_is_the_same(
    site: Site, tmp_path: Path, size: int, operation: str, kind: Any
) -> None:
    data = bytes(place % 251 for place in range(size))
    store = open_store("s3://lake/own")
    put_bytes(store, data, "object", tmp_path)
    with site.proxy.injecting(Fault(kind, "^GET .*/own/object", times=1)):
        if operation == "read":
            assert store.read("object") == data
        elif operation == "tail":
            assert store.tail("object", 500) == data[-500:]
        else:
            assert store.fetch("object", tmp_path).read_bytes() == data


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_deadline_that_is_no_number_of_seconds_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGBUCKET_STORE_DEADLINE", text)
    with pytest.raises(ConfigError, match=f"LOGBUCKET_STORE_DEADLINE: '{text}'.*seconds above 0"):
        open_store("s3://raw").read("x")


def test_a_checksum_that_s3_keeps_finds_damage_where_the_etag_cannot(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGBUCKET_ETAG", "opaque")
    site.s3.client().put_object(Bucket="raw", Key="summed/a.log", Body=text(PLAIN), ChecksumAlgorithm="CRC32")
    with site.proxy.injecting(Fault("flip", r"^GET .*/summed/", times=1)):
        assert open_store("s3://raw").fetch("summed/a.log", tmp_path).read_bytes() == text(PLAIN)


def test_damage_in_a_multipart_gzip_without_checksum_is_quarantined_whole_and_healed_by_reprocessing(
    site: Site, settings: Settings
) -> None:
    """Its ETag is no digest of the content: only gzip's own checksum can tell."""
    settings = site.settings(settings.lake, "s3://raw/parts")
    client, place = producer(site.s3), {"Bucket": "raw", "Key": "parts/2026/11/22/10/web-1.log.gz"}
    upload = client.create_multipart_upload(**place)["UploadId"]
    part = client.upload_part(**place, UploadId=upload, PartNumber=1, Body=gzip.compress(text(ZIPPED)))
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
    with site.proxy.injecting(Fault("flip", r"^GET .*/parts/.*gz$", times=1)):
        assert run(settings, "web", HOUR)["rows"] == 0
    sums = assert_closed(settings, "web", _read_lines(settings))
    assert sums["quarantined"] == sums["lines"]
    run(settings, "web", HOUR, reprocess=True)
    assert assert_closed(settings, "web", len(ZIPPED))["published"] == len(ZIPPED)
    assert_same_from_raw(settings, "web", [HOUR])


def _read_lines(settings: Settings) -> int:
    import etl

    with etl.connect(settings.lake) as connection:
        [(lines,)] = connection.execute("SELECT sum(lines)::BIGINT FROM ledger").fetchall()
    return int(lines)


@pytest.mark.parametrize(("after", "status"), [(8, 400), (30, 403)])
def test_credentials_that_expire_during_a_run_are_named_and_a_fresh_attempt_closes(
    site: Site, settings: Settings, after: int, status: int
) -> None:
    expired = Fault("answer", ".", after=after, status=status, code="ExpiredToken")
    with site.proxy.injecting(expired), pytest.raises(StoreRefused, match=r"ExpiredToken.*credentials ended") as caught:
        run(settings, "web", HOUR)
    assert caught.value.retryable
    run(settings, "web", HOUR)
    site.assert_whole(settings)


@pytest.mark.parametrize(
    ("denied", "resource", "named"),
    [
        ("s3:PutObject", "lake/{}/events/*", "cannot write"),
        ("s3:GetObject", "raw/web/*", "cannot read"),
        ("s3:DeleteObject", "lake/{}/work/*", "cannot delete"),
        ("s3:ListBucket", "raw", "cannot list"),
    ],
)
def test_a_key_without_permission_is_told_which_and_a_permitted_run_closes(
    site: Site, settings: Settings, denied: str, resource: str, named: str
) -> None:
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    place = f"arn:aws:s3:::{resource.format(settings.lake.rpartition('/')[2])}"
    limited = site.s3.user(everything, {"Effect": "Deny", "Action": denied, "Resource": place})
    use_credentials(**limited.credentials)
    with pytest.raises(StoreRefused, match=f"{named}: AccessDenied.*permissions of that key") as caught:
        run(settings, "web", HOUR)
    assert not caught.value.retryable
    use_credentials(**site.s3.credentials)
    run(settings, "web", HOUR)
    site.assert_whole(settings)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user may enter, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix="logbucket-faults-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def land_locally(folder: Path) -> Settings:
    """The same lines as local files."""
    for name, data in (("web-1.log", text(PLAIN)), ("web-2.log.gz", gzip.compress(text(ZIPPED), mtime=0))):
        path = folder / "raw/web/2026/11/22/10" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1795344000, 1795344000))
    (folder / "sources.toml").write_text(
        f'lake = "lake"\n[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "combined"\nstart = "{HOUR}"\nshards = 1\n'
    )
    return load(folder / "sources.toml", {})


def as_user(settings: Settings) -> str:
    """Run the hour in a process of a user without privileges; what it was told, or nothing."""

    def work(pipe: Any) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            run(settings, "web", HOUR)
            pipe.send("")
        except EtlError as error:
            pipe.send(f"{type(error).__name__}: {error}")
        except BaseException as error:
            pipe.send(repr(error))

    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(sender,))
    process.start()
    assert receiver.poll(60)
    said: str = receiver.recv()
    process.join()
    return said


@pytest.mark.parametrize(
    ("place", "mode", "said"),
    [
        ("raw/web/2026/11/22/10/web-1.log", 0o000, "permission denied; make the file readable"),
        ("raw/web/2026/11/22", 0o000, "cannot list: Permission denied"),
        ("raw/web/2026/11/22/10", 0o444, "cannot look at: Permission denied"),
        ("lake", 0o555, "cannot write: Permission denied"),
        ("lake/ledger", 0o000, "cannot list: Permission denied"),
    ],
)
def test_local_files_without_permission_are_named_and_a_permitted_run_closes(
    folder: Path, place: str, mode: int, said: str
) -> None:
    settings = land_locally(folder)
    path = folder / place
    if place.startswith("lake"):
        (folder / "lake").mkdir()
        (folder / "lake").chmod(0o777)
        path.mkdir(exist_ok=True)
    path.chmod(mode)
    told = as_user(settings)
    assert told.startswith("StoreRefused: ")
    assert said in told
    assert str(path).rpartition("/")[0] in told
    path.chmod(0o777)
    assert as_user(settings) == ""
    assert_closed(settings, "web", LINES)
    assert_same_from_raw(settings, "web", [HOUR])


def shifted(days: str, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``etl`` on a machine whose clock is off."""
    found = [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    if not found:
        pytest.skip("no libfaketime: install the package faketime")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LOGBUCKET_STORE_")},
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": days,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        **environment,
    }
    command = [sys.executable, "-m", "etl.cli", "--config", str(folder / "sources.toml"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("days", ["-1d", "+1d"])
def test_a_clock_that_is_a_day_off_changes_no_byte_of_a_local_lake(folder: Path, days: str) -> None:
    settings = land_locally(folder)
    late = folder / "raw/web/2026/11/22/10/late.log"
    run(settings, "web", HOUR)
    late.write_bytes(text([access("2026-11-22T10:30:00+0000")]))
    following = "2026-11-22T11"
    done = shifted(days, folder, "run", "web", "--from", following, "--to", following)
    assert done.returncode == 0, done.stderr
    assert_closed(settings, "web", LINES + 1)
    assert_same_from_raw(settings, "web", [HOUR])


def test_a_clock_that_is_a_day_off_is_named_where_s3_refuses_it(site: Site, settings: Settings) -> None:
    hour = ("--from", HOUR, "--to", HOUR)
    done = shifted("+1d", site.folder, "run", "web", *hour, **site.s3.env)
    assert done.returncode == 1
    assert "RequestTimeTooSkewed" in done.stderr
    assert "the clock of this machine says" in done.stderr
    run(settings, "web", HOUR)
    site.assert_whole(settings)
