"""`decorator`: paths that dag-factory cannot import, since they go through an object, not a module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.dagfactory.dag_view import DagView
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import Word

_STANDARD = "airflow.providers.standard.decorators"
_COLLECTIONS = ("airflow.sdk.task.", "airflow.decorators.task.", "airflow.sdk.definitions.decorators.task.")
_MODULES: Mapping[str, str] = {
    "bash": f"{_STANDARD}.bash.bash_task",
    "branch": f"{_STANDARD}.branch_python.branch_task",
    "branch_external_python": f"{_STANDARD}.branch_external_python.branch_external_python_task",
    "branch_virtualenv": f"{_STANDARD}.branch_virtualenv.branch_virtualenv_task",
    "external_python": f"{_STANDARD}.external_python.external_python_task",
    "python": "airflow.sdk.task",
    "sensor": f"{_STANDARD}.sensor.sensor_task",
    "short_circuit": f"{_STANDARD}.short_circuit.short_circuit_task",
    "virtualenv": f"{_STANDARD}.python_virtualenv.virtualenv_task",
}
"""What `@task.NAME` stands for."""


def check(dag: DagView) -> Iterator[Diagnostic]:
    """Findings in the path of every decorator."""
    for task in dag.tasks.values():
        written = task.data.get("decorator")
        if isinstance(written, str) and written.startswith(_COLLECTIONS):
            yield _of_a_collection(dag, (*task.path, "decorator"), written)


def _of_a_collection(dag: DagView, path: DataPath, written: str) -> Diagnostic:
    holder, _, name = written.rpartition(".")
    known = _MODULES.get(name)
    return dag.subject.finding(
        Code.NOT_CALLABLE,
        path,
        f"dag-factory imports decorators from modules, and `{holder}` is none",
        caret=f"write `{known}`" if known is not None else "",
        help="" if known is not None else "write the path of the provider's function that makes the decorator",
        fix=None if known is None else Word(known),
    )
