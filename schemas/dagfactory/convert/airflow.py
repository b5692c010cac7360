"""The YAML format of Airflow 3.4 (AIP-85, experimental): this project's files → its documents.

What is said here of the format is what its published schema of 2026-10-30, its models and the page "Writing Dags in
YAML" say: a value is a literal unless it is `{$t: …}`, a template, `{$x: …}`, another task's output, or `{$const: …}`;
keys of a task that are not the format's own are arguments of its operator; `templates` hold what tasks have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from schemas.compose.env_values import looks_like_secret
from schemas.compose.variants import Variant
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.conversion import OPERATORS, REQUEST_NAMES, Converted, Reports
from schemas.dagfactory.convert.values import written_duration
from schemas.dagfactory.convert.writing import write
from schemas.expressions.reading import EnvReference, TaskReference, before, expressions, run_references, unescape
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.fields import OBJECT
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import DeferrableSensorArguments
from schemas.model.times import parse_duration
from schemas.rules.graph import Waits
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.source import Function, SourceReader
from schemas.text.nodes import plain_scalar

SCHEMA = "https://airflow.apache.org/schemas/dag/2026-10-30.json"
JINJA = ("{{", "{%", "{#")
FILE_ENDINGS = (".sh", ".bash", ".sql", ".html")
_OF_FILES = frozenset({"bash_command", "command", "html_content", "query", "sql"})
"""Arguments whose text may be the name of a template file, told by its ending."""
_REMEMBERING = ("incremental", "change_detection", "each", "watch")
_WITHOUT_COUNTERPART: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("notifications", "deadline"), "it has no callbacks yet"),
        **dict.fromkeys(("inlets", "outlets"), "it has no assets of tasks yet"),
        **dict.fromkeys(("setup", "teardown", "on_failure_fail_dagrun"), "it has no setups and teardowns"),
        **dict.fromkeys(("run_if", "skip_if"), "it has no conditions"),
        **dict.fromkeys(("retry_policy", "resources", "template_undefined"), "its values are no objects"),
        **dict.fromkeys(("pre_execute", "post_execute"), "its values are no functions"),
        **dict.fromkeys(("user_defined_macros", "user_defined_filters"), "its values are no functions"),
    }
)
_HANDLED = frozenset(
    {
        *("$schema", "dag_id", "owner", "schedule", "timezone", "start_date", "end_date", "default_args", "params"),
        *("tasks", "poll", "vars", "environments", "matrix"),
    }
)
_PYTHON = "`factory convert --to python` writes it in Python"


@dataclass
class AirflowConversion(Reports):
    """One DAG → a document of Airflow 3.4; `environ` has the values of `${env.…}`."""

    dag_id: str
    subject: Subject
    environ: Mapping[str, str] = field(repr=False)
    reader: SourceReader = field(repr=False)
    findings: list[Diagnostic] = field(default_factory=list)
    edges: Waits = field(init=False)

    def __post_init__(self) -> None:
        self.edges = Waits(self.subject)

    def lost(self, path: DataPath, message: str, help: str = _PYTHON, *, at_key: bool = True) -> None:
        super().lost(path, message, help, at_key=at_key)

    def document(self) -> Converted:
        """The document."""
        data = self.subject.data
        parts: dict[str, Converted | None] = {"$schema": Converted(SCHEMA), "dag_id": Converted(self.dag_id)}
        for key, given in data.items():
            if key in _WITHOUT_COUNTERPART:
                self.lost((key,), f"`{key}` has no counterpart in Airflow 3.4's YAML: {_WITHOUT_COUNTERPART[key]}")
            elif key not in _HANDLED and given is not None:
                parts[key] = self._setting((key,), given)
        zone = str(data.get("timezone") or "UTC")
        parts["schedule"] = self._schedule(data.get("schedule"), zone)
        for key in ("start_date", "end_date"):
            if isinstance(data.get(key), str):
                parts[key] = Converted(self._date((key,), data[key], zone), (key,))
        # What Airflow's configuration decides else.
        parts.setdefault("catchup", Converted(False))
        parts.setdefault("is_paused_upon_creation", Converted(False))
        if isinstance(data.get("params"), dict):
            parts["params"] = self._params(data["params"])
        for group in self.subject.groups:
            self.changed(group.path, f"there are no groups there: the tasks of `{group.full_id}` keep their ids")
        templates = self._templates()
        parts["templates"] = Converted(templates) if templates else None
        made = {view.full_id or "": self._task(view, templates) for view in self.subject.tasks}
        tasks = [self._with_needs(view, task) for view in self.subject.tasks if (task := made[view.full_id or ""])]
        parts["tasks"] = Converted(tasks, ("tasks",))
        return Converted({key: part for key, part in parts.items() if part is not None}, ())

    # The DAG.

    def _schedule(self, given: Any, zone: str) -> Converted | None:
        path: DataPath = ("schedule",)
        if not isinstance(given, dict):
            if given is None or zone == "UTC" or given in ("@once", "@continuous"):
                return Converted(given, path)
            return self._timetable("CronTriggerTimetable", expression=given, timezone=zone)
        if "every" in given:
            kind = "DeltaDataIntervalTimetable" if given.get("data_interval") else "DeltaTriggerTimetable"
            return self._timetable(kind, delta=_duration(given["every"]))
        if "timetable" in given:
            arguments = self._setting((*path, "with"), given.get("with") or {})
            return arguments and Converted({"uses": Converted(given["timetable"]), "with": arguments}, path)
        if isinstance(given.get("cron"), str) and "assets" not in given:
            kind = "CronDataIntervalTimetable" if given.get("data_interval") else "CronTriggerTimetable"
            return self._timetable(kind, expression=given["cron"], timezone=given.get("timezone") or zone)
        why = "arguments have names there, and several crons none" if "cron" in given else "it waits for no assets yet"
        self.lost(path, f"this `schedule` has no counterpart in Airflow 3.4's YAML: {why}")
        return None

    def _timetable(self, kind: str, **arguments: str) -> Converted:
        written = {name: Converted(value) for name, value in arguments.items()}
        return Converted({"uses": Converted(f"airflow.sdk.{kind}"), "with": Converted(written)}, ("schedule",))

    def _date(self, path: DataPath, given: str, zone: str) -> str:
        """Airflow reads a date without an offset in its own time zone."""
        if zone == "UTC" or self._text(path, given) != given:
            return given
        date = datetime.fromisoformat(given)
        return given if date.tzinfo is not None else date.replace(tzinfo=ZoneInfo(zone)).isoformat()

    def _params(self, given: Mapping[str, Any]) -> Converted:
        made: dict[str, Converted] = {}
        for name, param in given.items():
            path: DataPath = ("params", name)
            if isinstance(param, dict):
                self.lost(path, "params are plain values in Airflow 3.4's YAML: the schema of this one is left out")
            value = self._setting(path, param.get("default") if isinstance(param, dict) else param)
            made |= {name: value} if value is not None else {}
        return Converted(made, ("params",))

    def _templates(self) -> dict[str, Converted]:
        """The settings of all tasks, and those of each group."""
        data = self.subject.data
        made: dict[str, Converted] = {}
        holders: list[tuple[str, DataPath, Any, DataPath]] = [
            ("defaults", ("default_args",), data.get("default_args"), ())
        ]
        holders += [
            (_template(view), (*view.path, "default_args"), view.entry.get("default_args"), view.path)
            for view in self.subject.groups
        ]
        for name, path, settings, group in holders:
            written = settings if isinstance(settings, dict) else {}
            parts = self._settings(path, written)
            if name == "defaults" and isinstance(data.get("owner"), str):
                parts.setdefault("owner", Converted(data["owner"], ("owner",)))
            around = self._extended(group[:-1], made) if group else []
            if parts:
                made[name] = Converted({**_extends(around), **parts}, path if written else None)
        return made

    def _extended(self, path: DataPath, templates: Mapping[str, Converted]) -> list[str]:
        """The nearest template around the task or group at a path; it extends those farther out."""
        groups = {view.path: _template(view) for view in self.subject.groups}
        around = [groups[path[:length]] for length in range(len(path), 0, -1) if path[:length] in groups]
        return [name for name in (*around, "defaults") if name in templates][:1]

    # Tasks.

    def _task(self, view: TaskView, templates: Mapping[str, Converted]) -> dict[str, Converted] | None:
        """The parts of a task but its `needs`; None for one that is left out."""
        why = self._reason_to_leave_out(view)
        if why is not None:
            self.edges.left_out.add(view.full_id or "")
            self.lost(view.path, f"the task `{view.full_id}` is left out: {why}")
            return None
        uses = view.uses or ""
        operator = OPERATORS.get(uses, uses)
        if operator.startswith("factory."):
            self.changed(view.path, f"`{view.full_id}` needs the package airflow-pipeline-factory in that Airflow")
        arguments = self._arguments(view)
        uses_path = (*view.path, "uses") if view.path != ("poll",) else None
        parts = {"id": Converted(view.full_id, (*view.path, "id")), "uses": Converted(operator, uses_path)}
        parts |= _extends(self._extended(view.path[:-1], templates))
        if arguments:
            parts["with"] = Converted(arguments, view.with_path if view.path != ("poll",) else None)
        own = SETTING_KEYS | {"setup", "teardown", "on_failure_fail_dagrun", "run_if", "skip_if"}
        return parts | self._settings(view.path, {key: one for key, one in view.entry.items() if key in own})

    def _reason_to_leave_out(self, view: TaskView) -> str | None:
        uses = view.uses or ""
        mapped_group = any("expand" in g.entry or "expand_kwargs" in g.entry for g in self.subject.around(view.path))
        if view.is_mapped or mapped_group:
            return "there is no mapping in Airflow 3.4's YAML"
        if uses in ("branch", "short_circuit") or isinstance(self.reader.find(uses), Function):
            return "Airflow 3.4's YAML calls no Python functions (its `run` is for handlers of other languages' SDKs)"
        if uses in BUILT_INS:
            if uses not in OPERATORS:
                return f"the operator behind `{uses}` takes an object"
            functions = built_in(uses).functions & view.arguments.keys()
            if functions:
                return f"its `{min(functions)}` is a function, and values are no functions there"
            if uses == "http" and (kept := [key for key in _REMEMBERING if key in view.arguments]):
                return f"`{kept[0]}` needs more than one task of a document there"
        elif not uses.rpartition(".")[2][:1].isupper():
            return "Airflow 3.4's YAML calls no Python functions (its `run` is for handlers of other languages' SDKs)"
        return None

    def _arguments(self, view: TaskView) -> dict[str, Converted]:
        made: dict[str, Converted] = {}
        settings: dict[str, Converted] = {}
        for name, given in view.arguments.items():
            path = (*view.with_path, name)
            if view.uses == "http" and name not in REQUEST_NAMES:
                plain = self._setting(path, given)
                settings |= {name: plain} if plain is not None else {}
                continue
            value = self._value(path, _duration(given))
            made |= {REQUEST_NAMES[name] if view.uses == "http" else name: value} if value is not None else {}
        if settings:
            whole = Converted(settings)
            made["settings"] = Converted({"$const": whole}) if _has_marks(whole.plain) else whole
        if view.uses in BUILT_INS and "deferrable" not in made:
            model = built_in(view.uses)
            waits = model.model_fields["with_"].annotation
            defers = isinstance(waits, type) and issubclass(waits, DeferrableSensorArguments)
            if view.uses == "trigger_dag" or (defers and not view.arguments.keys() & set(model.looking)):
                made["deferrable"] = Converted(True)
        if view.uses == "wait_file" and "fs_conn_id" not in made:
            self.changed(view.path, "Airflow's FileSensor asks for the connection `fs_default`, also for a full path")
        return made

    def _settings(self, path: DataPath, given: Mapping[str, Any]) -> dict[str, Converted]:
        made: dict[str, Converted] = {}
        for key, value in given.items():
            if key in _WITHOUT_COUNTERPART:
                reason = _WITHOUT_COUNTERPART[key]
                self.lost((*path, key), f"`{key}` has no counterpart in Airflow 3.4's YAML: {reason}")
            elif value is not None and (written := self._setting((*path, key), value)) is not None:
                made[key] = written
        return made

    def _with_needs(self, view: TaskView, parts: dict[str, Converted]) -> Converted:
        for path, name in view.needs:
            found = view.scope.find(name, self.edges.left_out)
            if found is not None:
                self.waits(path, view.full_id or "", found, self.edges.present(found), at_key=False)
        needs = self.edges.needs(view)
        flow = Converted.names(needs, (*view.path, "needs"))
        first = {key: parts[key] for key in ("id", "uses", "extends") if key in parts}
        return Converted({**first, **({"needs": flow} if needs else {}), **parts}, view.path)

    # Values.

    def _setting(self, path: DataPath, given: Any) -> Converted | None:
        """A value outside of `with`, which is taken as it is."""
        if isinstance(given, dict):
            if OBJECT in given:
                self.lost(path, "an object has no counterpart in Airflow 3.4's YAML")
                return None
            children = {key: self._setting((*path, key), child) for key, child in given.items()}
            return Converted({key: one for key, one in children.items() if one is not None}, path)
        if isinstance(given, list):
            items = [self._setting((*path, index), item) for index, item in enumerate(given)]
            return Converted([item for item in items if item is not None], path, flow=True)
        if not isinstance(given, str):
            return Converted(given, path)
        text = self._text(path, given)
        is_whole = next((one.whole for one in expressions(given)), False)
        return None if text is None else Converted(plain_scalar(text) if is_whole else _duration(text), path)

    def _value(self, path: DataPath, given: Any) -> Converted | None:
        """An argument: a template and another task's output have marks there."""
        if isinstance(given, dict) and OBJECT not in given:
            before = set(self.edges.said)
            children = {key: self._value((*path, key), child) for key, child in given.items()}
            mapping = Converted({key: one for key, one in children.items() if one is not None}, path)
            marked = any(key.startswith("$") for key in given)
            if marked and any(_has_marks(one.plain) for one in mapping.value.values()):
                self.edges.said = before
                self.lost(path, "a mapping with a key that begins with `$` is taken as it is in Airflow 3.4's YAML")
                return None
            return Converted({"$const": mapping}, path) if marked else mapping
        if isinstance(given, list):
            items = [self._value((*path, index), item) for index, item in enumerate(given)]
            plain = all(item is None or not isinstance(item.value, dict | list) for item in items)
            return Converted([item for item in items if item is not None], path, flow=plain)
        for expression, reference in run_references(given):
            if isinstance(reference, TaskReference):
                return self._output(path, reference, is_whole=expression.whole)
        made = self._setting(path, given)
        if made is not None and isinstance(given, str) and isinstance(made.value, str):
            text = self._text(path, given, report=False) or ""
            if any(mark in text for mark in JINJA) or (path[-1] in _OF_FILES and text.endswith(FILE_ENDINGS)):
                return Converted({"$t": Converted(text)}, path)
            return Converted(text, path)
        return made

    def _output(self, path: DataPath, reference: TaskReference, *, is_whole: bool) -> Converted | None:
        view = next(one for one in reversed(self.subject.tasks) if path[: len(one.path)] == one.path)
        known = {one.full_id for one in self.subject.tasks if one.full_id}
        task_id = view.scope.find(reference.task_id, known) or reference.task_id
        if reference.steps or not is_whole:
            what = "a part of an output" if reference.steps else "an output inside a longer text"
            self.lost(path, f"{what} has no counterpart in Airflow 3.4's YAML")
        elif task_id in self.edges.left_out:
            self.lost(path, f"the task `{task_id}` is left out, so its output is, too")
        else:
            self.edges.said.add((view.full_id or "", task_id))
            keyed = {"task": Converted(task_id), "key": Converted(reference.key)}
            return Converted({"$x": Converted(task_id if reference.key is None else keyed)}, path)
        return None

    def _text(self, path: DataPath, text: str, *, report: bool = True) -> str | None:
        """The text with the values of environment variables; None where one may not be written."""
        parts: list[str] = []
        end = 0
        for one in expressions(text):
            if not isinstance(one.meaning, EnvReference):
                continue
            name = one.meaning.name
            value = self.environ.get(name, one.meaning.default)
            if value is None or looks_like_secret(name):
                why = "is not set here" if value is None else "looks like a secret"
                self.lost(path, f"Airflow 3.4's YAML reads no environment variables, and `{name}` {why}")
                return None
            if report:
                self.changed(
                    path, f"the current value of `{name}` is written: there are no environment variables there"
                )
            parts += [unescape(before(text, end, one)), value]
            end = one.end
        return "".join((*parts, unescape(text[end:])))


def _has_marks(value: Any) -> bool:
    """Whether a value has keys that Airflow 3.4 takes for marks."""
    if isinstance(value, dict):
        return any(key.startswith("$") or _has_marks(child) for key, child in value.items())
    return any(map(_has_marks, value)) if isinstance(value, list) else False


def _template(group: TaskView) -> str:
    return f"defaults_{group.full_id}"


def _extends(names: list[str]) -> dict[str, Converted]:
    return {"extends": Converted.names(names)} if names else {}


def _duration(given: Any) -> Any:
    """A duration in the short form, which Airflow 3.4 reads, too; all else as it is."""
    try:
        return written_duration(parse_duration(given)) if isinstance(given, str) and given.startswith("P") else given
    except ValueError:
        return given


def to_airflow(variants: Sequence[Variant], environ: Mapping[str, str], reader: SourceReader) -> Iterator[ConvertedDag]:
    """Convert the DAGs of a file without errors; comments at the end say what has no counterpart."""
    for variant in variants:
        conversion = AirflowConversion(variant.dag_id, Subject(variant.path, variant.effective), environ, reader)
        text = write(conversion.document(), variant.effective)
        found = conversion.once
        lost = [d for d in found if d.code is Code.NOT_CONVERTED]
        text += "".join(f"# Not converted, line {d.span.line}: {d.message}.\n" for d in lost)
        yield ConvertedDag(variant.dag_id, text, found)
