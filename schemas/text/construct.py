"""Node tree → plain data, with every finding of the text collected.

Aliases share one node, so a value is built once however often it is used; what it would expand to is counted,
because everything after the reader walks the expanded value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from yaml import MappingNode, Node, ScalarNode

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Fix, Related, Span, bounded
from schemas.text.lines import TextLines
from schemas.text.nodes import (
    COLLECTION,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_NODES,
    PLAIN,
    QUOTED,
    NumberTooLongError,
    plain_scalar,
)

_TAG_BEHIND_ANCHOR = re.compile(r"(?:&\S+\s+)?!")
_ANCHOR = re.compile(r"&(?P<name>[\w-]+)[ \t]+(?=\S)")
_OF_OTHER_TOOLS: Mapping[str, str] = {
    **{
        f"!{word}": f"dag-factory 1.0 and later use `{{__{word}__: […]}}` instead of the tag"
        for word in ("and", "or", "join")
    },
    "!timedelta": "this is gusty's; here a duration is `30s`, `5m`, `2h` or `1d`",
    "!days_ago": "this is gusty's; here a date is `2026-01-31`",
}
_KINDS: Mapping[type, str] = {bool: "true or false", date: "a date", datetime: "a date"}


class Scalars(Protocol):
    """Reads scalars, plain ones (`node.tag` is PLAIN) and quoted ones, in another way than YAML 1.2.

    Both raise NumberTooLongError, and ValueError for a date that does not exist.
    """

    def key(self, node: ScalarNode) -> Any: ...

    def value(self, node: ScalarNode) -> Any: ...


def construct(root: Node, text: str, file: str, scalars: Scalars | None = None) -> tuple[Any, tuple[Diagnostic, ...]]:
    """The data of a node tree and what is wrong with it; the data is of use only without diagnostics."""
    constructor = _Constructor(text, file, scalars)
    value = constructor.build(root)
    constructor.report_unused_anchors()
    return value, tuple(bounded(dict.fromkeys(constructor.diagnostics)))


class _Constructor:
    def __init__(self, text: str, file: str, scalars: Scalars | None) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._scalars = scalars
        self._text = text
        self._file = file
        self._lines: TextLines | None = None
        self._built: dict[int, tuple[Any, int, int]] = {}
        self._open: set[int] = set()
        self._anchored: dict[int, tuple[ScalarNode, str]] = {}
        self._used: set[int] = set()
        self._too_large = False
        # Most texts have neither tags nor anchors, so no value needs to be checked for them.
        self._has_properties = "!" in text or "&" in text

    def build(self, node: Node) -> Any:
        return self._measured(node)[0]

    def _measured(self, node: Node) -> tuple[Any, int, int]:
        """The value, how many keys and values it expands to, and how deep it is; not all of it past MAX_NODES."""
        if isinstance(node, ScalarNode):
            return self._scalar(node), 1, 1
        known = self._built.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            self._report(Code.RECURSIVE_ALIAS, "this value contains an alias of itself", node)
            return None, 1, 1
        if node.tag != COLLECTION or (self._has_properties and self._has_tag(node)):
            self._tag(node)
        self._open.add(id(node))
        value, size, depth = self._mapping(node) if isinstance(node, MappingNode) else self._sequence(node)
        self._open.discard(id(node))
        self._bounds(node, size, depth)
        self._built[id(node)] = (value, size, depth)
        return value, size, depth

    def _bounds(self, node: Node, size: int, depth: int) -> None:
        if self._too_large:
            return
        if size > MAX_NODES:
            self._too_large = True
            self._report(Code.TOO_LARGE, f"its aliases expand to more than {MAX_NODES:,} keys and values", node)
        elif depth > MAX_DEPTH + 1:
            self._too_large = True
            self._report(Code.TOO_DEEP, f"its aliases nest deeper than {MAX_DEPTH} levels", node)

    def _sequence(self, node: Node) -> tuple[list[Any], int, int]:
        items, size, deepest = [], 1, 0
        for child in node.value:
            if isinstance(child, ScalarNode):
                items.append(self._scalar(child))
                size += 1
                deepest = deepest or 1
            else:
                value, child_size, depth = self._measured(child)
                items.append(value)
                size += child_size
                deepest = max(deepest, depth)
            if size > MAX_NODES:
                break
        return items, size, deepest + 1

    def _mapping(self, node: MappingNode) -> tuple[dict[str, Any], int, int]:
        own: dict[str, Any] = {}
        places: dict[str, Node] = {}
        merged: dict[str, Any] = {}
        size, deepest = 1, 0
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) and self._is_unquoted_template(node, key_node):
                return own, size, deepest + 1
            if isinstance(value_node, ScalarNode):
                value = self._scalar(value_node)
                size += 2
                deepest = deepest or 1
            else:
                value, child_size, depth = self._measured(value_node)
                size += child_size + 1
                deepest = max(deepest, depth)
            if size > MAX_NODES:
                break
            if key_node.value == "<<" and key_node.tag == PLAIN:
                self._merge(value, key_node, merged)
                continue
            key = self._key(key_node)
            if key is None:
                continue
            if key in places:
                self._duplicate(key, key_node, places[key])
                continue
            places[key] = key_node
            own[key] = value
        return ({**merged, **own} if merged else own), size, deepest + 1

    def _merge(self, value: Any, key_node: Node, merged: dict[str, Any]) -> None:
        """Add the mappings named by `<<`; of several the first wins (yaml.org/type/merge.html)."""
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            self._report(Code.BAD_MERGE, "`<<` must be an alias of a mapping, or a list of such aliases", key_node)
            return
        for source in sources:
            for key, inherited in source.items():
                merged.setdefault(key, inherited)

    def _key(self, node: Node) -> str | None:
        if not isinstance(node, ScalarNode):
            self._report(Code.KEY_NOT_TEXT, "a key cannot be a list or a mapping", node)
            return None
        before = len(self.diagnostics)
        value = self._scalar(node, is_key=True)
        if isinstance(value, str):
            return value
        if len(self.diagnostics) > before:
            return None
        span = self._span(node)
        kind = "empty" if value is None else _KINDS.get(type(value), "a number")
        written = node.value or "~"
        is_as_written = node.value == self._text[node.start_mark.index : node.end_mark.index]
        self._report(
            Code.KEY_NOT_TEXT,
            f"the key `{written}` is {kind}; keys are text",
            node,
            caret=f'write "{written}"' if node.value else "a key is missing before the `:`",
            fix=Fix(span, f'"{written}"') if is_as_written else None,
        )
        return None

    def _scalar(self, node: ScalarNode, *, is_key: bool = False) -> Any:
        tag = node.tag
        if tag not in (PLAIN, QUOTED) or (self._has_properties and self._has_tag(node)):
            self._tag(node)
            return node.value
        if tag == QUOTED:
            return node.value if self._scalars is None or is_key else self._scalars.value(node)
        if self._has_properties and self._text.startswith("&", node.start_mark.index):
            self._note_anchor(node)
        try:
            if self._scalars is not None:
                return self._scalars.key(node) if is_key else self._scalars.value(node)
            return plain_scalar(node.value)
        except NumberTooLongError:
            self._report(Code.NUMBER_TOO_LONG, f"a number of more than {MAX_DIGITS} characters", node)
        except ValueError as error:
            self._report(Code.NO_SUCH_DATE, f"no such date: {error}", node)
        return None

    def report_unused_anchors(self) -> None:
        """Report `&co is here`, which was meant as text: it is an anchor that nothing uses, and the text would lose
        it."""
        for key, (node, name) in self._anchored.items():
            if key in self._used:
                continue
            why = f"a plain `&` begins a YAML anchor, and nothing uses `*{name}`"
            # No fix: quotes would change the value where it is an anchor.
            self._report(Code.NEEDS_QUOTES, why, node, help=f"put it in quotes, or remove `&{name}` if it is an anchor")

    def _note_anchor(self, node: ScalarNode) -> None:
        anchor = _ANCHOR.match(self._text, node.start_mark.index)
        if id(node) in self._anchored:
            self._used.add(id(node))
        elif anchor is not None:
            self._anchored[id(node)] = (node, anchor["name"])

    def _has_tag(self, node: Node) -> bool:
        """Whether there is a tag before a value; the parser does not report a lone `!`."""
        start = node.start_mark.index
        if self._text[start : start + 1] not in ("!", "&"):
            return False
        return _TAG_BEHIND_ANCHOR.match(self._text, start, start + 200) is not None

    def _tag(self, node: Node) -> None:
        start = node.start_mark.index
        written = re.compile(r"(?:&\S+\s+)?(?P<tag>!\S*)").match(self._text, start)
        tag = written["tag"] if written else node.tag
        lines = self._text_lines()
        begin = written.start("tag") if written else start
        if isinstance(node, ScalarNode) and written and lines.position(begin)[1] > 1:
            line = lines.position(begin)[0]
            value = lines.line_text(line)[begin - lines.line_start(line) :].rstrip()
            if not tag.startswith("!!") and tag not in _OF_OTHER_TOOLS:
                span = lines.span(begin, begin + len(value))
                why = f"a plain value that begins with `!` is a YAML tag (`{tag}`), and tags are not supported"
                self._needs_quotes(span, value, why, Code.TAG)
                return
        self.diagnostics.append(
            Diagnostic(
                Code.TAG,
                f"the YAML tag `{tag}` is not supported",
                self._file,
                lines.span(begin, begin + len(tag)),
                help=_OF_OTHER_TOOLS.get(tag, "write the value without a tag"),
                text=self._text,
            )
        )

    def _needs_quotes(self, span: Span, value: str, why: str, code: Code = Code.NEEDS_QUOTES) -> None:
        from schemas.text.syntax_causes import needs_quotes  # noqa: PLC0415 # most files are right

        self.diagnostics.append(needs_quotes(self._file, self._text, span, value, why, code))

    def _is_unquoted_template(self, outer: MappingNode, key_node: Node) -> bool:
        """`{{ ds }}` without quotes is a flow mapping whose key is a flow mapping."""
        if not (isinstance(key_node, MappingNode) and outer.flow_style and key_node.flow_style):
            return False
        start, end = outer.start_mark.index, outer.end_mark.index
        value = self._text[start:end]
        if not value.startswith("{{"):
            return False
        span = self._text_lines().span(start, end)
        why = "a plain value cannot begin with `{{`: YAML reads a mapping"
        self._needs_quotes(span, value, why)
        return True

    def _duplicate(self, key: str, again: Node, first: Node) -> None:
        line = self._text_lines().position(first.start_mark.index)[0]
        related = (Related(self._file, self._span(first), f"`{key}` is here first"),)
        self._report(
            Code.DUPLICATE_KEY, f"duplicate key `{key}`", again, caret=f"first on line {line}", related=related
        )

    def _report(self, code: Code, message: str, node: Node, **more: Any) -> None:
        self.diagnostics.append(Diagnostic(code, message, self._file, self._span(node), text=self._text, **more))

    def _span(self, node: Node) -> Any:
        return self._text_lines().span(node.start_mark.index, node.end_mark.index)

    def _text_lines(self) -> TextLines:
        if self._lines is None:
            self._lines = TextLines(self._text)
        return self._lines
