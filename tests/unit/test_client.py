"""What the client of Airflow's API makes of a backfill whose answer was lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.client import AirflowClient

HOUR = "2026-11-22T05"


class Airflow(ThreadingHTTPServer):
    """As much of Airflow as creating a backfill takes; `fate` says what becomes of the first one, whose answer is lost."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.fate = ""
        self.backfills: dict[int, dict[str, object]] = {}
        self.with_runs: set[int] = set()
        self.created = self.looked = 0

    def create(self) -> tuple[int, object]:
        if any(backfill["completed_at"] is None for backfill in self.backfills.values()):
            return 409, {"detail": "There is already a running backfill"}
        number = max(self.backfills, default=6) + 1
        self.created += 1
        day = {"from_date": f"{HOUR}:00:00Z", "to_date": f"{HOUR}:00:00Z", "completed_at": None}
        self.backfills[number] = {"id": number, "dag_id": "ingest_web", **day}
        if self.created == 1:
            return 503, {"detail": "the answer is lost"}
        self.with_runs.add(number)
        return 200, self.backfills[number]

    def look(self, number: int) -> tuple[int, object]:
        self.looked += 1
        if self.looked == 2 and self.fate == "its runs follow":
            self.with_runs.add(number)
        if self.looked == 2 and self.fate == "it is taken back":
            del self.backfills[number]
        return (200, self.backfills[number]) if number in self.backfills else (404, {"detail": "Backfill not found"})

    def answer(self, method: str, path: str) -> tuple[int, object]:
        *_, last = parts = path.partition("?")[0].split("/")
        match method, last:
            case "POST", _:
                return self.create()
            case "PUT", "cancel":
                self.backfills[int(parts[-2])]["completed_at"] = "2026-11-22T07:00:00Z"
                return 200, {}
            case "GET", "backfills":
                return 200, {"backfills": list(self.backfills.values()), "total_entries": len(self.backfills)}
            case "GET", "dagRuns":
                active = {number for number, backfill in self.backfills.items() if backfill["completed_at"] is None}
                runs = [{"state": "queued"} for _ in active & self.with_runs]
                return 200, {"dag_runs": runs, "total_entries": len(runs)}
        return self.look(int(last))


class Handler(BaseHTTPRequestHandler):
    server: Airflow

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = self.server.answer(self.command, self.path)
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    with Airflow() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("fate", "backfill"),
    [("its runs follow", 7), ("it is taken back", 7), ("it stays without runs", 8)],
)
def test_a_backfill_whose_answer_was_lost_is_created_once(airflow: Airflow, fate: str, backfill: int) -> None:
    airflow.fate = fate
    client = AirflowClient(f"http://127.0.0.1:{airflow.server_port}", "user", "password", patience=12)
    assert client.create_backfill("ingest_web", HOUR, HOUR) == backfill
    assert [number for number, kept in airflow.backfills.items() if kept["completed_at"] is None] == [backfill]
    assert backfill in airflow.with_runs
