"""What is proposed, in pipelines and beside them."""

from __future__ import annotations

from pathlib import Path

from tests.factory.cli.editor.client import BASH, LOAD, Editor, Run

COMPLETIONS: list[tuple[str, list[str]]] = [
    ("sch|", ["schedule"]),
    ("tasks:\n  - |", ["id", "uses", "needs"]),
    ("tasks:\n  - id: a\n    uses: bash\n    with:\n      |", ["bash_command"]),
    ("tasks:\n  - id: a\n    uses: hello.load\n    with:\n      |", ["rows", "table"]),
    ("tasks:\n  - id: a\n    uses: hello.|", ["hello.extract", "hello.load"]),
    ("tasks:\n  - id: a\n    uses: |", ["http", "sql", "hello"]),
    ("tasks:\n  - {id: a, uses: empty}\n  - {id: b, uses: empty, needs: [|", ["a"]),
    ("tasks:\n  - id: a\n    uses: empty\n  - id: b\n    uses: empty\n    needs:\n      - |", ["a"]),
    ("tasks:\n  - id: a\n    uses: empty\n  - id: b\n    with: {x: '${tasks.|", ["tasks.a.output"]),
    ("tasks:\n  - id: b\n    with: {x: '${|", ["tasks", "vars", "env"]),
    ("tasks:\n  - id: b\n    with: {x: '${vars.|", ["vars.region"]),
    ("catchup: |\n", ["true", "false"]),
    ("timezone: |\n", ["Europe/Berlin"]),
    ("schedule: |\n", ["'@daily'"]),
    ("tasks:\n  - id: a\n    trigger_rule: |\n", ["all_done"]),
    ("tasks:\n  - {id: q, uses: sql, with: {conn_id: x, sql: |", ["sql/top.sql"]),
    ("poll:\n  pagination:\n    type: |", ["cursor"]),
    (
        "matrix:\n  country: [de, fr]\ntasks:\n  - {id: a, uses: bash, with: {bash_command: '${matrix.|",
        ["matrix.country"],
    ),
    ("tasks:\n  - {id: a, uses: bash, with: {bash_command: |", ["sql/top.sh"]),
    ("tasks:\n  - id: a\n    uses: airflow.providers.standard.operators.bash.|", [BASH]),
    (f"tasks:\n  - id: a\n    uses: {BASH}\n    with:\n      |", ["bash_command", "env"]),
    ("tasks:\n  - {id: c, uses: hello.count}\n  - {id: b, with: {x: '${tasks.c.output.|", ["tasks.c.output.rows"]),
    ("tasks:\n  - {id: m, uses: train}\n  - {id: b, with: {x: '${tasks.m.output.|", ["tasks.m.output.model"]),
    ("environments:\n  prod:\n    |", ["default_args"]),
]
"""What is typed, with the cursor, and what has to be among the proposals."""


def test_completes(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        missing = []
        for marked, expected in COMPLETIONS:
            found = await e.completions("half.yaml", marked)
            if not set(expected) <= set(found):
                missing.append((marked, expected, found[:20]))
        assert missing == []

    run(folder, session)


def test_defaults_and_tests_are_completed_and_explained_too(folder: Path, run: Run) -> None:
    async def session(e: Editor) -> None:
        e.open("_defaults.yaml")
        e.open("hello_etl.test.yaml")
        e.open("old.yml", "")
        assert "retries" in await e.completions("_defaults.yaml", "default_args:\n  |")
        assert "How often a failed task is retried" in await e.hover("_defaults.yaml", "default_args:\n  retr|ies: 2\n")
        assert "load" in await e.completions("hello_etl.test.yaml", "tests:\n- name: x\n  task: |")
        assert "load" in await e.completions("hello_etl.test.yaml", "tests:\n- name: x\n  expect:\n    tasks:\n      |")
        assert "expect" in await e.completions("hello_etl.test.yaml", "tests:\n- name: x\n  |")
        assert await e.hover("hello_etl.test.yaml", "tests:\n- name: x\n  exp|ect: {}\n")

    run(folder, session)


def test_templates_are_checked_completed_and_found(folder: Path, run: Run) -> None:
    (folder / "_templates").mkdir()
    (folder / "_templates" / "load.yaml").write_text(LOAD)
    user = "tasks:\n  - id: orders\n    template: load\n    with: {tabel: orders}\n"
    (folder / "orders.yaml").write_text(user)

    async def session(e: Editor) -> None:
        e.open("orders.yaml")
        found = await e.findings("orders.yaml", {"PF309", "PF310"})
        assert all("(_templates/load.yaml:1)" in finding.message for finding in found)
        e.open("_templates/load.yaml", LOAD.replace("params.table", "params.tabel"))
        _, finding = await e.findings("_templates/load.yaml", {"PF111", "PF112"})
        assert [r.location.uri for r in finding.related_information or ()] == [e.uri("orders.yaml")]
        e.type("_templates/load.yaml", LOAD)
        await e.findings("_templates/load.yaml", set())
        outputs = f"{LOAD}outputs: {{rows: '${{tasks.|"
        assert "tasks.load.output" in await e.completions("_templates/load.yaml", outputs)
        e.type("_templates/load.yaml", LOAD)
        names = await e.completions("orders.yaml", "tasks:\n  - id: orders\n    uses: |")
        assert "hello" in names
        assert "_templates" not in names
        before = "tasks:\n  - id: orders\n    template: "
        assert "load" in await e.completions("orders.yaml", f"{before}|")
        assert "table" in await e.completions("orders.yaml", f"{before}load\n    with:\n      |")
        assert "params.table" in await e.completions(
            "_templates/load.yaml", LOAD.replace("{params.table}", "{params.|")
        )
        target = await e.definition("orders.yaml", user.replace("template: load", "template: lo|ad"))
        assert target == ("_templates/load.yaml", 1)

    run(folder, session)
