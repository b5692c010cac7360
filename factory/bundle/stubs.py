"""From the files of the pipelines folder to the files of a version: a stub for each pipeline, and guards.

A stub is the small Python file that Airflow takes for a DAG file. It shows the YAML in Airflow's Code tab, carries the
digest of all that its pipeline depends on, and calls the loader. It is valid Python whatever bytes the YAML has.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.bundle.records import Conflicts, DagRecords, Ownership
from factory.bundle.source import (
    BYTECODE_FOLDER,
    ENVIRONMENT_STUB,
    IGNORE_FILE,
    STUB_SUFFIX,
    Listing,
    as_text,
    name_problem,
)
from schemas.folder.discovery import is_pipeline_path
from schemas.folder.project import ENVIRONMENT_VARIABLE, SUFFIXES, undeclared

if TYPE_CHECKING:
    from schemas.check.dependencies import PipelineFile

DISTRIBUTION = "airflow-pipeline-factory"
# Raised when the text of stubs changes, so that all are written again.
FORMAT = "2"
# The language refuses longer YAML; a stub shows no more of it.
MAX_SHOWN_BYTES = 2**20
NO_BYTECODE = b"A file of this name keeps Python from reading and writing bytecode in this folder.\n"


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

    def text(
        self, path: str, yaml: bytes, digest: str, conflicts: Conflicts, beside: str = "", **of_dags: object
    ) -> bytes:
        """The stub of the pipeline at the relative POSIX `path`. `of_dags`: see `factory.stub_loader.load_stub`.

        `beside`: lines of comments below everything else (`factory.reporters.in_force`).
        """
        arguments = f"globals(), {path!a}, Path(__file__).parents[{path.count('/')}]"
        if conflicts:
            arguments += f", {conflicts!a}"
        if self.environment:
            arguments += f", environment={self.environment!a}"
        arguments += "".join(f", {name}={value!a}" for name, value in of_dags.items() if value)
        return (
            f"{_heading(path)}\n"
            f"{_shown(yaml)}\n"
            "from pathlib import Path\n\n"
            f"from {self.loader} import load_stub\n\n"
            f'DIGEST = "{digest}"\n'
            f"load_stub({arguments})\n"
            f"{''.join(f'{_line(line)}{chr(10)}' for line in beside.split(chr(10)) if line)}"
        ).encode()


def stub_path(pipeline: str) -> str:
    """The stub of a pipeline lies beside it: `sales/orders.yaml` → `sales/orders.yaml.py`."""
    return pipeline + STUB_SUFFIX


def error_stub_path(pipeline: str) -> str:
    """The stub of a pipeline that could not be copied. Its name may be the reason: then the stub lies at the root,
    under a name that file systems and Airflow's database take."""
    if name_problem(pipeline.rpartition("/")[2], pipeline) is None:
        return stub_path(pipeline)
    start = re.sub(r"[^A-Za-z0-9_-]+", "_", pipeline)[:100]
    digest = hashlib.sha256(os.fsencode(pipeline)).hexdigest()[:12]
    return stub_path(f"{start}-{digest}{SUFFIXES[0]}")


def error_stub_text(path: str, reason: str) -> bytes:
    """The stub of a pipeline that could not even be copied: its import error is the reason."""
    message = f"{as_text(path)}: {reason}"
    return f"{_heading(path)}\n{_refusal(message)}".encode()


def problem_stubs(problems: Mapping[str, str]) -> dict[str, bytes]:
    """Stubs, by their paths, that show as import errors what of the folder is not read, such as `ORDERS.YAML`."""
    names = {path: f"{path.rstrip('/')} (not read){SUFFIXES[0]}" for path in problems}
    return {error_stub_path(names[path]): error_stub_text(path, reason) for path, reason in problems.items()}


def environment_stub_text(problem: str) -> bytes:
    """The stub that only shows, as an import error, what is wrong with the chosen environment."""
    message = f"{ENVIRONMENT_VARIABLE}: {problem}. Until then every pipeline is what it is without an environment."
    return (
        f"# An Airflow DAG file, generated because of the environment variable {ENVIRONMENT_VARIABLE}\n"
        f"{_refusal(message)}"
    ).encode()


def _refusal(message: str) -> str:
    return f"from factory.stub_loader import refuse\n\nrefuse({message!a})\n"


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
    return "\n".join(f"#| {_line(line)}" for line in lines)


def _line(text: str) -> str:
    # Every line of every pipeline is asked at each edit.
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def ungenerated(files: Mapping[str, str]) -> dict[str, str]:
    """The files of a version that are the folder's own."""
    ours = {BYTECODE_FOLDER, IGNORE_FILE}
    return {path: token for path, token in files.items() if path.rpartition("/")[2] not in ours and not is_stub(path)}


def unreadable_folders(listing: Listing) -> tuple[str, ...]:
    """The folders that cannot be read; a link that leads back to a folder above it is none."""
    return tuple(path for path, why in listing.problems.items() if path.endswith("/") and "cannot be read" in why)


def uncopied_pipelines(listing: Listing) -> dict[str, str]:
    """Path → reason of every pipeline that is there but could not be read."""
    return {path: reason for path, reason in listing.problems.items() if is_pipeline_path(path)}


def shown_beside(
    files: Sequence[PipelineFile], beside: Callable[[str], str], before: Mapping[str, tuple[PipelineFile, str]]
) -> dict[str, tuple[PipelineFile, str]]:
    """What stubs show below their pipelines' texts; of a file that is the one of the last time it is known."""
    return {
        file.path: before[file.path]
        if file.path in before and before[file.path][0] is file
        else (file, beside(file.path))
        for file in files
    }


def stub_texts(
    files: Sequence[PipelineFile],
    listing: Listing,
    ownership: Ownership,
    read: Callable[[str], bytes],
    writer: StubWriter,
    dags: DagRecords,
    beside: Callable[[PipelineFile], str] = lambda _: "",
) -> dict[str, bytes]:
    """The text of every stub by its path. `read` gives the content of a path of `listing.files`, `beside` what a stub
    shows below its pipeline's text.

    A chosen environment that no pipeline declares is the import error of a stub of its own: the pipelines go on as
    they are without one, and a file that is removed or broken for now must not take those down that it does not hold.
    """
    uncopied = uncopied_pipelines(listing)
    texts = {error_stub_path(path): error_stub_text(path, reason) for path, reason in uncopied.items()}
    for file in files:
        digest = writer.digest(file.depends_on | {file.path}, listing.files)
        conflicts = ownership.conflicts.get(file.path, ())
        of_dags = {
            "since": {dag_id: dags.since[dag_id] for dag_id in file.dag_ids if dags.since.get(dag_id)},
            "paused": tuple(dag_id for dag_id in file.dag_ids if dag_id in dags.deleted),
        }
        texts[stub_path(file.path)] = writer.text(
            file.path, read(file.path), digest, conflicts, beside(file), **of_dags
        )
    declared = [name for file in files for name in file.environments]
    problem = undeclared(writer.environment, declared) if declared else None
    if problem is not None:
        texts[ENVIRONMENT_STUB] = environment_stub_text(problem)
    return texts


def guards(paths: Iterable[str], ignore_syntax: str) -> dict[str, bytes]:
    """What keeps Airflow to the stubs and Python from bytecode, by path; `paths` are the version's others.

    A regular file in the place of `__pycache__` makes the import system leave bytecode alone in every
    process, without a switch that someone would have to set before each import.
    """
    folders = {"."} | {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    blockers = {str(PurePosixPath(folder, BYTECODE_FOLDER)): NO_BYTECODE for folder in folders}
    return {**blockers, IGNORE_FILE: ignore_text(folders - {"."}, ignore_syntax)}


def ignore_text(folders: Iterable[str], syntax: str) -> bytes:
    """An `.airflowignore` that leaves only stubs, in the syntax Airflow is set to: `glob` or `regexp`.

    User's Python files are for import, and Airflow opens every file that is a zip archive inside (such as
    .xlsx), so naming what is allowed is the only safe way. In `regexp`, a folder cannot be told from a file
    by its name, so the folders are listed.
    """
    if syntax == "regexp":
        stub = r".*\.[yY][aA]?[mM][lL]\.py"
        allowed = "|".join([stub, *map(_verbatim, sorted(folders))])
        return f"^(?!(?:{allowed})$)\n".encode()
    patterns = [f"!*{suffix}{STUB_SUFFIX}" for suffix in SUFFIXES]
    return "\n".join(["*", "!*/", *patterns, ""]).encode()


def _verbatim(path: str) -> str:
    # Airflow cuts lines at "#", so every special character is written by its number.
    return "".join(c if c.isalnum() or c in "/_" else f"\\U{ord(c):08x}" for c in path)


def is_stub(path: str) -> bool:
    return path.endswith(tuple(suffix + STUB_SUFFIX for suffix in SUFFIXES))
