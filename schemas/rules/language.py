"""What `check` asks of the language that a file is written in: this project's, or dag-factory's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from schemas.compose.variants import Variant
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.team_policy import Policy
from schemas.source import SourceReader
from schemas.text.document import Document

if TYPE_CHECKING:
    from schemas.folder.templates import Templates


@dataclass(frozen=True, slots=True)
class Standards:
    """What DAGs are checked against: the values of `environ`, the environment that is chosen (None: none) and with
    `every_environment` all that are declared, the sources that `reader` finds (None: they are not read), and a
    `policy`, if there is one. `require_environment`: an unset variable is an error."""

    folder: Path
    environ: Mapping[str, str]
    environment: str | None = None
    every_environment: bool = False
    require_environment: bool = False
    reader: SourceReader | None = None
    policy: Policy | None = None
    templates: Templates | None = None


class Judged(NamedTuple):
    """The findings of a file, and for each of its DAGs what is built of it; None where its shape is wrong.
    `is_foreign`: the file is another tool's, which no comment makes right. `apart`: the findings of each DAG, where an
    error in one keeps no other from being built."""

    findings: Sequence[Diagnostic]
    models: Sequence[Any]
    is_foreign: bool = False
    apart: Sequence[Sequence[Diagnostic]] = ()


class Language(Protocol):
    """One language. `documents` are the defaults above a file, then its own; all of them can be read."""

    def dag_ids(self, path: str, document: Document, environment: str | None) -> tuple[str, ...] | None:
        """The DAG ids of a file, where its own document says them; None where they have to be composed."""

    def variants(
        self,
        path: str,
        documents: Sequence[Document],
        environment: str | None,
        dag_id: str | None = None,
        templates: Templates | None = None,
    ) -> tuple[Variant, ...]:
        """The DAGs of a file, right or wrong; where `dag_id` is given, the one of that id."""

    def judged(
        self, path: str, documents: Sequence[Document], chosen: Sequence[Variant], standards: Standards
    ) -> Judged:
        """The DAGs `chosen` of a file and all findings in it."""
