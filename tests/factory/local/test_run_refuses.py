"""What `factory run` says, in one line, where it cannot start: through the command, before Airflow starts."""

from __future__ import annotations

import fcntl
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "local_api.py").write_text("raise SystemExit('never started')")
    return tmp_path


@pytest.fixture
def taken() -> Iterator[int]:
    """A loopback port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def factory_run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); from factory.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "run", "--airflow-home", "a home", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


def refusal(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.strip()


def test_airflows_port_is_taken(folder: Path, taken: int) -> None:
    said = refusal(factory_run(folder, "--port", str(taken), "--no-local-api"))
    assert said.startswith(f"factory run: Port {taken}, for Airflow, is taken")
    assert f"make run PORT={taken + 1}" in said


@pytest.mark.skipif(sys.platform != "linux", reason="only /proc tells whose a port is")
def test_the_process_that_has_the_port_is_named(folder: Path, taken: int) -> None:
    import os  # noqa: PLC0415  this test process has the port

    assert f"by process {os.getpid()} (" in refusal(factory_run(folder, "--port", str(taken), "--no-local-api"))


def test_the_sample_apis_port_is_taken(folder: Path, taken: int, free: int) -> None:
    said = refusal(factory_run(folder, "--port", str(free), "--local-api-port", str(taken)))
    assert said.startswith(f"factory run: Port {taken}, for the sample API, is taken")
    assert f"make run LOCAL_API_PORT={taken + 1}" in said


def test_two_runs_in_one_home(folder: Path, free: int) -> None:
    (folder / "a home").mkdir()
    with (folder / "a home" / "run.lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = refusal(factory_run(folder, "--port", str(free), "--no-local-api"))
    assert "in use by another `factory run` (process 4711)" in said
    assert "make run AIRFLOW_HOME=" in said
    # What the other run makes there, this one must not be in the middle of making.
    assert [path.name for path in (folder / "a home").iterdir()] == ["run.lock"]


def test_a_lock_that_cannot_be_opened(folder: Path) -> None:
    (folder / "a home" / "run.lock").mkdir(parents=True)
    assert "a home cannot be used: " in refusal(factory_run(folder))


def test_no_folder_of_pipelines(folder: Path) -> None:
    (folder / "pipelines").rmdir()
    assert "There is no folder" in refusal(factory_run(folder))


def test_a_damaged_key_file(folder: Path, free: int) -> None:
    (folder / "a home").mkdir()
    (folder / "a home" / "keys.json").write_text("{")
    assert "keys.json is damaged" in refusal(factory_run(folder, "--port", str(free), "--no-local-api"))


def test_a_home_that_cannot_be_made(folder: Path) -> None:
    (folder / "a home").write_text("a file")
    assert "a home cannot be used" in refusal(factory_run(folder))


@pytest.mark.parametrize("text", ["0", "70000", "http", "-1"])
def test_a_port_that_is_none(folder: Path, text: str) -> None:
    result = factory_run(folder, f"--port={text}")
    assert result.returncode == 2
    assert "is not a port: 1 to 65535" in result.stderr


@pytest.fixture
def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
