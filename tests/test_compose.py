"""What docker-compose.yaml, Dockerfile and .env.example promise, read from the files themselves.

No engine is needed. Where `docker compose` or `docker-compose` is installed, it reads the file too.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yaml"
TEXT = COMPOSE.read_text(encoding="utf-8")
SECRETS = {
    "FERNET_KEY",
    "JWT_SECRET",
    "API_SECRET_KEY",
    "POSTGRES_PASSWORD",
    "WAREHOUSE_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
}
AIRFLOW = {
    "airflow-init",
    "airflow-apiserver",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-worker",
    "airflow-cli",
    "flower",
}
ONE_SHOT = {"airflow-init", "airflow-cli", "warehouse-init"}
STORAGE = "/opt/airflow/bundles"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]

every_service = pytest.mark.parametrize("name", sorted(SERVICES))
every_airflow = pytest.mark.parametrize("name", sorted(AIRFLOW))


def mounts(name: str) -> dict[str, tuple[str, str]]:
    """Target → (source, mode) of a service's volumes."""
    parts = [volume.split(":") for volume in SERVICES[name].get("volumes", [])]
    return {part[1]: (part[0], part[2] if len(part) > 2 else "rw") for part in parts}


def who_mounts(target: str) -> dict[str, tuple[str, str]]:
    return {name: mounts(name)[target] for name in SERVICES if target in mounts(name)}


def compose_commands() -> list[list[str]]:
    commands = []
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        commands += [["docker", "compose"]] if plugin.returncode == 0 else []
    return commands + ([["docker-compose"]] if shutil.which("docker-compose") else [])


def test_the_services_are_these() -> None:
    assert SERVICES.keys() == AIRFLOW | {"postgres", "redis", "warehouse-init"}
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert profiles == {"airflow-cli": ["debug"], "flower": ["flower"]}


def test_old_docker_compose_can_read_it() -> None:
    assert yaml.safe_load(TEXT).keys() <= {"services", "volumes", "networks"} | {
        key for key in yaml.safe_load(TEXT) if key.startswith("x-")
    }
    assert not re.search(r"\$\{[^}]*\$\{", TEXT), "1.29 knows no variable inside a variable's default"


@every_service
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert "network_mode" not in SERVICES[name]


@every_service
def test_a_service_has_no_right_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in {"root", "0", "0:0"}
    assert not service.get("privileged")
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@every_service
def test_images_are_pinned(name: str) -> None:
    tag = SERVICES[name]["image"].removesuffix("}").rsplit(":", 1)[1]
    assert re.match(r"\d+(\.\d+)*(-\w+)?$", tag), tag


def test_versions_are_the_supported_ones() -> None:
    assert SERVICES["postgres"]["image"].startswith("postgres:16")
    assert SERVICES["redis"]["image"].startswith("redis:7.2")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    (airflow,) = re.findall(r"^apache-airflow==(\S+)", lock, re.MULTILINE)
    assert dockerfile("FROM") == ["python:3.12-slim-bookworm"]
    assert f"airflow-pipeline-factory:{airflow}" in TEXT


def test_every_secret_comes_from_env_and_a_missing_one_says_what_to_run() -> None:
    variables = re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", TEXT)
    assert {name for name, _ in variables} >= SECRETS
    assert {rest for name, rest in variables if name in SECRETS} == {":?run make up"}
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            if re.search(r"SECRET|PASSWORD$|FERNET|AUTH$|_CONN$|BROKER_URL|RESULT_BACKEND", key):
                assert re.search(r"\$\{\w+:\?", value), f"{key} is in the file"


def test_the_example_env_file_holds_no_secret_and_every_variable() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assigned = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert assigned.keys() == SECRETS | {"AIRFLOW_UID"}
    assert not any(assigned.values())
    named = set(assigned) | {line[1:].split("=", 1)[0] for line in lines if re.match(r"#[A-Z_]+=", line)}
    assert {name for name, _ in re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", TEXT)} <= named


def test_only_the_dag_processor_and_the_command_line_see_the_pipelines_and_nobody_writes_them() -> None:
    read_only = ("./pipelines", "ro")
    assert who_mounts("/opt/airflow/pipelines") == {
        "airflow-dag-processor": read_only,
        "airflow-cli": read_only,
    }


def test_the_dag_processor_writes_the_storage_and_the_worker_reads_it() -> None:
    assert who_mounts(STORAGE) == {
        "airflow-init": ("bundles", "rw"),
        "airflow-dag-processor": ("bundles", "rw"),
        "airflow-worker": ("bundles", "ro"),
    }
    # `BundleVersionLock` writes here in a task's process; the mount point is made by the init service.
    assert [mount.split(":")[0] for mount in SERVICES["airflow-worker"]["tmpfs"]] == [f"{STORAGE}/_tracking"]
    assert f"mkdir -p {STORAGE}/_tracking" in " ".join(SERVICES["airflow-init"]["command"])
    assert SERVICES["airflow-cli"]["tmpfs"][0].startswith(f"{STORAGE}:")


def test_the_worker_writes_the_warehouse_and_the_api_server_shows_its_charts() -> None:
    assert who_mounts("/opt/airflow/warehouse") == {
        "airflow-worker": ("warehouse", "rw"),
        "airflow-apiserver": ("warehouse", "ro"),
    }


def test_only_the_worker_has_what_tasks_hand_on() -> None:
    assert who_mounts("/opt/airflow/xcom") == {"airflow-worker": ("xcom", "rw")}


def test_every_named_volume_is_declared_and_used() -> None:
    used = {source for name in SERVICES for source, _ in mounts(name).values() if not source.startswith(".")}
    assert used == yaml.safe_load(TEXT)["volumes"].keys()


@every_airflow
def test_every_airflow_process_has_the_same_settings(name: str) -> None:
    environment = SERVICES[name]["environment"]
    expected = {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": STORAGE,
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__FILE_PARSING_SORT_MODE": "modified_time",
        "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "0",
        "LOCAL_API_URL": "${LOCAL_API_URL:-http://host.docker.internal:8000/}",
        "WAREHOUSE": "/opt/airflow/warehouse",
        "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": "file:///opt/airflow/xcom",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "65536",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    }
    assert {key: environment.get(key) for key in expected} == expected
    assert "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION" not in environment  # the pipeline says it
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert json.loads(environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"]) == [
        {
            "name": "pipelines",
            "classpath": "factory.bundle.PipelineBundle",
            "kwargs": {"folder": "/opt/airflow/pipelines", "refresh_interval": 5},
        }
    ]


@every_airflow
def test_containers_reach_the_host_and_run_as_the_user(name: str) -> None:
    assert SERVICES[name]["extra_hosts"] == ["host.docker.internal:host-gateway"]
    assert SERVICES[name]["user"] == "${AIRFLOW_UID:-50000}:0"
    assert SERVICES[name]["init"] is True


@every_service
def test_what_runs_on_has_a_health_check_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["healthcheck"] == {"disable": True}
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert {"interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()
        assert service["restart"] == "unless-stopped"


def test_everything_waits_for_what_it_needs() -> None:
    for name in AIRFLOW - {"airflow-init"}:
        waits = {other: wait["condition"] for other, wait in SERVICES[name]["depends_on"].items()}
        assert waits["postgres"] == waits["redis"] == "service_healthy"
        assert waits["airflow-init"] == "service_completed_successfully"
    workers = SERVICES["airflow-worker"]["depends_on"]
    assert workers["airflow-apiserver"]["condition"] == "service_healthy"
    assert workers["warehouse-init"]["condition"] == "service_completed_successfully"


def dockerfile(instruction: str) -> list[str]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.split(None, 1)[1] for line in text.splitlines() if line.startswith(instruction + " ")]


def test_the_image_runs_as_airflow_and_installs_by_the_lock_file() -> None:
    assert dockerfile("USER")[-1] == "airflow"
    assert any("--constraint requirements.lock" in run for run in dockerfile("RUN"))
    assert any("pip install --no-cache-dir --no-deps ." in run for run in dockerfile("RUN"))
    owned = re.findall(r"/opt/airflow/\S+", dockerfile("RUN")[0])
    volumes = {target for name in AIRFLOW for target in mounts(name)}
    assert volumes | {f"{STORAGE}/_tracking"} <= set(owned)


def test_what_the_image_copies_is_there_and_nothing_else_is_sent() -> None:
    sources = [word for copy in dockerfile("COPY") for word in copy.split()[:-1] if not word.startswith("--")]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert all(any(fnmatch.fnmatch(name, source.removeprefix("./")) for name in sent) for source in sources)
    assert [name for name in sent if not (ROOT / name).exists()] == []
    assert len(sent) == len(sources)


@pytest.mark.skipif(not compose_commands(), reason="no docker compose here")
def test_docker_compose_reads_it(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    script = ROOT / "scripts" / "make_env.py"
    subprocess.run([sys.executable, str(script), str(env_file)], check=True, capture_output=True)
    empty = tmp_path / "empty"
    empty.touch()
    for compose in compose_commands():
        base = [*compose, "--file", str(COMPOSE), "--env-file"]
        read = subprocess.run(
            [*base, str(env_file), "config"], capture_output=True, text=True, check=False, env=clean_environment()
        )
        assert read.returncode == 0, read.stderr
        resolved = yaml.safe_load(read.stdout)["services"]["airflow-worker"]["environment"]
        values = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
        assert resolved["AIRFLOW__CORE__FERNET_KEY"] == values["FERNET_KEY"]
        assert values["REDIS_PASSWORD"] in resolved["AIRFLOW__CELERY__BROKER_URL"]
        refused = subprocess.run(
            [*base, str(empty), "config"], capture_output=True, text=True, check=False, env=clean_environment()
        )
        assert refused.returncode != 0
        assert "run make up" in refused.stderr


def clean_environment() -> dict[str, str]:
    """Without the variables that would stand in for a missing .env."""
    return {key: value for key, value in os.environ.items() if key not in SECRETS}
