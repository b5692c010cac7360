"""The text of a stub: the small Python file that Airflow takes for a DAG file, one per pipeline.

A stub shows the YAML in Airflow's Code tab, carries the digest of all that its pipeline depends on, and calls
the loader. It is valid Python whatever bytes the YAML has.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from factory.bundle.naming import as_text
from schemas.folder.project import ENVIRONMENT_VARIABLE

DISTRIBUTION = "airflow-pipeline-factory"
# Raised when the text of stubs changes, so that all are written again.
FORMAT = "1"
# The language refuses longer YAML; a stub shows no more of it.
MAX_SHOWN_BYTES = 2**20

Conflicts = tuple[tuple[str, str], ...]
"""(DAG id, other file that claims it) pairs."""


def project_version() -> str:
    """The installed version of this project, part of every digest; "source" when it runs uninstalled."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "source"


@dataclass(frozen=True, slots=True)
class StubWriter:
    """Writes stubs that take `load_stub` from the module `loader`.

    `project` is this project's version. `environment` is the chosen one, empty for none; a stub names it, so that a
    task start composes what was parsed, and a change of it changes every stub.
    """

    loader: str
    project: str
    environment: str = ""

    def digest(self, depends_on: Iterable[str], tokens: Mapping[str, str]) -> str:
        """The hash of all that a pipeline depends on.

        `tokens` has the content token of every file; a path without one does not exist, which counts too.
        """
        digest = hashlib.sha256(f"{FORMAT}\n{self.project}\n".encode())
        for path in sorted(depends_on):
            digest.update(f"{path!a} {tokens.get(path, 'absent')}\n".encode())
        return digest.hexdigest()

    def text(self, path: str, yaml: bytes, digest: str, conflicts: Conflicts) -> bytes:
        """The stub of the pipeline at the relative POSIX `path`."""
        arguments = f"globals(), {path!a}, Path(__file__).parents[{path.count('/')}]"
        if conflicts:
            arguments += f", {conflicts!a}"
        if self.environment:
            arguments += f", environment={self.environment!a}"
        return (
            f"{_heading(path)}\n"
            f"{_shown(yaml)}\n"
            "from pathlib import Path\n\n"
            f"from {self.loader} import load_stub\n\n"
            f'DIGEST = "{digest}"\n'
            f"load_stub({arguments})\n"
        ).encode()


def error_stub_text(path: str, reason: str) -> bytes:
    """The stub of a pipeline that could not even be copied: its import error is the reason."""
    message = f"{as_text(path)}: {reason}"
    return f"{_heading(path)}\nraise ImportError({message!a})\n".encode()


def environment_stub_text(problem: str) -> bytes:
    """The stub that only shows, as an import error, what is wrong with the chosen environment."""
    message = f"{ENVIRONMENT_VARIABLE}: {problem}. Until then every pipeline is what it is without an environment."
    return (
        f"# An Airflow DAG file, generated because of the environment variable {ENVIRONMENT_VARIABLE}\n"
        f"raise ImportError({message!a})\n"
    ).encode()


def _heading(path: str) -> str:
    # Airflow looks for the words "airflow" and "dag"; Python takes `coding:` in the first two lines of a file
    # for its encoding, also when it is part of a file's name.
    shown = path if path.isprintable() else ascii(path)
    shown = re.sub(r"coding([:=])", r"coding \1", shown)
    return f"# An Airflow DAG file, generated from {shown}\n# Edit that file, not this one."


def _shown(yaml: bytes) -> str:
    if len(yaml) > MAX_SHOWN_BYTES:
        return f"# The YAML text has {len(yaml):,} bytes and is not shown."
    try:
        text = yaml.decode()
    except UnicodeDecodeError:
        return _commented(yaml.decode(errors="backslashreplace"))
    for quotes in ("'''", '"""'):
        literal = f"r{quotes}\n{text}{quotes}"
        if _means(literal, "\n" + text):
            return literal
    return _commented(text)


def _means(literal: str, text: str) -> bool:
    """Whether Python reads this literal as exactly this text (carriage returns, NULs, quotes, …)."""
    try:
        return bool(ast.literal_eval(literal) == text)
    except (SyntaxError, ValueError):
        return False


def _commented(text: str) -> str:
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("#| " + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in lines)
