"""Options that commands share: the paths that a command line names, and the environment it chooses."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from factory.cli import UsageError, to_path
from schemas.check import Checker, CheckOptions
from schemas.findings.suggestions import meant
from schemas.folder.discovery import (
    dag_factory_defaults_paths,
    defaults_paths,
    is_defaults_path,
    is_pipeline_path,
    is_test_path,
    misnamed_paths,
    pipeline_paths,
    tested_pipeline,
    way_problem,
)
from schemas.folder.project import (
    SUFFIXES,
    TEMPLATES,
    is_template_path,
    lexically_absolute,
    pipelines_folder,
    template_paths,
    undeclared,
)
from schemas.text.document import read_document

EARLIEST, LATEST = 1900, 9000
"""Years that have others before and behind them in every time zone."""
MOST_NAMES = 20
"""That a hint lists."""


class Selection(NamedTuple):
    """The chosen pipelines and templates of one folder, as POSIX paths below it; `shown` is the folder as the user
    knows it. `misnamed` are files of chosen folders that are none, by their names."""

    folder: Path
    shown: str
    paths: tuple[str, ...]
    defaults: tuple[str, ...]
    misnamed: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()

    def shown_path(self, path: str) -> str:
        return f"{self.shown}/{path}" if self.shown else path

    def related(self) -> set[str]:
        """The chosen files and the defaults that hold for them."""
        return {
            *self.paths,
            *self.templates,
            *self.misnamed,
            *self.defaults,
            *(place for path in self.paths for place in defaults_paths(path)),
            *(place for path in self.paths for place in dag_factory_defaults_paths(path)),
        }


def add_paths(parser: argparse.ArgumentParser) -> None:
    """Add the argument that says which pipelines a command looks at."""
    parser.add_argument(
        "paths",
        nargs="*",
        type=to_path,
        metavar="PATH",
        help="files or folders ($PIPELINES_FOLDER, else pipelines)",
    )


def select(targets: Sequence[Path]) -> list[Selection]:
    """What a command is to look at. Raises UsageError."""
    chosen: dict[Path, tuple[list[str], list[str], list[str], list[str]]] = {}
    for target in targets or [_default()]:
        folder = pipelines_folder(target)
        _choose(target, folder, *chosen.setdefault(folder, ([], [], [], [])))
    return [
        Selection(folder, shown_folder(folder), *(tuple(dict.fromkeys(paths)) for paths in found))
        for folder, found in chosen.items()
    ]


def select_text(target: Path) -> tuple[Selection, str]:
    """The file whose text is given, whether it exists or not, and its path below the folder. Raises UsageError."""
    folder = pipelines_folder(target)
    paths: list[str] = []
    defaults: list[str] = []
    templates: list[str] = []
    path = _relative(target, folder)
    _choose_file(target, path, folder, paths, defaults, templates)
    return Selection(folder, shown_folder(folder), tuple(paths), tuple(defaults), templates=tuple(templates)), path


def _default() -> Path:
    folder = pipelines_folder()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; name the files or folders to look at")
    return folder


def _choose(  # lists to fill
    target: Path, folder: Path, paths: list[str], defaults: list[str], misnamed: list[str], templates: list[str]
) -> None:
    _look_at(target)
    relative = _relative(target, folder)
    problem = way_problem(folder, f"{relative}/" if target.is_dir() and relative != "." else relative)
    if problem is not None:  # nothing there is a pipeline, so that to look at none would be "all good"
        raise UsageError(f"{target}: {problem}")
    if target.is_dir():
        inside = [p for p in pipeline_paths(folder) if relative == "." or p.startswith(f"{relative}/")]
        nearly = [p for p, _ in misnamed_paths(folder) if relative == "." or p.startswith(f"{relative}/")]
        misnamed += nearly
        found = [p for p in template_paths(folder) if relative == "." or p.startswith(f"{relative}/")]
        templates += found
        if not inside and not nearly and not found:
            raise UsageError(f"{target}: there are no pipelines in this folder ({', '.join(SUFFIXES)})")
        paths += inside
    else:
        _choose_file(target, relative, folder, paths, defaults, templates)


def _choose_file(  # as above
    target: Path, relative: str, folder: Path, paths: list[str], defaults: list[str], templates: list[str]
) -> None:
    if is_defaults_path(relative):
        defaults.append(relative)
        above = relative.rpartition("/")[0]
        paths += [p for p in pipeline_paths(folder) if not above or p.startswith(f"{above}/")]
    elif is_template_path(relative):
        templates.append(relative)
        paths += Checker(folder, CheckOptions(environ={})).takers(relative)
    elif is_test_path(relative):
        pipeline = tested_pipeline(relative, read_document(target, "").data)
        if not (folder / pipeline).is_file():
            raise UsageError(f"{target}: a test file, and there is no pipeline `{pipeline}` that it tests")
        paths.append(pipeline)
    elif is_pipeline_path(relative):
        paths.append(relative)
    elif f"/{TEMPLATES}/" in f"/{relative}" and relative.endswith(SUFFIXES):
        raise UsageError(
            f"{target}: not a template: these are in the pipelines folder's own `{TEMPLATES}`, side by side"
        )
    else:
        hidden = next((part for part in relative.split("/")[:-1] if part[:1] in ("_", ".")), None)
        name = f"nothing in `{hidden}` is one, because the folder's name starts with _ or ."
        ending = f"its name must end in {' or '.join(SUFFIXES)}, not start with _ or ."
        raise UsageError(f"{target}: not a pipeline: {ending if hidden is None else name}")


def _look_at(target: Path) -> None:
    """What is named must be there and readable: raises UsageError."""
    try:
        if target.is_dir():
            os.scandir(target).close()
        elif not target.exists():
            raise absent(target, pipeline_paths)
        elif target.is_file():
            target.open("rb").close()
        else:
            raise UsageError(f"{target}: neither a file nor a folder")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(f"{target}: cannot be read: {reason}") from error


def absent(target: Path, paths_in: Callable[[Path], Iterable[str]]) -> UsageError:
    """What to say of a path that is not there: other commands take a DAG id, which most often is a file's name."""
    hint = ""
    if target.name == str(target):
        folder = pipelines_folder()
        ids = ((path, path.partition(".")[0].replace("/", ".")) for path in paths_in(folder))
        near = [path for path, dag_id in ids if f".{dag_id}".endswith(f".{target.name}")]
        shown = [(Path(shown_folder(folder)) / path).as_posix() for path in near]
        hint = f"; did you mean {' or '.join(shown)}?" if shown else "; this command takes paths, not DAG ids"
    return UsageError(f"{target}: there is no such file or folder{hint}")


def file_of(dag_id: str, selection: Selection, checker: Checker) -> str:
    """The path of the file that makes a DAG. Raises UsageError where none does, or more than one."""
    claims = [(known, path) for path in pipeline_paths(selection.folder) for known in checker.dag_ids(path)]
    files = [path for known, path in claims if known == dag_id]
    if not files:
        hint = did_you_mean(dag_id, [known for known, _ in claims])
        raise UsageError(f"{dag_id}: there is no such file or DAG in {selection.shown or selection.folder}{hint}")
    if len(claimants := dict.fromkeys(files)) > 1:
        names = ", ".join(map(selection.shown_path, claimants))
        raise UsageError(f"{dag_id}: several files have this DAG id, name one of them: {names}")
    return files[0]


def _relative(target: Path, folder: Path) -> str:
    """The path below the folder; a project's folder means the pipelines in it."""
    absolute, root = lexically_absolute(target), lexically_absolute(folder)
    return "." if root.is_relative_to(absolute) else absolute.relative_to(root).as_posix()


def shown_folder(folder: Path) -> str:
    """What people call a pipelines folder."""
    shown = os.path.relpath(folder)
    if shown == ".":
        return ""
    return shown if not shown.startswith("..") else str(folder)


def count(text: str) -> int:
    """An option's whole number, 1 or more."""
    return natural(text, 1)


def natural(text: str, least: int = 0) -> int:
    """An option's whole number."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"write a whole number, {least} or more, not `{text}`")
    return int(text)


def require_writable(output: Path | None) -> None:
    """Before the work, that its report can be written. Raises UsageError."""
    if output is not None and output.is_dir():
        raise UsageError(f"{output}: is a folder: name a file in it")
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}")


def write_output(output: Path, text: str) -> None:
    """Write a report. Raises UsageError where it cannot be written."""
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {(error.strerror or type(error).__name__).lower()}") from error


def add_environment(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the option; `default` says in its help what holds without it."""
    parser.add_argument("--environment", metavar="NAME", help=f"the one of the pipelines' `environments` ({default})")


def require_declared(environment: str | None, selections: Iterable[Selection]) -> None:
    """Raises UsageError for an environment that no pipeline of these folders declares: it is misspelt."""
    if not environment:
        return
    known: list[str] = []
    for selection in selections:
        checker = Checker(selection.folder, CheckOptions(environment=environment, shown_folder=selection.shown))
        known += checker.environments()
    problem = undeclared(environment, known)
    if problem is not None:
        raise UsageError(problem)


def moment_of(text: str | None, zone: tzinfo = UTC, option: str = "--from") -> datetime:
    """The moment that an option names in ISO 8601; one without an offset is in `zone`. Raises UsageError."""
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
        if not EARLIEST <= moment.year <= LATEST:
            raise UsageError(f"{option} takes a date from {EARLIEST} to {LATEST}, not `{text}`")
    except ValueError:
        raise UsageError(f"{option} takes a date in ISO 8601 form, 2026-01-31T06:00, not `{text}`") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of a name. Raises UsageError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"there is no time zone `{name}`; write an IANA name such as Europe/Berlin") from None


def did_you_mean(written: str, known: Sequence[str]) -> str:
    """In parentheses, what may be meant by a name that is not among the known ones, or which there are."""
    alike = [name for name in known if name.startswith(written) or name.endswith(f".{written}")]
    hint = f"there are {', '.join(alike[:MOST_NAMES])}" if len(alike) > 1 else ""
    hint = hint or (f"did you mean `{alike[0]}`?" if alike else meant(written, known))
    found = hint or (f"there are {', '.join(known[:MOST_NAMES])}" if known else "")
    more = ", …" if found.startswith("there are") and len(known) > MOST_NAMES else ""
    return f" ({found}{more})" if found else ""
