"""What the store keeps as JSON: the manifest of a version, and the state that the last refresh left in `current/`.

What a bundle remembers of each DAG id: whose it is, since when it has its schedule, whether Airflow deleted it.

Of several files that claim one id, the file that already had it owns it; with no history, nobody does.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from schemas.check.dependencies import PipelineFile


EXECUTABLE = "x"
"""What follows the hash in the token of an executable file."""
VERSION_PATTERN = re.compile(r"[0-9a-f]{40}")


def content_version(version: str) -> str:
    """The hash in a version that Airflow knows, which may begin with the commit of a source: `COMMIT.HASH`."""
    return version.rpartition(".")[2]


def token_of(data: bytes, executable: bool) -> str:
    """The name of a content: its SHA-256, with an `x` when the file is executable."""
    digest = hashlib.sha256(data).hexdigest()
    return digest + EXECUTABLE if executable else digest


@dataclass(frozen=True)
class Manifest:
    """Relative POSIX path → token of every file of one version, stubs included."""

    files: Mapping[str, str]

    @cached_property
    def text(self) -> bytes:
        """The form that is stored and hashed: JSON with sorted keys, one file a line."""
        return json.dumps({"files": dict(self.files)}, sort_keys=True, indent=0).encode()

    @cached_property
    def version(self) -> str:
        """40 hexadecimal digits of the SHA-256 of `text`; Airflow's column holds 200 characters."""
        return hashlib.sha256(self.text).hexdigest()[:40]

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """Read what `text` wrote. :raises ValueError: the text is not a manifest."""
        data = json.loads(text)
        if not isinstance(data, dict) or not isinstance(data.get("files"), dict):
            raise ValueError("not a manifest")  # noqa: TRY004 - the text is wrong, not a type in our code
        return cls(files=data["files"])


@dataclass(frozen=True, slots=True)
class Origin:
    """The pipelines folder, and the environment chosen of its `environments` (empty: none)."""

    folder: str
    environment: str

    def __str__(self) -> str:
        return f"{self.folder} (environment {self.environment})" if self.environment else self.folder


class RegisteredDag(NamedTuple):
    """`next_run`: the second since the epoch in which it runs next; infinity for one that no schedule starts.

    `first` names the first version of the DAG: a DAG that was deleted and registered again has another one. Empty
    where Airflow has removed it with other old rows. `file`: the stub that it was last read from; empty where that
    has it no more.
    """

    next_run: float = math.inf
    first: str = ""
    is_paused: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """`dags` that Airflow's database has of the bundle, by id.

    `deleted` are the ids of those that a person deleted there. `errors`: files that the dag-processor has an error for.
    `was_inactive`: another process had made the bundle inactive, so that Airflow may have retired its DAGs.
    `is_read_by_command`: an `airflow` command that may read all files has just begun.
    """

    dags: Mapping[str, RegisteredDag]
    deleted: frozenset[str]
    was_inactive: bool = False
    errors: frozenset[str] = frozenset()
    is_read_by_command: bool = False

    def lost_errors(self, before: Database, stubs: Iterable[str]) -> frozenset[str]:
        """The files whose error Airflow has lost: a command that reads all files for one DAG writes that the others
        have none (`get_bagged_dag`). `before`: the last look; an error may have come and gone since."""
        unknown = set(stubs) - {dag.file for dag in self.dags.values()} if self.is_read_by_command else set()
        return (before.errors | unknown) - self.errors


@dataclass(frozen=True, slots=True)
class DagRecords:
    """`schedules`: DAG id → digest of its schedule; `since`: DAG id → when that schedule appeared, in ISO form, or
    UNKNOWN. `registered`: ids that Airflow's database had → what names the first version there; `deleted`: ids that a
    person deleted there, until they are back.
    """

    schedules: dict[str, str] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    registered: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    def of(self, files: Iterable[PipelineFile], owners: Collection[str], known_before: Collection[str]) -> DagRecords:
        """The records for the DAGs in `owners`; one whose file cannot be read for now keeps its own.

        `known_before` are the ids that the last state had, with or without a record.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        written = ((dag_id, text) for file in files for dag_id, text in file.schedules if dag_id in owners)
        # A mistake in a schedule is no other schedule: fixed, the pipeline has its missed slot like any broken one.
        found = {dag_id: _digest(text) for dag_id, text in written if text or dag_id not in self.schedules}
        schedules = {dag_id: digest for dag_id, digest in self.schedules.items() if dag_id in owners} | found
        since = {}
        for dag_id, digest in schedules.items():
            if self.schedules.get(dag_id) == digest:
                since[dag_id] = self.since[dag_id]
            else:
                is_new = dag_id in self.schedules or dag_id not in known_before
                since[dag_id] = now if is_new else UNKNOWN
        registered = {dag_id: first for dag_id, first in self.registered.items() if dag_id in owners}
        return DagRecords(schedules, since, registered, _among(self.deleted, owners))

    def seen_in(self, database: Database, owners: Mapping[str, str]) -> DagRecords:
        """The records after a look into the database."""
        missing = {dag_id for dag_id in self.gone_from(database.dags) if dag_id in database.deleted}
        # Until it is registered again: then it may be deleted again.
        deleted = {dag_id for dag_id in {*missing, *self.deleted} if dag_id in owners and dag_id not in database.dags}
        registered = {
            dag_id: database.dags[dag_id].first or self.registered.get(dag_id, "")
            for dag_id in sorted(owners)
            if dag_id in database.dags
        }
        return DagRecords(self.schedules, self.since, registered, sorted(deleted))

    def gone_from(self, database: Mapping[str, RegisteredDag]) -> list[str]:
        """The ids that the database had and has no longer, or has anew."""
        return [
            dag_id
            for dag_id, first in self.registered.items()
            if dag_id not in database or ("" != first != database[dag_id].first != "")
        ]


@dataclass(frozen=True, slots=True)
class State:
    """`version` is `None` before the first refresh; `owners` maps DAG ids to relative paths.

    `source` is the version of the bundle that the files came from, such as a commit; empty for a folder. `written_by`
    are the versions of the process that wrote it, for `factory doctor`.
    """

    version: str | None = None
    owners: dict[str, str] = field(default_factory=dict)
    origin: Origin | None = None
    dags: DagRecords = field(default_factory=DagRecords)
    problems: dict[str, str] = field(default_factory=dict)
    """Relative path → why it is not read, of all that is not."""
    source: str = ""
    written_by: str = ""

    @property
    def bundle_version(self) -> str | None:
        """What Airflow knows the version by; see `content_version`."""
        return f"{self.source}.{self.version}" if self.source and self.version else self.version

    @property
    def text(self) -> bytes:
        """The form that is stored."""
        return json.dumps(asdict(self), indent=1).encode()


def written_by() -> str:
    """What of this process has to be the same wherever tasks run."""
    names = ("airflow-pipeline-factory", "apache-airflow-core")
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return ", ".join([*(f"{name} {_installed(name)}" for name in names), python])


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "from source"


def state_path(root: Path) -> Path:
    return root / "current.json"


def read_state(root: Path) -> State:
    """Read the state below a store's root; a missing or damaged one is that of a store never refreshed."""
    try:
        return state_of(state_path(root).read_bytes())
    except FileNotFoundError:
        return State()


def state_of(text: bytes) -> State:
    """The state of its stored form; a damaged one is that of a store never refreshed."""
    try:
        data = json.loads(text)
        origin = None if data.get("origin") is None else Origin(**data["origin"])
        dags = DagRecords(**data.get("dags", {}))
        if isinstance(dags.registered, list):  # as before 0.1.0
            dags = replace(dags, registered=dict.fromkeys(dags.registered, ""))
        later = {name: data[name] for name in ("problems", "source", "written_by") if name in data}
        return State(data["version"], dict(data["owners"]), origin, dags, **later)
    except (ValueError, TypeError, KeyError, AttributeError):
        return State()


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


def _among(ids: Iterable[str], others: Collection[str]) -> list[str]:
    return [dag_id for dag_id in ids if dag_id in others]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
