"""The order in which Python asks a class and its bases (C3), as far as source shows it."""

from __future__ import annotations

import re

from schemas.source.decorators import generates_constructor, keeps_signature
from schemas.source.facts import ClassFacts, Value
from schemas.source.names import Definition, NameResolver

BASE_OPERATORS = frozenset(
    {
        "airflow.models.baseoperator.BaseOperator",
        "airflow.sdk.bases.operator.BaseOperator",
        "airflow.sdk.definitions.baseoperator.BaseOperator",
    }
)
"""Where Airflow's versions define BaseOperator. Its constructor rejects the keywords it does not know."""

# A base that cannot be read, as where Airflow is not installed, still tells by its name what it is.
_OPERATOR_NAME = re.compile(r"airflow\.(.+\.)?Base(Sensor|Branch|Async|SQL)?Operator")

# Bases that add nothing to a constructor and define no template fields.
_PLAIN = frozenset({"abc.ABC", "object", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"})
_PLAIN_METACLASSES = frozenset({"abc.ABCMeta", "type"})
_OPERATOR_METACLASS = "BaseOperatorMeta"

_DEPTH = 60

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
                    if text and _OPERATOR_NAME.fullmatch(self._names.absolute(each.module, text)):
                        return True
                    answer = None
        return answer

    def decorators(self, definition: Definition) -> tuple[str | None, ...]:
        """The full names of a definition's decorators."""
        decorators = () if isinstance(definition.facts, Value) else definition.facts.decorators
        return tuple(text and self._names.absolute(definition.module, text) for text in decorators)

    def _order(self, definition: Definition, depth: int) -> tuple[Ancestor, ...]:
        if depth > _DEPTH or not self._is_ordinary(definition):
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
