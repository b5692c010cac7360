"""The tasks, groups and edges of a pipeline → the statements of Python that make them.

The pipeline is built, and what the build hands to Airflow is written down: both are made of the same arguments.
"""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.bases.decorator import DecoratedMappedOperator
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from factory.build.arguments import references_in
from factory.build.built_ins import operator_argument
from factory.build.dag import build, dag_arguments
from factory.build.edges import Placed, TaskReferences, placed, sources_of, waits
from factory.build.errors import BuildErrors
from factory.build.objects import Seen
from factory.build.python_code import (
    Code,
    Names,
    NoCodeError,
    call,
    is_name,
    laid_out,
    listed,
    method,
    quoted,
)
from factory.build.python_made import AIRFLOWS_OWN, CHOOSING, THE_DAG
from factory.build.python_values import SDK, ValueCode
from factory.build.tasks import OperatorBuilder
from factory.operators.http_stateful import PollCommitOperator
from schemas.check import CheckedPipeline
from schemas.expressions.reading import ExpandReference
from schemas.findings.paths import DataPath
from schemas.model.task import CodeTask, TaskGroup
from schemas.model.task_base import TaskBase

_WIDEST_CHAIN = 72
"""Columns of `a >> b >> c`, which may be inside groups."""

_DEFAULTS: Mapping[str, Any] = {
    **{"prefix_group_id": True, "default_args": {}, "op_kwargs": {}, "params": {}, "tags": [], "commits": True},
}
"""Arguments that need not be written with these values."""


Statement = tuple[str, Code]
"""The variable that is assigned, or nothing, and the code."""


class SeeingBuilder(OperatorBuilder):
    """An OperatorBuilder that notes what it makes operators and groups of."""

    objects: Seen

    def made(
        self,
        task: TaskBase,
        path: DataPath,
        operator: type[BaseOperator],
        whole: dict[str, Any],
        references: TaskReferences,
    ) -> Any:
        self.objects.tasks[path] = (operator, whole)
        return super().made(task, path, operator, whole, references)

    def made_group(self, group: TaskGroup, whole: dict[str, Any], references: TaskReferences) -> Any:
        made = super().made_group(group, whole, references)
        self.objects.groups[references.one.path] = (made, whole)
        return made


class Statements:
    """The statements of a pipeline. `environ` is that of `ValueCode`. `scope` is the mapped group in
    whose function names are looked up, `used` what is named somewhere, `waited` what arguments make a task wait for.

    Raises PipelineBuildError.
    """

    def __init__(
        self,
        pipeline: CheckedPipeline,
        seen: Seen,
        environ: Mapping[str, str],
    ) -> None:
        self.pipeline, self.model, self.seen = pipeline, pipeline.model, seen
        self.dag = build(pipeline, self.seen, SeeingBuilder)
        self.arguments = dag_arguments(pipeline, self.seen, BuildErrors())  # the build has found none
        self.entries = {one.full_id: one for one in placed(pipeline.model)}
        self.sources = {full_id: sources_of(one, self.entries) for full_id, one in self.entries.items()}
        groups = {full_id: one.entry for full_id, one in self.entries.items() if isinstance(one.entry, TaskGroup)}
        self.parameters = {
            full_id: _parameters(group) for full_id, group in groups.items() if self.entries[full_id].is_mapped_group
        }
        self.names = Names(
            self.seen.module_of, {*dir(builtins), *(name for names in self.parameters.values() for name in names)}
        )
        self.whole = self.names.new("dag")
        self.functions = {full_id: self.names.new(self.entries[full_id].entry.id) for full_id in self.parameters}
        self.variables = {full_id: self.names.new(one.entry.id, full_id) for full_id, one in self.entries.items()}
        depth = pipeline.file.count("/")
        self.folder = f"parents[{depth}]" if depth else "parent"
        self.values = ValueCode(self.names, self.seen, environ, self.folder, self._operator)
        self.scope: str | None = None
        self.used: set[str] = set()
        self.waited: dict[str, set[str]] = {}

    # How things are called.

    def _operator(self, operator: Any) -> tuple[str, bool]:
        name = self.name(operator.task_id)
        return name, isinstance(operator, DecoratedMappedOperator) and not name.startswith(f"{self.whole}.")

    def name(self, full_id: str) -> str:
        """What a task or a group is called in the function of the mapped group `scope`."""
        if self.entries[full_id].mapped_around not in (None, self.scope):
            self.used.add(THE_DAG)
            return f"{self.whole}.get_task({quoted(full_id)})"
        self.used.add(full_id)
        return self.variables[full_id]

    # The code of statements.

    def made(self, one: Placed) -> list[Statement]:
        """What makes a task or a group, the last of these; before it what that needs."""
        self.scope = one.mapped_around
        self.values.waited = self.waited.setdefault(one.full_id, set())
        variable = self.variables[one.full_id]
        entry = one.entry
        if isinstance(entry, TaskGroup):
            return [(variable, code) for code in self._group(one)]
        operator, whole = self.seen.tasks[one.path]
        built: Any = self.dag.get_task(one.full_id)
        arguments = {name: value for name, value in whole.items() if name != "task_group"}
        if "commits" in arguments:
            arguments["commits"] = built.commits
        if isinstance(built, DecoratedMappedOperator):
            return [*self._mapped_function(operator, built, arguments, variable)]
        if entry.is_mapped:
            return [(variable, self._mapped(entry, operator, built, arguments))]
        return [(variable, call(self._class(operator, arguments), **self.each(arguments)))]

    def each(self, arguments: Mapping[str, Any]) -> dict[str, Code]:
        return self.values.each({k: v for k, v in arguments.items() if k not in _DEFAULTS or v != _DEFAULTS[k]})

    def _class(self, operator: type, arguments: Mapping[str, Any]) -> str:
        """What an operator class is called."""
        known = self.seen.seen.get(id(operator))
        path = known[1] if known is not None else f"{operator.__module__}.{operator.__qualname__}"
        if path.endswith(".FileSensor") and "fs_conn_id" not in arguments:
            return self.names.of(path)  # Airflow's own would ask for a connection
        return self.names.of(AIRFLOWS_OWN.get(path, path))

    def _mapped(self, task: TaskBase, operator: type, built: Any, arguments: dict[str, Any]) -> Code:
        is_code = isinstance(task, CodeTask)
        names = {name if is_code else operator_argument(task, name) for name in task.mapped_names}
        constant = self.each({name: value for name, value in arguments.items() if name not in names})
        partial = call(f"{self._class(operator, arguments)}.partial", **constant)
        return self._expanded(partial, built.expand_input.value, strict=is_code)

    def _mapped_function(
        self, operator: type, built: Any, arguments: dict[str, Any], variable: str
    ) -> Iterator[Statement]:
        """TaskFlow's: Airflow's PythonOperator maps over no argument of its function."""
        function, constants = arguments.pop("python_callable"), arguments.pop("op_kwargs", {})
        word = CHOOSING.get(operator.__name__)
        name = self.names.of(f"{SDK}.task") + (f".{word}" if word else "")
        made: Code = call(name, [self.values.code(function)], **self.each({"multiple_outputs": False, **arguments}))
        if constants:
            each = self.names.new(f"each_{variable}")
            yield each, method(made, "partial", **self.values.each(constants))
            made = each
        yield variable, self._expanded(made, built.op_kwargs_expand_input.value, strict=True)

    def _expanded(self, code: Code, mapped: Any, *, strict: bool) -> Code:
        if isinstance(mapped, dict):
            return method(code, "expand", **self.values.each(mapped))
        return method(code, "expand_kwargs", [self.values.code(mapped)], **({} if strict else {"strict": "False"}))

    def _group(self, one: Placed) -> Iterator[Code]:
        """The group; of a mapped one the decorator, then the call of the function that is decorated."""
        group, whole = self.seen.groups[one.path]
        given = {"group_id": whole["group_id"], **whole}
        del given["parent_group"]
        arguments = self.each(given)
        if not isinstance(group, MappedTaskGroup):
            yield call(self.names.of(f"{SDK}.TaskGroup"), **arguments)
            return
        yield call(self.names.of(f"{SDK}.task_group"), **arguments)
        yield self._expanded(self.functions[one.full_id], group._expand_input.value, strict=True)

    def roles(self, one: Placed) -> Iterator[str]:
        """What makes a task a setup or a teardown."""
        task = one.entry
        if isinstance(task, TaskGroup) or not (task.setup or task.teardown is not None):
            return
        self.scope = one.mapped_around
        name = self.name(one.full_id)
        if task.setup:
            yield f"{name}.as_setup()"
        if task.teardown is not None:
            fails = task.on_failure_fail_dagrun
            yield f"{name}.as_teardown({'' if fails is None else f'on_failure_fail_dagrun={fails}'})"
            if task.is_mapped and fails:  # Airflow serializes a mapped operator's from there (3.3.2)
                operator = f"{name}.operator" if self._operator(self.dag.get_task(one.full_id))[1] else name
                yield f'{operator}.partial_kwargs["on_failure_fail_dagrun"] = True'

    def edges(self) -> dict[str | None, list[Code]]:
        """What waits for what but for its arguments, by the mapped group inside which that is said."""
        lines: dict[str | None, list[list[str]]] = {}
        with_poll = self.model.poll is not None
        for full_id, targets in waits(self.entries, self.sources, with_poll=with_poll):
            for target in targets:
                if target in self.waited[full_id]:
                    continue
                scopes = {self.entries[full_id].mapped_around, self.entries[target].mapped_around}
                self.scope = scopes.pop() if len(scopes) == 1 else None
                pair = [self.name(target), self.name(full_id)]
                chains = lines.setdefault(self.scope, [])
                if chains and chains[-1][-1] == pair[0] and len(" >> ".join([*chains[-1], pair[1]])) < _WIDEST_CHAIN:
                    chains[-1].append(pair[1])
                else:
                    chains.append(pair)
        return {scope: list(map(_chained, chains)) for scope, chains in lines.items()}

    def commits(self) -> Iterator[Statement]:
        """The last tasks that move the state of those that remember."""
        self.scope = None
        for commit in self.dag.tasks:
            if isinstance(commit, PollCommitOperator):
                named = {"task_id": commit.task_id, "poll_task_id": commit.poll_task_id}
                rule = f"{self.names.of(f'{SDK}.TriggerRule')}.{commit.trigger_rule.name}"
                state = f"{self.name(commit.poll_task_id)}.state"
                made = call(self.values.named(commit), **self.values.each(named), state=state, trigger_rule=rule)
                before = [self.name(full_id) for full_id in sorted(commit.upstream_task_ids)]
                variable = self.names.new(commit.task_id)
                yield variable, made
                yield "", laid_out(listed(before), 1) + f" >> {variable}"


def _chained(chain: list[str]) -> Code:
    """`a >> b`, or a call where that is too long for a line."""
    line = " >> ".join(chain)
    return line if len(line) < _WIDEST_CHAIN else method(chain[1], "set_upstream", [chain[0]])


def _parameters(group: TaskGroup) -> list[str]:
    """The parameters of the function of a mapped group: what is mapped, and what its tasks ask for. Python names them
    as the rows do, so that all else is named otherwise."""
    rows = group.expand_kwargs if isinstance(group.expand_kwargs, list) else []
    found = dict.fromkeys([*(name for row in (group.expand or {}, *rows) for name in row), *_asked(group)])
    for name in itertools.filterfalse(is_name, found):
        raise NoCodeError(f"a function of Python takes no argument `{name}`")
    return list(found)


def _asked(entry: TaskBase | TaskGroup) -> Iterator[str]:
    if isinstance(entry, TaskGroup):
        for one in entry.tasks:
            yield from _asked(one)
        return
    for reference in references_in([dict(entry.written_arguments), entry.expand, entry.expand_kwargs]):
        if isinstance(reference, ExpandReference):
            yield reference.name
