"""The most likely cause of a YAML syntax error: usually a value that only needs quotes
(`value_accidents`) or a line above (`syntax_causes`). The parser's own message is the last resort.
"""

from __future__ import annotations

import re

from yaml import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Fix, Span
from schemas.text.lines import TextLines
from schemas.text.syntax_causes import cause, needs_quotes, unprintable
from schemas.text.value_accidents import Site, accident, comment_in_flow, is_alone

CONFLICT = "there is a merge conflict here: keep one side and remove the conflict markers"
_SECOND_ANCHOR = "second occurrence"
_ANCHOR_NAME = re.compile(r"&[\w-]+")
_UNDEFINED_ALIAS = "found undefined alias"
_CONFLICT = re.compile(r"^(?:<{7} .*|={7}|>{7} .*)$", re.MULTILINE)
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
    site = Site(text, lines, error.problem_mark.index, context, in_flow)
    # An alias without an anchor is YAML as it is meant to be: quotes would not be right.
    comment = comment_in_flow(site) if in_flow else None
    if comment is not None:
        start, value, why = comment
        return needs_quotes(file, text, lines.span(start, start + len(value)), value, why)
    found = None if error.problem == _UNDEFINED_ALIAS and not is_alone(site) else accident(site, file)
    return found or _began_above(error, site, file) or _in_words(error, site, file)


def _began_above(error: MarkedYAMLError, site: Site, file: str) -> Diagnostic | None:
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


def _in_words(error: MarkedYAMLError, site: Site, file: str) -> Diagnostic:
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
