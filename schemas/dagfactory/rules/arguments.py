"""The arguments of a task against what its operator or function takes."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.dagfactory.dag_view import DagView, Part
from schemas.dagfactory.keys import MADE_FROM, OTHER_WORDS, OWN_ARGUMENTS, SECONDS, TASK_KEYS, in_seconds
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import Word
from schemas.findings.suggestions import unmistakable
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.arguments import Arguments, argument_findings, written_at
from schemas.shape.places import value_at
from schemas.source import Class, Function, Parameter

_FROM_BOTH = frozenset({"multiple_outputs", "op_args", "op_kwargs", "templates_dict", "show_return_value_in_logs"})
"""Arguments of a decorated task beside those of every task (`airflow.sdk.bases.decorator.DecoratedOperator`)."""


def of_operator(dag: DagView, task: Part, operator: Class, parameters: tuple[Parameter, ...]) -> Iterator[Diagnostic]:
    """What stands beside `operator`, in `partial` and in `expand`."""
    filled = {"task_id", *_from_default_args(dag, task), *_variables(task)}
    filled |= {made for made, sources in MADE_FROM.items() if any(source in task.data for source in sources)}
    if not all(isinstance(task.data.get(part, {}), dict) for part in ("expand", "partial")):
        filled |= {p.name for p in parameters}  # what is given cannot be told
    who, at = f"`{operator.path}`", (*task.path, "operator")
    written = _written(task)
    for key in sorted(written.keys() & (SECONDS.keys() - {p.name for p in parameters})):
        message = f"{who} has no argument `{key}`"
        path = written.pop(key)
        help_text = in_seconds(key, value_at(dag.data, path))
        yield dag.subject.finding(Code.UNKNOWN_ARGUMENT, path, message, at_key=True, help=help_text)
    yield from _keys_of_tasks(dag, task, who, written, frozenset(p.name for p in parameters))
    arguments = Arguments(who, written, at, filled=filled, how="")
    yield from argument_findings(dag.subject, arguments, parameters)


def _keys_of_tasks(
    dag: DagView, task: Part, who: str, written: dict[str, DataPath], taken: frozenset[str]
) -> Iterator[Diagnostic]:
    """Keys that mean one of a task's own, by a typo or in another tool's words; they are taken out of `written`."""
    for key in [key for key in written if key not in taken]:
        typo = unmistakable(key, TASK_KEYS)
        known = OTHER_WORDS.get(key) or typo
        if known is None or known in task.data or len(written[key]) != len(task.path) + 1:
            continue
        yield dag.subject.finding(
            Code.UNKNOWN_ARGUMENT,
            written.pop(key),
            f"{who} has no argument `{key}`",
            at_key=True,
            caret=f"did you mean `{known}`?",
            fix=Word(known) if typo is not None else None,
        )


def of_function(dag: DagView, task: Part, function: Function) -> Iterator[Diagnostic]:
    """`op_kwargs` of a PythonOperator."""
    written = task.data.get("op_kwargs", {})
    mapped = any(task.data.get(part) for part in ("expand", "partial"))
    if not isinstance(written, dict) or "op_args" in task.data or mapped:
        return
    arguments = Arguments(
        f"`{function.path}`",
        written_at((*task.path, "op_kwargs"), written),
        (*task.path, "python_callable"),
        filled=CONTEXT_NAMES,
        how="write it in `op_kwargs`",
    )
    yield from argument_findings(dag.subject, arguments, function.parameters)


def of_decorated(dag: DagView, task: Part, function: Function, of_tasks: frozenset[str]) -> Iterator[Diagnostic]:
    """What stands beside `decorator`, in `partial` and in `expand`; `of_tasks` go to the task, not to its function."""
    parameters = tuple(p for p in function.parameters if p.kind != "VAR_KEYWORD")
    own = {p.name for p in parameters}
    written = {
        name: path
        for name, path in _written(task).items()
        if name in own or not (name in of_tasks or (function.has_var_keyword and _is_mapped(task, path)))
    }
    at = (*task.path, "python_callable")
    arguments = Arguments(f"`{function.path}`", written, at, filled=CONTEXT_NAMES, how="write it beside `decorator`")
    yield from argument_findings(dag.subject, arguments, parameters)


def taken_by_decorated(base: Class) -> frozenset[str]:
    """The arguments of a decorated task that are not those of its function."""
    names = (p.name for p in base.parameters or () if p.kind != "VAR_KEYWORD")
    return frozenset({*names, *_FROM_BOTH, "python_callable"})


def _is_mapped(task: Part, path: DataPath) -> bool:
    return path[len(task.path)] in ("expand", "partial")


def _written(task: Part) -> dict[str, DataPath]:
    """The arguments that are written for an operator, beside it, in `partial` and in `expand`."""
    found: dict[str, DataPath] = {}
    for key in task.data:
        if key not in TASK_KEYS and key not in OWN_ARGUMENTS:
            found[key] = (*task.path, key)
    for part in ("partial", "expand"):
        mapping = task.data.get(part)
        for key in mapping if isinstance(mapping, dict) else ():
            found.setdefault(key, (*task.path, part, key))
    return found


def _from_default_args(dag: DagView, task: Part) -> Iterator[str]:
    for holder in (dag.data, *(group.data for group in dag.groups_around(task))):
        defaults = holder.get("default_args")
        yield from defaults if isinstance(defaults, dict) else ()


def _variables(task: Part) -> Iterator[str]:
    entries = task.data.get("variables_as_arguments")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("attribute"), str):
            yield entry["attribute"]
