"""Where a bundle's pipelines come from: a folder, or another Airflow bundle (Git, S3, …), named by `source`; and what
the arguments of the bundle have to be.

The file system's events (inotify, by watchfiles) in place of reading the whole folder every few seconds.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import re
import textwrap
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BaseDagBundle, unpack_bundle_version

from factory.bundle.store import BundleError

VERSION = re.compile(r"[\w.-]{1,100}")
COMMIT_LENGTH = 40
PLACEHOLDER = re.compile(r"\{(\w+)\}")
MOST_CHARACTERS = 500

ARGUMENTS: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "folder": ((str, Path), "text"),
    "store": (str, "text"),
    "source": (Mapping, "a mapping"),
    "environment": (Mapping, 'a mapping of names to texts, such as {"SHOP": "north"}'),
}


def check_arguments(more: Mapping[str, Any], texts: Mapping[str, Any], numbers: Mapping[str, Any]) -> None:
    """Of a bundle's arguments, `more` are those for Airflow. People write them in JSON, where each may be anything.

    :raises BundleError: one is unknown or of another type, or two exclude each other.
    """
    bundle = f"bundle {more.get('name', '?')}"
    ours = {**texts, **numbers}
    known = {*inspect.signature(BaseDagBundle).parameters, *ours}
    for name in more.keys() - known:
        raise BundleError(f"{bundle}: unknown `{name}`; its `kwargs` may be {', '.join(sorted(known - {'name'}))}")
    for name, value in texts.items():
        expected, said = ARGUMENTS[name]
        is_right = value is None or isinstance(value, expected)
        found = f"a {type(value).__name__}"  # not the value, which may be a secret in the wrong place
        if is_right and name == "environment":
            others = [(key, one) for key, one in (value or {}).items() if not isinstance(one, str)]
            is_right, found = not others, "".join(f"a {type(one).__name__} for `{key}`" for key, one in others[:1])
        if not is_right:
            raise BundleError(f"{bundle}: `{name}` must be {said}, not {found}")
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            raise BundleError(f"{bundle}: `{name}` must be a number, 0 or more, not {value!r}")
    if texts.get("source") is not None and texts.get("folder") is not None:
        raise BundleError(f"{bundle}: it has both `folder` and `source`; remove one of them")


class Upstream:
    """The bundle that `source` describes: `{classpath: …, kwargs: {…}}`, as an entry of Airflow's own configuration.

    Only the dag-processor and the command line make it. Its files are read as a folder is.
    """

    def __init__(self, source: Mapping[str, Any], bundle_name: str) -> None:
        if set(source) - {"classpath", "kwargs"} or not isinstance(source.get("classpath"), str):
            raise BundleError(
                f"bundle {bundle_name}: `source` needs the keys `classpath` and `kwargs`, as an entry of "
                "`dag_bundle_config_list` has them"
            )
        self.classpath: str = source["classpath"]
        self._arguments = {"name": f"{bundle_name}-source", **(source.get("kwargs") or {})}
        self._next_refresh = 0.0
        self._failure: BundleError | None = None

    @cached_property
    def bundle(self) -> BaseDagBundle:
        """Airflow's bundle. :raises BundleError: it cannot be made."""
        module, _, name = self.classpath.rpartition(".")
        try:
            made: BaseDagBundle = getattr(importlib.import_module(module), name)(**self._arguments)
        except Exception as error:  # a provider's constructor raises anything
            raise self._failed("cannot be used", error) from error
        return made

    @property
    def folder(self) -> Path:
        """Where its files are. :raises BundleError: it cannot be made."""
        return self.bundle.path

    @property
    def version(self) -> str:
        """Its version, such as a commit; empty where it has none."""
        version, _ = unpack_bundle_version(self.bundle.get_current_version(), self.bundle)
        return version if version is not None and VERSION.fullmatch(version) else ""

    def update(self) -> None:
        """Bring its files up to date, at most once in its own `refresh_interval`.

        :raises BundleError: it cannot be read; what it gave before stays.
        """
        if time.monotonic() < self._next_refresh:
            if self._failure is not None and not self.bundle.is_initialized:
                raise self._failure
            return
        try:
            # One that fails is not asked more often: Airflow comes back every second.
            self._next_refresh = time.monotonic() + self.bundle.refresh_interval
            self._failure = None
            if not self.bundle.is_initialized:
                self.bundle.initialize()
            self.bundle.refresh()
        except BundleError:
            raise
        except Exception as error:  # Git, S3 and the network raise anything
            self._failure = self._failed("cannot be read", error)
            raise self._failure from error

    def view_url_template(self) -> str | None:
        """Where people see a commit: our versions begin with it, and the template takes its length of them."""
        template = self.bundle.view_url_template()
        if template is None:
            return None
        own = {name: getattr(self.bundle, name, None) or "" for name in PLACEHOLDER.findall(template)}
        own["version"] = f"{{version:.{COMMIT_LENGTH}}}"
        return PLACEHOLDER.sub(lambda match: str(own[match[1]]), template)

    def _failed(self, what: str, error: Exception) -> BundleError:
        from factory.reporters.text import without_credentials  # noqa: PLC0415 # tasks do without

        # Git's own words are in the cause; an address in them may hold a password, also where the text is cut.
        texts = [str(one) for one in (error, error.__cause__) if one is not None]
        words = textwrap.shorten(without_credentials(" ".join(texts)), MOST_CHARACTERS, placeholder=" …")
        return BundleError(f"the source {self.classpath} {what}: {type(error).__name__}: {words}")


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
        self._identity = (0, 0)
        self._changed = threading.Event()
        self._stop = threading.Event()
        self._watches = False
        self._look_at = 0.0

    def may_have_changed(self) -> bool:
        """Whether the folder has to be read. Ask before reading: what changes meanwhile is told the next time."""
        root = os.path.realpath(self._folder)
        identity = _identity(root)
        if (root, identity) != (self._root, self._identity):
            # The first look; a link that was swapped, as git-sync does; another folder in its place, as a new clone is.
            self._identity = identity
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


def _identity(root: str) -> tuple[int, int]:
    """What events are bound to: another folder of this name has another one. Zeros where there is none."""
    try:
        status = os.stat(root)  # noqa: PTH116 # it is text
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


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
