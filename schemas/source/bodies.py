"""What the bodies of functions show: what they return, and what they take out of Airflow's context."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from schemas.source.results import Function

_Def = ast.FunctionDef | ast.AsyncFunctionDef


@lru_cache(maxsize=64)  # several tasks name functions of one file
def _functions(data: bytes) -> Mapping[str, Sequence[_Def]]:
    """All functions of a file by their names, those inside others, too."""
    found: dict[str, list[_Def]] = {}
    try:
        nodes = list(ast.walk(ast.parse(data)))
    except (SyntaxError, ValueError):
        return found
    for node in nodes:
        if isinstance(node, _Def):
            found.setdefault(node.name, []).append(node)
    return found


def _named(function: Function) -> Sequence[_Def]:
    try:
        return _functions(function.file.read_bytes()).get(function.path.rpartition(".")[2], ())
    except OSError:
        return ()


def _plain(function: Function) -> _Def | None:
    """The function itself; None where a decorator may give another result."""
    node = next((node for node in _named(function) if node.lineno == function.line), None)
    return node if node is not None and not node.decorator_list else None


def result_type(function: Function) -> str:
    """The annotation of what a function returns; empty without one."""
    node = _plain(function)
    return ast.unparse(node.returns) if node is not None and node.returns is not None else ""


def returns_nothing(function: Function) -> bool:
    """Whether all of a function's ways out give None. Of a stub nothing is known, and one that pushes its output
    itself has one."""
    node = _plain(function)
    return node is not None and _gives_nothing(node)


@lru_cache(maxsize=256)  # many pipelines name one function
def _gives_nothing(node: _Def) -> bool:
    if isinstance(node.body[-1], ast.Raise) or all(map(_is_empty, node.body)):
        return False
    if any(isinstance(one, ast.Attribute) and one.attr == "xcom_push" for one in ast.walk(node)):
        return False
    return not any(
        isinstance(one, ast.Yield | ast.YieldFrom)
        or (isinstance(one, ast.Return) and not (one.value is None or _is_none(one.value)))
        for one in _own(node)
    )


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a function, but not in functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _Def | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own(child)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_empty(statement: ast.stmt) -> bool:
    """A docstring, `...`, `pass` or an exception."""
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass | ast.Raise)


_MAPPINGS = ("dict", "Dict", "Mapping", "typing.Dict", "typing.Mapping")


def gives_mapping(function: Function) -> bool:
    """Whether the annotation of what it returns is a mapping, which Airflow's `task` decorator takes for
    `multiple_outputs` (`airflow.sdk.bases.decorator._TaskDecorator`)."""
    annotations = [ast.unparse(node.returns) for node in _named(function) if node.returns is not None]
    return bool(annotations) and annotations[0].partition("[")[0] in _MAPPINGS


def _returned(function: Function) -> list[ast.expr | None]:
    """What a function returns, as it is written."""
    return [inner.value for node in _named(function) for inner in ast.walk(node) if isinstance(inner, ast.Return)]


def returned_keys(function: Function) -> tuple[str, ...]:
    """The keys of the mappings that a function returns where they are written out."""
    mappings = [value for value in _returned(function) if isinstance(value, ast.Dict)]
    keys = [key.value for mapping in mappings for key in mapping.keys if isinstance(key, ast.Constant)]
    return tuple(dict.fromkeys(key for key in keys if isinstance(key, str)))


def returned_texts(function: Function) -> tuple[str, ...]:
    """The texts that a function returns where they are written out, alone or in a list."""
    waiting = _returned(function)
    found: list[str] = []
    while waiting:
        match waiting.pop(0):
            case ast.Constant(value=str() as text):
                found.append(text)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                waiting += items
            case ast.IfExp(body=body, orelse=orelse):
                waiting += [body, orelse]
            case _:
                continue
    return tuple(dict.fromkeys(found))


def context_keys(function: Function) -> Mapping[str, int]:
    """The keys that a function surely takes out of Airflow's context (`context["ds"]`), and the lines where it does.

    None of a function that looks what there is (`.get(…)`, `in`, `dag_run.logical_date`), that writes into the context
    or binds its name to something else; nor those inside a `try` or `suppress`.
    """
    node = _plain(function)
    return {} if node is None else _context_keys(node)


@lru_cache(maxsize=256)  # many pipelines name one function
def _context_keys(node: _Def) -> Mapping[str, int]:
    own = list(_own(node))
    stored = [one.id for one in own if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)]
    given = [node.args.kwarg.arg] if node.args.kwarg is not None else []
    contexts = {name for name in given if name not in stored}
    for name, value in _assigned(own):  # `ctx = get_current_context()`, `ctx = context`
        is_alias = isinstance(value, ast.Name) and value.id in contexts
        if (is_alias or _is_context(value)) and stored.count(name) == 1 and name not in given:
            contexts.add(name)
    guarded = {inner for one in own for part in _guarded(one) for inner in ast.walk(part)}
    keys: dict[str, int] = {}

    def is_context(value: ast.expr) -> bool:
        return _is_context(value) or (isinstance(value, ast.Name) and value.id in contexts)

    for one in own:
        match one:
            case ast.Attribute(attr=attribute, value=value) if attribute == "logical_date" or is_context(value):
                return {}
            case ast.Compare(comparators=others) if any(map(is_context, others)):
                return {}
            case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()) if is_context(value):
                return {}
            case ast.Subscript(value=value, slice=ast.Constant(value=str() as key)) if is_context(value):
                if one not in guarded:
                    keys.setdefault(key, one.lineno)
            case _:
                continue
    return keys


def _assigned(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    for node in nodes:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ) if value is not None:
                yield name, value
            case _:
                continue


def _guarded(node: ast.AST) -> Iterable[ast.stmt]:
    """The statements in which a missing key may be expected."""
    if isinstance(node, ast.Try) and node.handlers:
        return node.body
    is_suppressing = isinstance(node, ast.With) and any("suppress" in ast.unparse(item) for item in node.items)
    return node.body if isinstance(node, ast.With) and is_suppressing else ()


def _is_context(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    return ast.unparse(value.func).rpartition(".")[2] in ("get_current_context", "get_template_context")


def returns_several(function: Function) -> bool:
    """Whether a function returns a list of several items that is written out."""
    return any(isinstance(one, ast.List | ast.Tuple) and len(one.elts) > 1 for one in _returned(function))
