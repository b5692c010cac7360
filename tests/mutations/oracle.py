"""Whether a text is wrong, judged without `schemas`: by another reader, the JSON Schema, Jinja, croniter and Python.

A mistake that leaves a sound pipeline (a typo in a free text, a line indented in another way) is none.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import zoneinfo
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import yaml
from croniter import croniter
from jsonschema import Draft202012Validator

from tests.schemas.text import yaml_oracle

from .base import FOLDER, bases

SCHEMA = Path(__file__).parents[2] / "schemas" / "pipeline.schema.json"
_PRESETS = {
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@quarterly",
    "@yearly",
    "@midnight",
    "@annually",
    "@once",
    "@continuous",
}
_OURS = re.compile(r"\$\{(?:env\.\w+(?::-[^{}]*)?|tasks\.[\w.]+?\.(?:output|xcom\.\w+)(?:[.\[][^{}]*)?)\}")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


def is_wrong(text: str, base: str) -> bool:
    """Whether a changed text is no pipeline any more, or one that fails when it runs."""
    try:
        data = yaml_oracle.read(text)
    except (yaml.YAMLError, yaml_oracle.NotComparableError, RecursionError):
        return True
    if json.dumps(data) == _data_of(base):  # as text: `True == 1` in Python
        return False
    return next(_validator().iter_errors(data), None) is not None or any(_problems(data))


@cache
def _data_of(base: str) -> str:
    return json.dumps(yaml_oracle.read(next(one.text for one in bases() if one.name == base)))


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text()))


@cache
def _steps() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shop_steps", FOLDER / "shop_steps.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _problems(data: Any) -> Iterator[bool]:
    yield from _schedule(data)
    yield from _graph(data)
    for task in data.get("tasks", []):
        if _DOTTED.fullmatch(task["uses"]):
            yield not _can_be_called(task["uses"], task.get("with", {}))
    start, end = (str(data.get(name, "")) for name in ("start_date", "end_date"))
    yield bool(start and end) and end < start
    yield any(not _is_sound(key, text) for key, text in _texts(data))


def _schedule(data: Any) -> Iterator[bool]:
    schedule = data.get("schedule")
    cron = schedule.get("cron") if isinstance(schedule, dict) else schedule
    if isinstance(cron, str) and cron not in _PRESETS:
        yield len(cron.split()) != 5 or not croniter.is_valid(cron)
    for holder in (data, schedule):
        zone = holder.get("timezone") if isinstance(holder, dict) else None
        yield isinstance(zone, str) and zone not in zoneinfo.available_timezones()


def _graph(data: Any) -> Iterator[bool]:
    tasks = data.get("tasks", [])
    ids = [task["id"] for task in tasks] + (["poll"] if "poll" in data else [])
    yield len(ids) != len(set(ids))
    waits = {}
    for task in tasks:
        referred = re.findall(r"\$\{tasks\.(\w+)\.", json.dumps(task.get("with", {})))
        waits[task["id"]] = {*task.get("needs", []), *referred}
        yield not waits[task["id"]] <= set(ids)
    done: set[str] = {"poll"}
    while ready := {task for task, needs in waits.items() if needs <= done} - done:
        done |= ready
    yield not set(ids) <= done


def _can_be_called(uses: str, arguments: dict[str, Any]) -> bool:
    module, _, name = uses.rpartition(".")
    function = getattr(_steps(), name, None) if module == "shop_steps" else None
    if function is None:
        return False
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError:
        return False
    return True


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from _texts(child, name)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child, key)


def _is_sound(key: str, text: str) -> bool:
    """Expressions and templates as they are meant; a shell has its own `${…}`, documentation anything."""
    if key in ("description", "doc_md"):
        return True
    if key != "bash_command" and "${" in _OURS.sub("", text):
        return False
    try:
        jinja2.Environment(autoescape=True).parse(text)
    except jinja2.TemplateSyntaxError:
        return False
    return True
