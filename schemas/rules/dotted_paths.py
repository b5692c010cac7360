"""A dotted path against the source that it names: one look-up for every place that takes one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word, typo_fix
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean
from schemas.rules.moved_paths import KEPT_MODULES, moved_to
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
    TaskDecorated,
    Undecidable,
)

Nothing = ModuleMissing | NameMissing | NotAPath | NotCallable | SourceError
Named = Class | Function | TaskDecorated | NotCallable


def look_up(
    subject: Subject, path: DataPath, dotted: str, reader: SourceReader
) -> tuple[Named | None, tuple[Diagnostic, ...]]:
    """What the dotted path at `path` names, and findings. None: there is nothing to use, or reading cannot tell."""
    hidden = reader.hidden_by(dotted)
    if hidden is not None:
        return None, (_hidden_module(subject, path, hidden),)
    found = reader.find(dotted)
    elsewhere = _found_elsewhere(subject, path, dotted, found, reader)
    if elsewhere is not None:
        return None, (elsewhere,)
    new = moved_to(dotted, found)
    if new is not None:
        is_kept = isinstance(found, Class | Function) or dotted.rpartition(".")[0] in KEPT_MODULES
        return found if isinstance(found, Class | Function) else None, (_moved(subject, path, new, is_kept=is_kept),)
    match found:
        case Class() | Function() | TaskDecorated() | NotCallable():
            return found, ()
        case NotInstalled():
            message = f"`{found.distribution_hint}` is not installed here, so this was not checked"
            return None, (subject.finding(Code.OPERATOR_NOT_INSTALLED, path, message),)
        case Undecidable():
            return None, ()
        case missing:
            return None, (no_callable(subject, path, missing),)


def no_function(subject: Subject, path: DataPath, dotted: str, found: TaskDecorated | NotCallable) -> Diagnostic:
    """The finding for what `look_up` found and nobody can call."""
    if isinstance(found, NotCallable):
        return no_callable(subject, path, found)
    message = f"`{dotted}` is already a task, made by `@{found.decorator}`"
    return subject.finding(Code.NOT_CALLABLE, path, message, help="name a function without this decorator")


def no_callable(subject: Subject, path: DataPath, found: Nothing) -> Diagnostic:
    """The finding for what is not there or cannot be used."""
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
                help="a method needs an object: name a function that makes one and calls it"
                if kind == "method"
                else "",
            )
        case SourceError(line=line, column=column, message=message):
            return subject.finding(
                Code.PYTHON_SYNTAX, path, f"{found.path}:{line}:{column} is not valid Python: {message}"
            )
        case NotAPath(text):
            module = text.removesuffix(".py").strip("./").replace("/", ".")
            example = f"{module}.function" if text.endswith(".py") else "module.function"
            return subject.finding(Code.UNKNOWN_USES, path, f"`{text}` is not a dotted path", help=f"write `{example}`")


def _hidden_module(subject: Subject, path: DataPath, hidden: Hidden) -> Diagnostic:
    return subject.finding(
        Code.HIDDEN_MODULE,
        path,
        f"`{hidden.name}` would be imported from {hidden.owner} ({hidden.other}), not from {hidden.local.name}",
        help="give the module below the pipelines folder another name",
    )


def _moved(subject: Subject, path: DataPath, new: str, *, is_kept: bool) -> Diagnostic:
    return subject.finding(
        Code.MOVED_PATH,
        path,
        "this is its place in Airflow 2" + ("; Airflow 3 keeps it for a while" if is_kept else ""),
        caret=f"it is `{new}` now",
        fix=Word(new),
        severity=Severity.WARNING if is_kept else Severity.ERROR,
    )


def _fix_of_name(subject: Subject, path: DataPath, missing: str, candidates: tuple[str, ...]) -> Word | None:
    dotted, fix = subject.at(path), typo_fix(missing, candidates)
    if fix is None or not isinstance(dotted, str) or dotted.count(missing) != 1:
        return None
    return Word(dotted.replace(missing, fix.text))


def _found_elsewhere(
    subject: Subject, path: DataPath, dotted: str, found: Result, reader: SourceReader
) -> Diagnostic | None:
    """The finding for a path that does not start at the pipelines folder, as Python developers may expect."""
    if not isinstance(found, ModuleMissing | NotInstalled):
        return None
    module, _, rest = dotted.partition(".")
    if module == reader.folder.name and _is_callable(rest, reader):
        meant, caret = rest, f"remove `{module}.`"
    else:
        meant = _other_place(subject, dotted, reader) or ""
        caret = f"write `{meant}`"
    if not meant:
        return None
    return subject.finding(
        Code.UNKNOWN_MODULE,
        path,
        f"there is no module `{module}` below the pipelines folder or among the installed packages",
        caret=caret,
        help="a module's path starts at the pipelines folder, wherever the pipeline is",
        fix=Word(meant),
    )


def _other_place(subject: Subject, dotted: str, reader: SourceReader) -> str | None:
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
