"""What a change reaches beyond the file it is in: pipelines by defaults and code, DAGs that wait for assets."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from factory.plan.changes import Change
from factory.plan.contents import Contents, Dag, content, contents
from schemas.check import Checker
from schemas.check.dependencies import pipeline_files
from schemas.findings.paths import walk
from schemas.folder.discovery import defaults_paths, is_defaults_path, is_pipeline_path
from schemas.source.parse import parse


def reasons(before: Path, after: Path, old_paths: set[str], new_paths: set[str]) -> dict[str, tuple[str, ...]]:
    """Each pipeline file that the change reaches → the changed files through which it does; itself where it changed."""
    changed, all_paths = _changed_files(before, after), old_paths | new_paths
    others = {path for path in changed - all_paths if not is_pipeline_path(path) or is_defaults_path(path)}
    found = {path: {path} for path in changed & all_paths}
    for default in filter(is_defaults_path, others):
        above = default.rpartition("/")[0]
        for path in all_paths:
            if not above or path.startswith(f"{above}/"):
                found.setdefault(path, set()).add(default)
    others = {path for path in others if not is_defaults_path(path)}
    edits = _Edits(before, after)
    for folder, paths in ((before, old_paths), (after, new_paths)):
        checker = Checker(folder)
        for path in paths & found.keys():
            if checker.dialect(path):  # dag-factory has defaults of its own
                found[path] = {reason for reason in found[path] if not is_defaults_path(reason)}
        for file in pipeline_files(folder) if others else ():
            through = {
                path for path in others & file.depends_on if edits.reach(path, file.depends_on, file.path, checker)
            }
            if through:
                found.setdefault(file.path, set()).update(through)
    return {path: tuple(sorted(through)) for path, through in found.items() if through}


def _changed_files(before: Path, after: Path) -> set[str]:
    """Paths below the folders of files that are not the same in both."""
    old, new = _files(before), _files(after)
    both = old.keys() & new.keys()
    return (old.keys() ^ new.keys()) | {path for path in both if content(old[path]) != content(new[path])}


def _files(folder: Path) -> dict[str, Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in found}


class _Edits:
    """What is different in Python files, name by name, and which pipelines use such a name."""

    def __init__(self, before: Path, after: Path) -> None:
        self._folders = (before, after)
        self._names = cache(lambda path: _changed_names(content(before / path), content(after / path), self._is_local))

    def _is_local(self, name: str) -> bool:
        """Whether a module is in the folder, by the first part of its name; `""` for one named with dots."""
        return any((folder / name).is_dir() or (folder / f"{name}.py").is_file() for folder in self._folders)

    def reach(self, path: str, files: Collection[str], pipeline: str, checker: Checker) -> bool:
        """Whether an edited file matters to a pipeline, which depends on `files`: yes, unless the source says no."""
        place = PurePosixPath(path)
        names = self._names(path) if place.suffix == ".py" and place.stem != "__init__" else None
        if names is None:
            return True
        modules = [file for file in files if file.endswith(".py") and file != path]
        word = re.compile(rf"\b{re.escape(place.stem)}\b".encode())
        if any(word.search(content(folder / module)) for folder in self._folders for module in modules):
            return True  # it may be imported there
        dotted = re.compile(rf"\b{re.escape('.'.join(place.with_suffix('').parts))}\.(\w+)")
        texts = [str(text) for v in checker.variants(pipeline) for _, text in walk(v.effective.data).texts]
        used = {name for text in texts for name in dotted.findall(text)}
        return not used or bool(used & names) or any(place.name in text for text in texts)


_DYNAMIC = frozenset(
    {
        *("globals", "locals", "vars", "eval", "exec", "getattr", "__import__", "import_module"),
        *("modules", "getmembers", "__dict__", "__subclasses__", "__getattr__"),
    }
)
"""What looks names up as it runs."""
_IMPORTS = (ast.Import, ast.ImportFrom)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)


def _changed_names(before: bytes, after: bytes, is_local: Callable[[str], bool]) -> set[str] | None:
    """Names of a module that are not what they were, directly or through others; None where that cannot be told."""
    old, new = (_Module.of(source, is_local) for source in (before, after))
    if old is None or new is None:
        return None
    changed = {name for name in old.texts.keys() | new.texts.keys() if old.texts.get(name) != new.texts.get(name)}
    while more := {n for each in (old, new) for n, used in each.used.items() if used & changed} - changed:
        changed |= more
    done = (names for side in (old, new) for names in side.loaded)
    return changed if "" not in changed and all(map(changed.isdisjoint, done)) else None


@dataclass(frozen=True)
class _Module:
    """What each name at the top of a module is, `""` what has no name, and the names that it uses; what each statement
    reaches that does more as the module is loaded than to define its names, such as to fill a registry."""

    texts: Mapping[str, str]
    used: Mapping[str, Set[str]]
    loaded: Sequence[Set[str]]

    @classmethod
    def of(cls, source: bytes, is_local: Callable[[str], bool]) -> _Module | None:
        """None where names are looked up as it runs, or come from another local module by `*`."""
        tree = parse(source)
        if not isinstance(tree, ast.Module) or not _DYNAMIC.isdisjoint(_words(tree)):
            return None
        texts: dict[str, str] = {}
        used: dict[str, set[str]] = {}
        active, told = set[str](), set[str]()  # told: classes that may learn of those derived from them
        statements = [statement for statement in tree.body if not _is_idle(statement)]
        for statement in statements:
            bound, text = _bound(statement), ast.dump(statement)
            for name in bound or ("",):
                texts[name] = texts.get(name, "") + text
                used.setdefault(name, set()).update(_names(ast.walk(statement)))
            is_import = isinstance(statement, _IMPORTS)
            if is_import and not any(map(is_local, _imported(statement))):
                continue
            active |= set() if isinstance(getattr(statement, "value", None), ast.Constant) else set(bound)
            bases = {name for base in getattr(statement, "bases", ()) for name in _names(ast.walk(base))}
            if is_import or "__init_subclass__" in text or "'metaclass'" in text or not told.isdisjoint(bases):
                told |= set(bound)
        if "*" in active:
            return None
        begun = [{*_bound(s), *_names(_run(s))} for s in statements if _does_more(s, active, told)]
        return cls(texts, used, [_reached(names, used) for names in begun])


def _reached(names: Set[str], used: Mapping[str, Set[str]]) -> set[str]:
    found, waiting = set(names), list(names)
    while waiting:
        fresh = used.get(waiting.pop(), frozenset()) - found
        found |= fresh
        waiting += fresh
    return found


def _words(tree: ast.Module) -> set[str]:
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    functions = {statement.name for statement in tree.body if isinstance(statement, ast.FunctionDef)}
    return {*_names(ast.walk(tree)), *attributes, *functions}


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _is_idle(statement: ast.stmt) -> bool:
    """Whether loading the module does nothing with it: a text, and what is for the module as a program."""
    if isinstance(statement, ast.If) and "__main__" in ast.dump(statement.test):
        return not statement.orelse
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module gives."""
    if isinstance(statement, _IMPORTS):
        return [(alias.asname or alias.name).partition(".")[0] for alias in statement.names]
    if isinstance(statement, _DEFINITIONS):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", statement)]
    nodes = [node for target in targets for node in _run(target)]
    inside = [name for node in nodes if isinstance(node, ast.stmt) and node is not statement for name in _bound(node)]
    return [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)] + inside


def _imported(statement: ast.stmt) -> list[str]:
    """The first parts of the modules that a statement imports, none of one beside it."""
    if isinstance(statement, ast.Import):
        return [alias.name.partition(".")[0] for alias in statement.names]
    is_beside = isinstance(statement, ast.ImportFrom) and statement.level
    return ["" if is_beside else str(getattr(statement, "module", "")).partition(".")[0]]


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """What runs of a node as its module is loaded: nothing inside functions."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, _FUNCTIONS) or child is node.args or child in node.decorator_list:
            yield from _run(child)


def _does_more(statement: ast.stmt, active: Set[str], told: Set[str]) -> bool:
    """Whether a statement may change more than its own names: it decorates with, derives from or calls what may have a
    memory, or is no definition."""
    if isinstance(statement, _IMPORTS):
        return False
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    is_set = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
    if not isinstance(statement, _DEFINITIONS) and not (is_set and all(isinstance(t, ast.Name) for t in targets)):
        return True
    for node in _run(statement):
        called = [node.func] if isinstance(node, ast.Call) else getattr(node, "decorator_list", [])
        called = called + [keyword.value for keyword in getattr(node, "keywords", ())]
        if any(not active.isdisjoint(_names(ast.walk(each))) for each in called):
            return True
        if any(not told.isdisjoint(_names(ast.walk(base))) for base in getattr(node, "bases", ())):
            return True
    return False


_NAMES = ("name", "uri", "alias")
Written = Mapping[str, str]
"""Each name of the assets that a DAG writes → the place of the first task that does."""


def written(dag: Dag) -> Written:
    """What its tasks have in `outlets`."""
    found: dict[str, str] = {}
    for task in dag.tasks.values():
        value = task.values.get("outlets")
        for name in _asset_names(value.data) if value is not None else ():
            found.setdefault(name, value.place if value is not None else "")
    return found


def _may_hold(text: bytes, name: bytes) -> bool:
    """Whether an asset may have a name: one that is filled in is in no text."""
    if name in text or b"template" in text:
        return True
    return (b"${vars" in text or b"${matrix" in text) and (b"assets" in text or b"outlets" in text)


class Readers:
    """The DAGs of a folder that write an asset or wait for it; files are read only where they, or the defaults above
    them, may hold an asset's name."""

    def __init__(self, folder: Path, shown: str, paths: Collection[str]) -> None:
        self._folder = folder
        self._shown = shown
        above = cache(lambda path: content(folder / path))
        self._texts = {
            path: b"\n".join([content(folder / path), *(above(place) for place in defaults_paths(path))])
            for path in paths
        }
        self._read: dict[str, Contents] = {}

    def changes(self, before: Written, after: Written, place: str) -> Iterator[Change]:
        """What is different for those who wait, when a DAG writes other assets; `place` is the DAG's file."""
        for name in sorted(before.keys() - after.keys()):
            waiting, others = self._of(name)
            if waiting:
                rest = f"`{'`, `'.join(others)}` still writes it" if others else "nothing else writes it"
                text = f"asset `{name}` is no longer written here, and `{'`, `'.join(waiting)}` waits for it; {rest}"
                yield Change("asset", text, place, loses=not others)
        for name in sorted(after.keys() - before.keys()):
            waiting, _ = self._of(name)
            if waiting:
                text = f"asset `{name}` is written now: `{'`, `'.join(waiting)}` runs after it"
                yield Change("asset", text, after[name])

    def _of(self, name: str) -> tuple[list[str], list[str]]:
        """The ids of DAGs that wait for an asset, and of those that write it."""
        wanted = name.encode()
        waiting, writing = set[str](), set[str]()
        for path in (path for path, text in self._texts.items() if _may_hold(text, wanted)):
            if path not in self._read:
                self._read[path] = contents(self._folder, self._shown, [path], environments=False)
            for dag in self._read[path].dags.values():
                schedule = dag.data.get("schedule")
                if isinstance(schedule, dict) and name in set(_asset_names(schedule.get("assets"))):
                    waiting.add(dag.id)
                if name in written(dag):
                    writing.add(dag.id)
        return sorted(waiting), sorted(writing)


def _asset_names(value: Any) -> Iterator[str]:
    """The names of all assets in a list, a condition or an asset."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _asset_names(one)
    elif isinstance(value, dict):
        for key in _NAMES:
            if isinstance(value.get(key), str):
                yield value[key]
        for key in ("any", "all"):
            yield from _asset_names(value.get(key))
