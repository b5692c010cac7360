"""`factory lint --fix` and `--diff`: what is fixed, as files or as a patch."""

from __future__ import annotations

import difflib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from factory.cli import UsageError
from factory.cli.options import Selection
from schemas.check import CheckOptions
from schemas.check.fixing import repair

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Change:
    """One file before and after; `shown` is its name for the user."""

    place: Path
    shown: str
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Fixed:
    """All changes, and how many findings they fix."""

    changes: tuple[Change, ...]
    fixed: int

    def text(self, *, written: bool) -> str:
        """One line for a person: "2 findings fixed in 1 file"."""
        what = f"{self.fixed} finding{'s' if self.fixed != 1 else ''}"
        where = f"{len(self.changes)} file{'s' if len(self.changes) != 1 else ''}"
        return f"{what} {'fixed' if written else 'can be fixed'} in {where}"


def apply_fixes(selections: Iterable[Selection], options: CheckOptions) -> Fixed:
    """What the selected files would be; nothing is written."""
    changes: dict[Path, Change] = {}
    fixed = 0
    for selection in selections:
        # A text in place of a file is fixed alone, without the defaults above it.
        chosen = options.texts or selection.related()
        paths = {selection.shown_path(path): path for path in chosen}
        repaired = repair(selection.folder, paths, replace(options, shown_folder=selection.shown))
        fixed += repaired.fixed
        for path, after in repaired.texts.items():
            named = path if path in options.texts else _behind_links(selection.folder, path)
            place = selection.folder / named
            before = options.texts[path] if path in options.texts else place.read_bytes()
            changes.setdefault(place, Change(place, selection.shown_path(named), before, after))
    return Fixed(tuple(changes.values()), fixed)


def _behind_links(folder: Path, path: str) -> str:
    """The path below the folder of the file itself: it is written once, and `git apply` takes no patch of a link."""
    return Path(os.path.relpath(os.path.realpath(folder / path), os.path.realpath(folder))).as_posix()


def write(changes: Iterable[Change]) -> None:
    """Each file as a whole or not at all; its rights stay. Raises UsageError."""
    for change in changes:
        # A link keeps leading where it did.
        place = Path(os.path.realpath(change.place))
        beside = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            if place.read_bytes() != change.before:
                raise UsageError(f"{change.shown}: changed in the meantime; it was left as it is")
            beside.write_bytes(change.after)
            shutil.copymode(place, beside)
            beside.replace(place)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            reason = (error.strerror or type(error).__name__).lower()
            raise UsageError(f"{change.shown}: cannot be written: {reason}") from error


def patch(changes: Iterable[Change]) -> bytes:
    """A unified diff as `git apply` and `patch -p1` take it; line ends are those of the files."""
    return b"".join(line for change in changes for line in _patch(change))


def _patch(change: Change) -> Iterator[bytes]:
    name = change.shown.replace(os.sep, "/").lstrip("/").encode(errors="surrogateescape")
    lines = difflib.diff_bytes(
        difflib.unified_diff,
        _LINE.findall(change.before),
        _LINE.findall(change.after),
        b"a/" + name,
        b"b/" + name,
    )
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
