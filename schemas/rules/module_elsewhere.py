"""A dotted path that does not start at the pipelines folder, as Python people may expect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import Word
from schemas.rules.subject import Subject
from schemas.source import Class, Function, ModuleMissing, NotInstalled, Result, SourceReader


def written_from_elsewhere(
    subject: Subject, path: DataPath, dotted: str, found: Result, reader: SourceReader
) -> Diagnostic | None:
    """The finding where what a path leads to is below the pipelines folder, under another path; also without Airflow.

    `found` is what the reader said of the path as written.
    """
    if not isinstance(found, ModuleMissing | NotInstalled):
        return None
    module, _, behind = dotted.partition(".")
    own = reader.pipelines_folder.name
    if module == own and _is_callable(behind, reader):
        return _finding(subject, path, module, behind, f"leave out `{module}.`")
    meant = _meant(subject, dotted, reader)
    return _finding(subject, path, module, meant, f"write `{meant}`") if meant is not None else None


def _meant(subject: Subject, dotted: str, reader: SourceReader) -> str | None:
    """The path from the pipeline's own folder or one above it, or from the only other folder that has it."""
    near = [".".join(folder.parts) for folder in PurePosixPath(subject.path).parents if folder.parts]
    for meant in _callables(near, dotted, reader):
        return meant
    others = list(_callables(reader.packages_with(dotted.partition(".")[0]), dotted, reader))
    return others[0] if len(others) == 1 else None


def _callables(packages: list[str] | tuple[str, ...], dotted: str, reader: SourceReader) -> Iterator[str]:
    return (meant for package in packages if _is_callable(meant := f"{package}.{dotted}", reader))


def _is_callable(dotted: str, reader: SourceReader) -> bool:
    return "." in dotted and isinstance(reader.find(dotted), Class | Function)


def _finding(subject: Subject, path: DataPath, module: str, meant: str, caret: str) -> Diagnostic:
    return subject.finding(
        Code.UNKNOWN_MODULE,
        path,
        f"there is no module `{module}` below the pipelines folder or among the installed packages",
        caret=caret,
        help="a module's path starts at the pipelines folder, wherever the pipeline is",
        fix=Word(meant),
    )
