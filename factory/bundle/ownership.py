"""Who owns a DAG id that several files claim: the file that already had it; with no history, nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.check.dependencies import PipelineFile

Conflicts = tuple[tuple[str, str], ...]
"""(DAG id, other file that claims it) pairs."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """`owners`: DAG id → path of the file whose DAG it is. `conflicts`: path → the claims it lost."""

    owners: dict[str, str]
    conflicts: dict[str, Conflicts]


def settle(files: Sequence[PipelineFile], uncopied: Iterable[str], previous: Mapping[str, str]) -> Ownership:
    """Settle every DAG id's owner; `previous` is the `owners` of the last accepted state.

    A file that cannot be read for now (no ids, or among `uncopied`) keeps the ids it owned: a typo in it must
    not hand them to a copy of it.
    """
    unreadable = {file.path for file in files if not file.dag_ids} | set(uncopied)
    claimants: defaultdict[str, set[str]] = defaultdict(set)
    for file in files:
        for dag_id in file.dag_ids:
            claimants[dag_id].add(file.path)
    for dag_id, path in previous.items():
        if path in unreadable:
            claimants[dag_id].add(path)

    owners: dict[str, str] = {}
    lost: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for dag_id, paths in sorted(claimants.items()):
        if len(paths) == 1:
            (owners[dag_id],) = paths
            continue
        owner = previous.get(dag_id)
        if owner in paths:
            owners[dag_id] = owner
            for path in paths - {owner}:
                lost[path].append((dag_id, owner))
        else:
            for path in paths:
                lost[path].extend((dag_id, other) for other in sorted(paths - {path}))
    return Ownership(owners, {path: tuple(claims) for path, claims in lost.items()})
