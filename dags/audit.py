"""### What it does

Every day at 03:00 UTC, for every source: removes what is older than its `[retention]` (**expire**), then compares raw
listing, ledger, slices, partitions and metrics by digest and computes again what is wrong (**sweep**); objects that
arrived later than any look-back are found here. Then one random published hour of each source is built again from raw in
a scratch lake and compared (**drill**). Beside them old reports are removed (**expire_reports**), the new user agents and
networks are looked up in lists (**enrich**), and the file `catalog.duckdb` is brought up to date with schema, metrics and
macros (**catalog**). The hourly DAG `watchdog` only
looks whether the runs of every source are there, and tells the channels of `sources.toml`.

### How to redo days (backfill)

Not needed: an audit looks at all landing hours that late events may still reach, whatever its own day. To repeat one,
clear it. What has expired does not come back. On the command line: `etl expire --dry-run`, `etl audit`,
`etl audit --repair`, `etl drill SOURCE`, `etl enrich`, `etl catalog`, `etl watch`.

### When a task fails

Its log lists what is left after the repair, a line each: the problem, where, and why it could not be mended. `gone`
objects are no failure: raw may forget what the lake keeps. A drill that `differs` means that the published hour is not
what raw says today: audit and repair its landing hours, and report it if it stays. `watchdog` fails where a source has
not been run for three hours: see whether the scheduler is alive and its DAG is not paused.
"""

from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task

from etl.config import load
from etl.tasks import finish_of, stage_task, task_defaults

SOURCES = load().sources
START = min(source.start for source in SOURCES.values())
LATE_HOURS = 3


@dag(
    dag_id="audit",
    description="Daily: old layers removed, the lake compared with raw by digest, repaired, and one hour rebuilt from raw",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    allowed_run_types=["scheduled", "backfill", "manual"],
    tags=["logbucket", "audit"],
    default_args=task_defaults(hours=6),
)
def flow() -> None:
    # what could not expire is no reason not to look
    @task(map_index_template="{{ task.op_kwargs['source'] }}", max_active_tis_per_dagrun=1, trigger_rule="all_done")
    @stage_task
    def sweep(source: str, data_interval_end: Any = None) -> None:
        from etl.errors import CheckFailed
        from etl.stages.audit import audit, audit_window

        settings = load()
        first, last = audit_window(settings.source(source), finish_of(data_interval_end))
        found = audit(settings, source, first, last, repair=True, progress=print)
        for item in found:
            print(item)
        left = [item for item in found if item["is_problem"] and not item["repaired"]]
        if left:
            raise CheckFailed(f"source {source}: {len(left)} problems are left after the repair; they are listed above")

    @task(map_index_template="{{ task.op_kwargs['source'] }}", max_active_tis_per_dagrun=1)
    @stage_task
    def drill(source: str, data_interval_end: Any = None) -> None:
        from etl.errors import CheckFailed
        from etl.stages.audit import drill

        found = drill(load(), source, seed=int(finish_of(data_interval_end).timestamp()))
        print(found)
        if found["outcome"] == "differs":
            raise CheckFailed(
                f"source {source}: {found['partition']} built again from raw is not what is published; "
                f"run `etl audit {source} --repair`, then `etl drill {source} --partition {found['partition']}`"
            )

    @task(trigger_rule="all_done")
    @stage_task
    def enrich() -> None:
        from etl.stages.enrich import enrich

        for item in enrich(load()):
            print(item)

    @task(trigger_rule="all_done")
    @stage_task
    def catalog() -> None:
        from etl.stages.catalog import write_catalog

        print(write_catalog(load()))

    @task(map_index_template="{{ task.op_kwargs['source'] }}", max_active_tis_per_dagrun=1)
    @stage_task
    def expire(source: str, data_interval_end: Any = None) -> None:
        from etl.stages.expire import expire

        for record in expire(load(), source, finish_of(data_interval_end).date()):
            print(record)

    @task
    @stage_task
    def expire_reports(data_interval_end: Any = None) -> None:
        from etl.stages.expire import expire_reports

        print(expire_reports(load(), finish_of(data_interval_end).date()))

    names = list(SOURCES)
    expired = expire.expand(source=names)
    expired >> sweep.expand(source=names) >> drill.expand(source=names)
    expired >> enrich() >> catalog()
    expire_reports()


@dag(
    dag_id="watchdog",
    description="Hourly: is every source being run?",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("30 * * * *", timezone="UTC"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    allowed_run_types=["scheduled", "backfill", "manual"],
    tags=["logbucket", "audit"],
    default_args=task_defaults(hours=1),
)
def watchdog() -> None:
    @task
    @stage_task
    def watch(data_interval_end: Any = None) -> None:
        from etl.errors import CheckFailed
        from etl.stages.notify import tell_stale
        from etl.stages.watch import watch

        settings = load()
        found = watch(settings, finish_of(data_interval_end), LATE_HOURS)
        for line in [*found, *tell_stale(settings, found)]:
            print(line)
        if stale := [item["source"] for item in found if item["stale"]]:
            raise CheckFailed(
                f"no run in the last {LATE_HOURS} hours: {', '.join(stale)}; see whether the scheduler is alive and "
                "the DAGs ingest_… are not paused"
            )

    watch()


flow()
watchdog()
