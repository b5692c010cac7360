"""What a pipeline depends on: everything whose edit could change it, found in any text without harm."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from schemas.check import Checker
from schemas.check.dependencies import PipelineFile, pipeline_files
from schemas.compose.variants import Variant


def put(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def dependencies(folder: Path, path: str = "sales/p.yaml") -> frozenset[str]:
    (found,) = (file.depends_on for file in pipeline_files(folder) if file.path == path)
    return found


def bash(command: str) -> str:
    return f"tasks:\n  - id: a\n    uses: bash\n    with:\n      bash_command: {command}\n"


def code(uses: str) -> str:
    return f"tasks:\n  - id: a\n    uses: {uses}\n"


@pytest.mark.parametrize(
    "text",
    [
        f"doc_md: '{'x' * 300}.json'\n",
        code("a" * 300 + ".f"),
        code(".".join(["part"] * 200)),
        code(".".join(["part"] * 60_000)),
        bash(f"\"{{% include '{'y' * 300}.sql' %}}\""),
        bash('"a\\0b.sql"'),
        bash("'" + "d/" * 3000 + "x.sql'"),
        bash("'" + '{% include "' * 20_000 + "'"),
    ],
)
def test_no_text_stops_the_listing(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, {"sales/p.yaml": text, "good.yaml": bash("date")})
    good, bad = pipeline_files(tmp_path)
    assert (good.dag_ids, bad.dag_ids) == (("good",), ("sales.p",))
    assert "good.yaml" not in bad.depends_on
    assert not caplog.records


CASES = {
    "beside": (bash("q.sh"), {"sales/q.sh": ""}),
    "at the root": (bash("queries/q.sh"), {"queries/q.sh": ""}),
    "a default of the environment": (bash("${env.SQL_FILE:-queries/q.sh}"), {"queries/q.sh": ""}),
    "a name with a space": (bash("'my query.sh'"), {"sales/my query.sh": ""}),
    "a folder by the environment": (bash("${env.DIR}/x.sh"), {"a/x.sh": "", "b/c/x.sh": ""}),
    "a folder by the environment, in a command": (bash("bash ${env.DIR}/x.sh --all"), {"a/x.sh": ""}),
    "a folder by the environment, with a space": (bash("${env.DIR}/my x.sh"), {"a/my x.sh": ""}),
    "no ending": (bash("bash scripts/run all"), {"scripts/run": ""}),
    "up and down": (bash("../shared/q.sh"), {"shared/q.sh": ""}),
    "include": (bash("q.sh"), {"sales/q.sh": '{%+ include "x" %}', "x": "{%- include 'y z.sql' -%}", "y z.sql": ""}),
    "include a list": (bash("q.sh"), {"sales/q.sh": '{% include ["a", "b"] %}', "a": "", "sales/b": ""}),
    "include in the text itself": (bash("\"{% include 'in c' %}\""), {"in c": ""}),
    "modules": (code("jobs.run"), {"jobs.py": "def run():\n    import deep", "deep.py": ""}),
    "a module by name": (
        code("jobs.run"),
        {"jobs.py": "import importlib\ndef run(): importlib.import_module('x')", "x.py": "import y", "y.py": ""},
    ),
    "a module by relative name": (
        code("jobs.a.run"),
        {"jobs/__init__.py": "", "jobs/a.py": "def run(): load('.b', __package__)", "jobs/b.py": ""},
    ),
    "data of a module": (
        code("jobs.run"),
        {
            "jobs.py": "def run(): open(HERE / 'rates.csv'); open(f'{HERE}/data/more.csv')",
            "data/more.csv": "",
            "sales/rates.csv": "",
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_file_that_matters_counts(tmp_path: Path, case: str) -> None:
    pipeline, files = CASES[case]
    put(tmp_path, {"sales/p.yaml": pipeline, **files, "unrelated.csv": "", "other/unrelated.py": ""})
    found = dependencies(tmp_path)
    assert files.keys() <= found
    assert not {"unrelated.csv", "other/unrelated.py"} & found


def test_the_environments_value_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQL_FILE", "queries/now.sh")
    put(tmp_path, {"sales/p.yaml": bash("${env.SQL_FILE:-queries/q.sh}")})
    assert {"queries/now.sh", "sales/queries/now.sh", "queries/q.sh"} <= dependencies(tmp_path)


def test_files_that_would_matter_count_before_they_exist(tmp_path: Path) -> None:
    put(tmp_path, {"sales/p.yaml": bash("q.sh"), "sales/c.yaml": code("team.jobs.run")})
    assert {"sales/p.yaml", "_defaults.yaml", "sales/_defaults.yml", "q.sh", "sales/q.sh"} <= dependencies(tmp_path)
    assert {"team.py", "team/__init__.py", "team/jobs.py"} <= dependencies(tmp_path, "sales/c.yaml")


def test_nothing_outside_the_folder_counts(tmp_path: Path) -> None:
    put(tmp_path, {"in/p.yaml": bash("../q.sh ../../etc/q.sh /etc/passwd"), "q.sh": ""})
    found = dependencies(tmp_path / "in", "p.yaml")
    assert not [path for path in found if path.startswith(("/", ".."))]


@pytest.mark.parametrize("error", [ValueError("made up"), PermissionError(13, "may not be read")])
def test_one_that_cannot_be_worked_out_stops_no_other(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = Checker.variants

    def fails_for_bad(checker: Checker, path: str) -> tuple[Variant, ...]:
        if path == "bad.yaml":
            raise error
        return real(checker, path)

    monkeypatch.setattr(Checker, "variants", fails_for_bad)
    put(tmp_path, {"bad.yaml": bash("date"), "good.yaml": bash("date"), "x/rates.csv": ""})
    with caplog.at_level(logging.WARNING):
        bad, good = pipeline_files(tmp_path)
    assert ("Traceback" in caplog.text) == isinstance(error, ValueError)
    assert bad.dag_ids == ()
    assert {"bad.yaml", "good.yaml", "x/rates.csv"} <= bad.depends_on
    assert good == PipelineFile("good.yaml", ("good",), good.depends_on, schedules=good.schedules)
    assert "x/rates.csv" not in good.depends_on
    assert "bad.yaml" in caplog.text
