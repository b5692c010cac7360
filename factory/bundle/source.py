"""Reading the live pipelines folder: every file by content, again until two readings agree.

Which names below the pipelines folder mean what: pipelines, files to copy, names of our own.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from factory.bundle.records import token_of
from factory.bundle.store import BundleError
from schemas.findings.diagnostics import LET_READ
from schemas.folder.discovery import IgnoredPaths
from schemas.folder.project import ENVIRONMENT_VARIABLE, SUFFIXES

# Thousands of files are read every few seconds: plain strings and `os` calls cost a fraction of `Path`.
# ruff: noqa: PTH116

MAX_FILE_BYTES = 16 * 2**20
MAX_ENTRIES = 50_000
TRIES = 5
SETTLE_SECONDS = 0.1

# What a path answers when it went away, or turned into something else, between listing and reading it.
_VANISHED = (errno.ENOENT, errno.ENOTDIR)

# A file that differs between this many pairs of readings is not being saved or copied: it never stands still.
RESTLESS_GAPS = 3

Keep = Callable[[bytes, bool], str]
"""Takes a file's content and whether it is executable, keeps it, and gives back its token."""

Known = Callable[[str], str | None]
"""The token of the content that a path had when it last stood still, if that is still kept."""


class FolderUnavailableError(BundleError):
    """The pipelines folder does not exist, is not a folder, cannot be listed, or is far too large."""


class FolderUnstableError(BundleError):
    """The pipelines folder changed each time it was read; the next refresh tries again."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The folder at one moment. Paths are relative and POSIX; equal listings mean equal content.

    `files` has a token (content and executable bit) for every file, `problems` the reason for every entry
    that could not be read. `unsettled` are the paths that kept changing: `files` has what they held before,
    or nothing.
    """

    files: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    unsettled: frozenset[str] = field(default=frozenset(), compare=False)


def read_until_stable(
    folder: Path,
    keep: Keep,
    previous: Listing | None = None,
    *,
    known: Known = lambda _: None,
    at_once: bool = False,
    tries: int = TRIES,
    settle_seconds: float = SETTLE_SECONDS,
) -> Listing:
    """Read the folder until two readings agree; one reading that agrees with `previous` is enough.

    An rsync, a git pull or an editor's save is therefore never seen half done, unless it stands still for
    `settle_seconds`. A file that changes over and over, such as a log, holds up nothing: all others are taken
    as they are, and it stays as it is `known`. `at_once` takes every other change in the same way after
    `tries` readings, too.

    :raises FolderUnavailableError: the folder cannot be read at all.
    :raises FolderUnstableError: no two of `tries` readings agreed, and new changes came to the end.
    """
    last = read_folder(folder)
    if last == previous:
        return last
    gaps = Counter(dict.fromkeys(previous.unsettled, RESTLESS_GAPS) if previous else {})
    changed: frozenset[str] = frozenset()
    for _ in range(tries - 1):
        time.sleep(settle_seconds)
        listing = read_folder(folder, keep, last)
        changed = _changed(last, listing)
        gaps.update(changed)
        last = listing
        if all(gaps[path] >= RESTLESS_GAPS for path in changed):
            return _without(listing, changed, known)
    if at_once:
        return _without(last, changed, known)
    raise FolderUnstableError(f"{folder} kept changing while it was read ({tries} times); trying again later")


def _changed(one: Listing, other: Listing) -> frozenset[str]:
    """The paths at which two readings differ."""
    return frozenset(
        path for path, _ in (one.files.items() ^ other.files.items()) | (one.problems.items() ^ other.problems.items())
    )


def _without(listing: Listing, changed: frozenset[str], known: Known) -> Listing:
    """The listing with what is known of changing files in the place of what was read."""
    if not changed:
        return listing
    files = {path: token for path, token in listing.files.items() if path not in changed}
    problems = {path: reason for path, reason in listing.problems.items() if path not in changed}
    files |= {path: token for path in changed if (token := known(path)) is not None}
    return Listing(files, problems, changed)


def read_folder(folder: Path, keep: Keep | None = None, before: Listing | None = None) -> Listing:
    """Read the folder once. `keep` gets the content of the files that are as `before`; others may not last.

    Symbolic links are followed as long as they stay inside the folder (a Kubernetes ConfigMap is such a tree
    of links); the folder itself may be a link (git-sync swaps it). Links that lead elsewhere are reported, so
    that a pull request cannot publish a host's files. A link to a folder above it is not followed. Named
    pipes, sockets and devices are never opened.

    :raises FolderUnavailableError: see there.
    """
    root = _resolve(folder)
    listing = Listing()
    settled = before.files if before is not None else {}
    for count, (entry, path) in enumerate(_walk(root, listing)):
        if count == MAX_ENTRIES:
            raise FolderUnavailableError(
                f"{folder} has more than {MAX_ENTRIES:,} files and folders; is it the pipelines folder?"
            )
        if entry is None:
            continue
        content = _read_entry(entry, path, listing)
        if content is None:
            continue
        token = token_of(*content)
        listing.files[path] = token
        if keep is not None and settled.get(path) == token:
            keep(*content)
    return listing


def _resolve(folder: Path) -> str:
    try:
        root = folder.resolve(strict=True)
    except FileNotFoundError:
        raise FolderUnavailableError(f"the pipelines folder {folder} does not exist") from None
    except (OSError, RuntimeError) as e:
        raise FolderUnavailableError(f"the pipelines folder {folder} cannot be read: {e}") from None
    if not root.is_dir():
        raise FolderUnavailableError(f"the pipelines folder {folder} is not a folder")
    return str(root)


def _walk(root: str, listing: Listing) -> Iterator[tuple[os.DirEntry[str] | None, str]]:
    """Yield every entry that is no folder with its relative path, and `None` for every folder."""
    inside = root.rstrip("/") + "/"
    pending: list[tuple[str, str, frozenset[tuple[int, int]]]] = [(root, "", frozenset())]
    ignored = IgnoredPaths(Path(root))
    while pending:
        absolute, prefix, above = pending.pop()
        try:
            here = os.stat(absolute)
            identity = (here.st_dev, here.st_ino)
            if identity in above:
                listing.problems[prefix] = "is a link to a folder that contains it"
                continue
            with os.scandir(absolute) as found:
                entries = list(found)
        except OSError as e:
            if not prefix:
                raise FolderUnavailableError(f"the pipelines folder {root} cannot be read: {e}") from None
            if e.errno not in _VANISHED:
                listing.problems[prefix] = _unreadable(e)
            continue
        for entry in entries:
            path = prefix + entry.name
            # Only pipelines: what lies beside them may be imported by others.
            if is_left_out(entry.name) or (path.endswith(SUFFIXES) and ignored.has(path)):
                continue
            problem = name_problem(entry.name, path) or _link_problem(entry, inside)
            if problem is not None:
                listing.problems[path] = problem
            elif _is_folder(entry):
                pending.append((entry.path, path + "/", above | {identity}))
                yield None, path
            else:
                yield entry, path


def _link_problem(entry: os.DirEntry[str], inside: str) -> str | None:
    if not entry.is_symlink():
        return None
    target = os.path.realpath(entry.path) + "/"
    if target.startswith(inside):
        return None
    return _LINK_OUT if os.path.exists(entry.path) else _DEAD_LINK  # noqa: PTH110 # it is text


_LINK_OUT = "is a link out of the pipelines folder; put the file itself there"
_DEAD_LINK = "is a link to a file that does not exist"


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {error.strerror}" + (f"; {LET_READ}" if isinstance(error, PermissionError) else "")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # reading it as a file says what is wrong


def _read_entry(entry: os.DirEntry[str], path: str, listing: Listing) -> tuple[bytes, bool] | None:
    """The content of a file and whether it is executable; `None` where it went away or is a problem."""
    try:
        if not stat.S_ISREG(entry.stat().st_mode):
            listing.problems[path] = "is not a regular file"
            return None
        # Non-blocking, for an entry that became a named pipe after it was looked at.
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                listing.problems[path] = "is not a regular file"
                return None
            data = _read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as e:
        if entry.is_symlink() and e.errno == errno.ENOENT:
            listing.problems[path] = _DEAD_LINK
        elif e.errno not in _VANISHED:
            listing.problems[path] = _unreadable(e)
        return None
    if len(data) > MAX_FILE_BYTES:
        listing.problems[path] = (
            f"is larger than {MAX_FILE_BYTES // 2**20} MiB; keep data outside of the pipelines folder"
        )
        return None
    return data, bool(status.st_mode & stat.S_IXUSR)


def _read(descriptor: int, size: int) -> bytes:
    """Read to the end of the file, or one byte past the limit."""
    data = b""
    while len(data) <= MAX_FILE_BYTES:
        chunk = os.read(descriptor, min(max(size - len(data), 0) + 1, MAX_FILE_BYTES + 1))
        if not chunk:
            break
        data += chunk
    return data


STUB_SUFFIX = ".py"
BYTECODE_FOLDER = "__pycache__"
IGNORE_FILE = ".airflowignore"
ENVIRONMENT_STUB = f"_{ENVIRONMENT_VARIABLE}.yaml{STUB_SUFFIX}"
"""No pipeline's stub: their names do not start with `_`, and files of users do not end in `.yaml.py`."""

# ext4, XFS, APFS and tmpfs all stop at 255 bytes for a name; a stub's name is its pipeline's plus ".py".
MAX_NAME_BYTES = 255 - len(STUB_SUFFIX)
# PATH_MAX is 4,096 with the storage folder in front of it, and Airflow keeps the path in 2,000 characters.
MAX_PATH_BYTES = 1500


def as_text(path: str) -> str:
    """A path for logs and Airflow's database, which take no byte of a name that is not UTF-8."""
    return path.encode(errors="backslashreplace").decode()


def is_left_out(name: str) -> bool:
    """Whether a file or folder of this name is never copied: dot names and Python's bytecode.

    Dot names are editors' swap files, `.git`, `.env` with its secrets, a half-written rsync, a ConfigMap's
    `..data`, and a user's `.airflowignore`, which could hide stubs.
    """
    return name.startswith(".") or name == BYTECODE_FOLDER or name.endswith((".pyc", ".pyo"))


def name_problem(name: str, path: str) -> str | None:
    """Why an entry of this name cannot be copied, or `None`. `path` is its path relative to the folder."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "its name is not UTF-8; rename it"
    if len(os.fsencode(name)) > MAX_NAME_BYTES or size > MAX_PATH_BYTES:
        return "its name is too long; shorten it"
    if name.lower().endswith(tuple(suffix + STUB_SUFFIX for suffix in SUFFIXES)):
        return "names that end in .yaml.py or .yml.py are those of generated DAG files; rename it"
    return None
