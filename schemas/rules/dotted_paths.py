"""A dotted path against the source that it names: one look-up for every place that takes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import Word, typo_fix
from schemas.findings.suggestions import did_you_mean
from schemas.rules.subject import Subject
from schemas.source import (
    Class,
    Function,
    Hidden,
    ModuleMissing,
    NameMissing,
    NotAPath,
    NotCallable,
    NotInstalled,
    Result,
    SourceError,
    SourceReader,
)

Nothing = ModuleMissing | NameMissing | NotAPath | NotCallable | SourceError


def no_callable(subject: Subject, path: DataPath, found: Nothing) -> Diagnostic:
    """The finding for what a reader's answer says is not there or cannot be used."""
    match found:
        case ModuleMissing(module, parent, candidates):
            below = f"below `{parent}`" if parent else "below the pipelines folder or among the installed packages"
            return subject.finding(
                Code.UNKNOWN_MODULE,
                path,
                f"there is no module `{module}` {below}",
                caret=did_you_mean(next(iter(candidates), None)),
                fix=_fix_of_name(subject, path, module, candidates),
            )
        case NameMissing(module, name, file, candidates, defined):
            return subject.finding(
                Code.UNKNOWN_NAME,
                path,
                f"`{module}` ({file.name}) defines no `{name}`",
                caret=did_you_mean(next(iter(candidates), None)),
                fix=_fix_of_name(subject, path, name, candidates),
                allowed=defined if len(defined) <= 20 else (),
            )
        case NotCallable(dotted, kind, candidates):
            return subject.finding(
                Code.NOT_CALLABLE,
                path,
                f"`{dotted}` is a {kind}, not a function and not an operator",
                allowed=candidates if len(candidates) <= 20 else (),
            )
        case SourceError(line=line, column=column, message=message):
            return subject.finding(
                Code.PYTHON_SYNTAX, path, f"{found.path}:{line}:{column} is not valid Python: {message}"
            )
        case NotAPath(text):
            module = text.removesuffix(".py").strip("./").replace("/", ".")
            example = f"{module}.function" if text.endswith(".py") else "module.function"
            return subject.finding(Code.UNKNOWN_USES, path, f"`{text}` is not a dotted path", help=f"write `{example}`")


def not_installed(subject: Subject, path: DataPath, found: NotInstalled) -> Diagnostic:
    """The note that reading could not go on: the package is not here."""
    message = f"`{found.distribution_hint}` is not installed here, so this was not checked"
    return subject.finding(Code.OPERATOR_NOT_INSTALLED, path, message)


def hidden_module(subject: Subject, path: DataPath, hidden: Hidden) -> Diagnostic:
    """The finding for a dotted path whose module another one of the same name takes the place of."""
    return subject.finding(
        Code.HIDDEN_MODULE,
        path,
        f"`{hidden.name}` would be imported from {hidden.owner} ({hidden.other}), not from {hidden.local.name}",
        help="give the module below the pipelines folder another name",
    )


def _fix_of_name(subject: Subject, path: DataPath, missing: str, candidates: tuple[str, ...]) -> Word | None:
    """The path with what is meant, where it can be one thing only."""
    dotted, fix = subject.at(path), typo_fix(missing, candidates)
    if fix is None or not isinstance(dotted, str) or dotted.count(missing) != 1:
        return None
    return Word(dotted.replace(missing, fix.text))


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
        return _found_elsewhere(subject, path, module, behind, f"leave out `{module}.`")
    meant = _path_from_elsewhere(subject, dotted, reader)
    return _found_elsewhere(subject, path, module, meant, f"write `{meant}`") if meant is not None else None


def _path_from_elsewhere(subject: Subject, dotted: str, reader: SourceReader) -> str | None:
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


def _found_elsewhere(subject: Subject, path: DataPath, module: str, meant: str, caret: str) -> Diagnostic:
    return subject.finding(
        Code.UNKNOWN_MODULE,
        path,
        f"there is no module `{module}` below the pipelines folder or among the installed packages",
        caret=caret,
        help="a module's path starts at the pipelines folder, wherever the pipeline is",
        fix=Word(meant),
    )
