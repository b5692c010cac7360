"""Ids of DAGs: those that DAGs get and two files may claim, and those of other DAGs that `wait_dag` and `trigger_dag`
name, with their runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from schemas.compose.merging import ENVIRONMENTS, declared, overlay_of
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant, unmistakable
from schemas.folder.discovery import dag_id_of, default_dag_id
from schemas.folder.project import is_template_path
from schemas.model.value_schema import of_value, schema_problem, unfit
from schemas.rules.run_context import OF_LOGICAL_DATE, renders_natively
from schemas.rules.run_times import check_waited_run
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.templates import rendered_texts
from schemas.shape.places import mapping_at

_DAG_ID = re.compile(r"[\w.-]{1,250}")
"""Airflow's own rule for ids (KEY_REGEX and its length limit)."""


def check_path(subject: Subject) -> Iterator[Diagnostic]:
    """A DAG id from the path that Airflow would reject; a written one is a matter of its shape."""
    if subject.data.get("dag_id") is not None or is_template_path(subject.path):
        return
    dag_id = default_dag_id(subject.path)
    if _DAG_ID.fullmatch(dag_id) is None:
        yield subject.finding(
            Code.WRONG_VALUE,
            (),
            f"the path gives the DAG id `{dag_id}`, which Airflow rejects",
            help="rename the file, or write a `dag_id` of letters, digits, `_`, `-` and `.`",
        )


def check_defaults(subject: Subject) -> Iterator[Diagnostic]:
    """A `dag_id` for all files of a folder: it names one DAG, so all of them would be that one."""
    for layer in subject.effective.layers[:-1]:
        if not isinstance(layer.data, dict):
            continue
        places: list[DataPath] = [(), *((ENVIRONMENTS, name) for name in declared([layer]))]
        for place in places:
            if "dag_id" in (overlay_of(layer, str(place[1])) if place else layer.data):
                yield Diagnostic(
                    Code.NOT_A_DEFAULT,
                    "`dag_id` names one DAG, so it cannot be a default",
                    layer.file,
                    layer.key_span((*place, "dag_id")),
                    help="write it in the pipeline's own file, or leave it to the file's path",
                    text=layer.text,
                )


def conflicts(claims: Mapping[str, Sequence[str]]) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """`claims`: path → its DAG ids. Path → (DAG id, other paths that claim it), for every file that is not alone."""
    claimants: dict[str, list[str]] = {}
    for path, dag_ids in claims.items():
        for dag_id in dag_ids:
            claimants.setdefault(dag_id, []).append(path)
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for dag_id, paths in claimants.items():
        if len(paths) > 1:
            for path in paths:
                found.setdefault(path, []).append((dag_id, tuple(other for other in paths if other != path)))
    return found


def conflict_finding(subject: Subject, dag_id: str, others: Sequence[str]) -> Diagnostic:
    """The conflict_finding for one of the files; `others` are the paths of the rest, as shown to the user."""
    return subject.finding(
        Code.DUPLICATE_DAG_ID,
        ("dag_id",) if "dag_id" in subject.data else (),
        at_key="dag_id" not in subject.data,
        message=f"the DAG id `{dag_id}` is also used by {', '.join(others)}",
        help="give one of the files another `dag_id` or another name",
    )


_KEYS = {"wait_dag": "external_dag_id", "trigger_dag": "trigger_dag_id"}
_OPERATORS = {"ExternalTaskSensor": "wait_dag", "TriggerDagRunOperator": "trigger_dag"}
MARKS = (*_KEYS, *_OPERATORS)
"""A text without these names no other DAG."""
_PARTS = ("external_task_id", "external_task_ids", "external_task_group_id")
_OTHER_RUNS = ("execution_delta", "execution_date_fn")
_PARTS_OR_OTHER_RUNS = (*_OTHER_RUNS, *_PARTS)


def built_in_of(task: TaskView) -> str:
    """The built-in that a task is, also where it names Airflow's operator for it."""
    uses = task.uses or ""
    return _OPERATORS.get(uses.rpartition(".")[2], uses) if uses.startswith("airflow.") else uses


def check_itself(subject: Subject) -> Iterator[Diagnostic]:
    """A `wait_dag` that waits for its own run, and a `trigger_dag` of its own DAG that waits for it or never stops."""
    if not subject.may_hold(*MARKS):
        return
    dag_id = dag_id_of(subject.path, subject.data.get("dag_id"))
    for task in subject.tasks:
        starts_it = built_in_of(task) == "trigger_dag" and task.arguments.get("trigger_dag_id") == dag_id
        path = (*task.with_path, "trigger_dag_id")
        if starts_it and task.arguments.get("wait_for_completion") is True:
            message = "this waits for a run of its own pipeline, which starts the next and waits, too"
            yield subject.finding(Code.CYCLE, path, message, help="name another DAG")
            continue
        before = (other for other in subject.tasks if starts_it and subject.is_after(task, other))
        if starts_it and not any(one.may_skip for one in (task, *subject.around(task.path), *before)):
            message = "each run of this pipeline starts the next, as long as its tasks succeed"
            help_text = "write `run_if`, or a branch before it; for runs without a pause `schedule: '@continuous'`"
            yield subject.finding(Code.CYCLE, path, message, help=help_text, severity=Severity.WARNING)
        waits_for_it = built_in_of(task) == "wait_dag" and task.arguments.get("external_dag_id") == dag_id
        if waits_for_it and not any(task.arguments.get(key) is not None for key in _PARTS_OR_OTHER_RUNS):
            message, path = "this waits for the end of its own run", (*task.with_path, "external_dag_id")
            yield subject.finding(Code.CYCLE, path, message, help=_ANOTHER)
        elif waits_for_it and not any(task.arguments.get(key) is not None for key in _OTHER_RUNS):
            yield from _of_its_own_run(subject, task)


_ANOTHER = "name another DAG, or an earlier run by `execution_delta`"


def _of_its_own_run(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """Tasks and groups that a task waits for and that wait for it, by name."""
    for place, name in _named_parts(task):
        named = next((view.path for view in subject.entries if view.full_id == name), None)
        inside = [view for view in subject.tasks if named is not None and view.path[: len(named)] == named]
        late = next((view for view in inside if view.path == task.path or subject.is_after(view, task)), None)
        if late is not None:
            message = (
                "this waits for itself" if late.path == task.path else f"this waits for `{name}`, which waits for it"
            )
            yield subject.finding(Code.CYCLE, (*task.with_path, *place), message, help=_ANOTHER)


def check_other_dags(
    subject: Subject, dag_ids: Collection[str], find: Callable[[str], Subject | None]
) -> Iterator[Diagnostic]:
    """Ids that nearly are one of `dag_ids`, and waits for runs and tasks that a DAG does not have.

    `find` gives the pipeline of an id of this folder. Any other id may be a DAG of another bundle.
    """
    for task in subject.tasks:
        key = _KEYS.get(built_in_of(task))
        dag_id = task.arguments.get(key) if key is not None else None
        if key is None or not isinstance(dag_id, str) or "{" in dag_id:
            continue
        if dag_id not in dag_ids:
            yield from _nearly(subject, (*task.with_path, key), dag_id, dag_ids)
        elif built_in_of(task) == "trigger_dag":
            yield from _params(subject, task, dag_id, find(dag_id))
            if task.arguments.get("logical_date", "") is None:
                yield from _without_date(subject, task, dag_id, find(dag_id))
            yield from _each_other(subject, task, dag_id, dag_ids, find)
        elif built_in_of(task) == "wait_dag" and (other := find(dag_id)) is not None and "tasks" in other.data:
            yield from _parts(subject, task, dag_id, other)
            yield from check_waited_run(subject, task, dag_id, other)
            yield from _each_other(subject, task, dag_id, dag_ids, find)


_DECIDES = "^branch$|^short_circuit$|Branch|ShortCircuit"
_CONDITIONS = ("run_if", "skip_if")
_AFTER_FAILURE = ("one_failed", "all_failed")


def _each_other(
    subject: Subject, task: TaskView, dag_id: str, dag_ids: Collection[str], find: Callable[[str], Subject | None]
) -> Iterator[Diagnostic]:
    """Pipelines whose every run starts the next one's, or waits for its end, in a circle."""
    own, kind = dag_id_of(subject.path, subject.data.get("dag_id")), built_in_of(task)
    if dag_id == own or dag_id not in set(_bound_to(subject, kind)):
        return
    waiting, before = [dag_id], dict[str, str]()
    while waiting and own not in before:
        one = waiting.pop(0)
        other = find(one) if one in dag_ids else None
        for name in _bound_to(other, kind) if other is not None else ():
            if name not in before:
                before[name] = one
                waiting.append(name)
    if own not in before:
        return
    circle = [own]
    while circle[-1] != dag_id:
        circle.append(before[circle[-1]])
    via = " → ".join(f"`{one}`" for one in (own, *reversed(circle)))
    message = f"these pipelines start each other without end: {via}"
    help_text = "give one of the tasks a condition by `run_if`, or remove it"
    if kind == "wait_dag":
        message = f"these pipelines wait for each other's end: {via}"
        help_text = "name a task of the other pipeline with `external_task_id`, or an earlier run by `execution_delta`"
    path, severity = (*task.with_path, _KEYS[kind]), Severity.WARNING
    yield subject.finding(Code.CYCLE, path, message, help=help_text, severity=severity)


def _bound_to(subject: Subject, kind: str) -> Iterator[str]:
    """The DAGs that each run starts, or whose whole run of the same date it waits for."""
    deciding = [task for task in subject.tasks if re.search(_DECIDES, task.uses or "")]
    for task in subject.tasks:
        dag_id = task.arguments.get(_KEYS[kind]) if built_in_of(task) == kind else None
        around = (task, *subject.around(task.path))
        if not isinstance(dag_id, str) or any(key in one.entry for one in around for key in _CONDITIONS):
            continue
        if any(task.arguments.get(key) is not None for key in _PARTS_OR_OTHER_RUNS):
            continue
        if task.entry.get("trigger_rule") not in _AFTER_FAILURE and not any(
            subject.is_after(task, one) for one in deciding
        ):
            yield dag_id


def _params(subject: Subject, task: TaskView, dag_id: str, other: Subject | None) -> Iterator[Diagnostic]:
    """`conf` against the params of the other DAG, whose run fails where they do not fit; it may hold more."""
    conf = task.arguments.get("conf")
    params = mapping_at(other.data, ("params",)) if other is not None else {}
    if not params or not isinstance(conf, dict | None) or "conf" in (task.mapped or {}) or task.mapped is None:
        return
    given, path = conf or {}, (*task.with_path, "conf")
    for name, value in given.items():
        near = unmistakable(name, params) if name not in params else None
        if near is not None and near not in given:
            message, warning = f"`{dag_id}` has no param `{name}`", Severity.WARNING
            caret = did_you_mean(near)
            yield subject.finding(Code.BAD_PARAM, (*path, name), message, at_key=True, caret=caret, severity=warning)
        schema = params.get(name)
        if not isinstance(schema, dict) or "${" in f"{schema}{value}" or schema_problem(of_value(schema)) is not None:
            continue
        if isinstance(value, str) and ("{{" in value or "{%" in value):
            types = schema.get("type", "string")
            if "string" not in types and not renders_natively(subject, task):
                message = f"a template gives text, and `{name}` of `{dag_id}` is of type `{types}`"
                yield subject.finding(Code.BAD_PARAM, (*path, name), message)
            continue
        for misfit in unfit(value, schema):
            wanted = f"must be {misfit.must}" if misfit.must else f"does not fit: {misfit.why}"
            message = f"`{name}` of `{dag_id}` {wanted}"
            yield subject.finding(Code.BAD_PARAM, (*path, name, *misfit.path), message)
    for name, schema in params.items():
        typo = any(unmistakable(one, params) == name for one in given if one not in params)
        if isinstance(schema, dict) and "default" not in schema and name not in given and not typo:
            place = path if "conf" in task.arguments else (*task.with_path, "trigger_dag_id")
            message = f"`{dag_id}` needs the param `{name}`, which has no default"
            yield subject.finding(Code.BAD_PARAM, place, message, at_key=True, help=f"write `conf: {{{name}: …}}`")


def _without_date(subject: Subject, task: TaskView, dag_id: str, other: Subject | None) -> Iterator[Diagnostic]:
    """A run without a logical date of a pipeline whose templates ask for one."""
    named = (
        (name for _, text in rendered_texts(other) for name in read_template(text).names) if other is not None else ()
    )
    wanted = next((name.text for name in named if name.text in OF_LOGICAL_DATE), None)
    if wanted is not None:
        message = f"`{dag_id}` asks for `{wanted}`, which a run without a logical date does not have"
        help_text = "leave out `logical_date`, and the run has the date of its start"
        yield subject.finding(Code.NO_LOGICAL_DATE, (*task.with_path, "logical_date"), message, help=help_text)


def _nearly(subject: Subject, path: DataPath, dag_id: str, dag_ids: Collection[str]) -> Iterator[Diagnostic]:
    same = (one for one in dag_ids if one.lower() == dag_id.lower())
    near = next(same, None) or unmistakable(dag_id, dag_ids)
    # `orders_2` beside `orders_1` is no typo.
    if near is not None and re.sub(r"\d", "", near) != re.sub(r"\d", "", dag_id):
        message = f"no file of this folder defines a DAG `{dag_id}`"
        yield subject.finding(Code.UNKNOWN_DAG, path, message, caret=did_you_mean(near), fix=Word(near))


def _parts(subject: Subject, task: TaskView, dag_id: str, other: Subject) -> Iterator[Diagnostic]:
    """Tasks and groups of the other DAG."""
    tasks = {view.full_id for view in other.tasks if view.full_id is not None}
    groups = {view.full_id for view in other.groups if view.full_id is not None}
    for place, name in _named_parts(task):
        known = groups if place[0] == "external_task_group_id" else tasks
        if name not in known and "{" not in name:
            what = "group" if known is groups else "task"
            yield subject.finding(
                Code.UNKNOWN_TASK,
                (*task.with_path, *place),
                f"the DAG `{dag_id}` has no {what} `{name}`",
                caret=meant(name, known),
                allowed=tuple(sorted(known)),
            )


def _named_parts(task: TaskView) -> Iterator[tuple[DataPath, str]]:
    """The tasks and groups of another DAG that a task names, each with its place among the arguments."""
    for key in _PARTS:
        written = task.arguments.get(key)
        if isinstance(written, str) and key != "external_task_ids":
            yield (key,), written
        for index, one in enumerate(written if isinstance(written, list) else ()):
            if isinstance(one, str):
                yield (key, index), one
