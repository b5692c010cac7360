"""What waits for what → Airflow's edges; and references, made what Airflow resolves when the task runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup as AirflowTaskGroup
from airflow.sdk import XComArg
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from factory.build.arguments import references_in
from factory.operators.selection import GroupArgument, SelectOperator, XComSelection
from schemas.expressions.reading import ExpandReference, TaskReference
from schemas.findings.paths import DataPath, Scope
from schemas.model.pipeline import Pipeline
from schemas.model.task import TaskGroup
from schemas.model.task_base import POLL_TASK_ID, TaskBase

if TYPE_CHECKING:
    from airflow.sdk.types import Operator


Nodes = Mapping[str, "Operator | AirflowTaskGroup"]


def draw_edges(entries: Mapping[str, Placed], sources: Mapping[str, Sources], nodes: Nodes, *, with_poll: bool) -> None:
    """Set every edge: a `needs`, a `teardown`, a reference (`sources`), or the poll's: what waits for no other starts
    after it.

    A mapped operator has the edges from what it is mapped over already, a mapped group has not.
    """
    for full_id, targets in waits(entries, sources, with_poll=with_poll):
        node = nodes[full_id]
        for target in targets:
            if target not in node.upstream_task_ids:
                nodes[target].set_downstream(node)  # as `target >> node` would
        for source in node.iter_mapped_dependencies() if isinstance(node, MappedTaskGroup) else ():
            if source.task_id not in node.upstream_task_ids:
                source.set_downstream(node)


def waits(
    entries: Mapping[str, Placed], sources: Mapping[str, Sources], *, with_poll: bool
) -> Iterator[tuple[str, Sequence[str]]]:
    """Full ids, each with what it waits for, in the order in which Airflow must be told."""
    targets = {full_id: _targets(one, entries, sources[full_id], with_poll) for full_id, one in entries.items()}
    for full_id in _order(entries, targets):
        yield full_id, targets[full_id]


def _targets(one: Placed, entries: Mapping[str, Placed], sources: Sources, with_poll: bool) -> Sequence[str]:
    setups = one.entry.teardown or () if isinstance(one.entry, TaskBase) else ()
    named = (*one.entry.needs, *setups)
    needs = [found for name in named if (found := one.scope.find(name, entries)) is not None]
    needed = list(dict.fromkeys((*needs, *sources.arguments)))
    if (
        needed
        or sources.mapped
        or not with_poll
        or one.full_id == POLL_TASK_ID
        or any(_waits(group) for group in one.around)
    ):
        return needed
    return [] if one.is_group else [POLL_TASK_ID]


def _waits(group: Placed) -> bool:
    """Whether a group waits for something, so that all in it do."""
    return bool(group.entry.needs or next(references_in([group.entry.expand, group.entry.expand_kwargs]), None))


def _order(entries: Mapping[str, Placed], targets: Mapping[str, Sequence[str]]) -> list[str]:
    """Full ids so that a group's own edges are there before it takes part in one: only then are its first and last
    tasks known to Airflow."""
    edges_of: dict[tuple[str, bool], dict[tuple[str, bool], None]] = {}  # (id, whether all inside it counts, too)
    for full_id, one in entries.items():
        before = edges_of.setdefault((full_id, False), {})
        before |= {(target, True): None for target in targets[full_id] if entries[target].is_group}
        if one.is_group:
            before[(full_id, True)] = None
        if one.group is not None:
            edges_of.setdefault((one.group.full_id, True), {})[(full_id, False)] = None
    return [full_id for full_id, inside in TopologicalSorter(edges_of).static_order() if not inside]


@dataclass(frozen=True)
class Placed:
    """An entry of `tasks`, or the poll. `scope` is where its `needs` and references are looked up."""

    entry: TaskBase | TaskGroup
    path: DataPath
    scope: Scope
    group: Placed | None

    @property
    def full_id(self) -> str:
        """Airflow's id of it."""
        return self.scope.full_id(self.entry.id)

    @property
    def is_group(self) -> bool:
        """Whether it holds tasks."""
        return isinstance(self.entry, TaskGroup)

    @property
    def is_mapped_group(self) -> bool:
        """Whether it is a group of which a run makes several."""
        return self.is_group and (self.entry.expand is not None or self.entry.expand_kwargs is not None)

    @property
    def mapped_around(self) -> str | None:
        """The full id of the mapped group around it."""
        return next((group.full_id for group in self.around if group.is_mapped_group), None)

    @property
    def around(self) -> Iterator[Placed]:
        """The groups around it, from the nearest on."""
        group = self.group
        while group is not None:
            yield group
            group = group.group


def placed(pipeline: Pipeline) -> tuple[Placed, ...]:
    """All tasks and groups, in document order: the poll first, a group right before what it holds."""
    found: list[Placed] = []
    if pipeline.poll is not None:
        found.append(Placed(pipeline.poll.as_task(), ("poll",), Scope(), None))
    found += _placed(pipeline.tasks or (), (), Scope(), None)
    return tuple(found)


def _placed(
    entries: Sequence[TaskBase | TaskGroup], path: DataPath, scope: Scope, group: Placed | None
) -> Iterator[Placed]:
    for index, entry in enumerate(entries):
        one = Placed(entry, (*path, "tasks", index), scope, group)
        yield one
        if isinstance(entry, TaskGroup):
            inside = scope.inside(entry.id, prefix_group_id=entry.prefix_group_id)
            yield from _placed(entry.tasks, one.path, inside, one)


@dataclass(frozen=True, slots=True)
class Sources:
    """Full ids, in the order they are written: of what is in the arguments, mapped ones included, and of what it is
    mapped over."""

    arguments: tuple[str, ...]
    mapped: tuple[str, ...]


def sources_of(one: Placed, entries: Mapping[str, Placed]) -> Sources:
    """The sources of a task or a group; `entries` are all of the pipeline, by full id."""

    def found(values: Any) -> tuple[str, ...]:
        names = (one.task_id for one in references_in(values) if isinstance(one, TaskReference))
        return tuple(dict.fromkeys(known for name in names if (known := one.scope.find(name, entries)) is not None))

    arguments = dict(one.entry.written_arguments) if isinstance(one.entry, TaskBase) else {}
    over = [*(one.entry.expand or {}).values(), one.entry.expand_kwargs]
    whole = [value for value in over if isinstance(value, str)]
    return Sources(found([arguments, [value for value in over if not isinstance(value, str)]]), found(whole))


@dataclass(frozen=True)
class TaskReferences:
    """`operators` are those that are built, by full id; `group` is the Airflow group around `one`."""

    one: Placed
    operators: Mapping[str, Operator]
    group: AirflowTaskGroup | None

    def __call__(self, reference: TaskReference | ExpandReference, *, as_text: bool) -> XComSelection | GroupArgument:
        """The value that replaces the reference in an argument."""
        if isinstance(reference, ExpandReference):
            return GroupArgument.inside(self.group, reference, as_text=as_text)
        return self._selection(reference, as_text=as_text)

    def mapped_source(self, reference: TaskReference, argument: str) -> XComArg:
        """What `argument` is mapped over.

        Airflow counts the items of a task's whole output when it is pushed. For a part of it there is an extra task,
        `ID__ARGUMENT`, whose output is that part.
        """
        if reference.key is None and not reference.steps:
            return XComArg(self._operator(reference))
        selection = self._selection(reference, as_text=False)
        place = {"task_group": self.group} if self.group is not None else {}
        # What the file's `default_args` say of these is meant for tasks that people write.
        own: dict[str, Any] = {"trigger_rule": "all_success", "do_xcom_push": True, "multiple_outputs": False}
        own |= {"outlets": []}
        return XComArg(SelectOperator(task_id=f"{self.one.entry.id}__{argument}", value=selection, **own, **place))

    def _selection(self, reference: TaskReference, *, as_text: bool) -> XComSelection:
        operator = self._operator(reference)
        return XComSelection(operator, reference._replace(task_id=self._full_id(reference)), as_text=as_text)

    def _operator(self, reference: TaskReference) -> Operator:
        return self.operators[self._full_id(reference)]

    def _full_id(self, reference: TaskReference) -> str:
        return self.one.scope.find(reference.task_id, self.operators) or reference.task_id
