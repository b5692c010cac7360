"""The commands of docker-compose.yaml's services, run as they are."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.services import postgresql, postgresql_program

from .test_compose import SERVICES


@pytest.mark.soak
@pytest.mark.skipif(not (shutil.which("psql") and postgresql_program("initdb")), reason="no PostgreSQL here")
def test_the_warehouse_is_a_database_of_its_own_also_where_it_is_there_already() -> None:
    """The command of the service, against PostgreSQL: twice, with another password the second time."""
    command = [part.replace("$$", "$") for part in SERVICES["warehouse-init"]["command"]]
    with postgresql() as address:
        user, password, host, port = re.split("[:@/]", address)[:4]
        server = {"PATH": os.environ["PATH"], "PGHOST": host, "PGPORT": port}

        def asked(statement: str, **more: str) -> subprocess.CompletedProcess[str]:
            asks = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command", statement]
            return subprocess.run(asks, env={**server, **more}, capture_output=True, text=True, check=False)

        for secret in ("first'\"", "second"):
            given = {**server, "PGUSER": user, "PGPASSWORD": password, "WAREHOUSE_PASSWORD": secret}
            done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
            role = {"PGUSER": "warehouse", "PGPASSWORD": secret}
            made = asked("CREATE TABLE IF NOT EXISTS orders (id int)", PGDATABASE="warehouse", **role)
            assert made.stdout == "CREATE TABLE\n", made.stderr
            refused = asked("SELECT 1", PGDATABASE="airflow", **role)
            assert "permission denied for database" in refused.stderr


def test_the_password_file_is_written_from_the_environment(tmp_path: Path) -> None:
    """The api-server's own command, run with a stand-in for the server that only shows the file."""
    file, stand_in = tmp_path / "passwords.json", tmp_path / "bin" / "airflow"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\necho "$@"; cat {file}\n', encoding="utf-8")
    stand_in.chmod(0o755)
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    environment = {
        "PATH": f"{stand_in.parent}:/usr/bin:/bin",
        "AIRFLOW_ADMIN_PASSWORD": 'a"b\\c',
        "AIRFLOW_MORE_PASSWORDS": '{"kim": "k"}',
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
    }
    command = [part.replace("$$", "$") for part in SERVICES["airflow-apiserver"]["command"]]
    for _ in range(2):  # a restart finds the file of the time before
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        assert shown.splitlines()[0] == "api-server"
        assert json.loads(shown.splitlines()[1]) == {"kim": "k", "admin": 'a"b\\c'}
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_worker_takes_no_task_before_the_api_server_answers(tmp_path: Path) -> None:
    """The worker's own command, with stand-ins: the third time that it asks there is an answer."""
    asked = tmp_path / "asked"
    stand_ins = {"python": f'echo "$2" >> {asked}; test $(wc -l < {asked}) -ge 3', "airflow": "echo $@", "sleep": ":"}
    for name, text in stand_ins.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    command = SERVICES["airflow-worker"]["command"]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
    assert (done.stdout, done.stderr) == ("celery worker\n", "")
    assert all("airflow-apiserver:8080" in line for line in asked.read_text().splitlines())
