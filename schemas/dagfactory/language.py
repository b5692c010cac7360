"""dag-factory's language as `check` asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schemas.compose.variants import Variant
from schemas.dagfactory.checking import dag_variants, findings
from schemas.dagfactory.merging import dag_ids
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import once
from schemas.rules.language import Judged, Standards
from schemas.text.document import Document


class DagFactory:
    """See `schemas.rules.language.Language`; environments are this project's, and a model is the merged data."""

    def dag_ids(self, path: str, document: Document, environment: str | None) -> tuple[str, ...]:  # noqa: ARG002
        """The keys at the top."""
        return dag_ids(document.data)

    def variants(
        self,
        path: str,
        documents: Sequence[Document],
        environment: str | None,  # noqa: ARG002 # there are none
        dag_id: str | None = None,
    ) -> tuple[Variant, ...]:
        """One for each key at the top."""
        return tuple(v for v in dag_variants(path, documents) if dag_id is None or v.dag_id == dag_id)

    def judged(
        self, path: str, documents: Sequence[Document], chosen: Sequence[Variant], standards: Standards
    ) -> Judged:
        """The merged data of the DAGs, and all findings."""
        found = once(findings(path, documents, chosen, standards.reader))
        if standards.require_environment:
            found = tuple(replace(d, severity=Severity.ERROR) if d.code is Code.UNSET_VARIABLE else d for d in found)
        return Judged(found, [variant.effective.data for variant in chosen])


LANGUAGE = DagFactory()
