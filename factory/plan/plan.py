"""Two folders → what replacing one by the other does to each DAG.

A plan as text for a terminal, as Markdown for a pull request, and as JSON for programs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType

from factory.plan.changes import Change, Entry, changes, first_runs, forbidden, renamed
from factory.plan.contents import Contents, Dag, contents
from factory.plan.reach import Readers, needs, reasons, with_assets
from factory.reporters.text import markdown_code, markdown_text, printable, sentence
from schemas.folder.discovery import pipeline_paths
from schemas.rules.team_policy import project_policy

_Key = tuple[str, str | None]
"""DAG id and environment."""

KINDS = ("broken", "removed", "renamed", "changed", "new", "touched", "fixed")
"""In the order in which they are shown."""


@dataclass(frozen=True)
class Plan:
    """All entries, what can lose something first. `base` names what was compared with."""

    base: str
    entries: tuple[Entry, ...]

    @property
    def has_errors(self) -> bool:
        return any(e.kind == "broken" or any(change.kind == "policy" for change in e.changes) for e in self.entries)


def plan(before: Path, after: Path, *, base: str, shown: str, now: datetime) -> Plan:
    """Compare two pipelines folders, of which people know the new one as `shown`. No code of them is run."""
    old_paths, new_paths = set(pipeline_paths(before)), set(pipeline_paths(after))
    reached = reasons(before, after, old_paths, new_paths)
    policy = project_policy(after).policy
    old = contents(before, shown, sorted(reached.keys() & old_paths), policy)
    new = contents(after, shown, sorted(reached.keys() & new_paths), policy)
    merge = _Merge(old, new, renamed(old, new), now)
    entries = [entry for path in sorted(reached) for entry in merge.of_file(path, reached[path])]
    entries = with_assets(entries, old, new, Readers(after, shown, new_paths))
    return joined([Plan(base, tuple(_below(shown, entry) if shown else entry for entry in entries))])


def joined(plans: Sequence[Plan]) -> Plan:
    """One plan of those of several folders, which are compared with the same base."""
    entries = [entry for each in plans for entry in each.entries]
    entries.sort(key=lambda e: (not e.loses, KINDS.index(e.kind), e.dag_id, e.environment or ""))
    return Plan(plans[0].base, tuple(entries))


def _below(folder: str, entry: Entry) -> Entry:
    """An entry with its file as people know it, also where a change has no other place."""
    own = (entry.path, f"{entry.path}:1")
    found = tuple(replace(c, place=f"{folder}/{c.place}") if c.place in own else c for c in entry.changes)
    return replace(entry, path=f"{folder}/{entry.path}", changes=found)


@dataclass(frozen=True)
class _Merge:
    """Both sides; `renamed` has the old id of each DAG that was renamed."""

    old: Contents
    new: Contents
    renamed: Mapping[str, str]
    now: datetime

    def of_file(self, path: str, reasons: tuple[str, ...]) -> Iterator[Entry]:
        """What happens to the DAGs of a file."""
        if path in self.new.broken:
            yield _broken(path, self.old, self.new)
            return
        dags = {key: dag for key, dag in self.new.dags.items() if dag.path == path}
        was = {key for key, dag in self.old.dags.items() if dag.path == path and path not in self.old.failing}
        through = tuple(reason for reason in reasons if reason != path)
        plain: dict[str, tuple[Change, ...]] = {}
        by_environment = sorted(dags.items(), key=lambda item: (item[0][1] is not None, item[0][1] or ""))
        for (dag_id, environment), dag in by_environment:
            old_id = self.renamed.get(dag_id, dag_id)
            before = self.old.dags.get((old_id, environment)) or self.old.dags.get((old_id, None))
            was_broken = (before.path if before is not None else path) in self.old.failing
            if was_broken or before is None:
                if environment is None or (dag_id, None) not in dags:
                    found = (*first_runs(dag, self.now), *forbidden(None, dag))
                    kind, why = ("fixed", through) if was_broken else ("new", ())
                    yield Entry(kind, dag_id, path, environment, found, tuple(sorted(needs(dag))), why)
                continue
            entry = replace(_changed(before, dag, reasons, self.now), environment=environment)
            if environment is None:
                plain[dag_id] = entry.changes
                entry = _as_renamed(entry, old_id, first_runs(dag, self.now)) if old_id != dag_id else entry
            elif before.environment is None:
                text = f"environment `{environment}` is new; compared with none"
                beside = _changed(dags.get((dag_id, None), before), dag, reasons, self.now)
                found = (Change("environment", text), *beside.changes)
                entry = replace(beside, kind="new", environment=environment, changes=found)
            elif entry.changes == plain.get(dag_id, ()):
                continue  # the environment changes as the pipeline itself does
            if entry.changes or entry.needs or (environment is None and reasons != (path,)):
                yield entry
        there = {(self.renamed.get(key[0], key[0]), key[1]) for key in self.new.dags}  # it may be in another file
        yield from _gone(path, was, there, self.renamed)


def _as_renamed(entry: Entry, old_id: str, started: Sequence[Change]) -> Entry:
    """The new id has no history: what it runs first is what a new DAG would."""
    text = f"`{old_id}` is renamed to `{entry.dag_id}`: its runs stay under the old id"
    kinds = {change.kind for change in entry.changes}
    found = [change for change in entry.changes if change.kind != "file"]
    found += [change for change in started if change.kind not in kinds]
    found.sort(key=lambda change: not change.loses)
    rename = Change("dag_id", text, f"{entry.path}:1", loses=True)
    return replace(entry, kind="renamed", changes=(rename, *found), old_id=old_id)


def _broken(path: str, old: Contents, new: Contents) -> Entry:
    """All DAGs of a file that has errors."""
    errors = new.broken[path]
    lines = tuple(Change("error", f"{d.code.id} {sentence(d)}", f"{d.file}:{d.span.line}", loses=True) for d in errors)
    ids = ", ".join(new.ids.get(path, ()) or old.ids.get(path, ())) or path
    return Entry("broken", ids, path, changes=lines, reasons=("it was broken before",) if path in old.broken else ())


def _gone(path: str, was: set[_Key], there: set[_Key], renamed: Mapping[str, str]) -> Iterator[Entry]:
    """DAGs of a file, and environments of them, that are not there any more: `there` are the others, by old ids."""
    new_ids = {old: new for new, old in renamed.items()}
    for dag_id, environment in was - there:
        if environment is not None and (dag_id, None) in there:
            change = Change("environment", f"environment `{environment}` is removed", f"{path}:1", loses=True)
            yield Entry("changed", new_ids.get(dag_id, dag_id), path, environment, (change,))
        elif dag_id not in new_ids and (environment is None or (dag_id, None) not in was):
            yield Entry("removed", dag_id, path, environment)


def _changed(before: Dag, after: Dag, reasons: tuple[str, ...], now: datetime) -> Entry:
    found = [*changes(before, after, now), *forbidden(before, after)]
    if before.path != after.path:
        found.append(Change("file", f"it moves from {before.path} to {after.path}", after.path))
    asked = needs(after)
    fresh = tuple(sorted(need for need in asked if need not in needs(before)))
    kind = "changed" if found else "touched"
    through = tuple(reason for reason in reasons if reason != after.path)
    return Entry(kind, after.id, after.path, None, tuple(found), fresh, through)


VERSION = 1
MARK = "<!-- factory plan -->"
"""The first line of the Markdown: by it the comment of an earlier plan is found again."""
MOST_ENTRIES = 100
"""Entries of one kind that the text and the Markdown list; the JSON has all."""
MOST_BYTES = 65_000
"""Of the Markdown: a comment on GitHub may have 65,536."""
LONGEST_TITLE = 300
FEWEST_ALIKE = 3
"""DAGs that share a line, from which on it is listed once for all of them."""

_SIGNS = {"new": "+", "removed": "-", "broken": "x", "renamed": "~", "changed": "~", "touched": "·", "fixed": "+"}

_Line = tuple[str, ...]
"""A line below an entry, with those that belong to it."""


@dataclass(frozen=True)
class _Block:
    """What is listed together: an entry, or what several DAGs share."""

    kind: str
    titles: tuple[str, ...]
    loses: bool
    path: str
    lines: tuple[_Line, ...]

    @property
    def title(self) -> str:
        ids = ", ".join(self.titles)
        return ids if len(ids) <= LONGEST_TITLE else f"{ids[:LONGEST_TITLE]}…"


def _blocks(plan: Plan) -> list[_Block]:
    """The entries as they are listed, with what is the same in many DAGs once, in front of what is of one of them."""
    lines = [tuple(_details(entry)) for entry in plan.entries]
    having: dict[tuple[str, _Line], list[int]] = {}
    for number, entry in enumerate(plan.entries):
        for line in lines[number] if entry.environment or entry.kind in ("changed", "touched") else ():
            having.setdefault((entry.kind, line), []).append(number)
    shared = {key: tuple(numbers) for key, numbers in having.items() if len(numbers) >= FEWEST_ALIKE}
    groups: dict[tuple[str, tuple[int, ...]], list[_Line]] = {}
    for (kind, line), numbers in shared.items():
        groups.setdefault((kind, numbers), []).append(line)
    found: list[_Block] = []
    for (kind, numbers), alike in groups.items():
        titles = _titles([plan.entries[number] for number in numbers])
        loses = any(line[0].startswith("! ") for line in alike)
        found.append(_Block(kind, titles, loses, f"in {len(numbers):,} DAGs", tuple(alike)))
    for entry, own in zip(plan.entries, lines, strict=True):
        alone = tuple(line for line in own if (entry.kind, line) not in shared)
        if alone or not own:
            loses = entry.kind in ("broken", "removed", "renamed") or any(line[0].startswith("! ") for line in alone)
            found.append(_Block(entry.kind, (_title(entry),), loses, entry.path, alone))
    return sorted(found, key=lambda block: (not block.loses, KINDS.index(block.kind)))


def text(plan: Plan) -> str:
    """Lines with `!` before what can lose something."""
    if not plan.entries:
        return f"no change to any pipeline, compared with {plan.base}\n"
    lines = [f"compared with {plan.base}: {_summary(plan)}", ""]
    blocks = _blocks(plan)
    for block in _shown(blocks):
        lines.append(f"{'!' if block.loses else ' '} {_SIGNS[block.kind]} {block.title}  {block.kind}  {block.path}")
        for first, *others in block.lines:
            lines += [f"      {first}", *(f"          {part}" for part in others)]
    lines += _left_out(blocks)
    return "".join(f"{printable(line)}\n" for line in lines)


def markdown(plan: Plan) -> str:
    """A comment of a pull request, or a job's summary. What a comment has no room for is counted."""
    lines = [MARK, f"### Pipelines: {_summary(plan) if plan.entries else 'no change'}", ""]
    lines += [f"Compared with {markdown_code(plan.base)}.", ""]
    blocks = _blocks(plan)
    for block in _shown(blocks):
        warning = "⚠️ " if block.loses else ""
        path = markdown_code(block.path) if len(block.titles) == 1 else block.path
        lines += [f"- {warning}**{block.kind}** {markdown_code(block.title)} ({path})"]
        lines += [f"  - {markdown_text(part)}" for line in block.lines for part in line]
    lines += [f"- {line}" for line in _left_out(blocks)]
    sizes = accumulate(len(line.encode()) + 1 for line in lines)
    shown = [line for line, size in zip(lines, sizes, strict=True) if size <= MOST_BYTES]
    if len(shown) < len(lines):
        shown.append(f"- and {len(lines) - len(shown):,} more lines: `factory plan --format json` has them all")
    return "".join(f"{line}\n" for line in shown)


def as_json(plan: Plan) -> str:
    """Everything the plan says."""
    entries = [{**asdict(entry), "loses": entry.loses} for entry in plan.entries]
    return f"{json.dumps({'version': VERSION, 'base': plan.base, 'entries': entries}, indent=2, ensure_ascii=False)}\n"


FORMATS: Mapping[str, Callable[[Plan], str]] = MappingProxyType({"text": text, "markdown": markdown, "json": as_json})


def _is_new_environment(entry: Entry) -> bool:
    """Whether a DAG that is there already is new in an environment."""
    return entry.kind == "new" and bool(entry.environment)


def _summary(plan: Plan) -> str:
    environments = [one for one in plan.entries if _is_new_environment(one)]
    counts = Counter(one.kind for one in plan.entries if not _is_new_environment(one))
    parts = [f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]]
    if names := ", ".join(dict.fromkeys(str(entry.environment) for entry in environments)):
        parts.append(f"new environments ({names}) of {len({entry.dag_id for entry in environments}):,} DAGs")
    return ", ".join(parts)


def _title(entry: Entry) -> str:
    return f"{entry.dag_id} (environment {entry.environment})" if entry.environment else entry.dag_id


def _titles(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Of entries of one environment, its name once."""
    alike = {entry.environment for entry in entries} == {entries[0].environment or ""}
    first = f"environment {entries[0].environment}: {entries[0].dag_id}"
    return (first, *(entry.dag_id for entry in entries[1:])) if alike else tuple(map(_title, entries))


def _shown(blocks: Sequence[_Block]) -> Iterator[_Block]:
    seen: Counter[str] = Counter()
    for block in blocks:
        seen[block.kind] += 1
        if seen[block.kind] <= MOST_ENTRIES:
            yield block


def _left_out(blocks: Sequence[_Block]) -> list[str]:
    counts = Counter(block.kind for block in blocks)
    return [f"and {counts[kind] - MOST_ENTRIES} more {kind}" for kind in KINDS if counts[kind] > MOST_ENTRIES]


def _details(entry: Entry) -> Iterator[_Line]:
    if entry.reasons and not _is_new_environment(entry):  # the DAG itself says what touches it
        yield (f"because of {', '.join(entry.reasons)}" if entry.kind != "broken" else entry.reasons[0],)
    for change in entry.changes:
        place = f"  ({change.place})" if change.place else ""
        yield (f"{'! ' if change.loses else ''}{change.text}{place}", *change.details)
    if entry.needs:
        yield (f"needs: {', '.join(f'{kind} {name}' for kind, name in entry.needs)}",)
