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
_OF_FORGES = ("github", "gitlab")


def render(name: str, findings: Sequence[Diagnostic], *, pipelines: int, colour: bool) -> str:
    """The findings in one of FORMATS, without a line break at the end; `pipelines` is how many were checked."""
    known = {"pipelines": pipelines, "colour": colour}
    details = {detail: known[detail] for detail in FORMATS[name]}
    of_forge = name in _OF_FORGES
    module = importlib.import_module(f"factory.reporters.{'forges' if of_forge else name}")
    rendered: str = getattr(module, name if of_forge else "render")(findings, **details)
    return rendered
