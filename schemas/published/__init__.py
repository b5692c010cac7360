"""Generators of the JSON Schemas and of docs/reference.md; not used at run time."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_or_check(module: str, files: Mapping[Path, str], arguments: Sequence[str] | None = None) -> int:
    """`python -m MODULE --write` or `--check`: write generated files, or name those that are stale; the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Generated files.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="exit with status 1 if a file is stale")
    if parser.parse_args(arguments).write:
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.parent.name}/{path.name} is stale: run python -m {module} --write", file=sys.stderr)
    return 1 if stale else 0
