"""Ids of tasks and groups, `needs`, references and the cycles they make."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from schemas.expressions.reading import TaskReference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Related, Word, typo_fix
from schemas.findings.paths import OUTWARD, DataPath
from schemas.findings.suggestions import MOST_OF_A_FILE, did_you_mean, nearest, of_another_script
from schemas.model.task_base import LONGEST_ID, POLL_TASK_ID
from schemas.rules.expressions import has_expression
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView, nameable

Edges = dict[str, dict[str, DataPath | None]]
"""Full id → ids it waits for, each with the path of what says so; None where a group waits for what it holds."""


def cycles(subject: Subject, edges: Edges) -> Iterator[Diagnostic]:
    """Tasks that wait for each other."""
    yield from (_cycle(subject, edges, cycle) for cycle in ways_around(edges))


def ways_around(edges: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """One way around for each group of names that lead to each other."""
    done: set[str] = set()
    yield from filter(None, (_cycle_from(start, edges, done) for start in edges))


def _cycle(subject: Subject, edges: Edges, cycle: list[str]) -> Diagnostic:
    # Some wait of the circle is written: what a group holds does not wait for the group.
    waits = [(one, other, edges[one][other]) for one, other in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
    at = next(index for index, (_, _, path) in enumerate(waits) if path is not None)
    one, other, path = waits[at]
    cycle = cycle[at:] + cycle[:at]
    around = " → ".join(f"`{task_id}`" for task_id in (*cycle, cycle[0]))
    return subject.finding(
        Code.CYCLE,
        path or (),
        f"these tasks wait for each other: {around}",
        help=f"`{one}` → `{other}`: the first waits for the second; remove one of these dependencies",
    )


def _cycle_from(start: str, edges: Mapping[str, Collection[str]], done: set[str]) -> list[str] | None:
    """Depth first, without recursion: a file may hold thousands of tasks in a row."""
    way = [] if start in done else [start]
    on_way = {start}
    ahead = [iter(edges[start])]
    found: list[str] | None = None
    while way:
        following = next(ahead[-1], None)
        if following is None:
            on_way.discard(way[-1])
            done.add(way.pop())
            ahead.pop()
        elif following in on_way:
            found = found or way[way.index(following) :]
        elif following not in done:
            way.append(following)
            on_way.add(following)
            ahead.append(iter(edges[following]))
    return found


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Ids used twice or too long, tasks that are not there, tasks that wait for each other."""
    names = _Names()
    for view in subject.entries:
        yield from names.add(subject, view)
    edges = _containment(names)
    needs_of: dict[DataPath, list[tuple[str, DataPath]]] = {}
    for view in names.views.values():
        for path, need in (*view.needs, *view.teardown):
            found = _Wait(view, path, need).target(subject, names)
            if isinstance(found, Diagnostic):
                yield found
            elif found is not None:
                needs_of.setdefault(view.path, []).append((found, path))
    for view, path, reference, part in subject.references:
        if isinstance(reference, TaskReference) and names.is_first(view):
            found = _Wait(view, path, reference.task_id, is_reference=True, part=part).target(subject, names)
            if isinstance(found, Diagnostic):
                yield found
            elif found is not None and view.is_group:
                needs_of.setdefault(view.path, []).append((found, path))
            elif found is not None and view.full_id is not None:
                edges[view.full_id].setdefault(found, path)
    _add_needs(names, needs_of, edges)
    yield from cycles(subject, edges)


@dataclass
class _Names:
    """Entries by full id: the first of each."""

    views: dict[str, TaskView] = field(default_factory=dict)
    _repeated: set[DataPath] = field(default_factory=set)

    def add(self, subject: Subject, view: TaskView) -> Iterator[Diagnostic]:
        full_id = view.full_id
        if full_id is None or self._is_repeated(view):
            return
        if full_id in self.views:
            self._repeated.add(view.path)
            yield _duplicate(subject, view, self.views[full_id])
            return
        self.views[full_id] = view
        if len(full_id) > LONGEST_ID >= len(view.id or ""):
            message = f"with its groups the id has {len(full_id)} characters, and Airflow allows {LONGEST_ID}"
            yield subject.finding(Code.ID_TOO_LONG, view.id_path, message)

    def is_first(self, view: TaskView) -> bool:
        """Whether a view has its id, or none at all, to itself; what is in a repeated group has not."""
        return not self._is_repeated(view)

    def around(self, view: TaskView) -> Iterator[DataPath]:
        """The paths of the entry and the groups around it."""
        return (view.path[:end] for end in range(len(view.path), 0, -2))

    def _is_repeated(self, view: TaskView) -> bool:
        return bool(self._repeated) and any(path in self._repeated for path in self.around(view))


class _Wait(NamedTuple):
    """That `view` names another: in its `needs`, its `teardown`, or in a reference, which may be `part` of a text."""

    view: TaskView
    path: DataPath
    written: str
    is_reference: bool = False
    part: tuple[int, int] | None = None

    def target(self, subject: Subject, names: _Names) -> str | Diagnostic | None:
        """The full id of what is waited for, what is wrong with it, or None where others say so."""
        if not self.is_reference and has_expression(subject, self.path):
            return None
        found = self.view.scope.find(self.written, names.views)
        if found is None:
            return self._unknown(subject, names)
        other = names.views[found]
        if self.is_reference and other.is_group:
            return subject.finding(
                Code.NO_OUTPUT,
                self.path,
                f"`{found}` is a group, and a group has no output",
                allowed=tuple(full_id for full_id in names.views if full_id.startswith(f"{found}.")),
                help="name one of its tasks",
                part=self.part,
            )
        problem = self._circle(found, other)
        return subject.finding(Code.CYCLE, self.path, problem, part=self.part) if problem else found

    def _circle(self, found: str, other: TaskView) -> str | None:
        mine, what = self.view.path, "group" if self.view.is_group else "task"
        if other is self.view:
            return f"{what} `{found}` waits for itself"
        if mine[: len(other.path)] == other.path:
            return f"{what} `{self.view.full_id}` is in the group `{found}`, so it cannot wait for it"
        if other.path[: len(mine)] == mine:
            return f"`{found}` is in the group `{self.view.full_id}`, so the group cannot wait for it"
        return None

    def _unknown(self, subject: Subject, names: _Names) -> Diagnostic:
        written = self.written.lstrip(OUTWARD)
        mine = self.view.path[: len(self.view.path) - 2 * (len(self.written) - len(written))]  # where it is written
        views = names.views.values() if len(names.views) <= MOST_OF_A_FILE else ()
        others = {
            name: str(other.full_id)
            for name, other in nameable(views, mine)
            if mine[: len(other.path)] != other.path and not (self.is_reference and other.is_group)
            if "${" in (own := str(other.entry.get("id"))) or not {".", " "} & set(own)  # which is to be renamed
        }
        near = {full_id.removeprefix(prefix) for full_id in others.values() for prefix in self.view.scope.prefixes}
        key = next(element for element in reversed(self.path) if isinstance(element, str))
        word = nearest(written, near) or _inside_a_group(written, near)
        who = "the reference names" if self.is_reference else f"`{key}` names"
        return subject.finding(
            Code.UNKNOWN_TASK,
            self.path,
            f"{who} `{written}`, which does not exist",
            caret=did_you_mean(word) + of_another_script(written, word),
            allowed=tuple(others),
            fix=self._fix(subject, written, near),
            part=self.part,
        )

    def _fix(self, subject: Subject, written: str, near: set[str]) -> Word | None:
        """The id that is meant, in `needs`, in `teardown` or in a reference."""
        fix = typo_fix(written, near)
        if fix is None or not self.is_reference:
            return fix
        value = str(subject.at(self.path))
        return Word(value.replace(f"tasks.{written}.", f"tasks.{fix.text}.", 1))


def _inside_a_group(written: str, ids: set[str]) -> str | None:
    """The only task in another group that has this name there."""
    found = {one for one in ids if one.endswith(f".{written}")}
    shortest = min(found, key=len, default=None)
    return shortest if shortest is not None and all(one.endswith(shortest) for one in found) else None


def _duplicate(subject: Subject, view: TaskView, first: TaskView) -> Diagnostic:
    file, _, span = subject.value_span(first.id_path) if first.path != ("poll",) else subject.key_span(("poll",))
    finding = subject.finding(
        Code.DUPLICATE_TASK_ID,
        view.id_path,
        f"duplicate {'group' if view.is_group else 'task'} id `{view.full_id}`",
        caret=f"first on line {span.line}"
        if file == subject.value_span(view.id_path)[0]
        else f"first in {file}:{span.line}",
        help="`poll` is the id of the task that `poll:` makes" if first.path == ("poll",) else "",
    )
    return replace(finding, related=(Related(file, span, f"the first `{view.full_id}`"),))


def _containment(names: _Names) -> Edges:
    """A group is done when all in it are."""
    by_path = {view.path: full_id for full_id, view in names.views.items()}
    edges: Edges = {full_id: {} for full_id in names.views}
    for full_id, view in names.views.items():
        group = by_path.get(view.path[:-2])
        if group is not None:
            edges[group][full_id] = None
    return edges


def _add_needs(names: _Names, needs_of: dict[DataPath, list[tuple[str, DataPath]]], edges: Edges) -> None:
    """A task waits for what it needs, and for what the groups around it need."""
    for full_id, view in names.views.items():
        if not view.is_group:
            for place in names.around(view):
                for target, path in needs_of.get(place, ()):
                    edges[full_id].setdefault(target, path)


@dataclass
class Waits:
    """What the tasks of a sound pipeline wait for where there are no groups. `left_out` are those that are not there,
    `said` those whose outputs a task takes in a way that makes it wait."""

    subject: Subject
    left_out: set[str] = field(default_factory=set)
    said: set[tuple[str, str]] = field(default_factory=set)

    def needs(self, view: TaskView) -> list[str]:
        """The full ids of the tasks that a task waits for but for what is said."""
        return [name for name in self._needed(view) if (view.full_id, name) not in self.said]

    def present(self, full_id: str) -> list[str]:
        """A task, or where it is left out what it waits for."""
        if full_id not in self.left_out:
            return [full_id]
        view = next(one for one in self.subject.tasks if one.full_id == full_id)
        before = dict.fromkeys((*self._needed(view), *self._referred(view)))
        return list(dict.fromkeys(name for one in before for name in self.present(one)))

    def told(self, view: TaskView, *, inside: bool = False) -> list[tuple[DataPath, str]]:
        """The tasks that a task waits for but for outputs, also where they are left out, each with the place that says
        so; `inside`: not counting its groups' and the poll."""
        known = {one.full_id: one for one in self.subject.entries if one.full_id}
        found: list[tuple[DataPath, str]] = []
        for holder in [view] if inside else [view, *self.subject.around(view.path)]:
            within = {one.full_id for one in self.subject.tasks if one.path[: len(holder.path)] == holder.path}
            if holder is not view and within & {*(name for _, name in found), *self._referred(view)}:
                continue  # what it waits for inside has waited for that
            for path, name in (*holder.needs, *holder.teardown):
                target = known.get(holder.scope.find(name, known) or "")
                last = [target.full_id or ""] if target and not target.is_group else self._last(target)
                found += [(path, one) for one in last]
        has_poll = "poll" in self.subject.data and view.full_id != POLL_TASK_ID
        if not inside and not found and not self._referred(view) and has_poll:
            found.append((view.path, POLL_TASK_ID))
        return found

    def _needed(self, view: TaskView, *, inside: bool = False) -> list[str]:
        found = [name for _, name in self.told(view, inside=inside)]
        referred = [name for name in self._referred(view) if inside or (view.full_id, name) not in self.said]
        through = [n for name in (*found, *referred) for n in ([name] if inside else self.present(name))]
        return list(dict.fromkeys(through))

    def _referred(self, view: TaskView) -> list[str]:
        """The tasks whose outputs a task takes, with those of tasks that are left out."""
        known = {one.full_id for one in self.subject.tasks if one.full_id}
        inside = (one for path, one in self.subject.expressions if path[: len(view.path)] == view.path)
        names = [one.meaning.task_id for one in inside if isinstance(one.meaning, TaskReference)]
        return [found for name in names if (found := view.scope.find(name, known)) is not None]

    def _last(self, group: TaskView | None) -> list[str]:
        """The tasks of a group that none in it waits for."""
        if group is None:
            return []
        inside = [one for one in self.subject.tasks if one.path[: len(group.path)] == group.path]
        waited = {name for one in inside for name in self._needed(one, inside=True)}
        return [one.full_id or "" for one in inside if one.full_id not in waited]
