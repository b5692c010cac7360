"""One refresh: the live folder → contents → a version with its stubs → `current/`.

Whatever can fail (reading, the language, a full disk) comes before the first change to `current/`; the state
is written last. A process killed between any two steps leaves what the next refresh completes.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from factory.bundle import layout
from factory.bundle.current import CurrentFolder
from factory.bundle.errors import FolderUnstableError, StoreError
from factory.bundle.manifest import Manifest
from factory.bundle.ownership import Ownership, settle
from factory.bundle.seams import PipelineFiles
from factory.bundle.source import Listing, read_until_stable
from factory.bundle.state import State, read_state, write_state
from factory.bundle.store import Store
from factory.bundle.stub import StubWriter, project_version

log = logging.getLogger(__name__)


class Refresher:
    """Refreshes one bundle; it remembers the last folder it saw, so that an unchanged one costs one reading.

    Its `refresh` must be called under the bundle's lock.
    """

    def __init__(self, folder: Path, store: Store, files: PipelineFiles, loader: str, ignore_syntax: str) -> None:
        self._folder = folder
        self._store = store
        self._files = files
        self._loader = loader
        self._ignore_syntax = ignore_syntax
        self._current = CurrentFolder(store.root / "current", store)
        self._state = State()
        self._manifest = Manifest({})
        self._listing: Listing | None = None

    @property
    def version(self) -> str | None:
        """The version that `current/` was last completed with, by this process or another."""
        return read_state(self._store.root).version

    def refresh(self) -> None:
        """Bring `current/` and the store up to the folder.

        :raises FolderUnavailableError: the folder cannot be read; what was there stays.
        :raises FolderUnstableError: it never stood still, and nothing has been read from it before.
        """
        if read_state(self._store.root) != self._state:
            self._forget()
        try:
            listing = read_until_stable(self._folder, self._store.add, self._listing)
        except FolderUnstableError as e:
            if self._state.version is None:
                raise
            log.warning("%s", e)
            return
        if listing == self._listing:
            if self._current.matches(self._manifest.files):
                return
            self._current.forget()
            self._apply(self._manifest, self._state.owners)
            return
        self._report_problems(listing)
        try:
            manifest, ownership = self._build(listing)
        except StoreError:
            self._store.forget()  # the next refresh writes again what went missing
            self._listing = None
            raise
        self._apply(manifest, ownership.owners)
        self._manifest, self._listing = manifest, listing

    def _forget(self) -> None:
        """Start from what is on disk: another process, or nobody yet, wrote it."""
        self._state = read_state(self._store.root)
        self._listing = None
        self._current.forget()
        self._store.forget()
        self._store.clear_building()
        try:
            self._manifest = Manifest({}) if self._state.version is None else self._recorded()
        except StoreError:
            self._manifest = Manifest({})

    def _recorded(self) -> Manifest:
        return self._store.manifest(str(self._state.version))

    def _build(self, listing: Listing) -> tuple[Manifest, Ownership]:
        """Stubs are made from a laid out copy of the folder, which then becomes the version's snapshot."""
        staged = self._store.stage(listing.files)
        try:
            files = [file for file in self._files(staged) if file.path in listing.files]
            ownership = settle(files, layout.uncopied_pipelines(listing), self._state.owners)
            texts = layout.stubs(
                files,
                listing,
                ownership,
                lambda path: self._store.read(listing.files[path]),
                StubWriter(self._loader, project_version()),
            )
            texts |= layout.guards([*listing.files, *texts], self._ignore_syntax)
            generated = {path: self._store.add(text) for path, text in texts.items()}
            manifest = Manifest({**listing.files, **generated})
            self._store.lay_out(staged, generated)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)  # the first error is the one to show
            raise
        self._store.save_manifest(manifest)
        self._store.publish(staged, manifest.version)
        return manifest, ownership

    def _apply(self, manifest: Manifest, owners: Mapping[str, str]) -> None:
        written, removed = self._current.apply(manifest.files, self._manifest.files, layout.is_stub)
        if self._state.version not in (None, manifest.version):
            self._store.touch_manifest(str(self._state.version))  # its age counts from now
        state = State(manifest.version, dict(owners))
        if state != self._state:
            write_state(self._store, state)
            self._state = state
        if not written and not removed:
            return
        log.info(
            "%s: version %s, %d files written, %d removed, %d to parse",
            self._folder,
            manifest.version,
            len(written),
            len(removed),
            sum(map(layout.is_stub, written)),
        )

    def _report_problems(self, listing: Listing) -> None:
        known = self._listing.problems if self._listing else {}
        for path, reason in sorted(listing.problems.items()):
            if known.get(path) != reason:
                log.warning("%s: %s %s", self._folder, path, reason)
