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
_FOR_PEOPLE: Mapping[str, str] = MappingProxyType({"full": "render", "concise": "concise"})
"""Formats of `full`, and their functions there; all others are functions of `programs`."""


def render(name: str, findings: Sequence[Diagnostic], *, pipelines: int, colour: bool) -> str:
    """The findings in one of FORMATS, without a line break at the end; `pipelines` is how many were checked."""
    known = {"pipelines": pipelines, "colour": colour}
    details = {detail: known[detail] for detail in FORMATS[name]}
    module = importlib.import_module(f"factory.reporters.{'full' if name in _FOR_PEOPLE else 'programs'}")
    rendered: str = getattr(module, _FOR_PEOPLE.get(name, name))(findings, **details)
    return rendered
