"""scripts/compose_demo.py in a copy of the project: the real sample API, and no docker engine.

Where the engine would be asked, a small `docker` on PATH answers as docker's documentation says and writes
down how it was called; what the real one does with the file is `tests/test_compose.py`'s and the soak's.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]

DOCKER = """#!/bin/sh
echo "$(basename "$0") $* LOCAL_API_URL=$LOCAL_API_URL" >> "$CALLS"
case "$*" in
  "compose version") exit "$PLUGIN" ;;
  version*) test "$ENGINE" = 0 || { echo "Cannot connect to the Docker daemon" >&2; exit 1; } ;;
  "network inspect bridge"*) echo "$GATEWAY" ;;
  *"ps --all --quiet airflow-worker") for worker in $WORKERS; do echo "$worker"; done ;;
  *up*) exit "$UP" ;;
esac
"""


class Project:
    """A copy of what `make up` needs, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("scripts", "examples"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.calls = folder / "calls"
        self.port = free_port()

    def install(self, *names: str) -> None:
        for name in names:
            (self.bin / name).write_text(DOCKER, encoding="utf-8")
            (self.bin / name).chmod(0o755)

    def run(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.bin}:/usr/bin-without-docker",
            "CALLS": str(self.calls),
            "PLUGIN": "0",
            "ENGINE": "0",
            "UP": "0",
            "WORKERS": "",
            "GATEWAY": "127.0.0.1",
            "LOCAL_API_PORT": str(self.port),
            **changes,
        }
        for tool in ("sh", "basename"):
            if not (self.bin / tool).exists():
                (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        command = [sys.executable, str(self.folder / "scripts" / "compose_demo.py"), *arguments]
        return subprocess.run(
            command, env=environment, cwd=self.folder / "bin", capture_output=True, text=True, check=False
        )

    def called(self) -> list[str]:
        return self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []

    def place(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.folder / ".airflow/compose/local_api.json").read_text())
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/status")
        if status.exists() and "State:\tZ" in status.read_text():
            return True  # ended; nobody of ours is its parent
        time.sleep(0.05)
    return False


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.install("docker")
    made.run("down")


def test_up_starts_the_api_and_compose_and_says_how_to_log_in(project: Project) -> None:
    project.install("docker")
    done = project.run("up", AIRFLOW_PORT="8099")
    assert done.returncode == 0, done.stderr
    health = requests.get(f"http://127.0.0.1:{project.port}/health", timeout=5).json()
    assert health["pid"] == project.place()["pid"]
    url = f"http://host.docker.internal:{project.port}/"
    started = [call for call in project.called() if call.startswith(("docker compose build", "docker compose up"))]
    assert started == ["docker compose build airflow-init LOCAL_API_URL=", "docker compose up --detach LOCAL_API_URL="]
    assert f"LOCAL_API_URL={url}" in (project.folder / ".env").read_text().splitlines()
    assert "http://127.0.0.1:8099/" in done.stdout
    assert "user admin" in done.stdout
    assert (project.folder / ".env").stat().st_mode & 0o777 == 0o600
    made = dict(line.split("=", 1) for line in (project.folder / ".env").read_text().splitlines())
    assert made["AIRFLOW_ADMIN_PASSWORD"] not in done.stdout, "not a terminal: it may be a kept log"


def test_a_second_up_keeps_the_api(project: Project) -> None:
    project.install("docker")
    project.run("up")
    pid = project.place()["pid"]
    again = project.run("up")
    assert again.returncode == 0, again.stderr
    assert project.place()["pid"] == pid


def test_workers_end_their_tasks_before_anything_is_replaced_and_keep_their_number(project: Project) -> None:
    project.install("docker")

    assert project.run("up", WORKERS="one two").returncode == 0

    calls = [call.removesuffix(" LOCAL_API_URL=") for call in project.called()]
    words = ("docker compose build", "docker compose stop", "docker compose up")
    changing = [call for call in calls if call.startswith(words)]
    assert changing == [
        "docker compose build airflow-init",
        "docker compose stop --timeout 3600 airflow-worker",
        "docker compose up --detach --scale airflow-worker=2",
    ]


def test_another_port_of_the_api_replaces_what_was_written_and_leaves_a_url_of_the_user(project: Project) -> None:
    project.install("docker")
    env = project.folder / ".env"
    project.run("up")
    project.run("up", LOCAL_API_PORT=str(port := free_port()))
    lines = env.read_text().splitlines()
    assert [line for line in lines if line.startswith("LOCAL_API_URL=")] == [
        f"LOCAL_API_URL=http://host.docker.internal:{port}/"
    ]

    env.write_text(env.read_text().replace("host.docker.internal", "shop.example"))
    project.run("down")
    assert "sample API" not in project.run("up").stdout
    assert f"LOCAL_API_URL=http://shop.example:{port}/" in env.read_text()


def test_down_stops_both_also_without_env_file(project: Project) -> None:
    project.install("docker")
    project.run("up")
    pid = project.place()["pid"]
    (project.folder / ".env").unlink()
    done = project.run("down")
    assert done.returncode == 0, done.stderr
    assert isinstance(pid, int)
    assert gone(pid)
    assert any(call.startswith("docker compose --profile flower --profile debug down") for call in project.called())
    assert not (project.folder / ".env").exists()


def test_down_leaves_a_process_alone_that_is_not_the_api(project: Project) -> None:
    project.install("docker")
    state = project.folder / ".airflow" / "compose"
    state.mkdir(parents=True)
    place = {"host": "127.0.0.1", "port": str(project.port), "pid": os.getpid()}
    (state / "local_api.json").write_text(json.dumps(place))
    assert project.run("down").returncode == 0
    assert not (state / "local_api.json").exists()


def test_an_address_of_another_machine_falls_back_to_loopback(project: Project) -> None:
    project.install("docker")
    assert project.run("up", GATEWAY="192.0.2.1").returncode == 0
    assert project.place()["host"] == "127.0.0.1"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere docker forwards to loopback")
def test_the_bridge_gateway_is_what_the_api_listens_on(project: Project) -> None:
    project.install("docker")
    assert project.run("up", GATEWAY="127.0.0.2").returncode == 0
    assert project.place()["host"] == "127.0.0.2"
    assert requests.get(f"http://127.0.0.2:{project.port}/health", timeout=5).status_code == 200


def test_docker_compose_serves_where_the_plugin_is_missing(project: Project) -> None:
    project.install("docker", "docker-compose")
    assert project.run("up", PLUGIN="1").returncode == 0
    assert any(call.startswith("docker-compose up --detach") for call in project.called())


@pytest.mark.parametrize(
    ("installed", "changes", "message"),
    [
        ((), {}, "docker is not installed"),
        (("docker",), {"PLUGIN": "1"}, "neither `docker compose` nor `docker-compose` is installed"),
        (("docker",), {"ENGINE": "1"}, "docker's engine does not answer, start it and try again (Cannot connect"),
    ],
)
def test_missing_docker_is_one_line_and_starts_nothing(
    project: Project, installed: tuple[str, ...], changes: dict[str, str], message: str
) -> None:
    project.install(*installed)
    done = project.run("up", **changes)
    assert done.returncode == 2
    assert done.stderr.startswith(f"compose_demo: {message}")
    assert len(done.stderr.splitlines()) == 1
    assert not (project.folder / ".airflow").exists()
    assert not (project.folder / ".env").exists()


def test_a_taken_api_port_is_one_line(project: Project) -> None:
    project.install("docker")
    with socket.socket() as other:
        other.bind(("127.0.0.1", project.port))
        other.listen()
        done = project.run("up")
    assert done.returncode == 2
    assert "the port is taken" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not any("up --detach" in call for call in project.called())


def test_the_exit_status_of_compose_is_passed_on(project: Project) -> None:
    project.install("docker")
    done = project.run("up", UP="17")
    assert done.returncode == 17
    assert "docker compose failed" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["start"], ["up", "now"]])
def test_wrong_arguments_are_one_line_and_status_2(project: Project, arguments: list[str]) -> None:
    done = project.run(*arguments)
    assert (done.returncode, done.stderr) == (2, "compose_demo: usage: compose_demo.py up|down\n")
