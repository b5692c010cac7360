"""DAG ids: of one file, of several files, and those that `wait_dag` and `trigger_dag` name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from schemas.compose.merging import ENVIRONMENTS, declared, overlay_of
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.folder.discovery import default_dag_id
from schemas.rules.subject import Subject

_KEY = re.compile(r"[\w.-]{1,250}")
"""Airflow's own rule for ids (KEY_REGEX and its length limit)."""


def check_path(subject: Subject) -> Iterator[Diagnostic]:
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


def check_defaults(subject: Subject) -> Iterator[Diagnostic]:
    """A `dag_id` for all files of a folder: it names one DAG, so all of them would be that one."""
    for layer in subject.effective.layers[:-1]:
        if not isinstance(layer.data, dict):
            continue
        places: list[DataPath] = [(), *((ENVIRONMENTS, name) for name in declared([layer]))]
        for place in places:
            if "dag_id" in (overlay_of(layer, str(place[1])) if place else layer.data):
                yield Diagnostic(
                    Code.NOT_A_DEFAULT,
                    "`dag_id` names one DAG, so it cannot be a default",
                    layer.file,
                    layer.key_span((*place, "dag_id")),
                    help="write it in the pipeline's own file, or leave it to the file's path",
                    text=layer.text,
                )


def conflicts(claims: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """`claims`: path → its DAG ids. Path → (DAG id, other paths that claim it), for every file that is not alone."""
    claimants: dict[str, list[str]] = {}
    for path, dag_ids in claims.items():
        for dag_id in dag_ids:
            claimants.setdefault(dag_id, []).append(path)
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for dag_id, paths in claimants.items():
        if len(paths) > 1:
            for path in paths:
                found.setdefault(path, []).append((dag_id, tuple(other for other in paths if other != path)))
    return found


def finding(subject: Subject, dag_id: str, others: Sequence[str]) -> Diagnostic:
    """The finding for one of the files; `others` are the paths of the rest, as shown to the user."""
    return subject.finding(
        Code.DUPLICATE_DAG_ID,
        ("dag_id",) if "dag_id" in subject.data else (),
        at_key="dag_id" not in subject.data,
        message=f"the DAG id `{dag_id}` is also used by {', '.join(others)}",
        help="give one of the files another `dag_id` or another name",
    )
