"""What every Airflow task has in common: credentials come from Airflow, and hopeless errors are not retried.

The only module of the package that imports Airflow, and only DAG files import it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

P = ParamSpec("P")
R = TypeVar("R")


def task_defaults(hours: int) -> dict[str, Any]:
    """``default_args`` of every DAG: owner, retries with growing pauses, and at most ``hours`` for a task."""
    return {
        "owner": "logbucket",
        "retries": 3,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=hours),
    }


def stage_task(body: Callable[P, R]) -> Callable[P, R]:
    """Wrap the body of a task that calls stages.

    The body runs with the store's credentials set (`use_aws_connection`). Of the project's errors only
    the retryable ones are left to Airflow's retries: any other `EtlError` would fail again in the same way.

    Raises:
        AirflowFailException: with the message of the `EtlError` that no retry can mend.
    """

    @functools.wraps(body)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        from etl.errors import EtlError

        use_aws_connection()
        try:
            return body(*args, **kwargs)
        except EtlError as error:
            if error.retryable:
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error

    return run


def landing_hour_of(interval_start: datetime | None) -> datetime:
    """The hour (naive UTC) in which a run's data interval starts.

    Raises EtlError for a run without a data interval: a manual run that was given no logical date.
    """
    from etl.errors import EtlError
    from etl.model.hours import to_hour

    if interval_start is None:
        raise EtlError(
            "this run has no data interval, so no hour to work on; expected a logical date. Trigger it again with one "
            "(the last full hour before it is taken), or choose Backfill and give the hours"
        )
    return to_hour(interval_start)


def finish_of(interval_end: datetime | None) -> datetime:
    """The end of a run's data interval as naive UTC; now for a manual run without one, and for one that was given a date to come:
    nothing has to expire before its time."""
    now = datetime.now(UTC)
    return min(interval_end or now, now).astimezone(UTC).replace(tzinfo=None)


def use_aws_connection() -> None:
    """Hand the credentials of the Airflow connection for the lake to the store.

    The connection is the one named by LOGBUCKET_AWS_CONN_ID, else `logs_s3` if AIRFLOW_CONN_LOGS_S3 is set; with
    neither, the store falls back on boto3's own chain (environment, profile, instance role).

    Raises:
        AirflowFailException: the named connection does not exist. The provider itself would silently go on with
            whatever credentials the machine happens to have.
    """
    conn_id = os.environ.get("LOGBUCKET_AWS_CONN_ID") or ("logs_s3" if "AIRFLOW_CONN_LOGS_S3" in os.environ else None)
    if conn_id is None:
        return
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise AirflowFailException(
            f"LOGBUCKET_AWS_CONN_ID names the Airflow connection {conn_id!r}, which does not exist. Create it under "
            f"Admin > Connections (type Amazon Web Services) or set AIRFLOW_CONN_{conn_id.upper()}; clear the task."
        ) from error

    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    from etl.io.store import use_credentials

    hook = AwsBaseHook(aws_conn_id=conn_id, client_type="s3")
    credentials = hook.get_credentials()
    use_credentials(
        endpoint_url=hook.conn_config.get_service_endpoint_url("s3"),
        region_name=hook.region_name,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
    )
