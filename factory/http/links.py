"""The header field `Link` (RFC 8288, section 3)."""

from __future__ import annotations

import re

_PARAMETER = r"""[^\s=;,<>"]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s;,"]*))?"""
_LINK = re.compile(rf"\s*<(?P<target>[^>]*)>(?P<parameters>(?:\s*;\s*(?:{_PARAMETER})?)*)\s*(?:,|$)")
_RELATION = re.compile(rf"\s*;\s*(?:rel\s*=\s*(?P<rel>\"[^\"]*\"|'[^']*'|[^\s;,\"]*)|(?:{_PARAMETER})?)", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,]*")


def links_of(field: str) -> tuple[list[tuple[str, list[str]]], str]:
    """The links of a field, each its target and its relations in small letters; and what of it cannot be read."""
    links: list[tuple[str, list[str]]] = []
    at = 0
    while (found := _LINK.match(field, (at := _end(_BETWEEN.match(field, at))))) is not None:
        relations = [one["rel"] for one in _RELATION.finditer(found["parameters"]) if one["rel"] is not None]
        # A link may stand for several relations; of several `rel`, the first counts.
        links.append((found["target"].strip(), relations[0].strip("\"'").lower().split() if relations else []))
        at = found.end()
    return links, field[at:].strip()


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # noqa: S101 # it matches nothing, too
    return match.end()
