"""`email` → the EmailOperator of Airflow's SMTP provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.smtp.operators.smtp import EmailOperator

from factory.build.built_in_arguments import written_arguments
from factory.build.values import Resolver
from schemas.model.built_ins.email import EmailTask

if TYPE_CHECKING:
    from factory.build.operators import OperatorBuilder


def operator(
    task: EmailTask, resolver: Resolver, builder: OperatorBuilder
) -> tuple[type[EmailOperator], dict[str, Any]]:
    """EmailOperator's own names and defaults; only what is written is passed on."""
    return EmailOperator, written_arguments(task, resolver, builder)
