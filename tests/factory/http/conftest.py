"""A server, and an operator run against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from factory.operators.http import FILLED_IN, HttpRequestOperator

from .http_server import Server

Connect = Callable[..., None]
OWN = ("dag", "do_xcom_push", "timezone", "commits", "state_key")
"""Arguments of the operators that are not the request's."""


@dataclass
class TaskInstance:
    """The one thing that the operator wants of a task instance: a place for XComs."""

    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def operator(
    kind: type[HttpRequestOperator] = HttpRequestOperator, task_id: str = "ask", **arguments: Any
) -> HttpRequestOperator:
    """An operator of what a pipeline writes; `query` and `json_body` are its `params` and `json`."""
    own = {name: arguments.pop(name) for name in (*FILLED_IN, *OWN) if name in arguments}
    return kind(task_id=task_id, settings=_written(arguments), **own)


def _written(value: Any, key: str = "") -> Any:
    """As a pipeline writes it: lists, and durations for seconds."""
    if isinstance(value, dict):
        return {name: _written(child, name) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_written(child) for child in value]
    return (
        timedelta(seconds=value) if key in ("initial_delay", "max_delay") and isinstance(value, int | float) else value
    )


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def other_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def pushed() -> dict[str, Any]:
    return {}


@pytest.fixture
def run(pushed: dict[str, Any]) -> Callable[..., Any]:
    """Run the operator; gives its output. XComs are in `pushed`, also when it fails."""

    def run(url: str, *, seconds: float = 5, expected_status: Any = "2xx", **arguments: Any) -> Any:
        arguments.setdefault("expect", {"status": expected_status})
        arguments.setdefault("request_retries", {"attempts": 1})
        arguments.setdefault("timeout", timedelta(seconds=seconds))
        return operator(task_id="ask", url=url, **arguments).execute({"ti": TaskInstance(pushed)})

    return run


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    def connect(conn_id: str, **parts: Any) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "http", **parts}))

    return connect


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()
