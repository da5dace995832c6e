"""### What it does

Started by hand: processes the landing hours of one source that hold rejected lines once more, after its format or
settings were corrected. Only those hours are read; no row appears twice. The log of the task `replay` shows for each
hour the rejected lines and the rows, before and after; the changed hours are listed by `etl revisions` with the reason
`replay`.

### How to redo hours

*Trigger*, then the source, the first and the last landing hour (both inclusive, UTC, as `2026-11-22T13`), and optionally
a pattern that the reject reason has to match. It can be repeated at any time: where nothing is rejected any more there
is nothing to do.

### When a task fails

The last lines of its log say what is wrong, where, and what to do next. `ObjectMissing`: raw objects of such an hour are
gone; bring them back with `etl restore`. `QuarantineLimitExceeded`: still too many lines are rejected; nothing of that
hour was changed.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from etl.config import load
from etl.tasks import stage_task, task_defaults

SOURCES = load().sources.values()
HOUR = r"^\d{4}-\d{2}-\d{2}T\d{2}$"


@dag(
    dag_id="replay",
    description="By hand: landing hours with rejected lines are processed again",
    doc_md=__doc__,
    schedule=None,
    start_date=min(source.start for source in SOURCES),
    max_active_runs=1,
    tags=["logbucket", "replay"],
    default_args=task_defaults(hours=6),
    params={
        "source": Param(
            next(iter(SOURCES)).name, enum=sorted(source.name for source in SOURCES), description="Whose rejected lines"
        ),
        "first": Param(type="string", pattern=HOUR, description="First landing hour, UTC, as 2026-11-22T00"),
        "last": Param(type="string", pattern=HOUR, description="Last landing hour, UTC, included"),
        "reason": Param(None, type=["null", "string"], description="Only hours with such a reject reason (RE2)"),
    },
)
def flow() -> None:
    @task
    @stage_task
    def replay(params: Any = None) -> None:
        from etl.model.hours import parse_hour
        from etl.stages.replay import replay

        first, last = parse_hour(params["first"]), parse_hour(params["last"])
        replayed = replay(load(), params["source"], first, last, params["reason"], print)
        print(f"{len(replayed)} landing hours had rejected lines")
        for record in replayed:
            print(record)

    replay()


flow()
