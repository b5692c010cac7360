"""docs/reference.md, generated from the models: every key, what it takes, what it means.

python -m schemas.reference --write    write the file
python -m schemas.reference --check    exit status 1 when it is not what the models give
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from schemas import durations
from schemas.assets import Asset, AssetAlias
from schemas.built_ins import BUILT_INS, built_in
from schemas.deadline import Deadline
from schemas.field_texts import field_texts
from schemas.http import HttpRequest, RateLimit, Timeout
from schemas.http_auth import Auth
from schemas.http_expect import Expect
from schemas.http_pagination import Pagination
from schemas.http_retries import RequestRetries, ResponseAction
from schemas.matrix_model import Matrix
from schemas.model import Model
from schemas.notifications import Notification, RunNotifications, TaskNotifications
from schemas.pipeline import Pipeline
from schemas.python_object import PythonObject
from schemas.reference_texts import AFTER, BEFORE, GROUP, NOTIFICATIONS, TASK
from schemas.retry_policy import RetryPolicy, RetryRule
from schemas.schedule import AssetOrTimeSchedule, AssetSchedule, CronSchedule, EverySchedule, TimetableSchedule
from schemas.settings import TaskSettings
from schemas.task import CodeTask, TaskGroup

FILE = Path(__file__).parent.parent / "docs" / "reference.md"
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", list: "list", dict: "mapping"}


def reference() -> str:
    """The page's text."""
    parts = [
        BEFORE,
        _section("A pipeline", Pipeline),
        _section("`matrix`: lists by name, and", Matrix),
        _section("`schedule` as a mapping: cron", CronSchedule),
        _section("`schedule` as a mapping: every", EverySchedule),
        _section("`schedule` as a mapping: assets", AssetSchedule),
        _section("`schedule` as a mapping: assets or cron", AssetOrTimeSchedule),
        _section("`schedule` as a mapping: timetable", TimetableSchedule),
        _section("An asset as a mapping", Asset),
        _section("An alias of assets", AssetAlias),
        _section("A Python object", PythonObject),
        TASK,
        _section("A task", CodeTask, without=TaskSettings),
        _section("Task settings", TaskSettings),
        NOTIFICATIONS,
        _section("`notifications` of a pipeline", RunNotifications),
        _section("`notifications` of a task, a group or `default_args`", TaskNotifications),
        _section("A notification", Notification),
        _section("`deadline`", Deadline),
        _section("`retry_policy`", RetryPolicy),
        _section("A rule of `retry_policy`", RetryRule),
        GROUP,
        _section("A group", TaskGroup),
        _section("`uses: http`, and `poll`", HttpRequest),
        _section("`auth` of a request", Auth),
        _section("`timeout` of a request, as a mapping", Timeout),
        _section("`request_retries` of a request", RequestRetries),
        _section("`expect` of a request", Expect),
        _section("An entry of `response_actions`", ResponseAction),
        _section("`pagination` of a request", Pagination),
        _section("`rate_limit` of a request", RateLimit),
        *_built_ins(),
        AFTER,
    ]
    return "\n".join(parts)


def _built_ins() -> Iterator[str]:
    """The arguments of each; `http` has its place above."""
    for name in BUILT_INS:
        arguments = built_in(name).model_fields["with_"].annotation
        if name != "http" and isinstance(arguments, type) and issubclass(arguments, Model):
            yield _section(f"`uses: {name}`", arguments)


def _section(title: str, model: type[Model], without: type[Model] | None = None) -> str:
    texts = field_texts(model)
    left_out = set(without.model_fields) if without is not None else set()
    rows = [
        f"| `{field.alias or name}` | {_takes(field)} | {_default(field)} | {_cell(texts.get(name, ''))} |"
        for name, field in model.model_fields.items()
        if name not in left_out
    ]
    if not rows:
        return "\n".join([f"## {title}", "", _cell(model.__doc__ or ""), ""])
    head = ["| key | takes | default | what it says |", "|---|---|---|---|"]
    return "\n".join([f"## {title}", "", *head, *rows, ""])


def _takes(field: FieldInfo) -> str:
    words = list(dict.fromkeys(_words(field.annotation)))
    return ", or ".join(words)


def _words(annotation: Any) -> Iterator[str]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _words(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _words(member)
    elif origin is Literal:
        yield " \\| ".join(f"`{value}`" for value in get_args(annotation))
    elif annotation is timedelta:
        yield f"duration ({durations.ALLOWED.split(',', maxsplit=1)[0]}, …)"
    elif annotation is not NoneType:
        yield _word(origin or annotation)


def _word(kind: Any) -> str:
    if kind is datetime:
        return "date"
    if isinstance(kind, type) and issubclass(kind, Model):
        return "mapping"
    return _WORDS.get(kind, "any value")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str | int | float):
        return f"`{value}`"
    return ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m schemas.reference", description="The language reference.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true")
    what.add_argument("--check", action="store_true")
    if parser.parse_args(arguments).write:
        FILE.write_text(reference(), encoding="utf-8")
        return 0
    return 0 if FILE.read_text(encoding="utf-8") == reference() else 1


if __name__ == "__main__":
    sys.exit(main())
