"""Explain a code of a finding: what it is about and why, with a wrong and a right example.

Exit status: 0 shown, 2 there is no such code.
"""

from __future__ import annotations

import argparse
import re
import sys

from factory.cli import UsageError
from factory.reporters.text import wants_colour
from schemas.findings.codes import Code, rule_page
from schemas.findings.suggestions import nearest

_BLOCK = re.compile(r"^```\w*\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)", re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory rule`."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="such as PF102 or unknown-key; none lists all")


def run(arguments: argparse.Namespace) -> int:
    """Print the page, or the list of all codes, to standard output; returns the exit status. Raises UsageError."""
    if arguments.code is None:
        print(_list())
    else:
        print(_shown(_found(arguments.code), colour=wants_colour(sys.stdout)))
    return 0


def _found(written: str) -> Code:
    by_name = {name: code for code in Code for name in (code.id, code.slug)}
    code = by_name.get(written.upper()) or by_name.get(written.lower().replace("_", "-"))
    if code is None:
        word = nearest(written, by_name)
        meant = f"; did you mean {word}?" if word is not None else "; `factory rule` lists all"
        raise UsageError(f"there is no code {written}{meant}")
    return code


def _list() -> str:
    width = max(len(code.slug) for code in Code)
    codes = sorted(Code, key=lambda code: code.id)
    return "\n".join(f"{c.id}  {c.slug:<{width}}  {c.severity.value:<7}  {c.summary}" for c in codes)


def _shown(code: Code, *, colour: bool) -> str:
    """The page for a terminal: headings without their marks, examples indented."""
    head, body = rule_page(code).split("\n", 1)
    examples = _BLOCK.sub(lambda block: re.sub(r"^(?=.)", "    ", block[1], flags=re.MULTILINE), body)
    bold = "\x1b[1m{}\x1b[0m" if colour else "{}"
    sections = _HEADING.sub(lambda heading: bold.format(heading[1]), examples)
    title = bold.format(f"{head.removeprefix('# ')} ({code.severity.value})")
    return f"{title}\n{sections.rstrip()}"
