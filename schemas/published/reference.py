"""docs/reference.md, generated from the models: every key, what it takes, what it means, and an example that is run.

python -m schemas.published.reference --write    write the file
python -m schemas.published.reference --check    exit status 1 when it is not what the models give
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from schemas.model import times
from schemas.model.assets import Asset, AssetAccessControl, AssetAlias, AssetAll, AssetAny, AssetWatcher
from schemas.model.base import Model
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.built_ins.http import Poll, Watch
from schemas.model.fields import Matrix, PythonObject
from schemas.model.http import Auth, Expect, HttpRequest, RateLimit, RequestRetries, ResponseAction, Timeout
from schemas.model.incremental import Incremental, ValueDetection
from schemas.model.notifications import Deadline, Notification, RunNotifications, TaskNotifications
from schemas.model.pagination import Pagination
from schemas.model.pipeline import Pipeline
from schemas.model.schedule import (
    AssetOrTimeSchedule,
    AssetSchedule,
    CronSchedule,
    EverySchedule,
    TimetableSchedule,
)
from schemas.model.settings import Resources, RetryPolicy, RetryRule, TaskSettings
from schemas.model.task import CodeTask, TaskGroup
from schemas.published.reference_examples import definer, examples
from schemas.published.reference_texts import BEFORE, GROUP, NOTIFICATIONS, POLL, TASK
from schemas.published.texts import field_texts

FILE = Path(__file__).parents[2] / "docs" / "reference.md"
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", list: "list", dict: "mapping"}


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the page: the keys of `model` that no model of `without` has."""

    title: str
    model: type[Model]
    without: tuple[type[Model], ...] = ()

    def fields(self) -> Iterator[tuple[str, FieldInfo]]:
        """The fields it shows, by name."""
        left_out = {name for model in self.without for name in model.model_fields}
        return ((name, field) for name, field in self.model.model_fields.items() if name not in left_out)


def _built_ins() -> Iterator[Section]:
    """The arguments of each; `http` has its place above."""
    for name in BUILT_INS:
        arguments = built_in(name).model_fields["with_"].annotation
        if name != "http" and isinstance(arguments, type) and issubclass(arguments, Model):
            yield Section(f"`uses: {name}`", arguments)


SECTIONS: tuple[Section | str, ...] = (
    BEFORE,
    Section("A pipeline", Pipeline),
    Section("`matrix`: lists by name, and", Matrix),
    Section("`schedule` as a mapping: cron", CronSchedule),
    Section("`schedule` as a mapping: every", EverySchedule),
    Section("`schedule` as a mapping: assets", AssetSchedule),
    Section("`schedule` as a mapping: assets or cron", AssetOrTimeSchedule),
    Section("`schedule` as a mapping: timetable", TimetableSchedule),
    Section("Several assets: any of them", AssetAny),
    Section("Several assets: all of them", AssetAll),
    Section("An asset as a mapping", Asset),
    Section("A watcher of an asset", AssetWatcher),
    Section("`access_control` of an asset", AssetAccessControl),
    Section("An alias of assets", AssetAlias),
    Section("A Python object", PythonObject),
    TASK,
    Section("A task", CodeTask, without=(TaskSettings,)),
    Section("Task settings", TaskSettings),
    Section("`resources` of a task", Resources),
    NOTIFICATIONS,
    Section("`notifications` of a pipeline", RunNotifications),
    Section("`notifications` of a task, a group or `default_args`", TaskNotifications),
    Section("A notification", Notification),
    Section("`deadline`", Deadline),
    Section("`retry_policy`", RetryPolicy),
    Section("A rule of `retry_policy`", RetryRule),
    GROUP,
    Section("A group", TaskGroup),
    POLL,
    Section("`poll`, besides", Poll, without=(HttpRequest, TaskSettings)),
    Section("`watch` of `poll`", Watch),
    Section("`uses: http`, and `poll`", HttpRequest),
    Section("`auth` of a request", Auth),
    Section("`timeout` of a request, as a mapping", Timeout),
    Section("`request_retries` of a request", RequestRetries),
    Section("`expect` of a request", Expect),
    Section("An entry of `response_actions`", ResponseAction),
    Section("`pagination` of a request", Pagination),
    Section("`incremental` of a request", Incremental),
    Section("`change_detection` of a request, as a mapping", ValueDetection),
    Section("`rate_limit` of a request", RateLimit),
    *_built_ins(),
)
"""The page: texts, and a table for each model that a file can write."""


def reference() -> str:
    """The page's text."""
    return "\n".join(part if isinstance(part, str) else _table(part) for part in SECTIONS)


def _table(section: Section) -> str:
    texts, model = field_texts(section.model), section.model
    rows = []
    for name, field in section.fields():
        key = field.alias or name
        example = examples().get((definer(model, name), key))
        shown = _code(example) if example is not None else ""
        rows.append(f"| `{key}` | {_takes(field)} | {_default(field)} | {_cell(texts.get(name, ''))} | {shown} |")
    if not rows:
        return "\n".join([f"## {section.title}", "", _cell(model.__doc__ or ""), ""])
    head = ["| key | takes | default | what it says | example |", "|---|---|---|---|---|"]
    return "\n".join([f"## {section.title}", "", *head, *rows, ""])


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
        yield f"duration ({times.DURATION_FORMS.split(',', maxsplit=1)[0]}, …)"
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


def _code(text: str) -> str:
    """As code inside a table, where a bar needs its escape and a backtick a longer fence."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{_cell(text)}{fence}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas.published.reference", description="The language reference."
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true")
    what.add_argument("--check", action="store_true")
    if parser.parse_args(arguments).write:
        FILE.write_text(reference(), encoding="utf-8")
        return 0
    return 0 if FILE.read_text(encoding="utf-8") == reference() else 1


if __name__ == "__main__":
    sys.exit(main())
