"""The language server, asked by a client over standard input and output."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.standard.operators import bash
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from factory.cli.editor.workspace import Place, Workspace
from tests.factory.cli.editor.client import Editor, editor

PIPELINE = """schedule: "0 6 * * *"
tasks:
  - id: extract
    uses: hello.extract
  - id: load
    uses: hello.load
    needs: [extract]
    with: {rows: "${tasks.extract.output}"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a pipeline, defaults, a function, a SQL file and a test."""
    pipelines = tmp_path / "pipelines"
    (pipelines / "sql").mkdir(parents=True)
    (pipelines / "hello.py").write_text(
        'def extract():\n    return []\n\n\ndef load(rows: list, table: str = "t"):\n    ...\n'
        '\n\ndef count():\n    return {"rows": 1, "more": False}\n'
    )
    (pipelines / "sql" / "top.sh").write_text("date\n")
    (pipelines / "hello_etl.yaml").write_text(PIPELINE)
    (pipelines / "_defaults.yaml").write_text("default_args:\n  retries: 2\nvars:\n  region: eu\n")
    (pipelines / "sql" / "top.sql").write_text("select 1\n")
    (pipelines / "hello_etl.test.yaml").write_text(
        "tests:\n- name: loads\n  task: load\n  given: {tasks: {}}\n  expect:\n    tasks:\n      load: success\n"
        "- name: again\n  task: [extract, load]\n  expect: {tasks: {load: success}, output: {load: {count: 1}}}\n"
    )
    return pipelines


def run(folder: Path, session: Callable[[Editor], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with editor(folder) as opened:
            await session(opened)

    asyncio.run(main())


def test_other_yaml_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "_defaults.yaml").write_text("vars: {a: 1}\n")

    async def session(e: Editor) -> None:
        e.open("docker-compose.yaml", "services: {}\n")
        e.open("charts/values.yaml", "tasks: 1\n")
        for path in ("pipelines/a.yaml", "team/b.yaml"):
            e.open(path, "tasks: 1\n")
            await e.findings(path, {"PF103"})
        assert await e.completions("docker-compose.yaml", "s|") == []
        assert set(e._published) == {e.uri("pipelines/a.yaml"), e.uri("team/b.yaml")}

    run(tmp_path, session)


def test_findings_come_and_go_while_one_types(folder: Path) -> None:
    async def session(e: Editor) -> None:
        e.open("hello_etl.yaml")
        e.open("other.yaml", "poll: {url: 'http://localhost/'}\n")
        e.type("hello_etl.yaml", PIPELINE.replace("needs", "nedes"))
        (found,) = await e.findings("hello_etl.yaml", {"PF102"})
        assert found.range.start == types.Position(6, 4)
        assert "did you mean `needs`?" in found.message
        e.type("hello_etl.yaml", PIPELINE)
        await e.findings("hello_etl.yaml", set())
        e.type("other.yaml", "dag_id: hello_etl\npoll: {url: 'http://localhost/'}\n")
        await e.findings("hello_etl.yaml", {"PF314"})
        e.type("other.yaml", "poll: {url: 'http://localhost/'}\n")
        await e.findings("hello_etl.yaml", set())

    run(folder, session)


def test_a_default_is_checked_in_all_that_it_reaches(folder: Path) -> None:
    async def session(e: Editor) -> None:
        e.open("_defaults.yaml")
        e.open("hello_etl.yaml", PIPELINE.replace("rows: ", "table: '${vars.region}', rows: "))
        await e.findings("hello_etl.yaml", set())
        e.type("_defaults.yaml", "vars: {}\n")
        await e.findings("hello_etl.yaml", {"PF112"})
        e.type("_defaults.yaml", "default_args:\n  retires: 2\n")
        await e.findings("_defaults.yaml", {"PF102"})
        e.type("_defaults.yaml", "default_args:\n  retries: 2\n")
        await e.findings("_defaults.yaml", set())

    run(folder, session)


BASH = "airflow.providers.standard.operators.bash.BashOperator"
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


def test_completes(folder: Path) -> None:
    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        missing = []
        for marked, expected in COMPLETIONS:
            found = await e.completions("half.yaml", marked)
            if not set(expected) <= set(found):
                missing.append((marked, expected, found[:20]))
        assert missing == []

    run(folder, session)


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
    ("tasks:\n  - id: a\n    uses: empty\n    retr|ies: 2\n", ["How often a failed task is retried"]),
]


def test_says_what_is_under_the_pointer(folder: Path) -> None:
    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        missing = []
        for marked, expected in HOVERS:
            found = await e.hover("half.yaml", marked)
            if not all(text in found for text in expected):
                missing.append((marked, expected, found))
        assert missing == []

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


def test_goes_to_what_is_named(folder: Path) -> None:
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
        for marked, line in (
            (PIPELINE.replace("id: load", "id: lo|ad"), 3),
            (PIPELINE.replace("tasks:", "ta|sks:"), 1),
        ):
            assert await e.definition("hello_etl.yaml", marked) == ("hello_etl.test.yaml", line)

    run(folder, session)


def test_defaults_and_tests_are_completed_and_explained_too(folder: Path) -> None:
    async def session(e: Editor) -> None:
        e.open("_defaults.yaml")
        e.open("hello_etl.test.yaml")
        e.open("old.yml", "")
        assert "retries" in await e.completions("_defaults.yaml", "default_args:\n  |")
        assert "How often a failed task is retried" in await e.hover("_defaults.yaml", "default_args:\n  retr|ies: 2\n")
        assert "load" in await e.completions("hello_etl.test.yaml", "tests:\n- name: x\n  task: |")
        assert "expect" in await e.completions("hello_etl.test.yaml", "tests:\n- name: x\n  |")
        assert await e.hover("hello_etl.test.yaml", "tests:\n- name: x\n  exp|ect: {}\n")

    run(folder, session)


def test_templates_are_checked_completed_and_found(folder: Path) -> None:
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
        before = "tasks:\n  - id: orders\n    template: "
        assert "load" in await e.completions("orders.yaml", f"{before}|")
        assert "table" in await e.completions("orders.yaml", f"{before}load\n    with:\n      |")
        assert "params.table" in await e.completions(
            "_templates/load.yaml", LOAD.replace("{params.table}", "{params.|")
        )
        target = await e.definition("orders.yaml", user.replace("template: load", "template: lo|ad"))
        assert target == ("_templates/load.yaml", 1)

    run(folder, session)


LOAD = """params: {table: {type: string}}
tasks:
  - id: load
    uses: bash
    with: {bash_command: "echo ${params.table}"}
"""

HALF = (
    ("half.yaml", PIPELINE),
    ("_defaults.yaml", "default_args:\n  retries: 2\nvars:\n  region: eu\nenvironments:\n  prod: {tags: [a]}\n"),
    ("half.test.yaml", "tests:\n- name: loads\n  task: load\n  expect:\n    tasks:\n      load: success\n"),
    ("old.yml", "old:\n  schedule: '@daily'\n  tasks:\n    a: {operator: airflow.operators.bash.BashOperator}\n"),
)


def test_every_half_typed_file_is_answered(folder: Path) -> None:
    """Each kind of file, cut where somebody may be typing; every request has an answer, and none is an error."""

    async def session(e: Editor) -> None:
        for path, text in HALF:
            e.open(path, "")
            document = types.TextDocumentIdentifier(e.uri(path))
            for cut in range(1, len(text), 7):
                at = e.put(path, f"{text[:cut]}|")
                await e.client.text_document_completion_async(types.CompletionParams(**at))
                await e.client.text_document_hover_async(types.HoverParams(**at))
                await e.client.text_document_definition_async(types.DefinitionParams(**at))
                await e.client.text_document_prepare_rename_async(types.PrepareRenameParams(**at))
                await e.client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
                await e.client.text_document_folding_range_async(types.FoldingRangeParams(document))
                await e.client.text_document_code_lens_async(types.CodeLensParams(document))
            e.type(path, text)
        await e.findings("half.yaml", set())

    run(folder, session)


def applied(edit: types.WorkspaceEdit, uri: str, text: str) -> str:
    """A text after the edits of its file; columns are ASCII here."""
    lines = text.split("\n")
    for one in sorted(
        (edit.changes or {}).get(uri, ()), key=lambda o: (o.range.start.line, o.range.start.character), reverse=True
    ):
        line = lines[one.range.start.line]
        lines[one.range.start.line] = line[: one.range.start.character] + one.new_text + line[one.range.end.character :]
    return "\n".join(lines)


def test_a_task_gets_another_id_everywhere(folder: Path) -> None:
    test = (folder / "hello_etl.test.yaml").read_text()

    async def session(e: Editor) -> None:
        e.open("hello_etl.yaml")
        for marked in (PIPELINE.replace("id: load", "id: lo|ad"), PIPELINE.replace("id: extract", "id: extr|act")):
            old, at = ("load" if "lo|ad" in marked else "extract"), e.put("hello_etl.yaml", marked)
            prepared = await e.client.text_document_prepare_rename_async(types.PrepareRenameParams(**at))
            assert isinstance(prepared, types.PrepareRenamePlaceholder)
            assert prepared.placeholder == old
            edit = await e.client.text_document_rename_async(types.RenameParams(**at, new_name="other"))
            assert edit is not None
            expected = (
                PIPELINE.replace(f"id: {old}", "id: other")
                .replace(f"[{old}]", "[other]")
                .replace(f"tasks.{old}.", "tasks.other.")
            )
            assert applied(edit, e.uri("hello_etl.yaml"), PIPELINE) == expected
            there = re.sub(rf"\b{old}\b", "other", test)
            assert applied(edit, e.uri("hello_etl.test.yaml"), test) == there
        words = ("true", "123", "null", "-", "1.5", "~")
        for name, why in (
            ("not an id", "is no id"),
            ("load", "already a task `load`"),
            ("x" * 251, "longer than 250"),
            *((word, "is no id") for word in words),
        ):
            with pytest.raises(JsonRpcException, match=why):
                await e.client.text_document_rename_async(types.RenameParams(**at, new_name=name))

    run(folder, session)


RENAMES: list[tuple[str, str]] = [
    (
        "- {id: §load, uses: hello.extract}\n"
        "- {id: b, uses: bash, with: {bash_command: 'echo ${tasks.§load.output} ${tasks.§load.output}'}}\n"
        "- {id: c, uses: hello.load, with: {rows: '${tasks.§load.output}', table: '${tasks.§load.output}'}} # load\n",
        "",
    ),
    (
        "- {id: &x §load, uses: empty}\n- {id: b, uses: empty, needs: &n [*x]}\n- {id: c, uses: empty, needs: *n}\n"
        "- {id: d, uses: empty, needs: &m ['§load', b]}\n- {id: e, uses: empty, needs: *m}\n"
        '- &f {id: f, uses: empty, needs: ["§load"]}\n- {<<: *f, id: g}\n',
        "",
    ),
    (
        "- id: §load\n  uses: hello.extract\n- id: b\n  uses: bash\n  with:\n    bash_command: |\n"
        "      echo ${tasks.§load.output}\n\n      # ${tasks.§load.output}\n"
        "    env:\n      A: a\n        ${tasks.§load.output}\n"
        '      B: "a\n        ${tasks.§load.output} \\\n        b"\n'
        "      C: >-\n        a\n        ${tasks.§load.output}\n",
        "",
    ),
    (
        "- {id: §load, uses: empty}\n- {id: b, uses: bash, needs: ['${vars.table}'], with: {bash_command: x}}\n"
        "- {id: c, uses: bash, with: {bash_command: '${vars.shared}${vars.own}'}}\n"
        "vars: {table: load, own: 'echo ${tasks.§load.output}'}\n"
        "environments:\n  prod:\n    vars: {own: '${tasks.§load.output}', table: load}\n"
        "    tasks:\n    - {id: §load, retries: 2}\n    - {id: b, needs: [§load]}\n",
        "",
    ),
    (
        "- id: §load\n  tasks:\n  - {id: load, uses: empty}\n  - {id: a, uses: empty, needs: [load]}\n"
        "- {id: b, uses: bash, needs: [§load.load, §load], with: {bash_command: '${tasks.§load.a.output}'}}\n",
        "tests:\n- {name: load, task: [§load.load, b]}\n"
        "- {name: b, task: §load, expect: {tasks: {§load.a: success}}}\n",
    ),
    (
        "- id: §load\n  template: load\n  with: {table: load}\n"
        "- {id: b, uses: bash, needs: [§load.load], with: {bash_command: '${tasks.§load.load.output}'}}\n",
        "",
    ),
    (
        "- {id: §load, uses: hello.extract}\n- {id: b, uses: empty}\n",
        "tests:\n- name: load\n  task: §load # load it\n"
        "  given:\n    tasks:\n      '§load': [{task: load, load: 1}]\n      b:\n      - task: load\n"
        "  expect:\n    tasks: {§load: success}\n    output:\n      §load: {rows: [{task: load, load: load}]}\n"
        "  state: {§load: {task: load}}\n",
    ),
]
"""Tasks and a test; `§` is before each id that gets the new one, and before no other text."""


def test_only_what_names_the_task_is_changed_and_once(folder: Path) -> None:
    (folder / "_templates").mkdir()
    (folder / "_templates" / "load.yaml").write_text(LOAD)
    (folder / "_defaults.yaml").write_text("vars: {shared: 'echo ${tasks.load.output}', table: load}\n")

    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        for tasks, test in RENAMES:
            text = f"tasks:\n{tasks}"
            (folder / "half.test.yaml").write_text(test.replace("§", ""))
            before, _, after = text.partition("§")
            at = e.put("half.yaml", f"{before}|{after.replace('§', '')}")
            edit = await e.client.text_document_rename_async(types.RenameParams(**at, new_name="other"))
            assert edit is not None
            assert set(edit.changes or ()) == {e.uri("half.yaml")} | ({e.uri("half.test.yaml")} if test else set())
            for path, marked in (("half.yaml", text), ("half.test.yaml", test)):
                expected = re.sub(r"§\w+", "other", marked)
                assert applied(edit, e.uri(path), marked.replace("§", "")) == expected

    run(folder, session)


def test_an_id_that_is_no_text_of_its_own_is_not_renamed(folder: Path) -> None:
    (folder / "shared").mkdir()
    (folder / "shared" / "_defaults.yaml").write_text("tasks: [{id: load, uses: empty}]\n")
    task = "tasks:\n- {id: lo|ad, uses: empty}\n"

    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        e.open("shared/half.yaml", "")
        for path, marked, why in (
            ("half.yaml", "vars: {t: a}\ntasks:\n- {id: 'load_${vars.|t}', uses: empty}\n", "made of an expression"),
            ("half.yaml", "tasks:\n- {id: 'lo|ad_${matrix.c}', matrix: {c: [a, b]}, uses: empty}\n", "an expression"),
            ("half.yaml", f'{task}- {{id: b, uses: empty, needs: ["lo\\x61d"]}}\n', "line 3 of half.yaml"),
            (
                "half.yaml",
                f"vars: {{t: &n [load]}}\n{task}- {{id: b, uses: empty, needs: *n}}\n",
                "line 4 of half.yaml",
            ),
            ("shared/half.yaml", task, "is in shared/_defaults.yaml, too"),
            (
                "half.yaml",
                f"{task}- id: g\n  tasks:\n  - {{id: other, uses: empty}}\n  - {{id: c, uses: empty, needs: [load]}}\n",
                "in line 6 of half.yaml `other` would be another task",
            ),
            ("half.yaml", f"{task}environments: {{prod: {{tasks: [{{id: other, uses: empty}}]}}}}\n", "already a task"),
        ):
            at = e.put(path, marked)
            with pytest.raises(JsonRpcException, match=why):
                await e.client.text_document_rename_async(types.RenameParams(**at, new_name="other"))
        at = e.put("half.yaml", "tasks:\n- {id: '${vars.|t}', uses: empty}\n")
        with pytest.raises(JsonRpcException, match="made of an expression"):
            await e.client.text_document_prepare_rename_async(types.PrepareRenameParams(**at))

    run(folder, session)


def test_a_test_file_is_read_once_for_what_it_tests(folder: Path) -> None:
    test, workspace, place = folder / "hello_etl.test.yaml", Workspace(folder), Place(folder, "hello_etl.yaml")
    assert [one.file for one in workspace.tests_of(place)] == [test]
    read, saved = test.stat(), test.read_text()
    test.write_text(f"pipeline: a\n{saved}"[: len(saved)])
    os.utime(test, ns=(read.st_atime_ns, read.st_mtime_ns))
    assert [one.file for one in workspace.tests_of(place)] == [test]  # by date and size it is the same
    test.write_text(f"pipeline: a.yaml\n{saved}")
    assert workspace.tests_of(place) == []
    workspace.texts[test.name] = saved
    assert [one.file for one in workspace.tests_of(place)] == [test]


def test_a_fix_is_for_the_text_that_was_checked(folder: Path) -> None:
    """Lines that come in above a mistake: until the next check, there is no fix at its old place."""
    wrong = PIPELINE.replace("needs", "nedes")

    async def session(e: Editor) -> None:
        e.open("hello_etl.yaml", wrong)
        (found,) = await e.findings("hello_etl.yaml", {"PF102"})
        document = types.TextDocumentIdentifier(e.uri("hello_etl.yaml"))
        asked = types.CodeActionParams(document, found.range, types.CodeActionContext([found]))
        assert await e.client.text_document_code_action_async(asked)
        e.type("hello_etl.yaml", f"# one\n# two\n{wrong}")
        for action in await e.client.text_document_code_action_async(asked) or ():
            assert isinstance(action, types.CodeAction)
            assert action.edit is not None
            assert "    needs: [extract]" in applied(action.edit, document.uri, f"# one\n# two\n{wrong}").split("\n")

    run(folder, session)


def test_findings_of_files_that_are_not_open_go_with_the_mistake(folder: Path) -> None:
    user = "tasks: [{id: a, uses: bash, with: {bash_command: '${vars.region}'}}]\n"
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(user)

    async def session(e: Editor) -> None:
        e.open("_defaults.yaml", "vars: {}\n")
        for name in ("one", "two"):
            await e.findings(f"{name}.yaml", {"PF112"})
        (folder / "one.yaml").write_text(user.replace("${vars.region}", "date"))
        (folder / "two.yaml").unlink()
        events = [
            types.FileEvent(e.uri("one.yaml"), types.FileChangeType.Changed),
            types.FileEvent(e.uri("two.yaml"), types.FileChangeType.Deleted),
        ]
        e.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))
        for name in ("one", "two"):
            await e.findings(f"{name}.yaml", set())

    run(folder, session)


def test_outline_lenses_folding_and_fixes(folder: Path) -> None:
    group = "tasks:\n  - id: g\n    tasks:\n      - {id: a, uses: empty}\n  - id: b\n    uses: empty\n    nedes: [g]\n"

    async def session(e: Editor) -> None:
        e.open("group.yaml", group)
        document = types.TextDocumentIdentifier(e.uri("group.yaml"))
        symbols = await e.client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
        assert symbols is not None
        named = [
            (s.name, [inner.name for inner in s.children or ()]) for s in symbols if isinstance(s, types.DocumentSymbol)
        ]
        assert named == [("g", ["a"]), ("b", [])]
        folding = await e.client.text_document_folding_range_async(types.FoldingRangeParams(document))
        assert (1, 3) in [(one.start_line, one.end_line) for one in folding or ()]
        lenses = await e.client.text_document_code_lens_async(types.CodeLensParams(document))
        assert [list(one.command.arguments or ()) for one in lenses or () if one.command] == [
            ["try", str(folder / "group.yaml")],
            ["try", str(folder / "group.yaml"), "--task", "b"],
            ["try", str(folder / "group.yaml"), "--task", "g.a"],
        ]
        (found,) = await e.findings("group.yaml", {"PF102"})
        actions = await e.client.text_document_code_action_async(
            types.CodeActionParams(document, found.range, types.CodeActionContext([found]))
        )
        (action,) = actions or ()
        assert isinstance(action, types.CodeAction)
        assert action.edit is not None
        assert "needs: [g]" in applied(action.edit, e.uri("group.yaml"), group)

    run(folder, session)


def test_tests_and_dag_factory_documents_are_checked_too(folder: Path) -> None:
    async def session(e: Editor) -> None:
        e.open("hello_etl.test.yaml", "tests:\n- name: loads\n  task: laod\n")
        found = await e.findings("hello_etl.test.yaml", {"PF302"})
        assert found
        lenses = await e.client.text_document_code_lens_async(
            types.CodeLensParams(types.TextDocumentIdentifier(e.uri("hello_etl.test.yaml")))
        )
        assert [list(one.command.arguments or ()) for one in lenses or () if one.command] == [
            ["test", str(folder / "hello_etl.test.yaml"), "-k", "loads"]
        ]
        e.open(
            "old.yml", "old:\n  schedule: '@daily'\n  tasks:\n    a: {operator: airflow.operatrs.bash.BashOperator}\n"
        )
        await e.findings("old.yml", {"PF307"})
        text = (
            "old:\n  dagrun_timeout: {__type__: datetime.timedelta, hours: 1}\n  dagrun_timeout_sec: 7200\n"
            f"  tasks:\n    a: {{operator: {BASH}, bash_command: date}}\n"
        )
        e.type("old.yml", text)
        assert [one.code for one in await e.findings("old.yml", {"PF121"})] == ["PF121"]
        whole = types.Range(types.Position(0, 0), types.Position(9, 0))
        asked = types.CodeActionParams(
            types.TextDocumentIdentifier(e.uri("old.yml")), whole, types.CodeActionContext([])
        )
        assert not await e.client.text_document_code_action_async(asked)

    run(folder, session)


def test_positions_count_as_the_editor_does(folder: Path) -> None:
    """An emoji is two units of UTF-16, which editors count in, and one character here."""

    async def session(e: Editor) -> None:
        e.open("wide.yaml", "tasks: [{id: a, uses: bash, with: {bash_command: 📦📦}, nedes: []}]\n")
        (found,) = await e.findings("wide.yaml", {"PF102"})
        assert found.range.start.character == len("tasks: [{id: a, uses: bash, with: {bash_command: 📦📦}, ") + 2

    run(folder, session)
