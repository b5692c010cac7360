"""Task ids, `needs`, references and the cycles they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic, Related
from schemas.rules.expressions import stands_at
from schemas.subject import Subject, TaskView
from schemas.suggestions import meant, nearest

Edges = dict[str, dict[str, DataPath]]
"""Task id → ids it waits for, each with the path of what says so."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Ids used twice, tasks that are not there, tasks that wait for each other."""
    ids: dict[str, TaskView] = {}
    for task in subject.tasks:
        if task.id is None:
            continue
        if task.id in ids:
            yield _duplicate(subject, task, ids[task.id])
        else:
            ids[task.id] = task
    edges: Edges = {task_id: {} for task_id in ids}
    yield from _edges(subject, ids, edges)
    yield from _cycles(subject, edges)


def _duplicate(subject: Subject, task: TaskView, first: TaskView) -> Diagnostic:
    file, _, span = subject.value_span(first.id_path) if first.path != ("poll",) else subject.key_span(("poll",))
    finding = subject.finding(
        Code.DUPLICATE_TASK_ID,
        task.id_path,
        f"a second task is called `{task.id}`",
        caret=f"first on line {span.line}"
        if file == subject.value_span(task.id_path)[0]
        else f"first in {file}:{span.line}",
        help="`poll` is the id of the task that `poll:` makes" if first.path == ("poll",) else "",
    )
    return replace(finding, related=(Related(file, span, f"the first `{task.id}`"),))


def _edges(subject: Subject, ids: dict[str, TaskView], edges: Edges) -> Iterator[Diagnostic]:
    for task in subject.tasks:
        if task.id is not None and ids[task.id] is not task:
            continue
        for path, need in task.needs:
            yield from _edge(subject, edges, task, path, need, "`needs` names")
    for task, path, reference in subject.task_references:
        if task.id is not None and ids[task.id] is not task:
            continue
        yield from _edge(subject, edges, task, path, reference.task_id, "the reference names")


def _edge(subject: Subject, edges: Edges, task: TaskView, path: DataPath, other: str, who: str) -> Iterator[Diagnostic]:
    if who.startswith("`needs`") and stands_at(subject, path):
        return
    if other == task.id:
        yield subject.finding(Code.CYCLE, path, f"task `{task.id}` waits for itself")
    elif other not in edges:
        others = [task_id for task_id in edges if task_id != task.id]
        yield subject.finding(
            Code.UNKNOWN_TASK,
            path,
            f"{who} `{other}`, and there is no such task",
            caret=meant(other, others),
            allowed=tuple(others),
            replacement=nearest(other, others) if who.startswith("`needs`") else None,
        )
    elif task.id is not None:
        edges[task.id].setdefault(other, path)


def _cycles(subject: Subject, edges: Edges) -> Iterator[Diagnostic]:
    """Each group of tasks that wait for each other is named once, as one way around."""
    done: set[str] = set()
    for start in edges:
        cycle = _cycle_from(start, edges, done)
        if cycle is not None:
            around = " → ".join(f"`{task_id}`" for task_id in (*cycle, cycle[0]))
            path = edges[cycle[0]][cycle[1]]
            yield subject.finding(
                Code.CYCLE,
                path,
                f"these tasks wait for each other: {around}",
                help=f"`{cycle[0]}` → `{cycle[1]}`: the first waits for the second; take one such wait away",
            )


def _cycle_from(start: str, edges: Edges, done: set[str]) -> list[str] | None:
    """Depth first, without recursion: a file may hold thousands of tasks in a row."""
    if start in done:
        return None
    way: list[str] = [start]
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
