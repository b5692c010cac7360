"""A case is a file, or a folder of several, below `tests/cases`: what it is checked with, and what must be found.

Comment lines say both. `# env NAME=value` sets a variable, `# needs airflow` skips the case where that module is not
installed, a `factory.toml` in a folder gives it a policy, and the last lines of a file hold its findings:

    # expect LINE:COLUMN CODE message (what follows the caret)

`<any>` in a message stands for text that differs from machine to machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from schemas.check import Checker, CheckOptions, CheckResult
from schemas.findings.diagnostics import Diagnostic
from schemas.folder.discovery import pipeline_paths
from schemas.folder.project import SUFFIXES
from schemas.rules.team_policy import project_policy

CASES = Path(__file__).parent / "cases"

_ENV = re.compile(r"# env (?P<name>\w+)=(?P<value>.*)")
_NEEDS = re.compile(r"# needs (?P<module>\w+)")
_EXPECT = "# expect "


@dataclass(frozen=True)
class Case:
    """`files` are paths below `folder` of the texts with expectations: YAML, and scripts of a folder.

    `is_folder`: all of it is checked, not one file.
    """

    name: str
    folder: Path
    files: tuple[str, ...]
    is_folder: bool

    @property
    def needs(self) -> set[str]:
        """The modules without which the case has other findings."""
        matches = [_NEEDS.fullmatch(line) for lines in self._lines().values() for line in lines]
        return {match["module"] for match in matches if match is not None}

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The paths of those files that are pipelines, not defaults."""
        return tuple(pipeline_paths(self.folder)) if self.is_folder else self.files

    @property
    def environ(self) -> dict[str, str]:
        """The variables that the case sets."""
        matches = [_ENV.fullmatch(line) for lines in self._lines().values() for line in lines]
        return {match["name"]: match["value"] for match in matches if match is not None}

    def check(self) -> CheckResult:
        """Check the case as lint would, in an environment that holds only the case's variables."""
        policy = project_policy(self.folder).policy if (self.folder / "factory.toml").exists() else None
        checker = Checker(
            self.folder, CheckOptions(policy=policy, environ=self.environ, every_environment=True, shown_folder="")
        )
        return checker.folder() if self.is_folder else checker.file(self.files[0])

    def expected(self) -> list[str]:
        """`file: LINE:COLUMN CODE message (caret)` of every expected finding, sorted."""
        return sorted(
            f"{file}: {line.removeprefix(_EXPECT)}"
            for file, lines in self._lines().items()
            for line in lines
            if line.startswith(_EXPECT)
        )

    def _lines(self) -> dict[str, list[str]]:
        texts = {file: (self.folder / file).read_bytes().decode("utf-8-sig") for file in self.files}
        return {file: re.split(r"\r?\n", text) for file, text in texts.items()}


def cases(kind: str) -> list[Case]:
    """The cases below `tests/cases/<kind>`, by name."""
    return [_case(entry) for entry in sorted((CASES / kind).iterdir())]


def found(diagnostic: Diagnostic) -> str:
    """A finding in the form of `Case.expected`."""
    caret = f" ({diagnostic.caret})" if diagnostic.caret else ""
    span, code = diagnostic.span, diagnostic.code.id
    return f"{diagnostic.file}: {span.line}:{span.column} {code} {diagnostic.message}{caret}"


def agree(expected: str, written: str) -> bool:
    """Whether a finding is the expected one."""
    pattern = ".+".join(re.escape(part) for part in expected.split("<any>"))
    return re.fullmatch(pattern, written) is not None


def _case(entry: Path) -> Case:
    if entry.is_file():
        return Case(entry.stem, entry.parent, (entry.name,), is_folder=False)
    files = sorted(p.relative_to(entry).as_posix() for p in entry.rglob("*") if p.suffix in (*SUFFIXES, ".sh", ".sql"))
    return Case(entry.name, entry, tuple(files), is_folder=True)
