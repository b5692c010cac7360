"""`fail_fast` against `trigger_rule` (airflow.sdk DAG.add_task, FailFastDagInvalidTriggerRule)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.subject import Subject

_ONLY = "all_success"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A DAG that stops at the first failure has only tasks that want success before them."""
    if _read(subject.data.get("fail_fast")) is not True:
        return
    for path, settings in _places(subject):
        rule = settings.get("trigger_rule") if isinstance(settings, dict) else None
        if isinstance(rule, str) and "${" not in rule and rule != _ONLY:
            what = f"what `{rule.expression}` gives" if isinstance(rule, EnvText) else f"`{rule}`"
            yield subject.finding(
                Code.FAIL_FAST_TRIGGER_RULE,
                (*path, "trigger_rule"),
                f"with `fail_fast: true` a `trigger_rule` must be `{_ONLY}`, not {what}",
                help="take `fail_fast` away, or the `trigger_rule`",
            )


def _places(subject: Subject) -> Iterator[tuple[DataPath, Any]]:
    yield from ((task.path, task.entry) for task in subject.tasks)
    yield from (((*group.path, "default_args"), group.entry.get("default_args")) for group in subject.groups)
    if any("trigger_rule" not in task.entry for task in subject.tasks):
        yield ("default_args",), subject.data.get("default_args")


def _read(value: Any) -> Any:
    return value.as_scalar() if isinstance(value, EnvText) and value.whole else value
