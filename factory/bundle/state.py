"""What the last completed refresh left in `current/`: its version, what it was made of, and who owns which DAG id."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from factory.bundle.store import Store


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


def state_path(root: Path) -> Path:
    return root / "current.json"


def read_state(root: Path) -> State:
    """Read the state below a store's root; a missing or damaged one is that of a store never refreshed."""
    try:
        data = json.loads(state_path(root).read_bytes())
        origin = data.get("origin")
        return State(data["version"], dict(data["owners"]), None if origin is None else Origin(**origin))
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return State()


def write_state(store: Store, state: State) -> None:
    """Replace the state in one step."""
    store.replace(state_path(store.root), json.dumps(asdict(state), indent=1).encode())
