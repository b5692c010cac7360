"""Values of the environment, kept out of what people are shown: a message gets the expression in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from schemas.dagfactory.scalars import variables
from schemas.environment import env_texts, resolve_environment
from schemas.references import EnvReference, expressions, unescape

SHORTEST = 4
"""Characters. What is shorter keeps no secret and would be found in any text."""


class EnvironmentValues:
    """What `${env.…}`, and `$NAME` of a dag-factory document, stand for in one pipeline's effective data."""

    def __init__(self, data: Any, environ: Mapping[str, str]) -> None:
        self._expressions: dict[str, str] = {}
        for text in env_texts(resolve_environment(data, environ).data):
            self._add(text, text.expression)
            # A default stands in the file for all to see.
            found = {
                one.written: one.meaning.name
                for one in expressions(text.expression)
                if isinstance(one.meaning, EnvReference)
            }
            for written, name in (found or dict(variables(text.expression))).items():
                self._add(environ.get(name, ""), written)

    def hidden_in(self, message: str) -> str:
        """The message with each value replaced by the expression that the document says in its place."""
        if not self._expressions:
            return message
        longest_first = sorted(self._expressions, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first))
        return re.sub(pattern, lambda match: self._expressions[match[0]], message)

    def _add(self, value: str, expression: str) -> None:
        plain = str(unescape(value))
        # Messages quote values as Python writes them, and are brought to one line.
        for form in (str(value), plain, repr(plain)[1:-1], " ".join(plain.split())):
            if len(form) >= SHORTEST:
                self._expressions.setdefault(form, expression)
