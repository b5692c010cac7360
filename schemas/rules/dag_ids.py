"""DAG ids across files: two files cannot make one DAG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.codes import Code
from schemas.diagnostics import Diagnostic
from schemas.subject import Subject


def conflicts(claims: Mapping[str, str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Path → (DAG id, other paths that claim it), for every file that is not alone with its id."""
    claimants: dict[str, list[str]] = {}
    for path, dag_id in claims.items():
        claimants.setdefault(dag_id, []).append(path)
    return {
        path: (dag_id, tuple(other for other in paths if other != path))
        for dag_id, paths in claimants.items()
        if len(paths) > 1
        for path in paths
    }


def finding(subject: Subject, dag_id: str, others: Sequence[str]) -> Diagnostic:
    """The finding for one of the files; `others` are the paths of the rest, as shown to the user."""
    return subject.finding(
        Code.DUPLICATE_DAG_ID,
        ("dag_id",) if "dag_id" in subject.data else (),
        f"the DAG id `{dag_id}` is also claimed by {', '.join(others)}",
        help="one of the files needs another `dag_id`, or another name",
    )
