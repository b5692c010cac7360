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

from factory.plan.assets import Readers, written
from factory.plan.changes import Change, Need, changes, first_runs, needs
from factory.plan.contents import Contents, Dag, content, contents
from factory.reporters.text import markdown_code, markdown_text, printable
from schemas.check.dependencies import pipeline_files
from schemas.check.policy_file import project_policy
from schemas.folder.discovery import is_defaults_path, is_pipeline_path, pipeline_paths

_Key = tuple[str, str | None]
"""DAG id and environment."""

KINDS = ("broken", "removed", "renamed", "changed", "new", "touched", "fixed")
"""In the order in which they are shown."""


@dataclass(frozen=True)
class Entry:
    """What happens to one DAG, or, of a broken file, to all of its DAGs. `reasons`: the files that touch it."""

    kind: str
    dag_id: str
    path: str
    environment: str | None = None
    changes: tuple[Change, ...] = ()
    needs: tuple[Need, ...] = ()
    reasons: tuple[str, ...] = ()
    old_id: str = ""

    @property
    def loses(self) -> bool:
        return self.kind in ("broken", "removed", "renamed") or any(change.loses for change in self.changes)


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
    changed = _changed_files(before, after)
    old_paths, new_paths = set(pipeline_paths(before)), set(pipeline_paths(after))
    reasons = _reasons(changed, before, after, old_paths, new_paths)
    policy = project_policy(after).policy
    old = contents(before, shown, sorted(set(reasons) & old_paths), policy)
    new = contents(after, shown, sorted(set(reasons) & new_paths), policy)
    entries = [entry for path in sorted(reasons) for entry in _of_file(path, reasons[path], old, new, now)]
    entries = _with_assets(entries, old, new, Readers(after, shown, new_paths))
    entries = [_below(shown, entry) if shown else entry for entry in _with_renames(entries, old, new)]
    return joined([Plan(base, tuple(entries))])


def joined(plans: Sequence[Plan]) -> Plan:
    """One plan of those of several folders, which are compared with the same base."""
    order = {kind: position for position, kind in enumerate(KINDS)}
    entries = [entry for each in plans for entry in each.entries]
    entries.sort(key=lambda e: (not e.loses, order[e.kind], e.dag_id, e.environment or ""))
    return Plan(plans[0].base, tuple(entries))


def _below(folder: str, entry: Entry) -> Entry:
    """An entry with its file as people know it, also where a change has no other place."""
    own = (entry.path, f"{entry.path}:1")
    found = tuple(replace(c, place=f"{folder}/{c.place}") if c.place in own else c for c in entry.changes)
    return replace(entry, path=f"{folder}/{entry.path}", changes=found)


def _changed_files(before: Path, after: Path) -> set[str]:
    """Paths below the folders of files that are not the same in both."""
    old, new = _files(before), _files(after)
    both = old.keys() & new.keys()
    return (old.keys() ^ new.keys()) | {path for path in both if content(old[path]) != content(new[path])}


def _files(folder: Path) -> dict[str, Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in found}


def _reasons(
    changed: set[str], before: Path, after: Path, old_paths: set[str], new_paths: set[str]
) -> dict[str, tuple[str, ...]]:
    """Each pipeline file that the change reaches → the changed files through which it does; itself where it changed."""
    all_paths = old_paths | new_paths
    others = {path for path in changed - all_paths if not is_pipeline_path(path) or is_defaults_path(path)}
    found = {path: {path} for path in changed & all_paths}
    for default in filter(is_defaults_path, others):
        above = default.rpartition("/")[0]
        for path in all_paths:
            if not above or path.startswith(f"{above}/"):
                found.setdefault(path, set()).add(default)
    others = {path for path in others if not is_defaults_path(path)}
    for folder in (before, after) if others else ():
        for file in pipeline_files(folder):
            if through := others & file.depends_on:
                found.setdefault(file.path, set()).update(through)
    return {path: tuple(sorted(reasons)) for path, reasons in found.items()}


def _of_file(path: str, reasons: tuple[str, ...], old: Contents, new: Contents, now: datetime) -> Iterator[Entry]:
    if path in new.broken:
        yield _broken(path, old, new)
        return
    was_broken = path in old.broken
    dags = {key: dag for key, dag in new.dags.items() if dag.path == path}
    was = {key: dag for key, dag in old.dags.items() if dag.path == path and not was_broken}
    plain: dict[str, tuple[Change, ...]] = {}
    for (dag_id, environment), dag in sorted(dags.items(), key=lambda item: (item[0][1] is not None, item[0][1] or "")):
        before = old.dags.get((dag_id, environment)) or old.dags.get((dag_id, None))
        if was_broken or before is None:
            if environment is None or (dag_id, None) not in dags:
                kind = "fixed" if was_broken else "new"
                found = (*first_runs(dag, now), *_forbidden(None, dag))
                through = tuple(reason for reason in reasons if reason != path)
                yield Entry(kind, dag_id, path, environment, found, tuple(sorted(needs(dag))), through)
            continue
        entry = _changed(before, dag, reasons, now)
        if environment is None:
            plain[dag_id] = entry.changes
        elif entry.changes == plain.get(dag_id, ()):
            continue  # the environment changes as the pipeline itself does
        if entry.changes or entry.needs or (environment is None and reasons != (path,)):
            yield replace(entry, environment=environment)
    yield from _gone(path, was, dags)


def _broken(path: str, old: Contents, new: Contents) -> Entry:
    """All DAGs of a file that has errors."""
    errors = new.broken[path]
    lines = tuple(Change("error", f"{d.code.id} {d.message}", f"{d.file}:{d.span.line}", loses=True) for d in errors)
    ids = ", ".join(new.ids.get(path, ()) or old.ids.get(path, ())) or path
    return Entry("broken", ids, path, changes=lines, reasons=("it was broken before",) if path in old.broken else ())


def _gone(path: str, was: Mapping[_Key, Dag], dags: Mapping[_Key, Dag]) -> Iterator[Entry]:
    """DAGs of a file, and environments of them, that are not there any more."""
    for key in was.keys() - dags.keys():
        dag_id, environment = key
        if environment is not None and (dag_id, None) in dags:
            change = Change("environment", f"environment `{environment}` is removed", f"{path}:1", loses=True)
            yield Entry("changed", dag_id, path, environment, (change,))
        elif environment is None or (dag_id, None) not in was:
            yield Entry("removed", dag_id, path, environment)


def _changed(before: Dag, after: Dag, reasons: tuple[str, ...], now: datetime) -> Entry:
    found = [*changes(before, after, now), *_forbidden(before, after)]
    if before.path != after.path:
        found.append(Change("file", f"it moves from {before.path} to {after.path}", after.path))
    asked = needs(after)
    fresh = tuple(sorted(need for need in asked if need not in needs(before)))
    kind = "changed" if found else "touched"
    through = tuple(reason for reason in reasons if reason != after.path)
    return Entry(kind, after.id, after.path, None, tuple(found), fresh, through)


def _forbidden(before: Dag | None, after: Dag) -> Iterator[Change]:
    """What the team's policy does not allow, and did not have to before."""
    known = {d.message for d in before.forbidden} if before is not None else ()
    for d in after.forbidden:
        if d.message not in known:
            yield Change("policy", f"{d.code.id} {d.message}", f"{d.file}:{d.span.line}")


def _with_assets(entries: Sequence[Entry], old: Contents, new: Contents, readers: Readers) -> list[Entry]:
    """Entries with what they are to DAGs that wait for assets. A DAG without an entry writes what it wrote."""
    found = []
    for entry in entries:
        key = (entry.dag_id, entry.environment)
        before, after = old.dags.get(key), new.dags.get(key)
        more = () if entry.environment or entry.kind == "broken" else tuple(
            readers.changes(written(before) if before else {}, written(after) if after else {}, f"{entry.path}:1")
        )  # fmt: skip
        kind = "changed" if more and entry.kind == "touched" else entry.kind
        found.append(replace(entry, kind=kind, changes=(*entry.changes, *more)))
    return found


def _with_renames(entries: Sequence[Entry], old: Contents, new: Contents) -> list[Entry]:
    """A DAG that went and the only one that came with its tasks and schedule are one, renamed."""
    gone = [entry for entry in entries if entry.kind == "removed" and entry.environment is None]
    came = [entry for entry in entries if entry.kind == "new" and entry.environment is None]
    kept = list(entries)
    for entry in gone:
        alike = [other for other in came if _alike(entry, other, old, new)]
        if len(alike) != 1 or sum(_alike(each, alike[0], old, new) for each in gone) != 1:
            continue
        (other,) = alike
        text = f"`{entry.dag_id}` is renamed to `{other.dag_id}`: its runs stay under the old id"
        change = Change("dag_id", text, f"{other.path}:1", loses=True)
        kept = [each for each in kept if each is not entry and each is not other]
        kept.append(replace(other, kind="renamed", changes=(change, *other.changes), needs=(), old_id=entry.dag_id))
    return [replace(each, reasons=()) if each.kind == "new" else each for each in kept]


def _alike(gone: Entry, came: Entry, old: Contents, new: Contents) -> bool:
    one, other = old.dags[gone.dag_id, None], new.dags[came.dag_id, None]
    return bool(one.tasks) and _form(one) == _form(other) and one.data.get("schedule") == other.data.get("schedule")


def _form(dag: Dag) -> Mapping[str, object]:
    return {name: (task.likeness, task.needs) for name, task in dag.tasks.items()}


VERSION = 1
MARK = "<!-- factory plan -->"
"""The first line of the Markdown: by it the comment of an earlier plan is found again."""
MOST_ENTRIES = 100
"""Entries of one kind that the text and the Markdown list; the JSON has all."""

MOST_BYTES = 65_000
"""Of the Markdown: a comment on GitHub may have 65,536."""
LONGEST_TITLE = 300

_SIGNS = {"new": "+", "removed": "-", "broken": "x", "renamed": "~", "changed": "~", "touched": "·", "fixed": "+"}


def text(plan: Plan) -> str:
    """Lines with `!` before what can lose something."""
    if not plan.entries:
        return f"no change to any pipeline, compared with {plan.base}\n"
    lines = [f"compared with {plan.base}: {_summary(plan)}", ""]
    for entry in _shown(plan):
        lines.append(f"{'!' if entry.loses else ' '} {_SIGNS[entry.kind]} {_title(entry)}  {entry.kind}  {entry.path}")
        lines += [f"      {line}" for line in _details(entry)]
    lines += _left_out(plan)
    return "".join(f"{printable(line)}\n" for line in lines)


def markdown(plan: Plan) -> str:
    """A comment of a pull request, or a job's summary. What a comment has no room for is counted."""
    lines = [MARK, f"### Pipelines: {_summary(plan) if plan.entries else 'no change'}", ""]
    lines += [f"Compared with {markdown_code(plan.base)}.", ""]
    for entry in _shown(plan):
        warning = "⚠️ " if entry.loses else ""
        lines += [f"- {warning}**{entry.kind}** {markdown_code(_title(entry))} ({markdown_code(entry.path)})"]
        lines += [f"  - {markdown_text(line)}" for line in _details(entry)]
    lines += [f"- {line}" for line in _left_out(plan)]
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


def _summary(plan: Plan) -> str:
    counts = Counter(entry.kind for entry in plan.entries)
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])


def _title(entry: Entry) -> str:
    ids = entry.dag_id if len(entry.dag_id) <= LONGEST_TITLE else f"{entry.dag_id[:LONGEST_TITLE]}…"
    return f"{ids} (environment {entry.environment})" if entry.environment else ids


def _shown(plan: Plan) -> Iterator[Entry]:
    seen: Counter[str] = Counter()
    for entry in plan.entries:
        seen[entry.kind] += 1
        if seen[entry.kind] <= MOST_ENTRIES:
            yield entry


def _left_out(plan: Plan) -> list[str]:
    counts = Counter(entry.kind for entry in plan.entries)
    return [f"and {counts[kind] - MOST_ENTRIES} more {kind}" for kind in KINDS if counts[kind] > MOST_ENTRIES]


def _details(entry: Entry) -> Iterator[str]:
    if entry.reasons:
        yield f"because of {', '.join(entry.reasons)}" if entry.kind != "broken" else entry.reasons[0]
    for change in entry.changes:
        place = f"  ({change.place})" if change.place else ""
        yield f"{'! ' if change.loses else ''}{change.text}{place}"
        yield from (f"    {detail}" for detail in change.details)
    if entry.needs:
        yield f"needs: {', '.join(f'{kind} {name}' for kind, name in entry.needs)}"
