"""`github`: workflow commands, which GitHub Actions shows at the lines of a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterable

from factory.reporters.text import paragraph, printable, repository_path
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """One command a line."""
    return "\n".join(_one(d) for d in diagnostics)


def _one(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties = {
        "file": printable(repository_path(diagnostic.file)),
        "line": span.line,
        "col": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column - 1,  # the last one, not the one behind it
        "title": f"{diagnostic.code.id} {diagnostic.code.slug}",
    }
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    # The log shows the text of the command and not its place.
    text = f"{printable(diagnostic.file)}:{span.line}:{span.column}: {diagnostic.code.id} {paragraph(diagnostic)}"
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
