"""What stands between a text's template brackets, as Jinja finds it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_OPENING = re.compile(r"\{[{%#]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_LONGEST_KEPT = 2_000
"""Characters of a text. Each edit of a longer one is another, and a process of days would keep them all."""
_END_OF_RAW = re.compile(r"\{%[-+]? ?endraw ?[-+]?%\}")


@dataclass(frozen=True)
class Tag:
    """`{{ … }}`, `{% … %}` or `{# … #}`; `start` and `end` are the bounds of what stands inside."""

    opening: str
    inside: str
    start: int
    end: int
    is_closed: bool = True

    @property
    def closing(self) -> str:
        return _CLOSING[self.opening]

    @cached_property
    def unquoted(self) -> str:
        """What stands inside, with the texts in quotes made blank, as long as before."""
        return _QUOTED.sub(lambda match: f'"{" " * (len(match.group()) - 2)}"', self.inside)


def tags(text: str) -> tuple[Tag, ...]:
    """The tags outside `{% raw %}`, in their order; one that is not closed is the last."""
    return _kept(text) if len(text) <= _LONGEST_KEPT else _found(text)


@lru_cache(maxsize=256)  # several rules ask for the same text, and `{{ ds }}` stands in many
def _kept(text: str) -> tuple[Tag, ...]:
    return _found(text)


def _found(text: str) -> tuple[Tag, ...]:
    found: list[Tag] = []
    position = 0
    while (opened := _OPENING.search(text, position)) is not None:
        opening = opened.group()
        end = text.find(_CLOSING[opening], opened.end())
        tag = Tag(opening, text[opened.end() : end] if end >= 0 else "", opened.end(), end)
        if end < 0 or (opening != "{#" and opening in _QUOTED.sub("", tag.inside)):
            found.append(Tag(opening, "", opened.end(), opened.end(), is_closed=False))
            break
        found.append(tag)
        position = end + 2
        if opening == "{%" and tag.inside.strip("-+ ") == "raw":
            left = _END_OF_RAW.search(text, position)
            position = left.end() if left is not None else len(text)
    return tuple(found)
