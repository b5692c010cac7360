"""What a task runs, and its arguments against what its operator or function takes."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any

from schemas.dagfactory.dag_view import DagView, Part
from schemas.dagfactory.keys import (
    DAG_KEYS,
    MADE_FROM,
    OTHER_WORDS,
    OWN_ARGUMENTS,
    SECONDS,
    TASK_KEYS,
    in_seconds,
    instead,
    is_number,
)
from schemas.dagfactory.rules.files import function_of
from schemas.dagfactory.rules.objects import DECORATOR_OBJECTS, named_code
from schemas.dagfactory.rules.operator_values import (
    SECONDS_OF_SENSORS,
    SENSOR,
    check_made,
    check_sensors_defaults,
    check_values,
    moments,
)
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Entry, Word, typo_fix
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant, nearest, unmistakable
from schemas.model.settings import SETTING_KEYS
from schemas.rules.arguments import (
    Arguments,
    argument_findings,
    as_calls,
    misfits,
    read_as_values,
    texts_of_params,
    values_of_function,
    written_at,
)
from schemas.rules.dotted_paths import look_up
from schemas.rules.refused_calls import and_together
from schemas.rules.run_context import FOR_FUNCTIONS
from schemas.shape.places import value_at
from schemas.source import Class, Function, ModuleMissing, NameMissing, SourceReader
from schemas.source.results import Result

_BASE, _PYTHON = "airflow.sdk.BaseOperator", "PythonOperator"
_JUDGED = frozenset({*SECONDS_OF_SENSORS, *SETTING_KEYS, "default_args", "execution_delta"})
"""Arguments whose values are looked at by their names."""
_OF_TASKS = ("python_callable", "execution_date_fn", "execution_delta")
_DECORATED = frozenset(
    {"multiple_outputs", "op_args", "op_kwargs", "python_callable", "show_return_value_in_logs", "templates_dict"}
)
"""Arguments of a decorated task beside those of every task (`airflow.sdk.bases.decorator.DecoratedOperator`)."""


def check(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """Findings in what each task runs, and in `default_args`. Where its source cannot be read there are none."""
    base = reader.find(_BASE)
    of_tasks = frozenset(p.name for p in base.parameters) if isinstance(base, Class) and base.parameters else None
    known: frozenset[str] | None = of_tasks
    of_sensors: dict[DataPath, Mapping[str, Any]] = {}
    for task in dag.tasks.values():
        taken = yield from _task(dag, task, of_tasks, reader)
        of_sensors.update(dag.default_args_around(task) if taken is not None and taken >= SENSOR else ())
        known = known | taken if known is not None and taken is not None else None
    for path, data in of_sensors.items():
        yield from check_sensors_defaults(dag, path, data)
    if known is not None:
        yield from _default_args(dag, known | OWN_ARGUMENTS | {"timezone"})


def _task(
    dag: DagView, task: Part, of_tasks: frozenset[str] | None, reader: SourceReader
) -> Generator[Diagnostic, None, frozenset[str] | None]:
    """Returns the names that the task takes; None where that is unknown. `of_tasks` are those of every task."""
    callable_path = task.data.get("python_callable")
    function: Result | None = None
    if isinstance(callable_path, str):
        function = yield from named_code(dag, (*task.path, "python_callable"), callable_path, reader)
    else:
        function = function_of(dag, task, reader)
    yield from _values(dag, task, function)
    key = "operator" if "operator" in task.data else "decorator"
    dotted = task.data.get(key)
    if not isinstance(dotted, str) or "." not in dotted:
        return None
    if key == "decorator":
        yield from _decorator(dag, (*task.path, key), dotted, reader)
        own = {p.name for p in function.parameters} if isinstance(function, Function) else set()
        yield from check_made(dag, task, written_at(task.path, {one: None for one in task.data if one not in own}))
        if not isinstance(function, Function) or of_tasks is None or not dotted.endswith(".task"):
            return None
        yield from _of_decorated(dag, task, function, of_tasks | _DECORATED)
        return of_tasks | _DECORATED
    found = yield from named_code(dag, (*task.path, key), dotted, reader)
    if not isinstance(found, Class) or not found.is_operator or found.parameters is None:
        if isinstance(found, Function) or (isinstance(found, Class) and found.is_operator is False):
            message = f"`{dotted}` is not an Airflow operator or sensor"
            yield dag.subject.finding(Code.NOT_CALLABLE, (*task.path, key), message)
        return None
    if "decorator" not in task.data:
        yield from _of_operator(dag, task, found, reader)
        yield from read_as_values(dag.as_pipeline, dag.views[task.path], found.template_fields or ())
    if isinstance(function, Function) and found.path.endswith(_PYTHON):
        yield from _of_function(dag, task, function)
    return frozenset(p.name for p in found.parameters)


def _decorator(dag: DagView, path: DataPath, dotted: str, reader: SourceReader) -> Iterator[Diagnostic]:
    """A decorator that is not there, or that does not take the function as dag-factory passes it."""
    if dotted.startswith(DECORATOR_OBJECTS):
        return
    found = reader.find(dotted)
    if isinstance(found, ModuleMissing | NameMissing):
        yield from look_up(dag.subject, path, dotted, reader)[1]
        return
    if not isinstance(found, Function) or found.has_var_keyword:
        return
    if all(p.name != "python_callable" for p in found.parameters):
        message = f"dag-factory passes `python_callable`, which `{dotted}` does not take"
        yield dag.subject.finding(Code.NOT_CALLABLE, path, message)


def _of_operator(dag: DagView, task: Part, operator: Class, reader: SourceReader) -> Iterator[Diagnostic]:
    """What is written beside `operator`, in `partial` and in `expand`."""
    who, parameters = f"`{operator.path}`", operator.parameters or ()
    taken = frozenset(p.name for p in parameters)
    filled = set().union(*(defaults for _, defaults in dag.default_args_around(task))) - {"python_callable"}
    filled |= {"task_id", *_variables(task)}
    filled |= {made for made, sources in MADE_FROM.items() if any(source in task.data for source in sources)}
    if not all(isinstance(task.data.get(part, {}), dict) for part in ("expand", "partial")):
        filled |= taken  # what is given is unknown
    written = _written(task)
    for key in sorted(written.keys() & (SECONDS.keys() - taken)):
        path = written.pop(key)
        value = value_at(dag.data, path)
        message, help_text = f"{who} has no argument `{key}`", in_seconds(key, value, task.data)
        fix = _of_older(key, value)
        yield dag.subject.finding(Code.UNKNOWN_ARGUMENT, path, message, at_key=True, help=help_text, fix=fix)
    if "provide_context" in written.keys() - taken:
        path = written.pop("provide_context")
        message, help_text = (
            f"{who} has no argument `provide_context`",
            "remove it: Airflow always provides the context",
        )
        yield dag.subject.finding(Code.UNKNOWN_ARGUMENT, path, message, at_key=True, help=help_text, fix=Entry(""))
    yield from check_made(dag, task, written)
    yield from _keys_of_tasks(dag, task, who, written, taken)
    timed = moments(operator)
    yield from check_values(dag, task, operator, written, timed)
    view = dag.views[task.path]
    is_mapping = isinstance(view.arguments.get("env"), dict)  # whose values have findings of their own
    besides = {
        *_JUDGED,
        "headers",
        *(name for name, types in timed.items() if "timedelta" not in types),
        *(("env",) if is_mapping else ()),
    }
    found = _without_ours(misfits(dag.as_pipeline, view, who, parameters, is_operator=True, besides=besides))
    is_mapped = bool(task.data.get("expand"))  # made as it runs
    given = view._replace(arguments={key: one for key, one in view.arguments.items() if key not in MADE_FROM})
    others = filled | task.data.keys()
    yield from found if is_mapped else and_together(dag.as_pipeline, given, operator, reader, found, others)
    arguments = Arguments(who, written, (*task.path, "operator"), filled=filled, how="")
    yield from argument_findings(dag.subject, arguments, parameters)


def _values(dag: DagView, task: Part, result: Result | None) -> Iterator[Diagnostic]:
    """What a function gets. dag-factory builds it, whatever it is."""
    view = dag.views[task.path]
    own = {p.name for p in result.parameters} if isinstance(result, Function) else set()
    for call in as_calls(view) if "operator" in task.data else (view,):
        if isinstance(result, Function):
            known = {key: value for key, value in call.arguments.items() if key in own}
            found = values_of_function(dag.as_pipeline, call._replace(arguments=known), result)
        else:
            found = texts_of_params(dag.as_pipeline, call, ())
        yield from _without_ours(found)


def _without_ours(found: Iterator[Diagnostic]) -> Iterator[Diagnostic]:
    """Findings without the part of their advice that holds in our language only."""
    for one in found:
        yield replace(one, help=one.help.partition(", or a `${")[0])


def _keys_of_tasks(
    dag: DagView, task: Part, who: str, written: dict[str, DataPath], taken: frozenset[str]
) -> Iterator[Diagnostic]:
    """Keys that mean one of a task's own, by a typo or in another tool's words; removes them from `written`."""
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


def _of_function(dag: DagView, task: Part, function: Function) -> Iterator[Diagnostic]:
    """`op_kwargs` of a PythonOperator."""
    written = task.data.get("op_kwargs", {})
    mapped = any(task.data.get(part) for part in ("expand", "partial"))
    if not isinstance(written, dict) or "op_args" in task.data or mapped:
        return
    who, at = f"`{function.path}`", (*task.path, "python_callable")
    places = written_at((*task.path, "op_kwargs"), written)
    arguments = Arguments(who, places, at, filled=FOR_FUNCTIONS, how="write it in `op_kwargs`")
    yield from argument_findings(dag.subject, arguments, function.parameters)


def _of_decorated(dag: DagView, task: Part, function: Function, of_tasks: frozenset[str]) -> Iterator[Diagnostic]:
    """What is written beside `decorator`, in `partial` and in `expand`; `of_tasks` go to the task, not its function."""
    parameters = tuple(p for p in function.parameters if p.kind != "VAR_KEYWORD")
    own = {p.name for p in parameters}
    any_mapped = ("expand", "partial") if function.has_var_keyword else ()
    written = {
        name: path
        for name, path in _written(task).items()
        if name in own
        or path[len(task.path)] not in (*any_mapped, "expand_kwargs", *((name,) if name in of_tasks else ()))
    }
    who, at = f"`{function.path}`", (*task.path, "python_callable")
    arguments = Arguments(who, written, at, filled=FOR_FUNCTIONS, how="write it beside `decorator`")
    yield from argument_findings(dag.subject, arguments, parameters)
    for key in own & task.data.keys() if task.data.get("expand") else ():
        if key in TASK_KEYS:
            continue
        refused = bool(task.data.get("partial"))
        code = Code.CONFLICTING_KEYS if refused else Code.DAG_FACTORY_IGNORES
        message = f"dag-factory {'refuses' if refused else 'drops'} the argument `{key}` beside `expand`"
        place = (*task.path, key)
        yield dag.subject.finding(code, place, message, at_key=True, help="write it in `partial`")


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


def _variables(task: Part) -> Iterator[str]:
    entries = task.data.get("variables_as_arguments")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("attribute"), str):
            yield entry["attribute"]


def _default_args(dag: DagView, taken: frozenset[str]) -> Iterator[Diagnostic]:
    """Airflow ignores what no operator takes."""
    default_args = dag.data.get("default_args")
    for key, value in default_args.items() if isinstance(default_args, dict) else ():
        path, message = ("default_args", key), f"no task takes `{key}` of `default_args`"
        if key in _OF_TASKS and isinstance(value, str):
            message = f"dag-factory reads `{key}` from tasks only: in `default_args` it stays text"
            yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, path, message, at_key=True)
        if key in taken:
            continue
        if key not in DAG_KEYS and key not in SECONDS and nearest(key, taken) is not None:
            caret, fix = meant(key, taken), typo_fix(key, taken)
            warning = Severity.WARNING  # Airflow ignores it
            yield dag.subject.finding(
                Code.UNKNOWN_KEY, path, message, at_key=True, caret=caret, fix=fix, severity=warning
            )
            continue
        message += ", and Airflow ignores it there"
        beside = "it is a key of the DAG: write it beside `default_args`" if key in DAG_KEYS else ""
        help_text = in_seconds(key, value, default_args or ()) if key in SECONDS else beside
        old, code = _of_older(key, value), Code.DAG_FACTORY_IGNORES
        yield dag.subject.finding(code, path, message, at_key=True, help=help_text, fix=old)


def _of_older(key: str, value: object) -> Entry | None:
    """The fix for a key of an older Airflow or dag-factory."""
    if key == "provide_context":
        return Entry("")
    return Entry(instead(key, value)) if key in SECONDS and is_number(value) else None
