"""One Airflow for the tests that edit pipelines, as `make run` starts it: each start takes half a minute.

It has this repository's pipelines, and connections to servers on loopback that get the messages. A test takes its files
away where they would disturb the next one, and lists in `at_end` what is to hold when the run has ended.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from factory.local.processes import descendants
from tests.e2e.harness import LocalRun, RunClient, copy_pipelines, local_run
from tests.e2e.smtp_server import SmtpServer
from tests.factory.http.http_server import Server
from tests.factory.local.test_processes import alive

LOCAL_API_HOST = "host.docker.internal"
SOON_SECONDS = 300.0
"""What users see within ten seconds may take long on a busy machine; only a test that fails waits for its end."""

T = TypeVar("T")


@dataclass(frozen=True)
class Scene:
    """A run, the folder that tests edit, the servers that get its messages, and a file that a pipeline writes."""

    run: LocalRun
    mail: SmtpServer
    chat: Server
    told: Path
    at_end: list[Callable[[], None]] = field(default_factory=list)

    @property
    def pipelines(self) -> Path:
        return self.run.pipelines

    @functools.cached_property
    def api(self) -> RunClient:
        return self.run.api()

    def write(self, name: str, text: str, times: float | None = None) -> Path:
        """Save as editors do: a new file moved over the old one; `times` sets both file times."""
        target = self.pipelines / name
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = self.pipelines / f".{target.name}.draft"
        draft.write_text(text)
        if times is not None:
            os.utime(draft, (times, times))
        draft.replace(target)
        return target

    def remove(self, *names: str) -> None:
        """Take files away and wait until no import error tells of them."""
        for name in names:
            (self.pipelines / name).unlink()
        self.soon(lambda: not self.import_errors(), "the import errors to go")

    def soon(self, found: Callable[[], T], what: str) -> T:
        return self.run.wait_for(found, SOON_SECONDS, what)

    def save(self, dag_id: str, text: str, name: str = "") -> dict[str, Any]:
        """Write the file of a DAG, or another one that it uses; the DAG when Airflow has read it."""
        before = self.version(dag_id)
        self.write(name or f"{dag_id}.yaml", text)
        self.soon(lambda: self.version(dag_id) != before, f"{dag_id} to be read")
        dag = self.api.dag(dag_id)
        assert dag is not None
        return dag

    def version(self, dag_id: str) -> str:
        """Of the bundle, when the DAG was read; empty before it was."""
        dag = self.api.dag(dag_id)
        return dag["bundle_version"] if dag else ""

    def import_errors(self, file: str = "") -> list[str]:
        """The texts of all, or those of one stub."""
        errors = self.api.get("/importErrors")["import_errors"]
        return [error["stack_trace"] for error in errors if file in ("", error["filename"])]

    def succeeded(self, dag_id: str) -> list[dict[str, Any]]:
        return self.api.runs(dag_id, "success")

    def state(self, dag_id: str, run_id: str) -> str:
        return next((run["state"] for run in self.api.runs(dag_id) if run["dag_run_id"] == run_id), "")

    def run_once(self, dag_id: str, state: str = "success") -> str:
        """Trigger, and wait for its end; the run's id."""
        run_id = self.api.trigger(dag_id)
        self.soon(lambda: self.state(dag_id, run_id) == state, f"{dag_id}: {state}")
        return run_id

    def shell(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command in another shell, in another folder; it knows of Airflow what `environment` says."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        return subprocess.run(
            command,
            cwd="/",
            env={**kept, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=SOON_SECONDS,
        )


# Of the package: it ends behind the last test here, and takes no time from those that follow elsewhere.
@pytest.fixture(scope="package")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    root = tmp_path_factory.mktemp("a project")
    pipelines = copy_pipelines(root / "pipelines")
    mail, chat = SmtpServer(), Server()
    chat.answers("/services/T1/B1/token", b"ok")
    chat.answers("/api/chat.postMessage", b'{"ok": true}', headers={"Content-Type": "application/json"})
    no_tls = {"disable_tls": True, "disable_ssl": True}
    connections = {
        "MAIL": {"conn_type": "smtp", "host": "127.0.0.1", "port": mail.port, "extra": no_tls},
        "CHAT": {"conn_type": "slackwebhook", "host": chat.url("/services"), "password": "T1/B1/token"},
        "CHAT_API": {"conn_type": "slack", "password": "xoxb-1"},
    }
    environment = {f"AIRFLOW_CONN_{name}": json.dumps(connection) for name, connection in connections.items()}
    environment |= {"CHAT": chat.url(""), "TOLD": str(root / "told")}
    # What a shell may have set for another Airflow.
    environment |= {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://elsewhere/airflow", "PYTHONPATH": "/nowhere"}
    try:
        with local_run(pipelines, root / "home", environment, local_api_host=LOCAL_API_HOST) as run:
            found = Scene(run, mail, chat, root / "told")
            yield found
            assert run.processes()
            started = descendants(run.process.pid)
            assert run.stop() == 0
            assert [pid for pid in started if alive(pid)] == []
            assert run.processes() == {}
            for check in found.at_end:
                check()
    finally:
        mail.close()
        chat.close()
