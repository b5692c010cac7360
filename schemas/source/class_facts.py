"""Functions and classes of a syntax tree → their facts, and what an `__init__` does with its `**kwargs`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from schemas.source.facts import ClassFacts, ConstructorFacts, Fields, FieldsOf, Forward, FunctionFacts, Parameter
from schemas.source.syntax import dotted_text, is_literal, is_type_checking

_COLLECTIONS = frozenset({"tuple", "list", "set", "frozenset", "sorted"})


def function_facts(node: ast.FunctionDef | ast.AsyncFunctionDef) -> FunctionFacts:
    """The facts of a `def`, all parameters included."""
    return FunctionFacts(
        name=node.name,
        line=node.lineno,
        parameters=tuple(_parameters(node.args)),
        decorators=_decorators(node),
        is_async=isinstance(node, ast.AsyncFunctionDef),
    )


def class_facts(node: ast.ClassDef) -> ClassFacts:
    """The facts of a `class` statement."""
    body = _ClassBody(node)
    metaclass = next((word.value for word in node.keywords if word.arg == "metaclass"), None)
    init = body.definitions.get("__init__")
    return ClassFacts(
        name=node.name,
        line=node.lineno,
        bases=tuple(_base_text(base) for base in node.bases),
        # Other class keywords go to `__init_subclass__`, which does not change the constructor.
        has_metaclass=metaclass is not None or any(word.arg is None for word in node.keywords),
        metaclass=None if metaclass is None else dotted_text(metaclass),
        decorators=_decorators(node),
        functions={
            name: function_facts(definition)
            for name, definition in body.definitions.items()
            if _is_called_on_the_class(definition)
        },
        methods=frozenset(name for name, node in body.definitions.items() if not node.decorator_list),
        constants=body.constants,
        attributes=frozenset(body.attributes),
        constructor=None if init is None else constructor_facts(init, function_facts(init), node.name),
        has_fields=body.has_fields,
        fields=body.fields,
    )


def field_items(node: ast.expr) -> Fields | None:
    """The text items of a sequence or set of names; None if it is computed in a way this does not follow."""
    match node:
        case ast.Constant(value=str() as name):
            # Airflow takes a lone string for a list of one.
            return (name,)
        case ast.Tuple() | ast.List() | ast.Set():
            return _joined(item.value if isinstance(item, ast.Starred) else item for item in node.elts)
        case ast.BinOp(op=ast.Add() | ast.BitOr()):
            return _joined((node.left, node.right))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _COLLECTIONS:
            return field_items(argument)
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]) if name in _COLLECTIONS:
            return ()
        case ast.Call(func=ast.Attribute(value=value, attr="union"), keywords=[]):
            return _joined((value, *node.args))
        case _:
            path = dotted_text(node)
            return None if path is None else (FieldsOf(path),)


def endings(facts: ClassFacts) -> tuple[str, ...]:
    """The `template_ext` that a class body writes out."""
    node = facts.constants.get("template_ext")
    return tuple(item for item in (field_items(node) or () if node is not None else ()) if isinstance(item, str))


def _is_called_on_the_class(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.name == "__new__" or not {"staticmethod", "classmethod"}.isdisjoint(_decorators(node))


def _joined(nodes: Iterable[ast.expr]) -> Fields | None:
    items: list[str | FieldsOf] = []
    for node in nodes:
        part = field_items(node)
        if part is None:
            return None
        items.extend(part)
    return tuple(items)


def _base_text(node: ast.expr) -> str | None:
    # `Base[int]`: the parameters of a generic do not change what is inherited.
    return dotted_text(node.value if isinstance(node, ast.Subscript) else node)


def _decorators(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> tuple[str | None, ...]:
    return tuple(
        dotted_text(decorator.func if isinstance(decorator, ast.Call) else decorator)
        for decorator in node.decorator_list
    )


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    for index, argument in enumerate(positional):
        kind = "POSITIONAL_ONLY" if index < len(arguments.posonlyargs) else "POSITIONAL_OR_KEYWORD"
        yield _parameter(argument, kind, required=index < first_default)
    if arguments.vararg:
        yield _parameter(arguments.vararg, "VAR_POSITIONAL", required=False)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, "KEYWORD_ONLY", required=default is None)
    if arguments.kwarg:
        yield _parameter(arguments.kwarg, "VAR_KEYWORD", required=False)


def _parameter(argument: ast.arg, kind: str, *, required: bool) -> Parameter:
    annotation = argument.annotation
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        text: str | None = annotation.value
    else:
        text = None if annotation is None else ast.unparse(annotation)
    return Parameter(argument.arg, kind, required, text)


class _ClassBody:
    """What a class body binds. What a branch binds is known by name only, as either may be taken."""

    def __init__(self, node: ast.ClassDef) -> None:
        self.definitions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self.attributes: set[str] = set()
        self.constants: dict[str, ast.expr] = {}
        self.has_fields = False
        self.fields: Fields | None = None
        for statement in node.body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._bind(node.name, None)
                self.definitions[node.name] = node
            case ast.ClassDef():
                self._bind(node.name, None)
            case ast.Assign():
                for target in node.targets:
                    self._target(target, node.value)
            case ast.AnnAssign(value=ast.expr() as value):
                self._target(node.target, value)
            case ast.AnnAssign() | ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.If(test=test, orelse=orelse) if is_type_checking(test):
                for statement in orelse:
                    self._statement(statement)
            case _:
                self._other(node)

    def _target(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, field_items(value))
            if is_literal(value):
                self.constants[target.id] = value
            return
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                self._bind(name.id, None)

    def _bind(self, name: str, fields: Fields | None) -> None:
        self.attributes.add(name)
        self.constants.pop(name, None)
        self.definitions.pop(name, None)
        if name == "template_fields":
            self.has_fields, self.fields = True, fields

    def _other(self, node: ast.stmt) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                self.attributes.add(inner.name)
                if inner.name == "template_fields":
                    self._bind(inner.name, None)
            elif isinstance(inner, ast.Name) and inner.id == "template_fields":
                self._bind(inner.id, None)
            elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                self.attributes.add(inner.id)
                self.constants.pop(inner.id, None)


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
        node=node,
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
