"""A task → an Airflow operator."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator

from factory.build_settings import build_settings
from factory.build_values import Resolver, build_value
from factory.code_objects import CodeObjectError, CodeObjects
from factory.errors import BuildError, one_line
from factory.function_reference import FunctionReference
from factory.operator_arguments import operator_arguments, parameter_names
from schemas.bash import BashArguments
from schemas.data_path import DataPath
from schemas.http import HttpRequest
from schemas.suggestions import meant
from schemas.task import BashTask, CodeTask, EmptyTask, HttpTask, Task

# Imported when a task needs them: every import is paid again in each process that parses a DAG.
BASH_OPERATOR = "factory.operators.bash.BashOperator"
EMPTY_OPERATOR = "airflow.providers.standard.operators.empty.EmptyOperator"
HTTP_OPERATOR = "factory.operators.http.HttpRequestOperator"
PYTHON_OPERATOR = "airflow.providers.standard.operators.python.PythonOperator"


@dataclass(frozen=True)
class OperatorBuilder:
    """Builds operators into the DAG of the surrounding `with dag:`.

    `default_args` are the DAG's; `folder` is the pipelines folder, `timezone` the pipeline's.
    """

    folder: Path
    timezone: str
    default_args: Mapping[str, Any]
    code: CodeObjects

    def build(self, task: Task, path: DataPath, resolver: Resolver) -> BaseOperator:
        """The operator of a task that stands at `path`.

        Raises an ExceptionGroup of BuildErrors.
        """
        # The poll has the request's keys and the task's settings in one mapping.
        inside = path if path == ("poll",) else (*path, "with")
        settings = build_settings(task, self.default_args, self.timezone)
        match task:
            case HttpTask():
                operator, arguments = named_operator(HTTP_OPERATOR), _http_arguments(task.with_, resolver)
            case BashTask():
                operator, arguments = named_operator(BASH_OPERATOR), _bash_arguments(task.with_, resolver)
            case EmptyTask():
                operator, arguments = named_operator(EMPTY_OPERATOR), {}
            case CodeTask():
                operator, arguments = self._code(task, path, inside, resolver)
        try:
            return operator(task_id=task.id, **settings, **arguments)
        except (Exception, SystemExit) as error:  # constructors of operators raise anything
            written = task.with_ if isinstance(task, CodeTask) else task.with_.model_fields_set
            places = {name: (*path, name) for name in settings}
            places |= {name: (*inside, name) for name in arguments if name in written}
            raise ExceptionGroup("constructor", _refusals(operator, error, places, path)) from error

    def _code(
        self, task: CodeTask, path: DataPath, inside: DataPath, resolver: Resolver
    ) -> tuple[type[BaseOperator], dict[str, Any]]:
        arguments = {name: build_value(value, resolver) for name, value in task.with_.items()}
        try:
            operator = self.code.operator_class(task.uses)
        except CodeObjectError as error:
            raise ExceptionGroup("uses", [BuildError((*path, "uses"), str(error))]) from error
        if operator is None:
            function = FunctionReference(task.uses, self.folder, arguments)
            return named_operator(PYTHON_OPERATOR), {"python_callable": function, "op_kwargs": arguments}
        return operator, operator_arguments(operator, arguments, inside, self.timezone)


def named_operator(path: str) -> type[BaseOperator]:
    """The operator class at one of the paths above."""
    module, _, name = path.rpartition(".")
    found: type[BaseOperator] = getattr(importlib.import_module(module), name)
    return found


def _bash_arguments(arguments: BashArguments, resolver: Resolver) -> dict[str, Any]:
    """BashOperator's own names and defaults; only what is written is passed on."""
    return {
        name: build_value(getattr(arguments, name), resolver, as_text=True)
        for name in BashArguments.model_fields
        if name in arguments.model_fields_set
    }


def _http_arguments(request: HttpRequest, resolver: Resolver) -> dict[str, Any]:
    status = request.expect.status
    return {
        "url": build_value(request.url, resolver, as_text=True),
        "method": request.method,
        "headers": build_value(request.headers, resolver, as_text=True),
        "query": build_value(request.params, resolver),
        "json_body": build_value(request.json_body, resolver),
        "timeout": request.timeout,
        "expected_status": tuple(status) if isinstance(status, list) else (status,),
        "max_bytes": request.max_bytes,
    }


def _refusals(
    operator: type[BaseOperator], error: BaseException, places: Mapping[str, DataPath], path: DataPath
) -> list[BuildError]:
    """What a constructor raised, at the keys that it is about; `places` are those that are written."""
    names = parameter_names(operator) if isinstance(error, TypeError) else None
    unknown = [name for name in places if names is not None and name not in names]
    if unknown:
        return [_unknown(operator, name, places[name], names or ()) for name in unknown]
    key = key_named_in(str(error), places)
    task = path if path == ("poll",) else (*path, "uses")
    return [BuildError(places[key] if key else task, f"{operator.__name__} refused it: {one_line(error)}")]


def _unknown(operator: type[BaseOperator], name: str, place: DataPath, names: Iterable[str]) -> BuildError:
    text = f"{operator.__name__} has no argument `{name}`"
    suggestion = meant(name, names)
    return BuildError(place, f"{text}; {suggestion}" if suggestion else text)


def key_named_in(message: str, keys: Iterable[str]) -> str | None:
    """The one key that an exception's text names, if there is exactly one."""
    named = [key for key in keys if re.search(rf"\b{re.escape(key)}\b", message)]
    return named[0] if len(named) == 1 else None
