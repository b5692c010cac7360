"""The refresh with the language itself: an edit rewrites the stubs of the pipelines that use what was edited."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from factory.bundle.records import DagRecords, Origin
from factory.bundle.refresh import Refresher
from factory.bundle.store import Store
from factory.reporters.in_force import beside_text
from schemas.check.dependencies import pipeline_files

from .bundles import contents, times

OTHER = "tasks:\n  - id: a\n    uses: bash\n    with:\n      bash_command: date\n"


def bash(command: str) -> str:
    return OTHER.replace("date", command)


def code(uses: str) -> str:
    return f"tasks:\n  - id: a\n    uses: {uses}\n"


def put(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pipelines"
    put(folder, {"other.yaml": OTHER, "sales/other.yaml": OTHER})
    return folder


@pytest.fixture
def refresher(folder: Path, tmp_path: Path) -> Refresher:
    store = Store(tmp_path / "store")
    return Refresher(
        origin=Origin(str(folder), ""),
        store=store,
        files=pipeline_files,
        loader="factory.stub_loader",
        settle_seconds=0.01,
    )


def rewritten(refresher: Refresher) -> set[str]:
    """The stubs that a refresh writes."""
    current = refresher.store.root / "current"
    before = times(current)
    refresher.refresh()
    return {path for path, at in times(current).items() if path.endswith(".yaml.py") and before.get(path) != at}


JOBS = "import importlib\ndef run():\n    importlib.import_module('plugin')\n    open(HERE / 'rates.csv')\n"
GLOB = "def run():\n    return [p.read_text() for p in sorted(HERE.glob('*.sql'))], 2 * 3, '*'\n"

CASES = {
    "default of the environment": (bash("${env.SQL_FILE:-queries/q.sh}"), {}, "queries/q.sh"),
    "folder by the environment": (bash("${env.DIR}/x.sh"), {}, "scripts/x.sh"),
    "name with a space": (bash("'my query.sh'"), {}, "sales/my query.sh"),
    "include with a plus": (bash("q.sh"), {"sales/q.sh": '{%+ include "x" %}'}, "x"),
    "include of a list": (bash("q.sh"), {"sales/q.sh": '{% include ["a", "b"] %}'}, "sales/b"),
    "module": (code("jobs.run"), {"jobs.py": JOBS}, "jobs.py"),
    "module by name": (code("jobs.run"), {"jobs.py": JOBS}, "plugin.py"),
    "data of a module": (code("jobs.run"), {"jobs.py": JOBS}, "data/rates.csv"),
    "pattern of a module": (code("jobs.run"), {"jobs.py": GLOB}, "queries/one.sql"),
    "pattern of a command": (bash("cat sql/part*.sql"), {}, "sql/part_1.sql"),
    "defaults": (OTHER, {}, "sales/deep/_defaults.yaml"),
    "template": ("tasks: [{id: g, tasks: [{id: h, template: t}]}]\n", {}, "_templates/t.yaml"),
    "template of a template": (
        "tasks: [{id: g, template: t}]\n",
        {"_templates/t.yaml": "tasks: [{id: u, template: u}]\n"},
        "_templates/u.yaml",
    ),
}


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_an_edit_of_what_one_pipeline_uses_rewrites_its_stub_alone(
    refresher: Refresher, folder: Path, case: str, exists: bool
) -> None:
    pipeline, files, edited = CASES[case]
    user = "sales/deep/p.yaml" if case == "defaults" else "sales/p.yaml"
    put(folder, {user: pipeline, **files, **({edited: "# 1\n"} if exists else {})})
    refresher.refresh()
    put(folder, {edited: "# 2\n"})
    assert rewritten(refresher) == {f"{user}.py"}
    put(folder, {"unrelated.csv": "1"})
    assert rewritten(refresher) == set()


@pytest.mark.parametrize(
    "text",
    [
        f"doc_md: '{'x' * 300}.json'\n",
        code("a" * 300 + ".f"),
        code(".".join(["part"] * 200)),
        bash(f"\"{{% include '{'y' * 300}.sql' %}}\""),
    ],
)
def test_no_text_of_one_pipeline_stops_the_updates_of_others(refresher: Refresher, folder: Path, text: str) -> None:
    put(folder, {"bad.yaml": text})
    refresher.refresh()
    put(folder, {"other.yaml": bash("pwd")})
    assert rewritten(refresher) == {"other.yaml.py"}
    put(folder, {"bad.yaml": OTHER})
    assert rewritten(refresher) == {"bad.yaml.py"}


LOAD = """
import runpy, sys
from airflow.sdk import DAG
names = runpy.run_path(sys.argv[1])
print([value.dag_id for value in names.values() if isinstance(value, DAG)])
"""


def test_the_stub_of_an_odd_pipeline_speaks_and_that_of_a_sound_one_builds(
    refresher: Refresher, folder: Path, tmp_path: Path
) -> None:
    put(folder, {"bad.yaml": code("a" * 300 + ".f")})
    refresher.refresh()
    current = refresher.store.root / "current"
    assert {"bad.yaml.py", "other.yaml.py"} <= contents(current).keys()
    runs = {
        name: subprocess.run(
            [sys.executable, "-c", LOAD, str(current / f"{name}.yaml.py")],
            env={"AIRFLOW_HOME": str(tmp_path / "home"), "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
        )
        for name in ("bad", "other")
    }
    assert "['other']" in runs["other"].stdout, runs["other"].stderr
    assert runs["bad"].returncode != 0
    assert "bad.yaml" in runs["bad"].stderr


def test_another_environment_rewrites_every_stub_and_the_stub_names_it(refresher: Refresher, folder: Path) -> None:
    put(folder, {"many.yaml": "dag_id: x-${matrix.n}\nmatrix: {n: [1, 2]}\n" + OTHER})
    refresher.refresh()
    again = Refresher(
        origin=Origin(str(folder), "prod"), store=refresher.store, files=pipeline_files, loader="factory.stub_loader"
    )
    assert rewritten(again) == {"other.yaml.py", "sales/other.yaml.py", "many.yaml.py"}
    assert "environment='prod'" in (refresher.store.root / "current/many.yaml.py").read_text()
    assert {file.path: file.dag_ids for file in pipeline_files(folder)}["many.yaml"] == ("x-1", "x-2")


def test_an_environment_that_no_pipeline_declares_is_one_import_error_of_its_own(
    refresher: Refresher, folder: Path, tmp_path: Path
) -> None:
    put(folder, {"many.yaml": "environments: {prod: {tags: [prod]}}\n" + OTHER})

    def chosen(environment: str) -> Refresher:
        return Refresher(
            origin=Origin(str(folder), environment),
            store=refresher.store,
            files=pipeline_files,
            loader="factory.stub_loader",
            settle_seconds=0.01,
        )

    current = refresher.store.root / "current"
    stub = current / "_PIPELINE_ENVIRONMENT.yaml.py"
    pipelines = {"other.yaml.py", "sales/other.yaml.py", "many.yaml.py"}
    assert rewritten(chosen("prdo")) == {*pipelines, stub.name}
    shown = subprocess.run([sys.executable, stub], capture_output=True, text=True, check=False).stderr
    assert "PIPELINE_ENVIRONMENT: no pipeline declares the environment `prdo`; did you mean `prod`?" in shown
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, str(current / "many.yaml.py")],
        env={"AIRFLOW_HOME": str(tmp_path / "home"), "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "['many']" in loaded.stdout, loaded.stderr
    assert rewritten(chosen("prod")) == pipelines
    assert not stub.exists()


def test_without_any_declared_environment_the_choice_means_nothing(refresher: Refresher, folder: Path) -> None:
    refresher.origin = Origin(str(folder), "prdo")
    assert rewritten(refresher) == {"other.yaml.py", "sales/other.yaml.py"}
    put(folder, {"_defaults.yaml": "environments: {prod: {tags: [prod]}}\n"})
    assert "_PIPELINE_ENVIRONMENT.yaml.py" in rewritten(refresher)


def test_an_airflowignore_takes_a_pipelines_stub_away_and_leaves_modules(refresher: Refresher, folder: Path) -> None:
    put(folder, {"sales/steps.py": "def load() -> None: ...\n"})
    refresher.refresh()
    put(folder, {".airflowignore": "sales/\n"})
    refresher.refresh()

    current = refresher.store.root / "current"
    assert (current / "other.yaml.py").exists()
    assert not (current / "sales" / "other.yaml.py").exists()
    assert (current / "sales" / "steps.py").exists()

    (folder / ".airflowignore").unlink()
    refresher.refresh()
    assert (current / "sales" / "other.yaml.py").exists()


def test_a_stub_shows_warnings_and_values_in_force_of_what_it_was_made_from(refresher: Refresher, folder: Path) -> None:
    refresher.beside = beside_text
    put(folder, {"_defaults.yaml": "owner: us\n", "sales/other.yaml": f"schedule: 0 */24 * * *\n{OTHER}"})
    put(folder, {"wrong.yaml": "tasks: 1\n"})
    refresher.refresh()
    current = refresher.store.root / "current"
    text = (current / "sales" / "other.yaml.py").read_text()
    assert "\n#! warning[step-without-effect] PF213" in text
    assert "#! " not in (current / "other.yaml.py").read_text()
    assert "\n#= " not in (current / "wrong.yaml.py").read_text()
    put(folder, {"_defaults.yaml": "# moved\nowner: them\n"})
    assert rewritten(refresher) == {"other.yaml.py", "sales/other.yaml.py", "wrong.yaml.py"}
    assert "owner: them" in (current / "other.yaml.py").read_text()
    assert "# pipelines/_defaults.yaml:2\n" in (current / "other.yaml.py").read_text()


@pytest.mark.parametrize(
    "wrong",
    ['"0 7 * * 9"', '"@dayly"', "{cro: 0 7 * * *}", "[a]", "{every: soon}", '"0 7 * * *"\ntimezone: Europe/Berln'],
)
def test_a_mistake_in_a_schedule_is_no_other_schedule(folder: Path, wrong: str) -> None:
    """Fixed, a pipeline makes up for the slot that it missed, as one does that was broken elsewhere."""

    def of(schedule: str, before: DagRecords, known_before: tuple[str, ...] = ("other",)) -> DagRecords:
        put(folder, {"other.yaml": f"schedule: {schedule}\n{OTHER}"})
        return before.of(pipeline_files(folder), {"other"}, known_before)

    right = '"0 7 * * *"'
    before = replace(of(right, DagRecords(), ()), since={"other": "2026-01-01"})
    broken = of(wrong, before)
    assert broken == before
    assert of(right, broken) == before
    assert of('"0 8 * * *"', broken).since["other"] > "2026-01-01"
    assert of(right, of(wrong, DagRecords(), ())).since["other"] > "2026-01-01"
