"""Lint and Jinja over generated templates: what one refuses the other refuses."""

from __future__ import annotations

import random

import pytest
from jinja2 import Environment, TemplateSyntaxError

from schemas.expressions.templates import read_template
from schemas.rules.templates import FILTERS, said_of_template

NUMBER = 1_500
NAMES = ("ds", "params", "ti", "run_id", "macros", "logical_date")
OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">=", "and", "or", "in", "not in")
FOREIGN = (
    "&&",
    "||",
    "!",
    "=",
    "===",
    "?",
    ":",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "'",
    '"',
    "|",
    ".",
    ",",
    "“",
    "for",
    "#",
    "%",
)


def expression(choose: random.Random, depth: int = 0) -> str:
    if depth > 3:
        return choose.choice((*NAMES, "1", "'a'", "2.5", "true", "none"))
    one, other = (expression(choose, depth + 1) for _ in range(2))
    return choose.choice(
        (
            choose.choice(NAMES),
            f"{one} {choose.choice(OPERATORS)} {other}",
            f"({one})",
            f"not {one}",
            f"{choose.choice(NAMES)}.{choose.choice(('x', 'get', 'y'))}",
            f"{choose.choice(NAMES)}['x'](a={one})",
            f"{choose.choice(NAMES)} | {choose.choice(('upper', 'default(1)', 'ds', 'nothing', 'int'))}",
            f"{choose.choice(NAMES)} is {choose.choice(('defined', 'none', 'odd', 'weekday'))}",
            f"[{one}, {other}]",
            "{" + f"'a': {one}" + "}",
            f"{one} if {other} else {one}",
        )
    )


def template(choose: random.Random) -> str:
    inner = expression(choose)
    text = choose.choice(
        (
            f"a {{{{ {inner} }}}} b",
            f"{{{{- {inner} -}}}}\n{{{{ ds }}}}",
            f"{{% if {inner} %}}a{{% else %}}b{{% endif %}}",
            f"{{% for x in {inner} %}}{{{{ x }}}}{{% endfor %}}",
            f"{{% set y = {inner} %}}{{{{ y }}}}",
            f"{{# {inner} #}}",
            f"{{% raw %}}{{{{ {inner} && }}}}{{% endraw %}}",
        )
    )
    for _ in range(choose.choice((0, 0, 1, 2))):
        at = choose.randrange(len(text))
        edit = choose.choice(("drop", "add", "swap"))
        if edit == "drop":
            text = text[:at] + text[at + 1 :]
        else:
            text = text[:at] + choose.choice(FOREIGN) + text[at + (edit == "swap") :]
    return text


@pytest.fixture(scope="module")
def environment() -> Environment:
    airflows = Environment(extensions=["jinja2.ext.do"])  # noqa: S701 # it renders nothing
    airflows.filters |= {name: str for name in FILTERS if name not in airflows.filters}
    return airflows


def test_lint_refuses_what_jinja_refuses_and_nothing_else(environment: Environment) -> None:
    choose = random.Random(15)  # noqa: S311 # the same templates in each run
    refused = 0
    for _ in range(NUMBER):
        text = template(choose)
        try:
            environment.compile(text)
            accepted = True
        except TemplateSyntaxError:
            accepted = False
        refused += not accepted
        findings = list(said_of_template(text, own_names=NAMES))
        # Jinja looks up filters and tests of a condition only when it comes to them.
        late = accepted and all("neither Jinja nor Airflow" in said.message for said in findings)
        assert late or accepted is not bool(findings), text
    assert NUMBER / 4 < refused < NUMBER * 3 / 4


def test_places_are_inside_the_text() -> None:
    choose = random.Random(16)  # noqa: S311 # as above
    for _ in range(NUMBER // 3):
        text = template(choose)
        read = read_template(text)
        for word in (*read.names, *read.filters, *read.tests):
            assert text[slice(*word.span)] == word.text
        for _, attribute in read.attributes:
            assert text[slice(*attribute.span)] == attribute.text
        for problem in read.problems:
            assert 0 <= problem.start < problem.end <= len(text)
