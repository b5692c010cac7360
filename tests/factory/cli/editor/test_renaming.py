"""A new id for a task, everywhere and nowhere else."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from factory.cli.editor.workspace import Place, Workspace
from tests.factory.cli.editor.client import LOAD, PIPELINE, Editor, Run, applied


def test_a_task_gets_another_id_everywhere(folder: Path, run: Run) -> None:
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


def test_a_name_is_changed_from_a_test_and_inside_a_template(folder: Path, run: Run) -> None:
    (folder / "_templates").mkdir()
    texts = {
        "_templates/t.yaml": "tasks:\n- {id: §load, uses: hello.extract}\n- {id: load_2, uses: empty, needs: [§load]}\n"
        "outputs: {rows: '${tasks.§load.output}'}\n",
        "_templates/u.yaml": "tasks:\n- {id: g, template: t}\n- {id: z, uses: empty, needs: [g.§load, g.load_2]}\n",
        "user.yaml": "tasks:\n- {id: load, template: t}\n- {id: y, template: u}\n"
        "- {id: b, uses: empty, needs: [load.§load, y.g.§load, load]}\n",
        "user.test.yaml": "tests:\n- {name: load, task: load.§load}\n- {name: b, task: b}\n",
    }
    plain = {path: text.replace("§", "") for path, text in texts.items()}
    for path, text in plain.items():
        (folder / path).write_text(text)

    async def session(e: Editor) -> None:
        for path in plain:
            e.open(path)
        marked = texts["_templates/t.yaml"].replace("§", "|", 1).replace("§", "")
        at = e.put("_templates/t.yaml", marked)
        assert await e.client.text_document_prepare_rename_async(types.PrepareRenameParams(**at)) is not None
        edit = await e.client.text_document_rename_async(types.RenameParams(**at, new_name="other"))
        assert edit is not None
        assert {path: applied(edit, e.uri(path), text) for path, text in plain.items()} == {
            path: re.sub(r"§\w+", "other", text) for path, text in texts.items()
        }
        with pytest.raises(JsonRpcException, match="already a task `load_2`"):
            await e.client.text_document_rename_async(types.RenameParams(**at, new_name="load_2"))
        at = e.put("user.test.yaml", plain["user.test.yaml"].replace("task: b", "task: |b"))
        edit = await e.client.text_document_rename_async(types.RenameParams(**at, new_name="c"))
        assert edit is not None
        assert "id: c," in applied(edit, e.uri("user.yaml"), plain["user.yaml"])
        assert "task: c}" in applied(edit, e.uri("user.test.yaml"), plain["user.test.yaml"])

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
        "- {id: §load, uses: empty}\n- {id: b, uses: bash, with: {bash_command: 'x ${vars.table}'}}\n"
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
        "- {id: b, uses: bash, needs: [§load], with: {bash_command: load}}\n",
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


def test_only_what_names_the_task_is_changed_and_once(folder: Path, run: Run) -> None:
    (folder / "_templates").mkdir()
    (folder / "_templates" / "load.yaml").write_text(LOAD)
    (folder / "_defaults.yaml").write_text("vars: {shared: echo load, table: load}\n")

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


def test_an_id_that_is_no_text_of_its_own_is_not_renamed(folder: Path, run: Run) -> None:
    (folder / "shared").mkdir()
    (folder / "shared" / "_defaults.yaml").write_text("tasks: [{id: load, uses: empty}]\n")
    (folder / "dev").mkdir()
    (folder / "dev" / "_defaults.yaml").write_text("environments: {dev: {tasks: [{id: other, uses: hello.extract}]}}\n")
    (folder / "tested.test.yaml").write_text("tests:\n- {name: a, task: load\n")
    task = "tasks:\n- {id: lo|ad, uses: empty}\n"

    async def session(e: Editor) -> None:
        e.open("half.yaml", "")
        for path in ("shared/half.yaml", "dev/half.yaml", "tested.yaml"):
            e.open(path, "")
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
                "line 6 of half.yaml would mean something else",
            ),
            ("half.yaml", f"{task}environments: {{prod: {{tasks: [{{id: other, uses: empty}}]}}}}\n", "already a task"),
            ("half.yaml", f"vars: {{t: load}}\n{task}- {{id: b, uses: empty, needs: ['${{vars.t}}']}}\n", "line 1 of"),
            (
                "half.yaml",
                "tasks:\n- {id: &a lo|ad, uses: empty}\n- {id: b, uses: bash, with: {bash_command: x, env: {T: *a}}}\n",
                "line 2 of half.yaml would mean something else",
            ),
            (
                "half.yaml",
                f"{task}- {{id: b, uses: empty, needs: &n [load]}}\n- id: g\n  tasks:\n"
                "  - {id: load, uses: empty}\n  - {id: c, uses: empty, needs: *n}\n",
                "would mean something else",
            ),
            (
                "half.yaml",
                "tasks:\n- id: g\n  prefix_group_id: false\n  tasks: [{id: lo|ad, uses: empty}]\nenvironments:\n"
                "  dev: {tasks: [{id: g, tasks: [{id: load, uses: hello.extract}]}]}\n",
                "in environment `dev` would mean something else",
            ),
            ("dev/half.yaml", task, "in environment `dev` would mean something else"),
            ("half.yaml", f"{task}- {{id: b\n", "half.yaml cannot be read: fix line 3 first"),
            ("tested.yaml", task, "tested.test.yaml cannot be read: fix line 2 first"),
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
    for named in ("pipeline: &x hello_etl.yaml\n", "pipeline: >-\n  hello_etl.yaml\n", "{pipeline: hello_etl.yaml}"):
        workspace.texts[test.name] = named
        assert [one.file for one in workspace.tests_of(place)] == [test]
