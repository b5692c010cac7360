"""What the store keeps as JSON: the manifest of a version, and the state that the last refresh left in `current/`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from factory.bundle.dag_records import DagRecords

VERSION_PATTERN = re.compile(r"[0-9a-f]{40}")


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
    """`version` is `None` before the first refresh; `owners` maps DAG ids to relative paths."""

    version: str | None = None
    owners: dict[str, str] = field(default_factory=dict)
    origin: Origin | None = None
    dags: DagRecords = field(default_factory=DagRecords)
    problems: dict[str, str] = field(default_factory=dict)
    """Relative path → why it is not read, of all that is not."""

    @property
    def text(self) -> bytes:
        """The form that is stored."""
        return json.dumps(asdict(self), indent=1).encode()


def state_path(root: Path) -> Path:
    return root / "current.json"


def read_state(root: Path) -> State:
    """Read the state below a store's root; a missing or damaged one is that of a store never refreshed."""
    try:
        data = json.loads(state_path(root).read_bytes())
        origin = None if data.get("origin") is None else Origin(**data["origin"])
        return State(
            data["version"], dict(data["owners"]), origin, DagRecords(**data.get("dags", {})), data.get("problems", {})
        )
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return State()
