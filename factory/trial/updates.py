"""What a run brought, written into test files: `factory test --update` and `--record`. Comments and layout stay.

Nothing is written that would not be read as it is meant.
"""

from __future__ import annotations

import codecs
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from yaml import MappingNode, Node, SequenceNode

from factory.data.places import NewFile, RowFileError
from factory.data.row_files import RowFileWriter, read_rows
from factory.trial.expectations import equal
from schemas.check.test_files import TestFile
from schemas.findings.paths import DataPath, walk
from schemas.model.pipeline_tests import PipelineTest
from schemas.text.document import document_from_text, read_document
from schemas.text.edits import flow
from schemas.text.nodes import compose

Update = tuple[DataPath, Any]
"""A path of the test file, and the value that shall be there."""


def written(file: TestFile, place: Path, updates: Sequence[Update]) -> dict[DataPath, str]:
    """Write values into a test file, or a file of rows that it names; of each that is left to its author, why."""
    refused: dict[DataPath, str] = {}
    inline: list[Update] = []
    for path, value in updates:
        named = file.document.at(path)
        if path[-1] == "rows" and isinstance(named, str):
            if why := _rows_written(file, place.parent, named, value):
                refused[path] = why
        else:
            inline.append((path, value))
    before = file.document.text
    text = _sound(before, inline)
    if text is None:  # one by one: what cannot be written hinders no other
        text = before
        for update in inline:
            more = _sound(text, [update])
            if more is None:
                refused[update[0]] = "it cannot be written here without another change: edit it there"
            text = more or text
    if text != before:
        _replace(place, text)
    return refused


def _sound(text: str, updates: Sequence[Update]) -> str | None:
    """The text with other values; None where it would not be read as it was, but for these."""
    wanted = _unshared(document_from_text(text, "").data)
    for path, value in updates:
        inner = wanted
        for element in path[:-1]:
            inner = inner.setdefault(element, {}) if isinstance(inner, dict) else inner[element]
            if inner is None:
                return None
        inner[path[-1]] = value
    new = updated(text, updates)
    try:
        new.encode()
    except UnicodeEncodeError:
        return None
    found = document_from_text(new, "")
    return new if not found.diagnostics and equal(wanted, found.data) else None


def _unshared(value: Any) -> Any:
    """A copy in which what an alias repeats is there twice."""
    if isinstance(value, dict):
        return {key: _unshared(one) for key, one in value.items()}
    return [_unshared(one) for one in value] if isinstance(value, list) else value


def _rows_written(file: TestFile, folder: Path, named: str, rows: Any) -> str:
    """Write a file of rows; why it is not written, else nothing."""
    if Counter(text for _, text in walk(file.document.data).texts)[named] > 1:
        return f"`{named}` is named in another place, too: what came is not written"
    try:
        with tempfile.TemporaryDirectory() as temporary:
            trial = str(Path(temporary) / Path(named).name)
            for place in (trial, str(folder / named)):
                with RowFileWriter(place) as writer:
                    writer.write(rows)
                if place == trial and not equal(rows, list(read_rows(trial))):
                    return f"`{named}` would not be read as what came: write the rows as .json"
    except (RowFileError, TypeError, AttributeError) as error:
        return f"`{named}` cannot hold what came: {str(error).replace(trial, named)}"
    return ""


def _replace(place: Path, text: str) -> None:
    """Another text in a file, all of it or nothing; its byte order mark and line ends stay."""
    raw = place.read_bytes() if place.exists() else b""
    if b"\r\n" in raw:
        text = re.sub(r"(?<!\r)\n", "\r\n", text)
    content = (codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b"") + text.encode()
    new = NewFile(str(place))
    Path(new.part).write_bytes(content)
    new.publish()


def fixtures_written(
    place: Path, path: DataPath, test: PipelineTest, recorded: Sequence[Any], *, alone: bool
) -> list[Update]:
    """Write recorded answers into the file of fixtures of a test, which is at `path` of the test file at `place`; what
    is to be written into the test file itself. `alone`: it is the only test there."""
    http = test.given.http
    stem = place.name.partition(".")[0]
    words = "-".join(re.findall(r"[^\W_]+", test.name.lower()))
    name = stem if alone else f"{stem}.{words[:60]}"
    (place.parent / "fixtures").mkdir(exist_ok=True)
    for fixture in recorded:
        content = fixture["response"].get("file")
        if content is not None:
            fixture["response"]["file"] = _free(place.parent, name, "bin")
            (place.parent / fixture["response"]["file"]).write_bytes(content)
    if http and not isinstance(http, str):
        written = [fixture.model_dump(by_alias=True, exclude_unset=True) for fixture in http]
        return [((*path, "given", "http"), [*written, *recorded])]
    target = http if isinstance(http, str) else _free(place.parent, name, "http.json")
    file = place.parent / target
    before = read_document(file, "").data if file.exists() else []
    file.parent.mkdir(parents=True, exist_ok=True)
    _replace(file, f"{json.dumps([*(before or []), *recorded], indent=2, ensure_ascii=False)}\n")
    return [] if http else [((*path, "given", "http"), target)]


def _free(folder: Path, name: str, ending: str) -> str:
    """A path below `fixtures` that nothing has."""
    paths = (f"fixtures/{name}{f'-{number}' if number > 1 else ''}.{ending}" for number in count(1))
    return next(path for path in paths if not (folder / path).exists())


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def updated(text: str, updates: Sequence[Update]) -> str:
    """A YAML text with other values; it is as before where what is equal was written, and between the values."""
    document = document_from_text(text, "")
    root = compose(text)
    edits: list[_Edit] = []
    added: dict[DataPath, dict[Any, Any]] = {}
    for path, value in updates:
        at = next(end for end in range(len(path), -1, -1) if _node(root, path[:end]) is not None)
        node = _node(root, path[:at])
        if node is not None and at == len(path):
            edits += _edits(text, node, document.at(path), value)
        elif isinstance(node, MappingNode):
            into = added.setdefault(path[:at], {})
            for key in path[at:-1]:
                into = into.setdefault(key, {})
            into[path[-1]] = value
    for path, entries in added.items():
        node = _node(root, path)
        if isinstance(node, MappingNode):
            edits.append(_added(text, node, [f"{flow(key)}: {flow(value)}" for key, value in entries.items()]))
    for edit in sorted(dict.fromkeys(edits), reverse=True):
        text = f"{text[: edit.start]}{edit.text}{text[edit.end :]}"
    return text


def _edits(text: str, node: Node, old: Any, new: Any) -> Iterator[_Edit]:
    if equal(old, new):
        return
    if isinstance(node, MappingNode) and isinstance(new, dict) and new.keys() == old.keys():
        for key, child in node.value:
            yield from _edits(text, child, old[key.value], new[key.value])
    elif isinstance(node, SequenceNode) and isinstance(new, list) and _fits(node, new):
        for child, one, other in zip(node.value, old, new, strict=False):
            yield from _edits(text, child, one, other)
        for child in node.value[len(new) :]:
            start = text.rindex("\n", 0, child.start_mark.index)
            behind = text.find("\n", _end(text, child))
            yield _Edit(start, behind if behind >= 0 else len(text), "")
        if len(new) > len(old):
            line_end = text.find("\n", _end(text, node))
            at = line_end if line_end >= 0 else len(text)
            more = "".join(f"\n{' ' * node.start_mark.column}- {flow(one)}" for one in new[len(old) :])
            yield _Edit(at, at, more)
    else:
        # A list as far to the left as its key is none any more on one line; an empty value follows its key at once.
        start = node.start_mark.index
        before = "" if _is_flow(node) else "  "
        yield _Edit(start, _end(text, node), f"{before or ' ' * (text[start - 1 : start] == ':')}{flow(new)}")


def _fits(node: SequenceNode, new: Sequence[Any]) -> bool:
    """Whether the list's rows can be edited one by one."""
    return len(node.value) == len(new) or (not _is_flow(node) and bool(new))


def _added(text: str, node: MappingNode, entries: Sequence[str]) -> _Edit:
    """New entries of a mapping: behind its `name`, where it has one, else as its first ones."""
    if _is_flow(node):
        at = node.start_mark.index + 1
        return _Edit(at, at, ", ".join(entries) + (", " if node.value else ""))
    indent = f"\n{' ' * node.start_mark.column}"
    name = next((child for key, child in node.value if key.value == "name"), None)
    if name is not None:
        at = _end(text, name)
        behind = re.match(r"[ \t]*#[^\r\n]*", text[at:])  # a comment stays with the name
        at += behind.end() if behind is not None else 0
        return _Edit(at, at, "".join(f"{indent}{entry}" for entry in entries))
    at = node.start_mark.index
    return _Edit(at, at, "".join(f"{entry}{indent}" for entry in entries))


def _is_flow(node: Node) -> bool:
    return not isinstance(node, (MappingNode, SequenceNode)) or bool(node.flow_style)


def _end(text: str, node: Node) -> int:
    """The index behind what a node writes: the parser counts what follows a block, up to the next word, as its part."""
    if _is_flow(node) or not node.value:
        return len(text[: node.end_mark.index].rstrip())
    last = node.value[-1]
    return _end(text, last[1] if isinstance(last, tuple) else last)


def _node(root: Node | None, path: DataPath) -> Node | None:
    for element in path:
        if isinstance(root, MappingNode):
            root = next((child for key, child in root.value if key.value == element), None)
        elif isinstance(root, SequenceNode) and isinstance(element, int) and element < len(root.value):
            root = root.value[element]
        else:
            return None
    return root
