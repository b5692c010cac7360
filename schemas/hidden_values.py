"""Findings name a value of the environment by what the document says in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.diagnostics import Diagnostic
from schemas.environment import env_texts


class HiddenValues:
    """The values of one DAG's effective document that hold something of the environment."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._shown = {
            form: f"`{text.expression}`" for text in env_texts(data) for form in (f"`{text}`", repr(str(text)))
        }

    def of(self, finding: Diagnostic) -> Diagnostic:
        """The finding; messages quote what they name in backticks, those of `jsonschema` as Python does."""
        if not self._shown:
            return finding
        return replace(
            finding,
            message=self._in(finding.message),
            caret=self._in(finding.caret),
            help=self._in(finding.help),
            allowed=tuple(self._in(f"`{name}`")[1:-1] for name in finding.allowed),
        )

    def _in(self, text: str) -> str:
        for value, expression in self._shown.items():
            text = text.replace(value, expression)
        return text
