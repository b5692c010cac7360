"""One refresh: the live folder → contents → a version with its stubs → `current/`.

Whatever can fail (reading, the language, the archives, a full disk) comes before the first change to `current/`; the
state is written last. A process killed between any two steps leaves what the next refresh completes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from factory.bundle import stubs
from factory.bundle.current import CurrentFolder
from factory.bundle.empty_folder import ALL, EMPTY_SECONDS, EmptyFolder
from factory.bundle.records import Database, Manifest, Origin, State, read_state, settle, state_path, written_by
from factory.bundle.source import SETTLE_SECONDS, FolderUnstableError, Listing, as_text, read_until_stable
from factory.bundle.store import Store, StoreError
from schemas.folder.discovery import misnamed_paths

if TYPE_CHECKING:
    from factory.bundle.archives import ArchiveStore
    from factory.bundle.upstream import FolderEvents
    from schemas.check.dependencies import PipelineFile

    PipelineFiles = Callable[[Path, Mapping[str, PipelineFile]], Sequence[PipelineFile]]
    Beside = Callable[[Path, str], Callable[[str], str]]

log = logging.getLogger(__name__)

# So many refreshes in a row wait for a folder that is being changed (half a minute, by default): a long copy
# shall be seen whole, but what never ends must not hold up every edit.
MAX_UNSTABLE = 6


@dataclass(kw_only=True)
class Refresher:
    """Refreshes one bundle; it remembers the last folder it saw, so that an unchanged one costs one reading.

    Its `refresh` must be called under the bundle's lock. `files` lists the pipelines of a folder, `loader` is
    the module that stubs take `load_stub` from, `beside` gives for a folder and an environment what each pipeline's
    stub shows below its text, `archives` where each version is kept for workers that share no disk, `events` tell when
    the folder has to be read, `ignore_syntax` is Airflow's for `.airflowignore`.
    """

    origin: Origin
    store: Store
    files: PipelineFiles
    loader: str
    beside: Beside | None = None
    archives: ArchiveStore | None = None
    events: FolderEvents | None = None
    ignore_syntax: str = "glob"
    settle_seconds: float = SETTLE_SECONDS
    empty_seconds: float = EMPTY_SECONDS
    _state: State = field(default_factory=State, init=False)
    _recalled: State | None = field(default=None, init=False)
    _manifest: Manifest = field(default_factory=lambda: Manifest({}), init=False)
    _listing: Listing | None = field(default=None, init=False)
    _files: Sequence[PipelineFile] = field(default=(), init=False)
    _beside: Mapping[str, tuple[PipelineFile, str]] = field(default_factory=dict, init=False)
    _unstable: int = field(default=0, init=False)
    _unsettled: frozenset[str] = field(default=frozenset(), init=False)
    _database: Database = field(default=Database({}, frozenset()), init=False)

    def __post_init__(self) -> None:
        self.folder = Path(self.origin.folder)
        comes_back = self.events is not None
        self.current = CurrentFolder(self.store.root / "current", self.store, comes_back=comes_back)
        self._empty = EmptyFolder(self.folder, self.empty_seconds)

    def refresh(self, database: Database | None = None, source: str = "") -> None:
        """Bring `current/` and the store up to the folder.

        `database` is what Airflow's has of the bundle, `source` the version of the bundle that the folder came from.

        :raises FolderUnavailableError: the folder cannot be read, or is empty on a new disk; what was there stays.
        :raises StoreError: the version cannot be kept, here or in the archives; what was there stays.
        """
        self.current.touch()
        if self._known_state() != self._state:
            self._forget()
        if database is not None:
            self._look_at(database)
        try:
            listing = self._read()
        except FolderUnstableError as e:
            self._unstable += 1
            log.warning("%s", e)
            return
        self._unstable = 0
        self._report_unsettled(listing)
        problems = {path: why for path, why in self._state.problems.items() if path != ALL}
        found, owners = (*listing.files, *listing.problems), self._state.owners.values()
        if self._empty.holds(found, lambda: self._last().files, owners):
            last = self._last()
            self._apply(last, replace(self._state, problems={**problems, ALL: self._empty.problem}))
            self._manifest = last
            return
        if listing == self._listing:
            self._listing = listing
            self._save(replace(self._state, problems=problems))
            if self.current.matches(self._manifest.files):
                return
            self.current.forget()
            self._apply(self._manifest, self._state)
            return
        self._report_problems(listing)
        try:
            manifest, state, files = self._build(listing, source)
            self._apply(manifest, state)
        except BaseException:
            self.store.forget()  # the next refresh reads again, and writes again what went missing
            self._listing = None
            raise
        self._manifest, self._listing, self._files = manifest, listing, files

    def _look_at(self, database: Database) -> None:
        lost_errors = database.lost_errors(self._database, filter(stubs.is_stub, self._manifest.files))
        self._database = database
        before = self._state.dags
        dags = before.seen_in(database, self._state.owners)
        for dag_id in dags.deleted:
            if dag_id not in before.deleted:
                said = "%s: the DAG %s was deleted in Airflow; its file is still there, so it comes back, paused"
                log.warning(said, self.folder, dag_id)
        if dags != before and self._state.version is not None:
            self._save(replace(self._state, dags=dags))
        if dags.deleted != before.deleted:
            self._listing = None  # their stubs change
        if database.was_inactive:
            said = "%s: another Airflow command had made this bundle inactive; its DAGs are read again"
            log.warning(said, self.folder)
            self._listing, self._manifest = None, Manifest({})
        elif lost_errors:
            kept = {path: file for path, file in self._manifest.files.items() if path not in lost_errors}
            self._apply(self._manifest, self._state, Manifest(kept))

    @property
    def pipelines(self) -> int:
        """How many pipelines the last version has."""
        return sum(map(stubs.is_stub, self._manifest.files))

    def _read(self) -> Listing:
        """The folder, read where events say that it may have changed.

        :raises FolderUnstableError: it is being changed, and there is a version to go on with for a while.
        """
        if self.events is None:
            return self._read_folder()
        if not self.events.may_have_changed() and self._listing is not None and not self._empty.is_held:
            return self._listing
        self.events.read()
        try:
            listing = self._read_folder()
        except BaseException:
            self.events.unread()
            raise
        if listing.unsettled:
            self.events.unread()
        return listing

    def _read_folder(self) -> Listing:
        """A folder in it that cannot be read keeps what it held."""
        listing = read_until_stable(
            self.folder,
            self.store.add,
            self._listing,
            known=self._known,
            at_once=self._state.version is None or self._unstable >= MAX_UNSTABLE,
            settle_seconds=self.settle_seconds,
        )
        unreadable = stubs.unreadable_folders(listing)
        if unreadable:
            before = self._listing.files if self._listing else stubs.ungenerated(self._manifest.files)
            kept = {path: token for path, token in before.items() if path.startswith(unreadable) and self._known(path)}
            listing = replace(listing, files={**kept, **listing.files})
        return listing

    def _known(self, path: str) -> str | None:
        token = self._manifest.files.get(path)
        return token if token is not None and self.store.object_path(token).is_file() else None

    def _forget(self) -> None:
        """Start from what is on disk: another process, or nobody yet, wrote it."""
        self._state = self._known_state()
        self._listing = None
        self.current.forget()
        self.store.forget()
        self.store.clear_building()
        self._manifest = self._last()

    def _known_state(self) -> State:
        """That of this disk; where it is empty, as that of a new pod, what the archives recall of the DAGs."""
        state = read_state(self.store.root)
        if state.version is not None or self.archives is None:
            return state
        self._recalled = self._recalled or self.archives.recalled(self.origin)
        return self._recalled

    def _last(self) -> Manifest:
        """The files of the last version; none where there is none, or it was lost."""
        try:
            return Manifest({}) if self._state.version is None else self.store.manifest(self._state.version)
        except StoreError:
            return Manifest({})

    def _build(self, listing: Listing, source: str) -> tuple[Manifest, State, Sequence[PipelineFile]]:
        """Stubs are made from a laid out copy of the folder, which then becomes the version's snapshot."""
        with self.store.staged(listing.files) as staged:
            files = [file for file in self.files(staged, self._unchanged(listing)) if file.path in listing.files]
            misnamed = {path: f"is not read: {remedy}" for path, remedy in misnamed_paths(staged)}
            unreadable = {path: listing.problems[path] for path in stubs.unreadable_folders(listing)}
            ownership = settle(files, stubs.uncopied_pipelines(listing), self._state.owners)
            dags = self._state.dags.of(files, ownership.owners, self._state.owners)
            beside = self.beside(staged, self.origin.environment) if self.beside is not None else lambda _: ""
            shown = stubs.shown_beside(files, beside, self._beside)
            texts = stubs.stub_texts(
                files,
                listing,
                ownership,
                lambda path: self.store.read(listing.files[path]),
                stubs.StubWriter(self.loader, stubs.project_version(), self.origin.environment),
                dags,
                lambda file: shown[file.path][1],
            )
            texts |= stubs.problem_stubs(misnamed | unreadable)
            texts |= stubs.guards([*listing.files, *texts], self.ignore_syntax)
            generated = {path: self.store.add(text) for path, text in texts.items()}
            manifest = Manifest({**listing.files, **generated})
            self.store.lay_out(staged, generated)
            self.store.save_manifest(manifest)
            self.store.publish(staged, manifest.version)
        self._beside = shown
        if self.archives is not None:
            self.archives.put(manifest, self.store.read)  # before Airflow is told of the version
        problems = listing.problems | misnamed
        state = State(
            manifest.version,
            dict(ownership.owners),
            self.origin,
            dags,
            problems,
            source=source,
            written_by=written_by(),
        )
        return manifest, state, files

    def _unchanged(self, listing: Listing) -> dict[str, PipelineFile]:
        """What is known of the pipelines that no change touches, so that an edit costs the same among many.

        A path that is new or gone may matter to any of them.
        """
        before = self._listing
        if before is None or before.files.keys() != listing.files.keys():
            return {}
        changed = {path for path, token in listing.files.items() if before.files[path] != token}
        return {file.path: file for file in self._files if changed.isdisjoint({file.path, *file.depends_on})}

    def _apply(self, manifest: Manifest, state: State, before: Manifest | None = None) -> None:
        """Write what differs from `before`, else from what is there. The archives come first: they may fail."""
        if self.archives is not None:
            if state != self._state:
                self.archives.set_state(state)
            self.archives.set_current(manifest.version)
        soon: dict[str, float] = {}
        for dag_id, path in state.owners.items():
            stub = stubs.stub_path(path)
            dag = self._database.dags.get(dag_id)
            soon[stub] = min(soon.get(stub, math.inf), dag.next_run if dag else math.inf)
        written, removed = self.current.apply(manifest.files, (before or self._manifest).files, stubs.is_stub, soon)
        if self._state.version not in (None, manifest.version):
            self.store.touch_manifest(str(self._state.version))  # its age counts from now
        self._save(state)
        if not written and not removed:
            return
        said = "%s: version %s, %d files written, %d removed, %d to parse"
        log.info(said, self.folder, manifest.version, len(written), len(removed), sum(map(stubs.is_stub, written)))

    def _save(self, state: State) -> None:
        if state != self._state:
            if self.archives is not None:
                self.archives.set_state(state)
            self.store.replace(state_path(self.store.root), state.text)
            self._state = state

    def _report_unsettled(self, listing: Listing) -> None:
        for path in sorted(listing.unsettled - self._unsettled):
            held = "its last content stays" if path in listing.files else "it is left out"
            log.warning("%s: %s keeps changing; %s until it stands still", self.folder, as_text(path), held)
        self._unsettled = listing.unsettled

    def _report_problems(self, listing: Listing) -> None:
        known = self._listing.problems if self._listing else {}
        for path, reason in sorted(listing.problems.items()):
            if known.get(path) != reason:
                log.warning("%s: %s %s", self.folder, as_text(path), reason)
