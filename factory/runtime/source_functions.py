"""Functions for operators that run their source in another Python: PythonVirtualenvOperator and its like."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator

from factory.runtime.function_reference import FunctionReference


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
            "or map over `op_kwargs` of a function that stands in `uses`"
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
