"""DAGs that `wait_dag` and `trigger_dag` name, across files."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.problem import Word
from schemas.findings.suggestions import did_you_mean, unmistakable
from schemas.rules.subject import Subject

_KEYS = {"wait_dag": "external_dag_id", "trigger_dag": "trigger_dag_id"}
MARKS = tuple(_KEYS)
"""A text without these names no other DAG."""


def check(subject: Subject, dag_ids: Collection[str]) -> Iterator[Diagnostic]:
    """An id that nearly is one of `dag_ids`. Any other may be a DAG of another bundle, which nobody sees from here."""
    for task in subject.tasks:
        key = _KEYS.get(task.uses or "")
        dag_id = task.arguments.get(key) if key is not None else None
        if key is None or not isinstance(dag_id, str) or dag_id in dag_ids or "{" in dag_id:
            continue
        near = unmistakable(dag_id, dag_ids)
        if near is not None and _letters(near) != _letters(dag_id):
            yield subject.finding(
                Code.UNKNOWN_DAG,
                (*task.with_path, key),
                f"no file of this folder makes a DAG `{dag_id}`",
                caret=did_you_mean(near),
                fix=Word(near),
            )


def _letters(dag_id: str) -> str:
    """An id without digits: `orders_2` beside `orders_1` is no typo."""
    return "".join(character for character in dag_id if not character.isdigit())
