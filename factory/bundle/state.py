"""What the last completed refresh left in `current/`: its version and who owns which DAG id."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from factory.bundle.store import Store


@dataclass(frozen=True, slots=True)
class State:
    """`version` is `None` before the first refresh; `owners` maps DAG ids to relative paths."""

    version: str | None = None
    owners: dict[str, str] = field(default_factory=dict)


def state_path(root: Path) -> Path:
    return root / "current.json"


def read_state(root: Path) -> State:
    """Read the state below a store's root; a missing or damaged one is that of a store never refreshed."""
    try:
        data = json.loads(state_path(root).read_bytes())
        return State(version=data["version"], owners=dict(data["owners"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return State()


def write_state(store: Store, state: State) -> None:
    """Replace the state in one step."""
    text = json.dumps({"version": state.version, "owners": state.owners}, indent=1)
    store.replace(state_path(store.root), text.encode())
