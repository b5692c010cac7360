"""Which calls a constructor refuses: the checks in its own code, applied to arguments that are written out. Nothing is
executed; what reading cannot tell refuses nothing."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.source.facts import PRESENT, UNKNOWN, ClassFacts, Refusal, Value
from schemas.source.names import Definition, NameResolver

_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    **{ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt},
    **{ast.GtE: operator.ge, ast.In: lambda one, many: one in many, ast.NotIn: lambda one, many: one not in many},
    **{ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.BitAnd: operator.and_, ast.BitOr: operator.or_},
    ast.Add: operator.add,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{
        each.__name__: each
        for each in (len, bool, str, int, float, set, list, tuple, frozenset, callable, any, all, sorted, abs)
    },
    # Helpers of Airflow.
    "exactly_one": lambda *values: sum(map(bool, values)) == 1,
    "at_most_one": lambda *values: sum(map(bool, values)) <= 1,
}
_DISPLAYS: Mapping[type[ast.AST], Callable[[Iterable[Any]], Any]] = {ast.List: list, ast.Tuple: tuple, ast.Set: set}
_TYPES: Mapping[str, type] = {each.__name__: each for each in (str, int, float, bool, list, dict, tuple, set)}
_METHODS = frozenset({"lower", "upper", "strip", "startswith", "endswith", "get", "keys", "values", "items"})
_CHANGING = (list, dict, set)
_LONGEST = 100_000  # a sum of a sum of a sum … has no end
_FAILURES = (AttributeError, KeyError, TypeError, ValueError)


class _RefusedError(Exception):
    """Holds a refusal."""


class _UnknownError(Exception):
    """An expression that reading cannot tell."""


class _UnclearError(Exception):
    """From here on nothing can be told."""


class _Given(NamedTuple):
    """A value, and the arguments of the call that it is made of."""

    value: Any
    names: frozenset[str] = frozenset()


_NOTHING = _Given(UNKNOWN)


class Construction:
    """One object as it is made: its attributes, as far as they are known.

    `order` are its class and the bases of that. The constructor of the one at `end`, Airflow's BaseOperator, and of
    those behind it is taken for granted.
    """

    def __init__(self, names: NameResolver, order: Sequence[Definition], end: int) -> None:
        self.names = names
        self.order = order
        self.end = end
        self.attributes: dict[str, _Given] = {}
        self.is_changed = False  # by code that is not followed

    def refusal(self, arguments: Mapping[str, Any]) -> Refusal | None:
        """Why the arguments, some of which may be UNKNOWN, are refused."""
        try:
            self.construct(0, {name: _Given(value, frozenset({name})) for name, value in arguments.items()})
        except _RefusedError as refused:
            return Refusal(*refused.args)
        except (_UnclearError, RecursionError):
            return None
        return None

    def construct(self, start: int, arguments: Mapping[str, _Given]) -> None:
        """Follow the first constructor from a place in the order on."""
        for index, each in enumerate(self.order[start : self.end], start):
            facts = each.facts
            if not isinstance(facts, ClassFacts) or not {"__init__", "__new__"}.isdisjoint(facts.attributes):
                init = facts.constructor if isinstance(facts, ClassFacts) else None
                if init is None or init.node is None or init.node.decorator_list:
                    raise _UnclearError
                _Frame(self, index, init.node, arguments).statements(init.node.body, ())
                return

    def attribute(self, name: str) -> Any:
        """`self.name`: as it was set, or a constant of the class."""
        if name in self.attributes:
            return self.attributes[name].value
        for index, each in enumerate(() if self.is_changed else self.order):
            if isinstance(each.facts, ClassFacts) and name in each.facts.attributes:
                return _Frame(self, index, None, {}).known(each.facts.constants.get(name))
        return UNKNOWN

    def set(self, name: str, given: _Given) -> None:
        """`self.name = …`; what a property makes of it is not known."""
        classes = [each.facts for each in self.order if isinstance(each.facts, ClassFacts)]
        is_plain = all(name not in facts.attributes or name in facts.constants for facts in classes)
        self.attributes[name] = given if is_plain else _NOTHING


class _Frame:
    """A constructor as it runs, with the names in it."""

    def __init__(
        self,
        of: Construction,
        index: int,
        node: ast.FunctionDef | ast.AsyncFunctionDef | None,
        given: Mapping[str, _Given],
    ) -> None:
        self.of, self.index, self.module = of, index, of.order[index].module
        self.locals: dict[str, _Given] = {}
        self.me = self.kwargs = ""
        if node is not None:
            written, positional = node.args, [*node.args.posonlyargs, *node.args.args]
            self.me, self.kwargs = positional[0].arg if positional else "", written.kwarg.arg if written.kwarg else ""
            defaults = dict(zip((a.arg for a in reversed(positional)), reversed(written.defaults), strict=False))
            defaults |= {a.arg: one for a, one in zip(written.kwonlyargs, written.kw_defaults, strict=True) if one}
            for name in (a.arg for a in (*positional[1:], *written.kwonlyargs)):
                self.locals[name] = given.get(name) or _Given(self.known(defaults.get(name)), frozenset({name}))
        self.rest = {name: value for name, value in given.items() if name not in self.locals}

    def known(self, node: ast.expr | None) -> Any:
        """What an expression is, if that can be told."""
        try:
            return UNKNOWN if node is None else self._value(node)
        except (*_FAILURES, _UnknownError):
            return UNKNOWN

    def statements(self, body: Iterable[ast.stmt], tests: tuple[ast.expr, ...]) -> bool:
        """Whether what is behind them runs, too; `tests` are the conditions that hold."""
        return all(self._statement(node, tests) for node in body)

    def _statement(self, node: ast.stmt, tests: tuple[ast.expr, ...]) -> bool:
        match node:
            case ast.Raise(exc=exc):
                said = self.known(exc.args[0]) if isinstance(exc, ast.Call) and exc.args else None
                words = " ".join(said.split()) if isinstance(said, str) else ""
                raise _RefusedError(words, ast.unparse(tests[-1]) if tests else "", self._names_in(*tests))
            case ast.Return():
                return False
            case ast.If(test=test, body=body, orelse=orelse):
                holds = self._evaluated(test)
                if holds is not UNKNOWN:
                    met = test if holds else ast.UnaryOp(ast.Not(), test)
                    return self.statements(body if holds else orelse, (*tests, met))
                self._forget(node)
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                given = _Given(self._evaluated(value), self._names_in(value))
                match target:
                    case ast.Name(id=name):
                        self.locals[name] = given
                    case ast.Attribute(value=ast.Name(id=self.me), attr=name):
                        self.of.set(name, given)
                    case _:
                        self._forget(node)
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[])) as f) as call
            ):
                self._base(call, f.attr)
            case ast.Expr(value=value):
                self._evaluated(value)
            case ast.Pass() | ast.Import() | ast.ImportFrom():
                pass
            case _:
                self._forget(node)
        return True

    def _evaluated(self, node: ast.expr) -> Any:
        try:
            return self._value(node)
        except _UnknownError:
            self._forget(node)
            return UNKNOWN
        except _FAILURES as error:
            raise _RefusedError(str(error), "", self._names_in(node)) from None

    def _base(self, call: ast.Call, method: str) -> None:
        """The constructor of the next base, with what it gets."""
        handed: dict[str, _Given] = {}
        for word in call.keywords:
            if word.arg is not None:
                handed[word.arg] = _Given(self._evaluated(word.value), self._names_in(word.value))
            elif isinstance(word.value, ast.Name) and word.value.id == self.kwargs:
                handed |= self.rest
            else:
                raise _UnclearError
        if not all(isinstance(argument, ast.Starred) for argument in call.args) or method != "__init__":
            raise _UnclearError
        self.of.construct(self.index + 1, handed)

    def _forget(self, node: ast.AST) -> None:
        """What a part that is not followed may change is unknown from then on."""
        nodes = list(ast.walk(node))
        inner = {id(part.value) for part in nodes if isinstance(part, ast.Attribute)}
        for part in nodes:
            match part:
                case ast.Return():
                    raise _UnclearError
                case ast.Name(id=self.me | "super") if id(part) not in inner or part.id == "super":
                    self.of.attributes, self.of.is_changed = {}, True
                case ast.Call(func=ast.Attribute(value=ast.Name(id=self.me))):
                    self.of.attributes, self.of.is_changed = {}, True
                case ast.Name(id=self.kwargs):
                    self.rest = dict.fromkeys(self.rest, _NOTHING)
                case ast.Name(id=name, ctx=to):
                    if not isinstance(to, ast.Load) or isinstance(self.locals.get(name, _NOTHING).value, _CHANGING):
                        self.locals[name] = _NOTHING
                case ast.Attribute(value=ast.Name(id=self.me), attr=name, ctx=to):
                    if not isinstance(to, ast.Load) or isinstance(self.of.attribute(name), _CHANGING):
                        self.of.attributes[name] = _NOTHING

    def _names_in(self, *nodes: ast.expr) -> frozenset[str]:
        found = set[str]()
        for node in (part for one in nodes for part in ast.walk(one)):
            match node:
                case ast.Name(id=name):
                    found |= self.locals.get(name, _NOTHING).names
                case ast.Attribute(value=ast.Name(id=self.me), attr=name):
                    found |= self.of.attributes.get(name, _NOTHING).names
        return frozenset(found)

    def _value(self, node: ast.expr) -> Any:
        """What an expression is. Raises what Python would raise, and _UnknownError."""
        value = self._read(node)
        if value is UNKNOWN or value is PRESENT or (isinstance(value, str | list | tuple) and len(value) > _LONGEST):
            raise _UnknownError
        return value

    def _read(self, node: ast.expr) -> Any:  # noqa: PLR0912 # one case for each form
        match node:
            case ast.Constant(value=str() | int() | float() | None as value):
                return value
            case ast.Name(id=name):
                return self.locals[name].value if name in self.locals else self._of_module(name)
            case ast.Attribute(value=ast.Name(id=self.me), attr=name):
                return self.of.attribute(name)
            case ast.BoolOp(op=op, values=values):
                value = self._value(values[0])
                for one in values[1:]:
                    value = value if bool(value) is isinstance(op, ast.Or) else self._value(one)
                return value
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return not self._value(inner)
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
                value = self._read(left)
                return UNKNOWN if value is UNKNOWN else (value is None) is isinstance(op, ast.Is)
            case ast.Compare(left=left, ops=[op], comparators=[right]) | ast.BinOp(left=left, op=op, right=right) if (
                type(op) in _OPERATORS
            ):
                return _OPERATORS[type(op)](self._value(left), self._value(right))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._value(body if self._value(test) else orelse)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return _DISPLAYS[type(node)](map(self._value, items))
            case ast.JoinedStr(values=values):
                return "".join(str(self._value(one)) for one in values)
            case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
                return self._value(inner)
            case ast.Call(func=ast.Name(id="isinstance"), args=[one, kind]):
                kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
                known = tuple(_TYPES[each.id] for each in kinds if isinstance(each, ast.Name) and each.id in _TYPES)
                is_one = isinstance(self._value(one), known)
                return is_one if is_one or len(known) == len(kinds) else UNKNOWN
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name not in self.locals:
                if name in _FUNCTIONS:
                    return _FUNCTIONS[name](*map(self._value, args))
                members = self._members(name) if len(args) == 1 else frozenset()
                if members and (value := self._value(args[0])) not in members:
                    raise ValueError(f"`{value}` is not one of {', '.join(sorted(members))}")
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=args, keywords=[]):
                on = self._value(inner)
                method = getattr(on, name)
                return method(*map(self._value, args)) if name in _METHODS else UNKNOWN
        return UNKNOWN

    def _of_module(self, name: str) -> Any:
        found = self.of.names.resolve(self.module, name)
        if not isinstance(found, Definition) or not isinstance(found.facts, Value) or found.facts.node is None:
            return UNKNOWN
        frame = _Frame(self.of, 0, None, {})
        frame.module = found.module
        return frame.known(found.facts.node)

    def _members(self, name: str) -> frozenset[str]:
        found = self.of.names.resolve(self.module, name)
        facts = found.facts if isinstance(found, Definition) else None
        return facts.members if isinstance(facts, ClassFacts) else frozenset()
