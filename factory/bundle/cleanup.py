"""Clean-up of the store: a version goes when nothing can name it, a content when no version has it.

The dag-processor does it from time to time, as it counts for the metrics.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.dag_processing.bundles.base import get_bundle_tracking_dir

from factory.bundle import registry
from factory.bundle.records import content_version, read_state
from factory.bundle.store import Store, StoreError

if TYPE_CHECKING:
    from airflow.dag_processing.bundles.base import BaseDagBundle

    from factory.bundle.archives import ArchiveStore

log = logging.getLogger(__name__)

# A run may be on its way into the database under the version that its DAG had a moment ago. Longer than from one
# pass to the next, so that a version goes only when two passes in a row found nobody who names it.
MIN_AGE_SECONDS = 2 * 3600.0
# So that one pass never holds up the dag-processor's loop for long; the next pass goes on.
MAX_VERSIONS = 200
MAX_OBJECTS = 20_000
MAX_FETCHED = 20
CLEAN_UP_EVERY_SECONDS = 3600.0
COUNT_EVERY_SECONDS = 60.0


class Upkeep:
    """What the dag-processor does beside refreshes, now and then; never fatal."""

    def __init__(self, bundle: BaseDagBundle, store: Store, archives: ArchiveStore | None, keep: timedelta) -> None:
        self._bundle = bundle
        self._store = store
        self._archives = ArchiveCleanUp(archives) if archives is not None else None
        self._keep = keep
        self._next_clean_up = 0.0
        self._next_count = 0.0

    def pass_by(self, pipelines: int) -> None:
        """Do what is due. `pipelines` is how many there are."""
        if time.monotonic() >= self._next_count:
            self._next_count = time.monotonic() + COUNT_EVERY_SECONDS
            self.count(pipelines)
        if time.monotonic() >= self._next_clean_up:
            self._next_clean_up = time.monotonic() + CLEAN_UP_EVERY_SECONDS
            self.clean_up()

    def clean_up(self) -> None:
        """What cannot be removed now is removed by a later pass."""
        name, base = self._bundle.name, self._bundle.base_dir
        try:
            named = registry.named_versions(name, datetime.now(UTC) - self._keep)
            current = read_state(base).version
            with self._bundle.lock():
                tracking = get_bundle_tracking_dir(name)
                removed = clean_up(self._store, named, current, self._bundle.versions_dir, tracking)
                registry.gauge("store_bytes", self._store.size(), name)
            if self._archives is not None:
                removed += self._archives.settle({*named, current, *self._store.versions()}, current, self._store)
        except Exception:
            log.exception("bundle %s: old versions in %s could not be removed", name, base)
        else:
            log.info("bundle %s: %d old versions removed", name, removed)

    def count(self, pipelines: int) -> None:
        """Tell the metrics how many pipelines there are, and how many are broken."""
        try:
            broken = len(registry.import_errors(self._bundle.name))
        except Exception:
            log.exception("bundle %s: its import errors could not be counted", self._bundle.name)
            return
        registry.gauge("pipelines", pipelines, self._bundle.name)
        registry.gauge("broken_pipelines", broken, self._bundle.name)


def clean_up(store: Store, named: Iterable[str], current: str | None, versions_dir: Path, tracking: Path) -> int:
    """Remove what nobody can ask for; return the number of versions removed.

    `named` are the versions that Airflow's database names. `versions_dir` and `tracking` are Airflow's own
    `versions/` folder and usage records of this bundle. Call it under the bundle's lock.

    :raises StoreError: a kept manifest cannot be read, so nothing is known about its contents; they all stay.
    """
    young = time.time() - MIN_AGE_SECONDS
    keep = {*map(content_version, named), current}
    for version in keep & store.versions().keys():
        store.touch_manifest(str(version))  # its age counts from when it was last named
    gone = [v for v, last in sorted(store.versions().items()) if v not in keep and last < young][:MAX_VERSIONS]
    removed = 0
    for version in gone:
        removed += _remove_version(store, version, versions_dir, tracking)
    _forget_lost_usage(versions_dir, tracking, young)
    _remove_unreferenced(store, young)
    return removed


def _remove_version(store: Store, version: str, versions_dir: Path, tracking: Path) -> bool:
    """Remove a version with Airflow's records of it, unless a task holds it; return whether it is gone."""
    # Airflow knows it by more than one name where several commits have the same content.
    if not all(_release_tracking(record) for record in (tracking / version, *tracking.glob(f"*.{version}"))):
        return False
    store.remove_version(version)
    for folder in (versions_dir / version, *versions_dir.glob(f"*.{version}")):
        shutil.rmtree(folder, ignore_errors=True)  # an empty folder, or already gone
    return True


def remove_unused_snapshots(store: Store, fetched: str, versions_dir: Path, tracking: Path) -> None:
    """On a worker that fetches versions: keep the newest MAX_FETCHED snapshots, and all that a task of late used.

    Call it under the bundle's lock, after a version was `fetched`.
    """

    def last_used(version: str) -> float:
        records = [path for path in (tracking / version, *tracking.glob(f"*.{version}")) if path.exists()]
        return max(path.stat().st_mtime for path in (store.snapshot_path(version), *records))

    ages = sorted((last_used(version), version) for version in store.fetched_snapshots() if version != fetched)
    for used, version in ages[: max(0, len(ages) + 1 - MAX_FETCHED)]:
        if used < time.time() - MIN_AGE_SECONDS:
            _remove_version(store, version, versions_dir, tracking)


class ArchiveCleanUp:
    """Removes archives that nobody has named for MIN_AGE_SECONDS; it remembers since when, from pass to pass.

    Puts back what somebody else removed, such as a bucket's lifecycle rule.
    """

    def __init__(self, archives: ArchiveStore) -> None:
        self._archives = archives
        self._unnamed_since: dict[str, float] = {}

    def settle(self, keep: Collection[str | None], current: str | None, store: Store) -> int:
        """Return how many were removed; `keep` are the versions that may still be asked for.

        :raises StoreError: the archives do not answer, or `store` lacks what has to be put back.
        """
        self._archives.forget()
        kept = {content_version(version) for version in keep if version}
        there = self._archives.versions()
        for version in sorted((kept - there - {current}) & store.versions().keys())[:MAX_VERSIONS]:
            self._archives.put(store.manifest(version), store.read)
        if current is not None:
            self._archives.put(store.manifest(current), store.read)  # also a damaged one
            self._archives.set_current(current)
        unnamed = there - kept
        now = time.monotonic()
        self._unnamed_since = {version: self._unnamed_since.get(version, now) for version in unnamed}
        gone = [v for v, since in sorted(self._unnamed_since.items()) if now - since >= MIN_AGE_SECONDS][:MAX_VERSIONS]
        for version in gone:
            self._archives.remove(version)
        return len(gone)


def _release_tracking(record: Path) -> bool:
    """Remove Airflow's usage record of a version, unless a task holds it.

    Airflow's clean-up raises at a record whose version folder is missing, and skips all further bundles
    (`BundleUsageTrackingManager`), so both go together.
    """
    try:
        with record.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            record.unlink()
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def _forget_lost_usage(versions_dir: Path, tracking: Path, before: float) -> None:
    """Remove old usage records whose version folder is missing, for the same reason."""
    if not tracking.is_dir():
        return
    for record in tracking.iterdir():
        if not (versions_dir / record.name).exists() and record.stat().st_mtime < before:
            _release_tracking(record)


def _remove_unreferenced(store: Store, before: float) -> None:
    referenced: set[str] = set()
    for version in store.versions():
        try:
            referenced.update(store.manifest(version).files.values())
        except StoreError as e:
            raise StoreError(f"version {version[:12]}: {e}; no contents were removed") from None
    stale = [token for token in store.object_tokens() if token not in referenced]
    for token in stale[:MAX_OBJECTS]:
        if store.object_path(token).stat().st_mtime < before:
            store.remove_object(token)
