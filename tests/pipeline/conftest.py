"""A small world for every test: raw logs and a lake in a temporary folder."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.config import Settings, load
from etl.io.snapshot import all_views, snapshot
from etl.io.statements import load_statements
from etl.stages.run import run


@dataclass
class World:
    """Helpers around one sources.toml: land files, run hours, look at the lake."""

    root: Path

    def configure(self, text: str, lake: str = "lake") -> None:
        (self.root / "sources.toml").write_text(f'lake = "{lake}"\n{text}')

    @property
    def settings(self) -> Settings:
        return load(self.root / "sources.toml", {})

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    def land(self, key: str, lines: list[str] | bytes, at: str = "2026-11-22T23:59:59") -> Path:
        """Write a raw object; ``at`` is its modification time in UTC."""
        path = self.root / "raw" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        data = lines if isinstance(lines, bytes) else "".join(f"{line}\n" for line in lines).encode()
        path.write_bytes(gzip.compress(data, mtime=0) if key.endswith(".gz") else data)
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
        os.utime(path, (moment, moment))
        return path

    def run(self, source: str, *hours: str, reprocess: bool = False) -> list[dict[str, Any]]:
        return [run(self.settings, source, hour, reprocess=reprocess) for hour in hours]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """A query as ``etl.connect()`` answers it, with the views and macros that it names only."""
        statements = load_statements(self.settings.sql)
        views = [view for view in all_views(statements) if view in sql]
        with snapshot(self.settings.lake, statements, views, macros=statements.macros_used(sql)) as connection:
            return connection.execute(sql).fetchall()

    def counts(self, view: str = "events_web_access") -> dict[str, int]:
        """Event hour → published rows."""
        sql = f"SELECT strftime(date_trunc('hour', event_time), '%Y-%m-%dT%H'), count(*) FROM {view} GROUP BY 1"
        return dict(self.query(sql))

    def objects(self) -> dict[str, tuple[int, bytes]]:
        """Every stored object: modification time in nanoseconds and bytes."""
        paths = (path for path in self.lake.rglob("*") if path.is_file())
        return {str(path.relative_to(self.lake)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def web(world: World) -> Iterator[World]:
    """One source of combined logs, landing by key."""
    world.configure(
        """
[sources.web]
raw = "raw/web/%Y/%m/%d/%H/"
format = "combined"
start = "2026-11-22T00"
shards = 2
"""
    )
    (world.root / "raw" / "web").mkdir(parents=True)
    yield world


def access(time: str, path: str = "/", status: int = 200, address: str = "203.0.113.9") -> str:
    """A line of the combined format; ``time`` as 2026-11-22T13:04:05+0000."""
    moment = datetime.strptime(time, "%Y-%m-%dT%H:%M:%S%z")
    return f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "GET {path} HTTP/1.1" {status} 512 "-" "Mozilla/5.0"'


@pytest.fixture
def line() -> Callable[..., str]:
    return access


def read_with_plain_duckdb(sql: str) -> list[tuple[Any, ...]]:
    """What an analyst gets without this project."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()
