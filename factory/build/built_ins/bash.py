"""`bash` → an operator whose command reads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.build.values import Resolver, build_value
from factory.operators.bash import BashOperator
from schemas.model.built_ins.bash import BashArguments, BashTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(task: BashTask, resolver: Resolver, _: OperatorBuilder) -> tuple[type[BashOperator], dict[str, Any]]:
    """BashOperator's own names and defaults; only what is written is passed on."""
    return BashOperator, {
        name: build_value(getattr(task.with_, name), resolver, as_text=True)
        for name in BashArguments.model_fields
        if name in task.with_.model_fields_set
    }
