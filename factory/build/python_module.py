"""A checked pipeline → a Python module that gives the same DAG.

The pipeline is built, and what the build hands to Airflow is written down: both are made of the same arguments.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.bases.decorator import DecoratedMappedOperator
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from factory.build.built_ins import operator_argument
from factory.build.dag import build, dag_arguments
from factory.build.edges import Placed, TaskReferences, placed, sources_of, waits
from factory.build.errors import BuildErrors
from factory.build.python_code import Code, Names, call, laid_out, listed, method, quoted
from factory.build.python_values import SDK, NoCodeError, SeenObjects, ValueCode
from factory.build.tasks import OperatorBuilder
from factory.operators.poll_commit import PollCommitOperator
from schemas.check import CheckedPipeline
from schemas.compose.effective import Effective
from schemas.dagfactory.convert.writing import comments
from schemas.findings.paths import DataPath
from schemas.model.task import CodeTask, TaskGroup
from schemas.model.task_base import POLL_TASK_ID, TaskBase

_AIRFLOWS_OWN = {
    "factory.operators.bash.BashOperator": "airflow.providers.standard.operators.bash.BashOperator",
    "factory.operators.file_sensor.FileSensor": "airflow.providers.standard.sensors.filesystem.FileSensor",
    "factory.operators.other_dags.ExternalTaskSensor": (
        "airflow.providers.standard.sensors.external_task.ExternalTaskSensor"
    ),
}
"""Small subclasses of ours with the same arguments, and Airflow's classes."""
_DECORATORS = {"BranchPythonOperator": ".branch", "ShortCircuitOperator": ".short_circuit"}
_WIDEST_CHAIN = 72
"""Columns of `a >> b >> c`, which may be inside groups."""
_FIRST = ("dag_display_name", "description", "schedule", "start_date", "end_date", "catchup")
_DEFAULTS: Mapping[str, Any] = {
    **{"prefix_group_id": True, "default_args": {}, "op_kwargs": {}, "params": {}, "tags": [], "commits": True},
}
"""Arguments that need not be written with these values."""


@dataclass(frozen=True)
class _SeenTasks(SeenObjects):
    """What the operators and groups of each path were made of, too."""

    tasks: dict[DataPath, tuple[type, dict[str, Any]]] = field(default_factory=dict)
    groups: dict[DataPath, tuple[Any, dict[str, Any]]] = field(default_factory=dict)


class _SeeingBuilder(OperatorBuilder):
    objects: _SeenTasks

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


class _Parameters(dict[str, str]):
    """The parameters of the function of a mapped group: those that are mapped, and those that are asked for."""

    def __missing__(self, name: str) -> str:
        if not name.isidentifier():
            raise NoCodeError(f"a function of Python takes no argument `{name}`")
        self[name] = name
        return name


@dataclass
class _Block:
    """An entry, with what is inside it where it is a group; a group may be opened again."""

    one: Placed
    again: bool = False
    inside: list[_Block] = field(default_factory=list)


_Statement = tuple[str, Code]
"""The variable that is assigned, or nothing, and the code."""


class PythonModule:
    """The module of a pipeline, with the comments of its `effective` document. `environ` and `unset` are those of
    `ValueCode`.

    Raises PipelineBuildError.
    """

    def __init__(
        self,
        pipeline: CheckedPipeline,
        effective: Effective,
        environ: Mapping[str, str] = MappingProxyType({}),
        unset: frozenset[str] = frozenset(),
    ) -> None:
        self.pipeline, self.model = pipeline, pipeline.model
        self.seen = _SeenTasks(pipeline.folder, pipeline.model.timezone)
        self.dag = build(pipeline, self.seen, _SeeingBuilder)
        self.arguments = dag_arguments(pipeline, self.seen, BuildErrors())  # the build has found none
        self.entries = {one.full_id: one for one in placed(pipeline.model)}
        self.sources = {full_id: sources_of(one, self.entries) for full_id, one in self.entries.items()}
        self.parameters = {
            full_id: _Parameters((name, name) for name in _mapped_names(one.entry))
            for full_id, one in self.entries.items()
            if _is_mapped_group(one)
        }
        self.comments = _comments(effective, [one.path for one in self.entries.values()])
        self.names = Names({"dag", *dir(builtins), *(name for names in self.parameters.values() for name in names)})
        self.functions = {full_id: self.names.new(self.entries[full_id].entry.id) for full_id in self.parameters}
        self.variables = {full_id: self.names.new(one.entry.id, full_id) for full_id, one in self.entries.items()}
        depth = pipeline.file.count("/")
        self.folder = f"parents[{depth}]" if depth else "parent"
        self.values = ValueCode(self.names, self.seen, environ, unset, self.folder, self._operator)
        self.scope: str | None = None
        self.used: set[str] = set()
        self.waited: dict[str, set[str]] = {}

    def text(self) -> str:
        """The module's text. Raises NoCodeError for what no code gives."""
        blocks = self._blocks()
        self.used |= {block.one.full_id for block in _walked(blocks) if block.again}
        made = {one.full_id: self._made(one) for one in self.entries.values()}
        self.scope = None
        asset = self._watched_asset()
        arguments = self._dag_arguments(asset)
        edges = self._edges()
        roles = {full_id: list(self._roles(one)) for full_id, one in self.entries.items()}
        last = list(self._commits())
        if asset:
            last.append(("", f"{self._name(POLL_TASK_ID)}.state.watchers = {asset[0]}.watchers"))
        first = list(self._zone())
        body = [*first, *self._lines(blocks, 1, made, roles, edges)]
        for lines in ([("", edge) for edge in edges.get(None, [])], last):
            body += (
                ["", *(laid_out(code, 1, f"    {name} = " if name else "    ") for name, code in lines)]
                if lines
                else []
            )
        ending = " as dag:" if "dag" in self.used else ":"
        head = laid_out(call(self.names.of(f"{SDK}.DAG"), **arguments), 0, "with ", ending)
        above = [laid_out(asset[1], 0, f"{asset[0]} = "), ""] if asset else []
        whole = "\n".join([*above, *self.comments.get((), ()), head, *body])
        return f"{self._docstring()}\n\n{self.names.imports()}\n\n{whole}\n"

    # How things are called.

    def _operator(self, operator: Any) -> tuple[str, bool]:
        name = self._name(operator.task_id)
        return name, isinstance(operator, DecoratedMappedOperator) and not name.startswith("dag.")

    def _name(self, full_id: str) -> str:
        """What a task or a group is called in the function of the mapped group `scope`."""
        if _scope(self.entries[full_id]) not in (None, self.scope):
            self.used.add("dag")
            return f"dag.get_task({quoted(full_id)})"
        self.used.add(full_id)
        return self.variables[full_id]

    # The order of statements: the document's, but what is used comes before what uses it.

    def _blocks(self) -> list[_Block]:
        done: dict[str, bool] = {}
        linear: list[Placed] = []

        def visit(one: Placed) -> None:
            if one.full_id in done:
                if not done[one.full_id]:
                    raise NoCodeError(f"a task outside of the mapped group `{one.full_id}` is between two inside it")
                return
            done[one.full_id] = False
            inside = [entry for entry in self.entries.values() if one in entry.around] if _is_mapped_group(one) else []
            for entry in (one, *inside):
                sources = self.sources[entry.full_id]
                for source in (*sources.arguments, *sources.mapped):
                    if self.entries[source] not in inside:
                        visit(self.entries[source])
            if one.group is not None:
                visit(one.group)
            done[one.full_id] = True
            linear.append(one)
            for entry in inside:
                visit(entry)

        for one in self.entries.values():
            if not one.is_group or _is_mapped_group(one):
                visit(one)
        return _nested(linear)

    # The code of statements.

    def _made(self, one: Placed) -> list[_Statement]:
        """What makes a task or a group, the last of these; before it what that needs."""
        self.scope = _scope(one)
        self.values.arguments = self.parameters[self.scope] if self.scope is not None else {}
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
        return [(variable, call(self._class(operator, arguments), **self._each(arguments)))]

    def _each(self, arguments: Mapping[str, Any]) -> dict[str, Code]:
        return self.values.each({k: v for k, v in arguments.items() if k not in _DEFAULTS or v != _DEFAULTS[k]})

    def _class(self, operator: type, arguments: Mapping[str, Any]) -> str:
        """What an operator class is called."""
        known = self.seen.seen.get(id(operator))
        path = known[1] if known is not None else f"{operator.__module__}.{operator.__qualname__}"
        if path.endswith(".FileSensor") and "fs_conn_id" not in arguments:
            return self.names.of(path)  # Airflow's own would ask for a connection
        return self.names.of(_AIRFLOWS_OWN.get(path, path))

    def _mapped(self, task: TaskBase, operator: type, built: Any, arguments: dict[str, Any]) -> Code:
        is_code = isinstance(task, CodeTask)
        names = {name if is_code else operator_argument(task, name) for name in task.mapped_names}
        constant = self._each({name: value for name, value in arguments.items() if name not in names})
        partial = call(f"{self._class(operator, arguments)}.partial", **constant)
        return self._expanded(partial, built.expand_input.value, strict=is_code)

    def _mapped_function(
        self, operator: type, built: Any, arguments: dict[str, Any], variable: str
    ) -> Iterator[_Statement]:
        """TaskFlow's: Airflow's PythonOperator maps over no argument of its function."""
        function, constants = arguments.pop("python_callable"), arguments.pop("op_kwargs", {})
        name = f"{self.names.of(f'{SDK}.task')}{_DECORATORS.get(operator.__name__, '')}"
        made: Code = call(name, [self.values.code(function)], **self._each({"multiple_outputs": False, **arguments}))
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
        arguments = self._each(given)
        if not isinstance(group, MappedTaskGroup):
            yield call(self.names.of(f"{SDK}.TaskGroup"), **arguments)
            return
        yield call(self.names.of(f"{SDK}.task_group"), **arguments)
        yield self._expanded(self.functions[one.full_id], group._expand_input.value, strict=True)

    def _roles(self, one: Placed) -> Iterator[str]:
        """What makes a task a setup or a teardown."""
        task = one.entry
        if isinstance(task, TaskGroup) or not (task.setup or task.teardown is not None):
            return
        self.scope = _scope(one)
        name = self._name(one.full_id)
        if task.setup:
            yield f"{name}.as_setup()"
        if task.teardown is not None:
            fails = task.on_failure_fail_dagrun
            yield f"{name}.as_teardown({'' if fails is None else f'on_failure_fail_dagrun={fails}'})"
            if task.is_mapped and fails:  # Airflow serializes a mapped operator's from there (3.3.2)
                operator = f"{name}.operator" if self._operator(self.dag.get_task(one.full_id))[1] else name
                yield f'{operator}.partial_kwargs["on_failure_fail_dagrun"] = True'

    def _edges(self) -> dict[str | None, list[Code]]:
        """What waits for what but for its arguments, by the mapped group inside which that is said."""
        lines: dict[str | None, list[list[str]]] = {}
        with_poll = self.model.poll is not None
        for full_id, targets in waits(self.entries, self.sources, with_poll=with_poll):
            for target in targets:
                if target in self.waited[full_id]:
                    continue
                scopes = {_scope(self.entries[full_id]), _scope(self.entries[target])}
                self.scope = scopes.pop() if len(scopes) == 1 else None
                pair = [self._name(target), self._name(full_id)]
                chains = lines.setdefault(self.scope, [])
                if chains and chains[-1][-1] == pair[0] and len(" >> ".join([*chains[-1], pair[1]])) < _WIDEST_CHAIN:
                    chains[-1].append(pair[1])
                else:
                    chains.append(pair)
        return {scope: list(map(_chained, chains)) for scope, chains in lines.items()}

    def _commits(self) -> Iterator[_Statement]:
        """The last tasks that move the state of those that remember."""
        self.scope = None
        for commit in self.dag.tasks:
            if isinstance(commit, PollCommitOperator):
                named = {"task_id": commit.task_id, "poll_task_id": commit.poll_task_id}
                rule = f"{self.names.of(f'{SDK}.TriggerRule')}.{commit.trigger_rule.name}"
                state = f"{self._name(commit.poll_task_id)}.state"
                made = call(self.values.named(commit), **self.values.each(named), state=state, trigger_rule=rule)
                before = [self._name(full_id) for full_id in sorted(commit.upstream_task_ids)]
                variable = self.names.new(commit.task_id)
                yield variable, made
                yield "", laid_out(listed(before), 1) + f" >> {variable}"

    # The DAG.

    def _dag_arguments(self, asset: _Statement | None) -> dict[str, Code]:
        arguments = self.arguments | {"dag_id": self.pipeline.dag_id, "tags": self.model.tags}
        del arguments["template_searchpath"]
        if self.dag.max_active_runs == 1:
            arguments["max_active_runs"] = 1
        params = {
            name: param if param.schema or param.description else param.value
            for name, param in arguments["params"].items()
        }
        arguments["params"] = params
        ordered = {name: arguments.pop(name) for name in ("dag_id", *_FIRST) if name in arguments}
        code = self._each({**ordered, **arguments})
        if asset:
            code["schedule"] = listed([asset[0]])
        if self.folder != "parent":  # `.sql` and `.sh` files are looked for there, too
            code["template_searchpath"] = f"str({self.names.of('pathlib.Path')}(__file__).{self.folder})"
        return code

    def _zone(self) -> Iterator[str]:
        """Airflow takes a DAG's time zone from its `start_date`, else from its configuration."""
        zone, start = self.model.timezone, self.model.start_date
        defaults = self.model.default_args
        if start is None and defaults is not None:
            start = defaults.start_date
        if zone != "UTC" and start is None:
            self.used.add("dag")
            yield f"    dag.timezone = {self.names.module('pendulum')}.timezone({quoted(zone)})"
            yield ""

    def _watched_asset(self) -> _Statement | None:
        """The asset of a watched poll, which the poll's state and the schedule share."""
        if self.model.poll is None or self.model.poll.watch is None:
            return None
        return self.names.new("watched"), self.values.code(
            dag_arguments(self.pipeline, self.seen, BuildErrors())["schedule"][0]
        )

    def _docstring(self) -> str:
        file = self.pipeline.file.rpartition("/")[2]
        lines = [f"The DAG `{self.pipeline.dag_id}`, converted from {file} by `factory convert --to python`."]
        ours = sorted({path.rpartition(".")[2] for path in self.names.imported() if path.startswith("factory.")})
        if ours:
            lines += ["", f"It needs the package airflow-pipeline-factory, for {', '.join(ours)}."]
        return '"""' + "\n".join(lines) + ("\n" if len(lines) > 1 else "") + '"""'

    # Lines.

    def _lines(
        self,
        blocks: Sequence[_Block],
        depth: int,
        made: Mapping[str, Sequence[_Statement]],
        roles: Mapping[str, Sequence[str]],
        edges: Mapping[str | None, Sequence[Code]],
    ) -> list[str]:
        margin = "    " * depth
        lines: list[str] = []
        for block in blocks:
            comments = [] if block.again else [f"{margin}{line}" for line in self.comments.get(block.one.path, ())]
            written = self._written(block, depth, made, roles, edges)
            is_function = _is_mapped_group(block.one)
            if is_function or (lines and (comments or "\n" in lines[-1] or "\n" in written[0])):
                lines.append("")
            lines += [*comments, *written]
        return lines

    def _written(
        self,
        block: _Block,
        depth: int,
        made: Mapping[str, Sequence[_Statement]],
        roles: Mapping[str, Sequence[str]],
        edges: Mapping[str | None, Sequence[Code]],
    ) -> list[str]:
        """The lines of a task, or of a group with all that is in it."""
        margin, full_id = "    " * depth, block.one.full_id
        variable, statements = self.variables[full_id], made[full_id]
        assigned = f"{margin}{variable} = " if full_id in self.used or roles[full_id] else margin
        if not block.one.is_group:
            *before, (_, code) = statements
            lines = [laid_out(one, depth, f"{margin}{name} = ") for name, one in before]
            return [*lines, laid_out(code, depth, assigned), *(f"{margin}{role}" for role in roles[full_id])]
        inside = self._lines(block.inside, depth + 1, made, roles, edges)
        if not _is_mapped_group(block.one):
            if block.again:
                return [f"{margin}with {variable}:", *inside]
            ending = f" as {variable}:" if full_id in self.used else ":"
            return [laid_out(statements[0][1], depth, f"{margin}with ", ending), *inside]
        own = edges.get(full_id, [])
        parameters = ", ".join(f"{name}: {self.names.of('typing.Any')}" for name in self.parameters[full_id])
        return [
            laid_out(statements[0][1], depth, f"{margin}@"),
            f"{margin}def {self.functions[full_id]}({parameters}) -> None:",
            *inside,
            *(["", *(laid_out(line, depth + 1, f"{margin}    ") for line in own)] if own else []),
            "",
            laid_out(statements[1][1], depth, assigned),
        ]


def _chained(chain: list[str]) -> Code:
    """`a >> b`, or a call where that is too long for a line."""
    line = " >> ".join(chain)
    return line if len(line) < _WIDEST_CHAIN else method(chain[1], "set_upstream", [chain[0]])


def _comments(effective: Effective, paths: Sequence[DataPath]) -> dict[DataPath, list[str]]:
    """The comments of the file by the path of the task or group that they are about; the DAG's are at ()."""
    found: dict[DataPath, list[str]] = {}
    own = effective.layers[-1]
    places = {place: path for path in reversed(paths) for layer, place in [effective.key_origin(path)] if layer is own}
    written = comments(own)
    for place, lines in (*written.above.items(), *((place, [line]) for place, line in written.behind.items())):
        about = (places.get(place[:length]) for length in range(len(place), -1, -1))
        spaced = [line if line[1:2] in ("", " ", "#") else f"# {line[1:]}" for line in lines]
        found.setdefault(next((path for path in about if path is not None), ()), []).extend(spaced)
    return found


def _walked(blocks: Sequence[_Block]) -> Iterator[_Block]:
    for block in blocks:
        yield block
        yield from _walked(block.inside)


def _is_mapped_group(one: Placed) -> bool:
    entry = one.entry
    return isinstance(entry, TaskGroup) and (entry.expand is not None or entry.expand_kwargs is not None)


def _scope(one: Placed) -> str | None:
    """The mapped group around an entry."""
    return next((group.full_id for group in one.around if _is_mapped_group(group)), None)


def _mapped_names(group: Any) -> list[str]:
    rows = group.expand_kwargs if isinstance(group.expand_kwargs, list) else []
    return list(dict.fromkeys(name for row in (group.expand or {}, *rows) for name in row))


def _nested(linear: Sequence[Placed]) -> list[_Block]:
    """Entries in the blocks of their groups; what is between two tasks of a group closes it for a while."""
    blocks: list[_Block] = []
    open_: list[_Block] = []
    for one in linear:
        groups = [*one.around][::-1]
        while open_ and [block.one for block in open_] != groups[: len(open_)]:
            open_.pop()
        opened = [*(_Block(group, again=True) for group in groups[len(open_) :]), _Block(one)]
        for block in opened:
            (open_[-1].inside if open_ else blocks).append(block)
            if block.one.is_group:
                open_.append(block)
    return blocks
