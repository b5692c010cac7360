"""What the parts of a conversion share: one DAG, its text and functions in this language's words, and what is lost."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from schemas.compose.env_values import Traced, gives_secret, is_airflows_own
from schemas.dagfactory.dag_view import DagView
from schemas.dagfactory.reading import VARIABLE, variable_name
from schemas.expressions.reading import EnvReference, escape
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.times import TRACE
from schemas.rules.subject import Subject
from schemas.source import Class, Function, SourceReader
from schemas.source.facts import by_name

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_SHELL_ARGUMENTS = frozenset(
    {"arguments", "bash_command", "cmds", "command", "commands", "doc", "doc_md", "script", "sql", "templates_dict"}
)
"""Arguments in which an unset `$NAME` is most likely a shell's or a database's, so it gets no finding."""

STANDARD = "airflow.providers.standard"
OPERATORS: Mapping[str, str] = MappingProxyType(
    {
        "bash": f"{STANDARD}.operators.bash.BashOperator",
        "empty": f"{STANDARD}.operators.empty.EmptyOperator",
        "latest_only": f"{STANDARD}.operators.latest_only.LatestOnlyOperator",
        "wait_file": f"{STANDARD}.sensors.filesystem.FileSensor",
        "wait_http": "airflow.providers.http.sensors.http.HttpSensor",
        "wait_sql": "airflow.providers.common.sql.sensors.sql.SqlSensor",
        "wait_dag": f"{STANDARD}.sensors.external_task.ExternalTaskSensor",
        "trigger_dag": f"{STANDARD}.operators.trigger_dagrun.TriggerDagRunOperator",
        "email": "airflow.providers.smtp.operators.smtp.EmailOperator",
        "http": "factory.operators.http.HttpRequestOperator",
        "sql": "factory.operators.sql.SqlOperator",
        "load": "factory.operators.load.LoadOperator",
        "duckdb": "factory.operators.sql.DuckdbOperator",
        "check": "factory.operators.check.CheckOperator",
        "chart": "factory.operators.models.ChartOperator",
        "predict": "factory.operators.models.PredictOperator",
    }
)
"""The operator class behind a built-in whose arguments have the same names."""
REQUEST_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("url", "conn_id", "endpoint", "headers", "data", "body", "to")},
        **{"params": "query", "json": "json_body"},
    }
)
"""What a request gives its operator by name; all else is in `settings`."""


class UnquotedText(str):
    """Text that is written without quotes, such as a date."""

    __slots__ = ()


_PLAIN: Mapping[type, str] = MappingProxyType(
    {str: "text", int: "a number", float: "a number", Mapping: "a mapping"}
    | dict.fromkeys((list, tuple, set, frozenset), "a list")
)


def is_word_of_airflow(value: Any) -> bool:
    """Whether it is one of the words, as for trigger rules, for which Airflow takes the text, too."""
    return isinstance(value, Enum) and isinstance(value, str) and type(value).__module__.startswith("airflow.")


def nearly(value: Any) -> str | None:
    """What YAML has in place of a value that is nearly text, a number, a list or a mapping; None where it is that, or
    is none of them."""
    if type(value) in (str, int, float, bool, list, dict, UnquotedText) or is_word_of_airflow(value):
        return None
    return next((name for kind, name in _PLAIN.items() if isinstance(value, kind)), None)


@dataclass(frozen=True, slots=True)
class Converted:
    """A part of the new document.

    `value` is a scalar, or a dict or a list of `Converted`. `source` is the path in the effective document that it was
    made of, None for a part that has no counterpart there. `flow`: a short list goes on one line.
    """

    value: Any
    source: DataPath | None = None
    flow: bool = False

    @classmethod
    def listed(cls, items: Sequence[Converted], source: DataPath | None = None) -> Converted:
        """A list, on one line where its items are plain."""
        return cls(list(items), source, flow=not any(isinstance(one.value, dict | list) for one in items))

    @classmethod
    def names(cls, names: Iterable[str], source: DataPath | None = None) -> Converted:
        """A list of names."""
        return cls([cls(name) for name in names], source, flow=True)

    @property
    def plain(self) -> Any:
        """The value as plain data."""
        if isinstance(self.value, dict):
            return {key: child.plain for key, child in self.value.items()}
        return [child.plain for child in self.value] if isinstance(self.value, list) else self.value

    def sources(self) -> Iterator[DataPath]:
        """The sources of this part and of all parts in it."""
        if self.source is not None:
            yield self.source
        children = self.value.values() if isinstance(self.value, dict) else self.value
        for child in children if isinstance(self.value, dict | list) else ():
            yield from child.sources()


class Reports:
    """What could not be converted, or is written otherwise, at places of the subject."""

    subject: Subject
    findings: list[Diagnostic]

    def lost(self, path: DataPath, message: str, help: str = "", *, at_key: bool = True) -> None:
        """Report what could not be converted."""
        self.findings.append(self.subject.finding(Code.NOT_CONVERTED, path, message, at_key=at_key, help=help))

    def changed(self, path: DataPath, message: str, help: str = "", *, at_key: bool = True) -> None:
        """Report what is written differently, or left out because it had no effect."""
        code = Code.CONVERTED_OTHERWISE
        self.findings.append(self.subject.finding(code, path, message, at_key=at_key, help=help))

    def waits(self, path: DataPath, task_id: str, left_out: str, others: Iterable[str], *, at_key: bool = True) -> None:
        """Report that a task waits for others in place of one that is left out."""
        shown = ", ".join(f"`{one}`" for one in others) or "nothing"
        self.changed(path, f"`{left_out}` is left out: `{task_id}` waits for {shown} in its place", at_key=at_key)

    @property
    def once(self) -> tuple[Diagnostic, ...]:
        """The findings, each once."""
        return tuple({(d.sort_key, d.message): d for d in self.findings}.values())


@dataclass(frozen=True)
class Conversion(Reports):
    """One DAG. Its text keeps `$NAME` as written; `environ` has the values. `folder` is the absolute path of the
    pipelines folder, `path` the document's path below it."""

    dag: DagView
    folder: Path
    path: str
    environ: Mapping[str, str] = field(repr=False)
    reader: SourceReader = field(repr=False)
    findings: list[Diagnostic] = field(default_factory=list)

    @property
    def subject(self) -> Subject:  # type: ignore[override] # a field of the others
        """The DAG's document."""
        return self.dag.subject

    @property
    def places(self) -> tuple[Path, Path]:
        """Where a relative path is looked up: beside the document, then in the pipelines folder."""
        return (self.folder / self.path).parent, self.folder

    def text(self, path: DataPath, text: str) -> str:
        """Text with `$NAME` → `${env.NAME}`; adds findings about its variables."""
        parts: list[str] = []
        end = 0
        for match in VARIABLE.finditer(text) if "$" in text else ():
            parts += (escape(text[end : match.start()]), self._variable(path, match))
            end = match.end()
        return "".join((*parts, escape(text[end:])))

    def fixed_text(self, path: DataPath, text: str) -> str:
        """Text for a place that accepts no `${env.…}`: with the current values of its variables."""
        if any(variable_name(match) in self.environ for match in VARIABLE.finditer(text)):
            self.lost(
                path,
                f"`{path[-1]}` accepts no variable: its current value is written",
                help="put what differs between environments into `environments` and `vars`",
            )
        return self.expanded(text)

    def expanded(self, text: str) -> str:
        """Text as dag-factory would read it now."""
        return VARIABLE.sub(lambda match: self.environ.get(variable_name(match), match[0]), text)

    def _variable(self, path: DataPath, match: re.Match[str]) -> str:
        name = variable_name(match)
        if name not in self.environ:
            if _NAME.fullmatch(name) is not None and _SHELL_ARGUMENTS.isdisjoint(map(str, path)):
                self.changed(
                    path,
                    f"`{name}` is not set here, so it stays text, as with dag-factory",
                    help=f"set it and convert again, or write `${{env.{name}}}`",
                    at_key=False,
                )
            return escape(match[0])
        if match.string[: match.start()].endswith("$"):
            self.lost(path, f"`${match[0]}` has no equivalent here: its current value is written", at_key=False)
            return self.environ[name]
        if gives_secret(name, path) or is_airflows_own(name):
            self.lost(
                path,
                f"`{name}` looks like a secret, and this project's language takes no secret from a variable",
                help="keep it in an Airflow connection or Variable: `{{ conn.NAME.password }}`, `{{ var.value.NAME }}`",
                at_key=False,
            )
            return escape(match[0])
        return f"${{env.{name}}}"

    def function_path(self, at: DataPath, data: Mapping[str, Any], key: str) -> str | None:
        """The dotted path of the function that `key`, or `key` with `_name` and `_file`, names; None without one."""
        dotted = data.get(key)
        if isinstance(dotted, str):
            return self.fixed_text((*at, key), dotted)
        key = key.removesuffix("_callable") if f"{key}_name" not in data and f"{key}_file" not in data else key
        name, file = data.get(f"{key}_name"), data.get(f"{key}_file")
        if not isinstance(name, str) or not isinstance(file, str):
            return None
        module = self._module(file)
        if module is None:
            message = f"`{file}` is not a module below the pipelines folder"
            self.lost((*at, f"{key}_file"), message, help="move the file below the pipelines folder")
        return f"{module or Path(file).stem}.{name}"

    def _module(self, file: str) -> str | None:
        """The dotted path of a file below the pipelines folder."""
        for start in self.places:
            place = Path(os.path.normpath(start / self.expanded(file)))
            if place.is_file() and place.suffix == ".py" and place.is_relative_to(self.folder):
                parts = place.relative_to(self.folder).with_suffix("").parts
                if all(part.isidentifier() for part in parts):
                    return ".".join(parts)
        return None

    def positional_names(self, dotted: str) -> tuple[str, ...]:
        """The names of the parameters that a function or a class takes by position, as far as its source shows them."""
        found = self.reader.find(dotted)
        parameters = found.parameters if isinstance(found, Class | Function) else None
        return tuple(p.name for p in by_name(parameters or ()) if p.kind != "KEYWORD_ONLY")


def written_variables(subject: Subject, traced: Traced, held: Callable[[DataPath], Any]) -> Iterator[Diagnostic]:
    """Findings about variables whose current values are written: they are not `traced`, or `held` says that what is
    built at their path is no text."""
    for path, expression in subject.expressions:
        meaning = expression.meaning
        if not isinstance(meaning, EnvReference):
            continue
        found = held(path)
        is_unset = meaning.name not in traced and meaning.default is None
        is_text = isinstance(found, str) and f"{TRACE[0]}{meaning.name}" in found
        if is_text or (found is None and meaning.name in traced.names and not is_unset):
            continue
        if is_unset:
            message = f"`{meaning.name}` is not set here, and its current value would be written"
            yield subject.finding(Code.NOT_CONVERTED, path, message)
        elif gives_secret(meaning.name, path):
            message = f"`{meaning.name}` looks like a secret, and its current value would be written"
            yield subject.finding(Code.NOT_CONVERTED, path, message)
        else:
            why = "it is no text here" if meaning.name in traced.names else "one of its places must know it"
            message = f"the current value of `{meaning.name}` is written: {why}"
            yield subject.finding(Code.CONVERTED_OTHERWISE, path, message)
