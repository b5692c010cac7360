"""Templates: a group whose tasks, params and outputs are in a file of their own.

Params are `${params.NAME}` inside, and have their values before anything else looks at the tasks. From outside only
`${tasks.ID.output.NAME}` leads in, to a declared output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.compose.effective import Arguments, Place, Written
from schemas.compose.matrix import NAME_LISTS
from schemas.expressions.reading import Expression, TaskReference, ValueReference, expressions, filled, task_reference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Problem
from schemas.findings.paths import OUTWARD, DataPath, Scope, task_path, walk, with_value
from schemas.findings.suggestions import did_you_mean, meant
from schemas.folder.project import Templates, known
from schemas.model.task import TEMPLATE
from schemas.model.value_schema import is_sound, unfit
from schemas.text.document import Document

_PARAM = re.compile(r"\$\{(params\.[\w.-]+)\}")
MAX_TEMPLATES = 8
"""So many templates may be in each other."""


class Use(NamedTuple):
    """A template in place of an entry of `tasks`. `outputs`: with the values of the params in them."""

    name: str
    document: Document
    arguments: Arguments
    outputs: Written | None

    @property
    def declared(self) -> Mapping[str, Any]:
        """The outputs by their names."""
        return self.outputs.value if self.outputs and isinstance(self.outputs.value, dict) else {}


def found_template(
    entry: Written, templates: Templates, around: Sequence[str], problems: list[Problem]
) -> Document | None:
    """The template that an entry takes; None where that, or the template, is wrong. `around`: those that it is in."""
    name, path = entry.value[TEMPLATE], (*entry.path, TEMPLATE)
    is_known = isinstance(name, str) and "${" not in name
    if not is_known or not isinstance(entry.value.get("with", {}), dict) or "uses" in entry.value:
        return None  # that has a finding of its own
    document = templates.template(name)
    if document is None:
        names = tuple(sorted(templates.template_names()))
        means, message = known(name), f"there is no template `{name}`"
        place = f"a template is a file in the pipelines folder, not in a subfolder: `_templates/{name}.yaml`"
        wrong_name = "a template's name is letters, digits, `_` and `-`"
        help_text = wrong_name if means is None else "" if means.package else place
        stem = name.rpartition(".")[0]
        caret = meant(name, names) or did_you_mean(stem if stem in names else None)
        problems.append(Problem(Code.UNKNOWN_TASK_TEMPLATE, path, message, caret=caret, help=help_text, allowed=names))
        return None
    message = _not_usable(name, document, around)
    if message:
        problems.append(Problem(Code.BAD_TASK_TEMPLATE, path, message))
        return None
    return document


def _not_usable(name: str, document: Document, around: Sequence[str]) -> str:
    if name in around:
        circle = " → ".join(f"`{one}`" for one in (*around[around.index(name) :], name))
        return f"these templates use each other: {circle}" if around[-1] != name else f"`{name}` uses itself"
    if len(around) >= MAX_TEMPLATES:
        return f"more than {MAX_TEMPLATES} templates are in each other"
    if document.diagnostics:
        first = document.diagnostics[0]
        return f"the template `{name}` cannot be read: {first.file}:{first.span.line}: {first.message}"
    tasks = document.data.get("tasks") if isinstance(document.data, dict) else None
    if not isinstance(tasks, list) or not tasks:
        return f"the template `{name}` has no tasks ({document.file}:1)"
    return ""


def params_of(document: Document) -> Mapping[str, Any]:
    """The params that a template declares."""
    params = document.data.get("params") if isinstance(document.data, dict) else None
    return params if isinstance(params, dict) else {}


def default_of(schema: Any) -> tuple[str, ...] | None:
    """The path below a param to its default; None where it is required."""
    return (("default",) if "default" in schema else None) if isinstance(schema, dict) else ()


def arguments_of(
    entry: Written, layer: int, document: Document, problems: list[Problem], *, is_alone: bool
) -> Arguments:
    """What the params of a template are in an entry that takes it, and what is wrong with what it gives."""
    name, path = entry.value[TEMPLATE], (*entry.path, "with")
    given = entry.value.get("with", {})
    params = params_of(document)
    for key in given:
        if key not in params:
            message = f"template `{name}` has no param `{key}` ({_line(document, 'params')})"
            caret, known, at = meant(key, params), tuple(params), (*path, key)
            problems.append(Problem(Code.UNKNOWN_ARGUMENT, at, message, at_key=True, caret=caret, allowed=known))
    values: dict[str, Written | None] = {}
    for key, schema in params.items():
        place, default = ("params", key), default_of(schema)
        if key in given:
            wrong = list(_misfits(name, key, entry.at(("with", key)), schema, document))
            problems += wrong
            values[key] = None if wrong or _is_open(given[key]) else entry.at(("with", key))
        elif default is None:
            message = f"template `{name}` needs the argument `{key}` ({_line(document, *place)})"
            problems.append(Problem(Code.MISSING_ARGUMENT, (*entry.path, TEMPLATE), message, help="write it in `with`"))
            values[key] = None
        else:
            at = (*place, *default)
            values[key] = Written(document.at(at), Place(layer, at), (*entry.path, TEMPLATE))
    return Arguments(entry.path, values, frozenset(given), is_alone)


def _is_open(value: Any) -> bool:
    """Whether a value names another one that is not there: the same name means something else inside."""
    found = (expression.meaning for _, text in walk(value).texts for expression in expressions(text))
    return any(isinstance(meaning, ValueReference) for meaning in found)


def _misfits(name: str, key: str, value: Written, schema: Any, document: Document) -> Iterator[Problem]:
    if not isinstance(schema, dict) or not is_sound(schema):
        return
    for misfit in unfit(value.value, schema):
        if _is_known_later(value.value, misfit.path):
            continue
        at = ".".join(str(step) for step in misfit.path)
        who = f"`{at}` in `{key}`" if at else f"`{key}`"
        what = f"must be {misfit.must}" if misfit.must else f"does not fit: {misfit.why}"
        message = f"{who} of template `{name}` {what} ({_line(document, 'params', key)})"
        allowed = tuple(map(str, schema["enum"])) if isinstance(schema.get("enum"), list) and not at else ()
        yield Problem(Code.WRONG_ARGUMENT, (*value.path, *misfit.path), message, allowed=allowed)


def _is_known_later(value: Any, path: DataPath) -> bool:
    """Whether a value, or the one around it, comes from the environment, a run, another task or what is not there."""
    for key in (None, *path):
        value = value if key is None else value[key]
        if isinstance(value, str) and ("{{" in value or "{%" in value or next(expressions(value), None) is not None):
            return True
    return False


def _line(document: Document, *path: str) -> str:
    return f"{document.file}:{document.key_span(path).line}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A task or a group, and where names in it are looked up; `inside`: where those of what it holds are."""

    path: DataPath
    entry: Mapping[str, Any]
    scope: Scope
    inside: Scope


@dataclass
class Outputs:
    """Puts the task behind a template's output in place of `${tasks.ID.output.NAME}`, and says what leads into a
    template otherwise. `uses` are the templates by the paths of their groups."""

    tasks: Written
    uses: Mapping[DataPath, Use]
    problems: list[Problem] = field(default_factory=list)
    _entries: dict[DataPath, _Entry] = field(default_factory=dict)
    _known: dict[str, DataPath] = field(default_factory=dict)

    def resolved(self) -> tuple[Any, Place]:
        """The tasks with these references."""
        self._add(self.tasks.value, self.tasks.path, Scope())
        value, place = self.tasks.value, self.tasks.place
        for path, text in walk(value).texts:
            at = (*self.tasks.path, *path)
            if "tasks." in text and (new := self._text(text, at)) != text:
                value = with_value(value, path, new)
                place = place.with_part(path, place.at(path)._replace(filled=new))
        for one in self._entries.values():
            self._names(one)
        return value, place

    def check(self, declared: Written | None) -> None:
        """Say what is wrong with the outputs that the document declares, which is a template."""
        if declared is not None and isinstance(declared.value, dict):
            found = (self._wrong_output(name, text, (*declared.path, name)) for name, text in declared.value.items())
            self.problems += [problem for problem in found if problem is not None]

    def _wrong_output(self, name: str, text: Any, path: DataPath) -> Problem | None:
        known = {_PARAM.sub(r"\1", one): (one, at) for one, at in self._known.items()}
        reference = task_reference(_PARAM.sub(r"\1", text)) if isinstance(text, str) else None
        if reference is None:  # what is no text is a matter of its shape
            message = f"the output `{name}` must be `${{tasks.ID.output}}` of a task of the template"
            return Problem(Code.BAD_TASK_TEMPLATE, path, message) if isinstance(text, str) else None
        if reference.task_id not in known:
            names = tuple(name for name, one in self._known.items() if self._around(one, path) is None)
            task_id = re.split(r"\.(?:output|xcom)\b", text.removeprefix("${tasks."))[0]
            message = f"the template has no task `{task_id}`"
            return Problem(Code.UNKNOWN_TASK, path, message, caret=meant(task_id, names), allowed=names)
        task_id, at = known[reference.task_id]
        if "tasks" in self._entries[at].entry and at not in self.uses:
            return Problem(Code.NO_OUTPUT, path, f"`{task_id}` is a group, and a group has no output")
        found = self._reference(reference._replace(task_id=task_id), _Entry(path, {}, Scope(), Scope()), path)
        return None if isinstance(found, str) else found

    def _add(self, entries: Any, path: DataPath, scope: Scope) -> None:
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict):
                at, name = (*path, index), entry.get("id")
                inside = scope.inside(str(name), prefix_group_id=entry.get("prefix_group_id") is not False)
                self._entries[at] = _Entry(at, entry, scope, inside)
                if isinstance(name, str):
                    self._known.setdefault(scope.full_id(name), at)
                self._add(entry.get("tasks"), (*at, "tasks"), inside)

    def _text(self, text: str, path: DataPath) -> str:
        one = self._entries.get(task_path(path))
        if one is None or path[len(one.path)] in NAME_LISTS:
            return text
        made: list[tuple[Expression, str]] = []
        for expression in expressions(text):
            reference = expression.meaning
            found = self._reference(reference, one, path) if isinstance(reference, TaskReference) else None
            if isinstance(found, Problem):
                self.problems.append(found._replace(part=(expression.start, expression.end)))
                found = f"${expression.written}"  # no reference to anything
            made += [(expression, found)] if found is not None else []
        return filled(text, made) if made else text

    def _reference(self, reference: TaskReference, one: _Entry, path: DataPath) -> str | Problem | None:
        """What a reference in an entry is written as, or what is wrong with it; None: it is right as it is."""
        found = one.scope.find(reference.task_id, self._known)
        at = self._known.get(found) if found is not None else None
        if found is None or at is None:
            return None
        around = self._around(at, one.path)
        if around is not None:
            message = f"`{found}` is inside the template `{self.uses[around].name}`: take one of its outputs"
            return Problem(Code.NO_OUTPUT, path, message, allowed=self._outputs(around))
        return self._output(at, reference, one, path) if at in self.uses else None

    def _around(self, path: DataPath, seen_from: DataPath) -> DataPath | None:
        """The template's group that hides what is at a path from what is at another one."""
        groups = (path[:end] for end in range(len(self.tasks.path) + 1, len(path), 2))
        return next((one for one in groups if one in self.uses and seen_from[: len(one)] != one), None)

    def _outputs(self, at: DataPath) -> tuple[str, ...]:
        """The outputs of a template as references."""
        entry = self._entries[at]
        full_id = entry.scope.full_id(str(entry.entry.get("id")))
        return tuple(f"${{tasks.{full_id}.output.{name}}}" for name in self.uses[at].declared)

    def _output(self, at: DataPath, reference: TaskReference, one: _Entry, path: DataPath) -> str | Problem:
        use = self.uses[at]
        template = f"template `{use.name}` ({use.document.file})"
        declared = use.declared
        name = str(reference.steps[0]) if reference.key is None and reference.steps else None
        if name is None or name not in declared:
            message = f"the {template} declares no output `{name}`"
            if name is None:
                task, place = reference.task_id.lstrip(OUTWARD), self.tasks.place.at(path[len(self.tasks.path) :])
                whose = "the caller's " if place.filled is not None and task != reference.task_id else ""
                message = f"{whose}`{task}` is the {template}: name one of the outputs that it declares"
            allowed = self._outputs(at)
            return Problem(Code.NO_OUTPUT, path, message, caret=meant(name or "", declared), allowed=allowed)
        if _PARAM.search(str(declared[name])):
            return f"${reference.written}"  # its value is not there, which is said, or not known yet
        found = task_reference(declared[name])
        target = self._entries[at].inside.find(found.task_id, self._known) if found is not None else None
        inside = self._known[target] if target is not None else ()
        if found is None or target is None or inside[: len(at)] != at or inside == at:
            message = f"the output `{name}` of the {template} is none of its tasks' outputs"
            return Problem(Code.NO_OUTPUT, path, message)
        whole = found._replace(task_id=target, steps=(*found.steps, *reference.steps[1:]))
        if inside in self.uses:
            further = self._output(inside, whole, one, path)
            message = f"the output `{name}` of the {template} is wrong: {getattr(further, 'message', '')}"
            return further if isinstance(further, str) else further._replace(message=message, caret="", allowed=())
        return whole._replace(task_id=OUTWARD * (len(one.scope.prefixes) - 1) + target).written

    def _names(self, one: _Entry) -> None:
        for key in NAME_LISTS:
            names = one.entry.get(key)
            for index, name in enumerate(names if isinstance(names, list) else ()):
                found = one.scope.find(name, self._known) if isinstance(name, str) else None
                around = self._around(self._known[found], one.path) if found is not None else None
                if around is not None:
                    template, group = self.uses[around].name, self._entries[around].entry.get("id")
                    message = f"`{name}` is inside the template `{template}`: wait for `{group}`"
                    self.problems.append(Problem(Code.UNKNOWN_TASK, (*one.path, key, index), message))
