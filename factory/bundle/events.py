"""The file system's events (inotify, by watchfiles) in place of reading the whole folder every few seconds."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""After this the folder is read whatever the events say: a mount below it may send none."""
FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay", "apfs", "hfs"})
"""Those that send events for every change. On network shares only this host's changes send any."""


class FolderEvents:
    """Tells whether something may have changed below a folder since it was last read.

    Where events cannot be had (a network share, too many folders, a platform without), the answer is always yes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = ""
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._watches = False
        self._look_at = 0.0

    def may_have_changed(self) -> bool:
        """Whether the folder has to be read. Ask before reading: what changes meanwhile is told the next time."""
        root = os.path.realpath(self._folder)
        if root != self._root:  # a link that was swapped, as git-sync does, or the first look
            self._watch(root)
            return True
        return self._changed.is_set() or not self._watches or time.monotonic() >= self._look_at

    def is_pending(self) -> bool:
        """Whether an event came since the last look."""
        return self._watches and self._changed.is_set()

    def read(self) -> None:
        """The folder is about to be read: only later events count."""
        self._changed.clear()
        self._look_at = time.monotonic() + LOOK_SECONDS

    def unread(self) -> None:
        """Reading failed, or the folder was still changing: it has to be read again."""
        self._changed.set()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()

    def _watch(self, root: str) -> None:
        self._stop.set()
        self._root, self._stop, self._watches = root, threading.Event(), False
        if not _sends_events(root):
            return
        thread = threading.Thread(target=self._follow, args=(root, self._stop), daemon=True, name=f"events of {root}")
        thread.start()

    def _follow(self, root: str, stop: threading.Event) -> None:
        from watchfiles import watch  # noqa: PLC0415 # tasks and the command line do without

        try:
            # No filter: the bundle has its own idea of what counts, and a ConfigMap swaps a folder with a dot name.
            for changes in watch(
                root,
                watch_filter=None,
                stop_event=stop,
                debounce=100,
                step=20,
                rust_timeout=500,
                yield_on_timeout=True,
            ):
                if changes or not self._watches:
                    self._changed.set()  # the first time, too: nothing told of what changed before it watched
                self._watches = not stop.is_set()
        except Exception as error:  # too many folders for the system's limit, the folder removed, …
            log.warning("%s: no events of the file system (%s); it is read every few seconds", root, error)
        if not stop.is_set():
            self._watches = False


def _sends_events(root: str) -> bool:
    """Whether the file system below `root` is one that sends events for every change."""
    try:
        import psutil  # noqa: PLC0415 # as above
        import watchfiles  # noqa: F401, PLC0415 # as above
    except ImportError:
        return False
    mounts = {partition.mountpoint: partition.fstype for partition in psutil.disk_partitions(all=True)}
    above = (str(path) for path in (Path(root), *Path(root).parents))
    return next((mounts[path] for path in above if path in mounts), "") in FILE_SYSTEMS
