"""scripts/make_env.py, as a process on real files."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_env.py"
KEYS = {
    "FERNET_KEY",
    "JWT_SECRET",
    "API_SECRET_KEY",
    "POSTGRES_PASSWORD",
    "WAREHOUSE_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_UID",
}


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def values(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_has_every_key_and_is_private(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = values(tmp_path / ".env")
    assert made.keys() == KEYS
    assert mode(tmp_path / ".env") == 0o600
    assert len(base64.urlsafe_b64decode(made["FERNET_KEY"])) == 32
    assert len(made["JWT_SECRET"]) >= 64
    assert made["AIRFLOW_UID"] == str(os.getuid() or 50000)
    secrets = [value for key, value in made.items() if key != "AIRFLOW_UID"]
    assert len(set(secrets)) == len(secrets)
    assert all(len(value) >= 16 for value in secrets)
    assert not any(value in done.stdout for value in secrets)


def test_every_file_has_its_own_secrets(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b")
    a, b = values(tmp_path / "a"), values(tmp_path / "b")
    assert not any(a[key] == b[key] for key in KEYS - {"AIRFLOW_UID"})


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path / ".env")
    before = (tmp_path / ".env").read_bytes()
    assert "nothing changed" in run(tmp_path / ".env").stdout
    assert (tmp_path / ".env").read_bytes() == before


def test_what_stands_in_the_file_stays_and_the_rest_is_added(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    mine = "# mine\nPOSTGRES_PASSWORD='my own'\nexport REDIS_PASSWORD=own # why\nOTHER=x=y\n\nFERNET_KEY=\nLAST=no end"
    path.write_text(mine, encoding="utf-8")
    path.chmod(0o644)
    done = run(path)
    text = path.read_text(encoding="utf-8")
    kept, filled = mine.split("FERNET_KEY=\n")
    assert text.startswith(kept + "FERNET_KEY=")
    assert f"\n{filled}\nJWT_SECRET=" in text
    assert text.count("FERNET_KEY=") == text.count("POSTGRES_PASSWORD=") == text.count("REDIS_PASSWORD=") == 1
    assert values(path)["FERNET_KEY"]
    assert "POSTGRES_PASSWORD" not in done.stdout
    assert mode(path) == 0o600


def test_a_complete_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    run(path)
    path.chmod(0o644)
    run(path)
    assert mode(path) == 0o600


def test_the_example_file_becomes_a_working_one(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes((SCRIPT.parents[1] / ".env.example").read_bytes())
    assert run(path).returncode == 0
    made = values(path)
    assert made.keys() == KEYS
    assert all(made.values())


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "real")
    run(tmp_path / ".env")
    assert (tmp_path / ".env").is_symlink()
    assert values(tmp_path / "real").keys() == KEYS


@pytest.mark.parametrize("arguments", [["a", "b"], ["--force"], ["."], ["no/such/folder/.env"]])
def test_a_mistake_is_one_line_and_status_2(tmp_path: Path, arguments: list[str]) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("make_env: ")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["POSTGRES_PASSWORD", "WAREHOUSE_PASSWORD", "REDIS_PASSWORD"])
def test_a_password_that_would_end_an_address_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    (tmp_path / ".env").write_text(f"{key}=top@drawer\n")
    done = run(tmp_path / ".env")

    assert done.returncode == 2
    assert f"{key} has a `@`" in done.stderr
    assert "drawer" not in done.stderr
    assert (tmp_path / ".env").read_text() == f"{key}=top@drawer\n"


def test_a_file_that_is_not_text_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xff\xfe\x00")
    assert run(path).returncode == 2
    assert path.read_bytes() == b"\xff\xfe\x00"
