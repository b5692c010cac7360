"""What a bundle remembers of each DAG id: whose it is, since when it has its schedule, whether Airflow deleted it.

Of several files that claim one id, the file that already had it owns it; with no history, nobody does.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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


UNKNOWN = ""
"""The moment of a schedule that was there before the bundle kept moments: the DAG goes on as Airflow has it."""


@dataclass(frozen=True, slots=True)
class DagRecords:
    """`schedules`: DAG id → digest of its schedule; `since`: DAG id → when that schedule appeared, in ISO form, or
    UNKNOWN. `registered`: ids that Airflow's database had; `deleted`: ids that a person deleted there, until they are
    back.
    """

    schedules: dict[str, str] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    registered: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def of(self, files: Iterable[PipelineFile], owners: Collection[str], known_before: Collection[str]) -> DagRecords:
        """The records for the DAGs in `owners`; one whose file cannot be read for now keeps its own.

        `known_before` are the ids that the last state had, with or without a record.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        found = {dag_id: _digest(text) for file in files for dag_id, text in file.schedules if dag_id in owners}
        schedules = {dag_id: digest for dag_id, digest in self.schedules.items() if dag_id in owners} | found
        since = {}
        for dag_id, digest in schedules.items():
            if self.schedules.get(dag_id) == digest:
                since[dag_id] = self.since[dag_id]
            else:
                is_new = dag_id in self.schedules or dag_id not in known_before
                since[dag_id] = now if is_new else UNKNOWN
        kept = {"registered": _among(self.registered, owners), "deleted": _among(self.deleted, owners)}
        return DagRecords(schedules, since, **kept)

    def seen_in(self, database: Collection[str], owners: Mapping[str, str], deleted: Collection[str]) -> DagRecords:
        """The records after a look into the database. `deleted` are the ids that a person deleted there."""
        missing = {dag_id for dag_id in self.missing_in(database) if dag_id in deleted}
        # Until it is registered again: then it may be deleted again.
        missing |= {dag_id for dag_id in self.deleted if dag_id not in database}
        return DagRecords(self.schedules, self.since, sorted(_among(owners, database)), sorted(_among(missing, owners)))

    def missing_in(self, database: Collection[str]) -> list[str]:
        """The ids that the database had and has no longer."""
        return [dag_id for dag_id in self.registered if dag_id not in database]


def _among(ids: Iterable[str], others: Collection[str]) -> list[str]:
    return [dag_id for dag_id in ids if dag_id in others]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
