"""Files that a document names: functions with their `_file`, documentation, templates."""

from __future__ import annotations

import ast
import os
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.dagfactory.dag_view import DagView, Part, is_unset, shown
from schemas.dagfactory.keys import (
    CALLBACKS,
    DAG_CALLBACKS,
    DOCUMENTATION_FILE,
    DOCUMENTATION_FUNCTION,
    FILE_PARTS,
    LAMBDAS,
    TEXT,
)
from schemas.dagfactory.rules.objects import callbacks_of, is_object
from schemas.dagfactory.rules.shape import wrong_kind
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.rules.dotted_paths import no_callable
from schemas.rules.template_files import below, missing_template, siblings, templates
from schemas.shape.places import mapping_at
from schemas.source import ModuleMissing, NameMissing, NotCallable, SourceError, SourceReader
from schemas.source.results import Result


def check_pairs(dag: DagView) -> Iterator[Diagnostic]:
    """The shape of callbacks, and `_name` without `_file` or the reverse."""
    for path, data in (((), dag.data), *dag.settings):
        callbacks = CALLBACKS if path else DAG_CALLBACKS
        for callback in callbacks:
            for place, value in callbacks_of(data, callback):
                is_call = isinstance(value, dict) and isinstance(value.get("callback"), str)
                is_made = is_object(value) and len(place) > 1  # a list's; dag-factory's release that takes lists
                if value is not None and not (isinstance(value, str) or is_made or is_call):
                    message = f"`{callback}` must be a dotted path, or a mapping with `callback` and its arguments"
                    caret = "write `callback` for `__type__`" if is_object(value) else ""
                    yield dag.subject.finding(Code.WRONG_TYPE, (*path, *place), message, caret=caret)
        for name_key, file_key in FILE_PARTS:
            if not path and name_key.removesuffix("_name") not in callbacks:
                continue
            if path[-1:] == ("default_args",) and name_key.removesuffix("_name") not in callbacks:
                for key in {name_key, file_key} & data.keys():
                    message = f"dag-factory ignores `{key}` in `default_args`: it reads it from tasks only"
                    yield dag.subject.finding(Code.DAG_FACTORY_IGNORES, (*path, key), message, at_key=True)
                continue
            for key, other in ((name_key, file_key), (file_key, name_key)):
                if path:
                    yield from wrong_kind(dag, (*path, key), data.get(key), TEXT)
                if data.get(key) is not None and data.get(other) is None:
                    message, help_text = f"`{key}` needs `{other}`", f"write `{other}`, too"
                    yield dag.subject.finding(Code.MISSING_KEY, (*path, key), message, at_key=True, help=help_text)


def check_code(dag: DagView) -> Iterator[Diagnostic]:
    """What must be the path of a function, or a lambda."""
    for task in dag.tasks.values():
        for key in ("python_callable", "execution_date_fn"):
            yield from wrong_kind(dag, (*task.path, key), task.data.get(key), TEXT)
        is_named = task.data.get("python_callable_name") is not None
        if "operator" in task.data and not is_named and task.data.get("python_callable", "") is None:
            message = "`python_callable` must not be null"
            yield dag.subject.finding(Code.WRONG_TYPE, (*task.path, "python_callable"), message)
        for key in LAMBDAS:
            value = task.data.get(key)
            if value is not None and not is_unset(value) and not _is_lambda(value):
                message, help_text = f"`{key}` must be a lambda of Python", 'such as "lambda value: value > 0"'
                yield dag.subject.finding(Code.WRONG_VALUE, (*task.path, key), message, help=help_text)


def _is_lambda(value: object) -> bool:
    try:
        body = ast.parse(value).body if isinstance(value, str) else []
    except (SyntaxError, ValueError):
        return False
    return len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Lambda)


def check(dag: DagView, reader: SourceReader) -> Iterator[Diagnostic]:
    """Whether the files are there, and whether they define what is looked for in them."""
    places = ((reader.folder / dag.subject.path).parent, reader.folder)
    yield from _missing(dag, (DOCUMENTATION_FILE,), dag.data.get(DOCUMENTATION_FILE), places)
    for path, data in (((), dag.data), *dag.settings):
        for name_key, file_key in (*FILE_PARTS, *(() if path else (DOCUMENTATION_FUNCTION,))):
            name, file = data.get(name_key), data.get(file_key)
            if not isinstance(name, str) or not isinstance(file, str):
                continue
            if not file.endswith((".py", ".pyc")) and "$" not in file:
                message = f"`{shown(file)}` is not a file of Python: its name must end with `.py`"
                yield dag.subject.finding(Code.MISSING_FILE, (*path, file_key), message)
                continue
            missing = list(_missing(dag, (*path, file_key), file, places))
            yield from missing
            found = None if missing else _found(file, places)
            result = reader.in_file(found, name) if found is not None else None
            if isinstance(result, ModuleMissing | NameMissing | NotCallable | SourceError):
                at = file_key if isinstance(result, SourceError) else name_key
                yield no_callable(dag.subject, (*path, at), result)
    for task in dag.tasks.values():
        for key in ("inlets", "outlets"):
            assets = task.data.get(key)
            if isinstance(assets, dict) and assets.keys() >= {"file", "datasets"}:
                yield from _missing(dag, (*task.path, key, "file"), assets["file"], places)
    searched = yield from _searched(dag, places)
    for task in dag.tasks.values() if searched is not None else ():
        if "operator" in task.data:
            for path, data in ((task.path, task.data), ((*task.path, "partial"), mapping_at(task.data, ("partial",)))):
                for named in templates(path, data, task.data["operator"], reader, searched or ()):
                    yield missing_template(dag.subject, named, searched or (), whose="the document")


def function_of(dag: DagView, task: Part, reader: SourceReader) -> Result | None:
    """What `python_callable_name` and `python_callable_file` name."""
    name, file = (task.data.get(f"python_callable_{what}") for what in ("name", "file"))
    places = ((reader.folder / dag.subject.path).parent, reader.folder)
    found = _found(file, places) if isinstance(name, str) and isinstance(file, str) else None
    return reader.in_file(found, str(name)) if found is not None else None


def _found(file: str, places: tuple[Path, ...]) -> Path | None:
    # Not pathlib's, which raises for a name that is too long.
    return next((place / file for place in places if os.path.isfile(place / file)), None)  # noqa: PTH113


def _missing(dag: DagView, path: DataPath, file: Any, places: tuple[Path, ...]) -> Iterator[Diagnostic]:
    if not isinstance(file, str) or "{{" in file or _found(file, places) is not None:
        return
    here = below(shown(file), places)
    caret, fix = (f"write `{here}`", Word(here)) if here is not None else ("", None)
    if "$" in file and not isinstance(file, EnvText):
        name = file[file.index("$") + 1 :].strip("{").split("/")[0].split("}")[0]
        message = f"`{name}` is not set, so there is no such file"
        yield dag.subject.finding(Code.UNSET_VARIABLE, path, message, caret=caret, fix=fix)
        return
    if os.path.isabs(file):  # noqa: PTH117 # as above
        message = f"there is no file `{shown(file)}` here"
        help_text = "it must exist where Airflow reads the DAG; a file below `pipelines/` comes with it"
        found = dag.subject.finding(Code.MISSING_FILE, path, message, caret=caret, help=help_text, fix=fix)
        yield replace(found, severity=Severity.WARNING)
        return
    others = [other.relative_to(place).as_posix() for place in places for other in siblings(place / file)]
    message = f"there is no file `{shown(file)}` beside the document or in the pipelines folder"
    caret = meant(file, others) if not isinstance(file, EnvText) else ""
    yield dag.subject.finding(Code.MISSING_FILE, path, message, caret=caret)


def _searched(dag: DagView, places: tuple[Path, ...]) -> Generator[Diagnostic, None, tuple[Path, ...] | None]:
    """Returns where templates are looked up; None where that is unknown here."""
    path, written = ("template_searchpath",), dag.data.get("template_searchpath")
    texts = written if isinstance(written, list) else [] if written is None else [written]
    if not all(isinstance(text, str) for text in texts):
        yield dag.subject.finding(Code.WRONG_TYPE, path, "`template_searchpath` must be a folder, or a list of folders")
        return None
    if any("$" in text and not isinstance(text, EnvText) for text in texts):
        return None
    found = [next((place / t for place in places if os.path.isdir(place / t)), None) for t in texts]  # noqa: PTH112
    if None in found:
        missing = texts[found.index(None)]
        place: DataPath = (*path, found.index(None)) if isinstance(written, list) else path
        is_absolute = os.path.isabs(missing)  # noqa: PTH117 # as above
        where = "here" if is_absolute else "beside the document or in the pipelines folder"
        message = f"there is no folder `{shown(missing)}` {where}"
        help_text = "it must exist where Airflow reads the DAG; a folder below `pipelines/` comes with it"
        severity = Severity.WARNING if is_absolute else Severity.ERROR  # it may exist where Airflow runs
        yield dag.subject.finding(Code.MISSING_FILE, place, message, help=help_text, severity=severity)
        return None
    return (*places, *(folder for folder in found if folder is not None))
