"""The cases of `cases/`: a folder each, with a pipeline and how its server behaves, run after run.

`server.yaml` holds `answers` (the first that fits a request is given, as often as `times` says), and `runs`, one after
the other with what each remembers: `rows`, `output`, `file` (the rows in the file that is handed on), `fails` or
`skips` (a pattern of the message), `files` (those that are there then, and their rows), `sent` (what was requested, in
order), `headers`, `watermark`, `logs` (patterns of what the log says) and `silent` (texts that are neither in the log
nor in what is handed on).
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from factory.data.row_files import read_rows

from .http_server import Server

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
CONNECTIONS = {
    "login": {"login": "me", "password": "sesame/+="},
    "token": {"password": "sesame"},
    "client": {"login": "id", "password": "s/+=", "extra": {"refresh_token": "refresh-me"}},
}


def connections() -> dict[str, str]:
    """The connections of the cases, as variables of the environment."""
    return {
        f"AIRFLOW_CONN_{name.upper()}": json.dumps({"conn_type": "http", **one}) for name, one in CONNECTIONS.items()
    }


@dataclass
class Ran:
    """What came of a run: `state` of the task, what it handed on, and what was said and kept."""

    state: str
    output: Any = None
    log: str = ""
    headers: dict[str, str] | None = None
    watermark: Any = None
    kept: str = ""
    """All XComs."""


class Case:
    """A case and its server."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.name = folder.name
        self.folder = folder
        self.server = server
        self.address = f"http://127.0.0.1:{server.port}"
        case = yaml.safe_load((folder / "server.yaml").read_text())
        self.runs: list[dict[str, Any]] = case["runs"]
        server.script = ScriptedAnswers(case["answers"], self.address)

    @classmethod
    @contextmanager
    def served(cls, folder: Path) -> Iterator[Case]:
        """A case whose server is there as long as the block."""
        server = Server()
        try:
            yield cls(folder, server)
        finally:
            server.close()

    def put_into(self, pipelines: Path, out: Path) -> str:
        """Write the pipeline, with its addresses in it; return its file's name."""
        for path in self.folder.glob("*.py"):
            shutil.copy(path, pipelines)
        text = (self.folder / "pipeline.yaml").read_text()
        self.out = own = out / self.name
        own.mkdir(parents=True, exist_ok=True)
        (pipelines / f"{self.name}.yaml").write_text(
            text.replace("${env.API}", self.address).replace("${env.OUT}", str(own))
        )
        return f"{self.name}.yaml"

    def wrong(self, run: dict[str, Any], ran: Ran) -> list[str]:
        """What is not as the case says; `server.received` is what this run has sent."""
        kind = next((kind for kind in ("fails", "skips") if kind in run), None)
        due = {"fails": "failed", "skips": "skipped", None: "success"}[kind]
        found = {"state": (ran.state, due)}
        if kind is None:
            output = list(read_rows(ran.output)) if "file" in run and ran.output else ran.output
            found["output"] = (output, run.get("file", run.get("rows", run.get("output"))))
        for key, value in (("headers", ran.headers), ("watermark", ran.watermark)):
            if key in run:
                found[key] = (value, run[key])
        if "files" in run:
            found["files"] = ({one.name: list(read_rows(str(one))) for one in self.out.iterdir()}, run["files"])
        if "sent" in run:
            found["sent"] = ([f"{one.method} {one.path}" for one in self.server.received], run["sent"])
        said = [run[kind]] if kind is not None else []
        silent = [text for text in [*said, *run.get("logs", ())] if re.search(text, ran.log) is None]
        silent += [f"anything but {text}" for text in run.get("silent", ()) if text in ran.log + ran.kept]
        return [f"{key}: {got!r} in place of {want!r}" for key, (got, want) in found.items() if got != want] + [
            f"not said: {text}" for text in silent
        ]


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
        fields |= {name: _addressed(str(value), self.address) for name, value in answer.get("headers", {}).items()}
        # With a `Date` of the case, the server's own is left out.
        send = handler.send_response_only if "Date" in fields else handler.send_response
        send(answer.get("status", 200))
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


def _addressed(text: str, address: str) -> str:
    """With the address of the server; `$ALIAS` is another one of it, to which no credentials go."""
    return text.replace("$API", address).replace("$ALIAS", address.replace("127.0.0.1", "localhost"))


def _body(answer: dict[str, Any], address: str) -> tuple[bytes, str]:
    if "json" in answer:
        return _addressed(json.dumps(answer["json"]), address).encode(), answer.get("type", "application/json")
    text = _addressed(answer.get("text", ""), address)
    data = base64.b64decode(answer["base64"]) if "base64" in answer else text.encode(answer.get("encoding", "utf-8"))
    if answer.get("pack") == "gzip":
        data = gzip.compress(data)
    elif answer.get("pack") == "zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(answer.get("name", "rows.csv"), data)
        data = archive.getvalue()
    return data, answer.get("type", "")
