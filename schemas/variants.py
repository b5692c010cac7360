"""The DAGs that a file describes: one effective document each, in one environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from schemas.compose import Effective, compose
from schemas.diagnostics import Diagnostic
from schemas.discovery import default_dag_id
from schemas.document import Document


@dataclass(frozen=True)
class Variant:
    """One DAG of a file. `environment`: the one it is composed for; None: none. `key`: its id, where a key names it."""

    path: str
    effective: Effective = field(repr=False)
    environment: str | None = None
    key: str | None = None

    @property
    def dag_id(self) -> str:
        """The DAG id that it claims, be it sound or not."""
        if self.key is not None:
            return self.key
        written = self.effective.data.get("dag_id")
        return written if isinstance(written, str) else default_dag_id(self.path)


def variants(path: str, layers: Sequence[Document], environment: str | None) -> tuple[Variant, ...]:
    """The DAGs of the file at `path`, whose documents `layers` are: the defaults above it, then itself."""
    return (Variant(path, compose(layers, environment), environment),)


def said_once(findings: Sequence[tuple[Variant, Sequence[Diagnostic]]]) -> list[Diagnostic]:
    """What was found in several variants of a file: once where all have it, else with the name of who has it."""
    if len(findings) == 1:
        return list(findings[0][1])
    found: dict[tuple[object, ...], tuple[Diagnostic, list[Variant]]] = {}
    for variant, diagnostics in findings:
        for d in diagnostics:
            _, having = found.setdefault((d.file, d.span, d.code, d.message), (d, []))
            if variant not in having[-1:]:
                having.append(variant)
    everywhere = len(findings)
    return [d if len(having) == everywhere else _named(d, having) for d, having in found.values()]


def _named(diagnostic: Diagnostic, having: Iterable[Variant]) -> Diagnostic:
    names = list(dict.fromkeys(variant.environment for variant in having))
    where = " and ".join(f"environment `{name}`" if name is not None else "no environment" for name in names)
    return replace(diagnostic, message=f"{diagnostic.message} (in {where})")
