"""The YAML format of Airflow 3.4 (AIP-85, experimental): this project's files → its documents.

What is said here of the format is what its published schema of 2026-10-30, its models and the page "Writing Dags in
YAML" say: keys of a task that are not the format's own are arguments of its operator; `templates` hold what tasks have
in common. Its values: `airflow_values`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from schemas.compose.variants import Variant
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.airflow_values import ToAirflow, has_marks, short_duration
from schemas.dagfactory.convert.conversion import OPERATORS, REQUEST_NAMES, Converted
from schemas.dagfactory.convert.writing import write
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.settings import SETTING_KEYS
from schemas.model.task_base import DeferrableSensorArguments
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.source import Function, SourceReader

SCHEMA = "https://airflow.apache.org/schemas/dag/2026-10-30.json"
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


class AirflowConversion(ToAirflow):
    """One DAG → a document of Airflow 3.4."""

    def document(self) -> Converted:
        """The document."""
        data = self.subject.data
        parts: dict[str, Converted | None] = {"$schema": Converted(SCHEMA), "dag_id": Converted(self.dag_id)}
        for key, given in data.items():
            if key in _WITHOUT_COUNTERPART:
                self.lost((key,), f"`{key}` has no counterpart in Airflow 3.4's YAML: {_WITHOUT_COUNTERPART[key]}")
            elif key not in _HANDLED and given is not None:
                parts[key] = self.setting((key,), given)
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
            return self._timetable(kind, delta=short_duration(given["every"]))
        if "timetable" in given:
            arguments = self.setting((*path, "with"), given.get("with") or {})
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
        if zone == "UTC" or self.text(path, given) != given:
            return given
        date = datetime.fromisoformat(given)
        return given if date.tzinfo is not None else date.replace(tzinfo=ZoneInfo(zone)).isoformat()

    def _params(self, given: Mapping[str, Any]) -> Converted:
        made: dict[str, Converted] = {}
        for name, param in given.items():
            path: DataPath = ("params", name)
            if isinstance(param, dict):
                self.lost(path, "params are plain values in Airflow 3.4's YAML: the schema of this one is left out")
            value = self.setting(path, param.get("default") if isinstance(param, dict) else param)
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
                plain = self.setting(path, given)
                settings |= {name: plain} if plain is not None else {}
                continue
            value = self.value(path, short_duration(given))
            made |= {REQUEST_NAMES[name] if view.uses == "http" else name: value} if value is not None else {}
        if settings:
            whole = Converted(settings)
            made["settings"] = Converted({"$const": whole}) if has_marks(whole.plain) else whole
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
            elif value is not None and (written := self.setting((*path, key), value)) is not None:
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


def _template(group: TaskView) -> str:
    return f"defaults_{group.full_id}"


def _extends(names: list[str]) -> dict[str, Converted]:
    return {"extends": Converted.names(names)} if names else {}


def to_airflow(variants: Sequence[Variant], environ: Mapping[str, str], reader: SourceReader) -> Iterator[ConvertedDag]:
    """Convert the DAGs of a file without errors; comments at the end say what has no counterpart."""
    for variant in variants:
        conversion = AirflowConversion(variant.dag_id, Subject(variant.path, variant.effective), environ, reader)
        text = write(conversion.document(), variant.effective)
        found = conversion.once
        lost = [d for d in found if d.code is Code.NOT_CONVERTED]
        text += "".join(f"# Not converted, line {d.span.line}: {d.message}.\n" for d in lost)
        yield ConvertedDag(variant.dag_id, text, found)
