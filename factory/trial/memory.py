"""What a trial keeps in place of Airflow's database: XComs, connections, variables, and what polls remember."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from factory.trial.kept import Kept

RETURN_VALUE = "return_value"


@dataclass
class Memory:
    """One run. `connections` are URIs or JSON by id, beside those of `AIRFLOW_CONN_…`.

    `xcoms` are by task id, key and map index, which is -1 for a task that is not mapped; their values are as Airflow
    stores them. `asset_states` are by an asset's name or URI, and key; `moved` are those that the run wrote. What is
    not here is looked up in `kept`, which is not changed.
    """

    connections: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: dict[str, str] = field(default_factory=dict)
    xcoms: dict[tuple[str, str], dict[int, Any]] = field(default_factory=dict)
    task_states: dict[tuple[str, str], Any] = field(default_factory=dict)
    asset_states: dict[tuple[str, str], Any] = field(default_factory=dict)
    moved: dict[tuple[str, str], Any] = field(default_factory=dict)
    kept: Kept | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """How many instances each task has, once that is known."""

    def connection(self, conn_id: str) -> str | None:
        """The URI or JSON of a connection."""
        found = self.connections.get(conn_id) or os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}")
        return found or (self.kept.connection(conn_id) if self.kept is not None else None)

    def variable(self, key: str) -> str | None:
        """The value of a variable, as text."""
        found = self.variables.get(key, os.environ.get(f"AIRFLOW_VAR_{key.upper()}"))
        return self.kept.variable(key) if found is None and self.kept is not None else found

    def asset_state(self, asset: str, key: str) -> Any:
        """What is in an asset's store, by its name or URI. Raises KeyError where nothing is."""
        if (asset, key) in self.asset_states or self.kept is None:
            return self.asset_states[asset, key]
        found = self.kept.state(asset, key)
        if found is None:
            raise KeyError(key)
        return json.loads(found)

    def output(self, task_id: str) -> Any:
        """What a task returned, as stored; a list for a mapped one; None where it returned nothing."""
        found = self.xcoms.get((task_id, RETURN_VALUE), {})
        return found.get(-1) if set(found) <= {-1} else [value for _, value in sorted(found.items())]
