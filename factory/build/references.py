"""The references of one task, or of a mapped group, made what Airflow resolves when the task runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup, XComArg

from factory.build.edges import Placed
from factory.runtime.selection import GroupArgument, XComSelection
from schemas.expressions.reading import ExpandReference, TaskReference

if TYPE_CHECKING:
    from airflow.sdk.types import Operator


@dataclass(frozen=True)
class TaskReferences:
    """`operators` are those that are built, by full id; `group` is the Airflow group around `one`."""

    one: Placed
    operators: Mapping[str, Operator]
    group: TaskGroup | None

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
        # Only pipelines that select pay for the import.
        from factory.operators.select import SelectOperator  # noqa: PLC0415

        selection = self._selection(reference, as_text=False)
        place = {"task_group": self.group} if self.group is not None else {}
        # What the file's `default_args` say of these is meant for tasks that people write.
        own: dict[str, Any] = {"trigger_rule": "all_success", "do_xcom_push": True, "multiple_outputs": False}
        own["outlets"] = []
        return XComArg(SelectOperator(task_id=f"{self.one.entry.id}__{argument}", value=selection, **own, **place))

    def _selection(self, reference: TaskReference, *, as_text: bool) -> XComSelection:
        operator = self._operator(reference)
        return XComSelection(operator, reference._replace(task_id=self._full_id(reference)), as_text=as_text)

    def _operator(self, reference: TaskReference) -> Operator:
        return self.operators[self._full_id(reference)]

    def _full_id(self, reference: TaskReference) -> str:
        return self.one.scope.find(reference.task_id, self.operators) or reference.task_id
