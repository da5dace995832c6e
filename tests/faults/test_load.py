"""Many small objects of several sources on an S3 server: right counts, and not more requests than it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.load import measure
from etl.io.store import use_credentials
from tests.support.servers import S3Server, s3_server

SOURCES, HOURS, OBJECTS = 2, 3, 48
MOST_REQUESTS_PER_OBJECT = 20


@pytest.fixture
def server() -> Iterator[S3Server]:
    with s3_server("raw", "lake") as found:
        use_credentials(**found.credentials)
        yield found
        use_credentials()


def test_small_objects_keep_their_lines_and_take_few_requests(server: S3Server, tmp_path: Path) -> None:
    loaded = measure(tmp_path, server.client(), SOURCES, HOURS, OBJECTS, processes=1)
    print(loaded.table())
    assert loaded.lake_lines == loaded.raw_lines
    assert loaded.requests_per_object <= MOST_REQUESTS_PER_OBJECT, loaded.table()
