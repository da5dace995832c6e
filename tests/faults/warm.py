"""What every process of these tests needs, imported once by the server that they are forked from."""

from __future__ import annotations

import boto3  # noqa: F401
import pandas  # noqa: F401
import pyarrow.parquet  # noqa: F401

import etl.stages.report
import etl.stages.run  # noqa: F401
from etl.io.statements import load_statements

load_statements(())
