"""What the JSON Schema says to people in an editor beyond the models: messages, longer help, snippets."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schemas.expressions.patterns import DOTTED_PATH_PATTERN, EXCEPTION_PATTERN, TASK_OUTPUT
from schemas.model import fields, times
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.built_ins.duckdb import SIZE_PATTERN
from schemas.model.http import MEDIA_TYPE_PATTERN, STATUS_PATTERN, URL_PATTERN
from schemas.model.notifications import START_PATTERN
from schemas.model.pipeline import DAG_ID_PATTERN
from schemas.model.schedule import CRON_PRESETS, SPECIAL_PRESETS
from schemas.model.task_base import TASK_ID_PATTERN
from schemas.model.times import DATE_OR_TEMPLATE_ALLOWED, DATE_OR_TEMPLATE_PATTERN, MOMENT_ALLOWED, MOMENT_PATTERN

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

POLL_SNIPPETS: tuple[Mapping[str, Any], ...] = (
    MappingProxyType(
        {"label": "poll a URL", "body": {"url": "${1:https://api.example.com/state}", "timeout": "${2:30s}"}}
    ),
)

TASK_SNIPPETS: tuple[Mapping[str, Any], ...] = tuple(
    MappingProxyType({"label": label, "body": body})
    for label, body in (
        ("task: Python function", {"id": "${1:extract}", "uses": "${2:module.function}"}),
        ("task: http", {"id": "${1:ask}", "uses": "http", "with": {"url": "${2:https://api.example.com}"}}),
        ("task: bash", {"id": "${1:report}", "uses": "bash", "with": {"bash_command": "${2:echo done}"}}),
    )
)
