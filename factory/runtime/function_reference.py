"""A user's Python function as a task's callable, imported when the task runs."""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.callback_runner import create_executable_runner
from airflow.sdk.execution_time.context import context_get_outlet_events

from factory.runtime.user_modules import make_importable

log = logging.getLogger(__name__)


class FunctionReference:
    """Stands for the function at a dotted path; the `python_callable` of a plain PythonOperator.

    Parsing a DAG imports nothing of the user's. When the task runs, PythonOperator asks for the signature (to hand
    over the context names that the function wants) and whether the function is async; `inspect` finds both through
    `__wrapped__`, which imports the function.

    `arguments` are the names that the pipeline gives; PythonOperator silently leaves out those that the function
    does not take, so they are compared first. `folder` is the pipelines folder, whose modules come last.
    """

    def __init__(self, path: str, folder: Path, arguments: Iterable[str] = ()) -> None:
        self.path = path
        self.folder = folder
        self.arguments = tuple(arguments)
        self.__name__ = path.rpartition(".")[2]
        # What a serialized DAG shows as the callable's name (`airflow._shared.module_loading.qualname`).
        self.__qualname__ = path

    def __repr__(self) -> str:
        return f"FunctionReference({self.path!r})"

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """The function itself. Raises AirflowFailException: trying the task again would not help."""
        function = self._function()
        self._compare_arguments(function)
        return function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self.__wrapped__
        if inspect.isgeneratorfunction(function):
            # PythonOperator exhausts a generator for the asset events it yields, but only sees this object.
            events = context_get_outlet_events(get_current_context())
            return create_executable_runner(function, events, logger=log).run(*args, **kwargs)
        return function(*args, **kwargs)

    def _function(self) -> Callable[..., Any]:
        make_importable(self.folder)
        parts = self.path.split(".")
        for count in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:count])
            try:
                found: Any = importlib.import_module(module)
            except ModuleNotFoundError as error:
                if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                    raise
                continue
            for part in parts[count:]:
                found = getattr(found, part, None)
            if found is None:
                raise AirflowFailException(
                    f"{self.path}: the module `{module}` ({_place(module)}) has no `{'.'.join(parts[count:])}`"
                )
            if not callable(found):
                raise AirflowFailException(f"{self.path} is not a function but {_kind(found)}")
            return found  # type: ignore[no-any-return] # `callable` has just said so
        raise AirflowFailException(
            f"{self.path}: there is no module `{parts[0]}` below {self.folder}, and none is installed"
        )

    def _compare_arguments(self, function: Callable[..., Any]) -> None:
        parameters = inspect.signature(function).parameters
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            return
        unknown = [name for name in self.arguments if name not in parameters]
        if unknown:
            takes = ", ".join(parameters) or "nothing"
            raise AirflowFailException(
                f"{self.path} takes no argument {', '.join(f'`{name}`' for name in unknown)}; it takes: {takes}"
            )


def _place(module: str) -> str:
    return getattr(importlib.import_module(module), "__file__", None) or "a folder"


def _kind(value: object) -> str:
    return f"a value of type {type(value).__name__}"
