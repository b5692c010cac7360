"""What the parts of a conversion share: the DAG, where values come from, and what could not be carried over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.dagfactory.dag_view import DagView
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.source import SourceReader


@dataclass(frozen=True)
class Conversion:
    """One DAG. Its texts hold `$NAME` as it is written; `environ` has the values. `folder` is the pipelines folder,
    `path` the document's below it."""

    dag: DagView
    folder: Path
    path: str
    environ: Mapping[str, str] = field(repr=False)
    reader: SourceReader = field(repr=False)
    findings: list[Diagnostic] = field(default_factory=list)

    def lost(self, path: DataPath, message: str, help: str = "", *, at_key: bool = True) -> None:
        """Say what could not be carried over."""
        self.findings.append(self.dag.subject.finding(Code.NOT_CONVERTED, path, message, at_key=at_key, help=help))

    def changed(self, path: DataPath, message: str, help: str = "", *, at_key: bool = True) -> None:
        """Say what was carried over otherwise than it stands there, or left out because it had no effect."""
        code = Code.CONVERTED_OTHERWISE
        self.findings.append(self.dag.subject.finding(code, path, message, at_key=at_key, help=help))
