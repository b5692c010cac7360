"""`_defaults.yaml`: keys that hold for one file only."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.compose.merging import ENVIRONMENTS, declared, overlay_of
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.subject import Subject


def check(subject: Subject) -> Iterator[Diagnostic]:
    """A `dag_id` for all files of a folder: it names one DAG, so all of them would be that one."""
    for layer in subject.effective.layers[:-1]:
        if not isinstance(layer.data, dict):
            continue
        places: list[DataPath] = [(), *((ENVIRONMENTS, name) for name in declared([layer]))]
        for place in places:
            if "dag_id" in (overlay_of(layer, str(place[1])) if place else layer.data):
                yield Diagnostic(
                    Code.NOT_A_DEFAULT,
                    "`dag_id` names one DAG, so it cannot be a default",
                    layer.file,
                    layer.key_span((*place, "dag_id")),
                    help="write it in the pipeline's own file, or leave it to the file's path",
                    text=layer.text,
                )
