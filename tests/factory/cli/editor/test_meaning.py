"""Hovering, and going to what is named."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from airflow.providers.standard.operators import bash

from tests.factory.cli.editor.client import BASH, LOAD, PIPELINE, Editor, Run

HOVERS: list[tuple[str, list[str]]] = [
    ("sche|dule: '0 6 * * 1-5'\ntasks: [{id: a, uses: empty}]\n", ["cron", "Monday through Friday", "Next:"]),
    ("schedule: '0 6 * *| 1-5'\ntasks: [{id: a, uses: empty}]\n", ["at 06:00", "Next:"]),
    ("tasks:\n  - id: a\n    uses: hello.lo|ad\n", ["def load(rows: list, table: str = …)", "hello.load"]),
    (f"tasks:\n  - id: a\n    uses: {BASH[:-3]}|{BASH[-3:]}\n", ["class BashOperator(", "bash_command"]),
    ("tasks:\n  - id: a\n    uses: ba|sh\n    with: {bash_command: x}\n", ["shell command"]),
    (
        "tasks:\n  - id: a\n    uses: bash\n    with:\n      bash_command: ${vars.re|gion}\n",
        ["`eu`", "_defaults.yaml:4"],
    ),
    (
        "tasks:\n  - id: a\n    uses: empty\n    retr|ies: 1\n",
        ["How often a failed task is retried", "In force: `1` (half.yaml:4)"],
    ),
    ("tasks:\n  - id: |a\n    uses: empty\n", ["In force: \n```yaml\nretries: 2  # _defaults.yaml:2\n```"]),
    (
        "default|_args: {pool: p}\ntasks: [{id: a, uses: empty}]\n",
        ["retries: 2  # _defaults.yaml:2\n  pool: p     # half"],
    ),
    (
        "sch|edule: '@daily'\nenvironments: {prod: {schedule: '@hourly'}}\ntasks: [{id: a, uses: empty}]\n",
        ["(no environment): `'@daily'` (half.yaml:1)", "(environment `prod`): `'@hourly'` (half.yaml:2)"],
    ),
    (
        "environments:\n  prod:\n    catch|up: true\n  test: {}\ntasks: [{id: a, uses: empty}]\n",
        ["In force (environment `prod`): `true` (half.yaml:3)"],
    ),
    (
        "matrix: {c: [de, fr]}\ndag_id: a_${matrix.c}\nenvironments: {prod: {}}\ntasks:\n- id: a\n  uses: bash\n"
        "  with:\n    bash_command: |\n      date\n      echo ${matrix.¦c} ${vars.region}\n",
        ['(c: de): `"date\\necho de eu', '(c: fr): `"date\\necho fr eu'],
    ),
    (
        "tasks:\n- {id: c, uses: hello.count}\n- id: a\n  uses: bash\n"
        "  with:\n    bash_command: |\n      date\n      echo ${tasks.¦c.output.rows}\n",
        ["What the task `c` gave: `rows`, `more`."],
    ),
    ("tasks:\n- {id: a, uses: bash, with: {bash_command: '${en|v.HOME}'}}\n", ["The environment variable `HOME`"]),
    ("tags: [b, |c]\ntasks: [{id: a, uses: empty}]\n", ["In force: `c` (half.yaml:1)"]),
    ("tasks:\n- {id: a, template: t, with: {t|able: x}}\n", ["A param of the template `t`", "- type: `string`"]),
]


def test_says_what_is_under_the_pointer(folder: Path, run: Run) -> None:
    (folder / "_defaults.yaml").write_text("default_args:\n  retries: 2\nvars:\n  region: eu\ntags: [all]\n")
    (folder / "_templates").mkdir()
    (folder / "_templates" / "t.yaml").write_text(LOAD)

    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        missing = []
        for marked, expected in HOVERS:
            found = await e.hover("half.yaml", marked)
            if not all(text in found for text in expected):
                missing.append((marked, expected, found))
        assert missing == []

    run(folder, session)


def test_says_what_holds_below_a_default_and_in_a_test(folder: Path, run: Run) -> None:
    """A task of a default before those of the file moves no other."""
    (folder / "sub").mkdir()
    (folder / "sub" / "_defaults.yaml").write_text("tasks: [{id: first, uses: empty}]\n")

    async def session(e: Editor) -> None:
        e.open("sub/half.yaml", "")
        marked = "tasks:\n- {id: a, uses: empty}\n- {id: b, retr|ies: 1, uses: empty, needs: [a]}\n"
        assert "In force: `1` (sub/half.yaml:3)" in await e.hover("sub/half.yaml", marked)
        below = marked.replace("|", "").replace("[a", "[|a")
        assert await e.definition("sub/half.yaml", below) == ("sub/half.yaml", 2)
        environment = "environments: {prod: {default_args: {retries: 5}}}\n"
        e.open("sub/_defaults.yaml", "")
        found = await e.hover("sub/_defaults.yaml", f"default|_args: {{pool: p}}\n{environment}")
        assert "(no environment): \n```yaml\ndefault_args:\n  retries: 2  # _defaults.yaml:2\n" in found
        assert "(environment `prod`): \n```yaml\ndefault_args:\n  retries: 5  # sub/_defaults.yaml:2\n" in found
        e.open("hello_etl.test.yaml")
        test = (folder / "hello_etl.test.yaml").read_text()
        found = await e.hover("hello_etl.test.yaml", test.replace("      load: s", "      lo|ad: s"))
        assert "`load` in hello_etl.yaml" in found
        assert "def load(rows: list" in found
        assert re.search("uses: hello.load +# hello_etl.yaml:6", found)

    run(folder, session)


OPERATOR = f"file://{bash.__file__}"
BASH_LINE = inspect.getsourcelines(bash.BashOperator)[1]
DEFINITIONS: list[tuple[str, tuple[str, int] | None]] = [
    ("tasks:\n  - id: a\n    uses: hello.lo|ad\n", ("hello.py", 5)),
    ("tasks:\n  - {id: a, uses: empty}\n  - {id: b, uses: empty, needs: [|a]}\n", ("half.yaml", 2)),
    (
        "tasks:\n  - {id: a, uses: empty}\n  - {id: b, uses: hello.load, with: {rows: '${tasks.|a.output}'}}\n",
        ("half.yaml", 2),
    ),
    ("tasks:\n  - {id: q, uses: sql, with: {conn_id: x, sql: sql/to|p.sql}}\n", ("sql/top.sql", 1)),
    ("tasks:\n  - id: q\n    uses: bash\n    with:\n      bash_command: ${vars.|region}\n", ("_defaults.yaml", 4)),
    (f"tasks:\n  - id: a\n    uses: {BASH[:-3]}|{BASH[-3:]}\n", (OPERATOR, BASH_LINE)),
    ("# not|hing\n", None),
]


def test_goes_to_what_is_named(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        wrong = []
        for marked, expected in DEFINITIONS:
            found = await e.definition("half.yaml", marked)
            if found != expected:
                wrong.append((marked, expected, found))
        assert wrong == []
        assert await e.definition(
            "hello_etl.test.yaml", (folder / "hello_etl.test.yaml").read_text().replace("task: load", "task: |load")
        ) == ("hello_etl.yaml", 5)
        e.open("_templates/t.yaml", "")
        second = LOAD + "  - {id: next, uses: hello.load, with: {rows: '${tasks.load.output}'}}\n"
        assert await e.definition("_templates/t.yaml", LOAD.replace("${p", "${|p")) == ("_templates/t.yaml", 1)
        assert await e.definition("_templates/t.yaml", second.replace("${t", "${|t")) == ("_templates/t.yaml", 3)
        for marked, line in (
            (PIPELINE.replace("id: load", "id: lo|ad"), 3),
            (PIPELINE.replace("tasks:", "ta|sks:"), 1),
        ):
            assert await e.definition("hello_etl.yaml", marked) == ("hello_etl.test.yaml", line)

    run(folder, session)
