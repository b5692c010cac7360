"""Values that break a line of YAML and only need quotes.

Each recogniser looks at the text around the parser's error and returns the value that needs quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.text.lines import TextLines
from schemas.text.syntax_causes import needs_quotes

TAB = "YAML does not allow tabs for indentation; use spaces"
_ENTRY = re.compile(r"""^(?P<lead>\s*(?:-\s+)*(?:(?:[\w.$-]+|"[^"]*"|'[^']*')\s*:\s+)?)(?P<value>\S.*)""")
_COMMENT = re.compile(r"(?<=\s)#")
_EXPRESSION_IN_FLOW = re.compile(r"\$\{[^{}\n]*\}|(?<=[^\s{\[,:] )\{\{[^{}\n]*\}\}")
_PLAIN_BEFORE = re.compile(r"""(?:[{\[,]\s*|:\s+)(?P<text>(?!:\s)[^\s{}\[\],"'#&*!|>%@`](?:(?!:\s)[^{}\[\],"'])*)$""")
_PLAIN_BEHIND = re.compile(r"""(?:[^{}\[\],"'#$]|\$(?!\{)|\$\{[^{}]*\}|\{\{[^{}]*\}\})*""")
_COMMENT_IN_FLOW = re.compile(
    r"""^(?P<before>(?:[^#\n"']|"[^"\n]*"|'[^'\n]*')*(?:(?<=[:,] )|(?<=\[)|(?<=\[ )))(?P<value>#[^\s,}\]]+)""",
    re.MULTILINE,
)
_JINJA_COMMENT = re.compile(r"(?<=: )\{#.*?#\}.*")
_VALUE_IN_FLOW = re.compile(r"[@`%](?:\{\{.*?\}\}|\$\{[^}\n]*\}|(?!: | #)[^,{}\[\]\n])*")
_LINES_BACK = 20
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
_TEMPLATE_IN_FLOW = r"(?=\{%)(?:\{%.*?%\}|\{\{.*?\}\}|(?! #)[^,{}\[\]\n])+"
_ALIAS = re.compile(r"\*[A-Za-z_][\w-]*")
_CANNOT_START = {
    "@": "`@` cannot begin a plain value",
    "`": "a backtick cannot begin a plain value",
    "%": "`%` cannot begin a plain value",
    "*": "a plain `*` begins a YAML alias",
    "&": "a plain `&` begins a YAML anchor",
    "!": "a plain `!` begins a YAML tag",
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where the parser stopped: indices into the text, and the value on that line."""

    text: str
    lines: TextLines
    index: int
    context_index: int
    in_flow: bool

    @property
    def line(self) -> int:
        return self.lines.position(self.index)[0]

    def value_on_line(self) -> tuple[int, str] | None:
        """Index and text of the value after `key:` or `-` on the line, without a comment."""
        match = _ENTRY.match(self.lines.line_text(self.line))
        if match is None:
            return None
        value = _COMMENT.split(match["value"], maxsplit=1)[0].rstrip()
        return self.lines.line_start(self.line) + match.start("value"), value

    @property
    def has_key(self) -> bool:
        """Whether the value on the line follows a key or a dash."""
        match = _ENTRY.match(self.lines.line_text(self.line))
        return match is not None and match["lead"].strip() != ""

    @property
    def opened_above(self) -> bool:
        """Whether the `{` or `[` that the parser was in is on a line above."""
        return self.in_flow and self.lines.position(self.context_index)[0] < self.line


def is_alone(site: Site) -> bool:
    """Whether the value on the line is nothing but an alias, perhaps one that was meant as text."""
    found = site.value_on_line()
    return found is not None and found[1].startswith("*")


def accident(site: Site, file: str) -> Diagnostic | None:
    """What is wrong with the value on the line; None where no recogniser knows it."""
    found = site.value_on_line()
    if found is None:
        return None
    start, value = found
    for recognise in (
        _flow_expression,
        _tab,
        _inside_flow,
        _cannot_start,
        _template_start,
        _colon_in_value,
        _after_quotes,
    ):
        answer = recognise(site, start, value)
        if answer is not None:
            why, begin, meant = answer
            if not meant:
                span = site.lines.span(begin, begin + 1)
                return Diagnostic(Code.YAML_SYNTAX, why, file, span, text=site.text)
            span = site.lines.span(begin, begin + len(meant))
            quoted = needs_quotes(file, site.text, span, meant, why)
            if _has_key_in_it(site, begin, meant):
                return replace(quoted, code=Code.YAML_SYNTAX, caret="", help="", fix=None)
            return replace(quoted, help="", fix=None) if _goes_on(site, begin) else quoted
    return None


def _has_key_in_it(site: Site, begin: int, value: str) -> bool:
    """Whether a value is a line's only text and ends with a colon or has one: it may be a key and its value."""
    before = site.text[site.lines.line_start(site.line) : begin]
    return not before.strip(" -") and re.search(r":(?:\s|$)", value) is not None


def _goes_on(site: Site, begin: int) -> bool:
    """Whether the value of a line has more lines, which quotes around the first would cut off."""
    match = _ENTRY.match(site.lines.line_text(site.line))
    if match is None or site.opened_above or begin != site.lines.line_start(site.line) + match.start("value"):
        return False
    dashes = re.match(r"\s*(?:-\s+)*", match["lead"])
    column = dashes.end() if dashes is not None else 0
    column = column if column < len(match["lead"]) else match["lead"].rfind("-")
    below = re.match(r"[^\n]*\n(?:[ ]*(?:#[^\n]*)?\n)*(?P<indent>[ ]*)[^\s#]", site.text[begin:])
    return below is not None and len(below["indent"]) > column


_Answer = tuple[str, int, str] | None


def _flow_expression(site: Site, _start: int, _value: str) -> _Answer:
    line, line_start = site.lines.line_text(site.line), site.lines.line_start(site.line)
    for match in _EXPRESSION_IN_FLOW.finditer(line):
        if line_start + match.start() <= site.index <= line_start + match.end():
            # A longer text needs quotes as a whole.
            before = _PLAIN_BEFORE.search(line[: match.start()])
            begin = before.start("text") if before is not None else match.start()
            behind = _PLAIN_BEHIND.match(line, match.end())
            end = behind.end() if behind is not None else match.end()
            kind = "`${…}`" if match.group().startswith("$") else "`{{ … }}`"
            why = f"{kind} inside `{{ }}` or `[ ]` is read as a mapping"
            return why, line_start + begin, line[begin:end].rstrip()
    return None


def comment_in_flow(site: Site) -> tuple[int, str, str] | None:
    """A value that begins with `#` inside `{ }` or `[ ]`, which are not closed then: its start, it, and why."""
    begin = site.lines.line_start(max(site.line - _LINES_BACK, 1))
    if jinja := [*_JINJA_COMMENT.finditer(site.text, begin, site.index)]:
        return (
            jinja[-1].start(),
            jinja[-1].group().rstrip(),
            "a plain value cannot begin with `{#`: YAML reads a mapping",
        )
    found = [m for m in _COMMENT_IN_FLOW.finditer(site.text, begin, site.index) if {"{", "["} & set(m["before"])]
    value = found[-1]["value"] if found else ""
    return (
        (found[-1].start("value"), value, f"`{value}` is a comment, and so is the rest of its line") if found else None
    )


def _tab(site: Site, _start: int, _value: str) -> _Answer:
    before = site.lines.line_text(site.line)[: site.index - site.lines.line_start(site.line) + 1]
    if before.strip() == "" and "\t" in before:
        return (
            TAB,
            site.lines.line_start(site.line) + before.index("\t"),
            "",
        )
    return None


def _cannot_start(site: Site, start: int, value: str) -> _Answer:
    if _ALIAS.fullmatch(value):
        return f"`{value}` is a YAML alias, and there is no anchor `&{value[1:]}` above it", start, ""
    why = _CANNOT_START.get(value[0])
    return (why, start, value) if why and site.index >= start else None  # else the line above is wrong


def _inside_flow(site: Site, start: int, value: str) -> _Answer:
    begin = site.index - 1
    template = re.match(_TEMPLATE_IN_FLOW, site.text[begin:]) if begin >= start else None
    if template is not None:
        is_value = re.search(r"(?::\s|[,\[]\s*)$", site.text[start:begin]) is not None
        whole = value if begin == start else template.group().rstrip() if is_value else ""
        return "a plain value cannot begin with `{%`: YAML reads a mapping", begin, whole
    before = site.text[start : site.index].rstrip()
    match = _VALUE_IN_FLOW.match(site.text, site.index) if before.endswith(("{", "[", ",", ":")) else None
    return (_CANNOT_START[match.group()[0]], site.index, match.group().rstrip()) if match is not None else None


def _template_start(_site: Site, start: int, value: str) -> _Answer:
    if value.startswith("{{"):
        return "a plain value cannot begin with `{{`: YAML reads a mapping", start, value
    if value.startswith("["):
        template = _TEMPLATE.search(value)
        if template:
            return "`{{ … }}` inside `[ ]` is read as a mapping", start + template.start(), template.group()
    return None


def _colon_in_value(site: Site, start: int, value: str) -> _Answer:
    if not site.has_key or site.opened_above or value[0] in ":\"'{[|>":
        return None
    if ": " in value + " " and start <= site.index <= start + len(value):
        for opening, closing in ("{}", "[]"):
            if value.endswith(closing) and value.count(closing) > value.count(opening):
                return f"this `{closing}` closes nothing: a `{opening}` is missing", start + len(value) - 1, ""
        return "a colon followed by a space ends a key", start, value
    return None


def _after_quotes(site: Site, start: int, value: str) -> _Answer:
    if value[0] in "\"'" and start < site.index <= start + len(value) and site.text[site.index : site.index + 1]:
        closing = value.find(value[0], 1)
        if 0 < closing < len(value) - 1:
            return (
                "text follows a closing quote; the quotes must contain the whole value",
                start + closing + 1,
                "",
            )
    return None
