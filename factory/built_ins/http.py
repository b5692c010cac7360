"""`http` → the operator that requests a URL."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.build_values import Resolver, build_value
from factory.operators.http import HttpRequestOperator
from schemas.built_ins.http import HttpTask
from schemas.http import HttpRequest

if TYPE_CHECKING:
    from factory.build_operators import OperatorBuilder

NAMES: Mapping[str, str] = MappingProxyType({"params": "query", "json": "json_body"})


def operator(
    task: HttpTask, resolver: Resolver, _: OperatorBuilder
) -> tuple[type[HttpRequestOperator], dict[str, Any]]:
    """The operator that requests; one of its own where the request remembers something."""
    request = task.with_
    arguments = request_arguments(request, resolver)
    if request.incremental is None and request.change_detection is None:
        return HttpRequestOperator, arguments
    from factory.operators.http_stateful import StatefulHttpOperator  # noqa: PLC0415 # most requests remember nothing

    return StatefulHttpOperator, {
        **arguments,
        "incremental": request.incremental,
        "change_detection": request.change_detection,
        "skip_unchanged": request.on_unchanged == "skip",
        "commits": request.commit == "poll",
        "state_key": request.state_key,
    }


def request_arguments(request: HttpRequest, resolver: Resolver) -> dict[str, Any]:
    """The request, as HttpRequestOperator names its parts."""
    return {
        "url": build_value(request.url, resolver, as_text=True),
        "method": request.method,
        "headers": build_value(request.headers, resolver, as_text=True),
        "query": build_value(request.params, resolver),
        "json_body": build_value(request.json_body, resolver),
        "timeout": request.timeout,
        "expect": {"status": request.expect.status},
        "max_bytes": request.max_bytes,
    }
