"""Files of a test, and what it expects of a result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schemas.source import Function


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files by their relative names."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


def function(result: object) -> Function:
    """The result as the function it has to be."""
    assert isinstance(result, Function), result
    return result
