"""What goes wrong says what to do, with the right exit code, and leaves nothing half-written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import etl
from etl.cli import main
from etl.errors import ConfigError
from etl.io.store import use_credentials
from tests.pipeline.conftest import World, access
from tests.support.servers import S3Server, s3_server

HOUR = "2026-11-22T10"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server("raw", "lake") as server:
        yield server


@pytest.fixture(autouse=True)
def no_credentials_stay() -> Iterator[None]:
    yield
    use_credentials()


def run_cli(world: World, *arguments: str) -> int:
    return main(["--config", str(world.root / "sources.toml"), *arguments])


def run_hour(world: World) -> int:
    return run_cli(world, "run", "web", "--from", HOUR, "--to", HOUR)


def source(raw: str, **more: str) -> str:
    keys = {"format": '"combined"', "start": '"2026-11-22T00"', "shards": "1", **more}
    return f'[sources.web]\nraw = "{raw}"\n' + "".join(f"{key} = {value}\n" for key, value in keys.items())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("lake = ", ["sources.toml", "TOML"]),
        (source("raw/", shards="99"), ["sources.web.shards", "99", "from 1 to 8"]),
        (source("raw/", zone='"Asia/Soul"'), ["sources.web.zone", "Asia/Soul", "IANA"]),
        (source("raw/", format='"combinde"'), ["sources.web.format", "combinde", "perhaps combined"]),
        (source("raw/%Y/%H/"), ["sources.web.raw", "%m"]),
        (source("raw/", colour='"red"'), ["sources.web.colour", "red", "shards"]),
    ],
)
def test_a_broken_configuration_is_named(
    world: World, capsys: pytest.CaptureFixture[str], text: str, named: list[str]
) -> None:
    world.configure(text)
    (world.root / "raw").mkdir()
    assert run_hour(world) == 2
    said = capsys.readouterr().err
    assert [word for word in named if word not in said.replace("\n", " ")] == []
    assert not world.lake.exists()


def test_an_unknown_source_is_named_with_those_there_are(web: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(web, "run", "shop", "--from", HOUR, "--to", HOUR) == 2
    assert "one of web" in capsys.readouterr().err


def test_a_missing_raw_folder_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.configure(source("nowhere/%Y/%m/%d/%H/"))
    assert run_hour(world) == 1
    assert "no such folder or bucket" in capsys.readouterr().err
    assert not world.lake.exists()


def test_over_the_quarantine_limit_is_exit_code_3(web: World, capsys: pytest.CaptureFixture[str]) -> None:
    web.land("web/2026/11/22/10/a.log", ["rubbish"] * 200)
    assert run_hour(web) == 3
    assert "quarantine_limit" in capsys.readouterr().err
    assert not (web.lake / "staged").exists()


def test_logs_of_years_ago_are_told_the_setting_that_takes_them(web: World, capsys: pytest.CaptureFixture[str]) -> None:
    web.land("web/2026/11/22/10/a.log", [access("2015-05-20T10:00:00+0000")] * 200)
    assert run_hour(web) == 3
    said = capsys.readouterr().err
    assert "is older than max_lateness_days before the landing hour" in said
    assert "correct the format or the setting that a reason names" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_fails_as_a_user(web: World, capsys: pytest.CaptureFixture[str]) -> None:
    web.land("web/2026/11/22/10/a.log", [access("2026-11-22T10:00:00+0000")]).chmod(0)
    assert run_hour(web) == 1
    assert "permission denied" in capsys.readouterr().err


def test_an_unreadable_object_fails_and_nothing_is_half_written(
    web: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For root every file is readable: the one question that is asked of the system is answered with no."""
    web.land("web/2026/11/22/10/a.log", [access("2026-11-22T10:00:00+0000")])
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert run_hour(web) == 1
    assert "permission denied" in capsys.readouterr().err
    assert {key.split("/")[0] for key in web.objects()} == {"work"}


@pytest.mark.parametrize(
    ("raw", "lake", "credentials", "named"),
    [
        ("s3://nosuch/%Y/%m/%d/%H/", "lake", {}, ["bucket 'nosuch' does not exist"]),
        ("s3://raw/%Y/%m/%d/%H/", "s3://nosuch", {}, ["bucket 'nosuch' does not exist"]),
        ("s3://raw/%Y/%m/%d/%H/", "lake", {"aws_secret_access_key": "wrong"}, ["s3://raw", "AWS_SECRET_ACCESS_KEY"]),
        ("s3://raw/%Y/%m/%d/%H/", "lake", {"aws_access_key_id": "nobody"}, ["s3://raw", "AWS_ACCESS_KEY_ID"]),
    ],
)
def test_s3_refusals_are_clear(
    world: World,
    s3: S3Server,
    capsys: pytest.CaptureFixture[str],
    raw: str,
    lake: str,
    credentials: dict[str, Any],
    named: list[str],
) -> None:
    use_credentials(**s3.credentials)
    from etl.io.store import open_store, put_bytes

    put_bytes(
        open_store("s3://raw"), f"{access('2026-11-22T10:00:00+0000')}\n".encode(), "2026/11/22/10/a.log", world.root
    )
    world.configure(source(raw), lake)
    use_credentials(**{**s3.credentials, **credentials})
    assert run_hour(world) == 1
    said = capsys.readouterr().err.replace("\n", " ")
    assert [word for word in named if word not in said] == []
    assert not (world.lake / "staged").exists()


def test_no_credentials_at_all(
    world: World, s3: S3Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    use_credentials(endpoint_url=s3.endpoint_url)
    world.configure(source("s3://raw/%Y/%m/%d/%H/"))
    assert run_hour(world) == 1
    assert "no AWS credentials found" in capsys.readouterr().err


def test_an_unreachable_store_is_said_to_be_unreachable(
    world: World, s3: S3Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    use_credentials(**{**s3.credentials, "endpoint_url": "http://127.0.0.1:9"})
    world.configure(source("s3://raw/%Y/%m/%d/%H/"))
    assert run_hour(world) == 1
    assert "check that the endpoint is reachable" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"AWS_ENDPOINT_URL_S3": "127.0.0.1:9000"}, ["127.0.0.1:9000", "http://127.0.0.1:9000"]),
        ({"AWS_PROFILE": "nobody"}, ["nobody", "AWS_PROFILE"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_client_of_s3_that_cannot_be_made_says_why(
    world: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    named: list[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    world.configure(source("s3://raw/%Y/%m/%d/%H/"))
    assert run_hour(world) == 1
    said = capsys.readouterr().err.replace("\n", " ")
    assert [word for word in named if word not in said] == []


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("LOGBUCKET_TMP", "/no/such/folder", "an existing folder"),
        ("LOGBUCKET_THREADS", "all", "a whole number"),
        ("LOGBUCKET_MEMORY_LIMIT", "plenty", "a size such as 2GB"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_expected(web: World, variable: str, value: str, expected: str) -> None:
    web.land("web/2026/11/22/10/a.log", [access("2026-11-22T10:00:00+0000")])
    command = [sys.executable, "-m", "etl.cli", "--config", str(web.root / "sources.toml")]
    env = {**os.environ, variable: value}
    done = subprocess.run(
        [*command, "run", "web", "--from", HOUR, "--to", HOUR], env=env, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert f"environment variable {variable}: '{value}' is not usable; expected {expected}" in done.stderr
    assert "Traceback" not in done.stderr


def test_raw_and_lake_on_s3_give_the_same_rows_as_local(web: World, s3: S3Server, tmp_path: Path) -> None:
    lines = [access(f"2026-11-22T10:00:{second:02}+0000", f"/{second}") for second in range(30)]
    web.land("web/2026/11/22/10/web-1.log.gz", lines)
    web.run("web", HOUR)
    wanted = (
        "SELECT source_line, event_time, url_path, visitor_id, attributes FROM events_web_access ORDER BY source_line"
    )
    local = web.query(wanted)
    use_credentials(**s3.credentials)
    s3.client().upload_file(
        str(tmp_path / "raw/web/2026/11/22/10/web-1.log.gz"), "raw", "same/2026/11/22/10/web-1.log.gz"
    )
    web.configure(source("s3://raw/same/%Y/%m/%d/%H/"), "s3://lake/deep/prefix")
    web.run("web", HOUR)
    assert web.query(wanted) == local
    client = s3.client()
    before = {item["Key"]: item["LastModified"] for item in client.list_objects_v2(Bucket="lake")["Contents"]}
    web.run("web", HOUR)
    web.run("web", HOUR, reprocess=True)
    after = {item["Key"]: item["LastModified"] for item in client.list_objects_v2(Bucket="lake")["Contents"]}
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"lake": "no/such/lake"}, "lake: 'no/such/lake' is not usable; expected a folder that is there"),
        ({"start": "2026-11-22"}, "start: '2026-11-22' is not usable; expected an hour in UTC such as 2026-11-22T00"),
        (
            {"start": HOUR, "end": "2026-11-22T09"},
            "end: '2026-11-22T09' is not usable; expected an hour not before start",
        ),
    ],
    ids=["lake", "hour", "order"],
)
def test_a_connection_to_nothing_is_refused(world: World, arguments: dict[str, str], said: str) -> None:
    world.lake.mkdir()
    with pytest.raises(ConfigError, match=re.escape(said)):
        etl.connect(**{"lake": str(world.lake), **arguments})


CHECK = "-- title: t\n-- reads: ledger\n"
TABLE = "-- title: t\n-- reads: metrics_traffic_hourly\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"checks/own.sql": CHECK + "SELECT nothing FROM ledger"},
            'checks/own.sql: Binder Error: Referenced column "nothing"',
        ),
        (
            {"checks/own.sql": CHECK + "SELECT * FROM metrics_nothing"},
            "checks/own.sql: Catalog Error: Table with name metrics_",
        ),
        (
            {"reports/own/a.sql": TABLE + "SELECT nothing FROM metrics_traffic_hourly"},
            "reports/own/a.sql: Binder Error",
        ),
        (
            {"reports/own/report.html.j2": "{% block title %}\n{{ look.tabel() }}"},
            "own/report.html.j2: line 2: Unexpected end",
        ),
        ({"reports/own/report.html.j2": "\n{{ look.tabel('a') }}"}, "own/report.html.j2: line 2: "),
        ({"reports/own/report.html.j2": "{{ look.table('a', [('b', 'B')]) }}"}, "no attribute 'b'"),
    ],
    ids=["check without column", "check without view", "table", "template cut", "template", "template without column"],
)
def test_own_sql_and_templates_that_are_wrong_are_named(
    web: World, capsys: pytest.CaptureFixture[str], files: dict[str, str], said: str
) -> None:
    given = {"reports/own/report.html.j2": "ok", "reports/own/a.sql": TABLE + "SELECT 1 AS a", **files}
    for place, content in given.items():
        path = web.root / "own" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    web.configure('sql = ["own"]\n' + source("raw/web/%Y/%m/%d/%H/"))
    web.land("web/2026/11/22/10/a.log", [access("2026-11-22T10:00:00+0000")])
    code = run_hour(web) or run_cli(
        web, "report", "own", "--from", HOUR, "--to", HOUR, "-o", str(web.root / "own.html")
    )
    assert code == 2
    assert said in capsys.readouterr().err.replace("\n", " ")
