"""From the files of the pipelines folder to the files of a version: stubs and what keeps Airflow to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from factory.bundle.naming import (
    BYTECODE_FOLDER,
    ENVIRONMENT_STUB,
    IGNORE_FILE,
    STUB_SUFFIX,
    error_stub_path,
    stub_path,
)
from factory.bundle.ownership import Ownership
from factory.bundle.seams import PipelineFile
from factory.bundle.source import Listing
from factory.bundle.stub import StubWriter, environment_stub_text, error_stub_text
from schemas.folder.discovery import SUFFIXES, is_pipeline_path
from schemas.folder.project import undeclared

NO_BYTECODE = b"A file of this name keeps Python from reading and writing bytecode in this folder.\n"


def uncopied_pipelines(listing: Listing) -> dict[str, str]:
    """Path → reason of every pipeline that is there but could not be read."""
    return {path: reason for path, reason in listing.problems.items() if is_pipeline_path(path)}


def stubs(
    files: Sequence[PipelineFile],
    listing: Listing,
    ownership: Ownership,
    read: Callable[[str], bytes],
    writer: StubWriter,
) -> dict[str, bytes]:
    """The text of every stub by its path. `read` gives the content of a path of `listing.files`.

    A chosen environment that no pipeline declares is the import error of a stub of its own: the pipelines go on as
    they are without one, and a file that is removed or broken for now must not take those down that it does not hold.
    """
    uncopied = uncopied_pipelines(listing)
    texts = {error_stub_path(path): error_stub_text(path, reason) for path, reason in uncopied.items()}
    for file in files:
        digest = writer.digest(file.depends_on | {file.path}, listing.files)
        conflicts = ownership.conflicts.get(file.path, ())
        texts[stub_path(file.path)] = writer.text(file.path, read(file.path), digest, conflicts)
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
