"""Templates as Jinja itself reads them, with places in the text instead of Jinja's line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.expressions.template_parts import Template, TemplateProblem, Word, asked_for

if TYPE_CHECKING:
    from jinja2 import Environment, nodes
    from jinja2.lexer import TokenStream

_LONGEST_KEPT = 2_000
"""Characters of a text. Each edit of a longer one is another, and a process that runs for days would keep them all."""
_MOST_PROBLEMS = 20
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_TAG = re.compile(r"\{[{%#]")
_PLAIN = re.compile(r"\{\{ ?(?P<name>[A-Za-z_]\w*)(?P<attributes>(?:\.[A-Za-z_]\w*)*) ?\}\}", re.ASCII)
_NO_NAMES = frozenset(
    {*("true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "else", "in", "is"), "loop", "self"}
)
_AT = r"(?s)unexpected char .* at (?P<position>\d+)"
_QUOTED = r"'[^']*'|\"[^\"]*\""
_BLOCK = re.compile(r"\{%[-+]?\s*(?P<word>\w+)")
_INNERMOST = r"innermost block that needs to be closed is '(?P<word>\w+)'"


def read_template(text: str) -> Template:
    """A text that may hold `{{ }}`, `{% %}` or `{# #}`, as Airflow's Jinja environment reads it."""
    return _kept(text) if len(text) <= _LONGEST_KEPT else _read(text)


@lru_cache(maxsize=512)  # several rules ask for the same text, and many files hold `{{ ds }}`
def _kept(text: str) -> Template:
    return _read(text)


def _read(text: str) -> Template:
    plain = _plain(text)
    if plain is not None:
        return plain
    problems: list[TemplateProblem] = []
    left = text
    while len(problems) < _MOST_PROBLEMS:
        tree = _parse(left)
        if not isinstance(tree, TemplateProblem):
            return asked_for(left, tree)._replace(problems=tuple(problems))
        problems.append(tree)
        if tree.unclosed or not left.startswith("{{", tree.start):
            break  # what is behind it cannot be told
        # The rest is read as if the tag were text.
        left = left[: tree.start] + " " * (tree.end - tree.start) + left[tree.end :]
    return Template(tuple(problems))


def _plain(text: str) -> Template | None:
    """A text with no more than `{{ name.attribute }}` in it, as most have: these need no import of Jinja."""
    names, attributes = [], []
    position = 0
    while (opened := _TAG.search(text, position)) is not None:
        match = _PLAIN.match(text, opened.start())
        if match is None or match["name"] in _NO_NAMES:
            return None
        names.append(Word(match["name"], match.start("name")))
        owner = match["name"]
        for word in match["attributes"][1:].split(".") if match["attributes"] else ():
            attributes.append((owner, Word(word, match.start("name") + len(owner) + 1)))
            owner = f"{owner}.{word}"
        position = match.end()
    return Template((), tuple(names), tuple(attributes))


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The environment of `airflow.sdk`'s `create_template_env`, as far as reading goes."""
    # Imported where a template needs it: lint starts for many files that have none.
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415
    from jinja2.lexer import TokenStream  # noqa: PLC0415

    class PlacedEnvironment(Environment):
        """Its tokens, and so the nodes of its trees, have a place in the text where Jinja's have a line number."""

        def _tokenize(
            self, source: str, name: str | None, filename: str | None = None, state: str | None = None
        ) -> TokenStream:
            return TokenStream(self.lexer.wrap(_placed(self, source, state), name, filename), name, filename)

    return PlacedEnvironment(extensions=["jinja2.ext.do"], undefined=StrictUndefined)  # it renders nothing


def _placed(environment: Environment, text: str, state: str | None) -> Iterator[tuple[int, str, str]]:
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 # as above

    position = 0
    try:
        for _, kind, value in environment.lexer.tokeniter(text, None, None, state):
            # The space that `{{-` removes is in no token.
            position = max(text.find(value, position), position)
            yield position, kind, value
            position += len(value)
    except TemplateSyntaxError as error:
        at = re.fullmatch(_AT, error.message or "")
        error.lineno = int(at["position"]) if at is not None else position
        raise


def _parse(text: str) -> nodes.Template | TemplateProblem:
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 # as above
    from jinja2.parser import Parser  # noqa: PLC0415

    try:
        return Parser(environment(), text).parse()
    except TemplateSyntaxError as error:
        return _problem(text, error.message or "", min(error.lineno, len(text)))
    except RecursionError:
        return TemplateProblem("it is nested too deeply", 0, len(text), 0)


def _problem(text: str, message: str, at: int) -> TemplateProblem:
    starts = [match.start() for match in _TAG.finditer(text)]
    start = max((start for start in starts if start <= at), default=starts[0] if starts else 0)
    block = re.search(_INNERMOST, message) if message.startswith("Unexpected end of template") else None
    if block is not None:
        start = _last_open(text, block["word"], start)
        return TemplateProblem(message, start, text.find("%}", start) + 2, at, unclosed=True)
    close = text.find(_CLOSING.get(text[start : start + 2], ""), max(at, start))
    unclosed = close < 0 or _TAG.search(re.sub(_QUOTED, "", text[start + 2 : close])) is not None
    return TemplateProblem(message, start, close + 2 if close >= 0 else len(text), at, unclosed)


def _last_open(text: str, block: str, otherwise: int) -> int:
    """Where the block of this name begins that nothing closes."""
    closed = 0
    for match in reversed(list(_BLOCK.finditer(text))):
        if match["word"] == f"end{block}":
            closed += 1
        elif match["word"] == block and closed == 0:
            return match.start()
        elif match["word"] == block:
            closed -= 1
    return otherwise
