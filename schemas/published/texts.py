"""The texts of the JSON Schema: descriptions of keys, patterns of values, messages and snippets for editors."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from schemas.compose.env_values import allows_environment
from schemas.expressions.reading import (
    DOTTED_PATH_PATTERN,
    ENVIRONMENT_OR_VALUE,
    EXCEPTION_PATTERN,
    TASK_OUTPUT,
    VALUE,
    WITHOUT_EXPRESSION,
)
from schemas.findings.paths import DataPath
from schemas.model import fields, times
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.built_ins.tables import SIZE_PATTERN
from schemas.model.fields import Model
from schemas.model.http import MEDIA_TYPE_PATTERN, STATUS_PATTERN, URL_PATTERN
from schemas.model.notifications import START_PATTERN
from schemas.model.pipeline import DAG_ID_PATTERN
from schemas.model.schedule import CRON_PRESETS, SPECIAL_PRESETS
from schemas.model.task_base import TASK_ID_PATTERN
from schemas.model.times import DATE_OR_TEMPLATE_ALLOWED, DATE_OR_TEMPLATE_PATTERN, MOMENT_ALLOWED, MOMENT_PATTERN

Schema = dict[str, Any]

_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_KNOWN_FROM_FILE = "no ${env.…} and no ${tasks.…} here: it must be known from the file"


EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        times.DURATION_PATTERN: f"a duration: {times.DURATION_FORMS}",
        times.POSITIVE_DURATION_PATTERN: f"a duration longer than zero: {times.DURATION_FORMS}",
        times.DATE_PATTERN: f"a date: {times.DATE_FORMS}",
        fields.LINK_PATTERN: "a link, https://… or mailto:…",
        SIZE_PATTERN: "a size such as 2GB",
        DAG_ID_PATTERN: "letters, digits, `_`, `-` and `.`",
        TASK_ID_PATTERN: "letters, digits, `_` and `-`",
        TASK_OUTPUT: "${tasks.ID.output}",
        EXCEPTION_PATTERN: "an exception: TimeoutError, or module.Exception",
        START_PATTERN: "queued_at, logical_date, average_runtime or a date",
        DOTTED_PATH_PATTERN: "a function, module.function",
        MOMENT_PATTERN: f"a moment: {MOMENT_ALLOWED}",
        DATE_OR_TEMPLATE_PATTERN: f"a date: {DATE_OR_TEMPLATE_ALLOWED}",
        STATUS_PATTERN: "a status from 100 to 599, in quotes",
        r"^[1-5]xx$": "1xx to 5xx",
        MEDIA_TYPE_PATTERN: "a media type such as application/json",
        URL_PATTERN: "an absolute URL, http://… or https://…",
    }
)
"""What a text of a pattern is, for the message of one that is not."""

SCHEDULE = "\n".join(
    [
        "When it runs. Without it, or `null`: only by hand.",
        "",
        '- `"0 6 * * *"`: cron in quotes: minute, hour, day of month, month, day of week',
        *(f'- `"{preset}"`: `{cron}`' for preset, cron in CRON_PRESETS.items()),
        *(f'- `"{preset}"`' for preset in SPECIAL_PRESETS),
        '- `{cron: "0 6 * * *", timezone: Asia/Seoul}`: cron in a time zone of its own',
        '- `{cron: ["0 6 * * 1-5", "0 9 * * 6"]}`: several crons',
        "- `{every: 15m}`: again and again after a fixed time, not aligned to the clock",
        "- `{assets: orders}`, `{assets: {all: [orders, prices]}}`: when assets have changed; with `cron` also by time",
        "- `{timetable: airflow.sdk.EventsTimetable, with: {…}}`: as a timetable class says",
    ]
)

SCHEDULE_EXAMPLES = ("0 6 * * *", "*/15 * * * *", *CRON_PRESETS, *SPECIAL_PRESETS)


def uses_text() -> str:
    """What `uses` can name, as Markdown."""
    summaries = {name: (built_in(name).__doc__ or "").strip().rstrip(".") for name in BUILT_INS}
    return "\n".join(
        [
            "What the task does:",
            "",
            *(f"- `{name}`: {text[:1].lower()}{text[1:]}" for name, text in summaries.items()),
            "- `module.function`: a Python function below `pipelines/` or of an installed package",
            "- `package.module.Operator`: an Airflow operator or sensor",
        ]
    )


USES_EXAMPLES = (
    "hello_etl.extract",
    "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator",
)

POLL_SNIPPETS: tuple[Schema, ...] = (
    {"label": "poll a URL", "body": {"url": "${1:https://api.example.com/state}", "timeout": "${2:30s}"}},
)
TASK_SNIPPETS: tuple[Schema, ...] = tuple(
    {"label": label, "body": body}
    for label, body in (
        ("task: Python function", {"id": "${1:extract}", "uses": "${2:module.function}"}),
        ("task: http", {"id": "${1:ask}", "uses": "http", "with": {"url": "${2:https://api.example.com}"}}),
        ("task: bash", {"id": "${1:report}", "uses": "bash", "with": {"bash_command": "${2:echo done}"}}),
    )
)


def choice(values: list[Any], path: DataPath) -> Schema:
    """One of these values, or an expression in its place."""
    return {"anyOf": [{"enum": values}, {"type": "string", "pattern": _expression(path)}]}


def _expression(path: DataPath) -> str:
    """The pattern of texts that are filled in at a path before its type counts."""
    return ENVIRONMENT_OR_VALUE if allows_environment(path) else VALUE


def with_text(schema: Schema, texts: Sequence[Schema], path: DataPath) -> Schema:
    """Add which texts fit: those of the members, and the expressions that are allowed instead."""
    patterns = [member["pattern"] for member in texts if "pattern" in member]
    environment = allows_environment(path)
    for member in texts:
        if "maxLength" in member and environment:
            patterns.append(rf"^[\s\S]{{{member.get('minLength', 0)},{member['maxLength']}}}$")
        elif "maxLength" in member:
            schema["maxLength"] = member["maxLength"]
    if texts and not patterns:
        without = {
            "pattern": WITHOUT_EXPRESSION,
            "patternErrorMessage": _KNOWN_FROM_FILE,
        }
        return schema if environment else {**schema, **without}
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    expected = [_NAMES[name] for name in types if name in _NAMES] + [EXPECTED.get(p, "text") for p in patterns]
    patterns.append(_expression(path))
    expected.append("${env.NAME}" if environment else "${vars.NAME}")
    return {
        **schema,
        "type": "string" if types == ["string"] else list(dict.fromkeys([*types, "string"])),
        "pattern": "|".join(portable(pattern) for pattern in patterns),
        "patternErrorMessage": f"expected {', or '.join(expected)}",
    }


def portable(pattern: str) -> str:
    """`$` is also before a last line break in Python, and only there."""
    return f"{pattern.removesuffix('$')}(?!\\n)$" if pattern.endswith("$") else pattern


def description(text: str | None) -> Schema:
    """Editors show `description` with its marks, or `markdownDescription` rendered where they know it."""
    if text is None:
        return {}
    line = " ".join(text.split())
    return {"description": line, "markdownDescription": line} if "`" in line else {"description": line}


def field_texts(model: type[Model]) -> dict[str, str]:
    """Field name → its text, those of the bases included; read from the source."""
    texts: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, Model) and cls is not Model:
            texts |= _own(cls)
    return {name: text for name, text in texts.items() if name in model.model_fields}


def models() -> dict[str, type[Model]]:
    """All models of the imported modules, by class name, without those that are derived at run time."""
    found: dict[str, type[Model]] = {}
    waiting: list[type[Model]] = [Model]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            if getattr(sys.modules[cls.__module__], cls.__name__, None) is cls:
                found[cls.__name__] = cls
    return found


@functools.cache
def _own(cls: type) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    if not isinstance(definition, ast.ClassDef):
        raise TypeError(cls)
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
