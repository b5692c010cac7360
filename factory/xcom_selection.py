"""`${tasks.ID.output}` as a value that Airflow resolves when the task runs.

Airflow's own `XComArg["x"]` is another XCom key and `XComArg[0]` an error, so selecting inside a value needs a
resolver of our own (`airflow.sdk.definitions._internal.mixins.ResolveMixin`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.definitions._internal.mixins import ResolveMixin

from factory.selection import as_plain_text, selected, written_steps
from schemas.references import TaskReference

if TYPE_CHECKING:
    from airflow.sdk.types import Operator


class XComSelection(ResolveMixin):
    """What a task returned, or another of its XComs, or something inside one of these.

    `steps` of the reference select one after the other: text a key of a mapping, a number an item of a list (from
    the end if negative). Its text is `${…}`, the same in every process, which is what a serialized DAG holds.

    `as_text`: for places that only take text, such as an environment variable. Lists and mappings are given as JSON,
    nothing as empty text.
    """

    def __init__(self, operator: Operator, reference: TaskReference, *, as_text: bool = False) -> None:
        self.operator = operator
        self.reference = reference
        self.as_text = as_text

    @property
    def key(self) -> str:
        """Airflow's XCom key."""
        return self.reference.key or BaseXCom.XCOM_RETURN_KEY

    def __repr__(self) -> str:
        return f"${{{_source(self.reference)}{written_steps(self.reference.steps)}}}"

    def iter_references(self) -> Iterator[tuple[Operator, str]]:
        """The operator whose output this is: Airflow makes an edge of it."""
        yield self.operator, self.key

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """The value.

        Raises AirflowFailException where a step does not fit (trying again would not help), and XComNotFound
        where the task pushed no XCom of that key.
        """
        value = XComArg(self.operator, self.key).resolve(context)
        # Only a task that runs needs it.
        from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence  # noqa: PLC0415

        if isinstance(value, LazyXComSequence):
            value = list(value)  # of a mapped task; only a list is JSON, and has items from the end
        value = selected(value, self.reference.steps, whole=repr(self), source=_source(self.reference))
        return as_plain_text(value) if self.as_text else value


def _source(reference: TaskReference) -> str:
    return f"tasks.{reference.task_id}." + (f"xcom.{reference.key}" if reference.key else "output")
