"""Which arguments of the built-ins Airflow renders: these take templates and tasks' outputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEMPLATED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "http": frozenset({"url", "headers", "params", "json"}),
        "bash": frozenset({"bash_command", "env", "cwd"}),
        "empty": frozenset(),
    }
)
