"""What the containers' `init` service prepares."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy.init import ensure_bucket
from tests.support.servers import s3_server


def test_the_bucket_of_the_lake_is_created_once() -> None:
    with s3_server() as server:
        for _ in range(2):
            ensure_bucket(server.airflow_connection, "s3://lake/prefix")
        assert [bucket["Name"] for bucket in server.client().list_buckets()["Buckets"]] == ["lake"]


def test_the_test_server_refuses_a_wrong_signature() -> None:
    with s3_server("lake") as server:
        wrong = boto3.client("s3", **{**server.credentials, "aws_secret_access_key": "wrong"})
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            wrong.list_objects_v2(Bucket="lake")
