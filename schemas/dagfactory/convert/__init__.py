"""dag-factory documents → files of this project's language that build the same DAGs.

`dags` makes the new document from a DAG's effective one, each part with the place that it came from (`conversion`);
`writing` writes it with the comments of those places. Nothing here imports dag-factory or Airflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.compose.variants import Variant
from schemas.dagfactory.convert.conversion import Conversion
from schemas.dagfactory.convert.dags import document
from schemas.dagfactory.convert.writing import write
from schemas.dagfactory.dag_view import DagView
from schemas.findings.diagnostics import Diagnostic
from schemas.folder.project import lexically_absolute
from schemas.rules.subject import Subject
from schemas.source import SourceReader


@dataclass(frozen=True, slots=True)
class ConvertedDag:
    """The new file of a DAG, empty where there can be none, and what was lost or changed."""

    dag_id: str
    text: str
    findings: tuple[Diagnostic, ...]


def convert(
    variants: tuple[Variant, ...], folder: Path, environ: Mapping[str, str], reader: SourceReader
) -> Iterator[ConvertedDag]:
    """Convert the DAGs of a file without errors. They were read without environment variables; `environ` has them."""
    for variant in variants:
        dag = DagView(variant.dag_id, Subject(variant.path, variant.effective))
        conversion = Conversion(dag, lexically_absolute(folder), variant.path, environ, reader)
        if not dag.tasks:
            conversion.lost((), f"the DAG `{dag.id}` has no tasks, and a pipeline here has at least one")
        text = write(document(conversion), variant.effective, variant.dag_id) if dag.tasks else ""
        yield ConvertedDag(variant.dag_id, text, conversion.once)
