"""A new document, every part with the path in the old one that it was made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.findings.paths import DataPath


class PlainText(str):
    """Text that is written without quotes, such as a date."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Written:
    """`value` is a scalar, a dict or a list whose items are Written themselves; `source` is a path of the effective
    document, None where there is nothing like it there. `flow`: a short list goes on one line."""

    value: Any
    source: DataPath | None = None
    flow: bool = False

    @property
    def plain(self) -> Any:
        """The value as plain data."""
        if isinstance(self.value, dict):
            return {key: child.plain for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain for child in self.value]
        return self.value

    def sources(self) -> Iterator[DataPath]:
        """The paths of it and of all that is in it."""
        if self.source is not None:
            yield self.source
        children = self.value.values() if isinstance(self.value, dict) else self.value
        for child in children if isinstance(self.value, dict | list) else ():
            yield from child.sources()


def copied(value: Any, source: DataPath | None) -> Written:
    """Plain data as it is."""
    if isinstance(value, dict):
        return Written({k: copied(v, None if source is None else (*source, k)) for k, v in value.items()}, source)
    if isinstance(value, list):
        items = [copied(v, None if source is None else (*source, i)) for i, v in enumerate(value)]
        return Written(items, source, flow=all(not isinstance(v, dict | list) for v in value))
    return Written(value, source)
