"""Shell commands and SQL: what does something other than it seems to, executes text from elsewhere, or cannot
be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import islice, pairwise, takewhile
from types import MappingProxyType
from typing import Any

from schemas.compose.env_values import EnvText, as_written, looks_like_secret
from schemas.expressions.reading import ExpandReference, TaskReference, ValueReference, expressions
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import OUTWARD, DataPath
from schemas.rules.subject import Reference, Subject
from schemas.rules.task_view import TaskView
from schemas.rules.templates import said_of_template
from schemas.shape.places import mapping_at, value_at

_CHOSEN_ELSEWHERE = r"\b(?:params\b|xcom_pull\b|dag_run\.conf\b)"
_PARAM = re.compile(r"\bparams(?:\.(?P<name>\w+)|\[\s*(?P<quote>['\"])(?P<key>[^'\"]+)(?P=quote)\s*\])")
_ONE_OF_TWO = r"""(?s)\{\{-?\s*(?:'[^']*'|"[^"]*")\s+if\s(?:(?!\selse\s).)+\selse\s+(?:'[^']*'|"[^"]*")\s*-?\}\}"""
_NO_SHELL = {"integer", "number", "boolean", "null"}
"""Types of params that hold nothing which a shell would execute; Airflow checks what is given for them."""
_TEMPLATE = "{{"
_BEFORE_COMMENT = ("", *" \t\n;&|(")
_MOST = 50
"""Templates of one command that are looked at: each is a place in the text that has to be found."""
_BACKSLASH_AND_SPACE = r"\\[ \t]+(?=\n)"
_DASH = r"(?<!\S)-?[\u2010-\u2015\u2212]+-*(?=[A-Za-z])"
_SHELL_VARIABLE = r"(?<![$\\])\$(?:\{(?P<braced>[A-Z][A-Z0-9_]+)\}|(?P<name>[A-Z][A-Z0-9_]+)(?!\w))"
_COMMANDS = r"cd|echo|export|mkdir|rm|cp|mv|curl|wget|python3?|pip|aws|gsutil|dbt|psql|set|source"
"""What begins a line of its own, as far as a name tells; `sudo`, `time` and their like come before one."""
_ENDED_BY_A_WORD = r"(?:^|[;&|(]\s*)(?:cd [^\s\-'\"`{(][^\s'\"`{(]*+|set -[a-z]++(?: pipefail)?+) (?=[^\s;&|)#<>12\\])"
"""`cd` and `set` take no command, so a word behind theirs begins one."""
_BLOCK_WORDS = frozenset({"then", "do", "else", "elif", "fi", "done", "esac"})
_BEFORE_A_COMMAND = frozenset({"sudo", "time", "exec", "nohup", "then", "do", "else", "xargs", "env", "-exec", "!"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Commands of which nothing runs, or less than is written."""
    may_be_folded = subject.may_hold("bash_command: >")
    for task in subject.tasks:
        command, path = task.arguments.get("bash_command"), (*task.with_path, "bash_command")
        if isinstance(command, str) and not isinstance(command, EnvText):
            yield from check_command(subject, path, command, may_be_folded=may_be_folded)
        if command is not None and subject.may_hold("$"):
            yield from _not_expanded(subject, task)


def _not_expanded(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """Variables of a shell in `env` and `cwd`, which no shell reads."""
    env, cwd = task.arguments.get("env"), task.arguments.get("cwd")
    values = [(("env", key), value) for key, value in env.items()] if isinstance(env, dict) else []
    for place, value in (*values, (("cwd",), cwd)):
        written = as_written(value) if isinstance(value, str) else ""
        for match in re.finditer(_SHELL_VARIABLE, written):
            name, what = match["name"] or match["braced"], f"of `{place[-1]}`" if len(place) > 1 else "in `cwd`"
            message = f"no shell reads the value {what}: `{match.group()}` stays as it is"
            help_text = f"write `${{env.{name}}}` for the value where the file is read, or set it in the command"
            if looks_like_secret(name):
                help_text = "take a secret from a connection: `{{ conn.NAME.password }}`"
            path = (*task.with_path, *place)
            yield subject.finding(Code.SURPRISING_COMMAND, path, message, help=help_text, part=match.span())


def check_command(subject: Subject, path: DataPath, command: str, *, may_be_folded: bool) -> Iterator[Diagnostic]:
    """What of one command does not run as it seems."""
    lines = [line.strip() for line in command.splitlines() if line.strip()] if "#" in command else []
    if lines and all(line.startswith("#") for line in lines):
        message = "the whole command is a comment, so nothing runs and the task succeeds"
        help_text = "write several lines as `bash_command: |`" if " " in lines[0] else ""
        yield subject.finding(Code.SURPRISING_COMMAND, path, message, help=help_text)
        return
    folded = _folded_lines(subject, path) if may_be_folded else []
    word = (_second_command(command) or _second_line(folded)) if folded else None
    if word is not None:
        message = f"`>` joins lines with a space, so `{word}` is an argument of the command before it"
        help_text = "write `bash_command: |`, which keeps the lines"
        yield subject.finding(Code.SURPRISING_COMMAND, path, message, help=help_text)
    for match in re.finditer(_BACKSLASH_AND_SPACE, command) if "\\" in command else ():
        message = "a backslash before a space does not continue the line"
        help_text = "remove the spaces at the end of the line"
        yield subject.finding(Code.SURPRISING_COMMAND, path, message, help=help_text, part=match.span())
    for start, end, closing in _values(command, {}) if "$${{" in command else ():
        before = command[:start]
        if before.endswith("$$") and not before.endswith("\\$$") and closing in ("", '"'):
            message = "the shell reads this `$` and what follows it as a variable: of `$2026` it takes `$2`"
            help_text = f"write `\\$${command[start:end]}`, or put it in single quotes"
            yield subject.finding(Code.SURPRISING_COMMAND, path, message, help=help_text, part=(start - 2, end))
    for match in re.finditer(_DASH, command) if not command.isascii() else ():
        message = (
            f"`{match.group()}` (U+{ord(match.group().strip('-')[0]):04X}) is not the hyphen that options begin with"
        )
        yield subject.finding(Code.LOOK_ALIKE, path, message, caret="write `-`", part=match.span())


def _second_command(command: str) -> str | None:
    """The name of a command behind another one in the same line, without `;` or the like between them."""
    match = re.search(_ENDED_BY_A_WORD, command)
    if match is not None:
        return command[match.end() :].split(maxsplit=1)[0]
    return None


def _may_hold_shell(template: str, subject: Subject, task: TaskView) -> bool:
    if re.fullmatch(_ONE_OF_TWO, template):
        return False
    params = {**mapping_at(subject.data, ("params",)), **mapping_at(task.entry, ("params",))}
    rest = _PARAM.sub(lambda one: "" if _is_bounded(params.get(one["name"] or one["key"])) else one[0], template)
    return re.search(_CHOSEN_ELSEWHERE, rest) is not None


def _is_bounded(param: Any) -> bool:
    """Whether its JSON Schema leaves no text but what is written in the file."""
    if not isinstance(param, dict):
        return False
    types = param.get("type")
    is_plain = bool(types) and _NO_SHELL.issuperset(types if isinstance(types, list) else [types])
    return is_plain or "enum" in param or "const" in param


def _folded_lines(subject: Subject, path: DataPath) -> list[str]:
    """The lines of a value that is written as a block which YAML joins; none for any other."""
    _, text, span = subject.value_span(path)
    lines = text.splitlines()[span.line - 1 :]
    if not lines or not lines[0][span.column - 1 :].startswith(">"):
        return []
    inside = [*takewhile(lambda line: not line.strip() or _indent(line) > _indent(lines[0]), lines[1:])]
    least = min((_indent(line) for line in inside if line.strip()), default=0)
    # Empty lines and those that are indented more stay lines.
    return [line.strip() if _indent(line) == least else "" for line in inside]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _second_line(lines: list[str]) -> str | None:
    """The word of a line that begins a command or ends a loop, where the line before it is not ended."""
    first = next((line.split()[0] for line in lines if line), "")
    for before, line in pairwise(lines):
        if not line or not before:
            continue
        word, last = line.split()[0], before.split()[-1]
        is_open = before.endswith((";", "&", "|", "(", "\\", "{", "'", '"')) or last in _BEFORE_A_COMMAND
        is_again = word == first and re.fullmatch(r"[a-z][\w-]+", word) is not None
        is_again |= re.fullmatch(_COMMANDS, word) is not None and not last.startswith("-")
        is_end = word.rstrip(";") in _BLOCK_WORDS and last not in _BLOCK_WORDS
        if not is_open and (is_again or is_end):
            return word.rstrip(";")
    return None


def check_quoting(subject: Subject) -> Iterator[Diagnostic]:
    """Unquoted `{{ params.x }}`, XCom or `dag_run.conf` in `bash_command`, or any output: it is read as shell."""
    if not subject.may_hold("bash"):
        return
    for task in subject.tasks:
        command = task.arguments.get("bash_command")
        if not isinstance(command, str):
            continue
        path, command = (*task.with_path, "bash_command"), as_written(command)
        outputs = {
            r.part[0]: r.part[1]
            for r in subject.references_of(task)
            if r.part and r.path == path and _is_given(subject, r)
        }
        if not outputs and (_TEMPLATE not in command or re.search(_CHOSEN_ELSEWHERE, command) is None):
            continue
        values = (one for one in _values(command, outputs) if one[0] in outputs or one[2] in ("", "\n"))
        own = [mapping_at(subject.data, (f"user_defined_{what}",)) for what in ("macros", "filters")]
        for start, end, _ in islice(values, _MOST):
            is_refused = start not in outputs and any(said_of_template(command[start:end], *own))  # which is said
            if start in outputs or (not is_refused and _may_hold_shell(command[start:end], subject, task)):
                shown = _written(subject, path, command, start, end) if start in outputs else command[start:end]
                value = shown if start in outputs else "{{ … }}"
                yield subject.finding(
                    Code.UNQUOTED_IN_SHELL,
                    path,
                    f"the shell executes the value of `{shown}` as part of the command",
                    help=f'pass it as a variable: env: {{VALUE: "{value}"}}, and "$VALUE" in the command',
                    part=(start, end),
                )


def _written(subject: Subject, path: DataPath, command: str, start: int, end: int) -> str:
    """The expression that gives a part of a command, as its author wrote it: outputs of templates and what their
    callers give are in the command as other tasks' outputs."""
    document, place = subject.effective.origin(path)
    both = [[*expressions(text)] for text in (command, value_at(document.data, place))]
    of_run = [[one for one in some if isinstance(one.meaning, TaskReference | ExpandReference)] for some in both]
    for held, written in (of_run, both):
        pairs = zip(held, written, strict=True) if len(held) == len(written) else ()
        new = next((new for old, new in pairs if old.start == start), None)
        if new is not None and not (isinstance(new.meaning, ValueReference) and new.meaning.root != "params"):
            return new.written
    return "${params.…}" if OUTWARD in command[start:end] else command[start:end]


def _is_given(subject: Subject, reference: Reference) -> bool:
    """Whether a value comes from a task, and not from the file."""
    if isinstance(reference.to, TaskReference):
        return True
    group = next((one for one in subject.around(reference.path) if one.is_mapped), None)
    expand = group.entry.get("expand") if group is not None else None
    rows = group.entry.get("expand_kwargs") if group is not None else None
    return isinstance(rows or (expand.get(reference.to.name) if isinstance(expand, dict) else None), str)


def _values(command: str, outputs: Mapping[int, int]) -> Iterator[tuple[int, int, str]]:
    """Where an output is, which can end the quotes around it or hold `$(…)`, and where `{{ … }}` is; and what ends the
    shell's quotes around it (POSIX shell, 2.2) or the comment (2.3). `outputs`: where they begin and end."""
    closing = ""  # what ends the quoted text or the comment
    position = 0
    while position < len(command):
        if position in outputs or command.startswith(_TEMPLATE, position):
            close = command.find("}}", position)
            end = outputs.get(position, close + 2 if close >= 0 else len(command))
            yield position, end, closing
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


_DIALECTS: Mapping[str, str] = MappingProxyType({"duckdb": "duckdb", "sql": "", "chart": ""})
"""Built-in → sqlglot's dialect; of a connection only the run knows which it is."""
_VALUE = r"(?s)\{\{.*?\}\}|%s|%\(\w+\)s"
"""A template, or a place for one of `parameters`."""
_SPOKEN = ("duckdb", "postgres", "mysql", "sqlite")  # a condition is wrong where none of them takes it
_NO_CONDITION = re.compile(r"\s*(where)\b.*|.*(;)\s*", re.IGNORECASE | re.DOTALL)
_LONGEST = 20_000
"""Characters of SQL that are read."""


def check_sql(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in the SQL of `sql`, `duckdb` and `chart`, where it is in the file."""
    for task in subject.tasks:
        for place, text in _conditions(task.arguments) if task.uses == "check" else ():
            odd, end = _NO_CONDITION.fullmatch(text), "\n" * ("--" in text)
            whole = f"SELECT CASE WHEN ({re.sub(_VALUE, 'x', text)}{end}) THEN 1 END"
            faults = [f"leave out `{odd[1] or odd[2]}`"] if odd else [_fault(whole, one) for one in _SPOKEN]
            if faults[0] is not None and all(faults):
                yield subject.finding(Code.BAD_SQL, (*task.with_path, *place), f"this is no condition: {faults[0]}")
        dialect = _DIALECTS.get(str(task.uses))
        sql = task.arguments.get("sql") if dialect is not None else None
        for place, text in [((), sql), *((((n,), one) for n, one in enumerate(sql)) if isinstance(sql, list) else ())]:
            if isinstance(text, str) and _is_readable(text):
                fault = _fault(re.sub(_VALUE, "x", text), dialect or "")
                if fault is not None:
                    path = (*task.with_path, "sql", *place)
                    yield subject.finding(Code.BAD_SQL, path, f"this does not look like SQL: {fault}")


def _conditions(given: Mapping[str, Any]) -> Iterator[tuple[DataPath, str]]:
    checks = given["checks"] if isinstance(given.get("checks"), dict) else {}
    found: list[tuple[DataPath, Any]] = [(("partition_clause",), given.get("partition_clause"))]
    found += [(("checks", name, key), one[key]) for name, one in checks.items() if isinstance(one, dict) for key in one]
    yield from ((place, text) for place, text in found if isinstance(text, str) and _is_readable(text))


def _is_readable(text: str) -> bool:
    is_open = isinstance(text, EnvText) or any(sign in text for sign in ("{%", "${", "$$"))
    return not (is_open or text.rstrip().endswith(".sql") or len(text) > _LONGEST)


def _fault(text: str, dialect: str) -> str | None:
    """What is wrong with the text, and where; None where it can be read, or where nobody here can tell."""
    if find_spec("sqlglot") is None:
        return None
    import logging  # noqa: PLC0415 # as below

    import sqlglot  # noqa: PLC0415 # only files with SQL pay for it
    from sqlglot.errors import ParseError, TokenError  # noqa: PLC0415

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it does not know it takes for a command, and says so
    try:
        sqlglot.parse(text, dialect=dialect or None)
    except TokenError:
        return "a quote is not closed"
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        near = str(found.get("highlight") or "").strip()
        line = f" in line {found['line']}" if "\n" in text.strip() and found.get("line") else ""
        return f"it breaks off at `{near}`{line}" if near else f"it is not complete{line}"
    return None
