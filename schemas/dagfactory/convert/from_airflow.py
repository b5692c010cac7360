"""Documents of Airflow 3.4's YAML format → files of this project's language. What is known of the format: `airflow`."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from schemas.compose.effective import Effective
from schemas.dagfactory.convert import ConvertedDag
from schemas.dagfactory.convert.airflow_values import FromAirflow
from schemas.dagfactory.convert.conversion import OPERATORS, Converted
from schemas.dagfactory.convert.values import Rendering, rendering
from schemas.dagfactory.convert.writing import write
from schemas.dagfactory.reading import read_dag_factory
from schemas.findings.paths import DataPath
from schemas.model.built_ins import built_in
from schemas.model.fields import Model
from schemas.model.pipeline import Pipeline
from schemas.model.settings import SETTING_KEYS
from schemas.rules.dialect import check_dialect
from schemas.rules.other_tools import AIRFLOW
from schemas.rules.subject import Subject
from schemas.source import SourceReader
from schemas.text.document import Document

_BUILT_INS = {OPERATORS[name]: name for name in ("bash", "empty", "latest_only")}
_TASK_KEYS = frozenset({"id", "needs", "extends", "with", "uses", "run"})
_DAG_KEYS = frozenset(Pipeline.model_fields) - {"schema_", "poll", "vars", "environments", "matrix", "default_args"}
_SCHEMA = re.compile(r"^\$schema: *['\"]?(?:https?://airflow\.apache\.org/|\d{4}-\d\d-\d\d)", re.MULTILINE)
_BETWEEN = re.compile(r"^---[ \t]*(?:#.*)?$\n?", re.MULTILINE)
_NOT_RENDERED = Rendering(False, ())

Placed = tuple[DataPath, Any]
"""A value, and where it is written."""


def airflow_documents(text: str, file: str) -> list[Document] | None:
    """The documents of a file of Airflow 3.4's; None for a file that is not its. Its YAML is 1.1."""
    found = [read_dag_factory(part, file, {}) for part in _parts(text)]
    documents = [Document(one.file, one.text, one.data, one.diagnostics) for one in found]
    subjects = [Subject(file, Effective(one.data, (one,))) for one in documents if isinstance(one.data, dict)]
    said = _SCHEMA.search(text) is not None
    theirs = said or any(AIRFLOW in d.message for subject in subjects for d in check_dialect(subject))
    return documents if theirs else None


def _parts(text: str) -> Iterator[str]:
    """The texts of a file's documents, each with the lines before it left empty, so that lines keep their numbers."""
    start = 0
    for end in (*(match.start() for match in _BETWEEN.finditer(text)), len(text)):
        part = _BETWEEN.sub("\n", text[start:end])
        if part.strip():
            yield "\n" * text.count("\n", 0, start) + part
        start = end


def from_airflow(documents: Sequence[Document], path: str, reader: SourceReader) -> Iterator[ConvertedDag]:
    """Convert the documents of a file that could be read."""
    for document in (one for one in documents if one.data is not None):
        data = document.data if isinstance(document.data, dict) else {}
        effective = Effective(data, (document,))
        conversion = _FromAirflow(Subject(path, effective), reader)
        written, text = conversion.document(), ""
        if written.value["tasks"].value:
            text = write(written, effective)
        elif not isinstance(document.data, dict):
            conversion.lost((), "a document of Airflow 3.4's YAML is a mapping, with `dag_id`, `schedule` and `tasks`")
        else:
            conversion.lost((), "no task is left, and a pipeline has at least one: there is no new file")
        yield ConvertedDag(str(data.get("dag_id", "dag")), text, conversion.once)


class _FromAirflow(FromAirflow):
    """One document → that of a pipeline."""

    def _list(self, path: DataPath, given: Any, what: str) -> list[Any]:
        """A list; all else is said to be none."""
        if given is not None and not isinstance(given, list):
            self.lost(path, f"`{path[-1]}` is a list of {what} in Airflow 3.4's YAML")
        return given if isinstance(given, list) else []

    def document(self) -> Converted:
        """The document."""
        parts: dict[str, Converted | None] = {}
        for key, given in self.subject.data.items():
            path: DataPath = (key,)
            if key == "schedule":
                parts[key] = self._schedule(given)
            elif key == "params" and isinstance(given, dict):
                parts[key] = self._params(path, given)
            elif key in _DAG_KEYS and key != "tasks":
                parts[key] = self.plain(path, given)
            elif key not in ("$schema", "templates", "tasks"):
                whose = "Airflow 3.4's YAML" if key in Pipeline.model_fields else "a pipeline here"
                self.lost(path, f"`{key}` is no key of {whose}")
        entries = self._list(("tasks",), self.subject.data.get("tasks"), "tasks")
        whole = [
            self._extended(("tasks", n), one, ()) if isinstance(one, dict) else {} for n, one in enumerate(entries)
        ]
        # Before any is written: a task may name one that comes later.
        self.left_out |= {str(task["id"][1]): [] for task in whole if "id" in task and "uses" not in task}
        tasks = (self._task(("tasks", index), entries[index], task) for index, task in enumerate(whole))
        made = [task for task in tasks if task is not None]
        ids = {str(task["id"].value) for task in made}
        for task in made:
            self._leave_out_needs(task, ids)
        parts["tasks"] = Converted(_grouped(made), ("tasks",))
        return Converted({key: part for key, part in parts.items() if part is not None}, ())

    def _schedule(self, given: Any) -> Converted | None:
        path: DataPath = ("schedule",)
        if not isinstance(given, dict):
            return self._in_zone(given, self.subject.data.get("start_date"))
        if not isinstance(given.get("uses"), str) or not isinstance(given.get("with") or {}, dict):
            self.lost(path, "a schedule has `uses`, a class, and `with`, its arguments")
            return None
        for key in given.keys() - {"uses", "with"}:
            self.lost((*path, key), f"a schedule has no `{key}` in Airflow 3.4's YAML")
        uses, arguments = str(given["uses"]), given.get("with") or {}
        kind = uses.rpartition(".")[2]
        cron = arguments.get("expression", arguments.get("cron"))
        is_interval = {"data_interval": Converted(True)} if kind.endswith("DataIntervalTimetable") else {}
        if kind in ("CronTriggerTimetable", "CronDataIntervalTimetable") and set(arguments) <= {
            *("expression", "cron", "timezone"),
        }:
            zone = {"timezone": Converted(arguments["timezone"])} if "timezone" in arguments else {}
            return Converted({"cron": Converted(cron), **zone, **is_interval}, path)
        if kind in ("DeltaTriggerTimetable", "DeltaDataIntervalTimetable") and isinstance(arguments.get("delta"), str):
            return Converted({"every": Converted(arguments["delta"]), **is_interval}, path)
        with_ = {"with": self.plain((*path, "with"), arguments)} if arguments else {}
        return Converted({"timetable": Converted(uses, (*path, "uses")), **with_}, path)

    def _in_zone(self, schedule: Any, start: Any) -> Converted:
        """A cron expression: Airflow's is in the time zone of `start_date`, which has an offset at most."""
        try:
            moment = datetime.fromisoformat(start) if isinstance(start, str) else start
        except ValueError:
            moment = None
        offset = moment.utcoffset() if isinstance(moment, datetime) else None
        if not offset or schedule in (None, "@once", "@continuous"):
            return Converted(schedule, ("schedule",))
        hours, rest = divmod(offset, timedelta(hours=1))
        if rest:
            message = f"the schedule is in the time zone of `start_date`, UTC{moment:%z}, which has no name"
            self.lost(("schedule",), message, help="write the name of a zone: `schedule: {cron: …, timezone: …}`")
        zone = f"Etc/GMT{-hours:+}"
        return Converted(
            {"cron": Converted(schedule), **({} if rest else {"timezone": Converted(zone)})}, ("schedule",)
        )

    def _params(self, above: DataPath, given: Mapping[str, Any]) -> Converted:
        made: dict[str, Converted] = {}
        for name, one in given.items():
            path = (*above, name)
            made[name] = self.plain(path, one)
            if isinstance(one, dict):  # else it would be a schema
                made[name] = Converted({"type": Converted("object"), "default": made[name]}, path)
        return Converted(made, above)

    # Tasks.

    def _task(self, path: DataPath, entry: Any, task: dict[str, Placed]) -> dict[str, Converted] | None:
        """The parts of an entry, which is `task` together with its templates; None where it is left out."""
        if "id" not in task:
            what = "it has no `id`" if isinstance(entry, dict) else "it is no mapping"
            self.lost(path, f"the task {path[-1]} of the list is left out: {what}")
            return None
        task_id = str(task["id"][1])
        self.group = task_id.rpartition(".")[0]
        needs_path, needs = task.get("needs", (path, []))
        needs = [str(name) for name in self._list(needs_path, needs, "ids of tasks")]
        if "uses" not in task:
            self.left_out[task_id] = needs
            message = f"the task `{task_id}` is left out: `run` is for a handler of another language's SDK"
            self.lost(path, message, help="write a function or an operator in `uses`")
            return None
        uses_path, uses = task["uses"]
        found = self.reader.find(str(uses))
        given: dict[str, Placed] = dict(task["with"][1]) if "with" in task else {}
        given |= {key: one for key, one in task.items() if key not in _TASK_KEYS | SETTING_KEYS}
        params = given.pop("params", None)
        arguments = {key: self.value(at, value, rendering(found, key)) for key, (at, value) in given.items()}
        settings = {key: arguments.pop(key) for key in given if key in SETTING_KEYS}
        settings |= {key: self._setting(*one) for key, one in task.items() if key in SETTING_KEYS}
        if params is not None and isinstance(params[1], dict):
            settings["params"] = self._params(*params)
        short = _BUILT_INS.get(str(uses), "")
        if not short or not arguments.keys() <= taken(short):
            short = str(uses)
        parts = {"id": Converted(task_id, (*path, "id")), "uses": Converted(short, uses_path)}
        if arguments:
            parts["with"] = Converted(arguments, task["with"][0] if "with" in task else None)
        if needs:
            parts["needs"] = Converted.names(needs, needs_path)
        return parts | settings

    def _setting(self, path: DataPath, given: Any) -> Converted:
        return self.marked(path, given, _NOT_RENDERED) or self.plain(path, given)

    def _extended(self, path: DataPath, entry: Mapping[str, Any], seen: tuple[str, ...]) -> dict[str, Placed]:
        """What an entry says together with its templates: its own goes first, in `with` and `run` each argument."""
        templates = self.subject.data.get("templates")
        found: dict[str, Placed] = {}
        for name in map(str, self._list((*path, "extends"), entry.get("extends"), "names of templates")):
            held = templates.get(name) if isinstance(templates, dict) else None
            if not isinstance(held, dict) or name in seen:
                circle = " → ".join((*seen[seen.index(name) :], name)) if name in seen else ""
                said = (
                    f"templates extend each other in a circle: {circle}" if circle else f"there is no template `{name}`"
                )
                self.lost((*path, "extends"), said)
                continue
            for key, one in self._extended(("templates", name), held, (*seen, name)).items():
                found[key] = _merged(found.get(key), one) if key in ("with", "run") else one
        for key, value in entry.items():
            at = (*path, key)
            if key in ("with", "run"):
                if not isinstance(value, dict):
                    self.lost(at, f"`{key}` is a mapping of arguments in Airflow 3.4's YAML")
                held = value if isinstance(value, dict) else {}
                own = (at, {name: ((*at, name), child) for name, child in held.items()})
                found[key] = _merged(found.get(key), own)
            elif key != "extends":
                found[key] = (at, value)
        return found

    def _leave_out_needs(self, task: dict[str, Converted], ids: Container[str]) -> None:
        """Without the tasks that are left out, and those whose name means another task inside the group."""
        if "needs" not in task:
            return
        needs = task["needs"]
        source, names = needs.source, [str(one.value) for one in needs.value]
        group, _, _ = str(task["id"].value).rpartition(".")
        kept = []
        for need in names:
            if need in self.left_out:
                self.waits(source or (), str(task["id"].value), need, self._present(need, ()))
        for name in dict.fromkeys(one for need in names for one in self._present(need, ())):
            if group and f"{group}.{name}" in ids:
                self.lost(source or (), f"inside the group `{group}`, `{name}` is the group's own task")
            else:
                kept.append(Converted(name))
        task["needs"] = Converted(kept, source, flow=True)
        if not kept:
            del task["needs"]

    def _present(self, name: str, seen: tuple[str, ...]) -> list[str]:
        if name not in self.left_out or name in seen:
            return [name]
        return [one for before in self.left_out[name] for one in self._present(before, (*seen, name))]


def taken(name: str) -> frozenset[str]:
    """The arguments of a built-in."""
    arguments: Any = built_in(name).model_fields["with_"].annotation
    return frozenset(arguments.model_fields if isinstance(arguments, type) and issubclass(arguments, Model) else ())


def _merged(one: Placed | None, other: Placed) -> Placed:
    return (other[0], {**(one[1] if one is not None else {}), **other[1]})


def _grouped(tasks: Sequence[dict[str, Converted]]) -> list[Converted]:
    """Tasks with ids `group.task` in groups, since ids have no dots here."""
    entries: list[Converted] = []
    groups: dict[str, list[dict[str, Converted]]] = {}
    for task in tasks:
        group, dot, rest = str(task["id"].value).partition(".")
        if not dot:
            entries.append(Converted(task, task["id"].source and task["id"].source[:-1]))
            continue
        if group not in groups:
            groups[group] = []
            entries.append(Converted({"id": Converted(group)}))
        groups[group].append({**task, "id": Converted(rest, task["id"].source)})
    for entry in entries:
        held = groups.get(str(entry.value["id"].value)) if "uses" not in entry.value else None
        if held is not None:
            entry.value["tasks"] = Converted(_grouped(held))
    return entries
