"""Runs to disturb: what is in raw and in the lake before each of their stages."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from etl.config import Settings
from etl.io.store import open_store, use_credentials
from etl.layout import pending_prefix
from etl.stages import report
from etl.stages.aggregate import aggregate
from etl.stages.check import check
from etl.stages.land import land
from etl.stages.normalize import normalize
from etl.stages.publish import publish
from etl.stages.run import run
from tests.faults.closing import assert_closed, digests, digests_from_raw, raw_lines
from tests.pipeline.conftest import World, access
from tests.support.fault_proxy import FaultProxy
from tests.support.servers import S3Server

STAGES = ("land", "normalize", "publish", "aggregate", "check", "report")
SOURCE = """
[sources.web]
raw = "raw/web/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-22T08"
look_back_hours = 3
shards = 1
"""
_REPORT = ("traffic", datetime(2026, 11, 22), datetime(2026, 11, 22, 23))


@dataclass(frozen=True)
class Before:
    """A stage about to run: ``work(settings, *arguments)``, and a copy of the lake as it then is."""

    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    lake: Path


@dataclass
class Situation:
    """The run of a landing hour, and the lake that raw gives when nothing disturbs it."""

    world: World
    hour: str
    next_hour: str
    landed: list[str]
    stages: dict[str, Before] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return self.world.settings

    def prepare(self) -> Situation:
        """Run all stages once, keeping the lake as it is before each."""
        self._keep("land", land, "web", self.hour)
        work = land(self.settings, "web", self.hour)
        self._keep("normalize", normalize, "web", work, 0)
        touched = normalize(self.settings, "web", work, 0)
        self._keep("publish", publish, "web", touched)
        publish(self.settings, "web", touched)
        self._keep("aggregate", aggregate, "web", touched)
        aggregate(self.settings, "web", touched)
        self._keep("check", check, "web", self.hour, touched)
        check(self.settings, "web", self.hour, touched)
        self._keep("report", report.write, *_REPORT)
        self.expected = digests_from_raw(self.settings, "web", self.landed)
        return self

    def _keep(self, stage: str, work: Callable[..., Any], *arguments: Any) -> None:
        copy = self.world.root / f"before-{stage}"
        if self.world.lake.exists():
            shutil.copytree(self.world.lake, copy)
        self.stages[stage] = Before(work, arguments, copy)

    def rewind(self, stage: str) -> Before:
        """Make the lake what it was before a stage."""
        shutil.rmtree(self.world.lake, ignore_errors=True)
        before = self.stages[stage]
        if before.lake.exists():
            shutil.copytree(before.lake, self.world.lake)
        return before

    def assert_made_good_by(self, hour: str) -> None:
        """One run of this landing hour closes the books and makes the lake that raw gives."""
        assert_made_good(self, self.settings, hour)


def first_run(world: World) -> Situation:
    """Two objects, rows of two event hours, one line that is rejected; nothing in the lake."""
    world.configure(SOURCE)
    world.land("web/2026/11/22/10/a.log", [access("2026-11-22T09:59:59+0000"), access("2026-11-22T10:00:01+0000"), "?"])
    world.land("web/2026/11/22/10/b.log.gz", [access("2026-11-22T10:00:02+0000", "/b")])
    return Situation(world, "2026-11-22T10", "2026-11-22T11", ["2026-11-22T10"]).prepare()


def run_over_changes(world: World) -> Situation:
    """Published hours change: a late object, an overwritten one, an hour that loses its rows, a quarantine that goes and
    one that comes."""
    world.configure(SOURCE)
    world.land("web/2026/11/22/10/a.log", [access("2026-11-22T08:59:59+0000"), access("2026-11-22T10:00:01+0000"), "?"])
    world.land("web/2026/11/22/10/b.log", [access("2026-11-22T10:00:02+0000", "/b")])
    world.run("web", "2026-11-22T10")
    world.land("web/2026/11/22/10/a.log", [access("2026-11-22T10:00:01+0000", "/mended")], at="2026-11-22T11:20:00")
    world.land("web/2026/11/22/10/late.log", [access("2026-11-22T10:30:00+0000", "/late")])
    world.land("web/2026/11/22/11/c.log", [access("2026-11-22T10:59:59+0000", "/c"), "?"])
    return Situation(world, "2026-11-22T11", "2026-11-22T12", ["2026-11-22T10", "2026-11-22T11"]).prepare()


def assert_made_good(situation: Situation, settings: Settings, hour: str) -> None:
    """One run of this landing hour closes the books and makes the lake that raw gives; nothing is left to publish."""
    run(settings, "web", hour)
    assert_closed(settings, "web", raw_lines(situation.world.root / "raw"))
    assert list(open_store(settings.lake).list(pending_prefix("web"))) == []
    assert digests(settings.lake) == situation.expected


def assert_whole(lake: Path) -> None:
    """Every file that a reader may take can be read to its end: hidden names are nobody's objects."""
    for path in sorted(lake.rglob("*")):
        if path.is_dir() or any(part.startswith(".") for part in path.relative_to(lake).parts):
            continue
        if path.suffix == ".parquet":
            pq.ParquetFile(path).read()
        elif path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".gz":
            gzip.decompress(path.read_bytes())
        else:
            assert path.read_text(encoding="utf-8").rstrip().endswith("</html>"), path


@dataclass(frozen=True)
class OnS3:
    """A situation whose lake is in a bucket."""

    situation: Situation
    server: S3Server
    bucket: str
    proxy: FaultProxy

    @property
    def settings(self) -> Settings:
        return replace(self.situation.settings, lake=f"s3://{self.bucket}/lake")

    def rewind(self, stage: str) -> tuple[Any, ...]:
        """Make the lake what it was before a stage; what to call to run the stage in another process."""
        client = self.server.client()
        for item in client.list_objects_v2(Bucket=self.bucket).get("Contents", ()):
            client.delete_object(Bucket=self.bucket, Key=item["Key"])
        before = self.situation.stages[stage]
        for path in before.lake.rglob("*"):
            if path.is_file():
                client.upload_file(str(path), self.bucket, f"lake/{path.relative_to(before.lake)}")
        behind_proxy = {**self.server.credentials, "endpoint_url": self.proxy.endpoint_url}
        return _with_credentials, behind_proxy, before.work, self.settings, *before.arguments

    def assert_made_good_by(self, hour: str) -> None:
        """One run of this landing hour closes the books and makes the lake that raw gives."""
        assert_made_good(self.situation, self.settings, hour)


def _with_credentials(credentials: dict[str, str], work: Callable[..., Any], *arguments: Any) -> None:
    use_credentials(**credentials)
    work(*arguments)
