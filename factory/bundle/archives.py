"""Versions on object storage, for workers that share no disk with the dag-processor: one archive for each.

    <store>/current         the name of the current version
    <store>/state.json      what the dag-processor knows of the DAGs, for the next one, whose disk may be empty
    <store>/<version>.gz    gzip of a line of JSON, {"files": {path: [token, size]}}, and of each content it names

A version is the hash of its files, so whoever reads an archive knows whether it is complete before writing a file.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from factory.bundle.records import EXECUTABLE, VERSION_PATTERN, Manifest, Origin, State, state_of, token_of
from factory.bundle.store import StoreError

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

MAX_BYTES = 512 * 2**20
"""The largest version, unpacked: a worker holds it in memory for a moment."""
TIMEOUT_SECONDS = 60.0
PASSWORD = re.compile(r"://[^/@:]+:[^@]*@")
"""A name and keys in a URL; a connection's id has no colon."""
CURRENT = "current"
"""The object that holds the current version's name."""
STATE = "state.json"
PACKAGES = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "s3a": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    "abfs": "apache-airflow-providers-microsoft-azure",
    "abfss": "apache-airflow-providers-microsoft-azure",
}
"""Scheme of a store → what has to be installed for it."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class DamagedArchiveError(StoreError):
    """An archive is not what its name says."""


class NoAnswerError(StoreError):
    """The store did not answer in time."""


def packed(manifest: Manifest, read: Callable[[str], bytes]) -> bytes:
    """The archive of a version; `read` gives the content of a token. Equal versions give equal bytes.

    :raises StoreError: the version is too large.
    """
    contents = {token: read(token) for token in sorted(set(manifest.files.values()))}
    files = {path: (token, len(contents[token])) for path, token in sorted(manifest.files.items())}
    head = json.dumps({"files": files}).encode() + b"\n"
    total = len(head) + sum(map(len, contents.values()))
    if total > MAX_BYTES:
        raise StoreError(f"the pipelines folder has {total:,} bytes, and a store takes {MAX_BYTES:,} at most")
    compressor = zlib.compressobj(wbits=31)  # gzip, without a time in its header
    parts = [compressor.compress(part) for part in (head, *contents.values())]
    return b"".join([*parts, compressor.flush()])


def unpacked(archive: bytes, version: str) -> dict[str, tuple[bytes, bool]]:
    """Path → content, and whether it is executable, of all files of a version.

    :raises DamagedArchiveError: the archive is cut off, altered, too large, or that of another version.
    """
    decompressor = zlib.decompressobj(wbits=31)
    try:
        data = decompressor.decompress(archive, MAX_BYTES + 1)
        head, _, rest = data.partition(b"\n")
        files: Mapping[str, tuple[str, int]] = json.loads(head)["files"]
        sizes = {token: int(size) for token, size in files.values()}
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedArchiveError(f"it cannot be read: {error}") from None
    if not decompressor.eof:
        raise DamagedArchiveError("it is cut off, or too large")
    contents: dict[str, bytes] = {}
    start = 0
    for token in sorted(sizes):
        contents[token] = rest[start : start + sizes[token]]
        start += sizes[token]
        if token_of(contents[token], token.endswith(EXECUTABLE)) != token:
            raise DamagedArchiveError(f"content {token[:12]} in it is damaged")
    if Manifest({path: token for path, (token, _) in files.items()}).version != version:
        raise DamagedArchiveError("it is the archive of another version")
    for path in files:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or not path:
            raise DamagedArchiveError(f"it has a path outside of its folder: {path!r}")
    return {path: (contents[token], token.endswith(EXECUTABLE)) for path, (token, _) in files.items()}


class ArchiveStore:
    """The archives below `url`, any path of Airflow's object storage: `s3://CONN_ID@bucket/prefix`, `file:///mnt/…`.

    Airflow's connection gives the credentials. Every method raises StoreError, which names the store, also where it
    does not answer within `timeout` seconds.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        if PASSWORD.search(url):
            raise StoreError("its `store` has keys in the URL; name an Airflow connection: s3://CONN_ID@bucket/prefix")
        self.url = url.rstrip("/")
        self.timeout = timeout
        self._kept: set[str] = set()
        self._current: str | None = None

    def __str__(self) -> str:
        return self.url

    def put(self, manifest: Manifest, read: Callable[[str], bytes]) -> None:
        """Keep the archive of a version, unless it is there; the first time in a process, and each time that it was
        forgotten, one request asks. A damaged one is replaced.
        """
        version = manifest.version
        if version in self._kept:
            return

        def put() -> None:
            path = self._path(f"{version}.gz")
            try:
                is_sound = path.fs.cat_file(path.path, start=0, end=len(archive) + 1) == archive
            except FileNotFoundError:
                is_sound = False
            if not is_sound:
                # With a transaction a reader finds the whole object or none, also in a folder.
                with path.fs.transaction, path.fs.open(path.path, "wb") as file:
                    file.write(archive)

        archive = packed(manifest, read)
        self._bounded(f"version {version} cannot be stored", put)
        self._kept.add(version)

    def fetch(self, version: str, unanswered: Path | None = None, asked: float = 0.0) -> dict[str, tuple[bytes, bool]]:
        """The files of a version, as `unpacked`: one request, no listing.

        `unanswered` is a file of this host, where it stays why the store did not answer. Who has waited for another
        task's request since `asked`, in seconds since the epoch, does not ask again: tasks that start together would
        wait one after the other.
        """
        if unanswered is not None and unanswered.exists() and unanswered.stat().st_mtime >= asked:
            raise StoreError(unanswered.read_text())
        get = partial(self._get, f"{version}.gz", start=0, end=MAX_BYTES + 1)
        try:
            archive = self._bounded(f"version {version} cannot be read", get)
        except NoAnswerError as error:
            if unanswered is not None:
                unanswered.parent.mkdir(parents=True, exist_ok=True)
                unanswered.write_text(str(error))
            raise
        try:
            return unpacked(archive, version)
        except DamagedArchiveError as error:
            raise DamagedArchiveError(f"the archive {self.url}/{version}.gz is damaged: {error}") from None

    def set_current(self, version: str) -> None:
        """Keep which version is the current one, for tasks of DAGs that pin none."""
        if version == self._current:
            return
        self._bounded("the current version cannot be stored", lambda: self._put(CURRENT, version.encode()))
        self._current = version

    def current(self) -> str:
        """The current version."""
        get = partial(self._get, CURRENT)
        version = self._bounded("the current version cannot be read", get).decode(errors="replace")
        if not VERSION_PATTERN.fullmatch(version):
            raise DamagedArchiveError(f"the object {self.url}/{CURRENT} is damaged")
        return version

    def set_state(self, state: State) -> None:
        """Keep what `recalled` gives."""
        self._bounded("what is known of the DAGs cannot be stored", lambda: self._put(STATE, state.text))

    def state(self) -> State:
        """The last state; that of a store never written where there is none."""

        def get() -> bytes:
            try:
                return self._get(STATE)
            except FileNotFoundError:
                return b"{}"

        return state_of(self._bounded("what is known of the DAGs cannot be read", get))

    def recalled(self, origin: Origin) -> State:
        """Owners of DAG ids and records of DAGs, for a disk without the version's files. `origin` is what it reads."""
        last = self.state()
        if last.origin not in (None, origin):
            said = (
                "the store %s was written for %s, and this is %s; two must not share one, each removes what is not its"
            )
            log.warning(said, self.url, last.origin, origin)
        return State(owners=last.owners, dags=last.dags)

    def versions(self) -> set[str]:
        """All versions; one listing, for clean-up only."""

        def listed() -> set[str]:
            root = self._path(CURRENT).parent
            root.fs.invalidate_cache()  # clients keep listings, and take what they know of an object from them
            try:
                return {PurePosixPath(name).stem for name in root.fs.ls(root.path, detail=False)}
            except FileNotFoundError:
                return set()
            finally:
                root.fs.invalidate_cache()

        return {
            version for version in self._bounded("it cannot be listed", listed) if VERSION_PATTERN.fullmatch(version)
        }

    def forget(self) -> None:
        """Look at every archive again before relying on it."""
        self._kept.clear()
        self._current = None

    def probe(self, name: str) -> None:
        """Write, read and remove an object of that name, to see whether the store can be used."""

        def ask() -> bool:
            path = self._path(name)
            path.fs.pipe_file(path.path, b"probe")
            answered: bool = path.fs.cat_file(path.path) == b"probe"
            path.fs.rm_file(path.path)
            return answered

        if not self._bounded("it cannot be written and read", ask):
            raise StoreError(f"the store {self.url} gives back other bytes than were written")

    def remove(self, version: str) -> None:
        """Remove an archive."""

        def remove() -> None:
            path = self._path(f"{version}.gz")
            path.fs.rm_file(path.path)

        self._kept.discard(version)
        self._bounded(f"version {version} cannot be removed", remove)

    def _get(self, name: str, **limits: int) -> bytes:
        path = self._path(name)
        data: bytes = path.fs.cat_file(path.path, **limits)
        return data

    def _put(self, name: str, data: bytes) -> None:
        path = self._path(name)
        path.fs.pipe_file(path.path, data)

    def _path(self, name: str) -> ObjectStoragePath:
        from airflow.sdk import ObjectStoragePath  # noqa: PLC0415 # costly, and only processes with a store need it

        path = ObjectStoragePath(f"{self.url}/{name}")
        if path.protocol in ("file", "local"):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _bounded(self, what: str, ask: Callable[[], T]) -> T:
        """What `ask` gives, in a thread of its own: clients wait for minutes, and try again, before they give up."""
        result: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                result.append(ask())
            except BaseException as error:  # raised below, in the thread that waits
                errors.append(error)

        thread = threading.Thread(target=run, daemon=True, name=f"store {self.url}")
        began = time.monotonic()
        thread.start()
        thread.join(self.timeout)
        if result:
            return result[0]
        if not errors:
            seconds = time.monotonic() - began
            raise NoAnswerError(f"the store {self.url} did not answer within {seconds:.0f} seconds: {what}")
        raise StoreError(f"the store {self.url}: {what}: {self._reason(errors[0])}") from errors[0]

    def _reason(self, error: BaseException) -> str:
        package = PACKAGES.get(self.url.partition(":")[0])
        if package is not None and (isinstance(error, ImportError) or "No filesystem registered" in str(error)):
            return f"this process has no client for it; install {package}"
        if isinstance(error, FileNotFoundError):
            return "there is no such bucket" if "bucket does not exist" in str(error) else "there is no such object"
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
