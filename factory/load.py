"""All pipelines of a folder as DAGs in one process: for an Airflow that only has a dags folder, and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from factory.build import build
from factory.diagnosis import build_diagnostics
from factory.errors import PipelineBuildError
from factory.reporters import full
from schemas.check import Checker, CheckOptions
from schemas.diagnostics import Diagnostic
from schemas.discovery import SUFFIXES, pipeline_paths
from schemas.result import CheckedPipeline

ERRORS_DAG_ID = "pipelines_with_errors"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """DAGs by id, and what was found on the way; a pipeline with errors has no DAG."""

    dags: Mapping[str, DAG]
    diagnostics: tuple[Diagnostic, ...]


def load_pipelines(folder: Path) -> LoadResult:
    """Build the pipelines of a folder; where a task starts, only the DAG that Airflow asks for.

    A broken pipeline keeps no other from being built. What is broken is in the result's diagnostics, and with errors
    one DAG more, `pipelines_with_errors`, shows them in Airflow.
    """
    wanted = get_parsing_context().dag_id
    if wanted is not None:
        return _load_one(folder, wanted)
    checker = Checker(folder, CheckOptions(require_environment=True))
    result = checker.folder()
    dags: dict[str, DAG] = {}
    findings = list(result.diagnostics)
    for pipeline in result.pipelines:
        findings += _add(dags, pipeline, checker)
    broken = [d for d in findings if d.severity.value == "error"]
    if broken:
        dags[ERRORS_DAG_ID] = _errors_dag(broken)
    return LoadResult(dags, tuple(findings))


def _load_one(folder: Path, dag_id: str) -> LoadResult:
    """Read only files that can claim the id: the one whose path gives it, else those whose text holds it."""
    checker = Checker(folder, CheckOptions(require_environment=True, read_sources=False))
    dags: dict[str, DAG] = {}
    findings: list[Diagnostic] = []
    for path in _candidates(folder, dag_id):
        if checker.dag_id(path) == dag_id:
            result = checker.file(path)
            findings += result.diagnostics
            for pipeline in result.pipelines:
                findings += _add(dags, pipeline, checker)
    if dag_id == ERRORS_DAG_ID:
        dags[ERRORS_DAG_ID] = _errors_dag(())
    return LoadResult(dags, tuple(findings))


def _candidates(folder: Path, dag_id: str) -> list[str]:
    by_path = [dag_id.replace(".", "/") + suffix for suffix in SUFFIXES]
    found = [path for path in by_path if (folder / path).is_file()]
    if found:
        return found
    needle = dag_id.encode()
    return [path for path in pipeline_paths(folder) if needle in (folder / path).read_bytes()]


def _add(dags: dict[str, DAG], pipeline: CheckedPipeline, checker: Checker) -> list[Diagnostic]:
    try:
        dags[pipeline.dag_id] = build(pipeline)
    except PipelineBuildError as error:
        return build_diagnostics(checker, pipeline.file, error)
    return []


def _errors_dag(broken: list[Diagnostic] | tuple[Diagnostic, ...]) -> DAG:
    text = full.render(broken)
    return DAG(
        ERRORS_DAG_ID,
        schedule=None,
        description="Pipelines that cannot be built; see the documentation of this DAG.",
        doc_md=f"```\n{text}\n```",
        is_paused_upon_creation=True,
        tags={"pipelines"},
    )
