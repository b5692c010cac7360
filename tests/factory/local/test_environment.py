"""What of the shell's environment reaches Airflow's processes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from factory.local.environment import local_environment
from factory.local.home import Home, Settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def settings(tmp_path: Path, home: Home) -> Settings:
    return Settings(tmp_path / "my pipelines", home.path, 8080, 8000, tmp_path / "local_api.py")


def test_another_database_in_the_shell_is_ignored_and_named(settings: Settings, home: Home) -> None:
    shell = {
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://production/airflow",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": "cat secret",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "postgresql+asyncpg://production/airflow",
        "PYTHONPATH": "/elsewhere",
    }
    result = local_environment(shell, settings, home)
    assert "production" not in json.dumps(result.variables)
    assert result.variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith(f"sqlite:///{home.database}")
    assert result.variables["AIRFLOW_HOME"] == str(home.path)
    assert "PYTHONPATH" not in result.variables
    assert result.ignored == sorted(name for name in shell if name != "PYTHONPATH")
    assert result.used == []


def test_a_setting_that_does_no_harm_wins_and_is_named(settings: Settings, home: Home) -> None:
    shell = {"AIRFLOW__CORE__PARALLELISM": "9", "AIRFLOW__SMTP__SMTP_HOST": "mail", "AIRFLOW_CONN_X": "http://x"}
    result = local_environment(shell, settings, home)
    assert shell.items() <= result.variables.items()
    assert result.used == ["AIRFLOW__CORE__PARALLELISM", "AIRFLOW__SMTP__SMTP_HOST"]
    assert result.ignored == []


def test_the_home_that_make_hands_on_is_no_conflict(
    settings: Settings, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.path.parent)
    assert local_environment({"AIRFLOW_HOME": "home"}, settings, home).ignored == []


def test_loopback_never_goes_through_a_proxy(settings: Settings, home: Home) -> None:
    shell = {"HTTP_PROXY": "http://proxy:3128", "no_proxy": "intranet"}
    variables = local_environment(shell, settings, home).variables
    assert variables["NO_PROXY"] == variables["no_proxy"] == "intranet,127.0.0.1,localhost"


def test_the_bundle_is_the_pipelines_folder(settings: Settings, home: Home) -> None:
    variables = local_environment({}, settings, home).variables
    (bundle,) = json.loads(variables["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert bundle["classpath"] == "factory.bundle.PipelineBundle"
    assert bundle["kwargs"]["folder"] == str(settings.pipelines)
    assert variables["LOCAL_API_URL"] == "http://127.0.0.1:8000/"


def test_no_key_is_in_the_environment_and_airflows_commands_print_them(tmp_path: Path) -> None:
    home = Home(tmp_path / "it's a home")
    home.prepare()
    settings = Settings(tmp_path, home.path, 8080, 8000, None)
    shell = {"AIRFLOW__CORE__FERNET_KEY": "theirs", "AIRFLOW__API__SECRET_KEY_SECRET": "path"}
    result = local_environment(shell, settings, home)
    keys = home.read_keys()
    for key in (*keys.values(), "theirs"):
        assert key not in json.dumps(result.variables)
    assert result.ignored == sorted(shell)
    for variable, name in (("CORE__FERNET_KEY", "fernet"), ("API_AUTH__JWT_SECRET", "jwt"), ("API__SECRET_KEY", "api")):
        command = shlex.split(result.variables[f"AIRFLOW__{variable}_CMD"])
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == keys[name]


def test_git_takes_nothing_of_a_home(home: Home) -> None:
    subprocess.run(["git", "init", "--quiet", home.path.parent], check=True)
    shown = subprocess.run(["git", "status", "--porcelain"], cwd=home.path.parent, capture_output=True, check=True)
    assert shown.stdout == b""


def test_keys_and_password_are_private_and_kept(home: Home) -> None:
    before = home.read_keys(), home.read_password()
    assert home.keys.stat().st_mode & 0o777 == 0o600
    assert home.passwords.stat().st_mode & 0o777 == 0o600
    home.prepare()
    assert (home.read_keys(), home.read_password()) == before
    assert len(home.read_keys()["jwt"]) >= 64


PATIENCE = """
import asyncio
from airflow import settings
from sqlalchemy import text

ask = text("PRAGMA busy_timeout")

async def patience():
    async with settings.async_engine.connect() as connection:
        found = (await connection.execute(ask)).scalar()
    await settings.async_engine.dispose()
    return found

with settings.engine.connect() as connection:
    print("waits", connection.execute(ask).scalar(), asyncio.run(patience()))
"""


@pytest.mark.parametrize(("component", "milliseconds"), [("scheduler", 60_000), ("api-server", 5_000)])
def test_airflows_connections_wait_for_a_busy_database(
    settings: Settings, home: Home, component: str, milliseconds: int
) -> None:
    """Both kinds of them; a request that the API server itself keeps from ending has to fail soon."""
    variables = local_environment({"PATH": os.environ["PATH"]}, settings, home).of(component)
    command = [sys.executable, "-c", PATIENCE]
    asked = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert f"waits {milliseconds} {milliseconds}" in asked.stdout


def test_nobody_else_can_read_the_database(home: Home) -> None:
    home.database.chmod(0o644)
    home.prepare()
    assert home.database.stat().st_mode & 0o777 == 0o600
