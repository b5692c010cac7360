"""Plain values → YAML."""

from __future__ import annotations

from typing import Any

import yaml

from schemas.text.scalars import NumberTooLongError, plain_scalar


def block_mark(text: str) -> str | None:
    """The mark of a text of several lines that can stand below it as it is; None for any other text."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if len(lines) < 2 or not plain or not lines[-1] or not lines[0] or lines[0].startswith(" "):
        return None
    return "|" if text.endswith("\n") else "|-"


def scalar(value: Any) -> str:
    """A single value on one line, in quotes where YAML 1.2 or 1.1 would take the text for something else."""
    style = None
    while True:
        written: str = yaml.safe_dump(
            value, default_style=style, default_flow_style=True, allow_unicode=True, width=2**31 - 1
        )
        written = written.removesuffix("\n").removesuffix("\n...")
        if style is not None or not isinstance(value, str) or written != value or _is_text(written):
            break
        style = '"'
    return written if "\n" not in written else yaml.safe_dump(value, default_style='"', width=2**31 - 1).strip()


def _is_text(written: str) -> bool:
    try:
        return isinstance(plain_scalar(written), str)
    except NumberTooLongError:
        return False
