"""Names that Airflow gives from the file: a DAG id made of the path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.folder.discovery import default_dag_id
from schemas.rules.subject import Subject

_KEY = re.compile(r"[\w.-]{1,250}")
"""Airflow's own rule for ids (KEY_REGEX and its length limit)."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A DAG id from the path that Airflow would reject; a written one is a matter of its shape."""
    if subject.data.get("dag_id") is not None:
        return
    dag_id = default_dag_id(subject.path)
    if _KEY.fullmatch(dag_id) is None:
        yield subject.finding(
            Code.WRONG_VALUE,
            (),
            f"the path gives the DAG id `{dag_id}`, which Airflow rejects",
            help="rename the file, or write a `dag_id` of letters, digits, `_`, `-` and `.`",
        )
