"""Clean-up of the store: a version goes when nothing can name it, a content when no version has it."""

from __future__ import annotations

import fcntl
import logging
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from factory.bundle.errors import StoreError
from factory.bundle.store import Store

log = logging.getLogger(__name__)

# A run may be on its way into the database under the version that its DAG had a moment ago. Longer than from one
# pass to the next, so that a version goes only when two passes in a row found nobody who names it.
MIN_AGE_SECONDS = 2 * 3600.0
# So that one pass never holds up the dag-processor's loop for long; the next pass goes on.
MAX_VERSIONS = 200
MAX_OBJECTS = 20_000


def clean_up(store: Store, named: Iterable[str], current: str | None, versions_dir: Path, tracking: Path) -> int:
    """Remove what nobody can ask for; return the number of versions removed.

    `named` are the versions that Airflow's database names. `versions_dir` and `tracking` are Airflow's own
    `versions/` folder and usage records of this bundle. Call it under the bundle's lock.

    :raises StoreError: a kept manifest cannot be read, so nothing is known about its contents; they all stay.
    """
    young = time.time() - MIN_AGE_SECONDS
    keep = {*named, current}
    for version in keep & store.versions().keys():
        store.touch_manifest(str(version))  # its age counts from when it was last named
    gone = [v for v, last in sorted(store.versions().items()) if v not in keep and last < young][:MAX_VERSIONS]
    removed = 0
    for version in gone:
        if _release_tracking(tracking / version):
            store.remove_version(version)
            shutil.rmtree(versions_dir / version, ignore_errors=True)  # an empty folder, or already gone
            removed += 1
    _forget_lost_usage(versions_dir, tracking, young)
    _remove_unreferenced(store, young)
    return removed


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
