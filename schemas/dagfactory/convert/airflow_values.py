"""Values of Airflow 3.4's YAML format: this project's → its, and back.

A value there is a literal unless it is `{$t: …}`, a template, `{$x: …}`, another task's output, or `{$const: …}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from schemas.compose.env_values import gives_secret, resolve_environment
from schemas.dagfactory.convert.conversion import OPERATORS, REQUEST_NAMES, Converted, Reports, UnquotedText
from schemas.dagfactory.convert.values import Rendering, has_marks, rendering, short_duration, with_offset
from schemas.expressions.reading import (
    EnvReference,
    TaskReference,
    before,
    escape,
    expressions,
    run_references,
    task_reference,
    unescape,
)
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath, with_value
from schemas.model.built_ins import BUILT_INS
from schemas.model.fields import OBJECT
from schemas.model.pipeline import Pipeline
from schemas.model.times import fitted, type_names
from schemas.rules.graph import Waits
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.shape import validate
from schemas.shape.places import built_at
from schemas.source import Class, SourceReader

JINJA = ("{{", "{%", "{#")
_OUTPUT, _TEMPLATE, _CONST = ("$x", "$xcom"), ("$t", "$template"), "$const"
_MARKS = (*_OUTPUT, *_TEMPLATE, _CONST, "$f")
_PYTHON = "`factory convert --to python` writes it in Python"


@dataclass
class ToAirflow(Reports):
    """Values of one DAG → values there; `environ` has those of `${env.…}`."""

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

    @cached_property
    def _model(self) -> Pipeline | None:
        """The pipeline as it is built now."""
        effective = self.subject.effective
        data, unset = resolve_environment(effective.data, self.environ)
        model, _ = validate(replace(effective, data=data))
        for path in unset if model is None else ():
            data = with_value(data, path, None)
        return model if model is not None else validate(replace(effective, data=data))[0]

    def held(self, path: DataPath) -> Any:
        """The value at a path as the model has it: a text may be a duration, a date or a number there."""
        return built_at(self._model, path)

    @cached_property
    def zone(self) -> str:
        return self.text(("timezone",), str(self.subject.data.get("timezone") or "UTC")) or "UTC"

    def date(self, path: DataPath, given: Any) -> Converted | None:
        """A date, or a list of them: Airflow reads one without an offset in its own time zone."""
        if not isinstance(given, str):
            items = [self.date((*path, i), one) for i, one in enumerate(given)] if isinstance(given, list) else []
            return Converted.listed([one for one in items if one]) if items else self.setting(path, given)
        text = self.text(path, given)
        return None if text is None else Converted(text if self.zone == "UTC" else with_offset(text, self.zone), path)

    def setting(self, path: DataPath, given: Any) -> Converted | None:
        """A value outside of `with`, which is taken as it is."""
        if isinstance(given, dict):
            if self._makes_object(path, given):
                self.lost(path, "an object has no counterpart in Airflow 3.4's YAML")
                return None
            children = {key: self.setting((*path, key), child) for key, child in given.items()}
            return Converted({key: one for key, one in children.items() if one is not None}, path)
        if isinstance(given, list):
            items = [self.setting((*path, index), item) for index, item in enumerate(given)]
            return Converted([item for item in items if item is not None], path, flow=True)
        if not isinstance(given, str):
            return Converted(given, path)
        text, held = self.text(path, given), self.held(path)
        if text is None:
            return None
        if isinstance(held, timedelta):
            return Converted(short_duration(text), path)
        is_whole = next((one.whole for one in expressions(given)), False)
        return Converted(held if is_whole and isinstance(held, int | float) else text, path)

    def value(self, path: DataPath, given: Any) -> Converted | None:
        """An argument: a template and another task's output have marks there."""
        if isinstance(given, dict) and not self._makes_object(path, given):
            before = set(self.edges.said)
            children = {key: self.value((*path, key), child) for key, child in given.items()}
            mapping = Converted({key: one for key, one in children.items() if one is not None}, path)
            marked = any(key.startswith("$") for key in given)
            if marked and any(has_marks(one.plain) for one in mapping.value.values()):
                self.edges.said = before
                self.lost(path, "a mapping with a key that begins with `$` is taken as it is in Airflow 3.4's YAML")
                return None
            return Converted({"$const": mapping}, path) if marked else mapping
        if isinstance(given, list):
            items = [self.value((*path, index), item) for index, item in enumerate(given)]
            plain = all(item is None or not isinstance(item.value, dict | list) for item in items)
            return Converted([item for item in items if item is not None], path, flow=plain)
        for expression, reference in run_references(given):
            if isinstance(reference, TaskReference):
                return self._output(path, reference, is_whole=expression.whole)
        made = self.setting(path, given)
        if made is not None and isinstance(given, str) and isinstance(made.value, str):
            how = self._rendering(path)
            is_template = how.is_rendered and any(mark in made.value for mark in JINJA)
            is_template = is_template or made.value.endswith(how.endings)
            return Converted({"$t": Converted(made.value)}, path) if is_template else made
        return made

    def _makes_object(self, path: DataPath, given: Mapping[str, Any]) -> bool:
        """Whether a mapping is an object here: in params and in what a built-in takes, it is data."""
        view = self.subject.entry_at(path)
        is_data = view is not None and view.uses in BUILT_INS and path[: len(view.with_path)] == view.with_path
        return OBJECT in given and not is_data and "params" not in (path[0], *path[len(view.path) if view else 0 :][:1])

    def operator(self, view: TaskView) -> str:
        """The class of a task there."""
        dag_id, after = (view.arguments.get(name) for name in ("trigger_dag_id", "run_after"))
        if view.uses == "trigger_dag" and (any(run_references(dag_id)) or "{" in str(after)):
            return "factory.operators.waits.TriggerDagRunOperator"  # Airflow's renders neither
        return OPERATORS.get(view.uses or "", view.uses or "")

    def _rendering(self, path: DataPath) -> Rendering:
        view = self.subject.entry_at(path)
        if view is None or path[: len(view.with_path)] != view.with_path:
            return Rendering(False, ())
        name = str(path[len(view.with_path)])
        name = REQUEST_NAMES.get(name, name) if view.uses == "http" else name
        return rendering(self.reader.find(self.operator(view)), name)

    def annotations(self, dotted: str) -> dict[str, str]:
        """Those of what a class takes, by name."""
        found = self.reader.find(dotted)
        parameters = found.parameters or () if isinstance(found, Class) else ()
        return {one.name: one.annotation or "" for one in parameters}

    def taken(self, view: TaskView, path: DataPath, given: str) -> Any:
        """What the build makes of a text: a date in the pipeline's time zone, a duration or the text."""
        if view.uses in BUILT_INS:
            return self.held(path)
        types = type_names(self.annotations(view.uses or "").get(str(path[-1]), ""))
        text = self.text(path, given, report=False) or ""
        return text if "${" in text else fitted(types, text)

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

    def text(self, path: DataPath, text: str, *, report: bool = True) -> str | None:
        """The text with the values of environment variables; None where one may not be written."""
        parts: list[str] = []
        end = 0
        for one in expressions(text):
            if not isinstance(one.meaning, EnvReference):
                continue
            name = one.meaning.name
            value = self.environ.get(name, one.meaning.default)
            if value is None or gives_secret(name, path):
                why = "is not set here" if value is None else "looks like a secret"
                self.lost(path, f"Airflow 3.4's YAML reads no environment variables, and `{name}` {why}")
                return None
            if report:
                message = f"the current value of `{name}` is written: there are no environment variables there"
                self.changed(path, message)
            parts += [unescape(before(text, end, one)), value]
            end = one.end
        return "".join((*parts, unescape(text[end:])))


@dataclass
class FromAirflow(Reports):
    """Values of one document → values of this project's language."""

    subject: Subject
    reader: SourceReader
    findings: list[Diagnostic] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """Tasks without a counterpart, and what they wait for."""
    group: str = ""
    """Of the task that is looked at."""

    def plain(self, path: DataPath, given: Any) -> Converted:
        if isinstance(given, dict):
            if OBJECT in given and "params" not in path:
                self.lost(path, f"a mapping with the key `{OBJECT}` makes an object here")
                return Converted(None, path)
            return Converted({str(key): self.plain((*path, key), child) for key, child in given.items()}, path)
        if isinstance(given, list):
            items = [self.plain((*path, index), child) for index, child in enumerate(given)]
            return Converted.listed(items, path)
        if isinstance(given, date):
            moment = given.isoformat(sep=" ") if isinstance(given, datetime) else given.isoformat()
            return Converted(UnquotedText(moment), path)
        return Converted(escape(given) if isinstance(given, str) else given, path)

    def value(self, path: DataPath, given: Any, how: Rendering) -> Converted:
        """An argument: marks → templates and references, other text kept from being one."""
        if isinstance(given, dict):
            if (marked := self.marked(path, given, how)) is not None:
                return marked
            if marks := [key for key in given if str(key).startswith("$")]:
                self.lost((*path, marks[0]), f"`{marks[0]}` stands alone in its mapping in Airflow 3.4's YAML")
            return Converted({str(k): self.value((*path, k), one, how) for k, one in given.items()}, path)
        if isinstance(given, list):
            return Converted.listed([self.value((*path, i), one, how) for i, one in enumerate(given)], path)
        return self._literal(path, given, how)

    def _literal(self, path: DataPath, given: Any, how: Rendering) -> Converted:
        """What is not rendered there, whatever is in it."""
        if isinstance(given, dict):
            if mark := next((key for key in given if key == OBJECT or (key in _MARKS and len(given) == 1)), None):
                self.lost(path, f"a mapping with the key `{mark}` cannot be written here: it is no plain data")
                return Converted(None, path)
            return Converted({str(k): self._literal((*path, k), one, how) for k, one in given.items()}, path)
        if isinstance(given, list):
            return Converted.listed([self._literal((*path, i), one, how) for i, one in enumerate(given)], path)
        made = self.plain(path, given)
        if not isinstance(given, str) or not how.is_rendered:
            return made
        if any(mark in given for mark in JINJA) and "endraw" not in given:
            return Converted(f"{{% raw %}}{made.value}{{% endraw %}}", path)
        if any(mark in given for mark in JINJA) or given.endswith(how.endings):
            return Converted(f"{{{{ {json.dumps(made.value, ensure_ascii=False)} }}}}", path)
        return made

    def marked(self, path: DataPath, given: Any, how: Rendering) -> Converted | None:
        """What a mapping with a mark stands for; None for any other value."""
        if not isinstance(given, dict) or len(given) != 1:
            return None
        ((key, held),) = given.items()
        return self._marked((*path, key), str(key), held, how)

    def _marked(self, path: DataPath, key: str, held: Any, how: Rendering) -> Converted | None:
        if key in _TEMPLATE and isinstance(held, str):
            if not how.is_rendered:
                self.lost(path, "Airflow renders no template in this argument, and nor does this language")
            return Converted(escape(held), path)
        if key in _OUTPUT:
            whole = held if isinstance(held, dict) else {"task": held}
            task, name = whole.get("task"), whole.get("key")
            if not isinstance(task, str) or not isinstance(name, str | None):
                self.lost(path, f"`{key}` names a task and, if need be, the `key` of its output")
                return Converted(None, path)
            for other in whole.keys() - {"task", "key"}:
                self.lost((*path, other), f"`{key}` has no `{other}` in Airflow 3.4's YAML")
            ids = {str(one.get("id")) for one in self.subject.data.get("tasks", ()) if isinstance(one, dict)}
            if self.group and f"{self.group}.{task}" in ids:
                self.lost(path, f"inside the group `{self.group}`, `{task}` is the group's own task")
            if task in self.left_out:
                self.lost(path, f"the task `{task}` is left out, so its output is, too")
            reference = TaskReference(task, name, ())
            if task_reference(reference.written) != reference:
                self.lost(path, f"the output `{name}` of `{task}` cannot be named here")
                return Converted(None, path)
            return Converted(reference.written, path)
        if key == _CONST:
            return self._literal(path, held, how)
        if key.startswith("$"):
            self.lost(path, f"`{key}` has no equivalent here", help="write the value itself")
            return Converted(None, path)
        return None
