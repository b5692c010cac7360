"""No value changes in silence: in each kind of place, each value that looks like something else (a duration, a number,
a file, a template, a variable, an expression, a date of another zone) goes to Airflow 3.4's YAML and back, to Python,
and from there back. The DAG is the same, or a finding has the line of what is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from factory.build.python_made import imported
from factory.build.python_module import Modules
from factory.loading.from_python import converted
from factory.loading.pipelines import build_checked
from schemas.check import Checker, CheckOptions
from schemas.dagfactory.convert.airflow import to_airflow
from schemas.dagfactory.convert.from_airflow import airflow_documents, from_airflow
from schemas.findings.diagnostics import Diagnostic
from schemas.source import SourceReader
from tests.equivalence.build_pairs import serialized
from tests.equivalence.compare import unlike

ENVIRON = {
    "N": "5",
    "WORD": "a ${HOME} b",
    "LONG": "PT90M",
    "DAY": "2026-10-25T02:30:00",
    "FILE": "run.sh",
    "T": "{{ ds }}",
}
LIKE_OTHERS = (
    *("P1D", "PT90M", "1d", "90s", "5", "-1", "1e3", "0x10", "010", "1_000", ".5", "true", "null", "~", "on", "No"),
    *("2026-01-01", "2026-10-25T02:30:00", "06:30", "1:30", "@daily", "0 5 * * *", "Europe/Berlin"),
    *("run.sh", "a.sql", "bash run.sh", "https://example.com/a.sql", "a.json", "x.html"),
    *("{{ ds }}", "{{ ds }}.sql", "a{{ ds }}b", "{% raw %}{{ x }}{% endraw %}", "{# a #}", "{", "}}"),
    *("$", "$$", "${HOME}", "$HOME", "$${env.N}", "$${tasks.a.output}", "$$${env.N}", "$${{ ds }}", "a$", "${", "$t"),
    *("${env.N}", "x${env.N}", "${env.N}${env.WORD}", "${env.N:-3}", "${env.UNSET:-P1D}", "${env.UNSET:-a.sql}"),
    *(
        "${env.WORD}",
        "${env.FILE}",
        "${env.T}",
        "${env.DAY}",
        "${env.LONG:-1h}",
        "${env.LONG:-2h}",
        "${env.UNSET:-$}{env.N}",
    ),
    *(
        "# a",
        ": a",
        "- a",
        " a ",
        "a\nb\n",
        "\ta",
        "[a]",
        "'a'",
        '"a"',
        "&a",
        "!a",
        "%a",
        "`a`",
        "\\n",
        "a: b",
        "é 你 🎉",
    ),
)
MOMENTS = (
    *("2026-01-01", "2026-10-25T02:30:00", "2026-03-29T02:30:00", "2026-06-01T00:00:00Z", "${env.DAY}"),
    *("2026-06-01T00:00:00+09:00", "2026-06-01T00:00:00+05:30", "${env.UNSET:-2026-10-25T02:30}"),
)
DURATIONS = ("P1D", "PT90M", "90s", "PT0.5S", "1d", "${env.LONG}", "${env.UNSET:-PT5M}", "${env.LONG:-2h}")
NUMBERS = ("${env.N}", "${env.UNSET:-3}", "${env.N:-4}")
SQL = "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
STANDARD = "airflow.providers.standard"


def bash(**given: Any) -> dict[str, Any]:
    return {"uses": "bash", "with": {"bash_command": "a", **given}}


Place = tuple[tuple[str, ...], Callable[[Any], dict[str, Any]]]
PLACES: dict[str, Place] = {
    "command": (LIKE_OTHERS, lambda one: bash(bash_command=one)),
    "variable of a command": (LIKE_OTHERS, lambda one: bash(env={"A": one})),
    "text of a built-in": (LIKE_OTHERS, lambda one: bash(cwd=one)),
    "statement": (LIKE_OTHERS, lambda one: {"uses": SQL, "with": {"sql": one}}),
    "list of an operator": (LIKE_OTHERS, lambda one: {"uses": SQL, "with": {"sql": [one, "select 1"]}}),
    "mapping of an operator": (
        LIKE_OTHERS,
        lambda one: {"uses": SQL, "with": {"sql": "a.sql", "parameters": {"a": [one]}}},
    ),
    "text of an operator": (LIKE_OTHERS, lambda one: {"uses": SQL, "with": {"sql": "a.sql", "conn_id": one}}),
    "not rendered": (
        LIKE_OTHERS,
        lambda one: {
            "uses": f"{STANDARD}.operators.bash.BashOperator",
            "with": {"bash_command": "a", "output_encoding": one},
        },
    ),
    "argument of a function": (LIKE_OTHERS, lambda one: {"uses": "steps.seen", "with": {"x": one, "y": {"k": [one]}}}),
    "mapped": (LIKE_OTHERS, lambda one: {"uses": "steps.seen", "expand": {"x": [one, "other"]}}),
    "conf": (
        LIKE_OTHERS,
        lambda one: {"uses": "trigger_dag", "with": {"trigger_dag_id": "d", "conf": {"a": one, "b": [one]}}},
    ),
    "documentation": (LIKE_OTHERS, lambda one: {**bash(), "doc_md": one, "doc": one}),
    "text of a setting": (LIKE_OTHERS, lambda one: {**bash(), "queue": one, "task_display_name": one}),
    "param of a task": (
        LIKE_OTHERS,
        lambda one: {**bash(), "params": {"a": one, "b": {"type": "string", "default": one}}},
    ),
    "number": (NUMBERS, lambda one: {**bash(), "retries": one, "params": {"a": {"type": "integer", "default": one}}}),
    "duration": (DURATIONS, lambda one: {**bash(), "retry_delay": one, "execution_timeout": one}),
    "duration of an operator": (
        DURATIONS,
        lambda one: {"uses": f"{STANDARD}.sensors.time_delta.TimeDeltaSensor", "with": {"delta": one}},
    ),
    "duration of a built-in": (
        DURATIONS,
        lambda one: {"uses": "wait_sql", "with": {"conn_id": "c", "sql": "a.sql", "timeout": one}},
    ),
    "moment": (MOMENTS, lambda one: {**bash(), "start_date": one, "end_date": one}),
    "moment of a built-in": (
        MOMENTS,
        lambda one: {"uses": "trigger_dag", "with": {"trigger_dag_id": "d", "logical_date": one}},
    ),
    "moment of an operator": (
        MOMENTS,
        lambda one: {"uses": f"{STANDARD}.sensors.date_time.DateTimeSensor", "with": {"target_time": one}},
    ),
}
OF_DAGS: dict[str, tuple[tuple[str, ...], Callable[[Any], dict[str, Any]]]] = {
    "texts": (LIKE_OTHERS, lambda one: {"description": one, "doc_md": one, "dag_display_name": one, "owner": one}),
    "params": (LIKE_OTHERS, lambda one: {"params": {"a": one, "b": {"default": one}, "c": [one]}}),
    "defaults": (LIKE_OTHERS, lambda one: {"default_args": {"queue": one}}),
    "moments": (MOMENTS, lambda one: {"start_date": one, "schedule": "0 7 * * *", "default_args": {"end_date": one}}),
    "durations": (DURATIONS, lambda one: {"dagrun_timeout": one, "default_args": {"retry_delay": one}}),
}
STEPS = "from __future__ import annotations\n\n\ndef seen(x: object, y: object = None) -> None: ...\n"


def documents(every: int) -> Iterator[tuple[str, list[str]]]:
    """Each a place of tasks with its values, a line each, or a place of the DAG with one."""
    for number, (place, (values, made)) in enumerate(PLACES.items()):
        chosen = values[number % every :: every]
        tasks = [
            f"  - {json.dumps({'id': f't{index}', **made(one)}, ensure_ascii=False)}"
            for index, one in enumerate(chosen)
        ]
        yield place, ["dag_id: d", "timezone: Europe/Berlin", "tasks:", *tasks]
    for number, (place, (values, made)) in enumerate(OF_DAGS.items()):
        for one in values[number % every :: every]:
            whole = json.dumps(
                {"dag_id": "d", "timezone": "Europe/Berlin", **made(one), "tasks": [{"id": "t", **bash()}]},
                ensure_ascii=False,
            )
            yield f"{place}: {one}", [whole]


def sound(folder: Path, lines: list[str]) -> list[str] | None:
    """The document without the tasks that lint refuses; None where it refuses the whole."""
    while True:
        (folder / "d.yaml").write_text("\n".join([*lines, ""]))
        result = Checker(folder, CheckOptions(shown_folder="", environ=ENVIRON)).file("d.yaml")
        wrong = {d.span.line for d in result.diagnostics if d.severity.value == "error"}
        if not wrong:
            return lines
        if min(wrong) <= 3 or len(lines) - len(wrong) <= 3:
            return None
        lines = [line for number, line in enumerate(lines, start=1) if number not in wrong]


def built(folder: Path, text: bytes | None = None) -> Any:
    """What is serialized of the pipeline, or of a text in its place."""
    texts = {} if text is None else {"d.yaml": text}
    checker = Checker(folder, CheckOptions(shown_folder="", environ=ENVIRON, texts=texts))
    result = checker.file("d.yaml")
    assert not result.has_errors, [(d.message, d.span) for d in result.diagnostics] + [text]
    loaded = build_checked(checker, result)
    assert loaded.dags, loaded.diagnostics
    return in_one_form(serialized(loaded.dags["d"]))


def in_one_form(dag: Any) -> Any:
    """With each moment in UTC."""
    found = re.compile(r"(?<=\")\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d|Z)(?=\")")
    moments = json.dumps(dag)
    return json.loads(found.sub(lambda one: datetime.fromisoformat(one[0]).astimezone(UTC).isoformat(), moments))


def through_airflow(folder: Path) -> Iterator[tuple[Any, list[Diagnostic]]]:
    checker, reader = Checker(folder, CheckOptions(shown_folder="", environ=ENVIRON)), SourceReader(folder)
    (there,) = to_airflow(checker.variants("d.yaml"), ENVIRON, reader)
    (back,) = from_airflow(airflow_documents(there.text, "d.yaml") or [], "d.yaml", reader)
    if back.text:  # else each task has a finding
        assert not back.findings, (back.findings, there.text)
        yield built(folder, back.text.encode()), list(there.findings)


def through_python(folder: Path) -> Iterator[tuple[Any, list[Diagnostic]]]:
    (there,) = Modules(folder, CheckOptions(shown_folder="", environ=ENVIRON)).of("d.yaml")
    module = folder / "d_module.py"
    module.write_text(there.text)
    found = imported(module)
    yield in_one_form(serialized(found.dags[0])), list(there.findings)
    (back,) = converted(found, "d_module.py")
    # Of a variable Python knows the value of now alone, and says so.
    assert all("`os.environ`" in one.message for one in back.findings), (back.findings, there.text)
    yield built(folder, back.text.encode()), list(there.findings)


@pytest.mark.parametrize("way", [through_airflow, through_python])
@pytest.mark.parametrize("every", [pytest.param(36, id="sample"), pytest.param(1, id="all", marks=pytest.mark.soak)])
def test_a_value_comes_back_or_has_a_finding(
    way: Callable[[Path], Iterator[tuple[Any, list[Diagnostic]]]],
    every: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    for name in ("run.sh", "a.sql", "a.json", "x.html"):
        (tmp_path / name).write_text("select 1")
    (tmp_path / "steps.py").write_text(STEPS)
    silent: list[object] = []
    seen = 0
    for place, lines in documents(every):
        kept = sound(tmp_path, lines)
        assert kept is not None or place not in PLACES or every > 1, place
        if kept is None:
            continue
        first = built(tmp_path)
        seen += max(1, len(kept) - 3)
        for made, findings in way(tmp_path):
            said = {d.span.line for d in findings}
            for line in unlike(first, made):
                task = re.search(r"\bt\d+\b", line)
                at = next((n for n, one in enumerate(kept, start=1) if task and f'"{task[0]}"' in one), 1)
                if at not in said and not line.startswith(("default_args: ", "timezone: ")):
                    silent.append((place, kept[at - 1].strip(), line))

    assert silent == []
    assert seen > 600 / every


TEMPLATE = """\
# Loads one table.
params:
  # Of the table.
  name: {type: string}
tasks:
  # It comes late.
  - {id: wait, uses: empty}
  - id: load
    uses: bash
    # Its command.
    with: {bash_command: "load ${params.name}"}  # by name
"""


def test_comments_of_a_template_go_to_where_it_is_used_first(tmp_path: Path) -> None:
    (tmp_path / "_templates").mkdir()
    (tmp_path / "_templates" / "t.yaml").write_text(TEMPLATE)
    uses = "".join(f"  # For {one}.\n  - {{id: {one}, template: t, with: {{name: {one}}}}}\n" for one in ("one", "two"))
    (tmp_path / "d.yaml").write_text(f"# The whole.\ntasks:\n{uses}")
    (there,) = Modules(tmp_path, CheckOptions(shown_folder="")).of("d.yaml")

    lines = [line.strip() for line in there.text.splitlines()]
    assert [line for line in lines if line.startswith("#")] == [
        *("# The whole.", "# For one.", "# Loads one table.", "# It comes late.", "# Its command.", "# by name"),
        "# For two.",
    ]
    assert lines.index("# Loads one table.") < lines.index('with TaskGroup(group_id="one"):')
    assert lines.index("# by name") + 1 == lines.index('BashOperator(task_id="load", bash_command="load one")')
