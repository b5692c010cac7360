"""What fits where one types: keys, values, ids of tasks, names in `${…}`, paths of functions and operators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from factory.cli.editor.mentions import NAMED_IN_TESTS
from factory.cli.editor.outline import Cursor, Outline
from factory.cli.editor.schema_help import SchemaHelp, published
from factory.cli.editor.workspace import Place, Workspace
from schemas.compose.templates import default_of, params_of
from schemas.findings.paths import DataPath, task_path
from schemas.folder.discovery import tested_pipeline
from schemas.folder.project import FolderFiles, template_name
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.task import TEMPLATE
from schemas.source import Class, Function, Parameter
from schemas.source.bodies import returned_keys
from schemas.text.nodes import scalar

_EXPRESSION = re.compile(r"\$\{(?P<root>[a-z]*)(?P<rest>[\w.-]*)$")
_BOUND_FILE = re.compile(r"\.(?:sql|sh|hql|json|html|jinja2?|csv|parquet|jsonl)\Z")
_ROOTS = {
    "tasks": "the output of a task: `${tasks.ID.output}`",
    "vars": "a value of `vars`",
    "matrix": "the value of this row of `matrix`",
    "params": "in a template, what those who use it write in `with`",
    "env": "an environment variable: `${env.NAME:-default}`",
    "expand": "the value of this one of a mapped group's runs",
}
_SELECTED = re.compile(r"\.(?P<id>[\w.-]+)\.output\.[\w-]*")
_OUTPUTS = {
    "check": ("rows", "rules", "broken"),
    "load": ("table", "rows_loaded", "columns_added", "rows_discarded", "values_discarded", "duplicates"),
    "train": ("model", "metrics", "rows"),
}
"""What built-in tasks that give mappings give."""
_MOST = 1000
"""Proposals: an editor asks again as more is typed."""


class Proposal(NamedTuple):
    """A text that can be put in place of what is typed from `column` on. `kind` is one of the protocol's names."""

    label: str
    column: int
    kind: str = "Value"
    detail: str = ""
    help: str = ""
    text: str | None = None


def schema_of(place: Place) -> str:
    """The published schema of a file."""
    if place.is_test:
        return "tests.schema.json"
    if place.is_template:
        return "template.schema.json"
    return "defaults.schema.json" if place.is_defaults else "pipeline.schema.json"


@dataclass
class Completion:
    """The proposals for one place of a text. Lines and columns count from 0, columns code points."""

    workspace: Workspace
    place: Place
    outline: Outline
    line: int
    column: int

    def proposals(self) -> list[Proposal]:
        """What fits here, the likely ones first."""
        found: dict[str, Proposal] = {}
        line = self.outline.lines[self.line] if self.line < len(self.outline.lines) else ""
        for proposal in self._all():
            typed = line[proposal.column : self.column].strip("\"' ").lower()
            if len(found) < _MOST and typed in proposal.label.lower():
                found.setdefault(proposal.label, proposal)
        return list(found.values())

    @cached_property
    def _cursor(self) -> Cursor:
        return self.outline.cursor(self.line, self.column)

    @cached_property
    def _help(self) -> SchemaHelp:
        return SchemaHelp(published(schema_of(self.place)), self.outline)

    @cached_property
    def _task(self) -> DataPath:
        """The path of the task around; empty outside of one."""
        return task_path(self._cursor.path)

    def _all(self) -> Iterator[Proposal]:
        cursor = self._cursor
        expression = _EXPRESSION.search(self.outline.lines[self.line][: self.column] if self.outline.lines else "")
        if expression is not None:
            yield from self._in_expression(expression)
            return
        if cursor.is_value or self._is_item(cursor.path):
            yield from self._values(cursor)
        if not cursor.is_value:
            yield from self._keys(cursor)

    def _is_item(self, path: DataPath) -> bool:
        return bool(path) and isinstance(path[-1], int)

    # -- keys -----------------------------------------------------------------------------------------------

    def _keys(self, cursor: Cursor) -> Iterator[Proposal]:
        written = self.outline.keys(cursor.path) - {cursor.typed}
        if self._task and cursor.path == (*self._task, "with"):
            for parameter in self._parameters():
                if parameter.name not in written:
                    detail = parameter.annotation or ""
                    detail = f"{detail} (required)".strip() if parameter.required else detail
                    yield self._key(parameter.name, detail, "")
            for name, detail in self._params_of(self.outline.value((*self._task, TEMPLATE)) or ""):
                if name not in written:
                    yield self._key(name, detail, "")
        if self.place.is_test and cursor.path[2:] in NAMED_IN_TESTS:
            yield from (self._key(name, "task", "") for name in self._ids_of_pipeline() if name not in written)
        for key, schema in self._help.keys(cursor.path).items():
            if key not in written:
                text = str(schema.get("markdownDescription") or schema.get("description") or "")
                yield self._key(key, text.partition("\n")[0][:80], text, _opens(schema))

    def _key(self, key: str, detail: str, text: str, behind: str = " ") -> Proposal:
        return Proposal(key, self._cursor.column, "Property", detail, text, f"{key}:{behind}")

    def _params_of(self, template: str) -> Iterator[tuple[str, str]]:
        """The params of a template, and what is said of them."""
        document = self.workspace.checker().layers.template(template) if template else None
        for name, schema in (params_of(document) if document is not None else {}).items():
            said = schema.get("description") or schema.get("type") or "" if isinstance(schema, dict) else ""
            required = " (required)" if default_of(schema) is None else ""
            yield name, f"{said}{required}".strip()

    def _parameters(self) -> Iterable[Parameter]:
        """What the function or operator of this task takes."""
        uses = self.outline.value((*self._task, "uses"))
        found = self.workspace.reader().find(uses) if uses and uses not in BUILT_INS else None
        if isinstance(found, Function | Class) and found.parameters is not None:
            return [p for p in found.parameters if p.kind in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")]
        return ()

    # -- values ---------------------------------------------------------------------------------------------

    def _values(self, cursor: Cursor) -> Iterator[Proposal]:
        key = next((part for part in reversed(cursor.path) if isinstance(part, str)), "")
        if key in ("needs", "teardown") and self._task:
            yield from (self._value(name, "Reference", "task") for name in self._ids())
        elif self.place.is_test and key in ("task", "tasks", "output"):
            yield from (self._value(name, "Reference", "task") for name in self._ids_of_pipeline())
        elif key == "uses":
            yield from self._uses(cursor)
        elif key == TEMPLATE and self._task:
            names = self.workspace.checker().layers.template_names()
            yield from (self._value(name, "Module", "template") for name in names)
        elif key == "timezone":
            yield from (self._value(zone, "Constant", "time zone") for zone in sorted(available_timezones()))
        elif key == "environment":
            names = self.workspace.checker().environments()
            yield from (self._value(name, "EnumMember", "environment") for name in names)
        for value in self._help.values(cursor.path):
            yield self._value(scalar(value), "EnumMember" if isinstance(value, bool) else "Value", "")
        if "with" in cursor.path:
            yield from self._files(cursor)

    def _value(self, text: str, kind: str, detail: str) -> Proposal:
        return Proposal(text, self._cursor.column, kind, detail)

    def _ids(self) -> Iterator[str]:
        """The ids in the list that this task is in, and in those of the groups around it."""
        arounds = [self._task[: end - 1] for end in range(len(self._task), 0, -2)] or [("tasks",)]  # of outputs
        for around in arounds:
            for entry in _id_entries(self.outline):
                if entry[:-2] == around and entry[:-1] != self._task:
                    yield self.outline.value(entry) or ""
        if self.outline.at(("poll",)) is not None:
            yield "poll"

    def _ids_of_pipeline(self) -> Iterator[str]:
        path = tested_pipeline(self.place.path, {"pipeline": self.outline.value(("pipeline",))})
        outline = Outline(self.workspace.text(path))
        yield from (outline.value(path) or "" for path in _id_entries(outline))

    def _uses(self, cursor: Cursor) -> Iterator[Proposal]:
        if not self._task:
            yield from (self._value(name, "Function", "notifier") for name in ("email", "slack", "slack_webhook"))
        elif "." not in cursor.typed:
            for name in BUILT_INS:
                text = (built_in(name).__doc__ or "").strip()
                yield Proposal(name, cursor.column, "Function", text.partition("\n")[0], text)
        reader = self.workspace.reader()
        above = cursor.typed.rpartition(".")[0]
        for name in filter(self._may_hold_python, reader.names_in(above)) if not above else reader.names_in(above):
            dotted = f"{above}.{name}" if above else name
            yield Proposal(dotted, cursor.column, "Module" if name.islower() else "Class", "")

    def _may_hold_python(self, name: str) -> bool:
        """Folders of YAML files have names like modules."""
        place = self.workspace.folder / name
        return not place.is_dir() or next(place.rglob("*.py"), None) is not None

    def _files(self, cursor: Cursor) -> Iterator[Proposal]:
        """Files that an argument may name, from the pipeline's folder and from the pipelines folder."""
        own = self.place.path.rpartition("/")[0]
        for path in sorted(FolderFiles(self.workspace.folder).paths):
            if _BOUND_FILE.search(path) and not path.startswith("."):
                shown = path.removeprefix(f"{own}/") if own else path
                yield Proposal(shown, cursor.column, "File", path)

    # -- expressions ----------------------------------------------------------------------------------------

    def _in_expression(self, match: re.Match[str]) -> Iterator[Proposal]:
        root, rest = match["root"], match["rest"]
        start = match.start("root")
        if not rest:
            for name, text in _ROOTS.items():
                yield Proposal(name, start, "Keyword", text, text, f"{name}.")
            return
        if root == "tasks" and (selected := _SELECTED.fullmatch(rest)) is not None:
            for key in output_keys(self.workspace, self.outline, selected["id"]):
                yield Proposal(f"tasks.{selected['id']}.output.{key}", start, "Field", "of what the task gave")
            return
        for name, text in self._named(root):
            yield Proposal(f"{root}.{name}", start, "Variable", text)

    def _named(self, root: str) -> Iterator[tuple[str, str]]:
        if root == "tasks":
            yield from ((f"{name}.output", "what the task gave") for name in self._ids())
        elif root == "expand":
            for end in range(len(self._task), 0, -2):
                yield from ((name, "of `expand`") for name in sorted(self.outline.keys((*self._task[:end], "expand"))))
        elif root == "params" and self.place.is_template:
            yield from self._params_of(template_name(self.place.path))
        elif root in ("vars", "matrix"):
            names: dict[str, Any] = dict.fromkeys(self.outline.keys((root,)))
            if root == "matrix" and self._task:
                names |= dict.fromkeys(self.outline.keys((*self._task, "matrix")))
            for above in self.workspace.checker().layers.defaults(self.place.path):
                given = above.data.get(root) if isinstance(above.data, dict) else None
                names |= dict.fromkeys(given if isinstance(given, dict) else ())
            yield from ((name, f"of `{root}`") for name in names if name not in ("include", "exclude"))


def _id_entries(outline: Outline) -> list[DataPath]:
    """The paths of all ids of tasks and groups."""
    items = [entry.path for entry in outline.entries if task_path(entry.path) == entry.path and entry.path]
    return [(*path, "id") for path in dict.fromkeys(items) if outline.value((*path, "id"))]


def output_keys(workspace: Workspace, outline: Outline, task_id: str) -> Iterable[str]:
    """The keys of a task's output, where they are known."""
    name = task_id.rpartition(".")[2]
    entry = next((path[:-1] for path in _id_entries(outline) if outline.value(path) == name), ())
    template = workspace.checker().layers.template(outline.value((*entry, TEMPLATE)) or "")
    if template is not None and isinstance(template.data, dict):
        return list(template.data.get("outputs") or ())
    uses = outline.value((*entry, "uses")) or ""
    found = workspace.reader().find(uses) if uses not in BUILT_INS else None
    return returned_keys(found) if isinstance(found, Function) else _OUTPUTS.get(uses, ())


def _opens(schema: Any) -> str:
    """What follows a key: a mapping or a list goes on in the next line."""
    types = schema.get("type", ())
    types = [types] if isinstance(types, str) else types
    return "" if ("object" in types or "array" in types) and types[:1] != ["string"] else " "
