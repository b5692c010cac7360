"""Facts of one Python file, computed from its bytes alone: plain data, the unit a cache keeps."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.findings.suggestions import nearest


class Parameter(NamedTuple):
    """One parameter of a function or constructor, without `self` and `cls`.

    `kind` is a name of `inspect.Parameter`'s kinds ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY", "VAR_KEYWORD",
    …). `annotation` is the text of the annotation as written, names as the defining module knows them.
    """

    name: str
    kind: str
    required: bool
    annotation: str | None = None


_BY_NAME = ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")


def by_name(parameters: Iterable[Parameter]) -> list[Parameter]:
    """The parameters that an argument can name."""
    return [p for p in parameters if p.kind in _BY_NAME]


def unknown_names(parameters: Sequence[Parameter], given: Iterable[str]) -> list[str]:
    """Those of `given` that no parameter takes; none where any name is taken."""
    if any(p.kind == "VAR_KEYWORD" for p in parameters):
        return []
    names = {p.name for p in by_name(parameters)}
    return [name for name in given if name not in names]


def missing_names(parameters: Sequence[Parameter], given: Collection[str], filled: Collection[str] = ()) -> list[str]:
    """Required parameters that are neither given nor `filled` by others, but for those that a typo means."""
    wanted = [p.name for p in by_name(parameters) if p.required and p.name not in given and p.name not in filled]
    names = {p.name for p in parameters}
    typos = {nearest(name, wanted) for name in given if name not in names}
    return [name for name in wanted if name not in typos]


class Imported(NamedTuple):
    """A name bound by an import. `name` None: the module itself. `level` counts the leading dots."""

    module: str
    level: int
    name: str | None


class Alias(NamedTuple):
    """`A = b.C`: another name for `target`."""

    target: str


class FieldsOf(NamedTuple):
    """The fields that the dotted expression `path` holds (`Base.template_fields`, `COMMON_FIELDS`)."""

    path: str


Fields = tuple[str | FieldsOf, ...]


class Value(NamedTuple):
    """Any other value. `literal`: written out, hence not callable. `fields`: the text items it holds. `node`: how a
    constant is written."""

    literal: bool
    fields: Fields | None
    node: ast.expr | None = None


class FunctionFacts(NamedTuple):
    """A `def`. `parameters` are all, `self` included. A decorator is its dotted text, None if computed."""

    name: str
    line: int
    parameters: tuple[Parameter, ...]
    decorators: tuple[str | None, ...]
    is_async: bool


class Forward(NamedTuple):
    """A call that hands `**kwargs` on to a base's constructor. `base` None: `super()`."""

    base: str | None
    keywords: frozenset[str]
    positional: int


class ConstructorFacts(NamedTuple):
    """An `__init__`: what it does with its `**kwargs`.

    `taken` are the keywords it pops, `given` those it fills in where the caller did not. `opaque`:
    `**kwargs` is also used in a way that reading does not follow. `sets_fields`: it assigns
    `self.template_fields`. `node` is the whole.
    """

    function: FunctionFacts
    forwards: tuple[Forward, ...]
    taken: frozenset[str]
    given: frozenset[str]
    opaque: bool
    sets_fields: bool
    node: ast.FunctionDef | ast.AsyncFunctionDef | None = None


class ClassFacts(NamedTuple):
    """A `class` statement.

    `functions` are those that are called on the class, `methods` those that need an object, `constants` what is written
    out; `attributes` are all names that its body binds.
    `fields` None with `has_fields`: `template_fields` is computed.
    """

    name: str
    line: int
    bases: tuple[str | None, ...] = ()
    has_metaclass: bool = False
    metaclass: str | None = None
    decorators: tuple[str | None, ...] = ()
    functions: Mapping[str, FunctionFacts] = MappingProxyType({})
    methods: frozenset[str] = frozenset()
    constants: Mapping[str, ast.expr] = MappingProxyType({})
    attributes: frozenset[str] = frozenset()
    constructor: ConstructorFacts | None = None
    has_fields: bool = False
    fields: Fields | None = None

    @property
    def creates_plainly(self) -> bool:
        """Whether `__new__` leaves the arguments to `__init__`."""
        new = self.functions.get("__new__")
        kinds = {parameter.kind for parameter in new.parameters[1:]} if new is not None else set()
        return "__new__" not in self.attributes or kinds == {"VAR_POSITIONAL", "VAR_KEYWORD"}

    @property
    def members(self) -> frozenset[str]:
        """The values of an enumeration of texts."""
        is_enumeration = not {"Enum", "StrEnum", "enum.Enum"}.isdisjoint(self.bases) and self.constructor is None
        values = (getattr(node, "value", None) for node in self.constants.values() if is_enumeration)
        return frozenset(value for value in values if isinstance(value, str))


UNKNOWN: Final = object()
PRESENT: Final = object()
"""What is not known, but is not None."""


class Refusal(NamedTuple):
    """Why a constructor refuses a call: what it says, else its condition, and the arguments that this is about."""

    message: str
    condition: str
    names: frozenset[str]


Binding = Imported | Alias | Value | FunctionFacts | ClassFacts


class Gate(NamedTuple):
    """A branch for Airflow from `version` on or, `at_least` False, below it."""

    version: tuple[int, ...]
    at_least: bool


class Bound(NamedTuple):
    """One way in which a module binds a name. `typing_only`: under `if TYPE_CHECKING`. `gates` must hold."""

    binding: Binding
    typing_only: bool
    gates: tuple[Gate, ...]


class ModuleFacts(NamedTuple):
    """What a module's top level binds.

    `bindings` holds every branch that may be the one taken. `lazy` maps names that a module-level
    `__getattr__` finds to (module, name); `virtual` maps modules that Airflow's `add_deprecated_classes`
    makes up below this package to their names. `given` are all names that the `__getattr__` finds. `dynamic`: other
    names may appear at run time.
    """

    bindings: Mapping[str, tuple[Bound, ...]]
    stars: tuple[Imported, ...]
    exported: frozenset[str] | None
    lazy: Mapping[str, tuple[str, str]]
    virtual: Mapping[str, Mapping[str, str]]
    has_getattr: bool
    given: frozenset[str]
    dynamic: bool


class Unreadable(NamedTuple):
    """A file that does not parse. `syntax`: it is Python's verdict; otherwise a bound of this reader."""

    line: int
    column: int
    message: str
    syntax: bool


def parameters_left(
    inherited: Sequence[Parameter], hidden: frozenset[str] | set[str], given: frozenset[str], positional: int
) -> list[Parameter]:
    """What a constructor passes on of the parameters that it inherits: `hidden` are its own, `given` it fills in."""
    left: list[Parameter] = []
    for parameter in inherited:
        if parameter.kind == "VAR_POSITIONAL":
            continue
        if positional and parameter.kind.startswith("POSITIONAL"):
            positional -= 1
        elif parameter.kind == "VAR_KEYWORD" or parameter.name not in hidden:
            required = parameter.required and parameter.name not in given
            left.append(parameter._replace(required=required))
    return left
