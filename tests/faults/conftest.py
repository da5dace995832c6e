"""The world of the pipeline tests, for faults, and a lake in S3."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etl.io.store import use_credentials
from tests.pipeline.conftest import line, web, world
from tests.support.servers import S3Server, s3_server

__all__ = ["line", "s3", "web", "world"]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """A server with the bucket ``lake``, whose credentials this process uses."""
    with s3_server("lake") as server:
        use_credentials(**server.credentials)
        yield server
        use_credentials()
