"""A checked pipeline → a Python module that gives the same DAG; and all modules of a file, for `factory convert`.

The pipeline is built, and what the build hands to Airflow is written down: both are made of the same arguments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from factory.build.dag import dag_arguments
from factory.build.errors import BuildErrors, PipelineBuildError, build_diagnostics
from factory.build.objects import Seen
from factory.build.python_code import (
    Block,
    Code,
    NoCodeError,
    call,
    documented,
    laid_out,
    listed,
    ordered,
    quoted,
    walked,
)
from factory.build.python_made import THE_DAG
from factory.build.python_statements import Statement, Statements
from factory.build.python_values import SDK
from schemas.check import CheckedPipeline, Checker, CheckOptions
from schemas.compose.effective import Effective
from schemas.compose.env_values import Traced, param_default
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.conversion import written_variables
from schemas.dagfactory.convert.writing import comments_about
from schemas.expressions.reading import EnvReference
from schemas.findings.codes import Code as FindingCode
from schemas.findings.diagnostics import has_errors
from schemas.findings.paths import DataPath, task_path
from schemas.model.task_base import POLL_TASK_ID
from schemas.rules.subject import Subject
from schemas.shape.places import built_at

_FIRST = ("dag_display_name", "description", "schedule", "start_date", "end_date", "catchup")


class PythonModule(Statements):
    """The module of a pipeline, with the comments of its `effective` document.

    Raises PipelineBuildError.
    """

    def __init__(
        self,
        pipeline: CheckedPipeline,
        effective: Effective,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(pipeline, Seen(pipeline.folder, pipeline.model.timezone), environ)
        self._comments = comments_about(effective, [one.path for one in self.entries.values()])
        self._made: dict[str, list[Statement]] = {}
        self._said: dict[str, list[str]] = {}
        self._between: dict[str | None, list[Code]] = {}

    def held(self, path: DataPath) -> Any:
        """What is built at a path of the document."""
        if path[-1] == "default" and path[-3] == "params":
            return param_default(built_at(self.model, path[:-1]))
        task = task_path(path)
        _, whole = self.seen.tasks.get(task, (None, {}))
        fitted = built_at(whole, path[len(task) + 1 :])
        return fitted if isinstance(fitted, date | time | timedelta) else built_at(self.model, path)

    def text(self) -> str:
        """The module's text. Raises NoCodeError for what no code gives."""
        blocks = ordered(self.entries, self.sources)
        self.used |= {block.one.full_id for block in walked(blocks) if block.again}
        self._made = {one.full_id: self.made(one) for one in self.entries.values()}
        self.scope = None
        asset = self._watched_asset()
        arguments = self._dag_arguments(asset)
        self._between = self.edges()
        self._said = {full_id: list(self.roles(one)) for full_id, one in self.entries.items()}
        last = list(self.commits())
        if asset:
            last.append(("", f"{self.name(POLL_TASK_ID)}.state.watchers = {asset[0]}.watchers"))
        first = list(self._zone())
        body = [*first, *self._lines(blocks, 1)]
        for lines in ([("", edge) for edge in self._between.get(None, [])], last):
            body += (
                ["", *(laid_out(code, 1, f"    {name} = " if name else "    ") for name, code in lines)]
                if lines
                else []
            )
        ending = f" as {self.whole}:" if THE_DAG in self.used else ":"
        head = laid_out(call(self.names.of(f"{SDK}.DAG"), **arguments), 0, "with ", ending)
        above = [laid_out(asset[1], 0, f"{asset[0]} = "), ""] if asset else []
        whole = "\n".join([*above, *self._comments.get((), ()), head, *body])
        return f"{self._docstring()}\n\n{self.names.imports()}\n\n{whole}\n"

    # The DAG.

    def _dag_arguments(self, asset: Statement | None) -> dict[str, Code]:
        arguments = self.arguments | {"dag_id": self.pipeline.dag_id, "tags": self.model.tags}
        del arguments["template_searchpath"]
        if self.dag.max_active_runs == 1:
            arguments["max_active_runs"] = 1
        given = arguments["params"].items()
        arguments["params"] = {name: one if one.schema or one.description else one.value for name, one in given}
        first = {name: arguments.pop(name) for name in ("dag_id", *_FIRST) if name in arguments}
        code = self.each({**first, **arguments})
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
            self.used.add(THE_DAG)
            yield f"    {self.whole}.timezone = {self.names.module('pendulum')}.timezone({quoted(zone)})"
            yield ""

    def _watched_asset(self) -> Statement | None:
        """The asset of a watched poll, which the poll's state and the schedule share."""
        if self.model.poll is None or self.model.poll.watch is None:
            return None
        asset = dag_arguments(self.pipeline, self.seen, BuildErrors())["schedule"][0]
        return self.names.new("watched"), self.values.code(asset)

    def _docstring(self) -> str:
        folder, _, file = self.pipeline.file.rpartition("/")
        lines = [f"The DAG `{self.pipeline.dag_id}`, converted from {file} by `factory convert --to python`."]
        if folder:
            lines += ["", f"Its place is the folder {folder}/ below that of the DAGs."]
        ours = sorted({path.rpartition(".")[2] for path in self.names.imported() if path.startswith("factory.")})
        if ours:
            lines += ["", f"It needs the package airflow-pipeline-factory, for {', '.join(ours)}."]
        return documented(lines)

    # Lines.

    def _lines(self, blocks: Sequence[Block], depth: int) -> list[str]:
        margin = "    " * depth
        lines: list[str] = []
        for block in blocks:
            comments = [] if block.again else [f"{margin}{line}" for line in self._comments.get(block.one.path, ())]
            written = self._written(block, depth)
            is_function = block.one.is_mapped_group
            if is_function or (lines and (comments or "\n" in lines[-1] or "\n" in written[0])):
                lines.append("")
            lines += [*comments, *written]
        return lines

    def _written(self, block: Block, depth: int) -> list[str]:
        """The lines of a task, or of a group with all that is in it."""
        margin, full_id = "    " * depth, block.one.full_id
        variable, statements, roles = self.variables[full_id], self._made[full_id], self._said[full_id]
        assigned = f"{margin}{variable} = " if full_id in self.used or roles else margin
        if not block.one.is_group:
            *before, (_, code) = statements
            lines = [laid_out(one, depth, f"{margin}{name} = ") for name, one in before]
            return [*lines, laid_out(code, depth, assigned), *(f"{margin}{role}" for role in roles)]
        inside = self._lines(block.inside, depth + 1)
        if not block.one.is_mapped_group:
            if block.again:
                return [f"{margin}with {variable}:", *inside]
            ending = f" as {variable}:" if full_id in self.used else ":"
            return [laid_out(statements[0][1], depth, f"{margin}with ", ending), *inside]
        own = self._between.get(full_id, [])
        parameters = ", ".join(f"{name}: {self.names.of('typing.Any')}" for name in self.parameters[full_id])
        return [
            laid_out(statements[0][1], depth, f"{margin}@"),
            f"{margin}def {self.functions[full_id]}({parameters}) -> None:",
            *inside,
            *(["", *(laid_out(line, depth + 1, f"{margin}    ") for line in own)] if own else []),
            "",
            laid_out(statements[1][1], depth, assigned),
        ]


class Modules:
    """This project's files → Python modules. What `${env.NAME}` gives is read from the environment again, as far as it
    is text."""

    def __init__(self, folder: Path, options: CheckOptions) -> None:
        self._folder, self._options = folder, options
        self._checker = Checker(folder, options)

    def of(self, path: str) -> Iterator[ConvertedDag]:
        """The modules of a file's DAGs."""
        subjects = {one.dag_id: Subject(path, one.effective) for one in self._checker.variants(path)}
        meanings = [one.meaning for subject in subjects.values() for _, one in subject.expressions]
        names = {one.name for one in meanings if isinstance(one, EnvReference)}
        if self._tracing(names).file(path).has_errors:  # some are chosen from a list
            names = {name for name in names if not self._tracing([name]).file(path).has_errors}
        yield from (self._module(dag_id, subject, names) for dag_id, subject in subjects.items())

    def _tracing(self, names: Iterable[str]) -> Checker:
        return Checker(self._folder, replace(self._options, environ=Traced(self._checker.environ, names)))

    def _module(self, dag_id: str, subject: Subject, names: Collection[str]) -> ConvertedDag:
        traced = Traced(self._checker.environ, names)
        found = self._tracing(names).file(subject.path).pipelines
        pipeline = next(one for one in found if one.dag_id == dag_id)
        assert isinstance(pipeline, CheckedPipeline)  # noqa: S101 # no others are chosen
        try:
            module = PythonModule(pipeline, subject.effective, self._checker.environ)
            written = tuple(written_variables(subject, traced, module.held))
            text = "" if has_errors(written) else module.text()
            compile(text, f"{dag_id}.py", "exec", dont_inherit=True)
            return ConvertedDag(dag_id, text, written)
        except PipelineBuildError as error:
            if names:
                return self._module(dag_id, subject, ())  # an operator may read a text as something else
            return ConvertedDag(dag_id, "", tuple(build_diagnostics(self._checker, subject.path, error)))
        except NoCodeError as error:
            lost = subject.finding(FindingCode.NOT_CONVERTED, (), f"there is no Python module of `{dag_id}`: {error}")
            return ConvertedDag(dag_id, "", (lost,))
        except SyntaxError as error:
            message = f"the Python module of `{dag_id}` does not compile: {error.msg}: {(error.text or '').strip()}"
            help_text = "this is a bug in pipeline-factory, not in the file: please report it"
            return ConvertedDag(dag_id, "", (subject.finding(FindingCode.CHECK_FAILED, (), message, help=help_text),))
