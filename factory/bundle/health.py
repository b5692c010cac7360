"""What is wrong with a bundle, as this process sees it: its pipelines, its storage, its store and the version in it.

It asks and reads, and leaves nothing behind: who asks may be root, and what root writes nobody else can replace.
"""

from __future__ import annotations

import os
import re
import signal
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from types import FrameType
from typing import Any

import psutil
from airflow.sdk.bases.hook import BaseHook

from factory.bundle.archives import PASSWORD, ArchiveStore, DamagedArchiveError
from factory.bundle.pipeline_bundle import PipelineBundle
from factory.bundle.records import EXECUTABLE, State, state_of, state_path, token_of, written_by
from factory.bundle.store import READ_ONLY, BundleError, Store, StoreError
from factory.bundle.upstream import Upstream
from schemas.check import Checker
from schemas.folder.discovery import pipeline_paths
from schemas.folder.project import ENVIRONMENT_VARIABLE, undeclared

STORAGE_VARIABLE = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"
SOURCE_SECONDS = 120
FOR_THE_PROCESSOR = "the dag-processor needs it, workers do not"
AGAIN = "restart the dag-processor, which writes it again"
MOST_PROBLEMS = 10
PROBE_BYTES = 2**16
SHOWN = ("repo_url", "git_conn_id", "tracking_ref", "aws_conn_id", "bucket_name", "prefix", "path", "subdir")
"""What is said of a source, of what Airflow's own bundles take; others' arguments may be secrets."""
CONNECTION_TYPES = {"s3": "aws", "s3a": "aws", "gs": "google_cloud_platform"}
"""Scheme of a store → the type of its connection."""

Finding = tuple[str, str]
"""A level, which is `ok`, `warning` or `error`, and a text of one sentence."""


def examine(made: type[PipelineBundle], name: str, kwargs: Mapping[str, Any]) -> Iterator[Finding]:
    """What there is to say of a bundle that is configured with `kwargs`."""
    try:
        bundle = made(**{"name": name, **kwargs})
    except Exception as error:  # a wrong argument, or a subclass's own
        text = str(error) if isinstance(error, BundleError) else f"{type(error).__name__}: {error}"
        yield ("error", text.removeprefix(f"bundle {name}: "))  # who asks writes it before each line
        return
    source = kwargs.get("source")
    yield from _source(name, source) if source is not None else _folder(bundle.folder, str(bundle.folder))
    state = yield from _storage(bundle.base_dir)
    if bundle.archives is not None:
        state = yield from _store(bundle.archives)
    if state is not None:
        yield from _version(state, bundle.archives or bundle.base_dir)


def _source(name: str, source: Mapping[str, Any]) -> list[Finding]:
    """Ask for the source's files, in a storage that is removed again."""
    found = []
    if any(PASSWORD.search(str(value)) for value in (source.get("kwargs") or {}).values()):
        text = "its `source` has a password in a URL; put it into an Airflow connection (Git: `git_conn_id`)"
        found.append(("warning", text))
    upstream = Upstream(source, name)
    try:
        with _storage_elsewhere(), _at_most(SOURCE_SECONDS):
            upstream.update()
            # Its files lie in a folder that is removed below; what people know is where they came from.
            given = [f"{key} {value}" for key in SHOWN if (value := (source.get("kwargs") or {}).get(key))]
            return [*found, *_folder(upstream.folder, f"{upstream.classpath} ({', '.join(given)})")]
    except BundleError as error:
        text = f"the source {upstream.classpath} cannot be read here: {_reason(error)}; {FOR_THE_PROCESSOR}"
        return [*found, ("warning", text)]


@contextmanager
def _storage_elsewhere() -> Iterator[None]:
    before = os.environ.get(STORAGE_VARIABLE)
    with TemporaryDirectory(prefix="factory-doctor-", ignore_cleanup_errors=True) as folder:
        os.environ[STORAGE_VARIABLE] = folder
        try:
            yield
        finally:
            os.environ.pop(STORAGE_VARIABLE)
            if before is not None:
                os.environ[STORAGE_VARIABLE] = before


class _NoAnswerError(Exception):
    """Not a TimeoutError: clients take that for the network's, and try again."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """For a process's main thread that starts nothing else: what it has started, such as git, is killed."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        raise _NoAnswerError(f"it did not answer within {seconds:.0f} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _reason(error: BaseException) -> str:
    """What was wrong first; of a program such as git what it has said itself."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = re.search(r"^fatal: (.*?)'?$", str(getattr(error, "stderr", "")), re.MULTILINE)
    if said is not None:
        return said[1]
    return str(error) if isinstance(error, _NoAnswerError) else f"{type(error).__name__}: {error}"


def _folder(folder: Path, shown: str) -> Iterator[Finding]:
    """`shown` is what people know it by."""
    if not os.path.isdir(folder) or not os.access(folder, os.R_OK | os.X_OK):  # noqa: PTH112 # a Path's raises
        why = "cannot be read" if os.path.lexists(folder) else "does not exist"
        yield ("warning", f"{shown} {why} here; {FOR_THE_PROCESSOR}")
        return
    yield ("ok", f"reads {shown}")
    if not any(True for _ in pipeline_paths(folder)):
        yield ("warning", f"{shown} has no pipeline")
    environment = os.environ.get(ENVIRONMENT_VARIABLE)
    problem = undeclared(environment, Checker(folder).environments()) if environment else None
    if problem is not None:
        yield ("warning", f"{ENVIRONMENT_VARIABLE} is {environment}, and {problem}")


def _storage(folder: Path) -> Generator[Finding, None, State | None]:
    """Gives the state in it; None where there is none to rely on."""
    setting = "[dag_processor] dag_bundle_storage_path"
    existing = _existing(folder)
    if not os.path.isdir(existing):  # noqa: PTH112 # as above
        yield ("error", f"the storage {folder} cannot be used: {existing} is not a folder; set {setting} to one")
        return None
    problem = _write_problem(existing)
    if problem is None:
        yield ("ok", f"storage {folder} is writable")
    elif problem.errno in READ_ONLY:
        yield ("warning", f"storage {folder} is read-only here; the dag-processor must write it")
    else:
        text = f"storage {folder} cannot be written: {problem.strerror}"
        yield ("error", f"{text}; make room there, or set {setting} to another folder")
    path = state_path(folder)
    try:
        state = state_of(path.read_bytes())
    except FileNotFoundError:
        return State()
    except OSError as error:
        yield ("error", f"{path} cannot be read: {error.strerror}")
        return None
    if state.version is None:
        yield ("error", f"{path} is damaged; {AGAIN}")
        return None
    damage = _damage(Store(folder), state.version)
    if damage:
        yield ("error", f"version {state.version[:12]} in {folder}: {damage}")
    return state


def _existing(path: Path) -> Path:
    """The nearest that is there: what is missing below it is made when it is needed."""
    return next(one for one in (path, *path.parents) if os.path.lexists(one))


def _write_problem(folder: Path) -> OSError | None:
    """Why nothing can be written there. It is tried, with a file that has no name: permissions do not tell it all."""
    try:
        with TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def _damage(store: Store, version: str) -> str:
    """What tasks that are pinned to a version would miss; empty where it is whole."""
    try:
        files = store.manifest(version).files
        for token in sorted(set(files.values())):
            store.read(token)
    except StoreError as error:
        return f"{error}; {AGAIN}"
    snapshot = store.snapshot_path(version)
    for path, token in files.items():
        try:
            is_whole = token_of((snapshot / path).read_bytes(), token.endswith(EXECUTABLE)) == token
        except OSError:
            is_whole = False
        if not is_whole:
            return f"{snapshot / path} is missing or damaged; remove {snapshot} and {AGAIN}"
    return ""


def _store(archives: ArchiveStore) -> Generator[Finding, None, State | None]:
    """Gives the state that the store keeps; None where there is none to rely on."""
    scheme, _, place = archives.url.partition("://")
    if scheme in ("file", "local") and not os.path.lexists(place):
        existing = _existing(Path(place))
        if not os.path.isdir(existing):  # noqa: PTH112 # as above
            yield ("error", f"the store {archives} cannot be used: {existing} is not a folder; choose another `store`")
            return None
        yield ("warning", f"store {archives} does not exist yet; the dag-processor makes it")
        return None
    version, is_read = None, False
    try:
        state = archives.state()
        version = _current(archives)
        if version is not None:
            archives.fetch(version)
            is_read = True
    except StoreError as error:
        yield ("error", _said(error, archives.url))
        if version is None:
            return None
    try:
        archives.probe(f"doctor-{uuid.uuid4().hex}")
        yield ("ok", f"store {archives} can be written and read")
    except StoreError as error:
        text = f"{error}; reading is enough for a worker, the dag-processor must write"
        yield ("warning", text) if is_read or _is_refusal(error) else ("error", str(error))
    if (state.version is None) != (version is None):
        missing = "state.json" if version is not None else "current"
        yield ("error", f"the object {archives}/{missing} is missing or damaged; the next edit writes it again")
        return None
    return state


def _current(archives: ArchiveStore) -> str | None:
    """The current version in the store; None where nobody has written one. :raises StoreError: it cannot be read."""
    try:
        return archives.current()
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def _said(error: StoreError, url: str) -> str:
    """What is wrong, and what to do."""
    cause = error.__cause__
    if type(cause).__name__ == "AirflowConfigException":  # there are two, with no class in common
        return f"Airflow's configuration is wrong: {cause}"  # the first use of a store imports much of Airflow
    if isinstance(error, DamagedArchiveError):
        return f"{error}; remove it and {AGAIN}"
    return f"{error}; {AGAIN}" if isinstance(cause, FileNotFoundError) else f"{error}{_connection_problem(url)}"


def _connection_problem(url: str) -> str:
    """What is wrong with the connection that a store names: a client goes on without it, and fails elsewhere."""
    scheme, _, place = url.partition("://")
    name, is_named, _ = place.partition("@")
    if not is_named or "/" in name:
        return ""
    try:
        kind = BaseHook.get_connection(name).conn_type
    except Exception as error:  # what a secrets backend raises
        said = " ".join(str(error).split())
        return f"; the connection {name} is missing or cannot be read here ({said}): set AIRFLOW_CONN_{name.upper()}"
    wanted = CONNECTION_TYPES.get(scheme, kind)
    return "" if kind == wanted else f"; the connection {name} has the type {kind!r}, and this store needs {wanted!r}"


def _is_refusal(error: StoreError) -> bool:
    """Whether the store answers, and only does not let this process write."""
    return isinstance(error.__cause__, PermissionError) or "Read-only" in str(error)


def _version(state: State, where: object) -> Iterator[Finding]:
    if state.version is None:
        yield ("warning", f"no dag-processor has written a version into {where} yet")
        return
    if state.written_by and state.written_by != written_by():
        text = f"the dag-processor runs {state.written_by}, and this process {written_by()}"
        yield ("error", f"{text}; install the same versions everywhere")
    else:
        yield ("ok", f"version {state.version[:12]}, written by {written_by()}")
    problems = sorted(state.problems.items())
    folder = state.origin.folder if state.origin is not None else ""
    for path, why in problems[:MOST_PROBLEMS]:
        yield ("warning", f"{Path(folder, path)} {why}")
    if len(problems) > MOST_PROBLEMS:
        yield ("warning", f"and {len(problems) - MOST_PROBLEMS} more files that are not read")
