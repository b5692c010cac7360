"""Selecting inside a value when a task runs: `.key` and `[0]` behind a reference.

`run_if` and `skip_if`: a template that decides whether a task runs, as the `pre_execute` of an operator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote
from uuid import uuid4

from airflow.sdk import BaseOperator, TaskGroup, XComArg
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.configuration import conf
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput, ListOfDictsExpandInput, MappedArgument
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.definitions.context import render_template_to_string
from airflow.sdk.definitions.mappedoperator import is_mappable_value
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from factory.reporters.text import counted
from schemas.expressions.reading import ExpandReference, TaskReference, written_steps

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import Operator


_SHOWN_KEYS = 10


def check_number(result: Any) -> None:
    """Of what a task is mapped over, when it has come. Raises AirflowFailException where it is more than Airflow maps
    over, which itself only says that its server refused it."""
    most = conf.getint("core", "max_map_length", fallback=1024)
    if isinstance(result, list | dict) and len(result) > most:
        raise AirflowFailException(
            f"there are {len(result):,} items to map over (`expand`), and Airflow maps over {most:,} at most (`[core] "
            "max_map_length`). One task that takes the whole list has no such limit: `each` in a `uses: http`, or a "
            "function that loops."
        )


def selected(value: Any, steps: Sequence[str | int], *, whole: str, source: str) -> Any:
    """What `steps` select in a value, one after the other: text a key of a mapping, a number an item of a list.

    `whole` is the expression, `source` its part before the steps, for the message. Raises AirflowFailException where
    a step does not fit: trying again would not help.
    """
    for position, step in enumerate(steps):
        problem = _misfit(value, step)
        if problem is not None:
            place = source + written_steps(steps[:position])
            raise AirflowFailException(f"{whole}: `{written_steps((step,))}` selects nothing: `{place}` {problem}")
        value = value[step]
    return value


def as_plain_text(value: Any) -> str:
    """Text as it is, nothing as empty text; numbers, lists and mappings as JSON, all else as Python writes it."""
    if value is None:
        return ""
    is_of_json = isinstance(value, bool | int | float | list | tuple | dict)
    return json.dumps(value, ensure_ascii=False, default=str) if is_of_json else str(value)


def _misfit(value: Any, step: str | int) -> str | None:
    """Why a step cannot be taken, as the end of a sentence that starts with the value's name."""
    if isinstance(value, Mapping):
        return None if step in value else f"is a mapping with {_keys(value)}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if isinstance(step, str):
            items = counted(len(value), "item")
            return f"is a list of {items}, and a list has no keys; select an item by its number, as in `[0]`"
        return None if -len(value) <= step < len(value) else f"is a list of {counted(len(value), 'item')}"
    if value is None:
        return "is empty: the task returned nothing there"
    return f"is {_described(value)}"


def _keys(value: Mapping[Any, Any]) -> str:
    if not value:
        return "no keys"
    shown = ", ".join(f"`{key}`" for key in list(value)[:_SHOWN_KEYS])
    return f"the keys {shown}, …" if len(value) > _SHOWN_KEYS else f"the key{'s' * (len(value) > 1)} {shown}"


def _described(value: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), f"a value of type {type(value).__name__}")


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
    def of(cls, argument: MappedArgument, *steps: str | int, as_text: bool = False) -> GroupArgument:
        """As Python code writes it: what `steps` select in an argument of a mapped `@task_group`."""
        return cls(argument._input, ExpandReference(argument._key, steps), as_text=as_text)

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


class ReferenceText(ResolveMixin):
    """A text with references inside, and templates beside them. `escaped`: it is a URL or a part of one.

    It is text also where the DAG renders templates as Python values.
    """

    def __init__(self, parts: Sequence[str | GroupArgument | XComSelection], *, escaped: bool = False) -> None:
        self.parts = parts
        self.escaped = escaped

    def __repr__(self) -> str:
        return "".join(map(str, self.parts))

    def iter_references(self) -> Iterator[tuple[Operator, str]]:
        """The operators whose outputs are in it, or that the group is mapped over."""
        for part in self.parts:
            if not isinstance(part, str):
                yield from part.iter_references()

    def resolve(self, context: Mapping[str, Any]) -> str:
        """The text. A value is not a template, whatever is in it, and a template may go over several parts.

        Raises AirflowFailException where a value is empty, and what the references and the template raise.
        """
        values: dict[str, str] = {}
        template, mark = "", f"reference-{uuid4().hex}-"
        for part in self.parts:
            if isinstance(part, str):
                template += part
                continue
            value = self._text_of(part, context)
            # What an address begins with is its server, or its first folders.
            values[f"{mark}{len(values)}."] = quote(value, safe="") if self.escaped and template else value
            template += f"{mark}{len(values) - 1}."
        environment = context["task"].dag.get_template_env(force_sandboxed=True)  # the other one gives no text
        rendered = render_template_to_string(environment.from_string(template), cast("Context", context))
        return re.sub(rf"{mark}\d+\.", lambda found: values[found.group()], rendered)

    def _text_of(self, part: GroupArgument | XComSelection, context: Mapping[str, Any]) -> str:
        value = part.resolve(context)
        if value is None:
            raise AirflowFailException(
                f"{part}: the value is empty, and the text `{self}` would lack it. Where that may be, give it as a "
                "whole value, or write a template: {{ ti.xcom_pull(task_ids='…') or '…' }}"
            )
        return as_plain_text(value)


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

    @classmethod
    def of(cls, operator: Operator, *steps: str | int, key: str | None = None, as_text: bool = False) -> XComSelection:
        """As Python code writes it: what `steps` select in what an operator returned, or in its XCom `key`."""
        return cls(operator, TaskReference(operator.task_id, key, steps), as_text=as_text)

    @property
    def key(self) -> str:
        """Airflow's XCom key."""
        return self.reference.key or BaseXCom.XCOM_RETURN_KEY

    def __repr__(self) -> str:
        return self.reference.written

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
        value = selected(value, self.reference.steps, whole=repr(self), source=self.reference.source)
        return as_plain_text(value) if self.as_text else value


class SelectOperator(BaseOperator):
    """Returns `value`, a part of another task's output, to map over: Airflow maps over whole outputs only.

    Raises AirflowFailException where it is no list and no mapping, or longer than Airflow maps over: trying again would
    not help.
    """

    template_fields: Sequence[str] = ("value",)
    ui_color = "#e8f7e4"

    def __init__(self, *, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = str(value)
        self.value = value

    def execute(self, context: Context) -> Any:  # noqa: ARG002 # Airflow's signature
        """The value, to be kept as this task's output."""
        if not is_mappable_value(self.value):
            kind = type(self.value).__name__
            raise AirflowFailException(f"{self.source} must be a list or a mapping to map over, not of type {kind}")
        check_number(self.value)
        return self.value


FALSE_WORDS = frozenset({"", "false", "0", "0.0", "no", "off", "none", "null", "[]", "{}", "()"})
"""The texts, in any case, that mean no: what templates make of Python's false values, and people's words for them."""


@dataclass(frozen=True, slots=True)
class TaskCondition:
    """Skips the task where its template says so, then does what `then` does, the user's own `pre_execute`.

    The way of Airflow's own `run_if` and `skip_if` (airflow.sdk.definitions.decorators.condition), which decorate
    functions only. `key` is `run_if` or `skip_if`.
    """

    key: str
    template: str
    then: Callable[[Any], Any] | None

    def __call__(self, context: Context) -> None:
        """Raises AirflowSkipException where the task is not to run, and what the template raises."""
        if not _goes_on(context):
            value = context["task"].render_template(self.template, context)
            if is_true(value) == (self.key == "skip_if"):
                raise AirflowSkipException(f"`{self.key}: {self.template}` gave {value!r}: the task is skipped")
        if self.then is not None:
            self.then(context)


def _goes_on(context: Context) -> bool:
    """Whether this try has begun before, and waited in the triggerer or gave its worker back between two looks: it is
    asked once, for what it has started must not be given up half way."""
    # Airflow itself has no other way (`task_runner._execute_task`).
    resumed = context["ti"]._ti_context_from_server  # type: ignore[attr-defined] # not in the protocol of a `ti`
    return context.get("task_reschedule_count", 0) > 0 or (resumed is not None and resumed.next_method is not None)


def is_true(value: object) -> bool:
    """Whether what a template gave means yes: all but what Python takes for false, and the texts for it."""
    return value.strip().lower() not in FALSE_WORDS if isinstance(value, str) else bool(value)
