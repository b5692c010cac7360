"""The most likely cause of a YAML syntax error: usually a value that only needs quotes.

Each recogniser looks at the text around the parser's error and returns the value that needs quotes; the parser's own
message is the last resort.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from yaml import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Fix, Span
from schemas.text.lines import TextLines
from schemas.text.syntax_causes import cause, needs_quotes, unprintable

CONFLICT = "there is a merge conflict here: keep one side and remove the conflict markers"
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
_VALUE_IN_FLOW = re.compile(r"[@`%](?:\{\{.*?\}\}|\$\{[^}\n]*\}|(?!: | #)[^,{}\[\]\n])*")
_LINES_BACK = 20
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
_ALIAS = re.compile(r"\*[A-Za-z_][\w-]*")
_SECOND_ANCHOR = "second occurrence"
_ANCHOR_NAME = re.compile(r"&[\w-]+")
_UNDEFINED_ALIAS = "found undefined alias"
_CONFLICT = re.compile(r"^(?:<{7} .*|={7}|>{7} .*)$", re.MULTILINE)
_CANNOT_START = {
    "@": "`@` cannot begin a plain value",
    "`": "a backtick cannot begin a plain value",
    "%": "`%` cannot begin a plain value",
    "*": "a plain `*` begins a YAML alias",
    "&": "a plain `&` begins a YAML anchor",
    "!": "a plain `!` begins a YAML tag",
}

_IN_WORDS = {
    "did not find expected ',' or '}'": "the mapping in `{ }` is not closed, or a comma is missing",
    "did not find expected ',' or ']'": "the list in `[ ]` is not closed, or a comma is missing",
    "did not find expected key": "a key was expected here: is this line indented like its neighbours?",
    "did not find expected '-' indicator": "a list entry (`- …`) was expected here: is this line indented like its "
    "neighbours?",
    "found unexpected end of stream": "the text ends inside a quoted value",
    "found unexpected ':'": "a space is missing after this `:`",
    "could not find expected ':'": "a `:` is missing after this key",
    "did not find expected alphabetic or numeric character": "a plain `*` or `&` begins a YAML alias or anchor; "
    "put the value in quotes",
    "found character that cannot start any token": "a plain value cannot begin with this character: put the value in "
    "quotes",
    "found unknown escape character": "inside double quotes a backslash begins an escape; write `\\\\` or use "
    "single quotes",
}


@dataclass(frozen=True, slots=True)
class _Site:
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


def explain(error: YAMLError, text: str, file: str) -> Diagnostic:
    """One diagnostic for what kept `text` from being read."""
    lines = TextLines(text)
    if isinstance(error, ReaderError):
        return unprintable(error, text, lines, file)
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        span = lines.span(conflict.start(), conflict.end())
        return Diagnostic(Code.YAML_SYNTAX, CONFLICT, file, span, text=text)
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Diagnostic(Code.YAML_SYNTAX, str(error), file, Span(1, 1, 1, 2), text=text)
    if error.context == "expected a single document in the stream":
        return Diagnostic(
            Code.SEVERAL_DOCUMENTS,
            "a second YAML document begins here",
            file,
            lines.span(error.problem_mark.index, error.problem_mark.index + 3),
            help="one file is one pipeline: put the second one into its own file",
            text=text,
        )
    if error.problem == _SECOND_ANCHOR and error.context_mark is not None:
        name = _ANCHOR_NAME.match(text, error.problem_mark.index)
        start, end = error.problem_mark.index, name.end() if name is not None else error.problem_mark.index + 1
        span, first = lines.span(start, end), error.context_mark.line + 1
        message = f"`{text[start:end]}` is an anchor that is already on line {first}"
        return Diagnostic(Code.YAML_SYNTAX, message, file, span, help="give one of them another name", text=text)
    context = error.context_mark.index if error.context_mark is not None else error.problem_mark.index
    in_flow = (error.context or "").startswith("while parsing a flow")
    site = _Site(text, lines, error.problem_mark.index, context, in_flow)
    # An alias without an anchor is YAML as it is meant to be: quotes would not be right.
    comment = _comment_in_flow(site) if in_flow else None
    if comment is not None:
        start, value = comment
        why = f"`{value}` is a comment, and so is the rest of its line"
        return needs_quotes(file, text, lines.span(start, start + len(value)), value, why)
    accident = None if error.problem == _UNDEFINED_ALIAS and not _is_alone(site) else _accident(site, file)
    return accident or _began_above(error, site, file) or _in_words(error, site, file)


def _is_alone(site: _Site) -> bool:
    """Whether the value on the line is nothing but an alias, perhaps one that was meant as text."""
    found = site.value_on_line()
    return found is not None and found[1].startswith("*")


def _began_above(error: MarkedYAMLError, site: _Site, file: str) -> Diagnostic | None:
    found = cause(error, site.text)
    if found is None:
        return None
    span = site.lines.span(found.start, found.end)
    fix = Fix(span, found.replacement) if found.replacement is not None else None
    assumed = None
    if found.assumed is not None:
        start, end, replacement = found.assumed
        line, column = site.lines.position(start)
        assumed = Fix(Span(line, column, line, column + end - start), replacement)
    return Diagnostic(Code.YAML_SYNTAX, found.why, file, span, fix=fix, assumed=assumed, text=site.text)


def _accident(site: _Site, file: str) -> Diagnostic | None:
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
            return needs_quotes(file, site.text, span, meant, why)
    return None


_Answer = tuple[str, int, str] | None


def _flow_expression(site: _Site, _start: int, _value: str) -> _Answer:
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


def _comment_in_flow(site: _Site) -> tuple[int, str] | None:
    """A value that begins with `#` inside `{ }` or `[ ]`, which are not closed then."""
    begin = site.lines.line_start(max(site.line - _LINES_BACK, 1))
    found = [m for m in _COMMENT_IN_FLOW.finditer(site.text, begin, site.index) if {"{", "["} & set(m["before"])]
    return (found[-1].start("value"), found[-1]["value"]) if found else None


def _tab(site: _Site, _start: int, _value: str) -> _Answer:
    before = site.lines.line_text(site.line)[: site.index - site.lines.line_start(site.line) + 1]
    if before.strip() == "" and "\t" in before:
        return (
            TAB,
            site.lines.line_start(site.line) + before.index("\t"),
            "",
        )
    return None


def _cannot_start(_site: _Site, start: int, value: str) -> _Answer:
    if _ALIAS.fullmatch(value):
        return f"`{value}` is a YAML alias, and there is no anchor `&{value[1:]}` above it", start, ""
    why = _CANNOT_START.get(value[0])
    return (why, start, value) if why else None


def _inside_flow(site: _Site, start: int, _value: str) -> _Answer:
    before = site.text[start : site.index].rstrip()
    match = _VALUE_IN_FLOW.match(site.text, site.index) if before.endswith(("{", "[", ",", ":")) else None
    return (_CANNOT_START[match.group()[0]], site.index, match.group().rstrip()) if match is not None else None


def _template_start(_site: _Site, start: int, value: str) -> _Answer:
    if value.startswith(("{{", "{%")):
        return "a plain value cannot begin with `{{`: YAML reads a mapping", start, value
    if value.startswith("["):
        template = _TEMPLATE.search(value)
        if template:
            return "`{{ … }}` inside `[ ]` is read as a mapping", start + template.start(), template.group()
    return None


def _colon_in_value(site: _Site, start: int, value: str) -> _Answer:
    if not site.has_key or site.opened_above or value[0] in ":\"'{[|>":
        return None
    if ": " in value + " " and start <= site.index <= start + len(value):
        return "a colon followed by a space ends a key", start, value
    return None


def _after_quotes(site: _Site, start: int, value: str) -> _Answer:
    if value[0] in "\"'" and start < site.index <= start + len(value) and site.text[site.index : site.index + 1]:
        closing = value.find(value[0], 1)
        if 0 < closing < len(value) - 1:
            return (
                "text follows a closing quote; the quotes must contain the whole value",
                start + closing + 1,
                "",
            )
    return None


def _in_words(error: MarkedYAMLError, site: _Site, file: str) -> Diagnostic:
    problem = error.problem or "not YAML"
    index = site.index
    if problem == "found unexpected end of stream":
        index = site.context_index
    elif problem == "mapping values are not allowed in this context":
        problem = "a key is not allowed here: is the line above complete, and this line indented like its neighbours?"
    elif problem == "did not find expected key" and site.text[index : index + 1] == ":":
        problem = "a key is missing before the `:`"
    elif problem == _UNDEFINED_ALIAS:
        problem = "there is no anchor above for this alias"
    words = _IN_WORDS.get(problem, problem)
    if site.opened_above and problem.startswith("did not find expected ','"):
        index = site.context_index
    span = site.lines.span(index, index + 1)
    return Diagnostic(
        Code.YAML_SYNTAX,
        words,
        file,
        span,
        text=site.text,
        is_about_indentation="indented like its neighbours" in words,
        assumed=Fix(Span(span.line, span.column - 1, span.line, span.column), "/")
        if error.problem == "found unknown escape character" and site.text[index - 1] == "\\"
        else None,
    )
