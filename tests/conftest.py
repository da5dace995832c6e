"""Every test runs in a time zone with DST and without settings of the machine it runs on."""

from __future__ import annotations

import os
import tempfile
import time

os.environ["TZ"] = "America/New_York"
time.tzset()
# Airflow writes its configuration on import
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="logbucket-airflow-")
for name in [name for name in os.environ if name.startswith(("AWS_", "LOGBUCKET_", "AIRFLOW_CONN_", "AIRFLOW__"))]:
    del os.environ[name]
