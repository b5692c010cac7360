"""The files of a version in a folder that others use too: `factory build`, for an Airflow that takes no bundle class.

Imports no Airflow: the machine that builds needs none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from factory.bundle import stubs
from factory.bundle.records import DagRecords, settle, token_of
from factory.bundle.source import IGNORE_FILE, Listing, read_until_stable
from factory.bundle.store import BundleError
from factory.reporters.in_force import beside_text
from schemas.check.dependencies import pipeline_files
from schemas.folder.discovery import is_pipeline_path

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
    `environments`. What cannot be read, or keeps changing, stays as it was built before.

    :raises BundleError: the folder cannot be read.
    :raises OutputError: somebody else's file is in the way, the output lies inside the folder, or all its pipelines
        are gone from the folder.
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
    kept = _kept(record, listing)
    ownership = settle(found, [*stubs.uncopied_pipelines(listing), *filter(is_pipeline_path, kept)], record.owners)
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
    files = {**kept, **listing.files, **{path: keep(text) for path, text in texts.items()}}
    if IGNORE_FILE in record.files or not (output / IGNORE_FILE).exists():
        ignored = _ignore_text(files, record, output / IGNORE_FILE)
        files |= {IGNORE_FILE: keep(ignored)} if ignored else {}
    _refuse_other_folder(folder, output, files, record)
    _refuse_foreign(output, files, record)
    # Stubs come last and go first: at every moment each has what it needs.
    order = sorted(files, key=lambda path: (stubs.is_stub(path), path))
    written = [path for path in order if _token_at(output / path) != files[path]]
    # An equal file of somebody else stays theirs: it is not removed with the pipeline.
    ours = {path: files[path] for path in order if path in record.files or path in written or stubs.is_stub(path)}
    removed = sorted(record.files.keys() - files.keys(), key=lambda path: (not stubs.is_stub(path), path))
    # Named before it is there: after an interrupted build the next one knows what it may remove.
    _replace(output / RECORD, _text(_Record({**record.files, **ours}, record.owners)))
    for path in removed:
        _remove(output, path)
    for path in written:
        _replace(output / path, contents[files[path]], executable=files[path].endswith("x"))
    _replace(output / RECORD, _text(_Record(ours, ownership.owners)))
    broken = tuple(file.path for file in found if not file.dag_ids)
    problems = {**listing.problems, **dict.fromkeys(listing.unsettled, "keeps changing; what was built before stays")}
    return Written(sum(map(stubs.is_stub, files)), tuple(written), tuple(removed), problems, broken)


def _kept(record: _Record, listing: Listing) -> dict[str, str]:
    """What was built of folders that cannot be read now, and of files that kept changing."""
    folders = stubs.unreadable_folders(listing)
    changing = {*listing.unsettled, *map(stubs.stub_path, listing.unsettled)}
    return {path: token for path, token in record.files.items() if path.startswith(folders) or path in changing}


def _ignore_text(files: Mapping[str, str], record: _Record, present: Path) -> bytes:
    """An `.airflowignore` (glob) of our files that are no DAG files, and what somebody added to the present one."""
    ours = [path for path in sorted(files) if not stubs.is_stub(path) and Path(path).suffix in (".py", ".zip")]
    lines = [_ignored(path) for path in ours]
    written = {_ignored(path) for path in record.files} | set(lines)
    there = present.read_text().splitlines() if present.exists() else []
    return "".join(f"{line}\n" for line in (*lines, *(line for line in there if line not in written))).encode()


def _ignored(path: str) -> str:
    return f"/{path.translate(GLOB_SIGNS)}"


def _refuse_other_folder(folder: Path, output: Path, files: Mapping[str, str], record: _Record) -> None:
    """A mount that is late, or a wrong --pipelines, takes no DAGs away; one pipeline may well get another name."""
    before = [path for path in record.files if stubs.is_stub(path) and (output / path).exists()]
    if len(before) > 1 and files.keys().isdisjoint(before):
        raise OutputError(
            f"none of the {len(before)} pipelines that were built into {output} is in {folder} any more; choose "
            f"another --output, or remove {output / RECORD} and the DAG files that it names"
        )


def _refuse_foreign(output: Path, files: Mapping[str, str], record: _Record) -> None:
    for path, token in files.items():
        is_ours = path in record.files or (stubs.is_stub(path) and _has_loader(output / path))
        if not is_ours and _token_at(output / path) not in (None, token):
            raise OutputError(
                f"{output / path} was not written by `factory build`, as far as {RECORD} beside it tells, and a "
                "pipeline needs a file there; choose another --output, or remove it"
            )


def _has_loader(path: Path) -> bool:
    """Whether a file is a stub of a build whose record was lost."""
    return path.is_file() and f"from {LOADER} import ".encode() in path.read_bytes()


def _token_at(path: Path) -> str | None:
    try:
        return token_of(path.read_bytes(), os.access(path, os.X_OK))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        return ""


_REMEDY = "remove it and the files that `factory build` wrote"


def _read_record(output: Path) -> _Record:
    path = output / RECORD
    try:
        data = json.loads(path.read_bytes())
        record = _Record(dict(data["files"]), dict(data["owners"]))
    except FileNotFoundError:
        return _Record({}, {})
    except (ValueError, TypeError, KeyError) as error:
        raise OutputError(f"{path} is damaged ({error}); {_REMEDY}") from None
    outside = next((one for one in record.files if ".." in Path(one).parts or Path(one).is_absolute()), None)
    if outside is not None:
        raise OutputError(f"{path} is damaged (`{outside}` is not below it); {_REMEDY}")
    return record


def _text(record: _Record) -> bytes:
    return json.dumps(asdict(record), indent=1, sort_keys=True).encode()


def _replace(path: Path, data: bytes, *, executable: bool = False) -> None:
    if path.exists() and path.read_bytes() == data and os.access(path, os.X_OK) == executable:
        return
    new = path.with_name(f".{hashlib.sha256(path.name.encode()).hexdigest()[:16]}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(data)
        new.chmod(0o755 if executable else 0o644)
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise OutputError(f"{path} cannot be written: {error.strerror}; the next build goes on from there") from None


def _remove(output: Path, path: str) -> None:
    """Remove a file, and the folders that it leaves empty."""
    with suppress(FileNotFoundError, NotADirectoryError):
        (output / path).unlink()
    for parent in (output / path).parents:
        if parent == output or not parent.is_dir() or any(parent.iterdir()):
            break
        parent.rmdir()
