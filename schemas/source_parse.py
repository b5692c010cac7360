"""Bytes of a Python file → its facts. Parses, never executes; every failure is a value."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Iterator

from schemas.source_class_facts import class_facts, field_items, function_facts
from schemas.source_facts import Alias, Binding, Bound, Imported, ModuleFacts, Unreadable, Value
from schemas.source_syntax import dotted_text, is_literal, is_type_checking, literal_mapping

MAX_BYTES = 2 * 1024 * 1024
"""Larger files are not read: the largest module of Airflow and its providers has a tenth of it."""

# Text that can bind module-level names in ways that the statements do not show.
_DYNAMIC = re.compile(rb"globals\(\)|sys\.modules|\bexec\(|\bsetattr\(|^\s+global\s", re.MULTILINE)


def module_facts(data: bytes) -> ModuleFacts | Unreadable:
    """The facts of a module's bytes. Encodings follow PEP 263."""
    tree = parse(data)
    if isinstance(tree, Unreadable):
        return tree
    try:
        return _Collector(dynamic=_DYNAMIC.search(data) is not None).collect(tree)
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


class _Collector:
    """Walks a module's top level, all branches, in order."""

    def __init__(self, *, dynamic: bool) -> None:
        self.bindings: dict[str, tuple[Bound, ...]] = {}
        self.stars: list[Imported] = []
        self.exported: frozenset[str] | None = None
        self.lazy: dict[str, tuple[str, str]] = {}
        self.mappings: dict[str, ast.expr] = {}
        self.virtual: dict[str, dict[str, str]] = {}
        self.dynamic = dynamic
        self.extends_path = False

    def collect(self, tree: ast.Module) -> ModuleFacts:
        self._statements(tree.body, conditional=False, typing_only=False)
        return ModuleFacts(
            bindings=self.bindings,
            stars=tuple(self.stars),
            exported=self.exported,
            lazy=self.lazy,
            virtual=self.virtual,
            has_getattr="__getattr__" in self.bindings,
            dynamic=self.dynamic or "__getattr__" in self.bindings or bool(self.virtual.get("")),
            extends_path=self.extends_path,
        )

    def _statements(self, body: Iterable[ast.stmt], *, conditional: bool, typing_only: bool) -> None:
        for node in body:
            self._statement(node, conditional=conditional, typing_only=typing_only)

    def _statement(self, node: ast.stmt, *, conditional: bool, typing_only: bool) -> None:
        def bind(name: str, binding: Binding) -> None:
            earlier = self.bindings.get(name, ()) if conditional else ()
            self.bindings[name] = (*earlier, Bound(binding, typing_only))

        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                bind(node.name, function_facts(node))
            case ast.ClassDef():
                bind(node.name, class_facts(node))
            case ast.Import() | ast.ImportFrom():
                for name, imported in _imports(node, bind_first=True):
                    if imported.name != "*":
                        bind(name, imported)
                    elif not typing_only:
                        self.stars.append(imported)
            case ast.Assign():
                for target in node.targets:
                    self._assign(target, node.value, bind)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign(node.target, value, bind)
            case ast.AugAssign(target=ast.Name(id=name)):
                bind(name, Value(literal=False, fields=None))
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case ast.If():
                only = typing_only or is_type_checking(node.test)
                self._statements(node.body, conditional=True, typing_only=only)
                self._statements(node.orelse, conditional=True, typing_only=typing_only)
            case _:
                self._blocks(node, typing_only)

    def _blocks(self, node: ast.stmt, typing_only: bool) -> None:
        """Every other statement that holds statements or binds names."""
        for target in _loop_targets(node):
            self._assign(target, None, lambda name, binding: self._also(name, binding, typing_only))
        for name in ("body", "orelse", "finalbody"):
            self._statements(getattr(node, name, ()), conditional=True, typing_only=typing_only)
        for block in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            self._statements(block.body, conditional=True, typing_only=typing_only)

    def _also(self, name: str, binding: Binding, typing_only: bool) -> None:
        self.bindings[name] = (*self.bindings.get(name, ()), Bound(binding, typing_only))

    def _assign(
        self, target: ast.expr, value: ast.expr | None, bind: Callable[[str, Binding], None]
    ) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._assign(item, None, bind)
            return
        if isinstance(target, ast.Starred):
            self._assign(target.value, None, bind)
            return
        if not isinstance(target, ast.Name):
            return
        bind(target.id, _bound_value(value))
        if value is not None:
            self._special(target.id, value)

    def _special(self, name: str, value: ast.expr) -> None:
        if name == "__all__":
            items = field_items(value)
            names = [item for item in items or () if isinstance(item, str)]
            self.exported = frozenset(names) if items is not None and len(names) == len(items) else None
        elif name == "__path__":
            self.extends_path = "extend_path" in ast.dump(value)
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
            targets = {
                name: target for name, target in literal_mapping(names).items() if isinstance(target, str)
            }
            self.virtual.setdefault(module, {}).update(targets)


def _bound_value(value: ast.expr | None) -> Binding:
    if value is None:
        return Value(literal=False, fields=None)
    target = dotted_text(value)
    if target is not None:
        return Alias(target)
    return Value(literal=is_literal(value), fields=field_items(value))


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
