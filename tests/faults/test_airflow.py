"""A task, a worker and the scheduler of a real Airflow die by SIGKILL in a backfill, which still ends in success."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy.local import ROOT, LocalAirflow
from etl.config import load
from tests.faults.closing import assert_closed, assert_same_from_raw, raw_lines
from tests.pipeline.conftest import World, access
from tests.support.servers import postgres_server

HOURS = [f"2026-11-22T0{hour}" for hour in range(3)]
TIMEOUT = 240
# a threshold below the time of a busy scheduler's round would make it take its own tasks for orphans
_IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
}
_DAGS = '''"""The DAGs of Airflow in {dags}, whose tasks are retried after a second instead of a minute."""

import runpy
from datetime import timedelta

import etl.tasks

defaults = etl.tasks.task_defaults
etl.tasks.task_defaults = lambda hours: {{**defaults(hours), "retries": 8, "retry_delay": timedelta(seconds=1), "max_retry_delay": timedelta(seconds=2)}}
runpy.run_path("{dags}/ingest.py")
'''


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.configure(
        f'[sources.web]\nraw = "raw/web/%Y/%m/%d/%H/"\nformat = "combined"\nstart = "{HOURS[0]}"\nend = "{HOURS[-1]}"\n'
        "shards = 1\n"
    )
    for hour in HOURS:
        lines = [access(f"{hour}:00:{second:02}+0000") for second in range(60)]
        world.land(f"web/{hour.replace('-', '/').replace('T', '/')}/a.log.gz", [*lines, "rubbish", ""])
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "impatient.py").write_text(_DAGS.format(dags=ROOT / "dags"))
    return world


def test_a_backfill_survives_the_kill_of_a_task_of_a_worker_and_of_the_scheduler(world: World) -> None:
    config, env = world.root / "sources.toml", {**_IMPATIENT, "PYTHONPATH": str(ROOT)}
    with (
        postgres_server() as database,
        LocalAirflow(world.root / "airflow", world.root / "dags", config, database_url=database, env=env) as airflow,
    ):
        airflow.client.wait_for_dags(["ingest_web"])
        backfill = airflow.client.create_backfill("ingest_web", HOURS[0], HOURS[-1])
        airflow.client.unpause("ingest_web")
        kills: list[Callable[[LocalAirflow], list[psutil.Process]]] = [_kill_task, _kill_worker, _kill_scheduler]
        killed = [process for kill in kills for process in kill(airflow)]
        states = airflow.client.wait_backfill([backfill], TIMEOUT)
        left = [process for process in killed if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert states == {"ingest_web": {"success": len(HOURS)}}
    assert not left, f"processes of a dead scheduler are left: {left}"
    settings = load(config)
    assert_closed(settings, "web", raw_lines(world.root / "raw"))
    assert_same_from_raw(settings, "web", HOURS)


def _running(airflow: LocalAirflow) -> tuple[psutil.Process, psutil.Process]:
    """The process of a task that has reported that it runs, and the worker above it.

    A worker that dies between taking a task and that report leaves it queued until the scheduler starts again: a limit
    of Airflow's LocalExecutor.
    """
    deadline = time.monotonic() + 120
    where = "/api/v2/dags/ingest_web/dagRuns/~/taskInstances"
    while time.monotonic() < deadline:
        for task in airflow.client._pages(where, "task_instances", state="running"):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(task["pid"] or 0)
                worker = process.parent()
                if process.status() != psutil.STATUS_ZOMBIE and worker is not None and worker.pid > 1:
                    return process, worker
        airflow.keep_alive()
        time.sleep(0.05)
    raise AssertionError("no task ran within two minutes")


def _scheduler(airflow: LocalAirflow) -> psutil.Process:
    return psutil.Process(airflow._processes["scheduler"].pid)


def _kill_task(airflow: LocalAirflow) -> list[psutil.Process]:
    task, _ = _running(airflow)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(task.pid, signal.SIGKILL)
    return [task]


def _kill_worker(airflow: LocalAirflow) -> list[psutil.Process]:
    task, worker = _running(airflow)
    for process in (worker, task):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return [task, worker]


def _kill_scheduler(airflow: LocalAirflow) -> list[psutil.Process]:
    _running(airflow)
    scheduler = _scheduler(airflow)
    family = [scheduler, *scheduler.children(recursive=True)]
    scheduler.kill()
    return family
