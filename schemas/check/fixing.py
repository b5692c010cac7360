"""Applies unambiguous fixes, in memory: every edit is checked before it is kept.

An edit is kept where the finding is gone, no other is found in its place, and no file of the folder has more findings
than before. What the mistake hid may show then: the rest of a text that could not be read, the value of a misspelt key,
the arguments of an operator by its path in Airflow 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from schemas.check.checker import Checker
from schemas.check.files import CheckOptions
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Fix, Span
from schemas.folder.discovery import is_test_path
from schemas.text.edits import apply, replacements

_ROUNDS = 50
"""A text that is not YAML shows one finding at a time, so each round may find another one."""

_Findings = Mapping[str, Sequence[Diagnostic]]


@dataclass(frozen=True, slots=True)
class Repaired:
    """`texts` are the files that change, by path below the folder; `fixed` is how many findings they lose."""

    texts: Mapping[str, bytes]
    fixed: int


def repair(folder: Path, paths: Mapping[str, str], options: CheckOptions) -> Repaired:
    """What the files of `paths` (as diagnostics name them → path below the folder) are after their fixes."""
    return _Repair(folder, paths, options).run()


class _Repair:
    def __init__(self, folder: Path, paths: Mapping[str, str], options: CheckOptions) -> None:
        self._folder = folder
        self._paths = paths
        self._options = options
        self._texts: dict[str, bytes] = dict(options.texts)
        self._changed: set[str] = set()
        self._fixed = 0
        self._refused: set[tuple[object, ...]] = set()
        self._found = self._check(self._texts)

    def run(self) -> Repaired:
        for _ in range(_ROUNDS):
            usable = [finding for file in self._paths for finding in self._usable(file)]
            if not usable:
                break
            self._try(usable)
        texts = {path: _without_gaps(self._original(path), self._texts[path]) for path in sorted(self._changed)}
        return Repaired(texts, self._fixed)

    def _usable(self, file: str) -> Iterator[Diagnostic]:
        """The findings of a file that can be fixed at once: no two of their edits touch."""
        end = (0, 0)
        unread = any(map(_is_about_reading, self._found.get(file, ())))
        for finding in self._found.get(file, ()):
            if unread and not _is_about_reading(finding):
                continue  # first the text has to be read as it is
            if finding.fix is None or _identity(finding) in self._refused:
                continue
            span = finding.fix.span
            if (span.line, span.column) >= end:
                yield finding
                end = (span.end_line, span.end_column)

    def _try(self, findings: Sequence[Diagnostic]) -> None:
        """All edits at once; where that goes wrong, each half on its own, down to the edit that is wrong."""
        by_file: dict[str, list[Diagnostic]] = {}
        for finding in findings:
            # One that an edit before it moved waits for the next round.
            if finding in self._found.get(finding.file, ()):
                by_file.setdefault(finding.file, []).append(finding)
        if not by_file:
            return
        texts = {**self._texts, **{self._paths[file]: self._edited(file, group) for file, group in by_file.items()}}
        after = self._check(texts)
        if all(is_better(self._found, after, by_file, file) for file in {*self._found, *after}):
            self._texts, self._found = texts, after
            self._changed |= {self._paths[file] for file in by_file}
            self._fixed += sum(map(len, by_file.values()))
        elif len(findings) == 1:
            self._refused.add(_identity(findings[0]))
        else:
            self._try(findings[: len(findings) // 2])
            self._try(findings[len(findings) // 2 :])

    def _edited(self, file: str, findings: Sequence[Diagnostic]) -> bytes:
        path = self._paths[file]
        return apply(self._texts[path] if path in self._texts else self._original(path), _fixes(findings))

    def _original(self, path: str) -> bytes:
        return self._options.texts[path] if path in self._options.texts else (self._folder / path).read_bytes()

    def _check(self, texts: Mapping[str, bytes]) -> _Findings:
        by_file: dict[str, list[Diagnostic]] = {}
        checker = Checker(self._folder, replace(self._options, texts=texts))
        for finding in (*checker.folder().diagnostics, *self._of_tests(checker)):
            by_file.setdefault(finding.file, []).append(finding)
        return by_file

    def _of_tests(self, checker: Checker) -> Iterator[Diagnostic]:
        tests = {shown: path for shown, path in self._paths.items() if is_test_path(path)}
        if tests:
            from schemas.check.test_files import read_test_file  # noqa: PLC0415 # few folders hold tests

            for shown, path in tests.items():
                yield from read_test_file(checker, self._folder, path, shown).diagnostics


def _without_gaps(before: bytes, after: bytes) -> bytes:
    """The text without the lines of which the edits left nothing."""
    pairs = list(zip(before.splitlines(keepends=True), after.splitlines(keepends=True), strict=False))
    if len(pairs) < max(before.count(b"\n"), after.count(b"\n")):
        return after  # an edit made lines of one
    return b"".join(now for was, now in pairs if now.strip() or not was.strip())


def _identity(finding: Diagnostic) -> tuple[object, ...]:
    return (finding.file, finding.code, finding.message, finding.span.line)


def is_better(before: _Findings, after: _Findings, fixed: _Findings, file: str) -> bool:
    """Whether a file lost its fixed findings, and is no worse off otherwise."""
    old, new, gone = before.get(file, ()), after.get(file, ()), fixed.get(file, ())
    counts, left = Counter(map(_identity, old)), Counter(map(_identity, new))
    if any(left[identity] >= counts[identity] for identity in map(_identity, gone)):
        return False
    unread = any(map(_is_about_reading, gone))
    replaced = list(replacements(_fixes(gone)))
    in_place = [finding for finding in new if any(_touch(finding.span, span) for span in replaced)]
    # A text that can be read now may be a wrong word, but not a text where none is allowed.
    if any(not unread or _is_about_reading(d) or d.code is Code.WRONG_TYPE for d in in_place):
        return False
    codes = {finding.code for finding in gone}
    shows_more = codes == {Code.MOVED_PATH}  # the arguments of what is known now
    is_no_worse = shows_more or len(new) <= len(old)
    return unread or (is_no_worse and sum(map(_is_about_reading, new)) <= sum(map(_is_about_reading, old)))


def _touch(one: Span, other: Span) -> bool:
    return one.line == other.line and one.column < other.end_column and other.column < one.end_column


def _fixes(findings: Iterable[Diagnostic]) -> Iterator[Fix]:
    return (finding.fix for finding in findings if finding.fix is not None)


def _is_about_reading(finding: Diagnostic) -> bool:
    return finding.code.id.startswith("PF0")
