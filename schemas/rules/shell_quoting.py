"""Shell commands that put what somebody else chose into the command line, outside of quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from schemas.compose.env_values import as_written
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject

_CHOSEN_ELSEWHERE = re.compile(r"\b(?:params\b|xcom_pull\b|dag_run\.conf\b)")
_TEMPLATE = "{{"
_BEFORE_COMMENT = ("", *" \t\n;&|(")
_MOST = 50
"""Templates of one command that are looked at: each is a place in the text that has to be found."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`{{ params.x }}`, an XCom or `dag_run.conf` in `bash_command`: what it holds is read as shell."""
    if not subject.may_hold("bash"):
        return
    for task in subject.tasks:
        command = task.arguments.get("bash_command")
        if not isinstance(command, str) or _TEMPLATE not in (command := as_written(command)):
            continue
        if _CHOSEN_ELSEWHERE.search(command) is None:
            continue
        for start, end in islice(_unquoted_templates(command), _MOST):
            if _CHOSEN_ELSEWHERE.search(command, start, end) is not None:
                yield subject.finding(
                    Code.UNQUOTED_IN_SHELL,
                    (*task.with_path, "bash_command"),
                    f"the shell reads what `{command[start:end]}` gives as part of the command",
                    help='hand it over as a variable: env: {VALUE: "{{ … }}"}, and "$VALUE" in the command',
                    part=(start, end),
                )


def _unquoted_templates(command: str) -> Iterator[tuple[int, int]]:
    """Where `{{ … }}` stands outside of the shell's quotes (POSIX shell, 2.2), which mean nothing in comments (2.3)."""
    closing = ""  # what ends the quoted text or the comment
    position = 0
    while position < len(command):
        if command.startswith(_TEMPLATE, position):
            close = command.find("}}", position)
            end = close + 2 if close >= 0 else len(command)
            if closing in ("", "\n"):
                yield position, end
            position = end
            continue
        character = command[position]
        if character == "\\" and closing in ("", '"'):
            position += 1
        elif closing:
            closing = "" if character == closing else closing
        elif character in "'\"":
            closing = character
        elif character == "#" and command[max(position - 1, 0) : position] in _BEFORE_COMMENT:
            closing = "\n"
        position += 1
