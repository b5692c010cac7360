"""Where a file of rows is: on this machine, or in a store that Airflow's `ObjectStoragePath` reads."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

_WHOLE_ON_PUT = frozenset({"s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss", "az", "adl", "wasb", "wasbs", "oss"})
"""Object stores: an object that is put shows up when all of it is there."""
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a", "s3n"), "amazon[s3fs]"),
    **dict.fromkeys(("gs", "gcs"), "google"),
    **dict.fromkeys(("abfs", "abfss", "adl", "az", "wasb", "wasbs"), "microsoft-azure"),
}
"""Scheme of a store → which of Airflow's providers reaches it."""
FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".parquet": "parquet"}


class RowFileError(Exception):
    """A file of rows cannot be written or read; the text says which and why."""


def format_of(path: str) -> tuple[str, bool]:
    """The format that a path's ending says, and whether it is compressed by gzip. Raises RowFileError."""
    plain = path.lower()
    zipped = plain.endswith(".gz")
    ending = os.path.splitext(plain.removesuffix(".gz"))[1]  # noqa: PTH122
    if ending not in FORMATS or (zipped and ending == ".parquet"):
        raise RowFileError(f"`{path}` must end with .jsonl, .json or .csv (all three also with .gz), or .parquet")
    return FORMATS[ending], zipped


def all_csv(file: Any) -> bool:
    """Whether a path, or all of several, are of CSV, whose values are text, whatever they mean."""
    files = [file] if isinstance(file, str) else file if isinstance(file, Sequence) else []
    return bool(files) and all(isinstance(path, str) and format_of(path)[0] == "csv" for path in files)


def named_by_folders(file: Any) -> dict[str, str]:
    """What the names of folders say of the rows in their files, as `year=2026` does, each with such a path, without
    those folders that the pipeline names itself. Raises RowFileError."""
    patterns = [file] if isinstance(file, str) else file if isinstance(file, Sequence) else []
    named: dict[str, str] = {}
    for pattern in (one for one in patterns if isinstance(one, str)):
        own = set(pattern.split("/"))
        for path in found(pattern) if any(sign in pattern for sign in "*?[") else ():
            named |= {part.partition("=")[0]: path for part in path.split("/")[:-1] if "=" in part and part not in own}
    return named


def is_remote(path: str) -> bool:
    """Whether a path is a URL of a store; `file://` is this machine."""
    scheme = urlsplit(path).scheme
    # A single letter is a drive of Windows.
    return len(scheme) > 1 and scheme != "file" and "://" in path


def absolute(path: str) -> str:
    """The path as other tasks can use it: `~` and `file://` resolved, relative paths from the working folder."""
    if is_remote(path):
        return path
    local = unquote(urlsplit(path).path) if path.startswith("file:") else path
    return os.path.abspath(os.path.expanduser(local))  # noqa: PTH100, PTH111 # text in, text out


def found(pattern: str) -> list[str]:
    """The paths that a path or pattern (`*`, `?`, `[…]`) names, sorted. A file that is called so is that path.

    Raises RowFileError where there is none.
    """
    path = absolute(pattern)
    if not any(sign in path for sign in "*?["):
        return [path]
    if is_remote(path):
        base = _remote(path)
        if base.is_file():
            return [path]
        # Not the path's own text, which leaves out the connection.
        paths = sorted(f"{urlsplit(path).scheme}://{_user(path)}{name}" for name in base.fs.glob(base.path))
    else:
        named = [path] if os.path.isfile(path) else glob.glob(path, recursive=True)  # noqa: PTH113, PTH207
        paths = sorted(one for one in named if os.path.isfile(one))  # noqa: PTH113
    if not paths:
        raise RowFileError(f"no file matches `{pattern}`")
    return paths


def states(pattern: str) -> dict[str, Any]:
    """What tells a version of a file from another one, by path. Raises RowFileError."""
    found_now: dict[str, Any] = {}
    for path in found(pattern):
        try:
            found_now[path] = _remote_state(path) if is_remote(path) else _local_state(path)
        except Exception as error:  # the library of each store has errors of its own
            raise RowFileError(f"`{path}` cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return found_now


def _local_state(path: str) -> Any:
    state = Path(path).stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


def _remote_state(path: str) -> Any:
    target = _remote(path)
    target.fs.invalidate_cache()
    # Times of access are those of a reader.
    return {name: one for name, one in target.fs.info(target.path).items() if name not in ("time", "atime")}


def kind_said(value: Any) -> str:
    """What a value is that is none of those that are expected, in the words of YAML."""
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else kinds.get(type(value), type(value).__name__)


@contextmanager
def opened_to_read(path: str) -> Iterator[IO[bytes]]:
    """The file's bytes. Raises RowFileError."""
    try:
        with _opened(path) if is_remote(path) else Path(path).open("rb") as file:
            yield file
    except OSError as error:
        raise RowFileError(f"`{path}` cannot be read: {error.strerror or error}") from None


def _opened(path: str) -> Any:
    try:
        return _remote(path).open("rb")
    except OSError:
        raise
    except Exception as error:  # the library of each store has errors of its own
        raise RowFileError(f"`{path}` cannot be read: {error}") from None


def local_copy(path: str, folder: Path) -> str:
    """A path of this machine: that of a copy in a new folder below `folder` where the file is in a store."""
    if not is_remote(path):
        return path
    copy = place_of_copy(path, folder)
    with opened_to_read(path) as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return str(copy)


def place_of_copy(path: str, folder: Path) -> Path:
    """A new path below `folder`, with those folders whose names say something of the rows, such as `year=2026`."""
    *folders, name = path.split("/")
    parent = Path(tempfile.mkdtemp(dir=folder), *(part for part in folders if "=" in part))
    parent.mkdir(parents=True, exist_ok=True)
    return parent / name


class NewFile:
    """A local file that is filled first, and then shows up at `path` as a whole, or is discarded.

    A file that is there already is replaced, and stays as it is until then. What a process that was killed has left for
    this path is removed. Raises RowFileError.
    """

    def __init__(self, path: str) -> None:
        self.path = absolute(path)
        self._lock: int | None
        try:
            folder = tempfile.gettempdir()
            if not is_remote(self.path):
                folder = os.path.dirname(self.path)  # noqa: PTH120
                Path(folder).mkdir(parents=True, exist_ok=True)
            name = self.path.rpartition("/")[2]
            # In the same folder: a file can only be renamed within one file system. The dot keeps it out of patterns.
            self._folder, self._lock = own_folder(folder, f".{name}.")
        except OSError as error:
            raise self._unwritable(error) from None
        self.part = f"{self._folder}/rows"
        """What is to be filled; what else is put beside it goes with it."""

    def publish(self) -> None:
        """Let it show up."""
        try:
            if is_remote(self.path):
                try:
                    self._upload()
                except Exception as error:  # the library of each store has errors of its own
                    raise OSError(str(error)) from None
                self.discard()
                return
            with Path(self.part).open("rb") as file:
                os.fsync(file.fileno())
            Path(self.part).replace(self.path)
            self.discard()
        except OSError as error:
            self.discard()
            raise self._unwritable(error) from None

    def remove_former(self) -> None:
        """Remove the file that is there already."""
        try:
            if is_remote(self.path):
                target = _remote(self.path)
                with suppress(FileNotFoundError):
                    target.fs.rm_file(target.path)
            else:
                Path(self.path).unlink(missing_ok=True)
        except Exception as error:  # the library of each store has errors of its own
            raise self._unwritable(OSError(str(error))) from None

    def discard(self) -> None:
        """Remove what was filled."""
        shutil.rmtree(self._folder, ignore_errors=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _upload(self) -> None:
        target = _remote(self.path)
        if urlsplit(self.path).scheme in _WHOLE_ON_PUT:
            target.fs.put_file(self.part, target.path)
            return
        unfinished = f"{target.path}.{os.path.basename(self._folder)}"  # noqa: PTH119
        target.fs.makedirs(target.path.rpartition("/")[0], exist_ok=True)
        target.fs.put_file(self.part, unfinished)
        target.fs.mv(unfinished, target.path)

    def _unwritable(self, error: OSError) -> RowFileError:
        return RowFileError(f"`{self.path}` cannot be written: {error.strerror or error}")


@contextmanager
def alone_in(folder: str) -> Iterator[None]:
    """Nobody else is in the block for this folder. A store has no locks, and neither have some shared folders."""
    if is_remote(folder):
        yield
        return
    lock = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def own_folder(parent: str, prefix: str) -> tuple[str, int]:
    """A new folder, and a lock on it that ends with this process. Those that nobody holds any more are removed."""
    for left in glob.glob(f"{glob.escape(f'{parent}/{prefix}')}*.part"):  # noqa: PTH207 # text in, text out
        with suppress(OSError):  # it is another one's
            _remove_unheld(left)
    while True:
        folder = tempfile.mkdtemp(prefix=prefix, suffix=".part", dir=parent)
        # Before it is locked, another one may take it for left.
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        with suppress(OSError):  # without locks, as in some shared folders, nobody removes it
            fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(folder):  # noqa: PTH112 # as above
            return folder, lock
        os.close(lock)


def _remove_unheld(folder: str) -> None:
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(lock)


def _remote(path: str) -> Any:
    # It brings fsspec along, which local files do not need.
    from airflow.sdk import ObjectStoragePath  # noqa: PLC0415

    target, scheme = ObjectStoragePath(path), urlsplit(path).scheme
    try:
        _ = target.fs
    except ValueError as error:
        if (package := _PACKAGES.get(scheme)) is None or "No filesystem registered" not in str(error):
            raise
        name = f"apache-airflow-providers-{package}"
        raise RowFileError(f"`{scheme}://` needs {name}, which is not installed here: pip install '{name}'") from None
    return target


def _user(path: str) -> str:
    user, at, _ = urlsplit(path).netloc.rpartition("@")
    return user + at
