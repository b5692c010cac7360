"""What a class takes and renders, along its bases."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.source.decorators import generates_constructor, keeps_signature
from schemas.source.facts import ConstructorFacts, Fields, FieldsOf, Forward, Value
from schemas.source.lineage import BASE_OPERATORS, Ancestor, Lineage, class_facts_of
from schemas.source.names import Definition, NameResolver
from schemas.source.results import Class, Parameter

_VARIADIC = ("VAR_POSITIONAL", "VAR_KEYWORD")
_DEPTH = 20


class ClassReader:
    """Class definitions → what `SourceReader.find` says of them."""

    def __init__(self, names: NameResolver) -> None:
        self._names = names
        self._lineage = Lineage(names)

    def read(self, definition: Definition) -> Class:
        """The public result for a class."""
        is_operator = self._lineage.is_operator(definition)
        return Class(
            path=definition.path,
            file=definition.file,
            line=class_facts_of(definition).line,
            local=definition.module.local,
            parameters=self._parameters(definition, is_operator=bool(is_operator)),
            template_fields=self._fields(definition, 0),
            is_operator=is_operator,
        )

    def _parameters(self, definition: Definition, *, is_operator: bool) -> tuple[Parameter, ...] | None:
        order = self._lineage.order(definition)
        if None in order or not all(map(_creates_plainly, order)):
            return None
        accepted = self._accepted(order, 0)
        if accepted is None or not is_operator:
            return accepted
        # Airflow's metaclass refuses positional arguments.
        return tuple(
            parameter if parameter.kind in _VARIADIC else parameter._replace(kind="KEYWORD_ONLY")
            for parameter in accepted
        )

    def _accepted(self, order: Sequence[Ancestor], start: int) -> tuple[Parameter, ...] | None:
        """The parameters of the first constructor from `start` on and of those it hands `**kwargs` to."""
        for index in range(start, len(order)):
            ancestor = order[index]
            if not isinstance(ancestor, Definition):
                continue
            facts = class_facts_of(ancestor)
            if facts.constructor is not None:
                return self._constructor(ancestor, facts.constructor, order, index)
            if "__init__" in facts.attributes or any(map(generates_constructor, self._lineage.decorators(ancestor))):
                return None
        return ()

    def _constructor(
        self, owner: Definition, init: ConstructorFacts, order: Sequence[Ancestor], index: int
    ) -> tuple[Parameter, ...] | None:
        decorators = (text and self._names.absolute(owner.module, text) for text in init.function.decorators)
        if not all(map(keeps_signature, decorators)):
            return None
        parameters = init.function.parameters[1:]
        own = tuple(parameter for parameter in parameters if parameter.kind != "VAR_KEYWORD")
        rest = tuple(parameter for parameter in parameters if parameter.kind == "VAR_KEYWORD")
        if not rest or owner.path in BASE_OPERATORS:
            return own
        if init.opaque or len(set(init.forwards)) > 1:
            return None
        names = {parameter.name for parameter in own}
        taken = tuple(Parameter(name, "KEYWORD_ONLY", required=False) for name in sorted(init.taken - names))
        if not init.forwards:
            return (*own, *taken, *rest)
        forward = init.forwards[0]
        inherited = self._inherited(owner, forward, order, index)
        if inherited is None:
            return None
        hidden = names | init.taken | forward.keywords
        return (*own, *taken, *_left(inherited, hidden, init.given, forward.positional))

    def _inherited(
        self, owner: Definition, forward: Forward, order: Sequence[Ancestor], index: int
    ) -> tuple[Parameter, ...] | None:
        if forward.base is None:
            return self._accepted(order, index + 1)
        base = self._lineage.base(owner, forward.base)
        if not isinstance(base, Definition):
            return () if base == "object" else None
        places = [place for place, each in enumerate(order) if _path(each) == base.path]
        # A base that comes earlier would be a circle.
        return self._accepted(order, places[0]) if places and places[0] > index else None

    def _fields(self, definition: Definition, depth: int) -> frozenset[str] | None:
        order = self._lineage.order(definition)
        for ancestor in order:
            if ancestor is None or depth > _DEPTH:
                return None
            if not isinstance(ancestor, Definition):
                continue
            facts = class_facts_of(ancestor)
            if facts.constructor and facts.constructor.sets_fields and ancestor.path not in BASE_OPERATORS:
                return None
            if facts.has_fields:
                inside = facts.attributes
                return None if facts.fields is None else self._items(ancestor, facts.fields, inside, depth)
        return frozenset()

    def _items(self, owner: Definition, fields: Fields, inside: frozenset[str], depth: int) -> frozenset[str] | None:
        names: set[str] = set()
        for field in fields:
            found = self._referenced(owner, field, inside, depth) if isinstance(field, FieldsOf) else {field}
            if found is None:
                return None
            names |= found
        return frozenset(names)

    def _referenced(
        self, owner: Definition, field: FieldsOf, inside: frozenset[str], depth: int
    ) -> frozenset[str] | None:
        """The fields that a name in the class body means: another class's, or a constant of a module."""
        if depth > _DEPTH or field.path.partition(".")[0] in inside:
            return None
        holder, _, last = field.path.rpartition(".")
        if last == "template_fields" and holder:
            base = self._lineage.base(owner, holder)
            return self._fields(base, depth + 1) if isinstance(base, Definition) else None
        found = self._names.expression(owner.module, field.path)
        if not isinstance(found, Definition) or not isinstance(found.facts, Value) or found.facts.fields is None:
            return None
        return self._items(found, found.facts.fields, frozenset(), depth + 1)


def _creates_plainly(ancestor: Ancestor) -> bool:
    """Whether `__new__` leaves the arguments to `__init__`."""
    if not isinstance(ancestor, Definition):
        return True
    facts = class_facts_of(ancestor)
    if "__new__" not in facts.attributes:
        return True
    new = facts.functions.get("__new__")
    return new is not None and {parameter.kind for parameter in new.parameters[1:]} == set(_VARIADIC)


def _left(
    inherited: Sequence[Parameter], hidden: frozenset[str] | set[str], given: frozenset[str], positional: int
) -> list[Parameter]:
    """The inherited parameters that a caller can still give."""
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


def _path(ancestor: Ancestor) -> str | None:
    return ancestor.path if isinstance(ancestor, Definition) else None
