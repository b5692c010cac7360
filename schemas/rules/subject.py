"""What a rule looks at: one file's effective document, as it is written, right or wrong.

Rules read this and not the model, so that a wrong value in one task hides nothing that is wrong in another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from schemas.compose.effective import Effective
from schemas.compose.env_values import EnvText, as_written, is_documentation
from schemas.expressions.reading import ExpandReference, Expression, TaskReference, expressions
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import USED, Diagnostic, Edit, Problem, Related, Span
from schemas.findings.paths import DataPath, Walked, task_path, walk, without_marks
from schemas.model.task import TEMPLATE
from schemas.rules.task_view import TaskView, poll_view, task_views
from schemas.shape.places import value_at
from schemas.text.document import may_hold
from schemas.text.edits import fix_at
from schemas.text.lines import span_inside

_ZERO_FIRST = re.compile(r"(?:[:,\[?-]|[&!]\S+)\s*0[0-9]")


class Reference(NamedTuple):
    """A task's output, or a value of a mapped group; `part` is its place in a longer text, None where it is alone."""

    task: TaskView
    path: DataPath
    to: TaskReference | ExpandReference
    part: tuple[int, int] | None


@dataclass(frozen=True)
class Subject:
    """One pipeline file. `path` is its POSIX path below the pipelines folder."""

    path: str
    effective: Effective = field(repr=False)

    @property
    def data(self) -> Mapping[str, Any]:
        return self.effective.data

    def may_hold(self, *marks: str) -> bool:
        """Whether a value or key of a layer may have one of these in it. Rules ask for each task, too."""
        if marks not in self._held:
            self._held[marks] = may_hold(self._text, marks)
        return self._held[marks]

    @cached_property
    def _held(self) -> dict[tuple[str, ...], bool]:
        return {}

    @cached_property
    def _text(self) -> str:
        return "\n".join([layer.text for layer in self.effective.documents])

    @cached_property
    def is_as_written(self) -> bool:
        """Whether all values are those of the texts: none is filled in from `vars`, a matrix or the environment."""
        return not self.effective.is_filled and not self.may_hold("${env", "$${")

    @cached_property
    def entries(self) -> tuple[TaskView, ...]:
        """The poll first, then every entry of `tasks` that is a mapping, a group right before what it holds."""
        views = []
        poll = self.data.get("poll")
        if isinstance(poll, dict):
            views.append(poll_view(poll))
        views += task_views(self.data.get("tasks"))
        return tuple(views)

    @cached_property
    def tasks(self) -> tuple[TaskView, ...]:
        """The entries that are no groups."""
        return tuple(view for view in self.entries if not view.is_group)

    @cached_property
    def groups(self) -> tuple[TaskView, ...]:
        """The entries that hold tasks of their own."""
        return tuple(view for view in self.entries if view.is_group)

    @cached_property
    def settings(self) -> tuple[tuple[DataPath, Mapping[str, Any]], ...]:
        """Every mapping with settings of tasks: each `default_args`, and the entries themselves."""
        holders: list[tuple[DataPath, Any]] = [(("default_args",), self.data.get("default_args"))]
        for view in self.entries:
            holders.append((view.path, view.entry))
            if view.is_group:
                holders.append(((*view.path, "default_args"), view.entry.get("default_args")))
        return tuple((path, holder) for path, holder in holders if isinstance(holder, dict))

    @cached_property
    def walked(self) -> Walked:
        """Every text and every key of the document, with its path."""
        return walk(self.effective.data)

    @property
    def texts(self) -> list[tuple[DataPath, str]]:
        """Every text of the document, with its path."""
        return self.walked.texts

    @cached_property
    def template_texts(self) -> list[tuple[DataPath, str]]:
        """The texts that may hold a template or an expression, as they are written: what the environment gives is its
        own matter, and documentation is shown as it is."""
        written = ((path, as_written(text)) for path, text in self.texts)
        return [(path, text) for path, text in written if "{" in text and not is_documentation(path)]

    @property
    def keys(self) -> list[DataPath]:
        """The path of every key of the document."""
        return self.walked.keys

    @cached_property
    def expressions(self) -> tuple[tuple[DataPath, Expression], ...]:
        if not self.may_hold("${"):
            return ()
        return tuple(
            (path, found) for path, text in self.texts if "${" in text for found in expressions(as_written(text))
        )

    @cached_property
    def expression_paths(self) -> frozenset[DataPath]:
        """The paths of the texts with expressions."""
        return frozenset(path for path, _ in self.expressions)

    @cached_property
    def key_expressions(self) -> tuple[tuple[DataPath, Expression], ...]:
        """Expressions in the keys of mappings, where none is allowed; each with the path of its key's value."""
        if not self.may_hold("${"):
            return ()
        held = [path for path in self.keys if "${" in str(path[-1])]
        return tuple((path, found) for path in held for found in expressions(str(path[-1])))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """What is known when a task runs, where it is allowed."""
        return tuple(
            Reference(task, path, expression.meaning, None if expression.whole else (expression.start, expression.end))
            for path, expression in self.expressions
            if isinstance(expression.meaning, TaskReference | ExpandReference)
            and (task := self.entry_at(path)) is not None
            and task.takes_output(path)
        )

    def references_of(self, task: TaskView) -> Sequence[Reference]:
        """Those of a task, in the order of the document."""
        return self._references_by_task.get(task.path, ())

    @cached_property
    def _references_by_task(self) -> Mapping[DataPath, Sequence[Reference]]:
        found: dict[DataPath, list[Reference]] = {}
        for one in self.references:
            found.setdefault(one.task.path, []).append(one)
        return found

    @cached_property
    def task_references(self) -> tuple[tuple[TaskView, DataPath, TaskReference], ...]:
        """The outputs of tasks among them."""
        return tuple((one.task, one.path, one.to) for one in self.references if isinstance(one.to, TaskReference))

    @cached_property
    def by_id(self) -> Mapping[str, TaskView]:
        """Tasks and groups by their full ids; of several with one id the first."""
        return {view.full_id: view for view in reversed(self.entries) if view.full_id is not None}

    @cached_property
    def may_lose_zeros(self) -> bool:
        """Whether a number may be written with a zero in front."""
        return _ZERO_FIRST.search(self._text) is not None

    @cached_property
    def waits(self) -> Mapping[DataPath, Sequence[TaskView]]:
        """Path of an entry → the tasks and groups that it waits for itself: by `needs`, `teardown` and references."""
        found: dict[DataPath, list[TaskView]] = {view.path: [] for view in self.entries}
        named = [(view, need) for view in self.entries for _, need in (*view.needs, *view.teardown)]
        named += [(view, reference.task_id) for view, _, reference in self.task_references]
        for view, name in named:
            other = self.by_id.get(view.scope.find(name, self.by_id) or "")
            found[view.path] += [other] if other is not None and other not in found[view.path] else []
        return found

    def is_after(self, task: TaskView, other: TaskView) -> bool:
        """Whether a task runs after another one, by what it, the groups around it and those before them wait for."""
        waiting, seen = [task], set[DataPath]()
        while waiting:
            view = waiting.pop()
            for entry in (view, *self.around(view.path)):
                for before in self.waits[entry.path] if entry.path not in seen else ():
                    if other.path[: len(before.path)] == before.path:
                        return True
                    waiting += [one for one in self.entries if one.path[: len(before.path)] == before.path]
                seen.add(entry.path)
        return False

    def entry_at(self, path: DataPath) -> TaskView | None:
        """The task or the innermost group that a path lies in."""
        return self.by_path.get(path[:1] if path[:1] == ("poll",) else task_path(path))

    def around(self, path: DataPath) -> Iterator[TaskView]:
        """The groups that a path lies in, the nearest first."""
        entry = task_path(path)
        return (self.by_path[entry[:end]] for end in range(len(entry) - 2, 0, -2) if entry[:end] in self.by_path)

    @cached_property
    def by_path(self) -> Mapping[DataPath, TaskView]:
        return {view.path: view for view in self.entries}

    def at(self, path: DataPath) -> Any:
        """The value as it is written at a path."""
        document, place = self.effective.origin(path)
        return document.at(place)

    def key_span(self, path: DataPath) -> tuple[str, str, Span]:
        """File, text and span of the key at a path."""
        document, place = self.effective.key_origin(path)
        return document.file, document.text, document.key_span(place)

    def value_span(self, path: DataPath) -> tuple[str, str, Span]:
        """File, text and span of the value at a path."""
        document, place = self.effective.origin(path)
        return document.file, document.text, document.value_span(place)

    def finding(  # noqa: PLR0913 # the parts of a diagnostic, each by name
        self,
        code: Code,
        path: DataPath,
        message: str,
        *,
        at_key: bool = False,
        caret: str = "",
        help: str = "",
        allowed: tuple[str, ...] = (),
        fix: Edit | None = None,
        severity: Severity | None = None,
        part: tuple[int, int] | None = None,
    ) -> Diagnostic:
        """A diagnostic at a path of the effective document; `part` narrows it to a range of the value's text as it is
        written.

        `fix` is the edit of the whole value or key, where it is in the text as it is read.
        """
        document, place = self.effective.key_origin(path) if at_key else self.effective.origin(path)
        span = whole = document.key_span(place) if at_key else document.value_span(place)
        about = path[:-1] if at_key else path
        used = self._where_used(about)
        if used and self.effective.used_at(about) is not None:
            fix = None  # the value may be right for others that use it
        if part is not None:
            # A matrix that made rows is not in the data any more: its text is as it was written.
            now = value_at(self.data, path)
            text = as_written(now if isinstance(now, str) else str(document.at(place)))
            span = span_inside(span, document.lines, document.text, text, part)
        return Diagnostic(
            code,
            without_marks(message) if used else message,
            document.file,
            span,
            caret=caret,
            help=help,
            allowed=allowed,
            fix=fix_at(fix, document, place, whole, at_key=at_key) if fix is not None else None,
            text=document.text,
            severity=severity or code.severity,
            path=path,
            related=used,
        )

    def _where_used(self, path: DataPath) -> tuple[Related, ...]:
        """Where the expression is written that took the value at a path from `vars`, `matrix` or `params`, and where
        the templates are taken that the path is in."""
        used_at = self.effective.used_at(path)
        used = [] if used_at is None else [self.key_span(used_at)]
        return tuple(Related(file, span, USED) for file, _, span in (*used, *self.callers(path)))

    def callers(self, path: DataPath) -> list[tuple[str, str, Span]]:
        """File, text and span of where the templates are taken that a path is in, the innermost first."""
        around = self.around(path) if self.effective.templates else ()
        return [self.key_span((*group.path, TEMPLATE)) for group in around if TEMPLATE in group.entry]

    def said(self, problem: Problem) -> Diagnostic:
        """The diagnostic of a problem of the effective document."""
        return self.finding(**problem._asdict())


def scalar(value: Any) -> Any:
    """The value that a text from the environment stands for, where it is a field's whole value."""
    return value.as_scalar() if isinstance(value, EnvText) and value.whole else value
