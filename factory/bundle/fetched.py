"""Snapshots that came from an archive: whether one is whole, where a power cut may have left it with empty files.

They are not synced: that would take longer than to write them, and the archive has them still.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from factory.bundle.disk import new_file
from factory.bundle.records import EXECUTABLE, Manifest, token_of

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class FetchedVersions:
    """What is noted of them in a folder, a file each: the start of the machine since which it is whole, and its
    manifest."""

    def __init__(self, folder: Path, building: Path) -> None:
        self._folder = folder
        self._building = building

    def note(self, manifest: Manifest) -> None:
        """A snapshot has just been written, or found whole."""
        self._folder.mkdir(parents=True, exist_ok=True)
        note = new_file(self._building, boot_id().encode() + b"\n" + manifest.text, 0o644)
        note.replace(self._folder / manifest.version)

    def forget(self, version: str) -> None:
        """Its snapshot was removed."""
        (self._folder / version).unlink(missing_ok=True)

    def is_whole(self, version: str, snapshot: Path) -> bool:
        """Whether it is as it was fetched; where the machine was started since, by the hash of each file."""
        with suppress(OSError, ValueError):
            with (self._folder / version).open("rb") as note:
                if note.readline().decode().strip() == boot_id():
                    return True
                manifest = Manifest.parse(note.read())
            if manifest.version == version and all(
                token_of((snapshot / path).read_bytes(), token.endswith(EXECUTABLE)) == token
                for path, token in manifest.files.items()
            ):
                self.note(manifest)
                return True
        return False


def boot_id() -> str:
    """What is another one after each start of the machine."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # not Linux
        import psutil  # noqa: PLC0415 # elsewhere, no task start pays for it

        return str(psutil.boot_time())
