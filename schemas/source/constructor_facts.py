"""What an `__init__` does with its `**kwargs`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from schemas.source.facts import ConstructorFacts, Forward, FunctionFacts
from schemas.source.syntax import dotted_text


def constructor_facts(
    node: ast.FunctionDef | ast.AsyncFunctionDef, function: FunctionFacts, class_name: str
) -> ConstructorFacts:
    """The facts of the `__init__` of the class `class_name`."""
    name = node.args.kwarg.arg if node.args.kwarg else None
    use = _Use(name, class_name, _first_parameter(node))
    mentions = 0
    for inner in ast.walk(ast.Module(body=node.body, type_ignores=[])):
        if isinstance(inner, ast.Name) and inner.id == name:
            mentions += 1
        use.see(inner)
    return ConstructorFacts(
        function=function,
        forwards=tuple(use.forwards),
        taken=frozenset(use.taken),
        given=frozenset(use.given),
        opaque=mentions > use.understood,
        sets_fields=use.sets_fields,
    )


def _first_parameter(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    positional = [*node.args.posonlyargs, *node.args.args]
    return positional[0].arg if positional else None


class _Use:
    """Collects the uses of `**kwargs` that reading follows; `understood` counts them."""

    def __init__(self, kwargs: str | None, class_name: str, self_name: str | None) -> None:
        self.kwargs = kwargs
        self.class_name = class_name
        self.self_name = self_name
        self.forwards: list[Forward] = []
        self.taken: set[str] = set()
        self.given: set[str] = set()
        self.understood = 0
        self.sets_fields = False

    def see(self, node: ast.AST) -> None:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if name == self.kwargs:
                self._method(method, node)
            case ast.Call(func=ast.Attribute(attr="__init__")):
                self._constructor_call(node)
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str() as key)) if name == self.kwargs:
                self.understood += 1
                if isinstance(node.ctx, ast.Store):
                    self.given.add(key)
                elif isinstance(node.ctx, ast.Del):
                    self.taken.add(key)
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=name)]) if name == self.kwargs:
                self.understood += 1
            case ast.Attribute(value=ast.Name(id=name), attr="template_fields", ctx=ast.Store()) if (
                name == self.self_name
            ):
                self.sets_fields = True
            case _:
                pass

    def _method(self, method: str, call: ast.Call) -> None:
        match call.args:
            case [ast.Constant(value=str() as key), *_]:
                pass
            case _:
                return
        if method == "pop":
            self.taken.add(key)
        elif method == "setdefault":
            self.given.add(key)
        elif method != "get":
            return
        self.understood += 1

    def _constructor_call(self, call: ast.Call) -> None:
        passed = [word for word in call.keywords if word.arg is None and self._is_kwargs(word.value)]
        if not passed:
            return
        others = [word for word in call.keywords if word.arg is None and word not in passed]
        target = next(self._targets(call), None)
        if target is None or others or len(passed) > 1:
            return
        base, positional = target
        self.understood += 1
        keywords = frozenset(word.arg for word in call.keywords if word.arg is not None)
        self.forwards.append(Forward(base, keywords, positional))

    def _is_kwargs(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self.kwargs

    def _targets(self, call: ast.Call) -> Iterator[tuple[str | None, int]]:
        """The base that the call constructs (None: the next one), and its number of positional arguments."""
        given = len([argument for argument in call.args if not isinstance(argument, ast.Starred)])
        match call.func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[])):
                yield None, given
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[ast.Name(id=name), _])):
                if name == self.class_name:
                    yield None, given
            case ast.Attribute(value=value) if call.args and self._is_self(call.args[0]):
                base = dotted_text(value)
                if base is not None:
                    yield base, given - 1
            case _:
                return

    def _is_self(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self.self_name
