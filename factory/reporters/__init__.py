"""One file per output format, each with a `render`; imported only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from schemas.findings.diagnostics import Diagnostic

FORMATS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"full": ("colour",), "concise": ("colour",), "json": ("pipelines",), "github": (), "gitlab": (), "sarif": ()}
)
"""Format → what its `render` takes besides the findings."""


def render(name: str, findings: Sequence[Diagnostic], *, pipelines: int, colour: bool) -> str:
    """The findings in one of FORMATS, without a line break at the end; `pipelines` is how many were checked."""
    details = {"pipelines": pipelines, "colour": colour}
    module = importlib.import_module(f"factory.reporters.{name}")
    rendered: str = module.render(findings, **{detail: details[detail] for detail in FORMATS[name]})
    return rendered
