"""Files on the disk of this host: written, compared, and brought there so that a power cut leaves them whole."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SYNC_THREADS = 16


def write_file(path: str | Path, data: bytes, mode: int) -> None:
    """Write a new file; `mode` as the umask of this process lets it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def new_file(folder: Path, data: bytes, mode: int) -> Path:
    """Write a file of a new name, to be renamed into place; none stays where the disk is full."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{os.getpid()}.{os.urandom(8).hex()}"
    try:
        write_file(path, data, mode)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def holds(path: Path, data: bytes) -> bool:
    """Whether a path is a regular file of this content."""
    try:
        return stat.S_ISREG(path.lstat().st_mode) and path.read_bytes() == data
    except OSError:
        return False


def entries(folder: Path) -> list[Path]:
    """What is in a folder; nothing where there is none."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def sync(path: Path) -> None:
    """Bring a file or a folder to the disk; one that was removed meanwhile has nothing to keep."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[Path]) -> None:
    """Bring many to the disk together: a file system writes them in few commits then."""
    with ThreadPoolExecutor(SYNC_THREADS) as pool:
        list(pool.map(sync, paths))
