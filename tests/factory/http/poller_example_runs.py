"""Runs of the examples of docs/poller.md by `dag.test()` in one process; started by test_poller_examples_run.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.programs import program

from .http_server import Received, Server

FOLDER = Path(__file__).parents[3] / "docs" / "examples" / "poller"
EXAMPLES = ("connection", "auth", "request", "retries", "pages", "large")
SECRET = "sesame&0f3a"  # noqa: S105 # of connections that are made here
ROWS = [{"id": n} for n in range(5)]
REFUSED = """
vars: {api: "${env.ORDERS_API}/v1/echo"}
tasks:
  - {id: connection, uses: http, with: {conn_id: orders_api, endpoint: /v1/echo}}
  - {id: basic, uses: http, with: {url: "${vars.api}", auth: {type: basic, conn_id: orders_token}}}
  - {id: bearer, uses: http, with: {url: "${vars.api}", auth: {type: bearer, conn_id: orders_token}}}
  - {id: header, uses: http, with: {url: "${vars.api}", auth: {type: api_key, conn_id: orders_token}}}
  - id: query
    uses: http
    with: {url: "${vars.api}", auth: {type: api_key, conn_id: orders_token, name: key, location: query}}
  - id: oauth
    uses: http
    with:
      url: ${vars.api}
      auth: {type: oauth2_client_credentials, conn_id: orders_login, access_token_url: "${env.ORDERS_API}/login/token"}
"""
"""Requests that the server refuses, with what it got in its answer."""

MAPPED = """
tasks:
  - id: shop
    expand: {name: [north, "a/b c"]}
    tasks:
      - id: orders
        uses: http
        with:
          url: ${env.ORDERS_API}/v1/shops/${expand.name}/{{ ds }}
          method: POST
          params: {of: "shop ${expand.name}"}
          json: {deep: [{at: "${expand.name} on {{ ds }}", of: "${env.ORDERS_API}/${expand.name}"}]}
  - {id: many, uses: http, with: {url: "${env.ORDERS_API}/v1/many", data_selector: data}}
  - {id: one_each, uses: http, with: {url: "${env.ORDERS_API}/v1/state"}, expand: {params: "${tasks.many.output}"}}
  - {id: part, uses: http, with: {url: "${env.ORDERS_API}/v1/many"}}
  - id: told
    uses: bash
    with: {bash_command: "true", env: {A: "told {{ conn.orders_login.password }}, ${tasks.part.xcom.http.status}"}}
  - {id: of_part, uses: http, with: {url: "${env.ORDERS_API}/v1/state"}, expand: {params: "${tasks.part.output.data}"}}
"""
"""Arguments of a group inside longer texts, beside templates; and more rows than Airflow maps over."""

RUN = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from airflow.utils.db import initdb
initdb()
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from factory.build.dag import build
from schemas.check import check_file
for name in sys.argv[2:]:
    (pipeline,) = check_file(Path(sys.argv[1]), f"{name}.yaml").pipelines
    run = build(pipeline).test(logical_date=datetime(2026, 1, 2, tzinfo=UTC))
    with create_session() as session:
        found = session.query(XComModel).filter_by(dag_id=name).all()
        values = [[one.task_id, one.key, one.value] for one in found]
        shown = session.query(RenderedTaskInstanceFields).filter_by(dag_id=name).all()
        shown = [[one.task_id, one.rendered_fields] for one in shown]
    for instance in run.get_task_instances():
        print("RESULT", json.dumps([name, instance.task_id, instance.state]))
    for task, key, value in values:
        print("XCOM", json.dumps([name, task, key, value]))
    for task, fields in shown:
        print("RENDERED", json.dumps([name, task, fields]))
"""


DAG_FILE = """
# airflow dag
from pathlib import Path
from factory.stub_loader import load_stub
load_stub(globals(), {path!r}, Path({folder!r}))
"""


@dataclass(frozen=True)
class Runs:
    """State and rendered fields by example and task, XCom as stored by example, task and key, and all that was
    written: logs, and what is listed here."""

    states: dict[tuple[str, str], str]
    xcoms: dict[tuple[str, str, str], Any]
    rendered: dict[tuple[str, str], dict[str, Any]]
    text: str
    received: list[Received]
    stored: Path

    def output(self, example: str, task: str) -> Any:
        """What a task gave on."""
        return self.xcom(example, task, "return_value")

    def xcom(self, example: str, task: str, key: str) -> Any:
        """Small values are in the database, larger ones in a file that is named there."""
        value = self.xcoms[example, task, key]
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

    def search(handler: BaseHTTPRequestHandler) -> None:
        at = json.loads(server.received[-1].body).get("page", {}).get("after", 0)
        answer(handler, page(ROWS[at : at + 2], paging={"cursor": at + 2 if at + 2 < len(ROWS) else None}))

    def report(handler: BaseHTTPRequestHandler) -> None:
        times = sum(request.path == "/v1/report" for request in server.received)
        answer(handler, json.dumps({"state": "pending" if times == 1 else "done"}).encode())

    def by_offset(handler: BaseHTTPRequestHandler) -> None:
        at = query(handler, "offset", 0)
        answer(handler, page(ROWS[at : at + query(handler, "limit", 0)]))

    def by_page(handler: BaseHTTPRequestHandler) -> None:
        at = 2 * query(handler, "page", 1) - 2
        answer(handler, page(ROWS[at : at + 2]))

    def unsteady(handler: BaseHTTPRequestHandler) -> None:
        times = sum(request.path == "/v1/unsteady" for request in server.received)
        answer(handler, b"{}", status=503 if times < 3 else 200, **({"Retry_After": "0"} if times == 1 else {}))

    def echo(handler: BaseHTTPRequestHandler) -> None:
        sent = {"path": handler.path, **handler.headers}
        answer(handler, json.dumps(sent).encode(), status=403)

    def token(handler: BaseHTTPRequestHandler) -> None:
        answer(handler, json.dumps({"access_token": f"{SECRET}-token", "expires_in": 3600}).encode())

    routes: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
        "/v1/many": lambda handler: answer(handler, page([{"id": n} for n in range(1025)])),
        "/v1/shops/north/2026-01-02": lambda handler: answer(handler, b"{}"),
        "/v1/shops/a%2Fb%20c/2026-01-02": lambda handler: answer(handler, b"{}"),
        "/v1/state": lambda handler: answer(handler, b'{"state": "open"}'),
        "/v1/reports": lambda handler: answer(handler, b"{}", status=202),
        "/v1/none-yet": lambda handler: answer(handler, b"no orders", status=404),
        "/v1/orders": lambda handler: answer(handler, page(ROWS)),
        "/v1/unsteady": unsteady,
        "/v1/echo": echo,
        "/v1/linked": linked,
        "/v1/search": search,
        "/v1/report": report,
        "/v1/rows": lambda handler: answer(handler, json.dumps(ROWS).encode()),
        "/v1/everything": lambda handler: answer(handler, page([*ROWS, {"text": "x" * 2_000_000}])),
        "/v1/header-linked": header_linked,
        "/v1/by-cursor": by_cursor,
        "/v1/by-offset": by_offset,
        "/v1/by-page": by_page,
        "/login/token": token,
    }
    server.routes |= routes


def run_examples(root: Path) -> Runs:
    """Run them all, with what they need below `root`."""
    server = Server()
    serve(server)
    stored, dags, pipelines = root / "xcom", root / "home" / "dags", root / "pipelines"
    dags.mkdir(parents=True)
    shutil.copytree(FOLDER, pipelines)
    (pipelines / "refused.yaml").write_text(REFUSED)
    (pipelines / "mapped.yaml").write_text(MAPPED)
    names = (*EXAMPLES, "refused", "mapped")
    for name in names:
        (dags / f"{name}.yaml.py").write_text(DAG_FILE.format(path=f"{name}.yaml", folder=str(pipelines)))
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
    command = [*program(RUN), str(pipelines), *names]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    finally:
        server.close()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    results, xcoms, rendered = {}, {}, {}
    for line in done.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "RESULT":
            example, task, state = json.loads(rest)
            results[example, task] = state
        elif kind == "XCOM":
            example, task, key, value = json.loads(rest)
            xcoms[example, task, key] = value
        elif kind == "RENDERED":
            example, task, fields = json.loads(rest)
            rendered[example, task] = fields
    return Runs(results, xcoms, rendered, done.stdout + done.stderr, server.received, stored)
