"""`PipelineBundle`: what Airflow calls."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.configuration import conf
from airflow.dag_processing.bundles.base import BaseDagBundle, BundleVersion, get_bundle_tracking_dir

from factory.bundle import cleanup, registry
from factory.bundle.archives import TIMEOUT_SECONDS, ArchiveStore
from factory.bundle.empty_folder import EMPTY_SECONDS
from factory.bundle.records import Origin, content_version, read_state
from factory.bundle.refresh import Refresher
from factory.bundle.registry import timed
from factory.bundle.source import SETTLE_SECONDS
from factory.bundle.store import NOT_WRITTEN, BundleError, Store, StoreError
from factory.bundle.upstream import FolderEvents, Upstream, check_arguments
from factory.loading.preload import preload_before_fork
from schemas.folder.project import ENVIRONMENT_VARIABLE

if TYPE_CHECKING:
    from factory.bundle.refresh import Beside, PipelineFiles
    from schemas.check.dependencies import PipelineFile

log = logging.getLogger(__name__)

REFRESH_SECONDS = 5
KEEP_DAYS = 30


def _pipeline_files(folder: Path, unchanged: Mapping[str, PipelineFile]) -> Sequence[PipelineFile]:
    """The pipelines below a folder. A task's process imports this module, but not the language for this."""
    from schemas.check.dependencies import pipeline_files  # noqa: PLC0415

    return pipeline_files(folder, unchanged)


def _beside(folder: Path, environment: str) -> Callable[[str], str]:
    """What stubs show below their pipelines' texts. A task's process imports no check for this."""
    from factory.reporters.in_force import beside_text  # noqa: PLC0415

    return beside_text(folder, environment)


class PipelineBundle(BaseDagBundle):
    """A folder of YAML pipelines as a versioned DAG bundle with one stub per pipeline.

    :param source: another Airflow bundle that the pipelines come from, in place of `folder`:
        `{"classpath": "airflow.providers.git.bundles.git.GitDagBundle", "kwargs": {…}}`.
    :param store: object storage that every version is kept in, for workers that share no disk with the dag-processor:
        `s3://CONN_ID@bucket/prefix`, or any other path of Airflow's object storage. Without it, all hosts need the same
        storage folder.
    :param store_timeout: seconds until a store that does not answer is an error.
    :param folder: the pipelines folder. Without it, the environment variable `PIPELINES_FOLDER`, then
        `pipelines`; a relative one starts at the process's working directory. Only the dag-processor (and the
        command line) needs it.
    :param refresh_interval: seconds between two looks at the folder, 5 by default. Where the file system sends events,
        the folder is read only after one, and at once.
    :param environment: environment variables for processes that have none of the name, so that `${env.…}` means
        the same in a shell's `airflow` command as in the dag-processor.
    :param keep_days: how many days after its end a run can still be cleared and run again with the files it
        ran with.
    """

    supports_versioning = True

    files: ClassVar[PipelineFiles] = staticmethod(_pipeline_files)
    """Lists the pipelines of a folder; a class attribute, so that a subclass may bring its own."""
    beside: ClassVar[Beside | None] = staticmethod(_beside)
    """Gives what each stub shows below its pipeline's text."""
    loader: ClassVar[str] = "factory.stub_loader"
    """The module that a stub takes `load_stub` from."""
    settle_seconds: float = SETTLE_SECONDS
    """How long the folder has to stand still before a change is taken over."""
    empty_seconds: float = EMPTY_SECONDS
    """How long the pipelines of a folder stay that has lost all of them."""

    def __init__(
        self,
        *,
        folder: str | None = None,
        source: Mapping[str, Any] | None = None,
        store: str | None = None,
        store_timeout: float = TIMEOUT_SECONDS,
        refresh_interval: int = REFRESH_SECONDS,
        keep_days: int = KEEP_DAYS,
        environment: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        texts = {"folder": folder, "source": source, "store": store, "environment": environment}
        numbers = {"store_timeout": store_timeout, "refresh_interval": refresh_interval, "keep_days": keep_days}
        check_arguments(kwargs, texts, numbers)
        super().__init__(refresh_interval=refresh_interval, **kwargs)
        for name, value in (environment or {}).items():
            os.environ.setdefault(name, value)
        self._upstream = Upstream(source, self.name) if source is not None else None
        self._chosen_folder = folder or os.environ.get("PIPELINES_FOLDER") or "pipelines"
        self.archives = ArchiveStore(store, store_timeout) if store else None
        self._store = Store(self.base_dir)
        self._upkeep = cleanup.Upkeep(self, self._store, self.archives, timedelta(days=keep_days))
        self._unpinned: str | None = None
        self._read: str | None = None
        preload_before_fork()

    @cached_property
    def folder(self) -> Path:
        """The folder that is read. :raises BundleError: the source cannot be used."""
        if self._upstream is not None:
            return self._upstream.folder
        return Path(self._chosen_folder).expanduser().absolute()

    @cached_property
    def _origin(self) -> Origin:
        return Origin(str(self.folder), os.environ.get(ENVIRONMENT_VARIABLE, ""))

    @property
    def refresh_interval(self) -> int:
        """Seconds between two refreshes; none where there is something to do, as the file system says of changes."""
        refresher: Refresher | None = vars(self).get("_refresher")
        events, current = (refresher.events, refresher.current) if refresher is not None else (None, None)
        is_due = (events is not None and events.is_pending()) or (current is not None and current.is_due)
        return 0 if is_due else self._interval

    @refresh_interval.setter
    def refresh_interval(self, seconds: int) -> None:
        self._interval = seconds

    @cached_property
    def _refresher(self) -> Refresher:
        syntax = conf.get("core", "dag_ignore_file_syntax", fallback="glob")
        return Refresher(
            origin=self._origin,
            store=self._store,
            files=type(self).files,
            loader=self.loader,
            beside=type(self).beside,
            archives=self.archives,
            events=FolderEvents(self.folder) if _in_server() else None,  # only the dag-processor goes on reading
            ignore_syntax=syntax,
            settle_seconds=self.settle_seconds,
            empty_seconds=self.empty_seconds,
        )

    @property
    def version(self) -> str | None:
        """The pinned version; in a command line that is not pinned, the one that it read.

        Such as `airflow tasks list` writes it to the DAG that it shows, whose next runs are pinned to it.
        """
        return self._pinned or self._read

    @version.setter
    def version(self, version: str | None) -> None:
        self._pinned = version

    @property
    def path(self) -> Path:
        """The snapshot of the pinned version, or the stable folder that the dag-processor reads."""
        version = self._pinned or self._unpinned
        return self._store.snapshot_path(content_version(version)) if version else self.base_dir / "current"

    def get_current_version(self) -> BundleVersion | None:
        """The pinned version, else the one in `current/`; `None` before the first refresh."""
        version = self._pinned or read_state(self.base_dir).bundle_version
        return BundleVersion(version=version) if version else None

    def view_url_template(self) -> str | None:
        """Where people see a version: what the configuration says, else the commit that the source shows."""
        template = super().view_url_template()
        return self._upstream.view_url_template() if template is None and self._upstream is not None else template

    def initialize(self) -> None:
        """Make `path` ready.

        In a task's process a snapshot that is there costs one look; a missing one is rebuilt from the store.
        Unpinned, the command line and the dag-processor read the folder, as Airflow's own bundles do; a task
        (its DAG has `disable_bundle_versioning`), whoever may only read the storage, and a command line that would
        read another folder or choose another environment than the dag-processor, takes `current/` as it is. With a
        `store` and without `current/`, an unpinned task takes the version that is the current one in the store.

        :raises BundleError: the version can neither be found nor rebuilt, or the folder cannot be read.
        """
        if self._pinned:
            self._ensure_snapshot(self._pinned)
        elif self.archives is not None and _in_task() and not self.path.is_dir():
            self._unpinned = self._current_in_archives(self.archives)
            self._ensure_snapshot(self._unpinned)
        elif not (self.path.is_dir() and (_in_task() or not os.access(self.base_dir, os.W_OK) or self._is_foreign())):
            self.refresh()
        if not (self._pinned or _in_task() or _in_server()):
            self._read = read_state(self.base_dir).bundle_version
        super().initialize()

    def refresh(self) -> None:
        """Bring `current/` up to the folder, and rarely, in the dag-processor, clean up the store.

        :raises BundleError: the folder cannot be read, or the storage not written; what was there stays.
        """
        if self._pinned:
            raise BundleError(f"bundle {self.name}: a pinned version ({self._pinned}) cannot be refreshed")
        with timed("refresh", self.name):
            if self._upstream is not None:
                self._upstream.update()
            database = registry.database_of(self.name, read_state(self.base_dir).dags) if _in_server() else None
            try:
                with self.lock():
                    self._refresher.refresh(database, self._upstream.version if self._upstream is not None else "")
            except OSError as error:
                if error.errno not in NOT_WRITTEN:
                    raise
                said = f"the storage {self.base_dir} cannot be written: {error.strerror}"
                raise BundleError(f"bundle {self.name}: {said}; pipelines stay as they are until it can") from None
        if _in_server():
            self._upkeep.pass_by(self._refresher.pipelines)

    def _is_foreign(self) -> bool:
        """Whether `current/` was made of another folder or environment than this process, a command line, knows.

        A shell has other variables and another working folder than a service: what it wrote, runs would be pinned to.
        """
        made_of = read_state(self.base_dir).origin
        if made_of in (None, self._origin) or _in_server():
            return False
        log.warning(
            "bundle %s: the dag-processor reads %s, and this process would read %s; %s is taken as it is",
            *(self.name, made_of, self._origin, self.path),
        )
        return True

    def _current_in_archives(self, archives: ArchiveStore) -> str:
        try:
            return archives.current()
        except StoreError as error:
            raise BundleError(f"bundle {self.name}: {error}") from None

    def _ensure_snapshot(self, version: str) -> None:
        content = content_version(version)
        if not self._store.has_whole_snapshot(content):
            asked = time.time()
            try:
                with self.lock():
                    if not self._store.has_whole_snapshot(content):
                        self._restore(content, asked)
            except (StoreError, OSError) as e:
                if self.archives is not None:
                    raise BundleError(f"bundle {self.name}: version {version} is not available: {e}") from None
                raise BundleError(
                    f"bundle {self.name}: version {version} is not available in the store "
                    f"{self.base_dir}: {e}. Is this the storage that the dag-processor writes? "
                    "A run older than the store keeps can be run with the latest version."
                ) from None
        # Airflow's clean-up wants to remove a folder of this name and raises when it is missing. On storage
        # that is read-only here, it is not recorded as used either, so nothing will look for it.
        with suppress(OSError):
            (self.versions_dir / version).mkdir(parents=True, exist_ok=True)

    def _restore(self, version: str, asked: float) -> None:
        """Make a snapshot from the store of this host, else from the archives. Call it under the bundle's lock.

        `asked` is when this task began to wait for the lock, in seconds since the epoch.

        :raises StoreError: neither has the version.
        """
        try:
            self._store.rebuild(version)
        except StoreError:
            if self.archives is None:
                raise
        else:
            return
        with timed("fetch", self.name, in_task=_in_task()):
            files = self.archives.fetch(version, self._store.root / "unanswered", asked)
            self._store.unpack(version, files)
        cleanup.remove_unused_snapshots(self._store, version, self.versions_dir, get_bundle_tracking_dir(self.name))


def _in_task() -> bool:
    """Whether this process runs a task or parses a file, by the signs that Airflow itself goes by.

    The environment variable alone does not tell: a LocalExecutor's tasks inherit the scheduler's. Source:
    `sdk/execution_time/supervisor.py::ensure_secrets_backend_loaded`.
    """
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    supervised = getattr(runner, "SUPERVISOR_COMMS", None) is not None
    return supervised or os.environ.get("_AIRFLOW_PROCESS_CONTEXT") == "client"


def _in_server() -> bool:
    """Whether this is a process with database access. Source: `DagFileProcessorManager`."""
    return os.environ.get("_AIRFLOW_PROCESS_CONTEXT") == "server" and not _in_task()
