"""What a trial prints: a line for each task with its state and seconds, then its first rows or its error.

`factory test --record`: real answers become fixtures, without what identifies a person or proves who asks.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sysconfig
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
import structlog
from airflow.sdk.serde import deserialize

from factory.data.row_files import plain_value
from factory.reporters.text import columns, padded, printable
from factory.trial.fixture_server import Request
from factory.trial.given import KINDS
from factory.trial.memory import Memory, TaskResult, is_secret_name, parsed
from schemas.compose.env_values import without
from schemas.dagfactory.dag_view import DagView
from schemas.rules.subject import Subject

WIDEST_CELL = 32
MOST_CELLS = 8
_MOST_LINES = 20
"""Of a task's error."""


def line(result: TaskResult, place: str, hidden: Callable[[Any], Any]) -> str:
    """`✓ load  success  0.02 s`, and for a failed task its place and error below, without secrets."""
    sign = {"success": "✓", "failed": "✗"}.get(result.state, "-")
    first = f"{sign} {result.name}  {result.state}"
    if result.seconds:
        first += f"  {result.seconds:.2f} s"
    if result.error is None:
        return first
    text = hidden(str(result.error)).strip()
    said = f"{type(result.error).__name__}: {text}" if text else type(result.error).__name__
    lines = [printable(one) for one in said.splitlines()[:_MOST_LINES]]
    return "\n".join([first, *(f"    {part}" for part in (place, *lines, *frames(result.error)) if part)])


def plain(output: Any) -> Any:
    """A task's output, which is kept as Airflow stores it, as plain data."""
    return plain_value(deserialize(output))


def task_place(subject: Subject, task_id: str) -> str:
    """`file:line` of a task, and of those who take the templates that it is in."""
    path = next((view.path for view in subject.entries if view.full_id == task_id), None)
    if path is None:  # a document of dag-factory
        parts = DagView("", subject).built_as.values()
        path = next((part.path for part in parts if part.id == task_id.rpartition(".")[2]), ())
    first, *callers = (f"{file}:{span.line}" for file, _, span in (subject.key_span(path), *subject.callers(path)))
    return ", used at ".join([first, *callers])


def frames(error: BaseException, base: Path | None = None) -> list[str]:
    """Where in the user's own code it was raised, with paths as seen from `base`: lines that are not of Python, Airflow
    or this project."""
    others = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), str(Path(__file__).parents[1]), "<")
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(others)]
    lines = [f"{os.path.relpath(frame.filename, base)}:{frame.lineno}: {printable(frame.line or '')}" for frame in own]
    return list(dict.fromkeys(lines))  # a comprehension is a frame of its own, on one line


def output(value: Any, most: int) -> str:
    """A list of mappings as a table of its first rows, anything else as JSON; empty for nothing."""
    if value is None or most <= 0:
        return ""
    rows = value if isinstance(value, list) and value and all(isinstance(row, dict) for row in value) else None
    if rows is None:
        text = json.dumps(value, ensure_ascii=False, default=str)
        return printable(text if len(text) <= 200 else f"{text[:199]}…")
    return _table(rows[:most], len(rows))


def _table(rows: Sequence[Mapping[str, Any]], count: int) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    left_out = len(names) - MOST_CELLS
    names = names[:MOST_CELLS]
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(columns(line[position]) for line in cells) for position in range(len(names))]
    lines = [
        "  ".join(padded(cell, width) for cell, width in zip(each, widths, strict=True)).rstrip() for each in cells
    ]
    more = [f"{count} rows"] if count > len(rows) else []
    more += [f"{left_out} more columns"] if left_out > 0 else []
    return "\n".join([*lines, f"({', '.join(more)})"] if more else lines)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = printable(text)
    return text if len(text) <= WIDEST_CELL else f"{text[: WIDEST_CELL - 1]}…"


KEPT_HEADERS = ("content-type", "link", "etag", "last-modified", "retry-after", "location")
"""Header fields of an answer that a poll looks at. No other is kept: cookies and request ids identify people."""
NOT_SENT = ("host", "proxy-connection", "connection", "content-length", "accept-encoding")
HIDDEN = "hidden"
_SHORTEST_OF_SHELL = 8
_PROOF = re.compile(r"signature|credential|^sig$", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"([?&]([^=&\s]+)=)[^&#\s\"'<>]+")


class Recorder:
    """Asks real servers; `fixtures` are their answers, each for one request, in the order in which they came.

    `secrets` are texts that no fixture may hold. `borrowed` are the connections and variables that a test elsewhere
    needs beside the fixtures, without what is secret in them.
    """

    def __init__(self) -> None:
        self.fixtures: list[dict[str, Any]] = []
        self.secrets: Collection[str] = ()
        self.borrowed: dict[str, dict[str, str]] = {}

    def without_secrets(self, value: Any) -> Any:
        """A value with `hidden` in place of them, and of those in the environment."""
        own = {text for name, text in os.environ.items() if is_secret_name(name) and len(text) >= _SHORTEST_OF_SHELL}
        return _without(value, {*self.secrets, *own})

    def borrow(self, memory: Memory) -> None:
        """Keep what the run took from the shell, or from the Airflow of `make run`."""
        connections = {name: _placeholder(text, name) for name, text in memory.borrowed["connections"].items()}
        variables = {
            name: HIDDEN if is_secret_name(name) else self.without_secrets(text)
            for name, text in memory.borrowed["variables"].items()
        }
        self.borrowed = {kind: each for kind, each in (("connections", connections), ("variables", variables)) if each}

    def __call__(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """The real answer. Raises requests.RequestException."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in NOT_SENT}
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                request.method, request.url, headers=headers, data=request.body or None, timeout=60,
                allow_redirects=False,
            )  # fmt: skip
        kept = {name: value for name, value in answer.headers.items() if _is_kept(name.lower())}
        written = _asked(request)
        asked = self.without_secrets(written)
        if asked.get("json") != written.get("json"):
            del asked["json"]  # what is hidden cannot be compared
        if "params" in written:
            asked["params"] = {n: v for n, v in asked["params"].items() if v == written["params"][n]}
        self.fixtures.append({"request": asked, "response": self.without_secrets(_answered(answer, kept)), "times": 1})
        return answer.status_code, kept, answer.content


def _asked(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = {"url": request.address}
    if request.method != "GET":
        asked["method"] = request.method
    params = {n: v[0] if len(v) == 1 else v for n, v in request.query.items() if not _is_proof(n)}
    if params:
        asked["params"] = params
    body = _json(request.body)
    if body is not None:
        asked["json"] = body
    return asked


def _answered(answer: requests.Response, kept: Mapping[str, str]) -> dict[str, Any]:
    response: dict[str, Any] = {"status": answer.status_code} if answer.status_code != requests.codes.ok else {}
    headers = dict(kept)
    try:
        found = answer.json()
        json.dumps(found, ensure_ascii=False).encode()  # half a character, `"\\ud83d"`, is in no file
        response["json"] = found
        headers.pop("Content-Type", None)
    except ValueError:
        try:
            response["text"] = answer.content.decode()
        except UnicodeDecodeError:
            response["file"] = answer.content  # whoever writes the fixtures names it
    if headers:
        response["headers"] = headers
    return response


def _without(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN if isinstance(one, str) and is_secret_name(name) else _without(one, secrets)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_without(one, secrets) for one in value]
    if not isinstance(value, str):
        return value
    return _IN_ADDRESS.sub(lambda m: m[1] + HIDDEN if _is_proof(m[2]) else m[0], without(value, secrets, HIDDEN))


def _is_proof(name: str) -> bool:
    """Whether a parameter proves who asks, as `X-Amz-Signature` does."""
    return is_secret_name(name) or _PROOF.search(name) is not None


def _placeholder(written: str, conn_id: str) -> str:
    """A connection to the same place, which proves nothing to it; a database in a file is the test's own."""
    found = parsed(written, conn_id)
    if found.conn_type in KINDS:
        return found.conn_type
    found.host = re.sub(r"[^/@]*@", "", found.host or "") or None
    found.login, found.password = found.login and HIDDEN, found.password and HIDDEN
    found.extra = json.dumps(_blank(found.extra_dejson)) if found.extra else None
    return found.get_uri()


def _blank(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _blank(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_blank(one) for one in value]
    return HIDDEN if isinstance(value, str) else value


def _is_kept(name: str) -> bool:
    return name in KEPT_HEADERS or name.startswith("x-total")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def task_log(task_id: str) -> Any:
    """The log of a task."""
    logging.captureWarnings(capture=True)
    # It logs a traceback, and raises what the result has.
    logging.getLogger("airflow.sdk.definitions._internal.templater").setLevel(logging.CRITICAL)
    return _TaskLog(structlog.get_logger(logger_name="task").bind(task_id=task_id))


class _TaskLog:
    """Airflow's log of a task, without the traceback of what failed it: the result has the error."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def exception(self, *_: Any, **__: Any) -> None:
        """Airflow says here that the task failed."""
