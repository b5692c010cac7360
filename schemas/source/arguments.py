"""Arguments by name against the parameters that reading found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from schemas.source.results import Parameter
from schemas.suggestions import nearest

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
    """Required parameters that are neither given nor `filled` by others, but for those that a typo stands for."""
    wanted = [p.name for p in by_name(parameters) if p.required and p.name not in given and p.name not in filled]
    names = {p.name for p in parameters}
    typos = {nearest(name, wanted) for name in given if name not in names}
    return [name for name in wanted if name not in typos]
