"""Functions: a dotted path, or a name and a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.texts import expanded, fixed
from schemas.findings.paths import DataPath
from schemas.source import Function
from schemas.source.results import by_name


def function_path(conversion: Conversion, at: DataPath, data: Mapping[str, Any], key: str) -> str | None:
    """The dotted path of what `key`, or `key` with `_name` and `_file`, names; None where there is none."""
    dotted = data.get(key)
    if isinstance(dotted, str):
        return fixed(conversion, (*at, key), dotted)
    key = key.removesuffix("_callable") if f"{key}_name" not in data and f"{key}_file" not in data else key
    name, file = data.get(f"{key}_name"), data.get(f"{key}_file")
    if not isinstance(name, str) or not isinstance(file, str):
        return None
    module = _module(conversion, file)
    if module is None:
        conversion.lost(
            (*at, f"{key}_file"),
            f"`{file}` is no module below the pipelines folder",
            help="move the file below the pipelines folder",
        )
        module = Path(file).stem
    return f"{module}.{name}"


def positional_names(conversion: Conversion, dotted: str, count: int) -> list[str] | None:
    """The names of a function's first parameters; None where reading source cannot tell them."""
    found = conversion.reader.find(dotted)
    if not isinstance(found, Function):
        return None
    names = [p.name for p in by_name(found.parameters) if p.kind != "KEYWORD_ONLY"]
    return names[:count] if len(names) >= count else None


def _module(conversion: Conversion, file: str) -> str | None:
    """The dotted path of a file below the pipelines folder."""
    folder = Path(os.path.abspath(conversion.folder))  # noqa: PTH100 # links stay as they are written
    beside = (folder / conversion.path).parent
    written = expanded(conversion, file)
    for start in (beside, folder):
        place = Path(os.path.normpath(start / written))
        if place.is_file() and place.suffix == ".py" and place.is_relative_to(folder):
            parts = place.relative_to(folder).with_suffix("").parts
            if all(part.isidentifier() for part in parts):
                return ".".join(parts)
    return None
