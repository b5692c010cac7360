"""A user's Python function as a notifier: what Airflow calls when something has become of a run or a task."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseNotifier

from factory.runtime.function_reference import FunctionReference

if TYPE_CHECKING:
    from airflow.sdk import Context


class FunctionNotifier(BaseNotifier):
    """Calls the function at a dotted path with arguments of the pipeline, rendered, and the context names it takes.

    A parameter `context` gets the whole context. Airflow runs it in the task's process, or in the dag-processor for a
    run and for a task that was lost; both have the pipelines folder, so that the function may stand below it.
    """

    def __init__(self, path: str, folder: Path, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        self.arguments = dict(arguments)
        self.function = FunctionReference(path, folder, self.arguments)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Nothing: rendering in place would stay, and one object serves all tasks that share `default_args`."""

    def notify(self, context: Context) -> None:
        """Raises what the function raises; Airflow writes it into the log and goes on."""
        function = self.function.__wrapped__
        dag = context.get("dag")
        # `DAG.test` gives the scheduler's kind of DAG, which renders nothing.
        environment = self.get_template_env(dag=dag if isinstance(dag, DAG) else None)
        given = self.render_template(self.arguments, context, environment)
        result = function(**{**_taken(function, context), **given})
        if inspect.iscoroutine(result):
            asyncio.run(result)


def _taken(function: Any, context: Context) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        names = set(context)
    else:
        names = {parameter.name for parameter in parameters if parameter.name in context}
    taken: dict[str, Any] = {name: context[name] for name in names}  # type: ignore[literal-required] # names of it
    if any(parameter.name == "context" for parameter in parameters):
        taken["context"] = context
    return taken
