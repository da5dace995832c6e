"""The few calls of Airflow's REST API that are needed to run backfills and to see how they went."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import requests

Reprocess = Literal["none", "failed", "completed"]
Progress = Callable[[Mapping[str, "Counter[str]"]], None]

_UNFINISHED = ("queued", "running")
_PAGE = 100
_LONG = 150.0


class AirflowError(Exception):
    """Airflow refused a call, did not answer in time, or a run failed. The message says which and what to do next."""


@dataclass(frozen=True)
class TaskFailure:
    """A failed task instance of the run of `landing_hour`, and the end of its log."""

    dag_id: str
    landing_hour: str
    task_id: str
    map_index: int
    log_tail: str

    def __str__(self) -> str:
        mapped = f"[{self.map_index}]" if self.map_index >= 0 else ""
        indented = "\n".join(f"    {line}" for line in self.log_tail.splitlines())
        return f"{self.dag_id}, landing hour {self.landing_hour}: task {self.task_id}{mapped} failed:\n{indented}"


class AirflowClient:
    """A logged-in client of one Airflow 3 API server. Every call is repeated while the server is busy or unreachable.

    Args:
        url: base address, "http://127.0.0.1:8080".
        patience: seconds for which a call is repeated on connection errors, 5xx answers and "Database is locked".
        before_each_wait: called whenever the client is about to wait; raises to make it give up.
    """

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        patience: float = 60,
        before_each_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._patience = patience
        self._before_each_wait = before_each_wait
        self._session = requests.Session()

    def token(self) -> str:
        """A fresh token of the user; it is also put on every later call."""
        token: str = self._call("POST", "/auth/token", json=self._login)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        return token

    def health(self) -> dict[str, str]:
        """The status of each component: {"metadatabase": "healthy", "scheduler": ...}; asked once, without retry.

        Raises:
            requests.RequestException: the server does not answer yet.
        """
        answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=10)
        answer.raise_for_status()
        return {name: (part or {}).get("status") or "absent" for name, part in answer.json().items()}

    def wait_for_dags(self, dag_ids: Iterable[str], timeout: float = 60) -> None:
        """Wait until every DAG has been parsed and stored.

        Raises:
            AirflowError: a DAG file has an import error, or DAGs are missing after `timeout` seconds.
        """
        wanted, deadline = set(dag_ids), time.monotonic() + timeout
        while missing := wanted - {dag["dag_id"] for dag in self._pages("/api/v2/dags", "dags")}:
            if errors := self._pages("/api/v2/importErrors", "import_errors"):
                listed = "\n".join(f"{error['filename']}:\n{error['stack_trace']}" for error in errors)
                raise AirflowError(f"Airflow cannot import a DAG file; correct it:\n{listed}")
            if time.monotonic() > deadline:
                raise AirflowError(
                    f"DAGs {', '.join(sorted(missing))} did not appear within {timeout:.0f} s and no DAG file has an "
                    "import error: see that they are in the dags folder, then look at the dag-processor's log."
                )
            self._wait(0.5)

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run this DAG: its queued backfill runs and, from now on, its scheduled runs."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def pause(self, dag_id: str) -> None:
        """Let the scheduler start no further task of this DAG, neither of backfills nor of scheduled runs."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": True})

    def backfill(
        self,
        dag_ids: Sequence[str],
        first_hour: str,
        last_hour: str,
        timeout: float,
        reprocess_behavior: Reprocess = "none",
        on_progress: Progress | None = None,
    ) -> dict[str, Counter[str]]:
        """Run the landing hours of these DAGs side by side and wait for them; the states of the runs by DAG id.

        The DAGs stand still until all backfills are created, and are unpaused then. Without that, a catch-up takes
        hours away from a backfill; and on SQLite a creation that meets a lock deletes the runs it was to repeat.

        Raises:
            AirflowError: as `create_backfill` and `wait_backfill`.
        """
        for dag_id in dag_ids:
            self.pause(dag_id)
        created = [self.create_backfill(dag_id, first_hour, last_hour, reprocess_behavior) for dag_id in dag_ids]
        for dag_id in dag_ids:
            self.unpause(dag_id)
        return self.wait_backfill(created, timeout, on_progress)

    def create_backfill(
        self,
        dag_id: str,
        first_hour: str,
        last_hour: str,
        reprocess_behavior: Reprocess = "none",
        max_active_runs: int = 1,
    ) -> int:
        """Queue runs for the landing hours "2026-11-22T00" to "2026-11-22T05" (both included); the backfill's id.

        Nothing runs while the DAG is paused, so a backfill created before `unpause` is sure to own its hours.
        A finished backfill of the same DAG that Airflow has not closed yet is waited for.

        Raises:
            AirflowError: refused, for example because another backfill of this DAG is running.
        """
        body = {
            "dag_id": dag_id,
            "from_date": f"{first_hour}:00:00Z",
            "to_date": f"{last_hour}:00:00Z",
            "reprocess_behavior": reprocess_behavior,
            "max_active_runs": max_active_runs,
        }
        known = {backfill["id"] for backfill in self._backfills(dag_id)}
        deadline = time.monotonic() + self._patience
        while True:
            # longer than a database that is locked makes Airflow wait: an answer that comes after all is worth more
            answer = self._send("POST", "/api/v2/backfills", timeout=_LONG, json=body)
            if answer.status_code != 409:
                created: int = self._checked(answer)["id"]
                return created
            for backfill in self._backfills(dag_id):
                if backfill["id"] not in known and backfill["completed_at"] is None and self._settled(backfill["id"]):
                    return int(backfill["id"])
            if self._pending(dag_id) or time.monotonic() > deadline:
                self._checked(answer)
            self._wait(1)

    def _settled(self, backfill_id: int) -> bool:
        """Whether a backfill whose answer was lost has its runs; False where it is to be created again.

        Airflow stores a backfill before its runs, which follow together, and takes it back if the database is locked
        meanwhile, or leaves it without runs if it is locked still.
        """
        where, deadline = f"/api/v2/backfills/{backfill_id}", time.monotonic() + self._patience / 6
        while True:
            answer = self._send("GET", where)
            if answer.status_code == 404:
                return False
            backfill = self._checked(answer)
            if self._unfinished(backfill):
                return True
            if time.monotonic() > deadline:
                self._send("PUT", f"{where}/cancel")
                return False
            self._wait(1)

    def wait_backfill(
        self, backfill_ids: Sequence[int], timeout: float, on_progress: Progress | None = None, poll: float = 1
    ) -> dict[str, Counter[str]]:
        """Wait until no run of these backfills is queued or running; the states of the runs by DAG id.

        `on_progress` is called with the same mapping at each change.

        Raises:
            AirflowError: a DAG is paused, runs failed (with their tasks' logs), or `timeout` seconds have passed.
        """
        backfills = [self._call("GET", f"/api/v2/backfills/{backfill_id}") for backfill_id in backfill_ids]
        for backfill in backfills:
            if self._call("GET", f"/api/v2/dags/{backfill['dag_id']}")["is_paused"]:
                raise AirflowError(f"DAG {backfill['dag_id']} is paused, and so is its backfill: unpause it first.")
        deadline, last = time.monotonic() + timeout, None
        while True:
            states = {
                backfill["dag_id"]: Counter(str(run["state"]) for run in self._runs(backfill)) for backfill in backfills
            }
            if states != last and on_progress is not None:
                on_progress(states)
            last = states
            if not any(counts[state] for counts in states.values() for state in _UNFINISHED):
                break
            if time.monotonic() > deadline:
                listed = "; ".join(f"{dag_id}: {dict(counts)}" for dag_id, counts in states.items())
                raise AirflowError(
                    f"Backfill unfinished after {timeout:.0f} s ({listed}): look at the scheduler's log."
                )
            self._wait(poll)
        if failures := [failure for backfill in backfills for failure in self.failures(backfill["id"])]:
            raise AirflowError("\n".join(str(failure) for failure in failures))
        return states

    def trigger(
        self, dag_id: str, timeout: float, params: Mapping[str, Any] | None = None, logical_date: str | None = None
    ) -> str:
        """Start one run by hand, as the UI's button does, and wait for it; the id of the run.

        `logical_date` as "2026-11-23T03:00:00Z". The DAG is unpaused first.

        Raises:
            AirflowError: refused, failed (with its tasks' logs), or unfinished after `timeout` seconds.
        """
        self.unpause(dag_id)
        body = {"logical_date": logical_date, "conf": dict(params or {})}
        run = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)
        where, deadline = f"/api/v2/dags/{dag_id}/dagRuns/{run['dag_run_id']}", time.monotonic() + timeout
        while run["state"] in _UNFINISHED:
            if time.monotonic() > deadline:
                raise AirflowError(f"{dag_id}: unfinished after {timeout:.0f} s: look at the scheduler's log.")
            self._wait(0.5)
            run = self._call("GET", where)
        if run["state"] != "success":
            raise AirflowError("\n".join(map(str, self._failed_tasks(run, 15))) or f"{dag_id}: {run['state']}")
        return str(run["dag_run_id"])

    def failures(self, backfill_id: int, lines: int = 15) -> list[TaskFailure]:
        """The failed tasks of the backfill's hours, each with the last `lines` lines of its log."""
        backfill = self._call("GET", f"/api/v2/backfills/{backfill_id}")
        failed = [run for run in self._runs(backfill) if run["state"] == "failed"]
        return [failure for run in failed for failure in self._failed_tasks(run, lines)]

    def _failed_tasks(self, run: Mapping[str, Any], lines: int) -> list[TaskFailure]:
        failures = []
        tasks = f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
        for task in self._pages(tasks, "task_instances", state="failed"):
            log = self._log(f"{tasks}/{task['task_id']}/logs/{task['try_number']}", task["map_index"], lines)
            hour = str(run["logical_date"] or run["run_after"])[:13]
            failures.append(TaskFailure(run["dag_id"], hour, task["task_id"], task["map_index"], log))
        return failures

    def _wait(self, seconds: float) -> None:
        self._before_each_wait()
        time.sleep(seconds)

    def _log(self, where: str, map_index: int, lines: int) -> str:
        answer = self._send("GET", where, params={"map_index": map_index}, headers={"Accept": "application/x-ndjson"})
        if answer.status_code != 200:
            return f"(no log: {answer.status_code} {answer.text[:200]})"
        return "\n".join([text for line in answer.text.splitlines() for text in _readable(json.loads(line))][-lines:])

    def _backfills(self, dag_id: str) -> list[dict[str, Any]]:
        return self._pages("/api/v2/backfills", "backfills", dag_id=dag_id)

    def _pending(self, dag_id: str) -> bool:
        return any(
            self._unfinished(backfill) for backfill in self._backfills(dag_id) if backfill["completed_at"] is None
        )

    def _unfinished(self, backfill: Mapping[str, Any]) -> bool:
        return any(run["state"] in _UNFINISHED for run in self._runs(backfill))

    def _runs(self, backfill: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self._pages(
            f"/api/v2/dags/{backfill['dag_id']}/dagRuns",
            "dag_runs",
            logical_date_gte=backfill["from_date"],
            logical_date_lte=backfill["to_date"],
            order_by="logical_date",
        )

    def _pages(self, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", path, params={**params, "limit": _PAGE, "offset": len(items)})
            items += page[key]
            if not page[key] or len(items) >= page["total_entries"]:
                return items

    def _call(self, method: str, path: str, **kwargs: Any) -> Any:
        return self._checked(self._send(method, path, **kwargs))

    def _checked(self, answer: requests.Response) -> Any:
        if answer.ok:
            return answer.json()
        request = answer.request
        raise AirflowError(f"Airflow refused {request.method} {request.url}: {answer.status_code} {answer.text[:1000]}")

    def _send(self, method: str, path: str, timeout: float = 30, **kwargs: Any) -> requests.Response:
        deadline, pause = time.monotonic() + self._patience, 0.2
        while True:
            try:
                answer = self._session.request(method, self.url + path, timeout=timeout, **kwargs)
                trouble = f"{answer.status_code} {answer.text[:300]}" if _busy(answer) else ""
                if not trouble:
                    return answer
            except requests.ConnectionError as error:
                trouble = str(error)
            except requests.Timeout as error:
                trouble = str(error)
            if time.monotonic() > deadline:
                raise AirflowError(
                    f"Airflow did not answer {method} {self.url}{path} within {self._patience:.0f} s; last: {trouble}. "
                    "Look at the api-server's log."
                )
            self._wait(pause)
            pause = min(pause * 2, 3)


def _busy(answer: requests.Response) -> bool:
    return answer.status_code >= 500 or (not answer.ok and "database is locked" in answer.text.lower())


def _readable(event: Mapping[str, Any]) -> Iterable[str]:
    """The lines of one structured log event: the message, and of an exception its type and value."""
    if "::group::" not in event["event"] and "::endgroup::" not in event["event"]:
        yield f"{event.get('level', '').upper():7} {event['event']}"
    for error in event.get("error_detail") or ():
        yield f"{error['exc_type']}: {error['exc_value']}"
