"""The operator that takes a part of another task's output, to map over: Airflow maps over whole outputs only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.definitions.mappedoperator import is_mappable_value
from airflow.sdk.exceptions import AirflowFailException

from factory.operators.selection import check_number


class SelectOperator(BaseOperator):
    """Returns `value`, which Airflow has resolved by then.

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
