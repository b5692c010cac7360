"""Which files below a pipelines folder are pipelines, what they are called, and which of them cannot be read.

`.airflowignore` files: pipelines that are switched off, as Airflow and dag-factory read them (`glob` syntax).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from schemas.findings.suggestions import unmistakable
from schemas.folder.dialect import DEFAULTS_NAMES, DIALECT, GUSTY_SUFFIXES, OF_GUSTY, is_defaults, is_gusty
from schemas.folder.project import SUFFIXES, TEMPLATES

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


TEST_SUFFIXES = (".test.yaml", ".test.yml")
DEFAULTS_STEM = "_defaults"
_TASKS = re.compile(r"^tasks[ \t]*:", re.MULTILINE)
_DEFAULTS = tuple(f"{DEFAULTS_STEM}{suffix}" for suffix in SUFFIXES)

_NEARLY_YAML = re.compile(r"(?P<stem>.+)(?P<suffix>\.ya?ml)(?:\.txt|\s+)?", re.IGNORECASE)

_Identity = tuple[int, int]


def pipeline_paths(folder: Path) -> Iterator[str]:
    """POSIX paths below `folder` of its pipelines, sorted; hidden and `_…` files and folders are none.

    A name decides, so that what cannot be read is found and named: `path_problem` says why. For the same reason a
    folder that cannot be walked is one of the paths itself (`.`: the whole). A folder whose name ends like a file's
    is a folder.
    """
    ignored = IgnoredPaths(folder)
    found = sorted(_walk(folder, os.path.realpath(folder), "", frozenset()))
    yield from (path for path in found if not ignored.has(path))


def test_paths(folder: Path) -> Iterator[str]:
    """POSIX paths below `folder` of its files of tests, sorted; in hidden and `_…` folders there are none."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")))
        for name in sorted(names):
            if name.endswith(TEST_SUFFIXES) and not name.startswith(("_", ".")):
                yield Path(place, name).relative_to(folder).as_posix()


def misnamed_paths(folder: Path) -> Iterator[tuple[str, str]]:
    """POSIX paths below `folder` of files that are nearly named like a pipeline or like defaults, or that are templates
    at another place than theirs, or tasks of gusty; and what to do.

    `orders.YAML`, `orders.yaml.txt`, `_default.yaml`, `sales/_templates/load.yaml`: nobody would notice that they are
    ignored.
    """
    for place, folders, names in os.walk(folder):
        if TEMPLATES in folders:
            yield from ((path, f"move it to `{meant}`") for path, meant in _misplaced_templates(folder, Path(place)))
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")))
        for name in sorted(names):
            meant = _meant_name(name)
            remedy = f"rename it to `{meant}`" if meant is not None and meant not in names else ""
            if remedy or (name.endswith(GUSTY_SUFFIXES) and _holds(Path(place, name), is_gusty)):
                yield Path(place, name).relative_to(folder).as_posix(), remedy or OF_GUSTY


def _misplaced_templates(folder: Path, above: Path) -> Iterator[tuple[str, str]]:
    """Templates in the `_templates` of a subfolder, or deeper than those of the pipelines folder, and their place."""
    for file in sorted((above / TEMPLATES).rglob("*")):
        path = file.relative_to(folder).as_posix()
        meant = f"{TEMPLATES}/{file.name}"
        if path != meant and path.endswith(SUFFIXES) and _holds(file, _TASKS.search):
            yield path, meant


def _meant_name(name: str) -> str | None:
    is_pipeline = name.endswith(SUFFIXES) and not name.startswith("_")  # as most are
    match = None if is_pipeline or name.startswith(".") else _NEARLY_YAML.fullmatch(name)
    if match is None:
        return None
    stem, suffix = match["stem"], match["suffix"].lower()
    if stem.startswith("_"):
        near = unmistakable(stem, (DEFAULTS_STEM,))
        stem = DEFAULTS_STEM if stem != DEFAULTS_STEM and near else stem
        return f"{stem}{suffix}" if stem == DEFAULTS_STEM and f"{stem}{suffix}" != name else None
    return f"{stem}{suffix}" if not name.endswith(SUFFIXES) else None


def path_problem(folder: Path, path: str, *, may_be_folder: bool = False) -> str | None:
    """Why a path below `folder` cannot be read as a file, in words that follow its name; None where it can.

    The pipelines folder contains everything that a pipeline uses: a link out of it is rejected, because the bundle does
    not copy such files. Named pipes, sockets and devices are never opened. A path that does not exist has no problem.
    """
    place = folder / path
    try:
        status = place.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "is a link to itself"
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            return f"cannot be read: {(error.strerror or type(error).__name__).lower()}"
        return "is a link to a file that does not exist" if place.is_symlink() else None
    if _has_link(folder, path) and not _is_inside(os.path.realpath(folder), os.path.realpath(place)):
        return "is a link out of the pipelines folder; put the file itself there"
    if stat.S_ISDIR(status.st_mode):
        return _folder_problem(place) or (None if may_be_folder else "is a folder")
    return None if stat.S_ISREG(status.st_mode) else "is not a regular file"


def way_problem(folder: Path, path: str) -> str | None:
    """Which link on the way to a path below `folder` is not followed, and why; None where all are."""
    for above in folders_above(path)[1:]:
        place = above.removesuffix("/")
        problem = path_problem(folder, place, may_be_folder=True) if (folder / place).is_symlink() else None
        if problem is not None:
            return f"{place} {problem}"
    return None


def _folder_problem(place: Path) -> str | None:
    if _is_inside(os.path.realpath(place), os.path.realpath(place.parent)):
        return "is a link to a folder that contains it"
    try:
        with os.scandir(place):
            return None
    except OSError as error:
        return f"cannot be listed: {(error.strerror or type(error).__name__).lower()}"


def _walk(folder: Path, root: str, prefix: str, above: frozenset[_Identity]) -> Iterator[str]:
    try:
        status = folder.stat()
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:
        yield prefix.removesuffix("/") or "."
        return
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        yield prefix.removesuffix("/")
        return
    for entry in entries:
        path = f"{prefix}{entry.name}"
        if entry.name.startswith(("_", ".")):
            continue
        if not _is_folder(entry):
            if path.endswith(TEST_SUFFIXES):
                continue
            if path.endswith(SUFFIXES) and not (entry.name in DEFAULTS_NAMES and _holds(Path(entry.path), is_defaults)):
                yield path
        elif entry.is_symlink() and not _is_inside(root, os.path.realpath(entry.path)):
            yield path
        else:
            yield from _walk(Path(entry.path), root, f"{path}/", above | {identity})


def _holds(file: Path, what: Callable[[str], object]) -> bool:
    """Whether a file is there whose text is of a kind; one that cannot be read is of none."""
    try:
        # Reading a named pipe would wait.
        return file.is_file() and bool(what(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself; `path_problem` says so


def _has_link(folder: Path, path: str) -> bool:
    """Whether a path below a folder goes through a link, upwards, or from the root: only then can it lead out."""
    parts = path.split("/")
    places = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return ".." in parts or not parts[0] or any((folder / place).is_symlink() for place in places)


def _is_inside(folder: str, place: str) -> bool:
    return f"{place}/".startswith(f"{folder.rstrip('/')}/")


def is_pipeline_path(path: str) -> bool:
    """Whether a POSIX path below the pipelines folder names a pipeline."""
    parts = PurePosixPath(path).parts
    named = path.endswith(SUFFIXES) and not path.endswith(TEST_SUFFIXES)
    return named and not any(part.startswith(("_", ".")) for part in parts)


def is_test_path(path: str) -> bool:
    """Whether a POSIX path below the pipelines folder names a file of tests, `NAME.test.yaml`."""
    return path.endswith(TEST_SUFFIXES) and not any(part.startswith(("_", ".")) for part in PurePosixPath(path).parts)


def tested_pipeline(path: str, data: Any) -> str:
    """The path of the pipeline that a test file tests."""
    above = path.rpartition("/")[0]
    written = data.get("pipeline") if isinstance(data, dict) else None
    if isinstance(written, str):
        return f"{above}/{written}" if above else written
    suffix = next(suffix for suffix in TEST_SUFFIXES if path.endswith(suffix))
    return f"{path.removesuffix(suffix)}{suffix.removeprefix('.test')}"


def is_defaults_path(path: str) -> bool:
    """Whether a POSIX path below the pipelines folder names folder defaults."""
    return path.rpartition("/")[2] in _DEFAULTS


def defaults_paths(path: str) -> tuple[str, ...]:
    """Where defaults of a pipeline may be, from the root to its own folder; they need not exist."""
    return tuple(f"{prefix}{name}" for prefix in folders_above(path) for name in _DEFAULTS)


def dag_factory_defaults_paths(path: str) -> tuple[str, ...]:
    """Where dag-factory's defaults of a pipeline may be, in the same order."""
    return tuple(f"{prefix}{name}" for prefix in folders_above(path) for name in DEFAULTS_NAMES)


def folders_above(path: str) -> tuple[str, ...]:
    """The folders of a path from the root (empty) to its own, each as the prefix of a name in it."""
    folders = path.split("/")[:-1]
    return tuple("".join(f"{folder}/" for folder in folders[:count]) for count in range(len(folders) + 1))


def unused_dag_factory_defaults(folder: Path, paths: Collection[str], dialect: Callable[[str], str]) -> Iterator[str]:
    """The paths of dag-factory's defaults that hold for none of the documents `paths`, beside or above these.
    `dialect` says of a path whose language it is written in."""
    beside = {path.rpartition("/")[0] for path in paths}
    prefixes = sorted({prefix for place in beside for prefix in folders_above(f"{place}/" if place else "")})
    named = ((prefix, f"{prefix}{name}") for prefix in prefixes for name in DEFAULTS_NAMES)
    there = [(prefix, path) for prefix, path in named if path not in paths and os.path.lexists(folder / path)]
    used = {prefix for path in (paths if there else ()) if dialect(path) == DIALECT for prefix in folders_above(path)}
    yield from (path for prefix, path in there if prefix not in used)


def default_dag_id(path: str) -> str:
    """The DAG id of a file that names none: its path without the ending, `/` as `.`."""
    stem, dot, suffix = path.rpartition(".")
    return (stem if f"{dot}{suffix}" in SUFFIXES else path).replace("/", ".")


def dag_id_of(path: str, written: object) -> str:
    """The DAG id of a file, which may be `written` in it."""
    return written if isinstance(written, str) else default_dag_id(path)


IGNORE_FILE = ".airflowignore"
_OF_BUNDLES = ("!*.yaml.py", "[yY][aA]?[mM][lL]")
"""What only the file holds that the bundle writes, which leaves Airflow nothing but the stubs."""


class IgnoredPaths:
    """The paths below one folder that its `.airflowignore` files name; each of these is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._specs: dict[str, GitIgnoreSpec | None] = {}

    def has(self, path: str) -> bool:
        """Whether a file's POSIX path, or a folder on the way to it, is ignored."""
        parts = path.split("/")
        ways = ("/".join(parts[:end]) + ("/" if end < len(parts) else "") for end in range(1, len(parts) + 1))
        return any(self._is_named(way) for way in ways)

    def _is_named(self, path: str) -> bool:
        """The last pattern that matches decides, of the files from the top down to the path's own folder."""
        decision = False
        start = 0
        while start >= 0:
            spec = self._spec(path[:start])
            found = spec.check_file(path[start:]).include if spec is not None else None
            decision = decision if found is None else found
            following = path.find("/", start)
            start = following + 1 if 0 <= following < len(path) - 1 else -1
        return decision

    def _spec(self, prefix: str) -> GitIgnoreSpec | None:
        if prefix not in self._specs:
            try:
                text = (self._folder / prefix / IGNORE_FILE).read_text(encoding="utf-8")
            except (OSError, ValueError):
                text = ""
            self._specs[prefix] = _read(text) if text and not any(mark in text for mark in _OF_BUNDLES) else None
        return self._specs[prefix]


def _read(text: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 # few folders have such a file

    return GitIgnoreSpec.from_lines(line.partition("#")[0].strip() for line in text.splitlines())
