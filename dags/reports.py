"""### What it does

Every day at 01:00 UTC: writes the traffic report of the day before into the lake, `reports/traffic/`. The report is a
pure function of the published partitions; it says itself how complete its day was when it was written.

### How to redo days (backfill)

*Trigger > Backfill*, the first and the last day, reprocess behaviour **All Runs**. That is also the way to take late
events into a report that is already written.

### When a task fails

The last lines of its log say what is wrong, where, and what to do next; then clear the task. What may pass by itself
is retried three times.
"""

from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from etl.config import load
from etl.model.hours import HOUR
from etl.tasks import landing_hour_of, stage_task, task_defaults

SOURCES = load().sources.values()


@dag(
    dag_id="report_traffic",
    description="Daily: the traffic report of the day before",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 1 * * *", timezone="UTC"),
    start_date=min(source.start for source in SOURCES),
    catchup=True,
    max_active_runs=1,
    allowed_run_types=["scheduled", "backfill", "manual"],
    tags=["logbucket", "report"],
    default_args=task_defaults(hours=1),
)
def traffic() -> None:
    @task
    @stage_task
    def write(data_interval_start: Any = None) -> str:
        from etl.stages.report import write

        first = landing_hour_of(data_interval_start).replace(hour=0)
        return write(load(), "traffic", first, first + 23 * HOUR)

    write()


traffic()
