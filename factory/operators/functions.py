"""A user's Python function in Airflow: as a task's callable, as one whose source an operator reads, as a notifier.

The function is imported when the task runs, not when the DAG is parsed.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseNotifier, BaseOperator, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from factory.operators import make_importable

if TYPE_CHECKING:
    from airflow.sdk import Context


log = logging.getLogger(__name__)


def call_each(context: Context, callbacks: Iterable[Callable[[Context], Any]]) -> None:
    """Calls one callback after the other, as Airflow does with a list: one that fails does not stop the others."""
    for callback in callbacks:
        try:
            callback(context)
        except Exception:  # anybody's code
            log.exception("a callback failed")


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
            from airflow.sdk.execution_time.callback_runner import create_executable_runner  # noqa: PLC0415 # rarely used
            from airflow.sdk.execution_time.context import context_get_outlet_events  # noqa: PLC0415 # as above

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


class SourceReference(FunctionReference):
    """A FunctionReference whose file and source `inspect` finds, as it does a function's: by importing its module."""

    # `inspect.getfile` takes nothing but what says that it is a function, and asks for its code.
    @property  # type: ignore[misc] # nobody sets the class of one
    def __class__(self) -> type:
        return types.FunctionType

    @property
    def __code__(self) -> types.CodeType:
        code: types.CodeType = self.__wrapped__.__code__
        return code


def require_mappable(operator: type[BaseOperator], arguments: Mapping[str, Any]) -> None:
    """Raises ValueError for what cannot be put right after: a mapped task's operators are made when it runs."""
    if isinstance(arguments.get("python_callable"), FunctionReference) and _reads_source(operator):
        raise ValueError(
            "a mapped task takes no `python_callable` from below the pipelines folder; install its module, "
            "or map over `op_kwargs` of a function in `uses`"
        )


def constructed(operator: type[BaseOperator], arguments: Mapping[str, Any]) -> BaseOperator:
    """What a constructor makes of the arguments.

    Operators that run a function's source look into the function when they are made, and a module of a user is not
    imported where the DAG is parsed: they are made with another one, and get theirs after.
    """
    function = arguments.get("python_callable")
    if not isinstance(function, FunctionReference) or not _reads_source(operator):
        return operator(**arguments)
    made = operator(**{**arguments, "python_callable": _stand_in})
    made.python_callable = SourceReference(function.path, function.folder)
    return made


def _reads_source(operator: type[BaseOperator]) -> bool:
    # Here, because only pipelines that name a function in `with` pay for the import.
    from airflow.providers.standard.operators.python import (  # noqa: PLC0415
        ExternalPythonOperator,
        PythonVirtualenvOperator,
    )

    return issubclass(operator, ExternalPythonOperator | PythonVirtualenvOperator)


def _stand_in() -> None:
    """Never called."""


class FunctionNotifier(BaseNotifier):
    """Calls the function at a dotted path with arguments of the pipeline, rendered, and the context names it takes.

    A parameter `context` gets the whole context. Airflow runs it in the task's process, or in the dag-processor for a
    run and for a task that was lost; both have the pipelines folder, so that the function may be below it.
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
