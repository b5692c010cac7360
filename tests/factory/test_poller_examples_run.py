"""The examples of docs/poller.md in a real Airflow, against a real server: one migration and one process for all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .operators.http_server import Received, Server

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "poller"
EXAMPLES = ("connection", "auth", "request", "retries", "actions", "expect", "pages", "rate")
SECRET = "sesame-0f3a"  # noqa: S105 # of connections that are made here
ROWS = [{"id": n} for n in range(5)]

RUN = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from airflow.utils.db import initdb
initdb()
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from factory.build import build
from schemas.check import check_file
for name in sys.argv[2:]:
    (pipeline,) = check_file(Path(sys.argv[1]), f"{name}.yaml").pipelines
    run = build(pipeline).test(logical_date=datetime(2026, 1, 2, tzinfo=UTC))
    with create_session() as session:
        found = session.query(XComModel).filter_by(dag_id=name).all()
        values = [[one.task_id, one.key, one.value] for one in found]
    for instance in run.get_task_instances():
        print("RESULT", json.dumps([name, instance.task_id, instance.state]))
    for task, key, value in values:
        print("XCOM", json.dumps([name, task, key, value]))
"""


DAG_FILE = """
# airflow dag
from pathlib import Path
from factory.stub_loader import load_stub
load_stub(globals(), {path!r}, Path({folder!r}))
"""


@dataclass(frozen=True)
class Runs:
    """State by example and task, XCom as stored by example, task and key, and all that was written."""

    states: dict[tuple[str, str], str]
    xcoms: dict[tuple[str, str, str], Any]
    text: str
    received: list[Received]
    stored: Path

    def output(self, example: str, task: str) -> Any:
        """What a task gave on: small values are in the database, larger ones in a file that is named there."""
        value = self.xcoms[example, task, "return_value"]
        if isinstance(value, str) and value.startswith("file://"):
            return json.loads(Path(value.removeprefix("file://")).read_text())
        return value


def page(rows: list[Any], **more: Any) -> bytes:
    return json.dumps({"status": "ok", "data": rows, "total": len(ROWS), **more}).encode()


def serve(server: Server) -> None:
    def answer(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    def query(handler: BaseHTTPRequestHandler, name: str, default: int) -> int:
        return int(parse_qs(urlsplit(handler.path).query).get(name, [default])[0])

    def linked(handler: BaseHTTPRequestHandler) -> None:
        at = query(handler, "at", 0)
        following = f"/v1/linked?at={at + 2}" if at + 2 < len(ROWS) else None
        answer(handler, page(ROWS[at : at + 2], paging={"next": following}))

    def header_linked(handler: BaseHTTPRequestHandler) -> None:
        at = query(handler, "at", 0)
        more = {"Link": f'<?at={at + 2}>; rel="next"'} if at + 2 < len(ROWS) else {}
        answer(handler, json.dumps(ROWS[at : at + 2]).encode(), **more)

    def by_cursor(handler: BaseHTTPRequestHandler) -> None:
        at = query(handler, "after", 0)
        answer(handler, page(ROWS[at : at + 2], paging={"cursor": at + 2 if at + 2 < len(ROWS) else None}))

    def by_offset(handler: BaseHTTPRequestHandler) -> None:
        at = query(handler, "offset", 0)
        answer(handler, page(ROWS[at : at + query(handler, "limit", 0)]))

    def by_page(handler: BaseHTTPRequestHandler) -> None:
        at = 2 * query(handler, "page", 1) - 2
        answer(handler, page(ROWS[at : at + 2]))

    def unsteady(handler: BaseHTTPRequestHandler) -> None:
        times = sum(request.path == "/v1/unsteady" for request in server.received)
        answer(handler, b"{}", status=503 if times < 3 else 200, **({"Retry_After": "0"} if times == 1 else {}))

    def token(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, json.dumps({"access_token": f"{SECRET}-token", "expires_in": 3600}).encode())

    routes: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
        "/v1/state": lambda handler: answer(handler, b'{"state": "open"}'),
        "/v1/reports": lambda handler: answer(handler, b"{}", status=202),
        "/v1/none-yet": lambda handler: answer(handler, b"no orders", status=404),
        "/v1/orders": lambda handler: answer(handler, page(ROWS)),
        "/v1/unsteady": unsteady,
        "/v1/linked": linked,
        "/v1/header-linked": header_linked,
        "/v1/by-cursor": by_cursor,
        "/v1/by-offset": by_offset,
        "/v1/by-page": by_page,
        "/login/token": token,
    }
    server.routes |= routes


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    root = tmp_path_factory.mktemp("poller")
    server = Server()
    serve(server)
    stored, dags = root / "xcom", root / "home" / "dags"
    dags.mkdir(parents=True)
    for name in EXAMPLES:
        (dags / f"{name}.yaml.py").write_text(DAG_FILE.format(path=f"{name}.yaml", folder=str(FOLDER)))
    connection = {"conn_type": "http", "login": "me", "password": SECRET}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(root / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": f"file://{stored}",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "50",
        "AIRFLOW_CONN_ORDERS_API": json.dumps({**connection, "host": "127.0.0.1", "port": server.port}),
        "AIRFLOW_CONN_ORDERS_TOKEN": json.dumps(connection),
        "AIRFLOW_CONN_ORDERS_LOGIN": json.dumps(connection),
        "ORDERS_API": server.url(""),
        "TMPDIR": str(root),
    }
    command = [sys.executable, "-c", RUN, str(FOLDER), *EXAMPLES]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
    server.close()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    results, xcoms = {}, {}
    for line in done.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "RESULT":
            example, task, state = json.loads(rest)
            results[example, task] = state
        elif kind == "XCOM":
            example, task, key, value = json.loads(rest)
            xcoms[example, task, key] = value
    return Runs(results, xcoms, done.stdout + done.stderr, server.received, stored)


def test_every_example_is_run_and_succeeds(runs: Runs) -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} >= set(EXAMPLES)
    assert set(runs.states.values()) == {"success"}
    assert {example for example, _ in runs.states} == set(EXAMPLES)


@pytest.mark.parametrize("task", ["json_link", "header_link", "cursor", "offset", "page_number"])
def test_pages_are_one_flat_list(runs: Runs, task: str) -> None:
    assert runs.output("pages", task) == ROWS


def test_a_large_output_is_in_the_store_and_reaches_the_next_task(runs: Runs) -> None:
    assert runs.xcoms["pages", "cursor", "return_value"].startswith(f"file://{runs.stored}/pages/")
    assert json.loads(runs.output("pages", "count")) == ROWS


def test_what_is_selected_ignored_and_asked_again(runs: Runs) -> None:
    assert runs.output("expect", "poll") == ROWS
    assert runs.output("actions", "poll") == []
    assert sum(request.path == "/v1/unsteady" for request in runs.received) == 3


def test_bodies_have_their_templates_filled_in(runs: Runs) -> None:
    body, form = sorted((r for r in runs.received if r.path.startswith("/v1/reports")), key=lambda r: r.path)
    assert (form.path, form.body) == ("/v1/reports?dry_run=true", b"day=2026-01-02&shop=north&shop=south")
    assert json.loads(body.body) == {"day": "2026-01-02", "shops": ["north", "south"]}


def test_signed_requests(runs: Runs) -> None:
    signed = [r for r in runs.received if r.path.startswith("/v1/state") and "key=" not in r.path]
    found = {r.headers.get("Authorization", "").partition(" ")[0] for r in signed}
    assert found >= {"Basic", "Bearer"}
    assert any(r.headers.get("Authorization") == f"Bearer {SECRET}-token" for r in signed)
    assert any(r.path == f"/v1/state?key={SECRET}" for r in runs.received)


def test_the_link_and_the_summary_show_what_was_requested_and_no_secret(runs: Runs) -> None:
    link = runs.xcoms["auth", "key", "_link_RequestedUrlLink"]
    assert link.endswith("/v1/state")
    assert "200, 6 bytes, application/json, 1 page, 2 retries, " in runs.text
    assert "5 rows, 3 pages, " in runs.text
    assert SECRET not in runs.text
