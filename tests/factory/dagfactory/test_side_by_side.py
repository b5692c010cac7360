"""dag-factory and this project over the same documents, in one fresh process.

dag-factory's examples are read where they are: `DAG_FACTORY_EXAMPLES`, or `../shared/corpus/dag-factory` beside the
repository. They are not part of it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

from schemas.check import Checker
from schemas.folder.dialect import DIALECT
from tests.case_files import CASES, Case, cases
from tests.programs import script_program

from .differences import VARIABLES, alike
from .generated import documents as documents_with_values
from .generated import written
from .mistakes import MISTAKES, Mistake

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
EXAMPLES = Path(os.environ.get("DAG_FACTORY_EXAMPLES", CHECKOUT.parent / "shared" / "corpus" / "dag-factory"))
TABLE = CHECKOUT / "docs" / "dag-factory.md"
ROW = re.compile(
    r"^\| `(?P<file>[\w/.-]+\.ya?ml)` \| (?P<what>runs|refused|package) \| (?P<converts>yes|in part)? ?\|", re.MULTILINE
)
SECRET = "hunter2hunter2"  # noqa: S105 # nobody's


def documents(case: Case) -> list[str]:
    """The files of a case that are dag-factory's: some hold pipelines of this project's language, too."""
    checker = Checker(case.folder)
    return [path for path in case.pipelines if checker.dialect(path) == DIALECT]


REFUSED = {
    "lists-of-callbacks": "dag-factory takes them from its next release on",
    "files-beside-the-document": "dag-factory refuses relative paths",
    "functions-that-read-the-context": "dag-factory refuses relative paths",
    "templates-of-other-folders": "dag-factory refuses relative paths",
    "variables-that-are-not-set": "both refuse the names as time zone, date and number",
}
"""Cases that lint takes and that dag-factory does not build, and why."""
VALID = [case for case in cases("dag_factory/valid") if case.name not in REFUSED and documents(case)]
UNLIKE = {
    **dict.fromkeys(
        ("DAG schedul: '@daily'", "DAG on_success_callback_name: tell", "default_args on_failure_callback_name: tell"),
        "a mistake that dag-factory silently ignores",
    ),
    **dict.fromkeys(
        ("task outlets: 's3://b/o'", "task outlets: {file: missing}", "task inlets: {file: missing}"),
        "dag-factory makes assets of the letters of a text, and of the keys of a mapping",
    ),
    **dict.fromkeys(
        (
            *(f"{place} on_failure_callback: [generated_steps.read]" for place in ("DAG", "default_args")),
            "task on_success_callback: [generated_steps.read]",
        ),
        "dag-factory takes lists of callbacks from its next release on",
    ),
    "DAG schedule: '0 0 30 2 *'": "a day that never comes",
    "task dependencies: {first: null}": "dag-factory reads the keys of a mapping; nobody would write it",
    "tasks: an object without a type": "dag-factory drops `__args__`",
    **dict.fromkeys(
        ("tasks: bash with a missing script", "task env: {A: 1}", "task env: {A: yes}"), "the task fails when it runs"
    ),
    **dict.fromkeys(("tasks: no task", "tasks: no tasks"), "nothing in the file says that it is dag-factory's"),
    "tasks: python with a missing file": "a warning: the file may exist where Airflow runs",
}
"""Generated documents that lint refuses and dag-factory builds, or the reverse, and why."""
_AT_RUN_TIME = "the task fails when it runs"
_ELSEWHERE = "no error: it may exist where Airflow runs"
WRITTEN_UNLIKE = {
    **dict.fromkeys(
        ("a circle through a group", "a task that waits for its group"),
        "Airflow finds the cycle later, when it loads the DAG",
    ),
    **dict.fromkeys(("ask and filter", "wait for rows"), "the task fails when it calls a text"),
    "a list of callbacks in default_args": "dag-factory takes lists of callbacks from its next release on",
    "documentation from a file that is missing": _ELSEWHERE,
    "function with a relative file": "dag-factory refuses relative paths",
    "function with an unknown argument": _AT_RUN_TIME,
    "function without its argument": _AT_RUN_TIME,
    "operator of a provider that is not installed": "nothing is known of a package that is not installed",
    "places of templates that are missing": _ELSEWHERE,
}
"""Written documents that lint refuses and dag-factory builds, or the reverse, and why."""
MOVING_CASE = "dates-that-move-with-the-clock"
MOVING = ("DAG start_date: now", "default_args start_date: now")
LOST = {
    "every-key-of-a-dag": ["lambdas have no equivalent here", "documentation from a function has no equivalent here"],
    "date-that-counts-hours": ["`12 hours` moves every day; the date of today is written"],
    "dates-that-count-from-today": [
        "`3 days` moves every day; the date of today is written",
        "`1 day` moves every day; the date of today is written",
    ],
    "cron-with-seconds": ["a cron expression has no seconds here"],
    "lists-from-the-environment": ["`tags` accepts no list from a variable: its current value is written"],
    "keys-that-are-ignored": ["the DAG `nothing_to_do` has no tasks, and a pipeline here has at least one"],
}
"""What cannot be carried over of our documents."""
CONVERTED_OTHERWISE = {
    "arguments-that-take-mappings": "its end is before its start, which lint refuses in a pipeline",
    "references-without-effect": "a function gets an output where it got the operator, which is said",
    "branches-loops-and-own-runs": "they warn of ids that lint refuses in a pipeline",
    "pulls-of-tasks": "it warns of an id that lint refuses in a pipeline",
    "values-that-functions-get": "it warns of a text that lint refuses in a pipeline",
    "groups-that-wait-for-each-other": "a group without tasks is left out",
    "moments-that-are-objects": "seconds as a text, which lint refuses in a pipeline",
    "params-and-callbacks-with-templates": "it warns of a name that lint refuses in a pipeline",
    "settings-that-operators-map": "it maps over a pool, which lint refuses in a pipeline",
    "waits-for-tasks-of-other-dags": "it warns of waits that lint refuses in a pipeline",
    "cron-with-seconds": "the pipeline runs every minute, which is said",
    "schedules-that-airflow-reads": "the same times by another word",
    MOVING_CASE: "the clock moves on",
}
"""Cases of ours that are another DAG when they are converted, and why."""
OTHERWISE = {"example_object_storage.yml": "an argument without a name, which is said, is left empty"}
"""Examples that are another DAG when they are converted, and why."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What both made of every document, by the name that a test knows it by."""
    root = tmp_path_factory.mktemp("side-by-side")
    request: list[dict[str, Any]] = [
        {"folder": str(root / "mistakes"), "files": [], "environ": {"SHOP_PASSWORD": SECRET}}
    ]
    (root / "mistakes").mkdir()
    for number, mistake in enumerate(MISTAKES):
        (root / "mistakes" / f"{number}.yml").write_text(mistake.text)
        request[0]["files"].append(f"{number}.yml")
    for case in VALID:
        environ = {"CALLS": str(case.folder), "RETRIES": "3", "TOPIC": "news", "DB_PASSWORD": SECRET}
        environ |= {f"AIRFLOW_VAR_{name.upper()}": value for name, value in VARIABLES.items()}
        environ |= {name: value for name, value in case.environ.items() if name.startswith("TEAM")}
        request.append({"folder": str(case.folder), "files": documents(case), "environ": environ})
    (root / "generated").mkdir()
    for number, (_, text) in enumerate(documents_with_values()):
        (root / "generated" / f"{number}.yml").write_text(text)
    shutil.copy(HERE / "modules" / "generated_steps.py", root / "generated")
    files = [path.name for path in (root / "generated").glob("*.yml")]
    request.append({"folder": str(root / "generated"), "files": files, "environ": {}, "convert": False})
    request.append(_written(root / "written"))
    if EXAMPLES.is_dir():
        copy = Path(shutil.copytree(EXAMPLES, root / "examples"))
        shutil.copytree(HERE / "modules", copy, dirs_exist_ok=True)
        files = [file for file in examples() if not file.startswith("airflow2/")]
        request.append({"folder": str(copy), "files": files, "environ": {"CONFIG_ROOT_DIR": str(copy)}})
    (root / "request.json").write_text(json.dumps(request))
    home = {"AIRFLOW_HOME": str(root / "home"), "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False"}
    command = [*script_program(HERE / "side_by_side.py"), str(root / "request.json"), str(root / "answer.json")]
    subprocess.run(command, cwd=root, env={**os.environ, **home}, check=True, timeout=600)
    answer = json.loads((root / "answer.json").read_text())
    return {key.removeprefix(f"{root}/").removeprefix(f"{CASES}/"): value for key, value in answer.items()}


def _written(folder: Path) -> dict[str, Any]:
    """What is asked of the written documents, and the files that they name."""
    folder.mkdir()
    for number, (_, text) in enumerate(written()):
        (folder / f"{number}.yml").write_text(text)
    shutil.copy(HERE / "modules" / "written_steps.py", folder)
    shutil.copy(HERE / "modules" / "generated_steps.py", folder)
    shutil.copy(HERE / "written" / "datasets.yml", folder / "datasets.yml.txt")
    (folder / "notes.md").write_text("# Orders\n")
    (folder / "load.sh").write_text("load {{ ds }}\n")
    names = {"FOLDER": str(folder), "SCHEDULE": "0 6 * * *", "START": "2026-01-01", "BUCKET": "s3://b", "TEAM": "shop"}
    files = [path.name for path in folder.glob("*.yml")]
    return {"folder": str(folder), "files": files, "environ": names, "convert": False}


def examples() -> list[str]:
    found = (p.relative_to(EXAMPLES).as_posix() for p in EXAMPLES.rglob("*") if p.suffix in (".yml", ".yaml"))
    return sorted(file for file in found if not file.endswith("defaults.yml"))


def of_case(built: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [
        v for key, v in built.items() if key.startswith((f"dag_factory/valid/{name}/", f"dag_factory/valid/{name}."))
    ]


@pytest.mark.parametrize(
    "name", [case.name for case in VALID if case.name not in {"values-that-are-better-written-otherwise", MOVING_CASE}]
)
def test_our_documents_are_the_same_dags_as_with_dag_factory(built: dict[str, Any], name: str) -> None:
    found = of_case(built, name)

    assert found
    for one in found:
        assert one["refusal"] == ""
        assert one["ours"] == one["theirs"]


@pytest.mark.parametrize("mistake", [pytest.param(m, id=m.name.replace(" ", "-")) for m in MISTAKES])
def test_a_mistake_is_found_here_whatever_dag_factory_makes_of_it(built: dict[str, Any], mistake: Mistake) -> None:
    found = built[f"mistakes/{MISTAKES.index(mistake)}.yml"]

    assert (found["theirs"] is not None) == mistake.accepted, found["refusal"]
    assert tuple(sorted(f["code"] for f in found["findings"])) == mistake.codes
    assert all(f["line"] > 0 for f in found["findings"])
    assert SECRET not in json.dumps(found["findings"])


def unlike(built: dict[str, Any], kind: str, names: Iterable[str], moving: Collection[str] = ()) -> set[str]:
    """The documents of a kind that one side refuses; those that both build are the same DAGs, but for moving dates."""
    found = set()
    for number, name in enumerate(names):
        one = built[f"{kind}/{number}.yml"]
        lint_refuses = any(f["severity"] == "error" and f["code"] != "PF317" for f in one["findings"])
        if lint_refuses == (one["theirs"] is not None):
            found.add(name)
        elif name not in moving:
            assert one["ours"] == (one["theirs"] or {}), name
    return found


def test_lint_refuses_a_generated_document_where_dag_factory_does(built: dict[str, Any]) -> None:
    names = [name for name, _ in documents_with_values()]
    assert unlike(built, "generated", names, MOVING) == UNLIKE.keys()


def test_a_written_document_is_the_same_dag_or_refused_by_both(built: dict[str, Any]) -> None:
    assert unlike(built, "written", [name for name, _ in written()]) == WRITTEN_UNLIKE.keys()


def test_every_example_is_what_the_table_says(built: dict[str, Any]) -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("dag-factory's examples are not here: set DAG_FACTORY_EXAMPLES")
    rows = {match["file"]: match["what"] for match in ROW.finditer(TABLE.read_text())}
    found = {key.removeprefix("examples/"): value for key, value in built.items() if key.startswith("examples/")}

    assert rows.keys() == found.keys()
    for file, one in found.items():
        if one["theirs"] is not None:
            assert one["ours"] == one["theirs"], file
        else:
            assert "error" in {f["severity"] for f in one["findings"]}, file
        if rows[file] != "package":
            assert rows[file] == ("runs" if one["theirs"] is not None else "refused"), (file, one["refusal"])


@pytest.mark.parametrize(
    "name",
    [c.name for c in VALID if c.name not in {"values-that-are-better-written-otherwise", *CONVERTED_OTHERWISE}],
)
def test_our_documents_converted_are_the_same_dags(built: dict[str, Any], name: str) -> None:
    found = of_case(built, name)

    assert found
    assert [message for one in found for message in one["lost"]] == LOST.get(name, [])
    for one in found:
        assert one["lint"] == []
        for dag_id in one["ours"].keys() - {"nothing_to_do"}:
            left_out = one["left_out"]
            assert alike(one["converted"][dag_id], left_out) == alike(one["ours"][dag_id], left_out)


def test_every_example_that_runs_is_the_same_dag_when_converted(built: dict[str, Any]) -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("dag-factory's examples are not here: set DAG_FACTORY_EXAMPLES")
    table = list(ROW.finditer(TABLE.read_text()))
    rows = {match["file"]: match["converts"] or "" for match in table}
    refused = {match["file"] for match in table if match["what"] == "refused"}
    found = {key.removeprefix("examples/"): value for key, value in built.items() if key.startswith("examples/")}
    # Of a refused file, the DAGs without an error may be built.
    runs = {file: one for file, one in found.items() if one["ours"] and file not in refused}

    assert len(runs) > 15
    for file, one in runs.items():
        assert one["lint"] == [], file
        assert rows[file] == ("in part" if one["lost"] else "yes"), (file, one["lost"])
        assert one["converted"].keys() == one["ours"].keys(), file
        left_out = one["left_out"]
        same = [
            alike(one["converted"][dag_id], left_out) == alike(dag, left_out) for dag_id, dag in one["ours"].items()
        ]
        assert all(same) == (file not in OTHERWISE), file
