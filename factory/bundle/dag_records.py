"""What a bundle remembers of each DAG: since when it has its schedule, and whether it was deleted in Airflow."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.check.dependencies import PipelineFile

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
