"""An operator of the team's own, as the Python files and the YAML files of this folder use it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException


class AlwaysSkipped(BaseOperator):
    """Skips itself."""

    ui_color = "#e8b7e4"

    def execute(self, context: Any) -> None:
        raise AirflowSkipException


class AddOne(BaseOperator):
    """Adds one to each value."""

    template_fields = ("values",)

    def __init__(self, *, values: list[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.values = values

    def execute(self, context: Any) -> list[int]:
        return [value + 1 for value in self.values]
