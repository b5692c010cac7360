"""`http` → the operator that requests a URL."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.build.values import Resolver, build_value, plain_text
from factory.operators.http import HttpRequestOperator
from schemas.model.base import Model
from schemas.model.built_ins.http import HttpTask
from schemas.model.http import HttpRequest

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder

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
    timeout = request.timeout
    return {
        "url": _text(request.url, resolver),
        "conn_id": _text(request.conn_id, resolver),
        "endpoint": _text(request.endpoint, resolver),
        "method": request.method,
        "headers": build_value(request.headers, resolver, as_text=True),
        "query": build_value(request.params, resolver),
        "json_body": build_value(request.json_body, resolver),
        "data": build_value(request.data, resolver),
        "auth": _plain(request.auth),
        "timeout": _plain(timeout) if isinstance(timeout, Model) else timeout,
        "request_retries": _plain(request.request_retries),
        "expect": _plain(request.expect),
        "response_actions": [_plain(action) for action in request.response_actions],
        "data_selector": _text(request.data_selector, resolver),
        "pagination": _plain(request.pagination),
        "rate_limit": _plain(request.rate_limit),
        "max_bytes": request.max_bytes,
    }


def _text(value: str | None, resolver: Resolver) -> Any:
    return None if value is None else build_value(value, resolver, as_text=True)


def _plain(model: Model | None) -> dict[str, Any] | None:
    """A part of the request as the operator takes it; what is not written is the operator's own default."""
    if model is None:
        return None
    return {name: _unescaped(value) for name, value in model if value is not None}


def _unescaped(value: Any) -> Any:
    """Text from the document, at any depth; no reference can stand in it."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, dict):
        return {key: _unescaped(child) for key, child in value.items()}
    return [_unescaped(child) for child in value] if isinstance(value, list) else value
