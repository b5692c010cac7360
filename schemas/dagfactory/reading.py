"""Text → document of dag-factory's language, with positions and with a warning wherever YAML 1.1 and 1.2 differ.

Environment variables are expanded first, then scalars are read as YAML 1.1. PyYAML's own tables and constructors are
used, so that nothing differs from what such a file means today.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

import yaml
from yaml import ScalarNode
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from schemas.compose.env_values import EnvText, is_airflows_own, looks_like_secret
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Fix, Span
from schemas.folder.dialect import DIALECT, has_shape, is_forced
from schemas.text.document import Document, document_from_text
from schemas.text.lines import TextLines
from schemas.text.nodes import MAX_DIGITS, PLAIN, NumberTooLongError, plain_scalar

_PREFIX = "tag:yaml.org,2002:"
VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>[^{}]*)\})", re.ASCII)
_LOGIN_HELP = "keep it in an Airflow connection or Variable: `{{ conn.NAME.password }}`, `{{ var.value.NAME }}`"
"""A line with a key and a value that ends there."""
_PAIR = re.compile(r"[^,{}\[\]\"'#]*,\s*(?=\S)")
_TAGGED = re.compile(r"!!(?:str|int|float|bool|timestamp) +(?:\"[^\"\\]*\"|'[^']*'|[\w.+-]+)(?=\s*(?:[,\]}]|#|$))")
_Construct = Callable[[SafeConstructor, ScalarNode], Any]
_CONSTRUCTORS: Mapping[str, _Construct] = {
    f"{_PREFIX}null": SafeConstructor.construct_yaml_null,
    f"{_PREFIX}bool": SafeConstructor.construct_yaml_bool,
    f"{_PREFIX}int": SafeConstructor.construct_yaml_int,
    f"{_PREFIX}float": SafeConstructor.construct_yaml_float,
    f"{_PREFIX}timestamp": SafeConstructor.construct_yaml_timestamp,
}
_RESOLVED = frozenset(Resolver.yaml_implicit_resolvers)
"""First characters of plain scalars that may not be text."""
_LONGEST_WORD = 5
"""Characters of `false`: longer words are always text."""
_MAY_DIFFER = frozenset("yYnNoO+-.0123456789")
"""First characters of plain scalars that the two versions of YAML may read differently."""


@dataclass(frozen=True)
class DagFactoryDocument(Document):
    """A document whose `data` is what dag-factory would have read: YAML 1.1, environment variables expanded.

    Text that holds a variable's value is an `EnvText`. `notes` are the findings of reading it.
    """

    dialect = DIALECT
    notes: tuple[Diagnostic, ...] = ()


def dag_factory_document(text: str, file: str, environ: Mapping[str, str]) -> DagFactoryDocument | None:
    """Read a text that may be dag-factory's; None where neither its shape nor a comment says that it is."""
    document = read_dag_factory(text, file, environ)
    if is_forced(text) or has_shape(document.data):
        return document
    # What is wrong in it must not hide whose file it is.
    if not document.diagnostics:
        return None
    if all(found.code in (Code.DUPLICATE_KEY, Code.TAG) for found in document.diagnostics):
        return document if has_shape(_data_anyway(text)) else None
    return document if has_shape(document_from_text(text, file).data) else None


def _data_anyway(text: str) -> Any:
    """What PyYAML reads, which takes the last of equal keys; None for what it does not read."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def read_dag_factory(text: str, file: str, environ: Mapping[str, str]) -> DagFactoryDocument:
    """Read a text that is dag-factory's: one of its documents, or its defaults."""
    scalars = _ScalarReader(environ)
    read = document_from_text(text, file, scalars)
    if read.diagnostics or not scalars.notes:
        lines = TextLines(read.text)
        found = tuple(replace(d, fix=d.fix or _reading_fix(d, lines)) for d in read.diagnostics)
        return DagFactoryDocument(file, read.text, read.data, found)
    lines = TextLines(read.text)
    notes = (
        Diagnostic(
            note.code,
            note.message,
            file,
            lines.span(note.start, note.end),
            caret=note.caret,
            help=note.help,
            text=read.text,
            severity=Code.YAML11_VALUE.severity,
        )
        for note in scalars.notes.values()
    )
    return DagFactoryDocument(file, read.text, read.data, (), tuple(notes))


def _reading_fix(found: Diagnostic, lines: TextLines) -> Fix | None:
    """What makes a text readable here: removes the first of two equal keys, which dag-factory drops, or a tag."""
    if found.code is Code.DUPLICATE_KEY and found.related:
        return _without_first(found.related[0].span, found.span, lines)
    if found.code is Code.TAG:
        span, text = found.span, lines.line_text(found.span.line)
        match = _TAGGED.match(text, span.column - 1)
        if match is not None:
            value = yaml.safe_load(match[0])
            written = str(value) if isinstance(value, date) else json.dumps(value, ensure_ascii=False)
            return Fix(Span(span.line, span.column, span.line, match.end() + 1), written)
    return None


def _without_first(first: Span, again: Span, lines: TextLines) -> Fix | None:
    """Removes the entry at `first`: its lines, or its part of a line that holds both keys."""
    line, text = first.line, lines.line_text(first.line)
    if line == again.line:
        pair = _PAIR.match(text, first.column - 1)
        return Fix(Span(line, first.column, line, pair.end() + 1), "") if pair is not None else None
    if text[: first.column - 1].strip():
        return None  # beside the `-` of a list
    depth, last = first.column - 1, line
    for number in range(line + 1, again.line):
        following = lines.line_text(number)
        if following.strip() and not following.startswith((" " * (depth + 1), " " * depth + "- ")):
            break  # the next key
        last = number if following.strip() else last
    return Fix(Span(line, 1, last, len(lines.line_text(last)) + 1), "\n" * (last - line))  # no other line moves


def variable_name(match: re.Match[str]) -> str:
    """The name in a match of `VARIABLE`."""
    name: str = match["plain"] if match["plain"] is not None else match["braced"]
    return name


def variables(text: str) -> Iterator[tuple[str, str]]:
    """Each `$NAME` or `${NAME}` of a text, as written, with its name."""
    return ((match[0], variable_name(match)) for match in VARIABLE.finditer(text))


class _Note(NamedTuple):
    """A finding about a scalar; `start` and `end` are its place in the text."""

    start: int
    end: int
    code: Code
    message: str
    caret: str = ""
    help: str = ""


class _ScalarReader:
    """Reads the scalars of one text, and notes what somebody may not expect. An alias repeats its scalar."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._constructor = SafeConstructor()
        self.notes: dict[tuple[int, str], _Note] = {}

    def key(self, node: ScalarNode) -> Any:
        """A key: never expanded. Raises as `value`."""
        return self._plain(node.value) if node.tag == PLAIN else node.value

    def value(self, node: ScalarNode) -> Any:
        """A value. Raises NumberTooLongError, and ValueError for a date that does not exist."""
        written = node.value
        if "$" in written:
            expanded = self._expanded(node)
            if expanded is not None:
                read = self._plain(expanded) if node.tag == PLAIN else expanded
                if node.tag == PLAIN and VARIABLE.fullmatch(written) and isinstance(read, str):
                    read = list_from(read, written)
                return EnvText.of(read, written, whole=False) if isinstance(read, str) else read
        if node.tag != PLAIN:
            return written
        old = self._plain(written)
        if written[:1] in _MAY_DIFFER:
            self._compare(node, old)
        return old

    def _expanded(self, node: ScalarNode) -> str | None:
        """The text with the variables that are set, as `os.path.expandvars` gives it; None where none is set."""
        names = {variable_name(match) for match in VARIABLE.finditer(node.value)} & self._environ.keys()
        for name in names:
            if looks_like_secret(name) or is_airflows_own(name):
                message = (
                    f"`{name}` looks like a secret; dag-factory writes its value into the DAG, and Airflow shows it"
                )
                self._note(node, name, Code.SECRET_VARIABLE, message, help=_LOGIN_HELP)
        if not names:
            return None
        return VARIABLE.sub(lambda match: self._environ.get(variable_name(match), match[0]), node.value)

    def _plain(self, text: str) -> Any:
        if text[:1] not in _RESOLVED or (len(text) > _LONGEST_WORD and text[0].isalpha()):
            return text
        for tag, pattern in Resolver.yaml_implicit_resolvers.get(text[:1], ()):
            if pattern.match(text):
                construct = _CONSTRUCTORS.get(tag)
                if construct is None:
                    return text
                if len(text) > MAX_DIGITS:
                    raise NumberTooLongError(text)
                return construct(self._constructor, ScalarNode(tag, text))
        return text

    def _compare(self, node: ScalarNode, old: Any) -> None:
        """Note a plain scalar that YAML 1.1 (`old`) and 1.2 read differently."""
        new = plain_scalar(node.value)
        if (new == old and type(new) is type(old)) or (new != new and old != old):  # noqa: PLR0124 # both are .nan
            return
        # A date where a date belongs means the same as its text; elsewhere a rule says that it is an object.
        if isinstance(old, date):
            return
        message = f"dag-factory reads `{node.value}` as {_described(old)}; YAML 1.2 reads {_described(new)}"
        caret = f'write "{node.value}"'
        if not isinstance(old, str):
            caret = f'write {_written(old)}, or "{node.value}" for the text'
        self._note(node, "", Code.YAML11_VALUE, message, caret)

    def _note(self, node: ScalarNode, name: str, code: Code, message: str, caret: str = "", help: str = "") -> None:
        start = node.start_mark.index
        self.notes.setdefault((start, name), _Note(start, node.end_mark.index, code, message, caret, help))


def list_from(text: str, written: str) -> Any:
    """The list of words that the whole of a value gives, which dag-factory reads as YAML; its text where it is none."""
    if not text.startswith("["):
        return text
    try:
        items = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if not isinstance(items, list) or any(isinstance(item, dict | list) for item in items):
        return text
    return [EnvText.of(item, written, whole=False) if isinstance(item, str) else item for item in items]


def _described(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return _written(value) if isinstance(value, bool) else f"the number {_written(value)}"


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
