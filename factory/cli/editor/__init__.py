"""Start the language server that editors talk to over standard input and output: findings, completion, go to, rename.

It needs the extra `editor`. Exit status: 0 when the editor ends it, 2 usage.
"""

from __future__ import annotations

import argparse
import sys

from factory.cli import UsageError
from pipeline_factory import requirement


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory editor`. Editors' clients add `--stdio` by themselves."""
    parser.add_argument("--stdio", action="store_true", help="talk over standard input and output, as it always does")


def run(_: argparse.Namespace) -> int:
    """Serve until the editor says `exit`; returns the exit status. Raises UsageError."""
    try:
        from factory.cli.editor.features import make_server  # noqa: PLC0415 # the extra
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise UsageError(
            f"needs the extra `editor`, which is not installed: pip install {requirement('editor')}"
        ) from None
    if sys.stdin.isatty():
        raise UsageError("editors start this and talk to it over standard input; docs/editors.md shows how")
    make_server().start_io()
    return 0
