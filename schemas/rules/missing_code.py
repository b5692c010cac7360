"""A dotted path behind which there is nothing that a task can use."""

from __future__ import annotations

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import Word, typo_fix
from schemas.findings.suggestions import did_you_mean
from schemas.rules.subject import Subject
from schemas.source import (
    Hidden,
    ModuleMissing,
    NameMissing,
    NotAPath,
    NotCallable,
    NotInstalled,
    SourceError,
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
                fix=_fix(subject, path, module, candidates),
            )
        case NameMissing(module, name, file, candidates, defined):
            return subject.finding(
                Code.UNKNOWN_NAME,
                path,
                f"`{module}` ({file.name}) defines no `{name}`",
                caret=did_you_mean(next(iter(candidates), None)),
                fix=_fix(subject, path, name, candidates),
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


def _fix(subject: Subject, path: DataPath, missing: str, candidates: tuple[str, ...]) -> Word | None:
    """The path with what is meant, where it can be one thing only."""
    dotted, fix = subject.at(path), typo_fix(missing, candidates)
    if fix is None or not isinstance(dotted, str) or dotted.count(missing) != 1:
        return None
    return Word(dotted.replace(missing, fix.text))
