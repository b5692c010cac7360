"""What a class takes and renders, along its bases, and the order in which Python asks these (C3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.source.class_facts import endings
from schemas.source.facts import (
    ClassFacts,
    ConstructorFacts,
    Fields,
    FieldsOf,
    Forward,
    Parameter,
    Refusal,
    Value,
    parameters_left,
)
from schemas.source.names import Definition, NameResolver
from schemas.source.results import Class
from schemas.source.syntax import generates_constructor, keeps_signature

BASE_OPERATORS = frozenset(
    {
        "airflow.models.baseoperator.BaseOperator",
        "airflow.sdk.bases.operator.BaseOperator",
        "airflow.sdk.definitions.baseoperator.BaseOperator",
    }
)
"""Where Airflow's versions define BaseOperator. Its constructor rejects the keywords it does not know."""

# A base that cannot be read, as where Airflow is not installed, still tells by its name what it is.
_OPERATOR_NAME = r"airflow\.(.+\.)?Base(Sensor|Branch|Async|SQL)?Operator"

# Bases that add nothing to a constructor and define no template fields.
_PLAIN = frozenset({"abc.ABC", "object", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"})
_PLAIN_METACLASSES, _OPERATOR_METACLASS = frozenset({"abc.ABCMeta", "type"}), "BaseOperatorMeta"

_MOST_BASES = 60

Ancestor = Definition | str | None
"""A class; the name of a plain one; None: from here on reading cannot tell."""


def class_facts_of(definition: Definition) -> ClassFacts:
    """The facts of a definition that is a class."""
    assert isinstance(definition.facts, ClassFacts)  # noqa: S101 - callers have looked
    return definition.facts


class Lineage:
    """Orders of inheritance, each computed once."""

    def __init__(self, names: NameResolver) -> None:
        self._names = names
        self._orders: dict[str, tuple[Ancestor, ...]] = {}

    def order(self, definition: Definition, depth: int = 0) -> tuple[Ancestor, ...]:
        """The method resolution order, the class itself first; ends in None where a base cannot be read."""
        known = self._orders.get(definition.path)
        if known is None:
            # What a class that is its own base sees of itself.
            self._orders[definition.path] = (definition, None)
            known = self._order(definition, depth)
            self._orders[definition.path] = known
        return known

    def base(self, definition: Definition, text: str | None) -> Ancestor:
        """The class that an expression in the definition's module means."""
        if text is None:
            return None
        name = self._names.absolute(definition.module, text)
        if name in _PLAIN:
            return name
        found = self._names.expression(definition.module, text)
        return found if isinstance(found, Definition) and isinstance(found.facts, ClassFacts) else None

    def is_operator(self, definition: Definition) -> bool | None:
        """Whether Airflow's BaseOperator is among the bases; None if one that cannot be read may have it."""
        answer: bool | None = False
        seen: set[str] = set()
        waiting = [definition]
        while waiting:
            each = waiting.pop()
            if each.path in BASE_OPERATORS:
                return True
            if each.path in seen:
                continue
            seen.add(each.path)
            for text in class_facts_of(each).bases:
                base = self.base(each, text)
                if isinstance(base, Definition):
                    waiting.append(base)
                elif base is None:
                    if text and re.fullmatch(_OPERATOR_NAME, self._names.absolute(each.module, text)):
                        return True
                    answer = None
        return answer

    def decorators(self, definition: Definition) -> tuple[str | None, ...]:
        """The full names of a definition's decorators."""
        decorators = () if isinstance(definition.facts, Value) else definition.facts.decorators
        return tuple(text and self._names.absolute(definition.module, text) for text in decorators)

    def _order(self, definition: Definition, depth: int) -> tuple[Ancestor, ...]:
        if depth > _MOST_BASES or not self._is_ordinary(definition):
            return (definition, None)
        bases = [self.base(definition, text) for text in class_facts_of(definition).bases]
        if not bases:
            return (definition,)
        if len(bases) == 1:
            return (definition, *self._order_of(bases[0], depth))
        orders = [self._order_of(base, depth) for base in bases]
        merged = None if any(None in order for order in orders) else _merge([*orders, tuple(bases)])
        # With a base that cannot be read only the first one's place is certain.
        return (definition, *((bases[0], None) if merged is None else merged))

    def _order_of(self, base: Ancestor, depth: int) -> tuple[Ancestor, ...]:
        return self.order(base, depth + 1) if isinstance(base, Definition) else (base,)

    def _is_ordinary(self, definition: Definition) -> bool:
        facts = class_facts_of(definition)
        if not all(
            keeps_signature(decorator) or generates_constructor(decorator) for decorator in self.decorators(definition)
        ):
            return False
        if not facts.has_metaclass:
            return True
        name = "" if facts.metaclass is None else self._names.absolute(definition.module, facts.metaclass)
        return name in _PLAIN_METACLASSES or name.rpartition(".")[2] == _OPERATOR_METACLASS


def _merge(orders: list[tuple[Ancestor, ...]]) -> tuple[Ancestor, ...] | None:
    """Python's C3 merge; None where Python would refuse the class."""
    merged: list[Ancestor] = []
    waiting = [list(order) for order in orders]
    while any(waiting):
        waiting = [order for order in waiting if order]
        behind = {_key(each) for order in waiting for each in order[1:]}
        head = next((order[0] for order in waiting if _key(order[0]) not in behind), None)
        if head is None:
            return None
        merged.append(head)
        for order in waiting:
            if _key(order[0]) == _key(head):
                order.pop(0)
    return tuple(merged)


def _key(ancestor: Ancestor) -> str | None:
    return ancestor.path if isinstance(ancestor, Definition) else ancestor


_DEPTH = 20


class ClassReader:
    """Class definitions → what `SourceReader.find` says of them."""

    def __init__(self, names: NameResolver) -> None:
        self._names = names
        self._lineage = Lineage(names)
        self._definitions: dict[str, Definition] = {}

    def refusal(self, path: str, arguments: Mapping[str, Any]) -> Refusal | None:
        """Why a class that was read refuses arguments; None where it takes them, or reading cannot tell."""
        from schemas.source.guards import Construction  # noqa: PLC0415 # few files name operators

        order = self._lineage.order(self._definitions[path])
        own = [each for each in order if isinstance(each, Definition)]
        end = next((index for index, each in enumerate(own) if each.path in BASE_OPERATORS and _is_known(order)), 0)
        return Construction(self._names, own, end).refusal(arguments) if end else None

    def read(self, definition: Definition) -> Class:
        """The public result for a class."""
        self._definitions[definition.path] = definition
        is_operator = self._lineage.is_operator(definition)
        return Class(
            path=definition.path,
            file=definition.file,
            line=class_facts_of(definition).line,
            local=definition.module.local,
            parameters=self._parameters(definition, is_operator=bool(is_operator)),
            template_fields=self._fields(definition, 0),
            template_ext=self._endings(definition),
            is_operator=is_operator,
        )

    def _parameters(self, definition: Definition, *, is_operator: bool) -> tuple[Parameter, ...] | None:
        order = self._lineage.order(definition)
        if not _is_known(order):
            return None
        accepted = self._accepted(order, 0)
        if accepted is None or not is_operator:
            return accepted
        # Airflow's metaclass refuses positional arguments.
        return tuple(
            parameter
            if parameter.kind in ("VAR_POSITIONAL", "VAR_KEYWORD")
            else parameter._replace(kind="KEYWORD_ONLY")
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
        return (*own, *taken, *parameters_left(inherited, hidden, init.given, forward.positional))

    def _inherited(
        self, owner: Definition, forward: Forward, order: Sequence[Ancestor], index: int
    ) -> tuple[Parameter, ...] | None:
        if forward.base is None:
            return self._accepted(order, index + 1)
        base = self._lineage.base(owner, forward.base)
        if not isinstance(base, Definition):
            return () if base == "object" else None
        places = [place for place, each in enumerate(order) if getattr(each, "path", None) == base.path]
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

    def _endings(self, definition: Definition) -> tuple[str, ...]:
        facts = [class_facts_of(each) for each in self._lineage.order(definition) if isinstance(each, Definition)]
        return next((endings(one) for one in facts if "template_ext" in one.attributes), ())

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


def _is_known(order: Sequence[Ancestor]) -> bool:
    return None not in order and all(class_facts_of(e).creates_plainly for e in order if isinstance(e, Definition))
