"""Cases of `cases/`: a folder each, with a pipeline and how its server behaves, run after run.

`server.yaml` holds `answers` (the first that fits a request is given, as often as `times` says), and `runs`, one after
the other with what each remembers: `rows`, `output`, `file` (the rows in the file that is handed on), `fails` or
`skips` (a pattern of the message), and `sent` (what was requested, in order).
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from airflow.sdk.exceptions import AirflowException, AirflowSkipException, TaskDeferred

from factory.build.dag import build
from factory.data.row_files import read_rows
from factory.http.errors import HttpError
from schemas.check import check_file

from .conftest import TaskInstance
from .http_server import Server

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
CONNECTIONS = {
    "login": {"login": "me", "password": "sesame/+="},
    "token": {"password": "sesame"},
    "client": {"login": "id", "password": "s/+=", "extra": {"refresh_token": "refresh-me"}},
}


@dataclass
class Store:
    values: dict[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:  # noqa: ARG002 # Airflow's
        self.values[key] = json.loads(json.dumps(value))


@dataclass
class Run:
    run_id: str
    run_after: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    clear_number: int = 0


class Numbered(TaskInstance):
    try_number = 1


@dataclass
class ScriptedAnswers:
    """Gives the answers of a case."""

    answers: list[dict[str, Any]]
    address: str
    given: dict[int, int] = field(default_factory=dict)

    def __call__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        for number, answer in enumerate(self.answers):
            if self.given.get(number, 0) < answer.get("times", 10**9) and _fits(answer, handler, body):
                self.given[number] = self.given.get(number, 0) + 1
                self._give(answer, handler)
                return
        handler.send_error(599, f"no answer for {handler.command} {handler.path} {body!r}")

    def _give(self, answer: dict[str, Any], handler: BaseHTTPRequestHandler) -> None:
        data, kind = _body(answer, self.address)
        fields = {"Content-Length": str(len(data)), **({"Content-Type": kind} if kind else {})}
        fields |= {name: str(value).replace("$API", self.address) for name, value in answer.get("headers", {}).items()}
        handler.send_response(answer.get("status", 200))
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(data)


def _fits(answer: dict[str, Any], handler: BaseHTTPRequestHandler, body: bytes) -> bool:
    url = urlsplit(handler.path)
    method, _, path = answer["to"].rpartition(" ")
    wanted = answer.get("with", {})
    if handler.command != (method or "GET") or url.path != path:
        return False
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    if "query" in wanted and query != wanted["query"]:
        return False
    if "json" in wanted and (not body or json.loads(body) != wanted["json"]):
        return False
    if "form" in wanted and dict(parse_qsl(body.decode())) != wanted["form"]:
        return False
    if "body" in wanted and body.decode() != wanted["body"]:
        return False
    return all(re.fullmatch(text, handler.headers.get(name, "")) for name, text in wanted.get("headers", {}).items())


def _body(answer: dict[str, Any], address: str) -> tuple[bytes, str]:
    if "json" in answer:
        return json.dumps(answer["json"]).replace("$API", address).encode(), answer.get("type", "application/json")
    text = answer.get("text", "")
    data = base64.b64decode(answer["base64"]) if "base64" in answer else text.encode(answer.get("encoding", "utf-8"))
    if answer.get("pack") == "gzip":
        data = gzip.compress(data)
    elif answer.get("pack") == "zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(answer.get("name", "rows.csv"), data)
        data = archive.getvalue()
    return data, answer.get("type", "")


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_case(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = yaml.safe_load((folder / "server.yaml").read_text())
    server = Server()
    address = f"http://127.0.0.1:{server.port}"
    script = ScriptedAnswers(case["answers"], address)
    server.script = script
    monkeypatch.setenv("API", address)
    monkeypatch.setenv("OUT", str(tmp_path))
    for name, parts in CONNECTIONS.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({"conn_type": "http", **parts}))
    monkeypatch.syspath_prepend(str(folder))
    try:
        result = check_file(folder, "pipeline.yaml")
        assert [d for d in result.diagnostics if d.severity.value == "error"] == []
        (pipeline,) = result.pipelines
        store = Store()
        for number, run in enumerate(case["runs"]):
            server.received.clear()
            _check(run, build(pipeline).task_dict["poll"], store, number)
            if "sent" in run:
                assert [f"{one.method} {one.path}" for one in server.received] == run["sent"]
    finally:
        server.close()


def _check(run: dict[str, Any], task: Any, store: Store, number: int) -> None:
    context = {
        "ti": Numbered(),
        "run_id": f"run {number}",
        "dag_run": Run(f"run {number}"),
        "task_state_store": Store(),
        "asset_state_store": {getattr(task, "state", None): store},
    }
    if "fails" in run or "skips" in run:
        errors = AirflowSkipException if "skips" in run else (HttpError, AirflowException)
        with pytest.raises(errors, match=run.get("skips") or run["fails"]):
            _executed(task, context)
        return
    output = _executed(task, context)
    if "file" in run:
        output = list(read_rows(output))
    assert output == run.get("file", run.get("rows", run.get("output")))
    if "headers" in run:
        assert context["ti"].pushed["http"]["headers"] == run["headers"]
    if "watermark" in run:
        assert store.values.get("watermark") == run["watermark"]


def _executed(task: Any, context: dict[str, Any]) -> Any:
    since: dict[str, Any] = {}
    while True:
        try:
            return task.execute(context, **since)
        except TaskDeferred as deferred:
            since = deferred.kwargs or {}
