"""The YAML format of Airflow 3.4 (AIP-85, experimental): this project's files → its documents.

What is said here of the format is what its published schema of 2026-10-30, its models and the page "Writing Dags in
YAML" say: keys of a task that are not the format's own are arguments of its operator; `templates` hold what tasks have
in common. Its values: `airflow_values`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from schemas.compose.env_values import param_default
from schemas.compose.variants import Variant
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.airflow_values import ToAirflow
from schemas.dagfactory.convert.conversion import OPERATORS, REQUEST_NAMES, Converted
from schemas.dagfactory.convert.values import has_marks, short_duration
from schemas.dagfactory.convert.writing import write
from schemas.findings.codes import Code
from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.task_base import DeferrableSensorArguments
from schemas.model.times import parse_duration
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
_OF_THE_FORMAT = frozenset({"id", "uses", "with", "needs", "matrix", "params"})
"""Keys of a task that are no settings; a group's are these and `_OF_A_GROUP`."""
_OF_A_GROUP = _OF_THE_FORMAT | {"tasks", "template", "default_args", "prefix_group_id", "expand", "expand_kwargs"}
_DATES = ("start_date", "end_date")


class AirflowConversion(ToAirflow):
    """One DAG → a document of Airflow 3.4."""

    def document(self) -> Converted:
        """The document."""
        data = self.subject.data
        parts: dict[str, Converted | None] = {"$schema": Converted(SCHEMA), "dag_id": Converted(self.dag_id)}
        for key, given in data.items():
            if key in _WITHOUT_COUNTERPART and given is not None:
                self.lost((key,), f"`{key}` has no counterpart in Airflow 3.4's YAML: {_WITHOUT_COUNTERPART[key]}")
            elif key not in _HANDLED and key not in _WITHOUT_COUNTERPART and given is not None:
                parts[key] = self.setting((key,), given)
        parts["schedule"] = self._schedule(data.get("schedule"), self.zone)
        for key in _DATES:
            if isinstance(data.get(key), str):
                parts[key] = self.date((key,), data[key])
        # What Airflow's configuration decides else.
        parts.setdefault("catchup", Converted(False))
        parts.setdefault("is_paused_upon_creation", Converted(False))
        if isinstance(data.get("params"), dict):
            parts["params"] = self._params(("params",), data["params"])
        for group in self.subject.groups:
            self._say_group(group)
        self.edges.left_out |= {view.full_id or "" for view in self.subject.tasks if self._reason_to_leave_out(view)}
        templates = self._templates()
        made = {view.full_id or "": self._task(view, templates) for view in self.subject.tasks}
        tasks = [self._with_needs(view, task) for view in self.subject.tasks if (task := made[view.full_id or ""])]
        parts |= {"templates": Converted(templates) if templates else None, "tasks": Converted(tasks, ("tasks",))}
        return Converted({key: part for key, part in parts.items() if part is not None}, ())

    # The DAG.

    def _schedule(self, given: Any, zone: str) -> Converted | None:
        path: DataPath = ("schedule",)
        if not isinstance(given, dict):
            given = self.text(path, given) if given is not None else None
            if given is None or zone == "UTC" or given in ("@once", "@continuous"):
                return Converted(given, path)
            return self._timetable("CronTriggerTimetable", expression=given, timezone=zone)
        if "every" in given:
            kind = "DeltaDataIntervalTimetable" if given.get("data_interval") else "DeltaTriggerTimetable"
            return self._timetable(kind, delta=short_duration(given["every"]))
        if "timetable" in given:
            return self._named_timetable(path, given["timetable"], given.get("with") or {})
        if isinstance(given.get("cron"), str) and "assets" not in given:
            kind = "CronDataIntervalTimetable" if given.get("data_interval") else "CronTriggerTimetable"
            return self._timetable(kind, expression=given["cron"], timezone=given.get("timezone") or zone)
        why = "arguments have names there, and several crons none" if "cron" in given else "it waits for no assets yet"
        self.lost(path, f"this `schedule` has no counterpart in Airflow 3.4's YAML: {why}")
        return None

    def _timetable(self, kind: str, **arguments: str) -> Converted:
        written = {name: Converted(self.text(("schedule",), value)) for name, value in arguments.items()}
        return Converted({"uses": Converted(f"airflow.sdk.{kind}"), "with": Converted(written)}, ("schedule",))

    def _named_timetable(self, path: DataPath, dotted: str, given: Mapping[str, Any]) -> Converted:
        annotations, written = self.annotations(dotted), dict[str, Converted | None]()
        for name, one in given.items():
            is_date = "datetime" in annotations.get(name, "").lower()  # also a list of them
            at = (*path, "with", name)
            written[name] = self.date(at, one) if is_date else self.setting(at, one)
        if "timezone" in annotations:
            written.setdefault("timezone", Converted(self.zone))
        arguments = {name: one for name, one in written.items() if one is not None}
        return Converted({"uses": Converted(dotted), "with": Converted(arguments, (*path, "with"))}, path)

    def _say_group(self, group: TaskView) -> None:
        message = f"there are no groups there: the tasks of `{group.full_id}` keep their ids"
        shown = [f"`{key}`" for key in group.entry if key not in _OF_A_GROUP and key not in _WITHOUT_COUNTERPART]
        left = f"{', '.join(shown)} {'is' if len(shown) == 1 else 'are'} left out"
        self.changed(group.path, f"{message}, and {left}" if shown else message)
        self._settings(group.path, {key: one for key, one in group.entry.items() if key in _WITHOUT_COUNTERPART})

    def _params(self, above: DataPath, given: Mapping[str, Any]) -> Converted:
        made: dict[str, Converted] = {}
        for name, param in given.items():
            path: DataPath = (*above, name)
            if isinstance(param, dict):
                self.lost(path, f"`params` are plain values in Airflow 3.4's YAML: the schema of `{name}` is left out")
            value = self.setting(path, param.get("default") if isinstance(param, dict) else param)
            held = self.held(path)
            default = param_default(held) if isinstance(held, dict) and "default" in held else ""
            if value is not None and isinstance(value.value, str) and not isinstance(default, str):
                value = Converted(default, path)  # of a variable
            made |= {name: value} if value is not None else {}
        return Converted(made, above)

    def _templates(self) -> dict[str, Converted]:
        """The settings of all tasks, and those of each group."""
        data = self.subject.data
        made: dict[str, Converted] = {}
        holders: list[tuple[str, DataPath, Any, DataPath]] = [
            ("defaults", ("default_args",), data.get("default_args"), ())
        ]
        kept = [view.path for view in self.subject.tasks if view.full_id not in self.edges.left_out]
        holders += [
            (_template(view), (*view.path, "default_args"), view.entry.get("default_args"), view.path)
            for view in self.subject.groups
            if any(path[: len(view.path)] == view.path for path in kept)
        ]
        for name, path, settings, group in holders:
            written = settings if isinstance(settings, dict) else {}
            parts = self._settings(path, written)
            owner = self.setting(("owner",), data["owner"]) if name == "defaults" and data.get("owner") else None
            if owner is not None:
                parts.setdefault("owner", owner)
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
            self.lost(view.path, f"the task `{view.full_id}` is left out: {why}")
            return None
        operator = self.operator(view)
        if operator.startswith("factory."):
            self.changed(view.path, f"`{view.full_id}` needs the package airflow-pipeline-factory in that Airflow")
        arguments = self._arguments(view)
        uses_path = (*view.path, "uses") if view.path != ("poll",) else None
        parts = {"id": Converted(view.full_id, (*view.path, "id")), "uses": Converted(operator, uses_path)}
        parts |= _extends(self._extended(view.path[:-1], templates))
        if arguments:
            parts["with"] = Converted(arguments, view.with_path if view.path != ("poll",) else None)
        own = view.entry.get("params") if view.path != ("poll",) else None
        if isinstance(own, dict):
            parts["params"] = self._params((*view.path, "params"), own)
        of_the_format = view.arguments.keys() if view.path == ("poll",) else _OF_THE_FORMAT
        return parts | self._settings(view.path, {k: one for k, one in view.entry.items() if k not in of_the_format})

    def _reason_to_leave_out(self, view: TaskView) -> str | None:
        uses = view.uses or ""
        mapped_group = any("expand" in g.entry or "expand_kwargs" in g.entry for g in self.subject.around(view.path))
        if view.is_mapped or mapped_group:
            return "there is no mapping (`expand`) in Airflow 3.4's YAML"
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
            value = self._argument(view, path, given)
            made |= {REQUEST_NAMES[name] if view.uses == "http" else name: value} if value is not None else {}
        if settings:
            whole = Converted(settings)
            made["settings"] = Converted({"$const": whole}) if has_marks(whole.plain) else whole
        if view.uses == "http" and self.zone != "UTC":
            made["timezone"] = Converted(self.zone)  # of times in rows
        if view.uses in BUILT_INS and "deferrable" not in made:
            model = built_in(view.uses)
            waits = model.model_fields["with_"].annotation
            defers = isinstance(waits, type) and issubclass(waits, DeferrableSensorArguments)
            if view.uses == "trigger_dag" or (defers and not view.arguments.keys() & set(model.looking)):
                made["deferrable"] = Converted(True)
        if view.uses == "wait_file" and "fs_conn_id" not in made:
            self.changed(view.path, "Airflow's FileSensor asks for the connection `fs_default`, also for a full path")
        return made

    def _argument(self, view: TaskView, path: DataPath, given: Any) -> Converted | None:
        taken = self.taken(view, path, given) if type(given) is str else None
        if isinstance(taken, date):
            return self.date(path, given)
        made = self.value(path, given)
        if isinstance(taken, timedelta) and made is not None:
            made = Converted(short_duration(made.value), path)
        if view.uses == "trigger_dag" and path[-1] == "poke_interval" and made is not None:
            return Converted(max(1, round(parse_duration(str(made.value)).total_seconds())), path)
        return made

    def _settings(self, path: DataPath, given: Mapping[str, Any]) -> dict[str, Converted]:
        """Of a task, or of all tasks of a group or of the DAG: each key is carried over, or said."""
        made: dict[str, Converted] = {}
        holders = [self.subject.data, *(group.entry for group in self.subject.around(path))] if path[1:] else []
        around = {key for one in holders for key, value in (one.get("default_args") or {}).items() if value is not None}
        for key, value in given.items():
            if key in _WITHOUT_COUNTERPART and value not in (None, False):
                reason = _WITHOUT_COUNTERPART[key]
                self.lost((*path, key), f"`{key}` has no counterpart in Airflow 3.4's YAML: {reason}")
            elif value is None and key in around - _WITHOUT_COUNTERPART.keys():
                self.lost(
                    (*path, key), f"`{key}: null`, Airflow's default again, has no counterpart in Airflow 3.4's YAML"
                )
            elif key in _DATES and isinstance(value, str):
                made |= {key: day} if (day := self.date((*path, key), value)) is not None else {}
            elif key not in _WITHOUT_COUNTERPART and (one := self.setting((*path, key), value)) is not None:
                made |= {key: Converted({"$const": one}) if has_marks(one.plain) else one} if value is not None else {}
        return made

    def _with_needs(self, view: TaskView, parts: dict[str, Converted]) -> Converted:
        for path, name in self.edges.told(view):
            if name in self.edges.left_out:
                self.waits(path, view.full_id or "", name, self.edges.present(name), at_key=False)
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
        document, found = conversion.document(), conversion.once
        lost = [d for d in found if d.code is Code.NOT_CONVERTED]
        text = write(document, variant.effective, lost={(d.file, d.span.line) for d in lost})
        own = variant.effective.origin(())[0].file
        where = [f"line {d.span.line}" if d.file == own else f"{d.file}, line {d.span.line}" for d in lost]
        text += "".join(f"# Not converted, {at}: {d.message}.\n" for at, d in zip(where, lost, strict=True))
        yield ConvertedDag(variant.dag_id, text, found)
