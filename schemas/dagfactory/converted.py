"""The one way into the conversion: a dag-factory document → files of this project's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.compose.variants import Variant
from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.dags import document
from schemas.dagfactory.convert.text import text
from schemas.dagfactory.dag_view import DagView
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject
from schemas.source import SourceReader


@dataclass(frozen=True, slots=True)
class Converted:
    """One DAG's new file, empty where there can be none, and what was not carried over, or otherwise."""

    dag_id: str
    text: str
    findings: tuple[Diagnostic, ...]


def converted(
    variants: tuple[Variant, ...], folder: Path, environ: Mapping[str, str], reader: SourceReader
) -> Iterator[Converted]:
    """Convert the DAGs of one file, which were read without any environment variable: `environ` has their values.

    The file must be sound: of one with errors anything may come.
    """
    for variant in variants:
        dag = DagView(variant.dag_id, Subject(variant.path, variant.effective))
        conversion = Conversion(dag, folder, variant.path, environ, reader)
        if not dag.tasks:
            conversion.lost((), f"the DAG `{dag.id}` has no tasks, and a pipeline here has at least one")
        new = text(document(conversion), variant.effective, variant.dag_id) if dag.tasks else ""
        found = {(d.sort_key, d.message): d for d in conversion.findings}
        yield Converted(variant.dag_id, new, tuple(found.values()))
