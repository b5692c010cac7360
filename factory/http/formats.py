"""CSV → rows, and XML → plain data, as common readers do it: an element is a mapping of its attributes (`@name`) and
children, a list where there are several of a name, its text where it has nothing else. Names are as they are written,
with their prefix (`soap:Body`): without it, two columns would become one."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from itertools import pairwise, takewhile
from typing import Any
from xml.parsers import expat

from factory.http.answers import shown
from factory.http.body import AnswerError
from factory.http.failures import names_message, signs_of_failure
from factory.http.selection import LoneItems
from factory.http.wording import tells_failure
from schemas.model.http import Csv

_DEEPEST = 200
_LONGEST_LINE = 1_000
_INDENTED = re.compile(r"\A\s*\n\s*|\s*\n\s*\Z")
"""Space for the eyes: that in one line with the text belongs to it."""
_DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"'](?P<name>[A-Za-z][\w.-]*)[\"']")
_KNOWN = ("utf-8", "utf8", "utf-16", "utf-16be", "utf-16le", "us-ascii", "ascii", "iso-8859-1")
_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)(?P<name>[^\s#&;<>\"']+);")


def xml_value(body: bytes, charset: str | None) -> Any:
    """`{root: {…}}`. Raises AnswerError for what is not XML, and for entities, which can be bombs."""
    reader = _Reader()
    declared = _DECLARED.match(body)
    name = charset or (declared["name"].decode() if declared is not None else None)

    def doctype(_: str, system: str | None, *__: Any) -> None:
        # Of entities in attributes that another file declares, the parser says nothing: they would vanish.
        if system is not None and (found := _ENTITY.search(body)) is not None:
            _refuse_unknown(found["name"].decode(errors="replace"), is_parameter=False)

    try:
        if name is not None and name.lower().replace("_", "-") not in _KNOWN:
            # The parser knows no other encodings in which a character has several bytes.
            body, charset = body.decode(name).encode(), "utf-8"
        parser = expat.ParserCreate(charset)
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.text
        parser.StartDoctypeDeclHandler = doctype
        parser.EntityDeclHandler = _refuse_entity
        parser.SkippedEntityHandler = _refuse_unknown
        parser.buffer_text = True
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise AnswerError(f"the answer is not XML: {error}") from None
    return reader.root


def _refuse_entity(*_: Any) -> None:
    raise AnswerError("the answer's XML declares entities, which are not read: they can stand for any amount of text")


def _refuse_unknown(name: str, is_parameter: bool) -> None:
    if not is_parameter:
        raise AnswerError(f"the answer's XML has `&{name};`, which is declared elsewhere and not read")


class _Reader:
    def __init__(self) -> None:
        self.root: dict[str, Any] = LoneItems()
        self._open: list[tuple[dict[str, Any], list[str]]] = [(self.root, [])]

    def start(self, _: str, attributes: dict[str, str]) -> None:
        if len(self._open) > _DEEPEST:
            raise AnswerError("the answer is XML that is nested too deeply")
        # Declarations of namespaces are no data.
        values = {f"@{key}": value for key, value in attributes.items() if key.partition(":")[0] != "xmlns"}
        self._open.append((values, []))

    def end(self, name: str) -> None:
        found, texts = self._open.pop()
        text = _INDENTED.sub("", "".join(texts))
        text = text if text.strip() else ""
        value: Any = found
        if not found:
            value = text or None
        elif text:
            found["#text"] = text
        into, _ = self._open[-1]
        if name not in into:
            into[name] = value
        elif isinstance(into[name], list):
            into[name].append(value)
        else:
            into[name] = [into[name], value]

    def text(self, data: str) -> None:
        self._open[-1][1].append(data)


_BESIDE_AN_ERROR = frozenset(
    ["error", "errors", "exception", "message", "status", "code", "detail", "details", "type", "success", "ok"]
)


def check_last(rows: list[Any]) -> None:
    """Of JSON Lines. Raises AnswerError where the last line tells of an error, as servers do that fail when they have
    begun to answer: it has no name that another line has, or alone, it has an `error` and nothing of a row."""
    last = rows[-1] if rows else None
    sign = next(iter(signs_of_failure(last)), None) if isinstance(last, dict) else None
    if not isinstance(last, dict) or sign is None:
        return
    names = set(map(str.lower, last))
    others = {str(name).lower() for row in rows[:-1] if isinstance(row, dict) for name in row}
    is_alone = len(rows) == 1 and not (names <= _BESIDE_AN_ERROR and names & {"error", "errors", "exception"})
    if not is_alone and names.isdisjoint(others):
        raise AnswerError(
            f"its last line tells of an error (`{shown(sign)}`), so the rows before it are not all; an `expect: "
            "{condition: …}` about `[-1]` says which last line is right"
        )


_SERVERS = re.compile(
    r"(?:ERROR|FATAL|PANIC):\s|(?:PHP )?(?:Fatal|Parse) error: |Traceback \(most recent call last\)|Uncaught \w+"
    r"|Code: [0-9]+\. |(?i:<(?:!doctype|html|br /|b>(?:fatal|parse) error))"
)
"""How known servers begin such a line: databases, PHP, Python, Node.js, ClickHouse, gateways."""
_TOLD = re.compile(
    r"\W*(?:fatal|failed|failure|uncaught|traceback|[\w.]*(?:error|exception))\b[^,;]{0,40}?[:(]|.*\b\w+::exception\b"
    r"|</?[a-z][a-z0-9]*[ />]",
    re.IGNORECASE,
)
"""How a line begins by which a server says that it failed: `ERROR: …`, `Code: 159. DB::Exception: …`, HTML."""


def _no_row(text: str, columns: list[str], records: list[list[str]]) -> str | None:
    """The last line, where that is no row: servers that fail when they have begun to answer write there what happened.
    It has fewer fields than all rows, or it begins as known servers write it."""
    tail = list(takewhile(lambda one: len(one) < len(columns), reversed(records)))
    *others, last = records
    before = records[: len(records) - len(tail)]
    line = text.rstrip().rpartition("\n")[2].strip()
    is_told = _TOLD.match(line) is not None or tells_failure(line, is_sentence=True)
    is_value = len(last) == len(columns) > 1 and line.endswith(last[-1]) and last[-1][:1] == "{"
    if line == "__exception__" or (not is_value and _ends_with_error(line)):  # ClickHouse ends so
        return None if any("{" in field for one in others for field in one) else line
    if tail:
        # What leaves out empty fields does so in other rows, too.
        is_trimmed = any(len(one) < len(columns) for one in before)
        keeps_empty = any(one[-1] == "" for one in before)
        is_other = before and len(last) == 1 and _is_prose(last[0]) and not any(_is_prose(one[0]) for one in before)
        return line if not is_trimmed and (is_told or keeps_empty or is_other) else None
    is_known = _SERVERS.match(line) is not None and line.startswith(last[0])
    if len(columns) == 1:
        # Behind numbers, dates and codes, a sentence is no value.
        are_codes = all(re.search("[0-9]", one[0]) for one in others if one) and others and is_told and " " in line
        is_other = not names_message(columns[0]) and not any(_is_prose(one[0]) for one in others if one)
        return line if is_other and (is_known or are_codes) else None
    is_other = all(one[:1] == " " for one in last[1:]) and not any(one[1:] and one[1][:1] == " " for one in others)
    return line if is_known and is_other else None


def _is_prose(text: str) -> bool:
    return re.search(r"[\s<{(:]", text) is not None


def _ends_with_error(line: str) -> bool:
    """Whether a line is or ends with a mapping in JSON that says that something failed."""
    start = line.find("{")
    if start < 0 or line[-1:] != "}":
        return False
    try:
        return bool(signs_of_failure(json.loads(line[start:])))
    except (ValueError, RecursionError):
        return False


def in_place_of_csv(text: str, form: Csv) -> str | None:
    """What else a text is, whose first line would name the columns: JSON or XML, as errors are, or a sentence."""
    if _is_of_another_kind(text):
        return "JSON or XML"
    line = text[:_LONGEST_LINE].strip()
    if len(text) >= _LONGEST_LINE or "\n" in line or "\r" in line:
        return None
    # Names of columns may have a word such as `error` in them, which alone makes no sentence.
    is_sentence = form.header is not True or form.delimiter in line or "_" in line
    return "a line that says that it failed" if tells_failure(line, is_sentence=is_sentence) else None


class CsvPages:
    """The pages of a list in CSV, each of which begins with its line of names."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def take(self, names: list[str]) -> None:
        """Raises AnswerError for a page that has nothing of the first one's names: it begins with a row."""
        self._names = self._names or names
        if not {*names} & {*self._names}:
            shown = ", ".join(self._names)
            raise AnswerError(
                "its first line has none of the names of columns that the first page has: is it a row? "
                f"`csv: {{header: [{shown}]}}` names the columns, and takes a first line of these names for no row"
            )


def csv_rows(
    text: str, form: Csv, pages: CsvPages | None = None, shown: Callable[[str], str] | None = None
) -> list[dict[str, str]]:
    """Rows by column name. Raises AnswerError for a line with more fields than there are columns, with `shown` for a
    last line that is no row, and for a page of `pages` without a line of names."""
    lines = io.StringIO(text, newline="")
    csv.field_size_limit(sys.maxsize)  # `max_bytes` bounds the whole
    for _ in range(form.skip_lines):
        lines.readline()
    # As spreadsheets write it for each other.
    said = re.compile(r"sep=(.)\r?\n").match(text) if form.skip_lines == 0 else None
    delimiter = said[1] if said is not None else form.delimiter
    lines.seek(said.end() if said is not None else lines.tell())
    try:
        reader = csv.reader(lines, delimiter=delimiter, quotechar=form.quotechar, strict=True)
        records = list(reader)
    except csv.Error as error:
        raise AnswerError(f"the answer is not CSV: {error}") from None
    # In a file of one column a blank line is a row without a value, but for those at the end.
    while records and not records[-1]:
        records.pop()
    if max(map(len, records), default=0) != 1:
        records = [record for record in records if record]
    if not records:
        return []
    last = len(records[-1])
    columns = _columns(records, form, pages)
    twice = next((name for at, name in enumerate(columns) if name in columns[:at]), None)
    if twice is not None:
        raise AnswerError(f"two columns of the CSV are named `{twice}`; `csv: {{header: [NAME, …]}}` gives them names")
    if last < len(columns) and not text.endswith(("\n", "\r")):
        raise AnswerError(f"the answer is cut off: its last line has {last} of {len(columns)} fields", passing=True)
    if shown is not None and records and (tail := _no_row(text, columns, records)) is not None:
        raise AnswerError(
            "its last line is not like the rows before it: it may tell of an error or be cut off, and then rows are "
            f"missing; an `expect: {{condition: …}}` about `[-1]` says which last row is right: {shown(tail)}"
        )
    for number, (one, other) in enumerate(pairwise(records), 1):
        if len(one) < len(columns) > len(other) and len(one) + len(other) == len(columns) + 1:
            raise AnswerError(
                f"rows {number} and {number + 1} of the CSV are too short, and one together: a value without quotes "
                "seems to have a line break"
            )
    for number, record in enumerate(records, 1):
        if len(record) > len(columns):
            raise AnswerError(f"row {number} of the CSV has {len(record)} fields, and there are {len(columns)} columns")
    return [dict(zip(columns, [*record, *[""] * (len(columns) - len(record))], strict=True)) for record in records]


def _columns(records: list[list[str]], form: Csv, pages: CsvPages | None) -> list[str]:
    """The names of columns; a line of them is taken from the records."""
    if isinstance(form.header, list):
        if records[0] == form.header and len(form.header) > 1:
            records.pop(0)  # on the first of several pages
        return form.header
    if not form.header:
        return [f"column_{number}" for number in range(1, max(map(len, records)) + 1)]
    columns = records.pop(0)
    if pages is not None:
        pages.take(columns)
    return columns


def _is_of_another_kind(text: str) -> bool:
    start = text.lstrip()[:1]
    if start not in ("{", "["):
        return start == "<"
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
