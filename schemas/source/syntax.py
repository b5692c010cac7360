"""Small readings of Python expressions that the fact builders share, and what decorators do to a signature."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

# The constants of each provider's `version_compat` module, by which it tells Airflow's versions apart.
_VERSION_GATE = re.compile(r"AIRFLOW_V_(\d+)_(\d+)(?:_(\d+))?_PLUS")


def dotted_text(node: ast.expr) -> str | None:
    """`a.b.c` as text; None for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    names.append(node.id)
    return ".".join(reversed(names))


def literal_mapping(node: ast.expr) -> Mapping[str, object]:
    """The entries of a dict display whose key is text and whose value is a literal."""
    if not isinstance(node, ast.Dict):
        return {}
    entries: dict[str, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            try:
                entries[key.value] = ast.literal_eval(value)
            except (ValueError, TypeError):
                continue
    return entries


def is_literal(node: ast.expr) -> bool:
    """Whether the value is written out: a constant or a display, hence nothing that can be called."""
    return isinstance(
        node,
        ast.Constant | ast.Dict | ast.List | ast.Tuple | ast.Set | ast.JoinedStr | ast.DictComp | ast.ListComp,
    )


def is_type_checking(test: ast.expr) -> bool:
    """Whether an `if` guards imports meant for type checkers only."""
    return (dotted_text(test) or "").rpartition(".")[2] == "TYPE_CHECKING"


def airflow_version_of(test: ast.expr) -> tuple[tuple[int, ...], bool] | None:
    """The version that an `if AIRFLOW_V_3_1_PLUS` asks for, and False behind it if the test is negated."""
    wanted = True
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, wanted = test.operand, not wanted
    gate = _VERSION_GATE.fullmatch((dotted_text(test) or "").rpartition(".")[2])
    return None if gate is None else (tuple(int(part) for part in gate.groups() if part), wanted)


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
