"""docker compose on real containers: an engine of our own, its images, and a copy of the checkout that `make up` runs.

The engine is Debian's (`apt-get install docker.io docker-compose debootstrap`), started as root with data of its own.
Where no registry answers, Debian and the package index give stand-ins for the official images (`images/`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from factory.local.api import ApiUnavailableError

from .harness import CHECKOUT, RunClient, free_port

KEPT = Path("/var/tmp/airflow-pipeline-factory-containers")  # noqa: S108 - root's, and large: kept for the next run
"""The engine's data with the base images, which take minutes to make."""
IMAGES = {"postgres:16-bookworm": "postgres", "redis:7.2-bookworm": "redis", "python:3.12-slim-bookworm": "python"}
"""What docker-compose.yaml and the Dockerfile name → the stand-in's target."""
DEBIAN, DEBIAN_PYTHON = "bookworm", (3, 11)
EXTRAS = ("airflow", "celery", "chart", "duckdb", "load")
"""Those of the Dockerfile."""
PROJECT = "soak"
HEARTBEAT_SECONDS = 40

T = TypeVar("T")


def lacking() -> str:
    """Why containers cannot be had here; empty where they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "an engine of one's own takes Linux and root"
    missing = [name for name in ("dockerd", "docker", "debootstrap", "iptables", "make") if not shutil.which(name)]
    if missing:
        return f"not installed: {', '.join(missing)} (apt-get install docker.io debootstrap iptables make)"
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0:
        return "another docker engine runs here: this test starts, restarts and stops its own"
    return ""


def has_compose(program: str) -> bool:
    """Whether `docker compose` (a plug-in) or `docker-compose` is here."""
    words = program.split()
    if not shutil.which(words[0]):
        return False
    return subprocess.run([*words, "version"], capture_output=True, check=False).returncode == 0


def docker(*arguments: str, timeout: float = 120) -> str:
    """What a command of docker prints. Raises AssertionError with its words where it fails."""
    return ran(["docker", *arguments], timeout=timeout)


def ran(command: list[str], *, cwd: Path = CHECKOUT, timeout: float = 120, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


class Engine:
    """`dockerd`, with its data below `KEPT`."""

    def __init__(self) -> None:
        KEPT.mkdir(mode=0o700, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (KEPT / "dockerd.log").open("ab") as log:
            command = ["dockerd", "--data-root", str(KEPT / "docker"), "--pidfile", str(KEPT / "pid")]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while subprocess.run(["docker", "version"], capture_output=True, check=False).returncode != 0:
            tail = (KEPT / "dockerd.log").read_text(errors="replace")[-2000:]
            assert self._process.poll() is None, f"dockerd ended\n{tail}"
            assert time.monotonic() < deadline, f"dockerd does not answer\n{tail}"
            time.sleep(0.5)

    def stop(self) -> None:
        """As a machine's shutdown does: containers are stopped, and started again with the engine."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(120)

    def have_images(self) -> None:
        """Pull the images that the files name, or make their stand-ins."""
        made_of = [*(CHECKOUT / "tests/e2e/images").iterdir(), CHECKOUT / "requirements.lock"]
        made = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(made_of))).hexdigest()
        if all(_has(name) and _label(name) in (made, "official") for name in IMAGES):
            return
        if all(subprocess.run(["docker", "pull", "--quiet", name], check=False).returncode == 0 for name in IMAGES):
            return
        self._make_debian()
        context = KEPT / "context"
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(CHECKOUT / "tests/e2e/images", context)
        _make_wheels(context / "wheels")
        for name, target in IMAGES.items():
            options = ["--quiet", "--network", "host", "--target", target, "--label", f"made_of={made}", "--tag", name]
            ran(["docker", "build", *options, str(context)], timeout=900, DOCKER_BUILDKIT="0")

    def _make_debian(self) -> None:
        if _has("soak-debian"):
            return
        root = KEPT / "debian"
        shutil.rmtree(root, ignore_errors=True)
        ran(["debootstrap", "--variant=minbase", DEBIAN, str(root)], timeout=600)
        ran(["sh", "-c", f"tar -C {root} -c . | docker import - soak-debian"], timeout=300)
        shutil.rmtree(root)


def _has(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0


def _label(image: str) -> str:
    labels = json.loads(docker("image", "inspect", image, "--format", "{{json .Config.Labels}}")) or {}
    return str(labels.get("made_of", "official"))


def _make_wheels(folder: Path) -> None:
    """What the Dockerfile installs, of the lock file, for a Python that Debian has."""
    assert sys.version_info[:2] == DEBIAN_PYTHON, f"wheels for {DEBIAN} take Python {DEBIAN_PYTHON}"
    read = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    project, extras = read["project"], read["project"]["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for name in EXTRAS for line in extras[name])]
    # Debian's is older than this one: where versions before 3.11.3 need a package more.
    wanted += ["async-timeout", *read["build-system"]["requires"]]
    options = ["--quiet", "--wheel-dir", str(folder), "--constraint", str(CHECKOUT / "requirements.lock")]
    ran([sys.executable, "-m", "pip", "wheel", *options, *wanted], timeout=900)


class Stack:
    """A copy of the checkout, with a few pipelines, in which `make up` and docker compose run."""

    def __init__(self, folder: Path, compose: str, pipelines: Mapping[str, str]) -> None:
        self.folder = folder
        self.compose_command = compose.split()
        tracked = ran(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0")
        for name in filter(None, tracked):
            if not name.startswith(("tests/", "pipelines/", "docs/", "benchmarks/")) and (CHECKOUT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, folder / name)
        (folder / "pipelines").mkdir()
        for name, text in pipelines.items():
            (folder / "pipelines" / name).write_text(text)
        # A former run's image would be left without its name by the first build here.
        for image in set(docker("images", "--quiet", "airflow-pipeline-factory").split()):
            docker("image", "rm", "--force", image)
        docker("image", "prune", "--force")
        self.port = free_port()
        self.compose_file = folder / "docker-compose.yaml"
        (folder / ".env").write_text(
            f"AIRFLOW_PORT={self.port}\nLOCAL_API_PORT={free_port()}\nCOMPOSE_PROJECT_NAME={PROJECT}\n"
        )
        self.change("AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT", str(HEARTBEAT_SECONDS))
        self._programs = folder / "programs"
        if compose == "docker-compose":  # also where the plug-in is installed
            self._programs.mkdir()
            wrapper = self._programs / "docker"
            wrapper.write_text(f'#!/bin/sh\n[ "$1" = compose ] && exit 1\nexec {shutil.which("docker")} "$@"\n')
            wrapper.chmod(0o755)

    def change(self, name: str, value: str) -> None:
        """Set a variable of all of Airflow's processes, so that the next `make up` has something to do."""
        head = "x-airflow-environment: &airflow-environment\n"
        lines = self.compose_file.read_text().splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(f"  {name}:")]
        kept.insert(kept.index(head) + 1, f'  {name}: "{value}"\n')
        self.compose_file.write_text("".join(kept))

    def make(self, target: str) -> float:
        """Seconds that `make up` or `make down` took."""
        began = time.monotonic()
        self._run(["make", target], 1800)
        return round(time.monotonic() - began, 1)

    def compose(self, *arguments: str) -> str:
        return self._run([*self.compose_command, *arguments], 900)

    def _run(self, command: list[str], seconds: float) -> str:
        kept = {name: os.environ.pop(name) for name in ("AIRFLOW_HOME",) if name in os.environ}
        try:
            return ran(command, cwd=self.folder, timeout=seconds, PATH=f"{self._programs}:{os.environ['PATH']}")
        finally:
            os.environ.update(kept)

    def containers(self, service: str = "") -> dict[str, str]:
        """Id → service of what runs."""
        ids = docker("ps", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={PROJECT}").split()
        shown = json.loads(docker("inspect", *ids)) if ids else []
        named = {one["Id"]: one["Config"]["Labels"]["com.docker.compose.service"] for one in shown}
        return {key: name for key, name in named.items() if service in ("", name)}

    def one(self, service: str) -> dict[str, Any]:
        """What docker knows of the first container of a service."""
        found: list[dict[str, Any]] = json.loads(docker("inspect", next(iter(self.containers(service)))))
        return found[0]

    def inside(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        container = next(iter(self.containers(service)))
        return subprocess.run(
            ["docker", "exec", container, *command], capture_output=True, text=True, check=False, timeout=120
        )

    def ledger(self) -> list[str]:
        """The lines that tasks wrote."""
        shown = self.inside("airflow-worker", "sh", "-c", "cat /opt/airflow/warehouse/ledger || true")
        return shown.stdout.splitlines()

    def kill_worker(self) -> None:
        """As the kernel does without memory: the container's processes end at once, and docker starts it again."""
        worker = next(iter(self.containers("airflow-worker")))
        for line in docker("top", worker, "-eo", "pid").split()[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(line), signal.SIGKILL)

    @property
    def api(self) -> RunClient:
        lines = (self.folder / ".env").read_text().splitlines()
        password = next(line.partition("=")[2] for line in lines if line.startswith("AIRFLOW_ADMIN_PASSWORD="))
        return RunClient(f"http://127.0.0.1:{self.port}", "admin", password)

    def wait_for(self, found: Callable[[], T], seconds: float, what: str) -> T:
        """Ask until the answer is truthy, and return it."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(ApiUnavailableError, StopIteration):
                answer = found()
                if answer:
                    return answer
            states = docker("ps", "--all", "--format", "{{.Names}} {{.Status}}")
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}\n{states}"
            time.sleep(2)

    def remove(self) -> None:
        with contextlib.suppress(AssertionError):
            self.make("down")
        self.compose("down", "--volumes", "--remove-orphans")


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """An engine with the images, ended at the end whatever happens."""
    run = Engine()
    run.start()
    try:
        run.have_images()
        yield run
    finally:
        run.stop()
