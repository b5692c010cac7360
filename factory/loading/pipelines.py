"""Checked files → DAGs and findings: of one file for its stub, or of all in one process, for an Airflow that only has a
dags folder and for tests."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from airflow.configuration import conf
from airflow.sdk import DAG, get_parsing_context
from airflow.sdk.exceptions import AirflowDagCycleException

from factory.build.dag import build
from factory.build.errors import BuildError, PipelineBuildError, build_diagnostics, one_line
from factory.operators import make_importable
from factory.reporters import full
from schemas.check import Checked, CheckedDagFactoryDag, Checker, CheckOptions, CheckResult
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, has_errors
from schemas.folder.discovery import default_dag_id, pipeline_paths
from schemas.folder.project import ENVIRONMENT_VARIABLE, undeclared
from schemas.rules.ids import conflicts

__all__ = ["ERRORS_DAG_ID", "LoadResult", "is_bundle_configured", "load_pipelines"]

ERRORS_DAG_ID = "pipelines_with_errors"
BUNDLE_CLASS = "factory.bundle.PipelineBundle"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadResult:
    """DAGs by id, and what was found on the way; a pipeline with errors has no DAG."""

    dags: Mapping[str, DAG]
    diagnostics: tuple[Diagnostic, ...]


def build_checked(checker: Checker, result: CheckResult, *, is_stored: bool = False) -> LoadResult:
    """Build what `checker` found to be without errors. No pipeline keeps another from being built. `is_stored`: Airflow
    is going to store them all at once, so one that it cannot store is a finding, too."""
    dags: dict[str, DAG] = {}
    findings = list(result.diagnostics)
    for folder in {p.folder for p in result.pipelines if isinstance(p, CheckedDagFactoryDag)}:
        make_importable(folder)
    for pipeline in result.pipelines:
        try:
            dag = _built(pipeline)
            _check_cycle(dag)
            if is_stored:
                _check_stored(dag)
            dags[pipeline.dag_id] = dag
        except PipelineBuildError as error:
            findings += build_diagnostics(checker, pipeline.file, error)
    return LoadResult(dags, tuple(findings))


def _built(pipeline: Checked) -> DAG:
    """Raises PipelineBuildError, whatever went wrong."""
    try:
        if isinstance(pipeline, CheckedDagFactoryDag):
            from factory.build.dagfactory import build as build_dag_factory  # noqa: PLC0415 # few folders hold such

            return build_dag_factory(pipeline)
        return build(pipeline)
    except PipelineBuildError:
        raise
    except (Exception, SystemExit) as error:
        # A defect, here or in code that Airflow or a provider runs; whoever fixes it needs the traceback.
        log.exception("The pipeline %s could not be built", pipeline.file)
        message = f"building it failed: {type(error).__name__}: {one_line(error)}"
        raise PipelineBuildError(pipeline.dag_id, [BuildError((), message)]) from error


def _check_cycle(dag: DAG) -> None:
    """Raises PipelineBuildError for tasks that wait for each other: Airflow would refuse the whole Python file."""
    try:
        dag.check_cycle()
    except AirflowDagCycleException as error:
        message = f"Airflow refused it: {one_line(error)}"
        raise PipelineBuildError(dag.dag_id, [BuildError((), message, Code.CYCLE)]) from error


def _check_stored(dag: DAG) -> None:
    """Raises PipelineBuildError for a DAG that Airflow cannot serialize: it would take all of this process down."""
    from airflow.serialization.serialized_objects import DagSerialization  # noqa: PLC0415 # tasks do without

    try:
        DagSerialization.to_dict(dag)
    except Exception as error:  # of whatever an operator, a timetable or an object brings
        message = f"Airflow cannot store it: {type(error).__name__}: {one_line(error)}"
        raise PipelineBuildError(dag.dag_id, [BuildError((), message)]) from error


@contextmanager
def paused() -> Iterator[None]:
    """No collection until the end: each would walk all that was made so far, and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class PipelineError(Exception):
    """A pipeline's findings. Airflow shows its text as the import error of that pipeline's stub."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=lambda d: d.sort_key))
        super().__init__(full.render(self.diagnostics))


def is_bundle_configured() -> bool:
    """Whether Airflow's configuration names the pipelines bundle; every DAG would exist twice otherwise."""
    return BUNDLE_CLASS in conf.get("dag_processor", "dag_bundle_config_list", fallback="")


def load_pipelines(folder: Path) -> LoadResult:
    """Build the pipelines of a folder; where a task starts, only the DAG that Airflow asks for.

    A broken pipeline keeps no other from being built. What is broken is in the result's diagnostics, and with errors
    an extra DAG, `pipelines_with_errors`, shows them in Airflow. Raises PipelineError where the one DAG that is asked
    for is broken.
    """
    wanted = get_parsing_context().dag_id
    if wanted == ERRORS_DAG_ID:
        return LoadResult({ERRORS_DAG_ID: errors_dag(())}, ())
    if wanted is not None:
        return _load_one(folder, wanted)
    with paused():
        checker = Checker(folder, CheckOptions(require_environment=True))
        loaded = build_checked(checker, _without_reserved(checker, checker.folder()), is_stored=True)
    broken = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    known = checker.environments() if checker.environment is not None else ()
    problem = undeclared(checker.environment, known) if known else None
    if broken or problem is not None:
        return replace(loaded, dags={**loaded.dags, ERRORS_DAG_ID: errors_dag(broken, problem)})
    return loaded


def _load_one(folder: Path, dag_id: str) -> LoadResult:
    """Read only files that can claim the id. Raises PipelineError for findings that keep it from being a DAG."""
    checker = Checker(folder, CheckOptions(require_environment=True, read_sources=False))
    paths = [path for path in _candidates(folder, dag_id) if dag_id in checker.dag_ids(path)]
    # What cannot be read claims nothing for sure: it must not stand in the way of a file that can.
    claimants = [path for path in paths if checker.claims(path)] or paths
    results = [checker.file(path, dag_id) for path in claimants]
    findings = [d for result in results for d in result.diagnostics]
    doubled = conflicts(dict.fromkeys(claimants, (dag_id,)))
    findings += [checker.duplicate(path, *claim) for path, claims in doubled.items() for claim in claims]
    pipelines = tuple(pipeline for result in results for pipeline in result.pipelines if not doubled)
    loaded = build_checked(checker, CheckResult(pipelines, tuple(findings)))
    if has_errors(loaded.diagnostics):
        raise PipelineError(loaded.diagnostics)
    return loaded


def _candidates(folder: Path, dag_id: str) -> Iterator[str]:
    """Files whose path gives the id, or whose text may hold it, perhaps with escapes or expressions."""
    needle = dag_id.encode()
    for path in pipeline_paths(folder):
        if default_dag_id(path) == dag_id:
            yield path
            continue
        try:
            text = (folder / path).read_bytes()
        except OSError:  # gone in between, or unreadable: then it cannot say that it is this DAG
            continue
        if needle in text or (b"dag_id" in text and (b"\\" in text or b"${" in text)):
            yield path


def _without_reserved(checker: Checker, result: CheckResult) -> CheckResult:
    """The loader's own DAG would replace a pipeline of the same id, so that is a finding."""
    findings = [_reserved(checker, pipeline.file) for pipeline in result.pipelines if pipeline.dag_id == ERRORS_DAG_ID]
    pipelines = tuple(pipeline for pipeline in result.pipelines if pipeline.dag_id != ERRORS_DAG_ID)
    return CheckResult(pipelines, (*result.diagnostics, *findings))


def _reserved(checker: Checker, path: str) -> Diagnostic:
    subject = checker.subject(path, ERRORS_DAG_ID)
    return subject.finding(
        Code.DUPLICATE_DAG_ID,
        ("dag_id",) if "dag_id" in subject.data else (),
        f"`{ERRORS_DAG_ID}` is the DAG in which `dags/pipelines.py` shows what is broken",
        help="the file needs another `dag_id`, or another name",
    )


def errors_dag(broken: Iterable[Diagnostic], environment: str | None = None, dag_id: str = ERRORS_DAG_ID) -> DAG:
    """The DAG whose documentation is what is broken.

    `environment` is what is wrong with the chosen one: then all pipelines are what they are without.
    """
    said = [f"{ENVIRONMENT_VARIABLE}: {environment}"] if environment is not None else []
    text = "\n\n".join([*said, full.render(list(broken))]).rstrip()
    return DAG(
        dag_id,
        schedule=None,
        description="Pipelines that cannot be built; see the documentation of this DAG.",
        doc_md=f"```\n{text}\n```",
        is_paused_upon_creation=True,
        tags={"pipelines"},
    )
