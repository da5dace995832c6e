"""docker-compose.yml: what every service must have, and what it shares with a local Airflow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import SHARED_SETTINGS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {
    name
    for service in SERVICES.values()
    for name, needs in service.get("depends_on", {}).items()
    if needs["condition"] == "service_completed_successfully"
}
AIRFLOW = {name: service for name, service in SERVICES.items() if service["image"].startswith("logbucket-airflow")}
SECRET = re.compile(r"PASSWORD$|SECRET|_KEY$|CONN")

every_service = pytest.mark.parametrize("name", SERVICES)


@every_service
def test_a_service_is_restarted_and_watched_unless_it_runs_once(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@every_service
def test_an_image_is_pinned_to_a_full_version(name: str) -> None:
    assert re.search(r":\d+\.\d+", SERVICES[name]["image"]), SERVICES[name]["image"]


@every_service
def test_a_secret_has_no_default_and_its_absence_stops_everything(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(variable):
            assert re.search(r"\$\{\w+:\?", value), f"{name}: {variable} must come from .env as ${{NAME:?...}}"
            assert not re.search(r"\$\{\w+:-", value), f"{name}: {variable} must have no default"


@every_service
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@every_service
def test_volumes_are_declared(name: str) -> None:
    named = {volume.split(":")[0] for volume in SERVICES[name]["volumes"] if not volume.startswith(".")}
    assert named <= set(COMPOSE["volumes"])


def test_every_required_variable_stands_in_the_example() -> None:
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "deploy/env.example").read_text(), re.MULTILINE))
    assert example == dict.fromkeys(required, "")


def test_every_airflow_component_runs_with_the_same_environment() -> None:
    assert {"init", "api-server", "scheduler", "dag-processor", "triggerer"} == set(AIRFLOW)
    environments = [
        {name: value for name, value in service["environment"].items() if name != "ADMIN_PASSWORD"}
        for service in AIRFLOW.values()
    ]
    assert all(environment == environments[0] for environment in environments)


def test_airflow_is_set_as_it_is_locally() -> None:
    environment = AIRFLOW["scheduler"]["environment"]
    assert {name: environment.get(name) for name in SHARED_SETTINGS} == SHARED_SETTINGS


def test_airflow_starts_after_its_tables_password_and_bucket_are_there() -> None:
    for name, service in AIRFLOW.items():
        if name != "init":
            assert service["depends_on"] == {"init": {"condition": "service_completed_successfully"}}
    assert set(AIRFLOW["init"]["depends_on"]) == {"postgres", "s3"}


def test_the_image_is_that_airflow_which_is_locked() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    version = re.search(r"^FROM apache/airflow:([\d.]+)-python3\.11$", dockerfile, re.MULTILINE)
    assert version is not None
    assert AIRFLOW["init"]["image"] == f"logbucket-airflow:{version[1]}"
    assert f"apache-airflow=={version[1]}" in (ROOT / "requirements.lock").read_text()
