"""How a stage behaves inside an Airflow task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from etl.errors import ConfigError, StoreUnavailable


@pytest.fixture(autouse=True)
def airflow_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    for name in ("LOGBUCKET_AWS_CONN_ID", "AIRFLOW_CONN_LOGS_S3"):
        monkeypatch.delenv(name, raising=False)


def failing(error: Exception) -> None:
    from etl.tasks import stage_task

    def body() -> None:
        raise error

    stage_task(body)()


def test_an_error_that_may_pass_is_left_to_the_retries() -> None:
    with pytest.raises(StoreUnavailable):
        failing(StoreUnavailable("s3://lake did not answer"))


def test_any_other_error_of_the_project_fails_the_task_at_once_with_its_message() -> None:
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match=r"^ConfigError: sources\.toml: shards: 9 is not usable"):
        failing(ConfigError("sources.toml: shards", 9, "1 to 8"))


def test_an_unforeseen_error_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())


def test_a_task_keeps_the_name_and_the_parameters_of_its_body() -> None:
    import inspect

    from etl.tasks import stage_task

    def land(data_interval_start: object = None) -> None:
        """Doc."""

    assert stage_task(land).__name__ == "land"
    assert list(inspect.signature(stage_task(land)).parameters) == ["data_interval_start"]


def test_the_store_gets_the_credentials_of_the_airflow_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    from etl import tasks
    from etl.io import store

    given: dict[str, str | None] = {}
    monkeypatch.setattr(store, "use_credentials", lambda **credentials: given.update(credentials))
    monkeypatch.setenv(
        "AIRFLOW_CONN_LOGS_S3",
        '{"conn_type": "aws", "login": "AKIA1", "password": "secret", "extra": '
        '{"endpoint_url": "http://127.0.0.1:9", "region_name": "eu-central-1"}}',
    )
    tasks.use_aws_connection()
    assert given == {
        "endpoint_url": "http://127.0.0.1:9",
        "region_name": "eu-central-1",
        "aws_access_key_id": "AKIA1",
        "aws_secret_access_key": "secret",
        "aws_session_token": None,
    }


def test_a_run_without_a_data_interval_says_what_to_do() -> None:
    from etl.errors import EtlError
    from etl.tasks import landing_hour_of

    with pytest.raises(EtlError, match="choose Backfill"):
        landing_hour_of(None)
    assert landing_hour_of(datetime(2026, 11, 22, 13, 30, tzinfo=timezone(timedelta(hours=9)))) == datetime(
        2026, 11, 22, 4
    )


def test_a_run_that_was_given_a_date_to_come_ends_now() -> None:
    from etl.tasks import finish_of

    now = datetime.now(UTC)
    ends = [
        finish_of(moment).replace(tzinfo=UTC) for moment in (None, now + timedelta(days=999), now - timedelta(days=9))
    ]
    assert ends[0] - now < timedelta(minutes=1) and ends[1] - now < timedelta(minutes=1)
    assert ends[2] == now - timedelta(days=9)
