"""The files of a version in a folder that others use too: `factory build`, for an Airflow that takes no bundle class.

Imports no Airflow: the machine that builds needs none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from factory.bundle import stubs
from factory.bundle.records import DagRecords, settle
from factory.bundle.source import IGNORE_FILE, read_until_stable
from factory.bundle.store import BundleError, token_of
from factory.reporters.in_force import beside_text
from schemas.check.dependencies import pipeline_files

RECORD = ".factory-build.json"
"""What was written, so that a later build removes what is gone and touches nothing else."""
LOADER = "factory.stub_loader"
GLOB_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\*?[]!# "})


class OutputError(BundleError):
    """The folder cannot be written to; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Written:
    """Paths below the output folder, and what could not be read, path → reason. `broken` are pipelines without a DAG:
    import errors in Airflow."""

    pipelines: int
    written: tuple[str, ...]
    removed: tuple[str, ...]
    problems: Mapping[str, str]
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Record:
    files: dict[str, str]
    owners: dict[str, str]


def write_dags(folder: Path, output: Path, environment: str = "") -> Written:
    """Write a DAG file for each pipeline of `folder`, and what it needs beside it, below `output`.

    Only what changed is written, each file in one step; a file that is not needed any more is removed if a build wrote
    it. Equal pipelines give equal files, on every machine. `environment` is the chosen one of the pipelines'
    `environments`.

    :raises BundleError: the folder cannot be read.
    :raises OutputError: somebody else's file is in the way, or the output lies inside the folder.
    """
    if output.resolve().is_relative_to(folder.resolve()):
        raise OutputError(f"{output} lies in the pipelines folder {folder}; choose a folder outside of it")
    record = _read_record(output)
    contents: dict[str, bytes] = {}

    def keep(data: bytes, executable: bool = False) -> str:
        token = token_of(data, executable)
        contents[token] = data
        return token

    listing = read_until_stable(folder, keep, at_once=True)
    found = [file for file in pipeline_files(folder) if file.path in listing.files]
    ownership = settle(found, stubs.uncopied_pipelines(listing), record.owners)
    writer = stubs.StubWriter(LOADER, stubs.project_version(), environment)
    # Without sources: what is installed differs between machines.
    beside = beside_text(folder, environment, read_sources=False)
    texts = stubs.stub_texts(
        found,
        listing,
        ownership,
        lambda path: contents[listing.files[path]],
        writer,
        DagRecords(),
        lambda file: beside(file.path),
    )
    files = {**listing.files, **{path: keep(text) for path, text in texts.items()}}
    ignored = _ignore_text(files)
    if ignored and (IGNORE_FILE in record.files or not (output / IGNORE_FILE).exists()):
        files[IGNORE_FILE] = keep(ignored)
    _refuse_foreign(output, files, record)
    # Stubs come last and go first: at every moment each has what it needs.
    order = sorted(files, key=lambda path: (stubs.is_stub(path), path))
    written = [path for path in order if _token_at(output / path) != files[path]]
    removed = sorted(record.files.keys() - files.keys(), key=lambda path: (not stubs.is_stub(path), path))
    # Named before it is there: after an interrupted build the next one knows what it may remove.
    _replace(output / RECORD, _text(_Record({**record.files, **files}, record.owners)))
    for path in removed:
        _remove(output, path)
    for path in written:
        _replace(output / path, contents[files[path]], executable=files[path].endswith("x"))
    _replace(output / RECORD, _text(_Record(files, ownership.owners)))
    broken = tuple(file.path for file in found if not file.dag_ids)
    return Written(sum(map(stubs.is_stub, files)), tuple(written), tuple(removed), listing.problems, broken)


def _ignore_text(files: Mapping[str, str]) -> bytes:
    """An `.airflowignore` (glob) of our files that are no DAG files. It hides nothing that others put there."""
    ours = [path for path in sorted(files) if not stubs.is_stub(path) and Path(path).suffix in (".py", ".zip")]
    return "".join(f"/{path.translate(GLOB_SIGNS)}\n" for path in ours).encode()


def _refuse_foreign(output: Path, files: Mapping[str, str], record: _Record) -> None:
    for path, token in files.items():
        if path not in record.files and _token_at(output / path) not in (None, token):
            raise OutputError(
                f"{output / path} was not written by `factory build`, and a pipeline needs a file there; "
                "choose another --output, or remove it"
            )


def _token_at(path: Path) -> str | None:
    try:
        return token_of(path.read_bytes(), os.access(path, os.X_OK))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        return ""


def _read_record(output: Path) -> _Record:
    path = output / RECORD
    try:
        data = json.loads(path.read_bytes())
        return _Record(dict(data["files"]), dict(data["owners"]))
    except FileNotFoundError:
        return _Record({}, {})
    except (ValueError, TypeError, KeyError) as error:
        raise OutputError(f"{path} is damaged ({error}); remove it and the files that `factory build` wrote") from None


def _text(record: _Record) -> bytes:
    return json.dumps(asdict(record), indent=1, sort_keys=True).encode()


def _replace(path: Path, data: bytes, *, executable: bool = False) -> None:
    if path.exists() and path.read_bytes() == data and os.access(path, os.X_OK) == executable:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name[:200]}.new")
    new.write_bytes(data)
    new.chmod(0o755 if executable else 0o644)
    new.replace(path)


def _remove(output: Path, path: str) -> None:
    """Remove a file, and the folders that it leaves empty."""
    (output / path).unlink(missing_ok=True)
    for parent in (output / path).parents:
        if parent == output or not parent.is_dir() or any(parent.iterdir()):
            break
        parent.rmdir()
