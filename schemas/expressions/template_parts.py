"""What a template asks for: names, attributes and calls of their values, filters and tests, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jinja2 import nodes

_ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow")
_MAY_BE_MISSING = frozenset({"default", "d", "defined", "undefined"})
_OF_JINJA = frozenset({"range", "dict", "lipsum", "cycler", "joiner", "namespace", "loop", "self", "super"})
"""Names that Jinja gives every template (`jinja2.defaults.DEFAULT_NAMESPACE`), or a block of it."""
_OF_MACROS = frozenset({"caller", "varargs", "kwargs"})
_TAKES_A_TEST = {"select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}


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


class Called(NamedTuple):
    """A call of what is at a path: its keywords, how many arguments it has (None: a `*` adds some), and the first one's
    path."""

    path: str
    at: int
    keywords: tuple[Word, ...]
    arguments: int | None
    first: str


class Template(NamedTuple):
    """What a text asks for: names that it does not define itself, attributes of values, calls, filters and tests.

    A value's path begins with a name and says how it is reached: `ds`, `ti.task_id`, `logical_date.add()`, `ds|upper`;
    `1` is a number. `operations` are arithmetic with the value on the left, or filters of it. `optional` are the names
    and places that a `default` filter or a `defined` test allows to be missing. `tree` is Jinja's, of a text that is
    more than names and attributes.
    """

    problems: tuple[TemplateProblem, ...]
    names: tuple[Word, ...] = ()
    attributes: tuple[tuple[str, Word], ...] = ()
    filters: tuple[Word, ...] = ()
    tests: tuple[Word, ...] = ()
    pulls: tuple[Pull, ...] = ()
    optional: frozenset[str | int] = frozenset()
    calls: tuple[Called, ...] = ()
    operations: tuple[tuple[str, Word, str], ...] = ()
    tree: nodes.Template | None = None


def asked_for(text: str, tree: nodes.Template) -> Template:
    """What is in a tree of Jinja whose nodes have places in `text` in place of line numbers."""
    from jinja2 import nodes  # noqa: PLC0415 # lint starts for many files that have no template

    found = list(tree.find_all(nodes.Node))
    own = {node.name for node in found if isinstance(node, nodes.Macro)} | _OF_JINJA
    own |= {node.name for node in found if isinstance(node, nodes.Name) and node.ctx != "load"}
    own |= {node.target for node in found if isinstance(node, nodes.Import)}
    imported = [name for node in found if isinstance(node, nodes.FromImport) for name in node.names]
    own |= {name if isinstance(name, str) else name[1] for name in imported}
    own |= _OF_MACROS if any(isinstance(node, nodes.Macro | nodes.CallBlock) for node in found) else set()
    asked = _Asked(text, tree, frozenset(own))
    for node in found:
        asked.see(node)
    return asked.template()


class _Asked:
    """Collects what the nodes of one template ask for; `own` are names that it defines itself."""

    def __init__(self, text: str, tree: nodes.Template, own: frozenset[str]) -> None:
        self._text, self._tree = text, tree
        self._own = own
        self._names: list[Word] = []
        self._attributes: list[tuple[str, Word]] = []
        self._filters: list[Word] = []
        self._tests: list[Word] = []
        self._pulls: list[Pull] = []
        self._calls: list[Called] = []
        self._operations: list[tuple[str, Word, str]] = []
        self._optional: set[str | int] = set()

    def template(self) -> Template:
        return Template(
            (),
            tuple(self._names),
            tuple(self._attributes),
            tuple(self._filters),
            tuple(self._tests),
            tuple(self._pulls),
            frozenset(self._optional),
            tuple(self._calls),
            tuple(self._operations),
            self._tree,
        )

    def see(self, node: nodes.Node) -> None:
        from jinja2 import nodes  # noqa: PLC0415 # as above

        match node:
            case nodes.Name() if node.name not in self._own:
                self._names.append(Word(node.name, node.lineno))
            case nodes.Getattr():
                self._attributes.append((self._path(node.node), Word(node.attr, node.lineno + 1)))
            case nodes.Getitem(arg=nodes.Const(value=str() as key, lineno=at)) if self._text.startswith(key, at + 1):
                self._attributes.append((self._path(node.node), Word(key, at + 1)))
            case nodes.Call():
                self._call(node)
            case nodes.Filter() | nodes.Test() if node.node is not None:
                self._word(node)
            case nodes.BinExpr() if type(node).__name__ in _ARITHMETIC:
                at = self._text.rfind(node.operator, node.left.lineno, max(node.right.lineno, node.left.lineno + 1))
                self._operations.append((self._path(node.left), Word(node.operator, at), self._path(node.right)))
            case _:
                pass

    def _call(self, call: nodes.Call) -> None:
        from jinja2 import nodes  # noqa: PLC0415 # as above

        if isinstance(call.node, nodes.Getattr) and call.node.attr == "xcom_pull":
            self._pulls += _pull(call)
        ends = ((keyword.key, keyword.value.lineno) for keyword in call.kwargs)
        keywords = tuple(Word(key, max(self._text.rfind(key, 0, end), 0)) for key, end in ends)
        is_open = call.dyn_args is not None or call.dyn_kwargs is not None
        number = None if is_open else len(call.args) + len(keywords)
        first = self._path(call.args[0]) if call.args else ""
        self._calls.append(Called(self._path(call.node), call.lineno, keywords, number, first))

    def _word(self, node: nodes.Filter | nodes.Test) -> None:
        from jinja2 import nodes  # noqa: PLC0415 # as above

        if isinstance(node, nodes.Filter):
            self._filters.append(Word(node.name, node.lineno))
            self._operations.append((self._path(node.node), self._filters[-1], ""))
            # `map`, `select` and their like are given the name of a filter or of a test.
            place = _TAKES_A_TEST.get(node.name, 0 if node.name == "map" else None)
            for given in node.args[place : place + 1] if place is not None else ():
                value, at = getattr(given, "value", None), given.lineno + 1
                if isinstance(value, str) and value.isidentifier() and self._text.startswith(value, at):
                    (self._filters if node.name == "map" else self._tests).append(Word(value, at))
        else:
            self._tests.append(Word(node.name, self._text.find(node.name, node.lineno + 2)))
        if node.name in _MAY_BE_MISSING:
            match node.node:
                case nodes.Name(name=name):
                    self._optional.add(name)
                case nodes.Getattr(lineno=at) | nodes.Getitem(arg=nodes.Const(lineno=at)):
                    self._optional.add(at + 1)
                case _:
                    pass

    def _path(self, node: nodes.Node | None) -> str:
        """The path of a value; empty for one that the template itself defines, or that has none."""
        from jinja2 import nodes  # noqa: PLC0415 # as above

        match node:
            case nodes.Name():
                return "" if node.name in self._own and node.name != "loop" else node.name
            case nodes.Const(value=int() | float()) if not isinstance(node.value, bool):
                return "1"
            case nodes.Getattr(node=inner, attr=step) | nodes.Getitem(node=inner, arg=nodes.Const(value=str() as step)):
                ending = f".{step}"
            case nodes.Call(node=inner):
                ending = "()"
            case nodes.Filter(node=nodes.Node() as inner, name=name):
                ending = f"|{name}"
            case _:
                return ""
        path = self._path(inner)
        return f"{path}{ending}" if path else ""


def _pull(call: nodes.Call) -> Iterator[Pull]:
    from jinja2 import nodes  # noqa: PLC0415 # as above

    keywords = {keyword.key: keyword.value for keyword in call.kwargs}
    written = keywords.get("task_ids", call.args[0] if call.args else None)
    ids = written.items if isinstance(written, nodes.List | nodes.Tuple) else [written]
    texts = [one for one in ids if isinstance(one, nodes.Const) and isinstance(one.value, str)]
    if texts and "dag_id" not in keywords and len(call.args) < 2:
        yield Pull(tuple(Word(text.value, text.lineno + 1) for text in texts), "key" not in keywords)


def one_pulled(call: nodes.Call) -> str | None:
    """The task whose whole output a `ti.xcom_pull` asks for; None for more or for less than one output."""
    from jinja2 import nodes  # noqa: PLC0415 # as above

    keywords: dict[str, nodes.Expr] = {keyword.key: keyword.value for keyword in call.kwargs}
    match keywords.pop("task_ids", call.args[0] if len(call.args) == 1 else None):
        case nodes.Const(value=str() as task_id) if not keywords and call.dyn_kwargs is None:
            return task_id
        case _:
            return None


_PENDULUM = (("YYYY", "%Y"), ("yyyy", "%Y"), ("YY", "%y"), ("yy", "%y"), ("MM", "%m"), ("DD", "%d"), ("dd", "%d"))
_PENDULUM_TIMES = (("HH", "%H"), ("hh", "%H"), ("mm", "%M"), ("ss", "%S"), ("SS", "%S"))
_FORMAT = re.compile(r"\((?:[^()'\"]*(?P<quote>['\"])(?P<format>[^'\"]*)(?P=quote))+\s*\)")
_MIXED_UP = (
    (r"%[Yy][-/._ ]?(?P<part>%M)(?![:.]?%S)|(?P<other>%M)[-/._ ]?%[dYy]", "the minute", "%m", "the month"),
    (r"%[HI][:.]?(?P<part>%m)", "the month", "%M", "the minute"),
    (r"%[mY][-/._ ]?(?P<part>%D)", "the whole date, such as `01/31/26`,", "%d", "the day"),
)
_MIXED_UP_OF_PENDULUM = (
    (r"(?P<part>y{2,4})", "no year", "YYYY", "the year"),
    (r"MM[-/. ]?(?P<part>dd)(?!d)|(?<!d)(?P<other>dd)[-/. ]?MM", "the day of the week", "DD", "the day"),
    (r"(?P<part>mm)[-/.]?DD|YYYY[-/.]?(?P<other>mm)", "the minute", "MM", "the month"),
    (r"[Hh]{1,2}:?(?P<part>MM)", "the month", "mm", "the minute"),
)


def mixed_up_format(text: str, at: int, *, of_pendulum: bool) -> tuple[str, tuple[int, int], str] | None:
    """What to say of the format of a date in the call at `(`, which means something else, and what to write.
    `of_pendulum`: of its `format`, whose notation is not that of Python's `strftime`."""
    found = _FORMAT.match(text, at)
    if found is None:
        return None
    written, start = found["format"], found.start("format")
    if of_pendulum and re.search("%[a-zA-Z]", written):
        return f"`format` does not read `{written}`", (start, found.end("format")), "write `strftime` for `format`"
    if not of_pendulum and "%" not in written:
        meant = written
        for theirs, ours in (*_PENDULUM, *_PENDULUM_TIMES):
            meant = meant.replace(theirs, ours)
        caret = f"write `{meant}`"
        return None if meant == written else (f"`{written}` has no `%`: it stays as it is", found.span("format"), caret)
    free = re.sub(r"\[[^\]]*\]", lambda kept: " " * len(kept[0]), written) if of_pendulum else written
    for pattern, is_now, instead, what in _MIXED_UP_OF_PENDULUM if of_pendulum else _MIXED_UP:
        if (mixed := re.search(pattern, free)) is not None:
            group = "part" if mixed["part"] else "other"
            message = f"`{mixed[group]}` is {is_now} in a format; {what} is `{instead}`"
            return message, (start + mixed.start(group), start + mixed.end(group)), f"write `{instead}`"
    return None
