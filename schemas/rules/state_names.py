"""Names under which polls keep what they remember: in one pipeline, in the rows of a matrix, and across files.

What one poll moves forward another of the same name would never ask for. No two may share a name, not even two
mirrors of one API: a run's window is a poll's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Related
from schemas.findings.paths import DataPath
from schemas.folder.discovery import default_dag_id
from schemas.model.poll import POLL_TASK_ID
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView

REMEMBERS = ("incremental", "change_detection")
MARKS = (*REMEMBERS, "watch")
"""A text without these remembers nothing."""
_HELP = "each needs a name of its own: what one moves, the other would never ask for"


def remembers(task: TaskView) -> bool:
    """Whether a task keeps something from run to run."""
    keys = (*REMEMBERS, "watch") if task.path == (POLL_TASK_ID,) else REMEMBERS
    return task.uses == "http" and any(task.arguments.get(key) is not None for key in keys)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Names that several tasks of one pipeline share."""
    if not subject.may_hold("state_key"):
        return
    for name, (first, *others) in _by_name([subject]).items():
        for other in others:
            # A name that is made of ids is right; the one that is written is to be another.
            at, beside = (other, first) if other.is_written else (first, other)
            yield at.finding(f"`{name}` is where task `{beside.task.full_id}` keeps what it remembers", _HELP)


def between_rows(subjects: Iterable[Subject]) -> Iterator[Diagnostic]:
    """Names that several rows of a file's matrix share; `subjects` are those rows, in one environment."""
    for name, holders in _by_name(subjects).items():
        dag_ids = {holder.dag_id for holder in holders}
        for holder in holders if len(dag_ids) > 1 else ():
            yield holder.finding(
                f"`{name}` is where several pipelines of the `matrix` keep what they remember",
                "put what tells them apart into it, as `${matrix.…}`, or leave `state_key` out",
            )


def across(subjects: Iterable[Subject]) -> Iterator[Diagnostic]:
    """Names that several files share: a finding at each place, which names another file's."""
    for name, holders in _by_name(subjects).items():
        for holder in holders:
            other = next((one for one in holders if one.is_other_file_than(holder)), None)
            if other is None:
                continue
            what = f"`{name}` is where task `{other.task.full_id}` of pipeline `{other.dag_id}` keeps what it remembers"
            found = holder.finding(what if holder.is_written else f"{what}, and by its ids so does this one", _HELP)
            yield replace(found, related=(*found.related, other.related))


class _Holder(NamedTuple):
    """A task that keeps something under a name, which is its `state_key` or made of its ids."""

    subject: Subject
    task: TaskView
    dag_id: str

    @property
    def is_written(self) -> bool:
        return self.task.arguments.get("state_key") is not None

    @property
    def path(self) -> DataPath:
        return (*self.task.with_path, "state_key") if self.is_written else self.task.id_path

    @property
    def related(self) -> Related:
        file, _, span = (self.subject.key_span if self._at_key else self.subject.value_span)(self.path)
        return Related(file, span, "the other one")

    def is_other_file_than(self, holder: _Holder) -> bool:
        """Where both names are made of ids, the DAG ids are the same: that has a finding of its own."""
        return self.subject.path != holder.subject.path and (self.is_written or holder.is_written)

    @property
    def _at_key(self) -> bool:
        """A poll has no id that is written."""
        return self.path == (POLL_TASK_ID,)

    def finding(self, message: str, help_text: str) -> Diagnostic:
        return self.subject.finding(Code.STATE_SHARED, self.path, message, at_key=self._at_key, help=help_text)


def _by_name(subjects: Iterable[Subject]) -> dict[str, list[_Holder]]:
    found: dict[str, list[_Holder]] = {}
    for subject in subjects:
        written = subject.data.get("dag_id")
        dag_id = written if isinstance(written, str) else default_dag_id(subject.path)
        for task in subject.tasks:
            key = task.arguments.get("state_key")
            if remembers(task) and task.full_id is not None and isinstance(key, str | None):
                found.setdefault(key or f"{dag_id}/{task.full_id}", []).append(_Holder(subject, task, dag_id))
    return found
