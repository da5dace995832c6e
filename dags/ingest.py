"""### What it does

Every hour, for one source: finds the raw objects that arrived (**land**), turns them into rows (**normalize**, one task
per shard), writes the event hours they touch (**publish**), recomputes the metrics of those days (**aggregate**) and
proves that no line was lost (**check**). Where `sources.toml` names channels, it tells them what is new and what is over
(**digest**). The run of landing hour 13 starts at 14:00 UTC. Objects that arrive late are
found by the look-back of the next runs; nothing has to be done for them.

Every stored object is a pure function of its inputs: **any task and any run may be cleared and repeated at any time**;
what did not change is not written again.

### How to redo hours (backfill)

*Trigger > Backfill*, then the first and the last landing hour (both inclusive, UTC), and as reprocess behaviour

- **Missing Runs** to fill gaps only,
- **Missing and Errored Runs** to repeat failures as well,
- **All Runs** after a format or a setting of the source was corrected: what it changes is computed again.

Leave *Max Active Runs* at 1: the look-back of parallel runs would read the same objects twice. A backfill waits as long
as the DAG is paused. It sends no alerts: the scheduled runs after it send one summary. Nor do scheduled runs that catch up with
hours of more than a day ago.

**Leave no gap before a backfill.** The scheduler goes on after the latest run there is, of whatever kind: hours between
its own last run and the first hour of a later backfill get no run any more. Begin where the scheduled runs ended, or
fill the gap with a second backfill (*Missing Runs*).

A single manual run takes the last full hour before its logical date: the same as running that hour again.

### When a task fails

What may pass by itself (the object store does not answer, an object was replaced while it was read) is retried three
times, 1 to 10 minutes apart. Everything else fails at once. The last lines of the task's log say what is wrong, where,
and what to do next:

| Error | What to do |
| --- | --- |
| `StoreUnavailable` | see that the store answers, then clear the task |
| `StoreRefused` | correct the connection's credentials or permissions, then clear the task |
| `ConfigError`, `StatementError` | correct the file that the message names, then clear the task |
| `QuarantineLimitExceeded` | correct the format or raise the source's `quarantine_limit`, then clear the task |
| `BooksDoNotClose` | a fault of the pipeline: keep the log, clear the run; if it fails again, report it |
| `CheckFailed` | the violating rows are in the log; correct their cause, then clear the run |
| `NotDelivered` | a channel took no message: correct it or `[notify]`; the next digest sends what it missed, nothing has to be cleared |

The digest runs also where tasks before it failed, and does not decide whether the run succeeded.
"""

from typing import Any

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, dag, task

from etl.config import Source, load
from etl.model.hours import format_hour
from etl.tasks import finish_of, landing_hour_of, stage_task, task_defaults


def ingest(source: Source) -> DAG:
    """The hourly DAG of one source."""
    # For any scheme that does not start with x-, each parse imports the URI handlers of all providers, boto3 included.
    published = Asset(f"x-logbucket://{source.name}")

    @dag(
        dag_id=f"ingest_{source.name}",
        description=f"Hourly: raw logs of {source.name} to checked, published partitions",
        doc_md=__doc__,
        schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
        start_date=source.start,
        end_date=source.end,
        catchup=True,
        max_active_runs=1,
        # without manual runs the UI disables its Trigger button, and with it the only way to a backfill
        allowed_run_types=["scheduled", "backfill", "manual"],
        tags=["logbucket", "ingest", source.service_name],
        default_args=task_defaults(hours=2),
    )
    def flow() -> None:
        @task
        @stage_task
        def land(data_interval_start: Any = None) -> str:
            from etl.stages.land import land

            return land(load(), source.name, format_hour(landing_hour_of(data_interval_start)))

        @task(
            map_index_template=f"shard {{{{ ti.map_index + 1 }}}} of {source.shards}"
            " · {{ data_interval_start.strftime('%Y-%m-%dT%H') }}"
        )
        @stage_task
        def normalize(work_list: str, shard: int) -> list[str]:
            from etl.stages.normalize import normalize

            return normalize(load(), source.name, work_list, shard)

        @task
        @stage_task
        def publish(touched: list[list[str]]) -> list[str]:
            from etl.stages.publish import publish

            return publish(load(), source.name, sorted({partition for shard in touched[:] for partition in shard}))

        @task
        @stage_task
        def aggregate(partitions: list[str]) -> list[str]:
            from etl.stages.aggregate import aggregate

            return aggregate(load(), source.name, partitions)

        @task(outlets=[published])
        @stage_task
        def check(partitions: list[str], data_interval_start: Any = None, outlet_events: Any = None) -> None:
            from etl.stages.check import check

            print(check(load(), source.name, format_hour(landing_hour_of(data_interval_start)), partitions))
            outlet_events[published].add_partitions(partitions)

        @task
        @stage_task
        def digest(data_interval_start: Any = None, dag_run: Any = None) -> None:
            from etl.stages.notify import digest

            hour = format_hour(landing_hour_of(data_interval_start))
            is_backfill = dag_run.run_type == "backfill"
            print(digest(load(), source.name, hour, is_backfill=is_backfill, now=finish_of(None)))

        work_list = land()
        touched = normalize.partial(work_list=work_list).expand(shard=list(range(source.shards)))
        partitions = publish(touched)
        checked = check(partitions)
        aggregate(partitions) >> checked
        if source.notify.urls:
            # a teardown runs whatever happened before, and is left out of the state of the run
            checked >> digest().as_teardown()

    return flow()


for source in load().sources.values():
    ingest(source)
