"""Files that Airflow reads as templates: whether they are there, and what is wrong with the templates in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from schemas.compose.env_values import as_written
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import meant
from schemas.model.built_ins import BUILT_INS
from schemas.rules.expressions import has_expression
from schemas.rules.run_context import said_of_dates, without_dates
from schemas.rules.subject import Reference, Subject
from schemas.rules.template_names import said_of_names
from schemas.rules.templates import Said, rendered_texts, said_of_template
from schemas.shape.places import mapping_at, value_at
from schemas.source import Class, SourceReader
from schemas.text.document import not_utf8
from schemas.text.lines import TextLines

_SHELL = (".sh", ".bash")
_SQL = (".sql", ".hql")
_HTML = (".html",)
_SPEC = (".vl.json", ".vl.yaml", ".vl.yml")
_ENDINGS = {
    "requirements": (".txt",),
    "bash_command": _SHELL,
    "sql": _SQL,
    "hql": _SQL,
    "spec": _SPEC,
    "html_content": _HTML,
}
"""Argument of an unknown operator → the endings with which its text names a file."""
_OF_MAIL = ("to", "cc", "bcc", "subject", "from_email", "files")
OF_BUILT_INS = {
    "bash": (_SHELL, ("bash_command", "env", "cwd")),
    "wait_sql": (_SQL, ("sql", "hook_params", "parameters", "conn_id")),
    "email": (_HTML, (*_OF_MAIL, "html_content", "mime_subtype", "mime_charset", "conn_id", "custom_headers")),
    "sql": ((".sql",), ("conn_id", "sql", "parameters", "database", "to")),
    "duckdb": ((".sql",), ("sql", "tables", "database", "to")),
    "chart": ((".sql", *_SPEC), ("rows", "file", "conn_id", "sql", "spec", "to", "title")),
}
"""Built-in → the endings with which Airflow takes texts in these arguments for names of files."""
_ALL_ENDINGS = (*_SHELL, *_SQL, *_SPEC, *_HTML, ".txt", ".json", ".py", ".jinja", ".j2", ".yaml", ".yml", ".hcl")
_NAME = r"(?<!> )(?<![\w./$~{}<>=:-])(?:\./)?(\w[\w-]*(?:/\w[\w-]*)*\.(?:py|sh|bash|sql|ipynb|R|jar))(?![\w./*-])"
"""A program by a relative path, as a word of a command. Data may be what the command itself writes."""
_PROGRAMS = (*_SHELL, ".py", ".sql", ".ipynb", ".R", ".jar")
_BARE_DATE = (
    r"(?i)(?:[=<>]|\b(?:between|and))\s*"
    r"(?P<part>\{\{-?\s*(?:ds|macros\.ds_add\([^{}]*\)|[\w.]+\s*\|\s*ds)\s*-?\}\})(?!['\w])"
)
_LONGEST = 255
_LONGEST_FILE = 200_000
"""Characters of a file; a longer one is data."""


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Names that end like a file's and are none, beside {whose} or in the pipelines folder.

    Airflow takes a template field's text for a file's name where it ends with one of the operator's `template_ext`
    (`airflow.sdk.definitions._internal.abstractoperator`), a whole command that ends with `.sh` included.
    """
    folder = reader.folder
    places = ((folder / subject.path).parent, folder)
    if subject.may_hold("sql") and subject.may_hold("{{"):
        yield from _bare_dates(subject)
    if subject.may_hold("bash_command") and subject.may_hold(*_PROGRAMS):
        yield from _files_in_commands(subject, places)
    if subject.may_hold(*_NAMES_A_TEMPLATE) and subject.may_hold("{%"):
        for path, text in rendered_texts(subject):
            for said in said_of_includes(text, places):
                yield subject.finding(said.code, path, said.message, caret=said.caret, part=said.part)
    if not subject.may_hold(*_ALL_ENDINGS):
        return
    yield from _templates_in_files(subject, reader, places)
    for task in subject.tasks:
        for named in templates(task.with_path, task.arguments, task.uses, reader, places):
            if not has_expression(subject, named.path):
                yield missing_template(subject, named, places, whose="the pipeline")
    for reference in subject.references if subject.may_hold("${tasks", "${expand") else ():
        yield from _file_of_a_run(subject, reference, reader)


def _bare_dates(subject: Subject) -> Iterator[Diagnostic]:
    for task in subject.tasks:
        for key, value in task.arguments.items():
            for place, text in walk({key: value}).texts if key == "sql" or key.endswith("_sql") else ():
                for said in said_of_bare_dates(text):
                    path = (*task.with_path, *place)
                    yield subject.finding(
                        said.code, path, said.message, caret=said.caret, part=said.part, severity=said.severity
                    )


def said_of_bare_dates(text: str) -> Iterator[Said]:
    """A date in SQL without quotes: a subtraction."""
    for match in re.finditer(_BARE_DATE, text) if "{{" in text else ():
        if text.count("'", 0, match.start("part")) % 2 == 0:
            message = "without quotes SQL reads a date as a subtraction: 2026-01-31 is 1994"
            caret = f"write `'{match['part']}'`"
            yield Said(Code.BAD_TEMPLATE, message, match.span("part"), caret, severity=Severity.WARNING)


_NAMES_A_TEMPLATE = ("include", "import", "extends")


def said_of_includes(text: str, places: Sequence[Path]) -> Iterator[Said]:
    """Templates that a template names and that are in none of the places, from which Airflow's Jinja loads them."""
    tree = read_template(text).tree if any(word in text for word in _NAMES_A_TEMPLATE) else None
    if tree is None:
        return
    from jinja2 import nodes  # noqa: PLC0415 # lint starts for many files that have no template

    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        named = getattr(node, "template", None)
        if not isinstance(named, nodes.Const) or getattr(node, "ignore_missing", False):
            continue
        name = named.value
        if isinstance(name, str) and _file(name, places) is None:
            others = [file.relative_to(place).as_posix() for place in places for file in siblings(place / name)]
            message = f"there is no template `{name}` beside the pipeline or in the pipelines folder"
            at = max(text.find(name, named.lineno), 0)  # its place in the text
            yield Said(Code.MISSING_FILE, message, (at, at + len(name)), meant(name, others))


def _files_in_commands(subject: Subject, places: Sequence[Path]) -> Iterator[Diagnostic]:
    """A program of the pipelines folder in a command, which starts in an empty folder."""
    for task in subject.tasks:
        command = task.arguments.get("bash_command")
        if not isinstance(command, str) or "cwd" in task.arguments or command.endswith(_SHELL):
            continue
        named = re.finditer(_NAME, command) if not re.search(r"\bcd\b|<<", command) else ()
        found = next((match for match in named if _file(match[1], places) is not None), None)
        if found is None:
            continue
        stem, _, ending = found[1].rpartition(".")
        help_text = "write its path on the machines where tasks run, or the folder as `cwd`"
        if ending == "py":
            help_text = f"name a function of it: `uses: {stem.replace('/', '.')}.FUNCTION`"
        elif f".{ending}" in _SHELL:
            help_text = f"write `bash_command: {found[1]}` and nothing else: Airflow runs the text of the file"
        message = f"a command starts in an empty folder, where there is no `{found[1]}`"
        path = (*task.with_path, "bash_command")
        yield subject.finding(Code.SURPRISING_COMMAND, path, message, help=help_text, part=found.span(1))


def _file_of_a_run(subject: Subject, reference: Reference, reader: SourceReader) -> Iterator[Diagnostic]:
    text, task = as_written(value_at(subject.data, reference.path)), reference.task
    names = [*_names((), {str(task.argument_at(reference.path)): text}, task.uses, reader)]
    if reference.part is not None and names and names[0].is_of_files and " " not in text:
        written = text[slice(*reference.part)]
        yield subject.finding(
            Code.EXPRESSION_NOT_ALLOWED,
            reference.path,
            f"the name of a file that Airflow reads as a template must be known before the run, and `{written}` is not",
            help="name the file without it; a template in the file can ask: {{ ti.xcom_pull(task_ids='…') }}",
            part=reference.part,
        )


class Named(NamedTuple):
    """A text that Airflow takes for the name of a file. `is_of_files`: the argument is one that can name a file."""

    path: DataPath
    text: str
    is_of_files: bool


def templates(
    at: DataPath, arguments: Mapping[str, Any], uses: Any, reader: SourceReader, places: Sequence[Path]
) -> Iterator[Named]:
    """The names of files that are in none of the places, among arguments at a path."""
    for named in _names(at, arguments, uses, reader):
        if len(named.text) <= _LONGEST and _file(named.text, places) is None:
            yield named


def _templates_in_files(subject: Subject, reader: SourceReader, places: Sequence[Path]) -> Iterator[Diagnostic]:
    """What is wrong with the templates in the files, each named once."""
    folder = reader.folder
    macros, filters = (mapping_at(subject.data, (f"user_defined_{what}",)) for what in ("macros", "filters"))
    operators = [task for task in subject.tasks if task.uses in BUILT_INS or str(task.uses).endswith("Operator")]
    written = {one.text for task in operators for one in _names((), task.arguments, task.uses, reader)}
    shown = subject.effective.layers[-1].file.removesuffix(subject.path)
    why = without_dates(subject)
    reads_templates = not subject.data.get("jinja_environment_kwargs")
    for name in sorted(written):
        file = _file(name, places)
        if file is None:
            continue
        raw = file.read_bytes()
        place = shown + file.relative_to(folder).as_posix() if file.is_relative_to(folder) else str(file)
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            yield not_utf8(raw, error, place)
            continue
        if not reads_templates or "{" not in text or len(text) > _LONGEST_FILE:
            continue
        dates = said_of_dates(text, why) if why else ()
        bare = said_of_bare_dates(text) if name.endswith(_SQL) else ()
        found = (*said_of_template(text, macros, filters), *said_of_names(text, macros), *dates, *bare)
        for said in (*found, *said_of_includes(text, places)):
            span = TextLines(text).span(*said.part)
            severity = said.severity or said.code.severity
            yield Diagnostic(said.code, said.message, place, span, said.caret, said.help, text=text, severity=severity)


def _file(name: str, places: Sequence[Path]) -> Path | None:
    # Not pathlib's, which raises for a name that is too long.
    below_it = name.lstrip("/")  # as Jinja does
    found = (place / below_it for place in places if os.path.isfile(place / below_it))  # noqa: PTH113
    return next(found, None) if len(name) <= _LONGEST else None


def _names(at: DataPath, arguments: Mapping[str, Any], uses: Any, reader: SourceReader) -> Iterator[Named]:
    found = reader.named(uses)
    of_class = (found.template_ext, found.template_fields) if isinstance(found, Class) else None
    known, fields = OF_BUILT_INS.get(uses, ((), ())) if uses in BUILT_INS else of_class or (None, None)
    for key, value in arguments.items() if known != () else ():
        by_name = _ENDINGS.get(key, _SQL if key.endswith("_sql") else ())
        endings = by_name if known is None or fields is None else known if key in fields else ()
        for place, text in walk({key: value}).texts if endings else ():
            if text.endswith(endings):
                yield Named((*at, *place), text, bool(by_name))


def missing_template(subject: Subject, named: Named, places: Sequence[Path], *, whose: str) -> Diagnostic:
    """The finding for one of `templates`; `whose` folder was looked in."""
    path, text = named.path, named.text
    if not named.is_of_files:
        ending = PurePosixPath(text).suffix
        message = f"Airflow reads a text that ends with `{ending}` as the name of a template file, and there is none"
        computed = re.sub(r"\{\{-?\s*(.*?)\s*-?\}\}", r"' ~ \1 ~ '", text)
        one = f"'{computed}'".removeprefix("'' ~ ")
        is_plain = "'" not in text and "{%" not in text
        caret = f'write `"{{{{ {one} }}}}"` for the text itself' if is_plain else ""
        return subject.finding(Code.MISSING_FILE, path, message, caret=caret)
    if "{{" in text or "{%" in text:
        return subject.finding(
            Code.MISSING_FILE,
            path,
            f"Airflow reads a text that ends with `{PurePosixPath(text).suffix}` as the name of a file, and renders no "
            "template in a name",
            help="write the template into the file; in place of a name, `{% include … %}` takes a computed one",
        )
    if " " in text:
        return subject.finding(
            Code.MISSING_FILE,
            path,
            f"Airflow reads a command that ends with `{PurePosixPath(text).suffix}` as the name of a file",
            help="add a space at its end, inside quotes, to make it a command",
        )
    beside = [file.relative_to(place).as_posix() for place in places for file in siblings(place / text)]
    others = [name for name in beside if name != text]  # of that name there may be a folder, or a named pipe
    here = below(text, places)
    is_program = text.startswith(("/", "./", "~/")) and text.endswith((".sh", ".bash"))
    return subject.finding(
        Code.MISSING_FILE,
        path,
        f"there is no file `{text}` beside {whose} or in the pipelines folder",
        caret=f"write `{here}`" if here is not None else meant(text, others),
        help="to run a program of this path, add a space at its end, inside quotes" if is_program else "",
        fix=Word(here) if here is not None else None,
    )


def below(file: str, places: Sequence[Path]) -> str | None:
    """Where a file is below one of the places that is named by its path in a container or another checkout."""
    parts = PurePosixPath(file).parts
    tails = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((tail for tail in tails if _file(tail, places) is not None), None)


def siblings(missing: Path) -> list[Path]:
    """Files of the same kind in the folder where one is missing."""
    try:
        return sorted(missing.parent.glob(f"*{missing.suffix}"))
    except (OSError, ValueError):
        return []
