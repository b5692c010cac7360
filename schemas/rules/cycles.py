"""Tasks that wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.subject import Subject

Edges = dict[str, dict[str, DataPath | None]]
"""Full id → ids it waits for, each with the path of what says so; None where a group waits for what it holds."""


def cycles(subject: Subject, edges: Edges) -> Iterator[Diagnostic]:
    """Each group of tasks that wait for each other is named once, as one way around."""
    done: set[str] = set()
    for start in edges:
        cycle = _cycle_from(start, edges, done)
        if cycle is not None:
            yield _finding(subject, edges, cycle)


def _finding(subject: Subject, edges: Edges, cycle: list[str]) -> Diagnostic:
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
        help=f"`{one}` → `{other}`: the first waits for the second; take one such wait away",
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
