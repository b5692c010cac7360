"""The arguments of the operators behind `http`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.build.built_ins.arguments import BuildContext
from factory.build.values import Resolver, build_value, plain_text
from schemas.model.base import Model

if TYPE_CHECKING:
    from schemas.model.built_ins.http import HttpTask
    from schemas.model.http import HttpRequest


def remembers(request: HttpRequest) -> bool:
    """Whether a request keeps state between runs, so that the operator is the one that does."""
    return request.incremental is not None or request.change_detection is not None


def http_arguments(task: HttpTask, context: BuildContext) -> dict[str, Any]:
    """The request, and what its state needs where it keeps one."""
    request = task.with_
    arguments = request_arguments(request, context.resolver)
    if not remembers(request):
        return arguments
    return {
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
        "url": _optional_text(request.url, resolver),
        "conn_id": _optional_text(request.conn_id, resolver),
        "endpoint": _optional_text(request.endpoint, resolver),
        "method": request.method,
        "headers": build_value(request.headers, resolver, as_text=True),
        "query": build_value(request.params, resolver),
        "json_body": build_value(request.json_body, resolver),
        "data": build_value(request.data, resolver),
        "auth": _plain_model(request.auth),
        "timeout": _plain_model(timeout) if isinstance(timeout, Model) else timeout,
        "request_retries": _plain_model(request.request_retries),
        "expect": _plain_model(request.expect),
        "response_actions": [_plain_model(action) for action in request.response_actions],
        "data_selector": _optional_text(request.data_selector, resolver),
        "pagination": _plain_model(request.pagination),
        "rate_limit": _plain_model(request.rate_limit),
        "max_bytes": request.max_bytes,
    }


def _optional_text(value: str | None, resolver: Resolver) -> Any:
    return None if value is None else build_value(value, resolver, as_text=True)


def _plain_model(model: Model | None) -> dict[str, Any] | None:
    """A part of the request as the operator takes it; the operator has defaults for what is not written."""
    if model is None:
        return None
    return {name: _unescaped(value) for name, value in model if value is not None}


def _unescaped(value: Any) -> Any:
    """Text from the document, at any depth; references are not allowed there."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, dict):
        return {key: _unescaped(child) for key, child in value.items()}
    return [_unescaped(child) for child in value] if isinstance(value, list) else value
