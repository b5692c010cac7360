"""What a DAG of Python has that no pipeline holds: findings, each at its line."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from airflow.sdk import DAG

from factory.build.errors import one_line
from factory.build.python_made import THE_DAG, Imported, zone_name
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.source import SourceReader

_OF_ENVIRONMENT = frozenset({"os.environ", "os.environ.get", "os.getenv", "environ", "environ.get", "getenv"})
_OF_AIRFLOW = frozenset({"Variable.get", "models.Variable.get"})
_CONDITION = "airflow.sdk.definitions.decorators.condition"
"""Where `@task.run_if` and `@task.skip_if` make a hook of theirs."""


def read_at_import(node: ast.AST) -> Iterator[tuple[int, str, str]]:
    """The lines outside of functions that read a variable, how, and how a pipeline reads it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        holder = (
            child.func if isinstance(child, ast.Call) else child.value if isinstance(child, ast.Subscript) else None
        )
        name = ast.unparse(holder) if isinstance(holder, ast.Name | ast.Attribute) else ""
        if isinstance(child, ast.Call | ast.Subscript) and name in _OF_ENVIRONMENT:
            yield child.lineno, name, "write `${env.NAME}` for a variable of the environment"
        elif isinstance(child, ast.Call) and name in _OF_AIRFLOW:
            yield child.lineno, name, "write `{{ var.value.NAME }}` for a variable of Airflow"
        yield from read_at_import(child)


def _conditions(hook: Any) -> Iterator[str]:
    """The functions that decide, by name."""
    if getattr(hook, "__module__", "") != _CONDITION:
        yield str(getattr(hook, "__name__", hook))
        return
    for cell in hook.__closure__ or ():
        for inner in cell.cell_contents:
            yield from _conditions(inner) if inner is not None else ()


@dataclass
class PythonFindings:
    """Values of a DAG of the file `found`; `findings` are what YAML does not hold, each at the `line` that is looked
    at. `referred` collects the ids of the tasks whose outputs were taken."""

    dag: DAG
    found: Imported = field(repr=False)
    shown: str
    reader: SourceReader = field(repr=False)
    line: int = field(init=False)
    places: Mapping[str, tuple[int, int]] = field(init=False)
    findings: list[Diagnostic] = field(default_factory=list)
    is_request: bool = False  # whether the values that are looked at are a request's
    is_data: bool = False  # whether no object is made of them
    referred: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.places = self.found.places.get(self.dag.dag_id, {})
        self.line = self.line_of(THE_DAG)

    @property
    def zone(self) -> str:
        """The pipeline's `timezone`."""
        return zone_name(self.dag.timezone) or "UTC"

    def lost(self, message: str, help: str = "", line: int | None = None) -> None:
        self.say(Code.NOT_CONVERTED, message, help, line or self.line)

    def line_of(self, task_id: str) -> int:
        """The line that made a task, else the DAG."""
        return self.places.get(task_id, self.places.get(THE_DAG, (1, 0)))[0]

    def say(self, code: Code, message: str, help: str, line: int) -> None:
        written = (self.found.text.splitlines()[line - 1 : line] or [""])[0]
        start = len(written) - len(written.lstrip()) + 1
        span = Span(line, start, line, max(len(written), start) + 1)
        found = Diagnostic(code, message, self.shown, span, help=help, text=self.found.text, severity=code.severity)
        self.findings.append(found)

    def dotted(self, found: Any) -> str:
        """The dotted path of a class or a function; reports one that no file but this has."""
        module, name = str(getattr(found, "__module__", "")), str(getattr(found, "__qualname__", found))
        code = getattr(inspect.unwrap(found) if callable(found) else found, "__code__", None)
        line = code.co_firstlineno if code is not None and code.co_filename == str(self.found.file) else self.line
        if module == f"converted_{self.found.file.stem}":
            what = "a lambda" if "<lambda>" in name else f"`{name.rpartition('.')[2]}`"
            message = f"{what} is defined in the DAG file"
            self.lost(message, help="move it into a module without a DAG, below the pipelines folder", line=line)
            return f"{self.found.file.stem}.{name.rpartition('.')[2]}".replace("<lambda>", f"lambda_of_line_{line}")
        held = reduce(lambda one, part: getattr(one, part, None), name.split("."), sys.modules.get(module))
        if held is not found and getattr(held, "function", None) is not found:  # that of `@task` is in it
            what = f"`{module}.{name}` is made when the file is imported" if "<" in name else f"`{name}` has no path"
            if module == _CONDITION:
                what = f"the condition {', '.join(f'`{one}`' for one in _conditions(found))} of a task is not converted"
                self.lost(what, "`run_if` and `skip_if` take a template here", line=line)
                return f"{module}.{name}"
            self.lost(what, help="name a function of a module", line=line)
        return f"{module}.{name}"

    def say_hidden(self, task: Any, names: set[str]) -> None:
        """Tasks that cannot be named: inside a group, a name is looked up in the group first."""
        group, known = task.task_group, {*self.dag.task_dict, *self.dag.task_group_dict}
        while group is not None and group.group_id is not None:
            prefix = f"{group.group_id}." if group.prefix_group_id else ""
            for name in sorted(one for one in names if prefix and f"{prefix}{one}" in known):
                message = f"inside the group `{group.group_id}`, `{name}` is the group's own"
                self.lost(message, help="give one another id")
            group = group.parent_group

    @contextmanager
    def apart(self, what: str) -> Iterator[None]:
        """What anybody's objects raise loses them alone."""
        try:
            yield
        except Exception as error:
            self.lost(f"{what} is not converted: {type(error).__name__}: {one_line(error)}")
