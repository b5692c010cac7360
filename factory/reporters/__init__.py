"""The output formats of lint, each imported only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from schemas.findings.diagnostics import Diagnostic

FORMATS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"full": ("colour",), "concise": ("colour",), "json": ("pipelines",), "github": (), "gitlab": (), "sarif": ()}
)
"""Format → what it takes besides the findings."""
_MODULES: Mapping[str, str] = MappingProxyType({"concise": "full", "github": "forges", "gitlab": "forges"})
"""Where several are in one module, each is a function there."""


def render(name: str, findings: Sequence[Diagnostic], *, pipelines: int, colour: bool) -> str:
    """The findings in one of FORMATS, without a line break at the end; `pipelines` is how many were checked."""
    known = {"pipelines": pipelines, "colour": colour}
    details = {detail: known[detail] for detail in FORMATS[name]}
    module = importlib.import_module(f"factory.reporters.{_MODULES.get(name, name)}")
    rendered: str = getattr(module, name if name in _MODULES else "render")(findings, **details)
    return rendered
