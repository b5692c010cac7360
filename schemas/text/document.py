"""YAML 1.2 text → plain data; positions are looked up on demand.

Reading keeps no node tree, because most documents have no findings and need no positions. The first look-up composes
the text again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from yaml import Node, YAMLError

from schemas.findings.codes import Code
from schemas.findings.diagnostics import LET_READ, Diagnostic, Span
from schemas.findings.paths import DataPath
from schemas.text.construct import Scalars, construct
from schemas.text.lines import TextLines
from schemas.text.nodes import MAX_DEPTH, MAX_NODES, NestedTooDeepError, Positions, TooManyNodesError, compose

MAX_BYTES = 1024 * 1024
_MOST_ARE_SMALLER = 64 * 1024
"""Bytes. Room for the largest, taken for each file, costs more than reading it."""

_INVISIBLE = "[\x85\u2028\u2029\ufeff]"
"""Line breaks of YAML 1.1, which the parser follows and YAML 1.2 and editors do not (YAML 1.2.2, section 5.4), and a
byte order mark that is not at the start, as in joined files."""
_OTHER_SPELLING = r"(?<![\w.])(?:\+[0-9]|0[0-9xo])|\.[0-9]*0(?![0-9.])|[0-9]\.(?![0-9])|[0-9][eE][-+0-9]"
"""A number that Python would write in another way, anywhere in a text."""

Parse = Callable[[str, str], "Document"]
"""Text and the path shown for it → document."""


@dataclass(frozen=True)
class Document:
    """A text that was read.

    `file` is the path shown to the user. `data` is plain data (dict with text keys, list, str, int, float, bool,
    None), and None where `diagnostics` says why the text could not be read. `dialect`: whose language it is, empty for
    this project's.
    """

    file: str
    text: str = field(repr=False)
    data: Any = None
    diagnostics: tuple[Diagnostic, ...] = ()
    dialect: ClassVar[str] = ""

    @cached_property
    def _positions(self) -> Positions:
        root: Node | None = None
        if not self.diagnostics:
            root = compose(self.text)
        return Positions(TextLines(self.text), root)

    def may_hold(self, *marks: str) -> bool:
        """Whether a value or key may have one of these in it."""
        return may_hold(self.text, marks)

    @cached_property
    def may_hold_other_spellings(self) -> bool:
        """Whether a number may be written in another way than Python writes it, such as `1.10` and `09`."""
        return re.search(_OTHER_SPELLING, self.text) is not None

    def value_span(self, path: DataPath) -> Span:
        """Where the value at `path` is; if there is none, where its nearest parent is."""
        return self._positions.value(path)

    def key_span(self, path: DataPath) -> Span:
        """Where the last key of `path` is; for a list item, where the item is."""
        return self._positions.key(path)

    def entry(self, path: DataPath) -> tuple[int, int, int]:
        """Indexes of the text: where the last key of `path` ends, and where its value begins and ends."""
        return self._positions.entry(path)

    @property
    def lines(self) -> TextLines:
        """The text by lines."""
        return self._positions.lines

    def is_in_value(self, index: int) -> bool:
        """Whether a scalar, or a key, covers an index of the text: then a `#` there begins no comment."""
        return self._positions.is_in_scalar(index)

    def written(self, span: Span) -> str:
        """The text at a span of one line."""
        return self._positions.lines.line_text(span.line)[span.column - 1 : span.end_column - 1]

    def at(self, path: DataPath) -> Any:
        """The value at `path`; None where there is none."""
        value = self.data
        for element in path:
            known = isinstance(value, list) and isinstance(element, int) and element < len(value)
            if not known and not (isinstance(value, dict) and element in value):
                return None
            value = value[element]
        return value


def may_hold(text: str, marks: Iterable[str]) -> bool:
    """Whether a value or key may have one of these in it: most texts have few, and looking at each value costs.

    An escape in double quotes may hide one: `"\\x24{env.NAME}"`.
    """
    for mark in marks:  # no generator: every rule asks, of every file
        if mark in text:
            return True
    return "\\" in text


def read_document(path: Path, file: str, parse: Parse | None = None) -> Document:
    """Read a file; what keeps it from being read is a diagnostic of the document."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MOST_ARE_SMALLER)
            if len(raw) == _MOST_ARE_SMALLER:
                raw += stream.read(MAX_BYTES + 1 - len(raw))
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        help_text = LET_READ if isinstance(error, PermissionError) else ""
        return _failed(file, "", Code.UNREADABLE, f"cannot be read: {reason}", Span(1, 1, 1, 2), help_text)
    return document_from_bytes(raw, file, parse)


def document_from_bytes(raw: bytes, file: str, parse: Parse | None = None) -> Document:
    """Decode UTF-8 (a byte order mark is skipped) and read, by `document_from_text` or `parse`."""
    if len(raw) > MAX_BYTES:
        return _failed(file, "", Code.TOO_LARGE, "the file is larger than 1 MiB", Span(1, 1, 1, 2))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = not_utf8(raw, error, file)
        return Document(file, found.text or "", diagnostics=(found,))
    return (parse or document_from_text)(text, file)


def not_utf8(raw: bytes, error: UnicodeDecodeError, file: str) -> Diagnostic:
    """The finding for bytes in another encoding, where the first of them is."""
    readable = raw[: error.start].decode("utf-8-sig")
    line, column = TextLines(readable).position(len(readable))
    shown = raw.decode("utf-8-sig", errors="replace")
    message = f"byte 0x{raw[error.start]:02X} is not UTF-8"
    help_text = "save the file as UTF-8; `factory rule PF002` says how"
    return Diagnostic(Code.NOT_UTF8, message, file, Span(line, column, line, column + 1), help=help_text, text=shown)


def document_from_text(text: str, file: str, scalars: Scalars | None = None) -> Document:
    """Read a text; never raises, every outcome is data or diagnostics. `scalars`: a reader of scalars of its own."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return _failed(file, "", Code.TOO_LARGE, "the text is larger than 1 MiB", Span(1, 1, 1, 2))
    text = text.removeprefix("\ufeff")
    invisible = None if text.isascii() else re.search(_INVISIBLE, text)
    if invisible is not None:
        span = TextLines(text).span(*invisible.span())
        message = f"invisible character U+{ord(invisible.group()):04X}"
        return _failed(file, text, Code.YAML_SYNTAX, message, span, help="remove it")
    try:
        root = compose(text)
    except NestedTooDeepError as error:
        message = f"nested deeper than {MAX_DEPTH} levels"
        span = TextLines(text).span(error.mark.index, error.mark.index + 1)
        return _failed(file, text, Code.TOO_DEEP, message, span)
    except TooManyNodesError:
        message = f"the file contains more than {MAX_NODES:,} keys and values"
        return _failed(file, text, Code.TOO_LARGE, message, Span(1, 1, 1, 2))
    except UnicodeEncodeError as error:
        span = TextLines(text).span(error.start, error.end)
        message = f"the character U+{ord(text[error.start]):04X} is not allowed in YAML"
        return _failed(file, text, Code.YAML_SYNTAX, message, span)
    except YAMLError as error:
        from schemas.text.syntax_errors import explain  # noqa: PLC0415 # most files are right

        return Document(file, text, diagnostics=(explain(error, text, file),))
    if root is None:
        return Document(file, text)
    data, diagnostics = construct(root, text, file, scalars)
    return Document(file, text, None if diagnostics else data, diagnostics)


def _failed(file: str, text: str, code: Code, message: str, span: Span, help: str = "") -> Document:
    return Document(file, text, diagnostics=(Diagnostic(code, message, file, span, help=help, text=text),))
