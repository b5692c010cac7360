"""`poll` and `tasks` → operators and the edges between them."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import TopologicalSorter

from airflow.sdk import BaseOperator

from factory.build_operators import EMPTY_OPERATOR, OperatorBuilder, named_operator
from factory.build_values import references_in
from factory.errors import BuildError
from factory.xcom_selection import XComSelection
from schemas.data_path import DataPath
from schemas.pipeline import Pipeline
from schemas.poll import POLL_TASK_ID
from schemas.references import TaskReference
from schemas.task import Task


def build_tasks(pipeline: Pipeline, builder: OperatorBuilder) -> list[BuildError]:
    """Put all tasks and edges into the DAG of the surrounding `with dag:`; return what is wrong, in document order.

    An edge is a `needs`, a reference, or the poll's: a task that waits for no other starts after the poll.
    """
    tasks = {task.id: (task, path) for task, path in _with_paths(pipeline)}
    sources = {task_id: _sources(task) for task_id, (task, _) in tasks.items()}
    operators: dict[str, BaseOperator] = {}
    errors: dict[str, Sequence[BuildError]] = {}

    def resolver(reference: TaskReference, *, as_text: bool) -> XComSelection:
        return XComSelection(operators[reference.task_id], reference, as_text=as_text)

    # A reference holds the operator it reads from, so that one has to be there first.
    for task_id in TopologicalSorter(sources).static_order():
        task, path = tasks[task_id]
        try:
            operators[task_id] = builder.build(task, path, resolver)
        except* BuildError as group:
            errors[task_id] = [error for error in group.exceptions if isinstance(error, BuildError)]
            # Tasks behind it are built all the same: their errors are wanted too.
            # No id has a dot, and one that failed halfway may already hold its own.
            operators[task_id] = named_operator(EMPTY_OPERATOR)(task_id=f"{task_id[:200]}.failed")
    for task_id, (task, _) in tasks.items():
        _draw_edges(task, sources[task_id], operators, with_poll=pipeline.poll is not None)
    return [error for task_id in tasks for error in errors.get(task_id, ())]


def _with_paths(pipeline: Pipeline) -> list[tuple[Task, DataPath]]:
    polls = 1 if pipeline.poll is not None else 0
    return [
        (task, ("poll",) if index < polls else ("tasks", index - polls))
        for index, task in enumerate(pipeline.all_tasks)
    ]


def _sources(task: Task) -> tuple[str, ...]:
    """The tasks whose output a task takes, in the order they are written."""
    return tuple(dict.fromkeys(reference.task_id for reference in references_in(dict(task.written_arguments))))


def _draw_edges(task: Task, sources: Sequence[str], operators: dict[str, BaseOperator], *, with_poll: bool) -> None:
    needed = list(dict.fromkeys((*task.needs, *sources)))
    if not needed and with_poll and task.id != POLL_TASK_ID:
        needed = [POLL_TASK_ID]
    for other in needed:
        if other not in operators[task.id].upstream_task_ids:
            operators[task.id].set_upstream(operators[other])
