"""What the store keeps as JSON: the manifest of a version, and the state that the last refresh left in `current/`."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from factory.bundle.ownership import DagRecords

VERSION_PATTERN = re.compile(r"[0-9a-f]{40}")


def content_version(version: str) -> str:
    """The hash in a version that Airflow knows, which may begin with the commit of a source: `COMMIT.HASH`."""
    return version.rpartition(".")[2]


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
        data = json.loads(state_path(root).read_bytes())
        origin = None if data.get("origin") is None else Origin(**data["origin"])
        dags = DagRecords(**data.get("dags", {}))
        later = {name: data[name] for name in ("problems", "source", "written_by") if name in data}
        return State(data["version"], dict(data["owners"]), origin, dags, **later)
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return State()
