"""Set-up through its command, with real interpreters, a real pip and, instead of an index, wheels in a folder."""

from __future__ import annotations

import ast
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
BOOTSTRAP = CHECKOUT / "scripts" / "bootstrap.py"

PRETENDER = """#!/bin/sh
exec "{python}" -I -c '
import runpy, sys
{pretence}
arguments = [a for a in sys.argv[1:] if a != "-I"]
if arguments[0] == "-c":
    exec(arguments[1])
else:
    sys.argv = arguments
    sys.path.insert(0, "scripts")
    runpy.run_path(arguments[0], run_name="__main__")
' "$@"
"""
OLD = 'sys.version_info = (3, 9, 18, "final", 0)'
WITHOUT_VENV = 'sys.modules["ensurepip"] = None'

BACKEND = """
import base64, hashlib, os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "demo-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("demo-1.dist-info/METADATA",
            "Metadata-Version: 2.1\\nName: demo\\nVersion: 1\\nProvides-Extra: more\\n"
            "Requires-Dist: left\\nRequires-Dist: right; extra == 'more'\\n")
        wheel.writestr("demo-1.dist-info/WHEEL",
            "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("demo-1.dist-info/RECORD", "")
    return name

build_wheel = build_editable
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def write_wheel(folder: Path, name: str, version: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        info = f"{name}-{version}.dist-info"
        wheel.writestr(f"{name}.py", f"version = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small checkout in a folder with a space, and the wheels that it needs."""
    root = tmp_path / "a checkout"
    (root / "scripts").mkdir(parents=True)
    for name in ("bootstrap.py", "set_up_command.py"):
        shutil.copy(CHECKOUT / "scripts" / name, root / "scripts")
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    (root / "requirements.lock").write_text("left==1.0\nright==1.0\n")
    (root / "wheels").mkdir()
    for name, version in (("left", "1.0"), ("left", "2.0"), ("right", "1.0"), ("added", "1.0")):
        write_wheel(root / "wheels", name, version)
    return root


def test_nothing_is_installed_under_an_airflow_that_runs(project: Path) -> None:
    refused = set_up_for_run(project, is_running=True)
    assert (refused.returncode, refused.stdout) == (1, "")
    home = project / ".airflow"
    assert f"in use by another `make run` (process 4711): {home}. Nothing was installed." in refused.stderr
    assert not (project / ".venv").exists()


@pytest.mark.soak
def test_all_is_installed_behind_an_airflow_that_has_ended(project: Path) -> None:
    set_up_for_run(project, is_running=True)
    ready = set_up_for_run(project, is_running=False)
    assert ready.returncode == 0, ready.stderr


def set_up_for_run(project: Path, *, is_running: bool) -> subprocess.CompletedProcess[str]:
    """For a run in `.airflow`, which another process holds while it runs."""
    home = project / ".airflow"
    home.mkdir(exist_ok=True)
    script = str(project / "scripts" / "bootstrap.py")
    with (home / "run.lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        if is_running:
            fcntl.flock(lock, fcntl.LOCK_EX)
        return subprocess.run(
            [sys.executable, script, "--venv", ".venv", "--for-run", ".airflow"],
            env=offline(project),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


def offline(root: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": (root / "wheels").as_uri(),
    }


def set_up(
    root: Path, *extras: str, environment: Mapping[str, str] | None = None, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    options = [option for extra in extras for option in ("--extra", extra)]
    return subprocess.run(
        [python, str(root / "scripts" / "bootstrap.py"), "--venv", ".venv", *options],
        env=environment or offline(root),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def installed(root: Path) -> set[str]:
    (packages,) = (root / ".venv").glob("lib/python3*/site-packages")
    found = {f"{one.name}=={one.version}" for one in distributions(path=[str(packages)])}
    return {line for line in found if not line.startswith(("pip=", "setuptools="))}


def test_from_nothing_to_a_second_run_a_user_package_and_a_repair(project: Path) -> None:
    first = set_up(project)
    assert first.returncode == 0, first.stderr
    assert re.search(
        r"virtual environment +\d+\.\d s\n(?:.* s  .*\n)* +packages of requirements.lock +\d+\.\d s\n", first.stdout
    )
    assert installed(project) == {"demo==1", "left==1.0"}

    second = set_up(project)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    assert set_up(project, "more").returncode == 0
    assert installed(project) == {"demo==1", "left==1.0", "right==1.0"}
    assert set_up(project).stdout == "", "what an earlier call asked for stays, and is not installed again"

    extra = project / "requirements-extra.txt"
    extra.write_text("# left==2.0\n")
    assert set_up(project).returncode == 0
    extra.write_text("added\nleft==2.0\n")
    conflict = set_up(project)
    assert conflict.returncode == 1
    assert "requirements-extra.txt: a package does not fit" in conflict.stderr
    assert "The user requested left==2.0" in conflict.stderr
    extra.write_text("nowhere-to-be-found\n")
    assert "no package for `nowhere-to-be-found`" in set_up(project).stderr
    extra.write_text("added\n")
    assert set_up(project).returncode == 0
    assert "added==1.0" in installed(project)

    # As an interrupted installation leaves it.
    record = project / ".venv" / "set-up.json"
    record.write_text(record.read_text()[:20])
    (project / ".venv/bin/python").unlink()
    repaired = set_up(project)
    assert repaired.returncode == 0, repaired.stderr
    assert installed(project) == {"demo==1", "left==1.0", "added==1.0"}


@pytest.mark.soak
def test_a_set_up_that_is_stopped_is_started_again(project: Path) -> None:
    """The signal goes to make, which has to hand it on to what it started."""
    command = ["make", "-C", str(project), "-f", str(CHECKOUT / "Makefile"), "setup-dev", f"PYTHON={sys.executable}"]
    with subprocess.Popen(
        command, env=offline(project), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert any(line.startswith("Setting up ") for line in process.stdout)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert "interrupted" in process.stderr.read()
    assert set_up(project).returncode == 0
    assert installed(project) == {"demo==1", "left==1.0"}


@pytest.mark.soak
def test_an_index_that_cannot_be_reached(project: Path) -> None:
    environment = {
        **offline(project),
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_RETRIES": "1",
    }
    result = set_up(project, environment=environment)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1].startswith("The package index could not be reached: check the network")


def pretend(folder: Path, name: str, pretence: str) -> Path:
    """A real executable: this Python, believing something else of itself."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(PRETENDER.format(python=sys.executable, pretence=pretence.replace("'", '"')))
    program.chmod(0o755)
    return program


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make setup` of the checkout where `folder` has the only Pythons."""
    tools = folder / "tools"
    tools.mkdir()
    for tool in ("sh", "make", "env"):
        (tools / tool).symlink_to(shutil.which(tool) or pytest.fail(f"no {tool}"))
    environment = {"PATH": f"{folder}:{tools}", "HOME": str(folder)}
    command = [str(tools / "make"), "-C", str(CHECKOUT), "--no-print-directory", "setup", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    # As a version manager's shims are: there, and of no use.
    shim = folder / "python3.13"
    shim.write_text("#!/bin/sh\necho no such version >&2\nexit 127\n")
    shim.chmod(0o755)
    return folder


def test_a_python_that_is_too_old(bin_folder: Path) -> None:
    pretend(bin_folder, "python3", OLD)
    result = make(bin_folder)
    assert result.returncode != 0
    said = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1, result.stderr
    assert said[0].startswith("Python is too old: ")
    assert " is 3.9, and 3.11 or newer is needed." in said[0]


def test_make_run_listens_on_this_machine_only() -> None:
    command = ["make", "-C", str(CHECKOUT), "--no-print-directory", "--dry-run", "run", "HOST=0.0.0.0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert "make run is for one person and listens on 127.0.0.1 only. To share an Airflow use make up" in result.stderr


def test_a_python_without_venv(bin_folder: Path) -> None:
    pretend(bin_folder, "python3.11", WITHOUT_VENV)
    result = make(bin_folder)
    said = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    version = "{}.{}".format(*sys.version_info[:2])
    assert len(said) == 1, result.stderr
    assert "has no module `ensurepip`" in said[0]
    assert f"sudo apt install python{version}-venv" in said[0]


def test_no_python_at_all(bin_folder: Path) -> None:
    result = make(bin_folder)
    assert result.returncode != 0
    assert "No Python found: install Python 3.11 or newer" in result.stderr


def test_old_pythons_can_read_the_script() -> None:
    ast.parse(BOOTSTRAP.read_text(), feature_version=(3, 7))


def test_the_lock_names_no_place_and_holds_what_the_project_asks_for() -> None:
    lines = (CHECKOUT / "requirements.lock").read_text().splitlines()
    pinned = re.compile(r"([a-z0-9]+(?:[-_.][a-z0-9]+)*)==[^\s/:]+( ; [^/:]+)?")
    assert [line for line in lines if not pinned.fullmatch(line)] == []
    names = {line.partition("==")[0] for line in lines}
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for asked in (project["dependencies"], *project["optional-dependencies"].values()):
        assert {re.split(r"[<>=!~\[ ;]", line)[0].lower() for line in asked} <= names | {project["name"]}
