"""The pipeline in a real Airflow: backfills over its REST API, on SQLite with folders and on PostgreSQL with S3."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

import etl
from deploy.client import AirflowError
from deploy.local import ROOT, LocalAirflow
from etl.config import load
from etl.io.store import use_credentials
from etl.simulate import simulate
from etl.stages.status import status
from tests.support.servers import postgres_server, s3_server

HOURS = ["2026-11-22T00", "2026-11-22T01"]
TIMEOUT = 420


def simulated(root: Path, sources: int) -> dict[str, Any]:
    """Two hours of logs; only the first ``sources`` sources stay in sources.toml."""
    simulate(root, start=datetime(2026, 11, 22), hours=len(HOURS), lines_per_hour=600, seed=5)
    head, *tables = (root / "sources.toml").read_text().split("\n[sources.")
    (root / "sources.toml").write_text("\n[sources.".join([head, *tables[:sources]]))
    truth: dict[str, Any] = json.loads((root / "truth.json").read_text())["sources"]
    return truth


def backfill(airflow: LocalAirflow, sources: list[str], reprocess: Any = "none") -> dict[str, Any]:
    dags = [f"ingest_{name}" for name in sources]
    airflow.client.wait_for_dags(dags)
    states = airflow.client.backfill(dags, HOURS[0], HOURS[-1], TIMEOUT, reprocess)
    return {dag: dict(counts) for dag, counts in states.items()}


def objects(lake: Path) -> dict[str, tuple[int, bytes]]:
    found = (path for path in lake.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def test_backfill_on_sqlite_and_a_rerun_of_all_runs_changes_nothing(tmp_path: Path) -> None:
    truth = simulated(tmp_path, sources=2)
    settings = load(tmp_path / "sources.toml")
    names = list(settings.sources)
    with LocalAirflow(tmp_path / "airflow", ROOT / "dags", settings.path) as airflow:
        states = backfill(airflow, names)
        assert states == {f"ingest_{name}": {"success": len(HOURS)} for name in names}
        for book in status(settings):
            assert book["closed"]
            assert book["published"] == truth[book["source"]]["published"]
        before = objects(tmp_path / "lake")
        assert backfill(airflow, names, "completed") == states
        assert objects(tmp_path / "lake") == before
    with duckdb.connect() as connection:
        glob = tmp_path / "lake" / "events" / "web_access" / "**" / "*.parquet"
        found = connection.execute(f"SELECT count(*) FROM read_parquet('{glob}', hive_partitioning = true)").fetchall()
    assert found == [(truth["shop_web"]["published"],)]


def test_backfill_on_postgresql_and_s3_with_enforced_signatures(tmp_path: Path) -> None:
    truth = simulated(tmp_path, sources=1)
    config = tmp_path / "sources.toml"
    with s3_server("raw", "lake") as s3, postgres_server() as database_url:
        client = s3.client()
        for path in sorted((tmp_path / "raw").rglob("*.gz")):
            client.upload_file(str(path), "raw", str(path.relative_to(tmp_path / "raw")))
        text = config.read_text().replace('lake = "lake"', 'lake = "s3://lake/logs"').replace('"raw/', '"s3://raw/')
        config.write_text(text)
        env = {"AIRFLOW_CONN_LOGS_S3": s3.airflow_connection}
        with LocalAirflow(tmp_path / "airflow", ROOT / "dags", config, database_url=database_url, env=env) as airflow:
            assert backfill(airflow, ["shop_web"]) == {"ingest_shop_web": {"success": len(HOURS)}}
        use_credentials(**s3.credentials)
        try:
            with etl.connect("s3://lake/logs") as connection:
                hours = connection.execute(
                    "SELECT strftime(date_trunc('hour', event_time), '%Y-%m-%dT%H'), count(*) FROM events_web_access GROUP BY 1"
                ).fetchall()
            assert dict(hours) == truth["shop_web"]["published_by_event_hour"]
            [book] = status(load(config))
            assert (book["closed"], book["duplicates"]) == (True, truth["shop_web"]["duplicates"])
        finally:
            use_credentials()


def test_a_run_that_cannot_succeed_fails_at_once_and_says_what_to_do(tmp_path: Path) -> None:
    simulated(tmp_path, sources=1)
    for path in (tmp_path / "raw").rglob("*.gz"):
        path.write_bytes(b"no log line at all\n" * 500)
    with (
        LocalAirflow(tmp_path / "airflow", ROOT / "dags", tmp_path / "sources.toml") as airflow,
        pytest.raises(AirflowError, match=r"QuarantineLimitExceeded: .*etl parse --rejects"),
    ):
        backfill(airflow, ["shop_web"])
    assert not (tmp_path / "lake" / "events").exists()
