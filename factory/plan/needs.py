"""What has to be there for a DAG to run: connections, pools, variables, hosts, packages, environment variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from factory.plan.contents import Dag, Value
from schemas.expressions.reading import EnvReference, expressions

_TEMPLATE_CONNECTION = re.compile(r"\bconn\.(\w+)")
_TEMPLATE_VARIABLE = re.compile(r"\bvar\.(?:value|json)\.(\w+)")
_URL = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_OWN = ("airflow", "builtins")

Need = tuple[str, str]
"""Its kind, and its name: `("connection", "warehouse")`."""


def needs(dag: Dag) -> dict[Need, str]:
    """What a DAG needs → `file:line` of the first place that says so."""
    found: dict[Need, str] = {}
    values = [("", value) for value in dag.settings.values()]
    values += [(name, value) for task in dag.tasks.values() for name, value in task.values.items()]
    values += [(name, value) for name, value in dag.settings.items() if name.startswith("default_args.")]
    for name, value in values:
        for need in _of_value(name.rpartition(".")[2], value):
            found.setdefault(need, value.place)
    return found


def _of_value(key: str, value: Value) -> Iterator[Need]:
    data = value.data
    for text in _texts(data):
        for expression in expressions(text) if "${" in text else ():
            if isinstance(expression.meaning, EnvReference):
                yield "environment variable", expression.meaning.name
        yield from (("connection", match) for match in _TEMPLATE_CONNECTION.findall(text))
        yield from (("variable", match) for match in _TEMPLATE_VARIABLE.findall(text))
        yield from (("host", host) for host in map(_host, _URL.findall(text)) if host)
    if not isinstance(data, str) or "${" in data or "{{" in data:
        return
    if key.endswith("conn_id"):
        yield "connection", data
    elif key == "pool":
        yield "pool", data
    elif key in ("uses", "operator") and "." in data:
        yield from _package(data)


def _package(dotted: str) -> Iterator[Need]:
    first, _, rest = dotted.partition(".")
    if dotted.startswith("airflow.providers."):
        yield "package", f"apache-airflow-providers-{'-'.join(_provider(rest.removeprefix('providers.')))}"
    elif first not in _OWN and dotted.rpartition(".")[2][:1].isupper():
        yield "package", first


def _provider(path: str) -> list[str]:
    """The provider's name: all parts before the first that says what kind of module it is."""
    parts = path.split(".")
    kinds = {"operators", "sensors", "hooks", "notifications", "decorators", "transfers", "triggers", "timetables"}
    end = next((position for position, part in enumerate(parts) if part in kinds), 1)
    return parts[:end]


def _host(url: str) -> str:
    if "{{" in url or "${" in url.split("/")[2]:
        return ""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield getattr(data, "expression", None) or str(data)
    elif isinstance(data, dict):
        for child in data.values():
            yield from _texts(child)
    elif isinstance(data, list):
        for child in data:
            yield from _texts(child)
