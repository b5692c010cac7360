"""`run_if` and `skip_if`: a template that decides whether a task runs, as the `pre_execute` of an operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context

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
