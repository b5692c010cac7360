"""What the rules of dag-factory's language look at: one DAG with its defaults, as written, right or wrong."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from schemas.compose.effective import Place
from schemas.compose.env_values import EnvText
from schemas.dagfactory.keys import OBJECT_KEYS, TASK_KEYS
from schemas.dagfactory.reading import variables
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, typo_fix
from schemas.findings.paths import DataPath, Scope
from schemas.findings.suggestions import meant
from schemas.model.fields import OBJECT
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape.places import mapping_at

PLUS = re.compile(r"\+(?P<task>\w*)(?:\[['\"](?P<key>.*)['\"]\])?", re.DOTALL)
"""How a decorated task refers to the output of another one."""
_XCOM_ARG = re.compile(r"\((?P<task>[^()]*)\)")


@dataclass(frozen=True, slots=True)
class Part:
    """A task or a task group; `path` leads to its mapping."""

    path: DataPath
    id: str
    data: Mapping[str, Any]

    @property
    def id_path(self) -> DataPath:
        """Where its id is: the key of its mapping, or a value in an entry of a list."""
        return (*self.path, "task_id") if isinstance(self.path[-1], int) else self.path

    @property
    def dependencies(self) -> Iterator[tuple[DataPath, str]]:
        """The ids it waits for, each with its path."""
        written = self.data.get("dependencies")
        for index, other in enumerate(written if isinstance(written, list) else ()):
            if isinstance(other, str):
                yield (*self.path, "dependencies", index), other

    @property
    def group(self) -> str | None:
        """The group that a task is put into."""
        name = self.data.get("task_group_name")
        return name if isinstance(name, str) and name else None


@dataclass(frozen=True)
class DagView:
    """One DAG. `subject` turns paths of its effective document into findings."""

    id: str
    subject: Subject = field(repr=False)

    @property
    def data(self) -> Mapping[str, Any]:
        return self.subject.data

    def unknown(  # the parts of a diagnostic
        self,
        code: Code,
        path: DataPath,
        message: str,
        written: str,
        allowed: Collection[str],
        *,
        at_key: bool = False,
    ) -> Diagnostic:
        """The finding for a word that is not one of the allowed ones; says which of them is near."""
        return self.subject.finding(
            code,
            path,
            message,
            at_key=at_key,
            caret=meant(written, allowed),
            allowed=tuple(allowed),
            fix=typo_fix(written, allowed),
        )

    @cached_property
    def tasks(self) -> Mapping[str, Part]:
        """By id, in the document's order; of two with one id the first."""
        return _parts(self.data.get("tasks"), "tasks", "task_id")

    @cached_property
    def groups(self) -> Mapping[str, Part]:
        return _parts(self.data.get("task_groups"), "task_groups", "group_name")

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """What `dependencies` may name."""
        return {**self.tasks, **self.groups}

    @cached_property
    def built_as(self) -> Mapping[str, Part]:
        """The names by which references find tasks: that of an operator includes its groups."""
        return {self.full_id(t) if "operator" in t.data else t.id: t for t in self.tasks.values()}

    @property
    def default_args(self) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
        """The `default_args` of the DAG and of its groups, each with its path."""
        for path, data in (((), self.data), *((group.path, group.data) for group in self.groups.values())):
            if isinstance(data.get("default_args"), dict):
                yield (*path, "default_args"), data["default_args"]

    @property
    def settings(self) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
        """The mappings that hold settings of tasks, each with its path: every `default_args`, then the tasks."""
        yield from self.default_args
        yield from ((task.path, task.data) for task in self.tasks.values())

    def default_args_around(self, part: Part) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
        """The `default_args` that hold for a task, the nearest first, each with its path."""
        holders = {path[:-1]: (path, data) for path, data in self.default_args}
        yield from (holders[path] for path in (*(g.path for g in self.groups_around(part)), ()) if path in holders)

    def groups_around(self, part: Part) -> Iterator[Part]:
        """The groups that a task or a group is in, the nearest first."""
        for _ in self.groups:
            name = part.data.get("parent_group_name") if self.groups.get(part.id) is part else part.group
            group = self.groups.get(name) if isinstance(name, str) else None
            if group is None:
                return
            yield group
            part = group

    def full_id(self, part: Part) -> str:
        """What Airflow calls a task or a group."""
        return self._scope(part).full_id(part.id)

    def name_for(self, part: Part, other: Part) -> str:
        """What `other` is called in `needs` and references of `part`, in this project's language."""
        scope, full_id = self._scope(part), self.full_id(other)
        names = (full_id.removeprefix(prefix) for prefix in scope.prefixes if full_id.startswith(prefix))
        return next((name for name in names if scope.find(name, self._full_ids) == full_id), full_id)

    @cached_property
    def as_pipeline(self) -> Subject:
        """The DAG as a document of this project's language, for rules over how tasks follow each other: groups are
        their tasks, and each value has its place in the document that is written."""
        place = self.subject.effective.place
        entries: list[dict[str, Any]] = []
        places: dict[str | int, Place] = {}
        for task in self.tasks.values():
            at = place.at(task.path)
            waits = {one.id: path for part in (task, *self.groups_around(task)) for path, one in self._waits(part)}
            uses = _uses(task)
            needs = [self.full_id(self.tasks[other]) for other in waits]
            own = {key: task.data[key] for key in ("outlets", "params") if key in task.data}
            expand = task.data.get("expand")
            if isinstance(expand, dict):
                own["expand"] = {name: [*map(_in_a_run, one)] for name, one in expand.items() if isinstance(one, list)}
            in_partial = at.part("partial")
            arguments = at.with_parts({key: in_partial.part(key) for key in mapping_at(task.data, ("partial",))})
            key = "operator" if "operator" in task.data else "decorator"
            here = {"id": at, "uses": at.part(key), "needs": at.part("dependencies"), "with": arguments}
            for path, holder in ((task.path, task.data), *self.default_args_around(task)):
                if holder.get("trigger_rule") is not None and "trigger_rule" not in own:
                    own["trigger_rule"] = holder["trigger_rule"]
                    here["trigger_rule"] = place.at((*path, "trigger_rule"))
            places[len(entries)] = at.with_parts(here)
            entries.append(
                {"id": self.full_id(task), "uses": uses, "needs": needs, "with": _arguments(task, uses), **own}
            )
        schedule = self.data.get("schedule")
        is_of_assets = isinstance(schedule, list)
        data = {
            **{key: self.data[key] for key in ("params", "render_template_as_native_obj") if key in self.data},
            "dag_id": self.id,
            "tasks": entries,
            "schedule": {"assets": {"all": schedule}} if is_of_assets else schedule,
        }
        written = place.part("schedule")
        parts: dict[str | int, Place] = {"tasks": place.part("tasks").with_parts(places)}
        if is_of_assets:
            parts["schedule"] = written.with_parts({"assets": written.with_parts({"all": written})})
        return Subject(self.subject.path, replace(self.subject.effective, data=data, place=place.with_parts(parts)))

    @cached_property
    def views(self) -> Mapping[DataPath, TaskView]:
        """The tasks in that document, by their paths in the written one."""
        return dict(zip((task.path for task in self.tasks.values()), self.as_pipeline.entries, strict=True))

    def _waits(self, part: Part) -> Iterator[tuple[DataPath, Part]]:
        """The tasks that a task or a group waits for, those of groups one by one."""
        for path, name in part.dependencies:
            if name in self.groups:
                inside = (one for one in self.tasks.values() if self.groups[name] in self.groups_around(one))
                yield from ((path, one) for one in inside)
            elif name in self.tasks:
                yield path, self.tasks[name]

    @cached_property
    def _full_ids(self) -> frozenset[str]:
        return frozenset(map(self.full_id, (*self.tasks.values(), *self.groups.values())))

    def _scope(self, part: Part) -> Scope:
        scope = Scope()
        for group in reversed(list(self.groups_around(part))):
            scope = scope.inside(group.id, prefix_group_id=group.data.get("prefix_group_id") is not False)
        return scope

    @cached_property
    def build_order(self) -> Mapping[str, int]:
        """Task id → when dag-factory builds it; tasks of a cycle are missing (`topological_sort_tasks`)."""
        waits = {
            task.id: {other for _, other in task.dependencies if other in self.tasks} for task in self.tasks.values()
        }
        behind: dict[str, list[str]] = {task_id: [] for task_id in waits}
        for task_id, others in waits.items():
            for other in others:
                behind[other].append(task_id)
        left = {task_id: len(others) for task_id, others in waits.items()}
        ready = [task_id for task_id, count in left.items() if not count]
        for task_id in ready:
            for following in behind[task_id]:
                left[following] -= 1
                if not left[following]:
                    ready.append(following)
        return {task_id: place for place, task_id in enumerate(ready)}


def mapped_task(value: object) -> str | None:
    """The task that a text in `expand` of an operator refers to: `task.output` or `XcomArg(task)`."""
    if not isinstance(value, str) or not (".output" in value or "XcomArg" in value):
        return None
    match = _XCOM_ARG.search(value)
    return value.split(".output")[0] if ".output" in value else match["task"] if match is not None else ""


def is_unset(value: object) -> bool:
    """Whether a value is nothing but a variable that is not set here: what it will be is unknown."""
    is_text = isinstance(value, str) and not isinstance(value, EnvText)
    return is_text and any(written == value for written, _ in variables(str(value)))


def unset(dag: DagView, path: DataPath, value: str) -> Diagnostic:
    """The finding for an unset variable in a place that does not accept text."""
    name = next(name for written, name in variables(value) if written == value)
    message = f"`{name}` is not set here, and `{path[-1]}` cannot be text"
    return dag.subject.finding(Code.UNSET_VARIABLE, path, message, help="set it where Airflow reads the file, too")


def shown(value: object) -> str:
    """Text as a message may repeat it: what came from the environment stays as written."""
    return value.expression if isinstance(value, EnvText) else str(value)


def _uses(task: Part) -> str:
    """What a task is in this project's language, where a rule over several tasks asks for it."""
    decorator, operator = task.data.get("decorator"), task.data.get("operator")
    if isinstance(decorator, str):
        name = decorator.rpartition(".")[2].removesuffix("_task")
        return name if name in ("branch", "short_circuit") else "python"
    name = str(operator)
    is_branch = name.endswith(".BranchPythonOperator")
    return "branch" if is_branch else "empty" if name.endswith(".EmptyOperator") else name


def _arguments(task: Part, uses: str) -> dict[str, Any]:
    """What the operator or the function gets, where it is written as it is."""
    if uses == "branch":
        return {key: task.data[key] for key in ("python_callable",) if key in task.data}
    given = {**mapping_at(task.data, ("partial",)), **task.data}
    return {key: _in_a_run(value) for key, value in given.items() if key not in TASK_KEYS}


class _Later(str):
    """A text that is not what is written: of it nothing is known."""


def _in_a_run(value: Any) -> Any:
    """A value of ours for one that stands for another."""
    if is_unset(value) or (isinstance(value, str) and PLUS.fullmatch(value) is not None):
        return _Later(value)
    is_made = isinstance(value, dict) and (not OBJECT_KEYS.isdisjoint(value) or "__args__" in value)
    return {OBJECT: str(value.get("__type__", "made"))} if is_made else value


def _parts(written: Any, key: str, id_key: str) -> dict[str, Part]:
    found: dict[str, Part] = {}
    if isinstance(written, dict):
        for name, data in written.items():
            if isinstance(data, dict):
                found[name] = Part((key, name), name, data)
    elif isinstance(written, list):
        for index, data in enumerate(written):
            name = data.get(id_key) if isinstance(data, dict) else None
            if isinstance(name, str):
                found.setdefault(name, Part((key, index), name, data))
    return found
