"""What tasks wait for: `dependencies`, groups, references to other tasks' outputs, and the cycles they make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from schemas.dagfactory.dag_view import PLUS, DagView, Part, mapped_task, shown
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import MOST_OF_A_FILE, meant
from schemas.rules import outcomes
from schemas.rules.graph import Edges, cycles
from schemas.shape.wording import described

_OUTPUT = re.compile(r"(?P<task>[\w.-]+)\.output")
_WORDS = frozenset({"dependencies", "task_id", "doc", "doc_json", "doc_md", "doc_rst", "doc_yaml"})
"""Keys of a task whose text is not an argument."""


def check(dag: DagView) -> Iterator[Diagnostic]:
    """Unknown tasks and groups, references that come too early, tasks that wait for each other."""
    edges: Edges = {name: {} for name in dag.parts}
    for part in dag.parts.values():
        yield from _dependencies(dag, part, edges)
    for task in dag.tasks.values():
        for path, name in references(task):
            _add_reference(dag, task, path, name, edges)
    yield from cycles(dag.subject, _through_groups(dag, edges))
    of_groups = {dag.full_id(group) for group in dag.groups.values()}
    for task in dag.tasks.values():
        if task.id in dag.groups and dag.full_id(task) in of_groups:
            message = f"`{task.id}` is a task and a task group"
            yield dag.subject.finding(Code.DUPLICATE_TASK_ID, task.id_path, message, at_key=task.id_path == task.path)
        yield from _group(dag, task)
        for path, other in references(task):
            yield from _reference(dag, task, path, other)
        yield from _without_effect(dag, task)
    yield from _parents(dag)
    if dag.subject.may_hold("trigger_rule"):
        for one in outcomes.check(dag.as_pipeline):
            yield replace(one, help="add a last task that waits for the others, too")


def references(task: Part) -> Iterator[tuple[DataPath, str]]:
    """The tasks whose output a task takes: `+task` for a decorator, `task.output` and `XcomArg(task)` in `expand`."""
    expand = task.data.get("expand")
    if "decorator" in task.data:
        for path, mapping in (((), task.data), (("expand",), expand), (("partial",), task.data.get("partial"))):
            for key, value in mapping.items() if isinstance(mapping, dict) else ():
                match = PLUS.fullmatch(value) if isinstance(value, str) else None
                if match is not None:
                    yield (*task.path, *path, key), match["task"]
        return
    for key, value in expand.items() if isinstance(expand, dict) else ():
        name = mapped_task(value)
        if name is not None:
            yield (*task.path, "expand", key), name


def _without_effect(dag: DagView, task: Part) -> Iterator[Diagnostic]:
    """`+task` where dag-factory leaves it as text, or passes what is neither an output nor an edge."""
    if not dag.subject.may_hold("+", ".output"):
        return
    read = dict(references(task))
    waits = {name for _, name in task.dependencies}
    for path, text in walk(task.data).texts:
        place = (*task.path, *path)
        match = PLUS.fullmatch(text) or _OUTPUT.fullmatch(text)
        if match is None or path[0] in _WORDS:
            continue
        other = dag.built_as.get(match["task"])
        if other is None or other is task:
            continue
        help_text = f"its output is `{{{{ ti.xcom_pull(task_ids='{match['task']}') }}}}`"
        if other.id not in waits:
            help_text += f"; to wait for it write `dependencies: [{other.id}]`"
        if place not in read and len(path) == 2 and path[0] == "expand":
            continue  # it has a finding of its own: no task is mapped over text
        if place not in read:
            where = "inside a list or a mapping" if "decorator" in task.data else "in the arguments of an operator"
            where = where if text.startswith("+") else "here"
            message = f"`{shown(text)}` stays text: dag-factory reads no reference {where}"
            yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, place, message, help=help_text)
        elif "operator" in other.data and "expand" not in path:
            message = f"`{other.id}` is not decorated: dag-factory passes the operator itself, and adds no dependency"
            yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, place, message, help=help_text)


def _dependencies(dag: DagView, part: Part, edges: Edges) -> Iterator[Diagnostic]:
    path = (*part.path, "dependencies")
    written = part.data.get("dependencies")
    is_empty = written is None and ("dependencies" not in part.data or part is dag.groups.get(part.id))
    if not isinstance(written, list) and not is_empty:
        yield dag.subject.finding(Code.WRONG_TYPE, path, "`dependencies` must be a list", caret="write `[task]`")
    for index, one in enumerate(written if isinstance(written, list) else ()):
        if not isinstance(one, str):
            message = f"`dependencies` holds ids, and this is {described(one)}"
            yield dag.subject.finding(Code.WRONG_TYPE, (*path, index), message)
    for place, other in part.dependencies:
        if other == part.id:
            yield dag.subject.finding(Code.CYCLE, place, f"`{part.id}` waits for itself")
        elif other not in dag.parts:
            message = f"`dependencies` names `{shown(other)}`, and there is no such task or task group"
            names = dag.parts if len(dag.parts) <= MOST_OF_A_FILE else {}
            others = {name: one for name, one in names.items() if name != part.id}
            yield _no_part(dag, place, message, other, others)
        elif problem := _circle(dag, part, dag.parts[other]):
            yield dag.subject.finding(Code.CYCLE, place, problem)
        else:
            edges[part.id].setdefault(other, place)


def _no_part(dag: DagView, path: DataPath, message: str, written: str, parts: Mapping[str, Part]) -> Diagnostic:
    """An id that names nothing. Airflow's own for what is in a group has the group's before it, dag-factory's has not,
    and no group may be taken for one of its tasks."""
    code = Code.UNKNOWN_TASK
    holder, _, name = written.rpartition(".")
    if holder not in {*dag.groups, *map(dag.full_id, dag.groups.values())}:
        return dag.unknown(code, path, message, written, parts)
    meant_here = next((one.id for one in parts.values() if dag.full_id(one) == written), None)
    caret = f"write `{meant_here}`" if meant_here is not None else meant(name, parts)
    help_text = "dag-factory names what is in a group without the group"
    fix = Word(meant_here) if meant_here is not None else None
    return dag.subject.finding(code, path, message, caret=caret, help=help_text, allowed=tuple(parts), fix=fix)


def _circle(dag: DagView, part: Part, other: Part) -> str | None:
    """Why a task or a group cannot wait for another one that it is in or that holds it; one without tasks waits for
    nothing."""
    inner, outer = (part, other) if other in dag.groups_around(part) else (other, part)
    if outer not in dag.groups_around(inner):
        return None
    what = "group" if inner.path[0] == "task_groups" else "task"
    if what == "group" and not any(inner in dag.groups_around(task) for task in dag.tasks.values()):
        return None
    if inner is part:
        return f"{what} `{inner.id}` is in the group `{outer.id}`, so it cannot wait for it"
    return f"`{inner.id}` is in the group `{outer.id}`, so the group cannot wait for it"


def _add_reference(dag: DagView, task: Part, path: DataPath, name: str, edges: Edges) -> None:
    """A task waits for one whose output it takes; one that is built later has a finding of its own."""
    other, order = dag.built_as.get(name), dag.build_order
    if other is None or ("decorator" in task.data and "operator" in other.data and "expand" not in path):
        return
    if order.get(other.id, len(order)) < order.get(task.id, -1):
        edges[task.id].setdefault(other.id, path)


def _through_groups(dag: DagView, edges: Edges) -> Edges:
    """What tasks wait for, also for their groups; a group is done when all in it are."""
    found: Edges = {name: {} if name in dag.groups else dict(places) for name, places in edges.items()}
    for task in (part for part in dag.parts.values() if part.id not in dag.groups):
        for group in dag.groups_around(task):
            found[group.id].setdefault(task.id, None)
            found[task.id] = {**edges[group.id], **found[task.id]}
    return found


def _no_group(dag: DagView, path: DataPath, group: str) -> Diagnostic:
    return _no_part(dag, path, f"there is no task group `{shown(group)}`", group, dag.groups)


def _group(dag: DagView, task: Part) -> Iterator[Diagnostic]:
    group, path = task.group, (*task.path, "task_group_name")
    if group is None:
        written = task.data.get("task_group_name")
        if written and dag.groups:
            message = f"`task_group_name` must be text, not {described(written)}"
            yield dag.subject.finding(Code.WRONG_TYPE, path, message)
        return
    if not dag.groups:
        message = "dag-factory ignores `task_group_name`: the DAG has no `task_groups`"
        yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, path, message, at_key=True)
        return
    if group not in dag.groups:
        yield _no_group(dag, path, group)
        return
    waits = task.data.get("dependencies") or any(
        other == task.id for part in dag.parts.values() for _, other in part.dependencies
    )
    if not waits:
        return
    if "decorator" in task.data:
        message = f"dag-factory looks for `{group}.{task.id}` in `dependencies`, and a decorated task is `{task.id}`"
        help_text = "remove it from the `dependencies` (a `+task` waits by itself) or from the group"
        yield dag.subject.finding(Code.CONFLICTING_KEYS, path, message, at_key=True, help=help_text)
    elif dag.groups[group].data.get("prefix_group_id") is False:
        path, full_id = (*dag.groups[group].path, "prefix_group_id"), f"{group}.{task.id}"
        message = f"dag-factory looks for `{full_id}` in `dependencies`, which `prefix_group_id: false` renames"
        help_text = "remove `prefix_group_id`, or the dependencies of the tasks in this group"
        yield dag.subject.finding(Code.CONFLICTING_KEYS, path, message, at_key=True, help=help_text)


def _parents(dag: DagView) -> Iterator[Diagnostic]:
    """Groups in groups: `parent_group_name`."""
    edges: Edges = {name: {} for name in dag.groups}
    for group in dag.groups.values():
        parent = group.data.get("parent_group_name")
        path = (*group.path, "parent_group_name")
        if not isinstance(parent, str) or not parent:
            continue
        if parent == group.id:
            yield dag.subject.finding(Code.CYCLE, path, f"the task group `{parent}` is inside itself")
        elif parent in dag.groups:
            edges[group.id][parent] = path
        else:
            yield _no_group(dag, path, parent)
    if any(True for _ in cycles(dag.subject, edges)):
        path = next(path for places in edges.values() for path in places.values() if path is not None)
        yield dag.subject.finding(Code.CYCLE, path, "task groups are inside each other")


def _reference(dag: DagView, task: Part, path: DataPath, name: str) -> Iterator[Diagnostic]:
    other = dag.built_as.get(name)
    if other is None:
        full = next((full for full, part in dag.built_as.items() if part.id == name), None)
        yield dag.subject.finding(
            Code.UNKNOWN_TASK,
            path,
            f"the reference names `{name}`, and there is no such task",
            caret=f"dag-factory knows it as `{full}`" if full is not None else meant(name, dag.built_as),
            allowed=tuple(dag.built_as),
        )
        return
    order = dag.build_order
    if order.get(other.id, -1) >= order.get(task.id, len(order)):
        yield dag.subject.finding(
            Code.REFERENCE_TOO_EARLY,
            path,
            f"dag-factory builds `{task.id}` before `{name}`, so this reference finds no task",
            help=f"write `dependencies: [{other.id}]` at `{task.id}`",
        )
    kind = str(other.data.get("operator")).rpartition(".")[2]
    if "expand" in path and kind in _RETURN and not other.data.get("expand"):
        message = f"`{other.id}` returns {_RETURN[kind]}, and Airflow maps over lists and mappings"
        help_text = "map over a list that a Python function returns"
        yield dag.subject.finding(Code.NO_OUTPUT, path, message, help=help_text, severity=Severity.WARNING)


_RETURN = {"BashOperator": "text", "EmptyOperator": "nothing"}
