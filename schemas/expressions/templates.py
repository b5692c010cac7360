"""Templates as Jinja itself reads them, with places in the text instead of Jinja's line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jinja2 import Environment, nodes
    from jinja2.lexer import TokenStream

_LONGEST_KEPT = 2_000
"""Characters of a text. Each edit of a longer one is another, and a process that runs for days would keep them all."""
_MOST_PROBLEMS = 20
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_TAG = re.compile(r"\{[{%#]")
_PLAIN = re.compile(r"\{\{ ?(?P<name>[A-Za-z_]\w*)(?P<attributes>(?:\.[A-Za-z_]\w*)*) ?\}\}", re.ASCII)
_NO_NAMES = frozenset({"true", "false", "none", "True", "False", "None", "not", "and", "or", "if", "else", "in", "is"})
_AT = re.compile(r"unexpected char .* at (?P<position>\d+)", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_BLOCK = re.compile(r"\{%[-+]?\s*(?P<word>\w+)")
_INNERMOST = re.compile(r"innermost block that needs to be closed is '(?P<word>\w+)'")
_MAY_BE_MISSING = frozenset({"default", "d", "defined", "undefined"})
_OF_JINJA = frozenset(
    {"range", "dict", "lipsum", "cycler", "joiner", "namespace", "loop", "caller", "varargs", "kwargs", "self", "super"}
)
"""Names that Jinja gives every template (`jinja2.defaults.DEFAULT_NAMESPACE`), or a block of it."""
CONNECTION = "conn.*"
"""The owner of what follows `conn.NAME.`."""
PULL = "xcom_pull()"
"""The owner of the keywords of `ti.xcom_pull`."""


class TemplateProblem(NamedTuple):
    """Why Jinja refuses a text, in Jinja's words. `start` and `end` are the tag's bounds, `at` the place inside it.

    `unclosed`: the brackets or the block at `start` are never closed.
    """

    message: str
    start: int
    end: int
    at: int
    unclosed: bool = False


class Word(NamedTuple):
    """A name in a template, and where it begins."""

    text: str
    at: int

    @property
    def span(self) -> tuple[int, int]:
        return self.at, self.at + len(self.text)


class Pull(NamedTuple):
    """A `ti.xcom_pull` with task ids that are written out; `is_value`: it asks for what the task returned."""

    task_ids: tuple[Word, ...]
    is_value: bool


class Template(NamedTuple):
    """What a text asks for: names that it does not define itself, attributes of them, filters and tests.

    An attribute's owner is a name, or `CONNECTION`. `optional` are the names that a `default` filter or a `defined`
    test allows to be missing.
    """

    problems: tuple[TemplateProblem, ...]
    names: tuple[Word, ...] = ()
    attributes: tuple[tuple[str, Word], ...] = ()
    filters: tuple[Word, ...] = ()
    tests: tuple[Word, ...] = ()
    pulls: tuple[Pull, ...] = ()
    optional: frozenset[str] = frozenset()


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
            return _asked_for(left, tree)._replace(problems=tuple(problems))
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
        if match["attributes"]:
            words = match["attributes"][1:].split(".")
            attributes.append((match["name"], Word(words[0], match.start("attributes") + 1)))
            if match["name"] == "conn" and len(words) > 1:
                attributes.append((CONNECTION, Word(words[1], match.start("attributes") + len(words[0]) + 2)))
        position = match.end()
    return Template((), tuple(names), tuple(attributes))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """The environment of `airflow.sdk`'s `create_template_env`, as far as reading goes."""
    # Imported where a template needs it: lint starts for many files that have none.
    from jinja2 import Environment  # noqa: PLC0415
    from jinja2.lexer import TokenStream  # noqa: PLC0415

    class PlacedEnvironment(Environment):
        """Its tokens, and so the nodes of its trees, have a place in the text where Jinja's have a line number."""

        def _tokenize(
            self, source: str, name: str | None, filename: str | None = None, state: str | None = None
        ) -> TokenStream:
            return TokenStream(self.lexer.wrap(_placed(self, source, state), name, filename), name, filename)

    return PlacedEnvironment(extensions=["jinja2.ext.do"])  # it renders nothing


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
        at = _AT.fullmatch(error.message or "")
        error.lineno = int(at["position"]) if at is not None else position
        raise


def _parse(text: str) -> nodes.Template | TemplateProblem:
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 # as above
    from jinja2.parser import Parser  # noqa: PLC0415

    try:
        return Parser(_environment(), text).parse()
    except TemplateSyntaxError as error:
        return _problem(text, error.message or "", min(error.lineno, len(text)))
    except RecursionError:
        return TemplateProblem("it is nested too deeply", 0, len(text), 0)


def _problem(text: str, message: str, at: int) -> TemplateProblem:
    starts = [match.start() for match in _TAG.finditer(text)]
    start = max((start for start in starts if start <= at), default=starts[0] if starts else 0)
    block = _INNERMOST.search(message) if message.startswith("Unexpected end of template") else None
    if block is not None:
        start = _last_open(text, block["word"], start)
        return TemplateProblem(message, start, text.find("%}", start) + 2, at, unclosed=True)
    close = text.find(_CLOSING.get(text[start : start + 2], ""), max(at, start))
    unclosed = close < 0 or _TAG.search(_QUOTED.sub("", text[start + 2 : close])) is not None
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


def _asked_for(text: str, tree: nodes.Template) -> Template:
    from jinja2 import nodes  # noqa: PLC0415 # as above

    found = list(
        tree.find_all((nodes.Name, nodes.Getattr, nodes.Filter, nodes.Test, nodes.Macro, nodes.Call, nodes.Sub))
    )
    own = {node.name for node in found if isinstance(node, nodes.Macro)} | _OF_JINJA
    own |= {node.name for node in found if isinstance(node, nodes.Name) and node.ctx != "load"}
    names, attributes, filters, tests = [], [], [], []
    pulls: list[Pull] = []
    optional: set[str] = set()
    for node in found:
        match node:
            case nodes.Name() if node.name not in own:
                names.append(Word(node.name, node.lineno))
            case nodes.Getattr(node=nodes.Name(name=name)) if name not in own:
                attributes.append((name, Word(node.attr, node.lineno + 1)))
            case nodes.Getattr(node=nodes.Getattr(node=nodes.Name(name="conn"))):
                attributes.append((CONNECTION, Word(node.attr, node.lineno + 1)))
            case nodes.Call(node=nodes.Getattr(node=nodes.Name(name="ti" | "task_instance"), attr="xcom_pull")):
                pulls += _pull(node)
                attributes += [(PULL, word) for word in _keywords(node, text)]
            case nodes.Sub(left=nodes.Name(name=name), right=right) if name not in own:
                attributes.append((name, Word("-", text.rfind("-", node.lineno, max(right.lineno, node.lineno + 1)))))
            case nodes.Filter():
                filters.append(Word(node.name, node.lineno))
            case nodes.Test():
                tests.append(Word(node.name, text.find(node.name, node.lineno + 2)))
            case _:
                pass
        if isinstance(node, nodes.Filter | nodes.Test) and node.name in _MAY_BE_MISSING and node.node is not None:
            asked = (node.node, *node.node.find_all(nodes.Name))
            optional |= {one.name for one in asked if isinstance(one, nodes.Name)}
    return Template(
        (), tuple(names), tuple(attributes), tuple(filters), tuple(tests), tuple(pulls), frozenset(optional)
    )


def _keywords(call: nodes.Call, text: str) -> Iterator[Word]:
    for keyword in call.kwargs:
        at = text.rfind(f"{keyword.key}", 0, keyword.value.lineno)
        yield Word(keyword.key, max(at, 0))


def _pull(call: nodes.Call) -> Iterator[Pull]:
    from jinja2 import nodes  # noqa: PLC0415 # as above

    keywords = {keyword.key: keyword.value for keyword in call.kwargs}
    written = keywords.get("task_ids", call.args[0] if call.args else None)
    ids = written.items if isinstance(written, nodes.List | nodes.Tuple) else [written]
    texts = [one for one in ids if isinstance(one, nodes.Const) and isinstance(one.value, str)]
    if texts and "dag_id" not in keywords and len(call.args) < 2:
        yield Pull(tuple(Word(text.value, text.lineno + 1) for text in texts), "key" not in keywords)
