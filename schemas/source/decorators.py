"""Decorators by full name, as far as the signature of what they decorate is concerned."""

from __future__ import annotations

from collections.abc import Iterable

_KEEP_SIGNATURE = frozenset(
    {
        *(
            "abc.abstractmethod",
            "classmethod",
            "staticmethod",
            "deprecated.classic.deprecated",
            "deprecated.deprecated",
        ),
        *("contextlib.asynccontextmanager", "contextlib.contextmanager", "functools.cache", "functools.lru_cache"),
        *("functools.total_ordering", "tenacity.retry", "typing.final", "typing.no_type_check", "typing.overload"),
        *("typing.override", "typing.runtime_checkable", "typing_extensions.deprecated", "typing_extensions.final"),
        *("typing_extensions.overload", "typing_extensions.override", "typing_extensions.runtime_checkable"),
        "warnings.deprecated",
    }
)
_GENERATE_CONSTRUCTOR = frozenset(
    {
        *("attr.attrs", "attr.define", "attr.dataclass", "attr.frozen", "attr.mutable", "attr.s"),
        *("attrs.define", "attrs.frozen", "attrs.mutable", "dataclasses.dataclass"),
    }
)
# Airflow's operators wrap every constructor so that it reads `default_args`; its parameters stay.
_OPERATOR_CONSTRUCTORS = frozenset({"_apply_defaults", "apply_defaults"})

_TASKFLOW_MODULES = ("airflow.sdk", "airflow.decorators", "airflow.providers.common.compat.sdk")
_TASKFLOW_NAMES = ("task", "dag", "task_group", "setup", "teardown", "asset")


def keeps_signature(decorator: str | None) -> bool:
    """Whether what is decorated is called as it is written."""
    if decorator is None:
        return False
    last = decorator.rpartition(".")[2]
    return decorator in _KEEP_SIGNATURE or last in _OPERATOR_CONSTRUCTORS


def generates_constructor(decorator: str | None) -> bool:
    """Whether a class gets an `__init__` from the decorator, unless it writes its own."""
    return decorator in _GENERATE_CONSTRUCTOR


def taskflow(decorators: Iterable[str | None]) -> str | None:
    """The first decorator that makes an Airflow object of a function, as users write it (`task.bash`)."""
    for decorator in decorators:
        for module in _TASKFLOW_MODULES:
            if decorator is not None and decorator.startswith(f"{module}."):
                name = decorator.removeprefix(f"{module}.")
                if name.partition(".")[0] in _TASKFLOW_NAMES:
                    return name
    return None
