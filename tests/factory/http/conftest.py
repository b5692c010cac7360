"""A server, and an operator run against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from factory.operators.http import HttpRequestOperator

from .http_server import Server


@dataclass
class TaskInstance:
    """The one thing that the operator wants of a task instance: a place for XComs."""

    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


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
        operator = HttpRequestOperator(task_id="ask", url=url, timeout=timedelta(seconds=seconds), **arguments)
        return operator.execute({"ti": TaskInstance(pushed)})

    return run
