"""Templates worked out with values like those of a run: what fails with them fails in every run.

What only the run knows makes everything unknown that is made of it; of a text that may be another one, its type counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.expressions.template_parts import one_pulled
from schemas.rules.template_context import OF_DATE
from schemas.rules.template_samples import (
    DATE_FILTERS,
    MADE_LATER,
    OPERATIONS,
    PLAIN,
    PULL,
    UNKNOWN,
    DateTime,
    Sample,
    Space,
    applied,
    asked_later,
    is_plain,
    is_safe,
    is_too_large,
    known,
    samples,
    unpacked,
)

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

_TOO_MUCH = re.compile(r"\d{5}|__")
"""Widths and counts that take long to work out; names that are not for templates."""
_NO_FUNCTION: Any = "a value that is not callable"
_EXPRESSION = re.compile(r"\{[{%][-+]?\s*(?P<inside>.*?)\s*[-+]?[%}]\}", re.DOTALL)


class Failure(NamedTuple):
    """What fails: the place of a tag's inside in the text, the exception, and the step with its values."""

    part: tuple[int, int]
    error: Exception
    operator: str
    values: tuple[Any, ...]


class _FailsError(Exception):
    def __init__(self, at: int, error: Exception, operator: str, values: tuple[Any, ...]) -> None:
        super().__init__(str(error))
        self.at, self.error, self.operator, self.values = at, error, operator, values


def failures(
    text: str, tree: nodes.Template, environment: Environment, own: Mapping[str, Any], pulled: Mapping[str, Any]
) -> Iterator[Failure]:
    """What cannot be worked out in a template. `own` are values of names beside Airflow's, or of its names where the
    pipeline says them (`params`); `pulled` those that `xcom_pull` gets, by task."""
    if _TOO_MUCH.search(text) is not None:
        return
    found: list[dict[int, Failure]] = []
    for sample in samples():
        run = _Run(text, environment, {**sample, **own}, pulled)
        run.statements(tree.body)
        if not run.found:
            return
        found.append(run.found)
    yield from (failure for at, failure in found[0].items() if all(at in other for other in found))


class _Run:
    """One working out. `_is_exact`: the values of the expression are those of a run, not only of their types."""

    def __init__(self, text: str, environment: Environment, names: dict[str, Any], pulled: Mapping[str, Any]) -> None:
        self._text, self._environment, self._names, self._pulled = text, environment, names, pulled
        self._is_exact = True
        self.found: dict[int, Failure] = {}

    def statements(self, body: list[nodes.Node]) -> None:
        from jinja2 import nodes  # noqa: PLC0415 # lint starts for many files that have no template

        for node in body:
            match node:
                case nodes.Output():
                    for inner in node.nodes:
                        self._tried(inner)
                case nodes.If():
                    asked: set[str] = set()
                    for one in (node, *node.elif_):
                        self._tried(one.test)
                        asked |= _names(one.test)
                        self._block(one.body, asked)
                    self._block(node.else_, asked)
                case nodes.For():
                    self._loop(node)
                case nodes.Assign(target=nodes.Name(name=name)):
                    self._names[name] = self._tried(node.node)
                case nodes.ExprStmt():
                    self._tried(node.node)
                case _:
                    stored = [one.name for one in node.find_all(nodes.Name) if one.ctx != "load"]
                    self._names |= dict.fromkeys(stored, UNKNOWN)

    def _loop(self, loop: nodes.For) -> None:
        from jinja2 import nodes  # noqa: PLC0415 # as above

        def first() -> Any:
            many = self._value(loop.iter)
            row = self._does(loop.iter, "for", lambda: next(iter(many), UNKNOWN), many) if known(many) else UNKNOWN
            if known(row) and isinstance(loop.target, nodes.Tuple) and (self._is_exact or isinstance(many, dict)):
                self._is_exact, number = True, len(loop.target.items)
                self._does(loop.iter, "for", lambda: unpacked(row, number), many)
            return UNKNOWN

        self._tried(loop.iter, first)
        self._block(loop.body, {*_names(loop.target), "loop"})
        self._block(loop.else_)

    def _block(self, body: list[nodes.Node], open_names: Collection[str] = ()) -> None:
        """A part that may not be done. `open_names` may be of any type in it, such as what is asked before it."""
        before = self._names
        self._names = inside = {**before, **dict.fromkeys(open_names, UNKNOWN)}
        begun = dict(inside)
        self.statements(body)
        changed = [name for name, value in inside.items() if begun.get(name, UNKNOWN) is not value]
        self._names = {**before, **dict.fromkeys(changed, UNKNOWN)}

    def _tried(self, node: nodes.Node, worked_out: Callable[[], Any] | None = None) -> Any:
        from jinja2 import StrictUndefined  # noqa: PLC0415 # as above

        self._is_exact = True
        try:
            value = self._value(node) if worked_out is None else worked_out()
            return self._does(node, "", lambda: str(value)) if isinstance(value, StrictUndefined) else value
        except _FailsError as failed:
            opened = max(self._text.rfind("{{", 0, failed.at + 1), self._text.rfind("{%", 0, failed.at + 1), 0)
            inside = _EXPRESSION.match(self._text, opened)
            part = inside.span("inside") if inside is not None else (failed.at, failed.at + 1)
            self.found.setdefault(failed.at, Failure(part, failed.error, failed.operator, failed.values))
        except RecursionError:
            pass
        return UNKNOWN

    def _does(self, node: nodes.Node, operator: str, work: Callable[[], Any], *values: Any) -> Any:
        """The outcome of one step with known values; where their content may be another one, only types fail."""
        from jinja2 import TemplateRuntimeError, UndefinedError  # noqa: PLC0415 # as above

        try:
            outcome = work()
        except (TypeError, AttributeError, UndefinedError) as error:
            if isinstance(error, UndefinedError) and "element" in str(error) and not self._is_exact:
                return UNKNOWN
            raise _FailsError(node.lineno, error, operator, values) from None
        except (ArithmeticError, LookupError, ValueError) as error:
            if not self._is_exact:
                return UNKNOWN
            raise _FailsError(node.lineno, error, operator, values) from None
        except TemplateRuntimeError:
            return UNKNOWN  # a filter that needs more of the run
        return UNKNOWN if is_too_large(outcome) else outcome

    def _value(self, node: nodes.Node | None) -> Any:  # noqa: PLR0912 # one case for each kind of node
        from jinja2 import nodes  # noqa: PLC0415 # as above

        match node:
            case nodes.Const():
                return node.value
            case nodes.TemplateData():
                return UNKNOWN
            case nodes.Name():
                return self._seen(self._names.get(node.name, UNKNOWN))
            case nodes.Getattr() | nodes.Getitem():
                return self._part(node)
            case nodes.Call():
                return self._call(node)
            case nodes.Filter(node=nodes.Node()):
                return self._filter(node)
            case nodes.Test() | nodes.Not():
                self._value(node.node)
            case nodes.BinExpr() if node.operator in OPERATIONS:
                return self._binary(node, node.operator, self._value(node.left), self._value(node.right))
            case nodes.And() | nodes.Or():
                self._value(node.left)
                self._apart(node.right, node.left)
            case nodes.CondExpr():
                self._value(node.test)
                values = [self._apart(one, node.test) for one in (node.expr1, node.expr2) if one is not None]
                return values[0] if len(values) > 1 and type(values[0]) is type(values[1]) else UNKNOWN
            case nodes.Neg() | nodes.Pos():
                value = self._value(node.node)
                return self._does(node, "-", lambda: -value, value) if known(value) else UNKNOWN
            case nodes.Compare():
                left = self._value(node.expr)
                for one in node.ops:
                    right = self._value(one.expr)
                    self._binary(node.expr, one.op, left, right)
                    left = right
            case nodes.Concat():
                texts = [self._value(one) for one in node.nodes]
                return self._does(node, "~", lambda: "".join(map(str, texts))) if known(*texts) else UNKNOWN
            case nodes.List() | nodes.Tuple():
                items = [self._value(one) for one in node.items]
                return items if is_plain(items) else UNKNOWN
            case nodes.Dict():
                pairs = {str(self._value(pair.key)): self._value(pair.value) for pair in node.items}
                return pairs if is_plain(pairs.values()) else UNKNOWN
            case _:
                pass
        return UNKNOWN

    def _seen(self, value: Any) -> Any:
        """A value of a name or a key; a sample says of itself that it is one."""
        if not isinstance(value, Sample):
            return value
        self._is_exact = False
        return value.value

    def _apart(self, node: nodes.Expr, test: nodes.Expr) -> Any:
        before = self._names
        self._names = {**before, **dict.fromkeys(_names(test), UNKNOWN)}
        try:
            return self._value(node)
        finally:
            self._names = before

    def _part(self, node: nodes.Getattr | nodes.Getitem) -> Any:
        from jinja2 import nodes  # noqa: PLC0415 # as above

        owner = self._value(node.node)
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
            ends = [None if one is None else self._value(one) for one in (node.arg.start, node.arg.stop, node.arg.step)]
            return self._does(node, "[", lambda: owner[slice(*ends)], owner) if known(owner, *ends) else UNKNOWN
        key = node.attr if isinstance(node, nodes.Getattr) else self._value(node.arg)
        if isinstance(owner, Space):
            return self._seen(owner.values.get(key, UNKNOWN)) if isinstance(key, str) else UNKNOWN
        if not known(owner, key) or (isinstance(owner, DateTime) and key in OF_DATE and not hasattr(owner, key)):
            return UNKNOWN
        if isinstance(node, nodes.Getattr):
            return self._does(node, ".", lambda: self._environment.getattr(owner, key), owner)
        return self._does(node, "[", lambda: self._environment.getitem(owner, key), owner)

    def _arguments(self, node: nodes.Call | nodes.Filter) -> tuple[list[Any], dict[str, Any]] | None:
        """What is given; None where it is not all known."""
        arguments = [self._value(one) for one in node.args]
        keywords = {str(one.key): self._value(one.value) for one in node.kwargs}
        is_open = node.dyn_args is not None or node.dyn_kwargs is not None
        return None if is_open or not known(*arguments, *keywords.values()) else (arguments, keywords)

    def _call(self, node: nodes.Call) -> Any:
        from jinja2 import StrictUndefined  # noqa: PLC0415 # as above

        called, given = self._value(node.node), self._arguments(node)
        if called is PULL:
            return self._seen(self._pulled.get(one_pulled(node) or "", UNKNOWN))
        if isinstance(called, (Space, StrictUndefined)) or not callable(called):
            fails: Any = _NO_FUNCTION if isinstance(called, Space) else called
            return UNKNOWN if called is UNKNOWN else self._does(node, "()", fails, called)
        is_format = getattr(called, "__name__", "") in ("format", "format_map")
        if given is None or not is_safe(called) or (is_format and not self._is_exact):
            return UNKNOWN
        arguments, keywords = given
        return self._does(node, "()", lambda: called(*arguments, **keywords), *arguments, *keywords.values())

    def _filter(self, node: nodes.Filter) -> Any:
        from jinja2 import StrictUndefined  # noqa: PLC0415 # as above

        value, given = self._value(node.node), self._arguments(node)
        if node.name in ("default", "d") and (isinstance(value, StrictUndefined) or value is UNKNOWN):
            return UNKNOWN
        if not known(value) or given is None or (node.name == "format" and not self._is_exact):
            return UNKNOWN
        arguments, keywords = given
        if (of_airflow := DATE_FILTERS.get(node.name)) is not None:
            return None if value is None else self._does(node, "|", lambda: of_airflow(value), value)
        if node.name in MADE_LATER:
            return asked_later(node.name, value)
        if node.name == "reverse":
            self._does(node, "|", lambda: iter(value), value)
        if node.name not in self._environment.filters or node.name in ("attr", "random", "reverse"):
            return UNKNOWN
        work = partial(self._environment.call_filter, node.name, value, arguments, keywords)
        outcome = self._does(node, "|", work, value)
        return outcome if isinstance(outcome, (*PLAIN, list, dict)) else UNKNOWN

    def _binary(self, node: nodes.Node, sign: str, left: Any, right: Any) -> Any:
        if not known(left, right) or (sign == "%" and isinstance(left, str) and not self._is_exact):
            return UNKNOWN
        return self._does(node, sign, partial(applied, sign, left, right), left, right)


def _names(node: nodes.Node) -> set[str]:
    from jinja2.nodes import Name  # noqa: PLC0415 # as above

    return {name.name for name in (node, *node.find_all(Name)) if isinstance(name, Name)}
