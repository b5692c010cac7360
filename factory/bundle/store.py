"""The store: every file once, by content; a manifest for every version; a snapshot folder for those in use.

    <storage>/<bundle>/objects/ab/cdef…    file contents, named by SHA-256, read-only
                       manifests/<version>  which files a version consists of
                       snapshots/<version>  the files themselves, hard links into objects/
                       fetched/<version>    of a version from an archive, its manifest, and what tells a power cut
                       versions/<version>   empty; what Airflow's own clean-up removes
                       building/            what is being written; renamed when complete
                       unanswered           why the archives could not be asked, the last time that they did not answer

Airflow's clean-up deletes `versions/<version>` file by file without any lock that a starting task could see
(`BundleUsageTrackingManager`), so a snapshot in there could be found half deleted. Ours are beside it:
they come and go by one rename, and one `stat` tells whether a snapshot is there. Whoever writes holds the
bundle's lock.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from factory.bundle.disk import entries, holds, new_file, sync, sync_all, write_file
from factory.bundle.fetched import FetchedVersions
from factory.bundle.records import EXECUTABLE, VERSION_PATTERN, Manifest, token_of

READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
NOT_WRITTEN = READ_ONLY | {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What the system says of a disk that takes nothing."""


class BundleError(RuntimeError):
    """A bundle cannot do what it was asked; its text is one line that says why and what to do."""


class StoreError(BundleError):
    """The store does not have, or can no longer give, what a version needs."""


class Store:
    """The store of one bundle below `root`. Reading never writes; nothing is created before it is needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.building = root / "building"
        self._objects = root / "objects"
        self._manifests = root / "manifests"
        self._snapshots = root / "snapshots"
        self._fetched = FetchedVersions(root / "fetched", self.building)
        self._known: set[str] = set()
        self._unsynced: set[Path] = set()

    # -- contents

    def add(self, data: bytes, executable: bool = False) -> str:
        """Keep a content and return its token. The first time in a process, a damaged copy is replaced."""
        token = token_of(data, executable)
        if token not in self._known:
            path = self.object_path(token)
            if not holds(path, data):
                self._write(path, data, 0o555 if executable else 0o444)
            self._known.add(token)
        return token

    def object_path(self, token: str) -> Path:
        return self._objects / token[:2] / token[2:]

    def read(self, token: str) -> bytes:
        """:raises StoreError: the content is missing or is not what its name says."""
        try:
            data = self.object_path(token).read_bytes()
        except OSError as e:
            raise StoreError(f"content {token[:12]} cannot be read ({e.strerror})") from None
        if token_of(data, token.endswith(EXECUTABLE)) != token:
            raise StoreError(f"content {token[:12]} is damaged")
        return data

    def size(self) -> int:
        """Bytes of all contents."""
        return sum(self.object_path(token).stat().st_size for token in self.object_tokens())

    def forget(self) -> None:
        """Look at every content again before relying on it."""
        self._known.clear()

    def object_tokens(self) -> Iterator[str]:
        for folder in entries(self._objects):
            for path in entries(folder):
                yield folder.name + path.name

    # -- versions

    def save_manifest(self, manifest: Manifest) -> None:
        """Keep a manifest; its modification time says when the version was last current or named."""
        self._sync()
        self.replace(self._manifests / manifest.version, manifest.text)

    def touch_manifest(self, version: str) -> None:
        if self._has_manifest(version):
            os.utime(self._manifests / version)

    def manifest(self, version: str) -> Manifest:
        """:raises StoreError: the version is not in the store, or its manifest is damaged."""
        if not VERSION_PATTERN.fullmatch(version):
            raise StoreError("it is not a version of this kind of bundle")
        try:
            manifest = Manifest.parse((self._manifests / version).read_bytes())
        except FileNotFoundError:
            raise StoreError("it is not in the store") from None
        except OSError as e:
            raise StoreError(f"its manifest cannot be read ({e.strerror})") from None
        except ValueError:
            raise StoreError("its manifest is damaged") from None
        if manifest.version != version:
            raise StoreError("its manifest is damaged")
        return manifest

    def _has_manifest(self, version: str) -> bool:
        return (self._manifests / version).exists()

    def versions(self) -> dict[str, float]:
        """Every version in the store and when it was last current or named, in seconds since the epoch."""
        return {path.name: path.stat().st_mtime for path in entries(self._manifests)}

    # -- snapshots

    def snapshot_path(self, version: str) -> Path:
        return self._snapshots / version

    def has_snapshot(self, version: str) -> bool:
        return VERSION_PATTERN.fullmatch(version) is not None and self.snapshot_path(version).is_dir()

    def has_whole_snapshot(self, version: str) -> bool:
        """Whether a snapshot is there, and no power cut can have left it with empty files."""
        if not self.has_snapshot(version):
            return False
        return self._has_manifest(version) or self._fetched.is_whole(version, self.snapshot_path(version))

    @contextmanager
    def staged(self, files: Mapping[str, str]) -> Iterator[Path]:
        """Files, laid out in a new folder below `building/` that `publish` can turn into a snapshot."""
        self.building.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(dir=self.building))
        try:
            staged.chmod(0o755)  # a task that runs as another user has to read it
            self.lay_out(staged, files)
            yield staged
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)  # the first error is the one to show
            raise

    def lay_out(self, folder: Path, files: Mapping[str, str]) -> None:
        """Link files into a folder. :raises StoreError: a content is missing."""
        made: set[str] = set()
        for path, token in files.items():
            target = f"{folder}/{path}"
            parent = target.rpartition("/")[0]
            if parent not in made:
                Path(parent).mkdir(parents=True, exist_ok=True)
                made.add(parent)
            self._place(token, target)

    def publish(self, staged: Path, version: str, *, synced: bool = True) -> None:
        """Make a laid out folder the snapshot of a version, unless there is a whole one."""
        self._snapshots.mkdir(parents=True, exist_ok=True)
        self._sync()
        if self.has_whole_snapshot(version):
            shutil.rmtree(staged)
        else:
            self.remove_snapshot(version)
            staged.rename(self.snapshot_path(version))
            if synced:
                sync(self._snapshots)

    def rebuild(self, version: str) -> None:
        """Make the snapshot of a version from its contents, each checked against its hash.

        :raises StoreError: the store cannot give the version.
        """
        manifest = self.manifest(version)
        for token in set(manifest.files.values()):
            self.read(token)
        with self.staged(manifest.files) as staged:
            self.publish(staged, version)

    def unpack(self, version: str, files: Mapping[str, tuple[bytes, bool]]) -> None:
        """Make the snapshot of a version from contents that are right, with whether they are executable."""
        with self.staged({}) as staged:
            made: set[str] = set()
            for path, (data, executable) in files.items():
                if (parent := path.rpartition("/")[0]) not in made:
                    (staged / parent).mkdir(parents=True, exist_ok=True)
                    made.add(parent)
                target, mode = staged / path, 0o555 if executable else 0o444
                write_file(target, data, mode)
                target.chmod(mode)  # whatever the umask, for the reason above
            if has_manifest := self._has_manifest(version):
                self._unsynced |= {staged / path for path in files}
            self.publish(staged, version, synced=has_manifest)
        self._fetched.note(Manifest({path: token_of(*file) for path, file in files.items()}))

    def fetched_snapshots(self) -> list[str]:
        """The versions that came from an archive: they have a snapshot here and no manifest."""
        return [path.name for path in entries(self._snapshots) if not self._has_manifest(path.name)]

    # -- removing

    def remove_version(self, version: str) -> None:
        """Remove a snapshot and then what is noted of it; contents stay."""
        self.remove_snapshot(version)
        self._fetched.forget(version)
        (self._manifests / version).unlink(missing_ok=True)

    def remove_snapshot(self, version: str) -> None:
        """Remove a snapshot, if there is one, in one step."""
        if self.has_snapshot(version):
            self.building.mkdir(parents=True, exist_ok=True)
            gone = Path(tempfile.mkdtemp(dir=self.building)) / version
            self.snapshot_path(version).rename(gone)
            shutil.rmtree(gone.parent)

    def remove_object(self, token: str) -> None:
        self._known.discard(token)
        self.object_path(token).unlink(missing_ok=True)

    def clear_building(self) -> None:
        """Remove what a killed process left behind."""
        for path in entries(self.building):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    # -- files

    def _place(self, token: str, target: str) -> None:
        source = self.object_path(token)
        try:
            os.link(source, target)
        except FileNotFoundError:
            self._known.discard(token)
            raise StoreError(f"content {token[:12]} is missing") from None
        except OSError:
            # No hard links here, or too many of this one (ext4: 65,000).
            shutil.copy(source, target)
            self._unsynced.add(Path(target))

    def _write(self, path: Path, data: bytes, mode: int) -> None:
        new = self.new_file(data, mode)
        path.parent.mkdir(parents=True, exist_ok=True)
        new.replace(path)
        self._unsynced |= {path, path.parent}

    def replace(self, path: Path, data: bytes) -> None:
        """Replace a file in one step; after a power cut it is the old one or the new one."""
        new = self.new_file(data, 0o644)
        sync(new)
        path.parent.mkdir(parents=True, exist_ok=True)
        new.replace(path)
        sync(path.parent)

    def _sync(self) -> None:
        """Bring what was written to the disk, so that a power cut leaves no version with empty contents: all files of a
        refresh together, and before the manifest and the snapshot that name them."""
        sync_all(self._unsynced)
        self._unsynced.clear()

    def new_file(self, data: bytes, mode: int) -> Path:
        """Write a new file below `building/`, to be renamed into place; none stays where the disk is full."""
        return new_file(self.building, data, mode)
