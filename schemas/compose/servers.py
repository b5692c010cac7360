"""Which servers a pipeline names, and what of a request may go to those alone: its credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.compose.env_values import names_secret
from schemas.findings.paths import walk

SAFE_HEADERS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})
"""What goes along to another server. Any other header field may be a credential (`X-Api-Key`, `Cookie`, …)."""
_EXPRESSION = r"(?s)\{\{(?P<template>.*?)\}\}|\{%.*?%\}|\$\{(?P<root>[a-z]+)[^{}]*\}"
_OF_A_RUN = ("each", "cursor", "tasks", "expand")
_CONFIGURED = r"(?s)\s*(?:var|conn)\.(?!.*\b(?:ti|task_instance|dag_run|params|triggering_asset_events)\b)"
_LISTS = ("params", "expand", "expand_kwargs")


def is_named_later(url: str) -> bool:
    """Whether values of a run say which server a URL leads to: rows, outputs, its parameters. What Airflow's variables
    and connections say is configuration, as the file is."""

    def mark(found: re.Match[str]) -> str:
        is_known = found["root"] not in _OF_A_RUN if found["root"] else re.match(_CONFIGURED, found["template"] or "")
        return "_" if is_known else "\0"

    server = re.match(r"(?:[^/?#]*//)?[^/?#]*", re.sub(_EXPRESSION, mark, url))
    return server is not None and "\0" in server.group()


def named_servers(pipeline: Mapping[str, Any], request: Mapping[str, Any]) -> list[str]:
    """What a pipeline, as it is written, names for a request whose server a run says: the URLs of its requests with
    the same credentials, and what it lists for a run to take (`params`, `expand`, the rows of `each`)."""
    found, own = [], _carried(request)
    for entry, one in _requests(pipeline):
        url, each = one.get("url"), one.get("each")
        if isinstance(url, str) and not is_named_later(url) and _carried(one) == own:
            found.append(url)
        lists = [entry.get(key) for key in _LISTS] + [each.get("rows") if isinstance(each, Mapping) else None]
        found += [text for _, text in walk(lists).texts if not is_named_later(text)]
    return list(dict.fromkeys(found))


def _requests(entry: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """A pipeline, a group or a task, and all inside; each with the request that it is, or nothing."""
    poll, arguments, tasks = entry.get("poll"), entry.get("with"), entry.get("tasks")
    yield entry, arguments if entry.get("uses") == "http" and isinstance(arguments, Mapping) else {}
    if isinstance(poll, Mapping):
        yield {}, poll
    for task in tasks if isinstance(tasks, list) else ():
        if isinstance(task, Mapping):
            yield from _requests(task)


def _carried(request: Mapping[str, Any]) -> tuple[Any, Any]:
    """What of a request proves who asks."""
    headers = request.get("headers")
    fields = headers.items() if isinstance(headers, Mapping) else ()
    return request.get("auth"), {
        str(name).lower(): value for name, value in fields if str(name).lower() not in SAFE_HEADERS
    }


def credentials_in(request: Mapping[str, Any]) -> Iterator[str]:
    """What of a request proves who asks, in words: `auth`, header fields that are not safe, and what is named
    a secret."""
    if request.get("auth") is not None:
        yield "`auth`"
    headers = request.get("headers")
    names = headers if isinstance(headers, Mapping) else ()
    yield from (f"the header `{name}`" for name in names if str(name).lower() not in SAFE_HEADERS)
    fields = {key: request.get(key) for key in ("params", "json", "data")}
    yield from (f"`{'.'.join(map(str, path))}`" for path in walk(fields).keys if names_secret(path[-1]))
