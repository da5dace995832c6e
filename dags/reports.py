"""### What it does

Every day at 01:00 UTC: writes this report over the day before into the lake, `reports/<report>/`, and on Mondays another
one over the week before. A report is a pure function of the published partitions and metrics; it says itself how complete
its hours were when it was written. Where its hours have nothing that it shows, no report is written and the task is skipped.

### How to redo days (backfill)

*Trigger > Backfill*, the first and the last day, reprocess behaviour **All Runs**. That is also the way to take late
events into a report that is already written. The report of a week is written by the run of its Sunday.

### When a task fails

The last lines of its log say what is wrong, where, and what to do next; then clear the task. What may pass by itself
is retried three times.
"""

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, dag, task

from etl.config import load
from etl.model.hours import HOUR
from etl.tasks import landing_hour_of, stage_task, task_defaults

SETTINGS = load()
SUNDAY = 6


def report(name: str) -> DAG:
    """The daily DAG of one folder of `sql/reports`, or of one report that `sources.toml` declares."""

    @dag(
        dag_id=f"report_{name}",
        description=f"Daily: the {name} report of the day before, and of the week before",
        doc_md=__doc__,
        schedule=CronDataIntervalTimetable("0 1 * * *", timezone="UTC"),
        start_date=min(source.start for source in SETTINGS.sources.values()),
        catchup=True,
        max_active_runs=1,
        allowed_run_types=["scheduled", "backfill", "manual"],
        tags=["logbucket", "report"],
        default_args=task_defaults(hours=1),
    )
    def reports() -> None:
        @task
        @stage_task
        def write(data_interval_start: Any = None) -> str:
            last = _last_hour(data_interval_start)
            return _write(name, last - 23 * HOUR, last)

        @task
        @stage_task
        def write_week(data_interval_start: Any = None) -> str:
            from airflow.sdk.exceptions import AirflowSkipException

            last = _last_hour(data_interval_start)
            if last.weekday() != SUNDAY:
                raise AirflowSkipException(f"{last:%Y-%m-%d} does not end a week")
            return _write(name, last - 167 * HOUR, last)

        write()
        write_week()

    return reports()


def _last_hour(interval_start: Any) -> datetime:
    return landing_hour_of(interval_start).replace(hour=23)


def _write(name: str, first: datetime, last: datetime) -> str:
    from airflow.sdk.exceptions import AirflowSkipException

    from etl.stages.report import has_data, write

    if not has_data(load(), name, first, last):
        raise AirflowSkipException(f"nothing of what the report {name} reads is there for {first} to {last}")
    return write(load(), name, first, last)


for report_name in SETTINGS.report_names:
    globals()[f"report_{report_name}"] = report(report_name)
