"""`${…}` expressions: what they say, and where they are in a value.

Ours are `${env.NAME}`, `${env.NAME:-default}`, `${vars.x}`, `${matrix.x}`, `${params.x}`, `${tasks.ID.output}`,
`${tasks.ID.xcom.KEY}` and `${expand.NAME}`. A near miss of these is an error; every other `${…}` is text, for
shells. `$${` writes a literal `${`, `$$${…}` a `$` before a value. The patterns at the end say the same for the JSON
Schema; a test compares the two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

_EXPRESSION = re.compile(r"(?<!\$)(?P<dollars>\$*)\$\{(?P<body>[^{}]*)\}")
_OPENING = r"\$*\{"
_ESCAPE, _ESCAPED = re.compile(r"(?<!\$)\$+(?=\{)"), re.compile(r"(?<!\$)\$\$+(?=\{)")
_ENV = re.compile(r"env\.(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?")
_VALUE = re.compile(r"(?P<root>vars|matrix|params)\.(?P<keys>[\w-]+(?:\.[\w-]+)*)")
_STEP = r"(?:\.[^\W\d][\w-]*|\[-?[0-9]+\]|\[\"[^\"\]]+\"\]|\['[^'\]]+'\])"
_TASK = re.compile(
    r"tasks\.(?P<id>\^*[\w-]+(?:\.[\w-]+)*?)\."
    rf"(?:output(?P<steps>{_STEP}*)|xcom\.(?P<key>[\w-]+)(?P<key_steps>{_STEP}*))"
)
_EXPAND = rf"expand\.(?P<name>[^\W\d]\w*)(?P<steps>{_STEP}*)"
_NAME_IN_BRACKETS = r"\[([A-Za-z_][\w-]*)\]"
_ONE_STEP = re.compile(_STEP)
_ROOTS = ("env", "vars", "matrix", "params", "tasks", "expand")
_FORMS = (
    *("env.NAME", "env.NAME:-default", "vars.NAME", "matrix.NAME", "params.NAME"),
    *("tasks.ID.output", "tasks.ID.xcom.KEY", "expand.NAME"),
)
_HEAD = r"\s*(?P<root>[A-Za-z]+)\s*[.:\[]"


class EnvReference(NamedTuple):
    """`${env.NAME:-default}`; `default` is None if there is none."""

    name: str
    default: str | None


class ValueReference(NamedTuple):
    """`${vars.a.b}`, `${matrix.x}` or, in a template, `${params.x}`: `root` and the keys after it."""

    root: str
    keys: tuple[str, ...]


class TaskReference(NamedTuple):
    """A task's output. `key` is the XCom key (None: the returned value), `steps` select inside the value."""

    task_id: str
    key: str | None
    steps: tuple[str | int, ...]

    @property
    def written(self) -> str:
        """The expression."""
        return f"${{{self.source}{written_steps(self.steps)}}}"

    @property
    def source(self) -> str:
        """The same without braces and steps."""
        return f"tasks.{self.task_id}." + (f"xcom.{self.key}" if self.key else "output")


def written_steps(steps: Iterable[str | int]) -> str:
    """Steps as an expression has them."""

    def one(step: str | int) -> str:
        if isinstance(step, int):
            return f"[{step}]"
        mark = "'" if '"' in step else '"'
        return f".{step}" if step.isidentifier() else f"[{mark}{step}{mark}]"

    return "".join(map(one, steps))


class ExpandReference(NamedTuple):
    """`${expand.NAME}`: the value of a mapped group in this one of its runs; `steps` select inside it."""

    name: str
    steps: tuple[str | int, ...]


Meaning = EnvReference | ValueReference | TaskReference | ExpandReference


class NearMiss(NamedTuple):
    """Text that was meant as an expression: what is wrong, and what was probably meant."""

    why: str
    suggestion: str | None


class Expression(NamedTuple):
    """One `${…}` in a text. `whole` says that the text is nothing else."""

    written: str
    start: int
    end: int
    whole: bool
    meaning: Meaning | NearMiss


def expressions(text: str) -> Iterator[Expression]:
    """The expressions of a text that are ours or were meant to be; without other `${…}` and `$${…}`."""
    if "${" not in text:
        return
    for match in _EXPRESSION.finditer(text):
        start = match.end("dollars")
        if (start - match.start()) % 2:
            continue
        meaning = _meaning(match["body"])
        if meaning is not None:
            end = match.end()
            yield Expression(text[start:end], start, end, start == 0 and end == len(text), meaning)


def task_reference(text: object) -> TaskReference | None:
    """The task reference that a value is; None if it is anything else."""
    found = run_reference(text)
    return found if isinstance(found, TaskReference) else None


def run_reference(text: object) -> TaskReference | ExpandReference | None:
    """The reference that a value is, to something known when the task runs; None if it is anything else."""
    first = next(run_references(text), None)
    return first[1] if first is not None and first[0].whole else None


def run_references(text: object) -> Iterator[tuple[Expression, TaskReference | ExpandReference]]:
    """The references in a value, whole or inside a longer text, to what is known when the task runs."""
    for expression in expressions(text) if isinstance(text, str) else ():
        if isinstance(expression.meaning, TaskReference | ExpandReference):
            yield expression, expression.meaning


def filled(text: str, values: Iterable[tuple[Expression, str]]) -> str:
    """A text with values in place of its expressions. What comes before an expression that stays, or before a literal
    `${`, stays apart from it."""
    made, end = "", 0
    for expression, value in values:
        made = beside(made + before(text, end, expression), value)
        end = expression.end
    return beside(made, text[end:])


def before(text: str, start: int, expression: Expression) -> str:
    """The text from `start` to an expression, once that has its value: `$$` right before it is a `$`."""
    piece = text[start : expression.start]
    dollars = len(piece) - len(piece.rstrip("$"))
    return piece[: len(piece) - dollars // 2]


def beside(first: str, second: str) -> str:
    """Two texts, the second right after the first, each with its own meaning."""
    dollars = len(first) - len(first.rstrip("$")) if re.match(_OPENING, second) else 0
    return f"{first}{'$' * dollars}{second}"


def unescape(text: str) -> str:
    """`$${` → `${`, done last, when every expression has its value; of more `$` before `{` two are one, too."""
    return _ESCAPED.sub(lambda found: "$" * ((len(found[0]) + 1) // 2), text) if "$${" in text else text


def escape(text: str) -> str:
    """Text in which nothing is an expression, and of which `unescape` makes this one."""
    return _ESCAPE.sub(lambda found: found[0] * 2, text) if "${" in text else text


def _meaning(body: str) -> Meaning | NearMiss | None:
    if match := _ENV.fullmatch(body):
        return EnvReference(match["name"], match["default"])
    if match := _VALUE.fullmatch(body):
        return ValueReference(match["root"], tuple(match["keys"].split(".")))
    if match := _TASK.fullmatch(body):
        return TaskReference(match["id"], match["key"], _steps(match["steps"] or match["key_steps"] or ""))
    if match := re.fullmatch(_EXPAND, body):
        return ExpandReference(match["name"], _steps(match["steps"]))
    return _near_miss(body)


def _steps(written: str) -> tuple[str | int, ...]:
    return tuple(_step(step) for step in _ONE_STEP.findall(written))


def _step(written: str) -> str | int:
    inner = written.removeprefix(".").removeprefix("[").removesuffix("]")
    if written.startswith("[") and inner.lstrip("-").isdigit():
        return int(inner)
    return inner[1:-1] if written.startswith("[") else inner


def _near_miss(body: str) -> NearMiss | None:
    stripped = body.strip()
    if stripped != body and (meant := _meaning(stripped)) is not None and not isinstance(meant, NearMiss):
        return NearMiss("there is a space inside `${ }`", f"${{{stripped}}}")
    head = re.match(_HEAD, body)
    if head is None:
        return None
    composed = body if body.isascii() else unicodedata.normalize("NFC", body)
    if composed != body and (meant := _meaning(composed)) is not None and not isinstance(meant, NearMiss):
        return NearMiss("an accent is a character of its own here, which no name has", f"${{{composed}}}")
    written = head["root"]
    close = get_close_matches(written.lower(), (*_ROOTS, "environment"), n=1, cutoff=0.75)
    if not close:
        return _without_root(body)
    root = "env" if close[0] == "environment" else close[0]
    rest = body[head.end() - 1 :].strip()
    if written != root:
        if not rest.startswith("."):
            return None
        meant = _meaning(root + rest)
        suggestion = f"${{{root}{rest}}}" if meant is not None and not isinstance(meant, NearMiss) else None
        return NearMiss(f"`{written}` is unknown", suggestion)
    return NearMiss(*_wrong_inside(root, rest))


def _without_root(body: str) -> NearMiss | None:
    """`${ID.output}`: a shell's names have no dots."""
    if ".output" not in body or _TASK.fullmatch(f"tasks.{body}") is None:
        return None
    return NearMiss("a task's output begins with `tasks.`", f"${{tasks.{body}}}")


def _wrong_inside(root: str, rest: str) -> tuple[str, str | None]:
    if root == "env":
        name = re.fullmatch(r"[.:]\s*([A-Za-z_]\w*)(?:\s*:?[-=]\s*([^{}]*))?", rest)
        if name:
            default = f":-{name[2]}" if name[2] is not None else ""
            return "write `${env.NAME}` or `${env.NAME:-default}`", f"${{env.{name[1]}{default}}}"
        return "write `${env.NAME}` or `${env.NAME:-default}`", None
    if root == "tasks":
        return _wrong_task(rest)
    return f"write `${{{root}.NAME}}`", None


def _wrong_task(rest: str) -> tuple[str, str | None]:
    why = "write `${tasks.ID.output}` or `${tasks.ID.xcom.KEY}`"
    match = re.fullmatch(r"\.([\w-]+)(?:\.([\w-]+))?(.*)", rest)
    if match is None:
        return why, None
    task_id, word, tail = match.groups()
    if word is None:
        meant = f"tasks.{task_id}.output{tail}"
    elif get_close_matches(word.lower(), ("output", "outputs", "result", "return_value"), n=1, cutoff=0.7):
        named = re.sub(_NAME_IN_BRACKETS, r".\1", tail)
        meant = f"tasks.{task_id}.output{named}"
    else:
        meant = f"tasks.{task_id}.output.{word}{tail}"
    if word == "output":
        why = 'after `output` write `.key`, `["key"]` or `[0]`'
    return why, f"${{{meant}}}" if _TASK.fullmatch(meant) else None


def forms() -> tuple[str, ...]:
    """All forms of expressions, as the user writes them."""
    return tuple(f"${{{form}}}" for form in _FORMS)


# Patterns for the JSON Schema, written in what ECMAScript (editors), Python and Rust (pydantic) share: no named groups,
# no `\w` (ASCII only in ECMAScript), no look-behind.

WORD = (
    r"[^\x00-,./:-@\[-^`{-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7\u0300-\u036f\u2000-\u206f\u20a0-\u20ff"
    r"\u2190-\u245f\u2500-\u2775\u2794-\u2bff\u3000-\u3004\u3008-\u3020\ue000-\uf8ff\ufe00-\ufe6f\ufeff"
    rf"\ufff0-\uffff{chr(0x1F300)}-{chr(0x1FAFF)}\s]"
)
"""A letter or digit of any script, `_` or `-`: Airflow's KEY_REGEX without the dot, written as
everything but the punctuation and symbols that people type (Airflow rejects rarer ones)."""

EXCEPTION_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$"
"""A class of Python's own by its name, or any by its dotted path."""

_BEGIN = r"(?:^|[^$])(?:\$\$)*\$\{"  # a `$` before it is one of a pair, which stands for one
ENVIRONMENT = _BEGIN + r"env\.[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\}"
"""Text with `${env.NAME}` or `${env.NAME:-default}` in it; `$${…}` is literal text."""

VALUE = _BEGIN + r"(?:vars|matrix|params)\.[^{}]+\}"
"""Text with `${vars.NAME}`, `${matrix.NAME}` or `${params.NAME}` in it; lint reads what follows the dot."""

ENVIRONMENT_OR_VALUE = _BEGIN + r"(?:env\.[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?|(?:vars|matrix|params)\.[^{}]+)\}"
"""Both, as one pattern."""

TASK_OUTPUT = (
    r"^\$\{(?:tasks\.(?:[^\s{}]|\$\{params\.[^\s{}]+\})+\.(?:output(?:[.\[][^{}]*)?|xcom\.[^{}]+)|expand\.[^\s{}]+)\}$"
)
"""A whole `${tasks.ID.output…}`, `${tasks.ID.xcom.KEY…}` or `${expand.NAME…}`; lint reads what follows."""

WITHOUT_EXPRESSION = r"^(?!(?:[\s\S]*[^$])?(?:\$\$)*\$\{(?:env|tasks|expand)\.)"
"""Text with no expression in it that is known only where the DAG is parsed or runs. Not for pydantic: look-ahead."""

DOTTED_PATH_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$"
"""`module.name`, as Python writes it."""
