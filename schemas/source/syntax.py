"""Small readings of Python that the fact builders share, what decorators do to a signature, what an edit changes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple


def dotted_text(node: ast.expr) -> str | None:
    """`a.b.c` as text; None for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    names.append(node.id)
    return ".".join(reversed(names))


def literal_mapping(node: ast.expr) -> Mapping[str, object]:
    """The entries of a dict display whose key is text and whose value is a literal."""
    if not isinstance(node, ast.Dict):
        return {}
    entries: dict[str, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            try:
                entries[key.value] = ast.literal_eval(value)
            except (ValueError, TypeError):
                continue
    return entries


def given_by(getattr_: ast.FunctionDef, tables: Mapping[str, ast.Dict]) -> frozenset[str] | None:
    """The names that a module's `__getattr__` finds, where it looks them up in literal tables or compares them with
    text, and refuses all others; None where it may find more."""
    match getattr_.args:
        case ast.arguments(posonlyargs=[], args=[ast.arg(arg=asked)], vararg=None, kwonlyargs=[], kwarg=None):
            names: set[str] = set()
            return frozenset(names) if _refuses_others(getattr_.body, asked, tables, names) else None
        case _:
            return None


def _refuses_others(body: Iterable[ast.stmt], asked: str, tables: Mapping[str, ast.Dict], names: set[str]) -> bool:
    """Whether the statements end with an exception for every name but those that they look for, which go to `names`."""
    found = set[str]()
    for node in body:
        match node:
            case ast.Raise():
                return True
            case ast.Assign(targets=[target], value=value) if (known := _looked_up(value, asked, tables)) is not None:
                names |= known
                if isinstance(value, ast.Subscript):
                    return True  # a KeyError, or what catches it
                first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
                found.add(dotted_text(first) or "")
            case ast.If(test=ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)), body=[ast.Raise()], orelse=[]):
                if name in found:
                    return True
            case ast.If(test=test, body=inner, orelse=[]):
                known = _asked_for(test, asked, tables)
                names |= known or frozenset()
                is_negated = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.NotIn | ast.NotEq)
                if known is None or is_negated:
                    return known is not None and isinstance(inner[-1], ast.Raise)
            case ast.Try(body=inner, handlers=handlers, orelse=[], finalbody=[]):
                raises = all(isinstance(handler.body[-1], ast.Raise) for handler in handlers)
                return raises and _refuses_others(inner, asked, tables, names)
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
                continue
            case _:
                return False
    return False


def _asked_for(test: ast.expr, asked: str, tables: Mapping[str, ast.Dict]) -> frozenset[str] | None:
    """The names for which a test holds, or for which alone it does not."""
    match test:
        case ast.Compare(
            left=ast.Name(id=name), ops=[ast.Eq() | ast.NotEq()], comparators=[ast.Constant(value=str(one))]
        ):
            return frozenset({one}) if name == asked else None
        case ast.Compare(left=ast.Name(id=name), ops=[ast.In() | ast.NotIn()], comparators=[of]) if name == asked:
            if isinstance(of, ast.Name):
                return _keys(tables.get(of.id))
            items = of.elts if isinstance(of, ast.List | ast.Tuple | ast.Set) else [None]
            texts = [one.value for one in items if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            return frozenset(texts) if len(texts) == len(items) else None
        case ast.NamedExpr(value=value):
            return _looked_up(value, asked, tables)
        case _:
            return None


def _looked_up(value: ast.expr, asked: str, tables: Mapping[str, ast.Dict]) -> frozenset[str] | None:
    """The keys of the table in which an expression looks for the name."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=table), attr="get"), args=[ast.Name(id=name), *_]):
            return _keys(tables.get(table)) if name == asked else None
        case ast.Subscript(value=ast.Name(id=table), slice=ast.Name(id=name)):
            return _keys(tables.get(table)) if name == asked else None
        case _:
            return None


def _keys(table: ast.Dict | None) -> frozenset[str] | None:
    keys = [getattr(key, "value", None) for key in table.keys] if table is not None else [None]
    return frozenset(map(str, keys)) if all(isinstance(key, str) for key in keys) else None


def is_literal(node: ast.expr) -> bool:
    """Whether the value is written out: a constant or a display, hence nothing that can be called."""
    return isinstance(
        node,
        ast.Constant | ast.Dict | ast.List | ast.Tuple | ast.Set | ast.JoinedStr | ast.DictComp | ast.ListComp,
    )


def is_type_checking(test: ast.expr) -> bool:
    """Whether an `if` guards imports meant for type checkers only."""
    return (dotted_text(test) or "").rpartition(".")[2] == "TYPE_CHECKING"


_KEEP_SIGNATURE = frozenset(
    {
        *(
            "abc.abstractmethod",
            "classmethod",
            "staticmethod",
            "deprecated.classic.deprecated",
            "deprecated.deprecated",
        ),
        *("contextlib.asynccontextmanager", "contextlib.contextmanager", "functools.cache", "functools.lru_cache"),
        *("functools.total_ordering", "tenacity.retry", "typing.final", "typing.no_type_check", "typing.overload"),
        *("typing.override", "typing.runtime_checkable", "typing_extensions.deprecated", "typing_extensions.final"),
        *("typing_extensions.overload", "typing_extensions.override", "typing_extensions.runtime_checkable"),
        "warnings.deprecated",
    }
)
_GENERATE_CONSTRUCTOR = frozenset(
    {
        *("attr.attrs", "attr.define", "attr.dataclass", "attr.frozen", "attr.mutable", "attr.s"),
        *("attrs.define", "attrs.frozen", "attrs.mutable", "dataclasses.dataclass"),
    }
)
# Airflow's operators wrap every constructor so that it reads `default_args`, some sensors a property; parameters stay.
_OPERATOR_DECORATORS = frozenset({"_apply_defaults", "apply_defaults", "poke_mode_only"})

_TASKFLOW_MODULES = ("airflow.sdk", "airflow.decorators", "airflow.providers.common.compat.sdk")
_TASKFLOW_NAMES = ("task", "dag", "task_group", "setup", "teardown", "asset")


def keeps_signature(decorator: str | None) -> bool:
    """Whether what is decorated is called as it is written."""
    if decorator is None:
        return False
    last = decorator.rpartition(".")[2]
    return decorator in _KEEP_SIGNATURE or last in _OPERATOR_DECORATORS


def generates_constructor(decorator: str | None) -> bool:
    """Whether a class gets an `__init__` from the decorator, unless it writes its own."""
    return decorator in _GENERATE_CONSTRUCTOR


def taskflow(decorators: Iterable[str | None]) -> str | None:
    """The first decorator that makes an Airflow object of a function, as users write it (`task.bash`)."""
    for decorator in decorators:
        for module in _TASKFLOW_MODULES:
            if decorator is not None and decorator.startswith(f"{module}."):
                name = decorator.removeprefix(f"{module}.")
                if name.partition(".")[0] in _TASKFLOW_NAMES:
                    return name
    return None


_DYNAMIC = frozenset(
    {
        *("globals", "locals", "vars", "eval", "exec", "getattr", "__import__", "import_module"),
        *("modules", "getmembers", "__dict__", "__subclasses__", "__getattr__"),
    }
)
"""What looks names up as it runs."""
_IMPORTS, _FUNCTIONS = (ast.Import, ast.ImportFrom), (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)


def changed_names(before: ast.Module, after: ast.Module, is_local: Callable[[str], bool]) -> set[str] | None:
    """Names of a module that are not what they were, directly or through others; None where that cannot be told.
    `is_local`: whether the first part of a module's name, empty for one named with dots, is this project's."""
    old, new = (_Module.of(tree, is_local) for tree in (before, after))
    if old is None or new is None:
        return None
    changed = {name for name in old.texts.keys() | new.texts.keys() if old.texts.get(name) != new.texts.get(name)}
    while more := {n for each in (old, new) for n, used in each.used.items() if used & changed} - changed:
        changed |= more
    done = (names for side in (old, new) for names in side.loaded)
    return changed if "" not in changed and all(map(changed.isdisjoint, done)) else None


class _Module(NamedTuple):
    """What each name at the top of a module is, `""` what has no name, and the names that it uses; the names in each
    statement that does more as the module is loaded than to define its names, such as to fill a registry."""

    texts: Mapping[str, str]
    used: Mapping[str, Set[str]]
    loaded: Sequence[Set[str]]

    @classmethod
    def of(cls, tree: ast.Module, is_local: Callable[[str], bool]) -> _Module | None:
        """None where names are looked up as it runs, or come from another local module by `*`."""
        if not _DYNAMIC.isdisjoint(_words(tree)):
            return None
        texts: dict[str, str] = {}
        used: dict[str, set[str]] = {}
        active, told = set[str](), set[str]()  # told: classes that may learn of those derived from them
        statements = [statement for statement in tree.body if not _is_idle(statement)]
        for statement in statements:
            bound, text = _bound(statement), ast.dump(statement)
            for name in bound or ("",):
                texts[name] = texts.get(name, "") + text
                used.setdefault(name, set()).update(_names(ast.walk(statement)))
            is_import = isinstance(statement, _IMPORTS)
            if is_import and not any(map(is_local, _imported(statement))):
                continue
            active |= set() if isinstance(getattr(statement, "value", None), ast.Constant) else set(bound)
            bases = {name for base in getattr(statement, "bases", ()) for name in _names(ast.walk(base))}
            if is_import or "__init_subclass__" in text or "'metaclass'" in text or not told.isdisjoint(bases):
                told |= set(bound)
        if "*" in active:
            return None
        loaded = [{*_bound(s), *_names(_run(s))} for s in statements if _does_more(s, active, told)]
        return cls(texts, used, loaded)


def _words(tree: ast.Module) -> set[str]:
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    functions = {statement.name for statement in tree.body if isinstance(statement, ast.FunctionDef)}
    return {*_names(ast.walk(tree)), *attributes, *functions}


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _is_idle(statement: ast.stmt) -> bool:
    """Whether loading the module does nothing with it: a text, and what is for the module as a program."""
    if isinstance(statement, ast.If) and "__main__" in ast.dump(statement.test):
        return not statement.orelse
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module gives."""
    if isinstance(statement, _IMPORTS):
        return [(alias.asname or alias.name).partition(".")[0] for alias in statement.names]
    if isinstance(statement, _DEFINITIONS):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", statement)]
    nodes = [node for target in targets for node in _run(target)]
    inside = [name for node in nodes if isinstance(node, ast.stmt) and node is not statement for name in _bound(node)]
    return [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)] + inside


def _imported(statement: ast.stmt) -> list[str]:
    """The first parts of the modules that a statement imports, none of one beside it."""
    if isinstance(statement, ast.Import):
        return [alias.name.partition(".")[0] for alias in statement.names]
    is_beside = isinstance(statement, ast.ImportFrom) and statement.level
    return ["" if is_beside else str(getattr(statement, "module", "")).partition(".")[0]]


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """What runs of a node as its module is loaded: nothing inside functions."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, _FUNCTIONS) or child is node.args or child in node.decorator_list:
            yield from _run(child)


def _does_more(statement: ast.stmt, active: Set[str], told: Set[str]) -> bool:
    """Whether a statement may change more than its own names: it decorates with, derives from or calls what may have a
    memory, or is no definition."""
    if isinstance(statement, _IMPORTS):
        return False
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    is_set = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
    if not isinstance(statement, _DEFINITIONS) and not (is_set and all(isinstance(t, ast.Name) for t in targets)):
        return True
    for node in _run(statement):
        called = [node.func] if isinstance(node, ast.Call) else getattr(node, "decorator_list", [])
        called = called + [keyword.value for keyword in getattr(node, "keywords", ())]
        if any(not active.isdisjoint(_names(ast.walk(each))) for each in called):
            return True
        if any(not told.isdisjoint(_names(ast.walk(base))) for base in getattr(node, "bases", ())):
            return True
    return False
