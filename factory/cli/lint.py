"""Check pipelines and say what is wrong, on which line.

Exit status: 0 clean (warnings allowed), 1 errors, 2 usage.

`factory lint --fix` and `--diff`: what is fixed, as files or as a patch.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from factory.cli import UsageError, to_path
from factory.cli.options import (
    Selection,
    add_environment,
    add_paths,
    require_declared,
    select,
    select_text,
    write_output,
)
from factory.reporters import FORMATS, render
from factory.reporters.text import Summary, counted, wants_colour
from schemas.check import Checker, CheckOptions
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.folder.discovery import test_paths
from schemas.rules.team_policy import project_policy

if TYPE_CHECKING:
    from schemas.check.test_files import TestFile

STANDARD_INPUT = Path("-")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory lint`."""
    add_paths(parser)
    add_environment(parser, "all that are declared, and none")
    parser.add_argument("--format", choices=FORMATS, help="how findings are shown (full; under GitHub Actions github)")
    edits = parser.add_mutually_exclusive_group()
    edits.add_argument("--fix", action="store_true", help="apply unambiguous fixes; comments and layout stay")
    edits.add_argument("--diff", action="store_true", help="show what --fix would change, as a patch")
    parser.add_argument("--output", type=to_path, metavar="FILE", help="write the findings there, not to the terminal")
    parser.add_argument(
        "--stdin-filename",
        type=to_path,
        metavar="FILE",
        help="with PATH `-`: the name to report for standard input",
    )
    parser.add_argument(
        "--require-env",
        action="store_true",
        help="an environment variable that is unset, without default, is an error",
    )
    parser.add_argument(
        "--require-operators",
        action="store_true",
        help="an operator whose package is not installed here, so that it cannot be checked, is an error",
    )


def run(arguments: argparse.Namespace) -> int:
    """Lint, print the findings to standard output and a summary to standard error; returns the exit status."""
    selections, texts = _selected(arguments)
    require_declared(arguments.environment, selections)
    options = CheckOptions(
        environment=arguments.environment or "",
        every_environment=arguments.environment is None,
        require_environment=arguments.require_env,
        texts=texts,
    )
    if arguments.diff:
        return _diff(selections, options)
    if arguments.fix:
        options = replace(options, texts=_fix(selections, options))
    findings = [d for selection in selections for d in lint(selection, options)]
    findings = _operators_as_asked(dict.fromkeys(findings), require=arguments.require_operators)
    pipelines = sum(len(selection.paths) for selection in selections)
    # Standard output holds the text, when standard input is fixed.
    _report(findings, pipelines, arguments, sys.stderr if arguments.fix and texts else sys.stdout)
    templates = sum(len(selection.templates) for selection in selections)
    print(Summary.of(findings, pipelines, templates).text(), file=sys.stderr)
    return 1 if _has_errors(findings) else 0


def _diff(selections: list[Selection], options: CheckOptions) -> int:
    """Print what `--fix` would change, and nothing else, to standard output."""

    fixed = apply_fixes(selections, options)
    sys.stdout.buffer.write(patch(fixed.changes))
    print(fixed.text(written=False), file=sys.stderr)
    findings = [d for selection in selections for d in lint(selection, options)]
    return 1 if fixed.changes or _has_errors(findings) else 0


def _fix(selections: list[Selection], options: CheckOptions) -> dict[str, bytes]:
    """Write the fixed files; a fixed standard input is printed, and returned by its path."""

    fixed = apply_fixes(selections, options)
    texts = {path: next((c.after for c in fixed.changes), before) for path, before in options.texts.items()}
    if texts:
        sys.stdout.buffer.writelines(texts.values())
        sys.stdout.flush()
    else:
        write(fixed.changes)
    print(fixed.text(written=True), file=sys.stderr)
    return texts


def _has_errors(findings: Iterable[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in findings)


def lint(selection: Selection, options: CheckOptions) -> list[Diagnostic]:
    """The findings of the selected files, and what other files of the folder are to them."""
    project = project_policy(selection.folder)
    options = replace(options, shown_folder=selection.shown, policy=project.policy)
    checker = Checker(selection.folder, options)
    result = checker.folder({*selection.paths, *selection.templates})
    # What is said of the folder as a whole is about each of its files, of templates about those that take them.
    chosen = {selection.shown or ".", *(selection.shown_path(path) for path in selection.related())}
    chosen |= checker.layers.template_files
    findings = [*project.diagnostics, *(d for d in result.diagnostics if d.file in chosen or _is_named(d.file))]
    return [*findings, *(d for test in _tests(selection, options) for d in test.diagnostics)]


def _is_named(file: str) -> bool:
    """Whether a file is one that pipelines name, such as SQL: those of other pipelines are not read."""
    return not file.endswith((".yaml", ".yml")) or file.endswith((".vl.yaml", ".vl.yml"))


def _tests(selection: Selection, options: CheckOptions) -> Iterator[TestFile]:
    """The test files of the selected pipelines."""
    paths = list(test_paths(selection.folder))
    if paths:
        from schemas.check.test_files import read_test_file  # noqa: PLC0415 # few folders hold tests

        checker = Checker(selection.folder, options)
        for path in paths:
            file = read_test_file(checker, selection.folder, path, selection.shown_path(path))
            if file.pipeline in selection.paths or not (selection.folder / file.pipeline).is_file():
                yield file


def _selected(arguments: argparse.Namespace) -> tuple[list[Selection], dict[str, bytes]]:
    """What to look at, and the text of standard input by its path. Raises UsageError."""
    if STANDARD_INPUT not in arguments.paths:
        if arguments.stdin_filename is not None:
            raise UsageError("--stdin-filename goes with the path `-`")
        return select(arguments.paths), {}
    if len(arguments.paths) > 1:
        raise UsageError("`-`, standard input, cannot be combined with other paths")
    selection, path = select_text(arguments.stdin_filename or Path("stdin.yaml"))
    return [selection], {path: sys.stdin.buffer.read()}


def _operators_as_asked(findings: Iterable[Diagnostic], *, require: bool) -> list[Diagnostic]:
    """A package that is not installed is an error at each place, or one note for all."""
    if require:
        return [replace(d, severity=Severity.ERROR) if d.code is Code.OPERATOR_NOT_INSTALLED else d for d in findings]
    once: dict[object, Diagnostic] = {}
    for finding in findings:
        key = finding.message if finding.code is Code.OPERATOR_NOT_INSTALLED else finding
        once.setdefault(key, finding)
    return list(once.values())


def _report(findings: list[Diagnostic], pipelines: int, arguments: argparse.Namespace, stream: TextIO) -> None:
    """Raises UsageError where the output cannot be written."""
    output: Path | None = arguments.output
    name = arguments.format or _default_format(output)
    colour = output is None and wants_colour(stream)
    text = render(name, findings, pipelines=pipelines, colour=colour)
    if output is None:
        if text:
            print(text, file=stream)
        return
    write_output(output, f"{text}\n" if text else "")


def _default_format(output: Path | None) -> str:
    return "github" if output is None and os.environ.get("GITHUB_ACTIONS") == "true" else "full"


_LINE = rb"[^\n]*\n|[^\n]+"


class Change(NamedTuple):
    """One file before and after; `shown` is its name for the user."""

    place: Path
    shown: str
    before: bytes
    after: bytes


class Fixed(NamedTuple):
    """All changes, and how many findings they fix."""

    changes: tuple[Change, ...]
    fixed: int

    def text(self, *, written: bool) -> str:
        """One line for a person: "2 findings fixed in 1 file"."""
        what = counted(self.fixed, "finding")
        where = counted(len(self.changes), "file")
        return f"{what} {'fixed' if written else 'can be fixed'} in {where}"


def apply_fixes(selections: Iterable[Selection], options: CheckOptions) -> Fixed:
    """What the selected files would be; nothing is written."""
    from schemas.check.fixing import repair  # noqa: PLC0415 # most runs of lint change nothing

    changes: dict[Path, Change] = {}
    fixed = 0
    for selection in selections:
        # A text in place of a file is fixed alone, without the defaults above it.
        chosen = options.texts or {*selection.related(), *(test.path for test in _tests(selection, options))}
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
    import difflib  # noqa: PLC0415 # most runs of lint change nothing

    name = change.shown.replace(os.sep, "/").lstrip("/").encode(errors="surrogateescape")
    lines = difflib.diff_bytes(
        difflib.unified_diff,
        re.findall(_LINE, change.before),
        re.findall(_LINE, change.after),
        b"a/" + name,
        b"b/" + name,
    )
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"
