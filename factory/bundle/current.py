"""`current/`, the folder that the dag-processor reads: only what changed is written, so only it is parsed.

Airflow parses a file again when its modification time is later than the end of its last parse
(`DagFileProcessorManager._sort_by_mtime`), and Python takes bytecode for a file of equal size and time in
whole seconds. So a changed file is a new inode with a time that lies later than both.
"""

# Thousands of files are looked at every few seconds: plain strings and `os` calls cost a fraction of `Path`.
# ruff: noqa: PTH105, PTH108

from __future__ import annotations

import logging
import math
import os
import shutil
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from factory.bundle.records import EXECUTABLE, token_of
from factory.bundle.store import Store

log = logging.getLogger(__name__)

# A parse that began before its file was replaced ends after it, mostly within this many seconds; its end must not hide
# the change. A time that far ahead has Airflow parse the file again and again until then, some twenty times. So the
# dag-processor gives a stub that is edited the time it is, and a new time when that long is over: two parses. Where an
# edit follows another so soon, or many come at once, the time is set ahead; it is enough unless a parse is slow.
AHEAD_SECONDS = 2.0
# Of more at once, the first are parsed again while the last wait: nothing would be saved.
FEW = 10
# Where a child of this process is older than the edit by then, a slow parse may still end: longer than Airflow lets one
# take, which is 50 seconds (`dag_file_processor_timeout`), and 120 with `factory run`. An older child is no parse.
SLOW_SECONDS = LONGEST_PARSE_SECONDS = 130.0

Signature = tuple[int, int, int, int]
"""(inode, size, modification time, change time): no way to alter a file leaves all of them as they were."""


class SecondLook(NamedTuple):
    """When a stub that was written is looked at again, in seconds since 1970."""

    due: float
    edited: float
    signature: Signature
    gets_new_time: bool
    """Whatever is found then; else only where a parse from before the edit is still under way."""
    is_last: bool = False


class CurrentFolder:
    """The stable folder at `path`; it remembers what it wrote, so that a check costs no reading.

    `comes_back`: whether somebody calls `touch` when it `is_due`.
    """

    def __init__(self, path: Path, store: Store, *, comes_back: bool = False) -> None:
        self.path = path
        self._store = store
        self._comes_back = comes_back
        self._written: dict[str, tuple[str, Signature]] = {}
        self._untouched: dict[str, SecondLook] = {}

    @property
    def is_due(self) -> bool:
        """Whether there is something to `touch`."""
        return any(look.due <= time.time() for look in self._untouched.values())

    def touch(self) -> None:
        """Show Airflow once more what it may have missed, since an older text was being parsed."""
        due = [path for path, look in self._untouched.items() if look.due <= time.time()]
        parses = _children() if due else []
        for path in due:
            look = self._untouched.pop(path)
            signature = look.signature
            with suppress(FileNotFoundError):
                if _signature((file := self.path / path).lstat()) != signature:
                    continue
                if look.gets_new_time:
                    os.utime(file)
                    signature = _signature(file.lstat())
                    if path in self._written:
                        self._written[path] = (self._written[path][0], signature)
                slow = any(look.edited - LONGEST_PARSE_SECONDS < began < look.edited for began in parses)
                if slow and not look.is_last:
                    last = SecondLook(look.due + SLOW_SECONDS, look.edited, signature, gets_new_time=True, is_last=True)
                    self._untouched[path] = last

    def forget(self) -> None:
        """Trust nothing: the next `apply` compares contents."""
        self._written.clear()

    def matches(self, files: Mapping[str, str]) -> bool:
        """Whether exactly these files are there, as this object wrote or checked them."""
        found, _, strange = self._look()
        return (
            not strange
            and self._written == {path: (token, found[path]) for path, token in files.items() if path in found}
            and len(found) == len(files)
        )

    def apply(
        self,
        files: Mapping[str, str],
        before: Mapping[str, str],
        is_stub: Callable[[str], bool],
        next_runs: Mapping[str, float],
    ) -> tuple[list[str], list[str]]:
        """Make the folder hold exactly these files; return the paths written and the paths removed.

        `before` are the files of the last completed state: what differs from it is written anew even where
        the content already fits, because an interrupted `apply` may have shown it to Airflow under the older
        version. Stubs go first and come last, so a stub never stands without what it needs, and at every
        moment the folder can be read. Of the stubs those come last whose `next_runs` are first: Airflow parses
        the newest file first.
        """
        if self.path.is_symlink() or not self.path.is_dir():
            self.path.unlink(missing_ok=True)
            self.path.mkdir(parents=True)
        found, folders, strange = self._look()
        removed = sorted(set(found) - set(files), key=lambda path: (not is_stub(path), path))
        stubs_removed = [path for path in removed if is_stub(path)]
        written = [
            path
            for path, token in files.items()
            if path not in found or before.get(path) != token or not self._is_as_written(path, token, found[path])
        ]
        written.sort(key=lambda path: (is_stub(path), -next_runs.get(path, math.inf), path))
        for path in (*strange, *stubs_removed):
            self._remove(path)
        are_few = sum(map(is_stub, written)) <= FEW
        for number, path in enumerate(written):
            fraction = number / len(written)
            watched = self._comes_back and is_stub(path)
            self._write(path, files[path], folders, fraction, watched=watched, twice=are_few and path in found)
        for path in removed[len(stubs_removed) :]:
            self._remove(path)
        self._remove_empty_folders()
        return written, removed

    def _look(self) -> tuple[dict[str, Signature], set[str], list[str]]:
        """What is there: regular files, folders, and anything else (links, pipes), all by relative path."""
        files: dict[str, Signature] = {}
        folders: set[str] = set()
        strange: list[str] = []
        pending = [""]
        while pending:
            prefix = pending.pop()
            try:
                entries = list(os.scandir(f"{self.path}/{prefix}"))
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.add(path)
                    pending.append(path + "/")
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    files[path] = _signature(status)
                else:
                    strange.append(path)
        return files, folders, strange

    def _is_as_written(self, path: str, token: str, signature: Signature) -> bool:
        if self._written.get(path) == (token, signature):
            return True
        file = self.path / path
        try:
            data = file.read_bytes()
            executable = bool(file.stat().st_mode & stat.S_IXUSR)
        except OSError:
            return False
        if token_of(data, executable) != token:
            return False
        self._written[path] = (token, signature)
        return True

    def _write(self, path: str, token: str, folders: set[str], fraction: float, *, watched: bool, twice: bool) -> None:
        """`watched`: it is looked at once more; `twice`: it may have a new time then, instead of one ahead."""
        target = self.path / path
        self._make_way(path, folders)
        mode = 0o755 if token.endswith(EXECUTABLE) else 0o644
        new = self._store.new_file(self._store.read(token), mode)
        # One that was written a moment ago is being parsed: only a time ahead shows this edit as soon as that is over.
        before = self._untouched.pop(path, None)
        twice = watched and twice and (before is None or before.is_last)
        edited = time.time()
        moment = self._fresh_time(target, fraction, 0.0 if twice else AHEAD_SECONDS)
        os.utime(new, (moment, moment))
        os.replace(new, target)
        signature = _signature(target.lstat())
        self._written[path] = (token, signature)
        if watched:
            due = moment + AHEAD_SECONDS if twice else moment
            self._untouched[path] = SecondLook(due, edited, signature, gets_new_time=twice)

    def _make_way(self, path: str, folders: set[str]) -> None:
        """Make the folders above a file; remove a folder in its place, or a file in theirs."""
        if path in folders:
            shutil.rmtree(self.path / path)
        parent = (self.path / path).parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            above = self.path
            for part in Path(path).parent.parts:
                above /= part
                if above.is_symlink() or above.is_file():
                    above.unlink()
            parent.mkdir(parents=True, exist_ok=True)

    def _fresh_time(self, target: Path, fraction: float, ahead: float) -> float:
        """A time in another second than the file's; `fraction` of a second keeps files in order that follow soon."""
        fresh = time.time() + ahead
        try:
            later = math.floor(target.lstat().st_mtime) + 1.0 + fraction
        except OSError:
            return fresh
        # A time far in the future, set by hand, would have Airflow parse the file again and again.
        return max(fresh, later) if later < fresh + 60 else fresh

    def _remove(self, path: str) -> None:
        self._written.pop(path, None)
        target = self.path / path
        if target.is_dir() and not target.is_symlink():
            return  # it was a file, and a folder has been put in its place
        try:
            os.unlink(target)
        except (FileNotFoundError, NotADirectoryError):
            return  # so was something above it

    def _remove_empty_folders(self) -> None:
        for folder, _, _ in os.walk(self.path, topdown=False):
            if folder != str(self.path) and not any(os.scandir(folder)):
                Path(folder).rmdir()


def _signature(status: os.stat_result) -> Signature:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _children() -> list[float]:
    """When each child of this process was started, in seconds since 1970; Airflow's parses are its children."""
    import psutil  # noqa: PLC0415 # tasks and `factory build` do without

    return [child.create_time() for child in psutil.Process().children()]
