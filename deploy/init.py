"""What must be there before Airflow starts in containers: its tables, the admin's password, the lake's bucket.

Run by the service `init` of docker-compose.yml; running it again changes nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from deploy.local import USER, write_private


def ensure_bucket(connection: str, uri: str) -> None:
    """Create the bucket of an "s3://bucket/prefix" with an Airflow connection's JSON, unless it is there already."""
    aws, bucket = json.loads(connection), uri.removeprefix("s3://").split("/")[0]
    region = aws["extra"]["region_name"]
    client = boto3.client(
        "s3",
        endpoint_url=aws["extra"]["endpoint_url"],
        region_name=region,
        aws_access_key_id=aws["login"],
        aws_secret_access_key=aws["password"],
    )
    if bucket not in {known.get("Name") for known in client.list_buckets()["Buckets"]}:
        # S3 wants the region named, except its first one, which must not be.
        elsewhere: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=bucket, **elsewhere)


def main(environ: Mapping[str, str]) -> int:
    """The exit code is that of `airflow db migrate`."""
    passwords = Path(environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    write_private(passwords, {USER: environ["ADMIN_PASSWORD"]})
    ensure_bucket(environ["AIRFLOW_CONN_LOGS_S3"], environ["LOGBUCKET_LAKE"])
    return subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(os.environ))
