"""What holds for every DAG of the project, found by Airflow itself; each message names the DAG and the remedy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.model.declared import KINDS

if TYPE_CHECKING:
    from airflow.sdk import DAG

DAGS = Path(__file__).parents[2] / "dags"
FILES = sorted(DAGS.glob("*.py"))
SOURCES = """
lake = "lake"
notify = { urls = ["${CHANNEL}"] }

[sources.shop_web]
raw = "raw/shop_web/%Y/%m/%d/%H/"
format = "combined"
service_name = "shop"
shards = 2
start = "2026-11-22T00"

[sources.shop_app]
raw = "raw/shop_app/%Y/%m/%d/%H/"
format = "combined"
service_name = "shop"
shards = 3
start = "2026-11-22T00"
end = "2026-11-22T05"
notify = false

[reports.payouts]
report = "settlement"
left = { source = "shop_web", key = "visitor_id", amount = "due", fixed_currency = "KRW" }
right = { source = "shop_app", key = "visitor_id", amount = "paid", fixed_currency = "KRW" }
"""
HEAVY = {"duckdb", "pyarrow", "pandas", "boto3", "botocore"}
UNSTABLE = {"now", "utcnow", "today", "time", "uuid1", "uuid4", "Variable", "random"}


@pytest.fixture(scope="module")
def airflow_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An Airflow home and a configuration of this module's own, for this process and its children."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "sources.toml").write_text(SOURCES)
    env = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "LOGBUCKET_CONFIG": str(home / "sources.toml"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        yield env


@pytest.fixture(scope="module")
def dags(airflow_env: dict[str, str]) -> dict[str, DAG]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS)
    assert not bag.import_errors, "\n".join(
        f"{file}: correct this import error:\n{e}" for file, e in bag.import_errors.items()
    )
    assert bag.dags, f"{DAGS} defines no DAG at all: DagBag looked for files that mention airflow and dag"
    return bag.dags


@pytest.fixture(scope="module")
def ingests(dags: dict[str, DAG]) -> dict[str, DAG]:
    return {dag_id: dag for dag_id, dag in dags.items() if "ingest" in dag.tags}


def broken(dags: dict[str, DAG], keeps: Any) -> list[str]:
    return [dag_id for dag_id, dag in dags.items() if not keeps(dag)]


def test_there_is_one_ingest_dag_per_source(ingests: dict[str, DAG]) -> None:
    assert sorted(ingests) == ["ingest_shop_app", "ingest_shop_web"]


def test_there_is_one_report_dag_per_folder_of_reports_and_per_declared_report(dags: dict[str, DAG]) -> None:
    folders = {path.parent.name for path in (DAGS.parent / "sql/reports").glob("*/report.html.j2")}
    names = folders - set(KINDS) | {"payouts"}
    assert {dag_id for dag_id, dag in dags.items() if "report" in dag.tags} == {f"report_{name}" for name in names}


def test_every_dag_says_what_it_does_how_to_backfill_and_what_to_do_on_failure(dags: dict[str, DAG]) -> None:
    for dag_id, dag in dags.items():
        for heading in ("### What it does", "### How to redo", "### When a task fails"):
            assert heading in (dag.doc_md or ""), f"{dag_id}: put {heading!r} into the module docstring, doc_md=__doc__"


def test_every_dag_has_an_owner_tags_and_a_description(dags: dict[str, DAG]) -> None:
    assert broken(dags, lambda dag: dag.owner == "logbucket") == [], 'set default_args={"owner": "logbucket"}'
    assert broken(dags, lambda dag: "logbucket" in dag.tags) == [], 'add the tag "logbucket"'
    assert broken(dags, lambda dag: dag.description) == [], "give a one-line description"


def test_every_task_is_retried_with_growing_pauses_and_ends_at_some_time(dags: dict[str, DAG]) -> None:
    for dag_id, dag in dags.items():
        for task in dag.tasks:
            where = f"{dag_id}.{task.task_id}"
            assert task.retries >= 2, f"{where}: a passing outage fails the run; set retries >= 2"
            assert task.retry_exponential_backoff, f"{where}: set retry_exponential_backoff"
            assert task.execution_timeout, f"{where}: a hanging task would block the DAG; set execution_timeout"


def test_every_dag_runs_over_whole_intervals_one_at_a_time(dags: dict[str, DAG]) -> None:
    from airflow.sdk import CronDataIntervalTimetable

    for dag_id, dag in dags.items():
        assert dag.max_active_runs == 1, f"{dag_id}: parallel runs look back at the same objects; set max_active_runs=1"
        if "replay" in dag.tags:
            continue
        assert isinstance(dag.timetable, CronDataIntervalTimetable), (
            f"{dag_id}: a bare cron string has intervals of no length; use CronDataIntervalTimetable"
        )
        assert dag.catchup or "audit" in dag.tags, (
            f"{dag_id}: hours missed in an outage would stay missing; set catchup=True"
        )
        assert {kind.value for kind in dag.allowed_run_types or ()} == {"scheduled", "backfill", "manual"}, (
            f"{dag_id}: only time decides its hours, and the UI offers backfills only where manual runs are allowed; "
            "set allowed_run_types=['scheduled', 'backfill', 'manual']"
        )


def test_a_replay_is_started_by_hand_with_a_source_and_hours(dags: dict[str, DAG]) -> None:
    replay = dags["replay"]
    assert not replay.timetable.can_be_scheduled
    assert replay.params.get_param("source").schema["enum"] == ["shop_app", "shop_web"]
    assert set(replay.params) == {"source", "first", "last", "reason"}


def test_every_dag_starts_at_a_fixed_date(dags: dict[str, DAG]) -> None:
    for dag_id, dag in dags.items():
        assert str(dag.start_date)[:10] == "2026-11-22", f"{dag_id}: take start_date from sources.toml"


def test_an_ingest_dag_ends_where_its_source_ends(ingests: dict[str, DAG]) -> None:
    assert ingests["ingest_shop_web"].end_date is None
    assert str(ingests["ingest_shop_app"].end_date)[:13] == "2026-11-22 05"


def test_tasks_are_mapped_over_a_literal_list_and_have_readable_names(dags: dict[str, DAG]) -> None:
    from airflow.sdk.definitions.mappedoperator import MappedOperator

    mapped = {dag_id: [task for task in dag.tasks if isinstance(task, MappedOperator)] for dag_id, dag in dags.items()}
    assert any(mapped.values())
    for dag_id, tasks in mapped.items():
        for task in tasks:
            for name, values in task.op_kwargs_expand_input.value.items():
                assert isinstance(values, list), (
                    f"{dag_id}.{task.task_id}: a list that varies in length loses work in a backfill over all runs; "
                    f"expand {name} over a literal list"
                )
            template = task.partial_kwargs.get("map_index_template")
            assert template, f"{dag_id}.{task.task_id}: set map_index_template, else the UI shows bare numbers"


def test_an_ingest_dag_has_one_normalize_task_per_shard(ingests: dict[str, DAG]) -> None:
    shards = {
        dag_id: dag.get_task("normalize").op_kwargs_expand_input.value["shard"] for dag_id, dag in ingests.items()
    }
    assert shards == {"ingest_shop_web": [0, 1], "ingest_shop_app": [0, 1, 2]}


def test_a_digest_follows_the_check_where_somebody_is_told_and_decides_nothing(ingests: dict[str, DAG]) -> None:
    told, untold = ingests["ingest_shop_web"], ingests["ingest_shop_app"]
    assert "digest" not in untold.task_dict
    digest = told.get_task("digest")
    assert digest.upstream_task_ids == {"check"}
    assert digest.is_teardown and not digest.on_failure_fail_dagrun, (
        "a teardown runs whatever failed before it, and a channel that fails must not fail the run"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_parsing_a_dag_file_imports_nothing_heavy(path: Path, airflow_env: dict[str, str]) -> None:
    code = f"""
import sys
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
bag = DagBag({str(path)!r})
print(sorted({HEAVY!r} & (set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = done.stdout.splitlines()[-1]
    assert found == "[]", f"{path.name}: parsing it imports {found}, and every task parses it; import inside the tasks"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_parsing_a_dag_file_gives_the_same_dag_at_any_time(path: Path) -> None:
    for line, name in names_used_while_parsing(ast.parse(path.read_text())):
        assert name not in UNSTABLE, (
            f"{path.name}:{line}: {name} at parse time makes every parse another DAG version; move it into a task"
        )


def test_names_inside_tasks_are_not_used_while_parsing() -> None:
    source = "x = datetime.now()\ndef flow():\n    y = uuid4()\n    @task\n    def work():\n        return time()\n"
    assert {name for _, name in names_used_while_parsing(ast.parse(source))} & UNSTABLE == {"now", "uuid4"}


def names_used_while_parsing(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of whatever a parse evaluates: all but the bodies of tasks."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and any("task" in ast.unparse(each) for each in node.decorator_list):
            continue
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        yield from names_used_while_parsing(node)
