"""Any key that a store can hold is read once, told apart in the rows, and leads nowhere but to its object."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.cli import main
from etl.errors import ConfigError
from etl.io.store import use_credentials
from tests.faults.closing import assert_closed, assert_same_from_raw
from tests.pipeline.conftest import World, access
from tests.support.servers import S3Server, s3_server

HOUR = "2026-11-22T10"
ANYWHERE = [
    "a b.log", "it's.log", 'say "x".log', "semi;colon.log", "$HOME `id`.log", "~.log", "+plus.log", "&amp;<x>.log", "back\\slash.log",
    "per%cent.log", "per%2Fcent.log", "%Y-%H.log", "query?versionId=1.log", "hash#x.log", "star*.log", "[a-z]{b,c}.log", "**", "-rf",
    "ü–日本😀.log", "caf\u00e9.log", "cafe\u0301.log", "new\nline.log", "tab\t.log", "cr\r.log", "esc\x1b[31m.log", "\u202egpj.log",
    "line\u2028separator.log", "event_date=1999-01-01/source_name=x/a.log", "deep/" * 60 + "a.log", "n" * 255, "no extension",
]  # fmt: skip
ONLY_LOCAL = ["caf\udce9.log"]
ONLY_S3 = [
    "../up.log", "a/../b.log", "../../../../out.log", "..", "a//b.log", "/lead.log", "//", "./dot.log", "a/./b.log", ".hidden.log", ". .log",
    "trailing/", "trailing/below.log", "k" * 980, "\x01control.log",
]  # fmt: skip
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def source(raw: str, name: str = "web") -> str:
    return f'[sources.{name}]\nraw = "{raw}"\nformat = "combined"\nstart = "2026-11-22T00"\nshards = 1\n'


def lines_of(number: int) -> bytes:
    return "".join(f"{access(f'2026-11-22T10:00:0{second}+0000', f'/{number}')}\n" for second in range(2)).encode()


def assert_each_is_published(world: World, root: str, keys: list[str]) -> None:
    """Two lines of each object, with the URI that names it."""
    found = world.query("SELECT source_uri, url_path, count(*) FROM events_web_access GROUP BY ALL ORDER BY ALL")
    shown = [key.replace("\udce9", "\\xe9") for key in keys]
    assert found == sorted((f"{root}/{key}", f"/{number}", 2) for number, key in enumerate(shown))
    assert sorted(key for (key,) in world.query("SELECT key FROM ledger")) == sorted(
        f"2026/11/22/10/{key}" for key in shown
    )


def secret(world: World) -> Path:
    """The file of the secret that the first run makes."""
    return world.settings.secret_file


def assert_shown_safely(world: World, capsys: pytest.CaptureFixture[str], keys: list[str]) -> None:
    config = str(world.root / "sources.toml")
    for arguments in (
        ["sql", "SELECT source_uri FROM events_web_access"],
        ["sql", "SELECT uri FROM ledger", "--format", "csv"],
        ["sql", "SELECT uri FROM ledger", "--format", "json"],
        ["status"],
        ["run", "web", "--from", HOUR, "--to", HOUR],
    ):
        capsys.readouterr()
        assert main(["--config", config, *arguments]) == 0
        found = capsys.readouterr()
        assert not STEERING.search(re.sub("\r\n|\t", "\n", found.out) + found.err), arguments


def test_any_name_of_a_local_file(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.configure(source("raw/%Y/%m/%d/%H/"))
    keys = [*ANYWHERE, *ONLY_LOCAL]
    for number, key in enumerate(keys):
        world.land(f"2026/11/22/10/{key}", lines_of(number))
    others = set(world.root.iterdir())
    world.run("web", HOUR)
    assert_each_is_published(world, f"{world.root}/raw/2026/11/22/10", keys)
    assert_closed(world.settings, "web", 2 * len(keys))
    assert_same_from_raw(world.settings, "web", [HOUR])
    assert_shown_safely(world, capsys, keys)
    assert set(world.root.iterdir()) == others | {world.lake, secret(world)}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server("raw", "lake") as server:
        yield server


@pytest.fixture
def credentials(s3: S3Server) -> Iterator[None]:
    use_credentials(**s3.credentials)
    yield
    use_credentials()


def test_any_key_of_s3(
    world: World,
    s3: S3Server,
    credentials: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.configure(source("s3://raw/w/%Y/%m/%d/%H/"))
    (world.root / "scratch/deep").mkdir(parents=True)
    monkeypatch.setenv("LOGBUCKET_TMP", str(world.root / "scratch/deep"))
    keys = [*ANYWHERE, *ONLY_S3]
    for number, key in enumerate(keys):
        s3.client().put_object(Bucket="raw", Key=f"w/2026/11/22/10/{key}", Body=lines_of(number))
    s3.client().put_object(Bucket="raw", Key="w/2026/11/22/10/marker of a folder/", Body=b"")
    others = set(world.root.rglob("*"))
    world.run("web", HOUR)
    assert_each_is_published(world, "s3://raw/w/2026/11/22/10", keys)
    assert_closed(world.settings, "web", 2 * len(keys))
    assert_same_from_raw(world.settings, "web", [HOUR])
    assert_shown_safely(world, capsys, keys)
    outside = {path for path in world.root.rglob("*") if world.lake not in (path, *path.parents)}
    assert outside == others | {secret(world)}


def test_a_foreign_object_in_the_lake_is_not_copied_out_of_the_snapshot(
    world: World, s3: S3Server, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(source("s3://raw/f/%Y/%m/%d/%H/"), "s3://lake/foreign")
    (world.root / "scratch/deep").mkdir(parents=True)
    monkeypatch.setenv("LOGBUCKET_TMP", str(world.root / "scratch/deep"))
    s3.client().put_object(Bucket="raw", Key="f/2026/11/22/10/a.log", Body=lines_of(1))
    for up in ("../../out.parquet", "x/../../../../out.parquet"):
        s3.client().put_object(Bucket="lake", Key=f"foreign/quarantine/{up}", Body=b"x")
    world.run("web", HOUR)
    world.query("SELECT * FROM quarantine")
    assert not list(world.root.rglob("out.parquet"))


def test_links_are_followed_once(world: World) -> None:
    """A folder that is linked to is read; one that holds itself is not read again and again."""
    world.configure(source("raw/%Y/%m/%d/%H/"))
    world.land("2026/11/22/10/a.log", lines_of(0))
    world.land("../elsewhere/b.log", lines_of(1))
    hour = world.root / "raw/2026/11/22/10"
    (hour / "there").symlink_to(world.root / "elsewhere")
    (hour / "loop").symlink_to(hour)
    (hour / "loop too").symlink_to("../10")
    (hour / "dangling").symlink_to("nowhere")
    os.mkfifo(hour / "pipe.log")
    world.run("web", HOUR)
    assert_each_is_published(world, f"{world.root}/raw/2026/11/22/10", ["a.log", "there/b.log"])
    assert_closed(world.settings, "web", 4)


@pytest.mark.parametrize(
    "name",
    ["a b; it's -- \\", 'say "x" $1 ü–日本 cafe\u0301', "[a-z]*?{b,c} %41"],
)  # fmt: skip
def test_any_name_of_the_lake_and_of_the_raw_folder(
    world: World, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    world.configure(source(f"raw/{escaped.replace('%', '_')}/%Y/%m/%d/%H/"), f"{escaped}/lake")
    world.land(f"{name.replace('%', '_')}/2026/11/22/10/a.log", [*lines_of(0).decode().splitlines(), "rubbish"])
    world.run("web", HOUR)
    assert_closed(world.settings, "web", 3)
    assert world.query("SELECT DISTINCT source_name, event_date::VARCHAR, event_hour FROM events_web_access") == [
        ("web", "2026-11-22", 10)
    ]
    assert world.query("SELECT source_name, landing_hour FROM quarantine") == [("web", 10)]
    config = str(world.root / "sources.toml")
    assert (
        main(["--config", config, "report", "traffic", "--from", HOUR, "--to", HOUR, "-o", str(world.root / "r")]) == 0
    )
    assert {path.name for path in world.root.iterdir()} == {"raw", "r", "sources.toml", secret(world).name, name}


@pytest.mark.parametrize("lake", ["event_hour=5/lake", "region=eu", "s3://lake/source_name=x"])
def test_a_lake_in_a_folder_that_reads_as_a_column_is_refused(world: World, lake: str) -> None:
    world.configure(source("raw/"), lake)
    with pytest.raises(ConfigError, match="a path without =, which readers would take for a column of the lake"):
        _ = world.settings


@pytest.mark.parametrize("name", ["a b", "it's", "ü", "[x]", "../up", "a/b", "A", "1a", "", "x" * 64])
def test_a_source_has_a_plain_name(world: World, name: str) -> None:
    quoted = name.replace('"', '\\"')
    world.configure(source("raw/").replace("sources.web", f'sources."{quoted}"'))
    with pytest.raises(ConfigError, match="a name of a–z, 0–9 and _, starting with a letter"):
        _ = world.settings
