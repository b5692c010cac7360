"""DAG ids across files: two files cannot make one DAG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject


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
        message=f"the DAG id `{dag_id}` is also claimed by {', '.join(others)}",
        help="one of the files needs another `dag_id`, or another name",
    )
