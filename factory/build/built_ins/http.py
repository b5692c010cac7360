"""The arguments of the operators behind `http`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.build.built_ins.arguments import BuildContext
from factory.build.values import Resolver, build_value, plain_text

if TYPE_CHECKING:
    from schemas.model.built_ins.http import HttpTask
    from schemas.model.http import HttpRequest

_OF_THE_OPERATOR = {
    *("url", "conn_id", "endpoint", "headers", "params", "json_body", "data", "body", "to"),
    *("commit", "state_key", "watch"),
}
"""What the operator takes by name, and what only the build needs."""


def remembers(request: HttpRequest) -> bool:
    """Whether a request keeps state between runs, so that the operator is the one that does."""
    return request.incremental is not None or request.change_detection is not None


def http_arguments(task: HttpTask, context: BuildContext) -> dict[str, Any]:
    """The request, and what its state needs where it keeps one."""
    request = task.with_
    arguments = request_arguments(request, context.resolver, context.timezone)
    if not remembers(request):
        return arguments
    return {**arguments, "commits": request.commit == "poll", "state_key": request.state_key}


def request_arguments(request: HttpRequest, resolver: Resolver, timezone: str) -> dict[str, Any]:
    """The request, as HttpRequestOperator takes it: what is filled in when the task runs, each by its name, and all
    else as `settings`, in plain data."""
    settings = request.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True, exclude=_OF_THE_OPERATOR, warnings=False
    )
    arguments = {
        "url": _optional_text(request.url, resolver),
        "conn_id": _optional_text(request.conn_id, resolver),
        "endpoint": _optional_text(request.endpoint, resolver),
        "headers": build_value(request.headers, resolver, as_text=True),
        "query": build_value(request.params, resolver),
        "json_body": build_value(request.json_body, resolver),
        "data": build_value(request.data, resolver),
        "body": _optional_text(request.body, resolver),
        "to": _optional_text(request.to, resolver),
        "each_rows": build_value(request.each.rows, resolver) if request.each is not None else None,
        "settings": plain_texts(settings),
        "timezone": timezone,
    }
    # Airflow keeps every argument of a mapped task with its DAG; the operator has the same defaults.
    return {name: value for name, value in arguments.items() if value is not None and value != "UTC"}


def _optional_text(value: str | None, resolver: Resolver) -> Any:
    return None if value is None else build_value(value, resolver, as_text=True)


def plain_texts(value: Any) -> Any:
    """Text from the document, at any depth; references are not allowed there."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, dict):
        return {key: plain_texts(child) for key, child in value.items()}
    return [plain_texts(child) for child in value] if isinstance(value, list) else value
