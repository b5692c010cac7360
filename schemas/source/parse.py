"""Bytes of a Python file → its facts. Parses, never executes; every failure is a value."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemas.source.class_facts import class_facts, field_items, function_facts
from schemas.source.facts import Alias, Binding, Bound, Gate, Imported, ModuleFacts, Unreadable, Value
from schemas.source.syntax import (
    dotted_text,
    given_by,
    is_literal,
    is_type_checking,
    literal_mapping,
)

MAX_BYTES = 2 * 1024 * 1024
"""Larger files are not read: the largest module of Airflow and its providers has a tenth of it."""

# Text that can bind module-level names in ways that the statements do not show.
_DYNAMIC = re.compile(rb"globals\(\)|sys\.modules|\bexec\(|\bsetattr\(|\n[ \t]+global[ \t]")

# The constants of each provider's `version_compat` module, by which it tells Airflow's versions apart.
_VERSION_GATE = r"AIRFLOW_V_(\d+)_(\d+)(?:_(\d+))?_PLUS"


def module_facts(data: bytes) -> ModuleFacts | Unreadable:
    """The facts of a module's bytes. Encodings follow PEP 263."""
    tree = parse(data)
    if isinstance(tree, Unreadable):
        return tree
    try:
        return _Collector(data).collect(tree)
    except RecursionError:
        return Unreadable(1, 1, "it is nested too deeply", syntax=False)


def module_imports(data: bytes) -> tuple[Imported, ...]:
    """Every import statement of a module, those inside functions included; none if it does not parse."""
    tree = parse(data)
    if isinstance(tree, Unreadable):
        return ()
    return tuple(
        imported
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for _, imported in _imports(node, bind_first=False)
    )


def parse(data: bytes) -> ast.Module | Unreadable:
    """The syntax tree of a module's bytes."""
    if len(data) > MAX_BYTES:
        return Unreadable(1, 1, f"it is larger than {MAX_BYTES // (1024 * 1024)} MiB", syntax=False)
    try:
        with warnings.catch_warnings():
            # Warnings about the text (invalid escapes) belong to whoever runs it.
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except SyntaxError as error:
        return Unreadable(max(error.lineno or 1, 1), max(error.offset or 1, 1), error.msg, syntax=True)
    except ValueError as error:
        return Unreadable(1, 1, str(error), syntax=True)
    except (RecursionError, MemoryError):
        return Unreadable(1, 1, "it is nested too deeply", syntax=False)


def _imports(node: ast.Import | ast.ImportFrom, *, bind_first: bool) -> Iterator[tuple[str, Imported]]:
    """(bound name, what) pairs. `import a.b` binds `a` but loads `a.b`: `bind_first` chooses."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            module = first if bind_first and alias.asname is None else alias.name
            yield alias.asname or first, Imported(module, 0, None)
        return
    for alias in node.names:
        yield alias.asname or alias.name, Imported(node.module or "", node.level, alias.name)


class _Branch(NamedTuple):
    """Under which conditions a statement of the top level runs."""

    conditional: bool = False
    typing_only: bool = False
    gates: tuple[Gate, ...] = ()

    def inside(self, test: ast.expr, *, holds: bool) -> _Branch:
        version = _airflow_version_of(test)
        gates = self.gates if version is None else (*self.gates, Gate(version[0], version[1] is holds))
        return _Branch(True, self.typing_only or (holds and is_type_checking(test)), gates)


class _Collector:
    """Walks a module's top level, all branches, in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.bindings: dict[str, tuple[Bound, ...]] = {}
        self.stars: list[Imported] = []
        self.exported: frozenset[str] | None = None
        self.lazy: dict[str, tuple[str, str]] = {}
        self.mappings: dict[str, ast.Dict] = {}
        self.getattrs: list[ast.FunctionDef] = []
        self.virtual: dict[str, dict[str, str]] = {}
        self.dynamic = _DYNAMIC.search(data) is not None

    def collect(self, tree: ast.Module) -> ModuleFacts:
        self._statements(tree.body, _Branch())
        given = self._given(tree) if self.getattrs else None
        own_names = frozenset(self.virtual.get("", ()))
        return ModuleFacts(
            bindings=self.bindings,
            stars=tuple(self.stars),
            exported=self.exported,
            lazy=self.lazy,
            virtual=self.virtual,
            has_getattr="__getattr__" in self.bindings,
            given=own_names if given is None else given | own_names,
            dynamic=self.dynamic or ("__getattr__" in self.bindings and given is None),
        )

    def _given(self, tree: ast.Module) -> frozenset[str] | None:
        """What the module's only `__getattr__` finds; None where it may find more than its tables say."""
        if len(self.getattrs) != 1 or len(self.bindings["__getattr__"]) != 1:
            return None
        function = self.getattrs[0]
        changed = {
            target.id
            for node in ast.walk(tree)
            for target in _changed(node)
            if isinstance(target, ast.Name) and target.id in self.mappings
        }
        tables = {
            name: table
            for name, table in self.mappings.items()
            if name not in changed and [getattr(one.binding, "literal", False) for one in self.bindings[name]] == [True]
        }
        given = given_by(function, tables)
        if given is not None and self.dynamic:  # by `globals()[name] = …` in it alone?
            lines = self._data.splitlines(keepends=True)
            others = b"".join((*lines[: function.lineno - 1], *lines[function.end_lineno :]))
            self.dynamic = _DYNAMIC.search(others) is not None
        return given

    def _statements(self, body: Iterable[ast.stmt], branch: _Branch) -> None:
        for node in body:
            self._statement(node, branch)

    def _statement(self, node: ast.stmt, branch: _Branch) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if node.name == "__getattr__" and isinstance(node, ast.FunctionDef):
                    self.getattrs.append(node)
                self._bind(node.name, function_facts(node), branch)
            case ast.ClassDef():
                self._bind(node.name, class_facts(node), branch)
            case ast.Import() | ast.ImportFrom():
                self._import(node, branch)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value, branch)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value, branch)
            case ast.AugAssign(target=target):
                self._assign(target, None, branch)
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case ast.If(test=test, body=body, orelse=orelse):
                self._statements(body, branch.inside(test, holds=True))
                self._statements(orelse, branch.inside(test, holds=False))
            case _:
                self._blocks(node, branch._replace(conditional=True))

    def _blocks(self, node: ast.stmt, branch: _Branch) -> None:
        """Every other statement that holds statements or binds names."""
        for target in _loop_targets(node):
            self._assign(target, None, branch)
        for name in ("body", "orelse", "finalbody"):
            self._statements(getattr(node, name, ()), branch)
        for block in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            self._statements(block.body, branch)

    def _bind(self, name: str, binding: Binding, branch: _Branch) -> None:
        earlier = self.bindings.get(name, ()) if branch.conditional else ()
        self.bindings[name] = (*earlier, Bound(binding, branch.typing_only, branch.gates))

    def _import(self, node: ast.Import | ast.ImportFrom, branch: _Branch) -> None:
        for name, imported in _imports(node, bind_first=True):
            if imported.name != "*":
                self._bind(name, imported, branch)
            elif not branch.typing_only:
                self.stars.append(imported)

    def _assign(self, target: ast.expr, value: ast.expr | None, branch: _Branch) -> None:
        match target:
            case ast.Tuple(elts=items) | ast.List(elts=items):
                for item in items:
                    self._assign(item, None, branch)
            case ast.Starred(value=inner):
                self._assign(inner, None, branch)
            case ast.Name(id=name):
                self._bind(name, _bound_value(value), branch)
                if value is not None:
                    self._special(name, value)
            case _:
                pass

    def _special(self, name: str, value: ast.expr) -> None:
        if name == "__all__":
            items = field_items(value)
            names = [item for item in items or () if isinstance(item, str)]
            self.exported = frozenset(names) if items is not None and len(names) == len(items) else None
        elif name.endswith("lazy_imports"):
            self.lazy.update(_lazy_targets(value))
        if isinstance(value, ast.Dict):
            self.mappings[name] = value

    def _call(self, call: ast.Call) -> None:
        """`add_deprecated_classes({module: {name: dotted path}}, __name__)`, as Airflow's packages use it."""
        if (dotted_text(call.func) or "").rpartition(".")[2] != "add_deprecated_classes" or not call.args:
            return
        table = call.args[0]
        if isinstance(table, ast.Name):
            table = self.mappings.get(table.id, table)
        if not isinstance(table, ast.Dict):
            self.dynamic = True
            return
        for key, names in zip(table.keys, table.values, strict=True):
            # A key that is not text is `__name__`: the names are added to this module.
            module = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
            targets = {name: target for name, target in literal_mapping(names).items() if isinstance(target, str)}
            is_whole = isinstance(names, ast.Dict) and len(targets) == len(names.keys)
            is_own = isinstance(key, ast.Name) and key.id == "__name__"
            self.dynamic |= not is_whole or not (module or is_own)
            self.virtual.setdefault(module, {}).update(targets)


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement or a call may change after it is written out: an item, or all by a method other than `get`."""
    match node:
        case ast.Attribute(value=value, attr=name) if name not in ("get", "items", "keys", "values"):
            yield value
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            yield value
        case ast.AugAssign(target=target):
            yield target


def _bound_value(value: ast.expr | None) -> Binding:
    if value is None:
        return Value(literal=False, fields=None)
    target = dotted_text(value)
    if target is not None:
        return Alias(target)
    literal = is_literal(value)
    return Value(literal, field_items(value), value if literal or isinstance(value, ast.Call) else None)


def _airflow_version_of(test: ast.expr) -> tuple[tuple[int, ...], bool] | None:
    """The version that an `if AIRFLOW_V_3_1_PLUS` asks for, and False behind it if the test is negated."""
    wanted = True
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, wanted = test.operand, not wanted
    gate = re.fullmatch(_VERSION_GATE, (dotted_text(test) or "").rpartition(".")[2])
    return None if gate is None else (tuple(int(part) for part in gate.groups() if part), wanted)


def _loop_targets(node: ast.stmt) -> Iterator[ast.expr]:
    """The targets that `for` and `with` bind."""
    if isinstance(node, ast.For | ast.AsyncFor):
        yield node.target
    elif isinstance(node, ast.With | ast.AsyncWith):
        yield from (item.optional_vars for item in node.items if item.optional_vars is not None)


def _lazy_targets(value: ast.expr) -> Iterator[tuple[str, tuple[str, str]]]:
    """Entries of a table of lazy names: name → module, or name → (module, name in it, …)."""
    for name, target in literal_mapping(value).items():
        if isinstance(target, str):
            yield name, (target, name)
        elif isinstance(target, tuple) and len(target) > 1 and all(isinstance(part, str) for part in target[:2]):
            yield name, (target[0], target[1])
