"""Real servers for tests, each on a free loopback port and gone with its `with` block."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class S3Server:
    """A running S3 server that checks every signature."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str
    root: S3Server | None = None

    @property
    def credentials(self) -> dict[str, Any]:
        """Keyword arguments of `boto3.client("s3", ...)` and of `etl.io.store.use_credentials`."""
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region_name,
            "aws_access_key_id": self.aws_access_key_id,
            "aws_secret_access_key": self.aws_secret_access_key,
        }

    @property
    def env(self) -> dict[str, str]:
        """The same as environment variables of boto3."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_DEFAULT_REGION": self.region_name,
            "AWS_ACCESS_KEY_ID": self.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws_secret_access_key,
        }

    @property
    def airflow_connection(self) -> str:
        """The same as the value of AIRFLOW_CONN_LOGS_S3."""
        extra = {"endpoint_url": self.endpoint_url, "region_name": self.region_name}
        return json.dumps(
            {
                "conn_type": "aws",
                "login": self.aws_access_key_id,
                "password": self.aws_secret_access_key,
                "extra": extra,
            }
        )

    def user(self, *statements: dict[str, str]) -> S3Server:
        """The same server with the key of a new IAM user, who may do what the policy statements say."""
        assert self.root
        return _with_user(self.root, f"user-{secrets.token_hex(4)}", *statements)

    def client(self) -> Any:
        """A boto3 client with these credentials."""
        return boto3.client("s3", **self.credentials)


@contextlib.contextmanager
def s3_server(*buckets: str) -> Iterator[S3Server]:
    """ministack, S3 only, in memory, SigV4 enforced; `buckets` exist."""
    if importlib.util.find_spec("ministack") is None:
        pytest.skip("no S3 server: install the development requirements (ministack)")
    port = free_port()
    root = S3Server(
        f"http://{LOOPBACK}:{port}", "eu-central-1", f"AKIA{secrets.token_hex(8).upper()}", secrets.token_hex()
    )
    with tempfile.TemporaryDirectory(prefix="logbucket-s3-") as home:
        settings = {
            "AUTH": "true",
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "SERVICES": "s3,iam",
            "MINISTACK_REGION": root.region_name,
            "LOG_LEVEL": "WARNING",
            "TMPDIR": home,
            "HOME": home,
            "PATH": os.environ["PATH"],
            **root.env,
        }
        with _running([sys.executable, "-m", "ministack"], settings, Path(home), lambda: _listens(port)):
            server = _with_user(root, "logbucket", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
            for bucket in buckets:
                server.client().create_bucket(
                    Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": server.region_name}
                )
            yield server


def _with_user(root: S3Server, name: str, *statements: dict[str, str]) -> S3Server:
    """ministack takes any signature of its root key; only those of IAM users are verified."""
    iam = boto3.client("iam", **root.credentials)
    iam.create_user(UserName=name)
    iam.put_user_policy(
        UserName=name,
        PolicyName="s3",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return replace(root, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"], root=root)


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """An empty PostgreSQL database; yields its SQLAlchemy address ("postgresql+psycopg2://...").

    Uses the newest of the distribution's PostgreSQL versions, as the user `postgres` when the tests run as root
    (PostgreSQL refuses to be root), and gives up durability for speed.
    """
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not homes:
        pytest.skip("no PostgreSQL server: install the package postgresql")
    programs, password, port = homes[-1].parent, secrets.token_urlsafe(16), free_port()
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    identity: dict[str, Any] = (
        {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    # Not below pytest's tmp_path, whose parents another user may not enter.
    home = Path(tempfile.mkdtemp(prefix="logbucket-pg-"))
    try:
        data, password_file = home / "data", home / "password"
        password_file.write_text(password)
        for path in (home, password_file):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        initdb = [f"{programs}/initdb", "-D", str(data), "-U", "logbucket", "-A", "scram-sha-256", "-E", "UTF8"]
        subprocess.run(
            [*initdb, "--no-locale", "--no-sync", f"--pwfile={password_file}"],
            check=True,
            capture_output=True,
            cwd=home,
            **identity,
        )
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": str(home),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
        }
        command = [f"{programs}/postgres", "-D", str(data)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        ready = [f"{programs}/pg_isready", "-q", "-h", LOOPBACK, "-p", str(port)]
        with _running(
            command, {}, home, lambda: subprocess.run(ready, check=False).returncode == 0, signal.SIGINT, **identity
        ):
            yield f"postgresql+psycopg2://logbucket:{password}@{LOOPBACK}:{port}/postgres"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(
    command: list[str],
    env: Mapping[str, str],
    home: Path,
    ready: Callable[[], bool],
    end: signal.Signals = signal.SIGTERM,
    timeout: float = 30,
    **options: Any,
) -> Iterator[None]:
    """`command` as a process group of its own while the block runs, entered as soon as it is `ready`."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env=dict(env),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **options,
        )
        try:
            deadline = time.monotonic() + timeout
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    said = log.read()[-2000:].decode(errors="replace")
                    raise RuntimeError(f"{command[0]} did not start (exit code {process.poll()}); it said:\n{said}")
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(end)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
