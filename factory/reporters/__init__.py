"""One file per output format, each with a `render`; imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.findings.diagnostics import Diagnostic

FORMATS = ("full", "concise", "json", "github", "gitlab", "sarif")


def render(name: str, findings: Sequence[Diagnostic], *, pipelines: int, colour: bool) -> str:
    """The findings in one of FORMATS, without a line break at the end; `pipelines` is how many were checked."""
    # ruff: noqa: PLC0415 - lint pays for the chosen format only
    match name:
        case "full":
            from factory.reporters import full

            return full.render(findings, colour=colour)
        case "concise":
            from factory.reporters import concise

            return concise.render(findings, colour=colour)
        case "json":
            from factory.reporters import json

            return json.render(findings, pipelines=pipelines)
        case "github":
            from factory.reporters import github

            return github.render(findings)
        case "gitlab":
            from factory.reporters import gitlab

            return gitlab.render(findings)
        case "sarif":
            from factory.reporters import sarif

            return sarif.render(findings)
    raise ValueError(name)
