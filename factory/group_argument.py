"""`${expand.NAME}`: what a mapped group has for one of its runs, as a value that Airflow resolves in a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup
from airflow.sdk.definitions._internal.expandinput import (
    DictOfListsExpandInput,
    ListOfDictsExpandInput,
    MappedArgument,
)
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.exceptions import AirflowFailException

from factory.selection import as_plain_text, selected, written_steps
from schemas.references import ExpandReference

if TYPE_CHECKING:
    from airflow.sdk.types import Operator


class GroupArgument(ResolveMixin):
    """Airflow's own MappedArgument, with steps inside the value and the expression as its stable text."""

    def __init__(
        self,
        expand_input: DictOfListsExpandInput | ListOfDictsExpandInput,
        reference: ExpandReference,
        *,
        as_text: bool = False,
    ) -> None:
        self.argument = MappedArgument(input=expand_input, key=reference.name)
        self.reference = reference
        self.as_text = as_text

    @classmethod
    def inside(cls, group: TaskGroup | None, reference: ExpandReference, *, as_text: bool) -> GroupArgument:
        """The argument of the nearest mapped group, from `group` outwards. The check has seen that there is one."""
        mapped = next(group.iter_mapped_task_groups()) if group is not None else None
        if mapped is None:
            raise LookupError(f"${{expand.{reference.name}}} outside of a mapped group")
        return cls(mapped._expand_input, reference, as_text=as_text)  # Airflow has no other way to it

    def __repr__(self) -> str:
        return f"${{expand.{self.reference.name}{written_steps(self.reference.steps)}}}"

    def iter_references(self) -> Iterator[tuple[Operator, str]]:
        """The operators that the group is mapped over."""
        yield from self.argument.iter_references()

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """The value. Raises AirflowFailException where it has no such key or step: trying again would not help."""
        try:
            value = self.argument.resolve(context)
        except KeyError:
            raise AirflowFailException(f"{self}: this row of `expand_kwargs` has no `{self.reference.name}`") from None
        value = selected(value, self.reference.steps, whole=repr(self), source=f"expand.{self.reference.name}")
        return as_plain_text(value) if self.as_text else value
