"""The doctor says what a store can do, leaves nothing behind, and never writes to raw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etl.cli import main
from etl.io.store import open_store, use_credentials
from tests.pipeline.conftest import World, access
from tests.support.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.support.servers import S3Server, s3_server

ANYWHERE = {"put and read back", "the end of an object", "a new object is listed at once", "a delete is seen at once"}
IN_A_FOLDER = {
    "atomic replacement",
    "a replaced file of equal size is noticed",
    "hard links",
    "fsync",
    "free space of the lake",
    "free space of the scratch",
}
ON_S3 = {
    "user metadata is kept",
    "byte ranges",
    "the ETag changes with the content",
    "the ETag is the MD5 of the content",
    "PUT only where there is nothing (If-None-Match)",
    "PUT only over what was read (If-Match)",
    "an upload with a wrong checksum is refused",
    "listings are in the order of bytes",
}
CLOCK = "clock of the store, seconds ahead of this machine's"
RAW = "list and read raw"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[S3Server, FaultProxy]]:
    with s3_server("raw", "lake") as s3, fault_proxy(s3.endpoint_url) as proxy:
        yield s3, proxy


@pytest.fixture
def s3(server: tuple[S3Server, FaultProxy]) -> Iterator[S3Server]:
    use_credentials(**{**server[0].credentials, "endpoint_url": server[1].endpoint_url})
    yield server[0]
    use_credentials()


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str, root: Path | None = None) -> tuple[int, dict[str, Any]]:
    """(exit code, probe → record)."""
    code = main([*(["--config", str(root / "sources.toml")] if root else []), "doctor", "--json", *arguments])
    return code, {item["probe"]: item for item in json.loads(capsys.readouterr().out)}


def test_a_local_folder_can_do_all_that_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = doctor(capsys, str(tmp_path / "new"))
    assert code == 0
    assert set(found) == ANYWHERE | IN_A_FOLDER | {CLOCK}
    assert [name for name, item in found.items() if item["needed"] and not item["ok"]] == []
    assert list(tmp_path.iterdir()) == []


def test_the_s3_server_of_the_tests_can_do_all(s3: S3Server, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = doctor(capsys, "s3://lake/deep")
    assert code == 0
    assert set(found) == ANYWHERE | ON_S3 | {CLOCK}
    assert [name for name, item in found.items() if not item["ok"]] == []
    assert list(open_store("s3://lake").list("")) == []


def test_a_lake_and_its_raw_roots_are_probed_and_raw_is_only_read(
    world: World, s3: S3Server, server: tuple[S3Server, FaultProxy], capsys: pytest.CaptureFixture[str]
) -> None:
    s3.client().put_object(
        Bucket="raw", Key="web/2026/11/22/10/a.log", Body=access("2026-11-22T10:00:00+0000").encode()
    )
    world.configure('[sources.web]\nraw = "s3://raw/web/%Y/%m/%d/%H/"\nformat = "combined"\n')
    server[1].requests.clear()
    code, found = doctor(capsys, root=world.root)
    assert code == 0
    assert found[RAW]["store"] == "s3://raw/web"
    assert found[RAW]["found"].endswith(" bytes of 2026/11/22/10/a.log")
    assert {request.split()[0] for request in server[1].requests} == {"GET"}


@pytest.mark.parametrize(
    ("faults", "probe"),
    [
        ([Fault("answer", "^PUT ", status=403, code="AccessDenied")], "put and read back"),
        ([Fault("answer", "^DELETE ", status=403, code="AccessDenied")], "a delete is seen at once"),
        ([Fault("answer", r"^GET /lake\?", status=403, code="AccessDenied")], "a new object is listed at once"),
    ],
)
def test_what_is_needed_and_refused_is_told_and_fails(
    s3: S3Server,
    server: tuple[S3Server, FaultProxy],
    capsys: pytest.CaptureFixture[str],
    faults: list[Fault],
    probe: str,
) -> None:
    with server[1].injecting(*faults):
        code, found = doctor(capsys, "s3://lake/refused")
    assert code == 1
    assert not found[probe]["ok"]
    assert "AccessDenied" in found[probe]["found"]


def test_raw_that_is_not_there_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.configure('[sources.web]\nraw = "nowhere/%Y/%m/%d/%H/"\nformat = "combined"\n')
    code, found = doctor(capsys, root=world.root)
    assert code == 1
    assert "no such folder" in found[RAW]["found"]


def test_the_table_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "readers see the old file or the new one" in said
    assert "FAILED" not in said
