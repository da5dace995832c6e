"""A real Airflow on this machine: API server, scheduler and DAG processor as child processes, on loopback only.

    python -m deploy.local up --config sources.toml

keeps one running in the foreground (`make up`); `LocalAirflow` is the same for demos and tests.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FrameType, TracebackType

import psutil  # type: ignore[import-untyped]
import requests

from deploy.client import AirflowClient, AirflowError
from etl.config import load
from etl.errors import ConfigError

ROOT = Path(__file__).absolute().parent.parent
USER = "admin"
HOME = ".airflow"
"""Beside sources.toml: where `make up` and the demo keep the state of Airflow, so that one shows the runs of the other."""

SHARED_SETTINGS: Mapping[str, str] = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "true",
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "90",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
    # A supervisor often notices the end of its task only at its next heartbeat, and blocks a worker for so long.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
}
"""What holds wherever logbucket runs; `docker-compose.yml` sets the same (a test compares them)."""

_LOCAL_SETTINGS: Mapping[str, str] = {
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
}

_COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    # Logs lie where the API server reads them itself: no log server, no port for it.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


class LocalAirflow:
    """Context manager: an Airflow that is healthy inside the `with` block and gone after it.

    Args:
        home: folder of everything that is kept (metadata database, secrets, task logs, `logs/<component>.log`);
            the same folder continues where the last run stopped.
        dags: folder of the DAG files; its parent is put on PYTHONPATH.
        config: the project's `sources.toml`.
        database_url: of the metadata database, "postgresql+psycopg2://..."; None is SQLite in `home`.
        env: further environment variables of all components; they win over everything else.
        triggerer: start a triggerer as well (only deferrable tasks need one).
        timeout: seconds to wait for the database migration, and again until all components are healthy.

    Attributes:
        url, user, password: where the UI is, and who may enter.
        client: a logged-in `AirflowClient`.

    Raises:
        AirflowError: a component ended or did not become healthy; with the end of its log.
    """

    client: AirflowClient

    def __init__(
        self,
        home: Path,
        dags: Path,
        config: Path,
        database_url: str | None = None,
        env: Mapping[str, str] | None = None,
        triggerer: bool = False,
        port: int | None = None,
        timeout: float = 120,
    ) -> None:
        self.home, self.logs = home.absolute(), home.absolute() / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self._port = port or free_port()
        self._timeout = timeout
        self._wanted = [name for name in _COMPONENTS if triggerer or name != "triggerer"]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._restarts: Counter[str] = Counter()
        self._restarts_allowed = 0
        kept = self._secrets()
        self.url, self.user, self.password = f"http://127.0.0.1:{self._port}", USER, kept["password"]
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")},
            **SHARED_SETTINGS,
            **_LOCAL_SETTINGS,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags.absolute()),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(dags.absolute().parent / "plugins"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__CORE__FERNET_KEY": kept["fernet_key"],
            "AIRFLOW__API__PORT": str(self._port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": kept["secret_key"],
            "AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt_secret"],
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url or f"sqlite:///{self.home}/airflow.db",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.logs / "tasks"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(self.logs / "dag_processor"),
            "LOGBUCKET_CONFIG": str(config.absolute()),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(dags.absolute().parent), os.environ.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
            **(env or {}),
        }

    def __enter__(self) -> LocalAirflow:
        self._migrate()
        try:
            for name in self._wanted:
                self._start(name)
            self.client = AirflowClient(self.url, self.user, self.password, before_each_wait=self.keep_alive)
            self._wait_until_healthy()
            self.client.token()
            self._restarts_allowed = 3
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def keep_alive(self) -> None:
        """Start a component again that has ended, as the restart policy of a deployment does.

        Raises:
            AirflowError: it has ended too often, or before it was ever healthy; with the end of its log.
        """
        for name, process in list(self._processes.items()):
            if (code := process.poll()) is None:
                continue
            if self._restarts[name] >= self._restarts_allowed:
                raise AirflowError(f"Airflow's {name} ended with exit code {code}:\n{self.tail(name)}")
            self._restarts[name] += 1
            # the workers of a scheduler that was killed would wait for its tasks for ever
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            self._start(name)

    def tail(self, name: str, lines: int = 30) -> str:
        """The last lines of a component's log, with the path of the whole."""
        path = self.logs / f"{name}.log"
        return "\n".join([*path.read_text(errors="replace").splitlines()[-lines:], f"(whole log: {path})"])

    def stop(self, grace: float = 10) -> None:
        """End the components and all their descendants: SIGTERM, and SIGKILL for those left after `grace` seconds.

        The API server goes last: what ends reports its end there.
        """
        server = self._processes.pop("api-server", None)
        _end(self._processes.values(), grace)
        _end([server] if server else [], grace)
        self._processes.clear()

    def _secrets(self) -> dict[str, str]:
        path = self.home / "secrets.json"
        if not path.exists():
            made = {
                "password": secrets.token_urlsafe(12),
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "secret_key": secrets.token_hex(32),
                "jwt_secret": secrets.token_hex(64),
            }
            write_private(path, made)
            write_private(self.home / "passwords.json", {USER: made["password"]})
        kept: dict[str, str] = json.loads(path.read_text())
        return kept

    def _migrate(self) -> None:
        with (self.logs / "migrate.log").open("wb") as log:
            done = subprocess.run(
                [*_AIRFLOW, "db", "migrate"], env=self.env, stdout=log, stderr=log, timeout=self._timeout
            )
        if done.returncode:
            raise AirflowError(f"`airflow db migrate` failed:\n{self.tail('migrate')}")

    def _start(self, name: str) -> None:
        with (self.logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [*_AIRFLOW, *_COMPONENTS[name]],
                env=self.env,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + self._timeout
        needed = {"metadatabase", *(name.replace("-", "_") for name in self._wanted if name != "api-server")}
        while True:
            self.keep_alive()
            try:
                ill = needed - {name for name, status in self.client.health().items() if status == "healthy"}
            except requests.RequestException:
                ill = {"api-server"}
            if not ill:
                return
            if time.monotonic() > deadline:
                logs = "\n".join(self.tail(name.replace("_", "-")) for name in sorted(ill - {"metadatabase"}))
                raise AirflowError(f"Airflow is not healthy after {self._timeout:.0f} s: {', '.join(ill)}.\n{logs}")
            time.sleep(0.3)


_AIRFLOW = (sys.executable, "-m", "airflow")


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(processes: Iterable[subprocess.Popen[bytes]], grace: float) -> None:
    family: list[psutil.Process] = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            leader = psutil.Process(process.pid)
            family += [leader, *leader.children(recursive=True)]
            os.killpg(process.pid, signal.SIGTERM)
    # Tasks lead process groups of their own, and the scheduler would wait for them as long as they run.
    for member in psutil.wait_procs(family, timeout=grace)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    for process in processes:
        process.wait()


def write_private(path: Path, content: Mapping[str, str]) -> None:
    """Write JSON that nobody but the owner may ever read."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Iterable[str] | None = None) -> int:
    """The command line; the exit code is 0 after Ctrl-C, 1 if Airflow does not run, and 2 for a wrong configuration."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="A real Airflow on this machine.")
    up = parser.add_subparsers(required=True).add_parser("up", help="run it in the foreground until Ctrl-C")
    up.add_argument("--config", type=Path, default=Path("sources.toml"), help="default: ./sources.toml")
    up.add_argument(
        "--home", type=Path, help="where Airflow keeps its state; default: .airflow beside the configuration"
    )
    up.add_argument("--port", type=int, default=None, help="of the UI; default: a free one")
    options = parser.parse_args(None if arguments is None else list(arguments))
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        load(options.config)
        with LocalAirflow(
            options.home or options.config.parent / HOME, ROOT / "dags", options.config, port=options.port
        ) as airflow:
            print(f"Airflow: {airflow.url}\nuser:    {airflow.user}\npassword: {airflow.password}\nCtrl-C stops it.")
            while True:
                airflow.keep_alive()
                time.sleep(2)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except AirflowError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
