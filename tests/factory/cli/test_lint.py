"""`factory lint`: what it prints, where, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from factory.cli.lint import lint
from factory.cli.options import select
from schemas.check import CheckOptions, across
from schemas.findings.codes import Code
from tests.factory.cli.commands import BAD, GOOD, factory


def test_clean(project: Path) -> None:
    result = factory("lint", cwd=project)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "1 pipeline checked: all good\n"


def test_findings_of_all_files_in_one_pass(project: Path) -> None:
    (project / "pipelines" / "bad.yaml").write_text(BAD)
    (project / "pipelines" / "sales" / "worse.yml").write_text("a: b: c\n")
    result = factory("lint", "--format", "concise", cwd=project)
    assert result.returncode == 1
    assert [line.split(" ")[:2] for line in result.stdout.splitlines()] == [
        ["pipelines/bad.yaml:1:1:", "PF102"],
        ["pipelines/sales/worse.yml:1:4:", "PF010"],
    ]
    assert result.stderr == "3 pipelines checked: 2 errors\n"


def test_a_named_file_is_judged_with_all_others(project: Path) -> None:
    (project / "pipelines" / "bad.yaml").write_text(BAD)
    (project / "pipelines" / "copy.yaml").write_text(f"dag_id: good\n{GOOD}")
    result = factory("lint", "--format", "concise", "pipelines/copy.yaml", cwd=project)
    assert result.returncode == 1
    assert result.stdout == ("pipelines/copy.yaml:1:9: PF314 the DAG id `good` is also used by pipelines/good.yaml\n")


def test_what_is_wrong_in_a_file_that_a_pipeline_names_is_said(project: Path) -> None:
    (project / "pipelines" / "load.sh").write_text("echo {{ dss }}\n")
    tasks = "tasks: [{id: a, uses: bash, with: {bash_command: load.sh}}]\n"
    (project / "pipelines" / "shell.yaml").write_text(tasks)
    (project / "pipelines" / "again.yaml").write_text(tasks)
    for paths in ([], ["pipelines/again.yaml"]):
        result = factory("lint", "--format", "concise", *paths, cwd=project)
        said = "pipelines/load.sh:1:9: PF384 Airflow gives templates no `dss` (did you mean `ds`?)\n"
        assert (result.returncode, result.stdout) == (1, said)


def test_a_bug_of_ours_in_comparing_files_is_said_of_a_named_file_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_: object) -> None:
        raise ZeroDivisionError

    (project / "pipelines" / "good.yaml").write_text("tasks:\n  - {id: load, uses: empty, outlets: [orders]}\n")
    monkeypatch.setattr(across.assets, "across", bug)
    (selection,) = select([project / "pipelines" / "good.yaml"])

    (finding,) = lint(selection, CheckOptions(environ={}))

    assert finding.code is Code.CHECK_FAILED


def test_from_another_folder(project: Path) -> None:
    (project / "pipelines" / "sales" / "bad.yaml").write_text(BAD)
    inside = factory("lint", "--format", "concise", "bad.yaml", cwd=project / "pipelines" / "sales")
    assert inside.stdout.startswith(f"{project}/pipelines/sales/bad.yaml:1:1: PF102")
    outside = factory("lint", "--format", "concise", str(project / "pipelines" / "sales"), cwd=Path("/"))
    assert outside.returncode == 1
    assert "sales/bad.yaml:1:1: PF102" in outside.stdout


def test_pipelines_folder_of_the_environment(project: Path, tmp_path: Path) -> None:
    (project / "pipelines").rename(project / "flows")
    result = factory("lint", cwd=tmp_path, environment={"PIPELINES_FOLDER": str(project / "flows")})
    assert (result.returncode, result.stderr) == (0, "1 pipeline checked: all good\n")


def test_unset_variable_warns_or_fails(project: Path) -> None:
    (project / "pipelines" / "env.yaml").write_text("poll:\n  url: ${env.NOWHERE_SET}\n")
    relaxed = factory("lint", cwd=project)
    assert relaxed.returncode == 0
    assert "warning[unset-variable] PF318" in relaxed.stdout
    assert relaxed.stderr == "2 pipelines checked: 1 warning\n"
    strict = factory("lint", "--require-env", cwd=project)
    assert strict.returncode == 1
    assert "error[unset-variable] PF318" in strict.stdout


def test_an_operator_that_cannot_be_checked_is_one_note_a_package_or_an_error(project: Path) -> None:
    task = "  - {id: %s, uses: airflow.providers.no_such_provider.operators.a.A}\n"
    (project / "pipelines" / "two.yaml").write_text("tasks:\n" + task % "a" + task % "b")
    relaxed = factory("lint", cwd=project)
    assert relaxed.returncode == 0
    assert relaxed.stdout.count("note[operator-not-installed] PF320") == 1
    assert relaxed.stderr == "2 pipelines checked: 1 note\n"
    strict = factory("lint", "--require-operators", "--format", "concise", cwd=project)
    assert strict.returncode == 1
    assert strict.stderr == "2 pipelines checked: 2 errors\n"


def test_standard_input_stands_for_a_file(project: Path) -> None:
    arguments = ("lint", "--format", "concise", "-", "--stdin-filename")
    (project / "pipelines" / "bad.yaml").write_text(BAD)
    unsaved = factory(*arguments, "pipelines/good.yaml", cwd=project, standard_input=BAD)
    assert unsaved.returncode == 1
    assert unsaved.stdout.startswith("pipelines/good.yaml:1:1: PF102")
    assert unsaved.stderr == "1 pipeline checked: 1 error\n"
    new = factory(*arguments, "pipelines/new.yaml", cwd=project, standard_input=f"dag_id: good\n{GOOD}")
    assert new.stdout == "pipelines/new.yaml:1:9: PF314 the DAG id `good` is also used by pipelines/good.yaml\n"
    defaults = factory(*arguments, "pipelines/_defaults.yaml", cwd=project, standard_input="retrys: 1\n")
    assert defaults.stdout.startswith("pipelines/_defaults.yaml:1:1: PF102")


def test_standard_input_without_a_name(tmp_path: Path) -> None:
    result = factory("lint", "-", "--format", "concise", cwd=tmp_path, standard_input=BAD)
    assert result.returncode == 1
    assert result.stdout.startswith("stdin.yaml:1:1: PF102")


def test_output_to_a_file(project: Path) -> None:
    (project / "pipelines" / "bad.yaml").write_text(BAD)
    result = factory("lint", "--format", "json", "--output", "found.json", cwd=project)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "2 pipelines checked: 1 error\n"
    assert json.loads((project / "found.json").read_text())["summary"]["errors"] == 1


def test_under_github_actions_findings_are_commands(project: Path) -> None:
    (project / "pipelines" / "bad.yaml").write_text(BAD)
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(project)}
    chosen = factory("lint", cwd=project, environment=environment)
    assert chosen.stdout.startswith("::error file=pipelines/bad.yaml,line=1,col=1,")
    named = factory("lint", "--format", "concise", cwd=project, environment=environment)
    assert named.stdout.startswith("pipelines/bad.yaml:1:1: ")


def test_colours_where_they_are_asked_for(project: Path) -> None:
    (project / "pipelines" / "bad.yaml").write_text(BAD)
    for environment, coloured in (
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ):
        result = factory("lint", cwd=project, environment=environment)
        assert ("\x1b[" in result.stdout) == coloured


@pytest.mark.parametrize("name", ["full", "json"])
def test_only_the_chosen_format_is_imported(project: Path, name: str) -> None:
    code = (
        "import sys; from factory.cli import main; "
        f"main(['lint', '--format', {name!r}]); "
        "print([m for m in sys.modules if m.startswith('factory.reporters.')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    others = {"full", "concise", "json", "github", "gitlab", "sarif"} - {name}
    assert not [other for other in others if f"'factory.reporters.{other}'" in ran.stdout]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere: there is no such file or folder; this command takes paths, not DAG ids"),
        (["good"], "good: there is no such file or folder; did you mean pipelines/good.yaml?"),
        (["sales.worse"], "sales.worse: there is no such file or folder; did you mean pipelines/sales/worse.yaml?"),
        (["README.txt"], "not a pipeline"),
        (["empty"], "there are no pipelines in this folder"),
        (["--format", "xml"], "invalid choice"),
        (["--no-such"], "unrecognized arguments"),
        (["loop.yaml"], "loop.yaml: "),
        (["--output", "nowhere/found.txt"], "nowhere/found.txt: cannot be written: no such file or directory"),
        (["--stdin-filename", "a.yaml"], "--stdin-filename goes with the path `-`"),
        (["-", "empty"], "cannot be combined"),
        (["-", "--stdin-filename", "README.txt"], "not a pipeline"),
    ],
)
def test_usage_errors(project: Path, arguments: list[str], words: str) -> None:
    (project / "README.txt").write_text("no pipeline")
    (project / "empty").mkdir()
    (project / "pipelines" / "sales" / "worse.yaml").write_text("a: b: c\n")
    (project / "loop.yaml").symlink_to("loop.yaml")
    result = factory("lint", *arguments, cwd=project)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("named", ["pipelines/out/orders.yaml", "pipelines/out", "pipelines/sales/up/good.yaml"])
def test_what_stands_behind_a_link_that_is_not_followed_is_not_all_good(project: Path, named: str) -> None:
    (project / "elsewhere").mkdir()
    (project / "elsewhere" / "orders.yaml").write_text(BAD)
    (project / "pipelines" / "out").symlink_to(project / "elsewhere")
    (project / "pipelines" / "sales" / "up").symlink_to(project / "pipelines")
    result = factory("lint", named, cwd=project)
    assert result.returncode == 2
    assert f"{named}: " in result.stderr
    assert "is a link" in result.stderr


def test_a_report_is_the_same_in_every_process(project: Path) -> None:
    """A value that is missing is said once, with a place where it is used: always the first."""
    used = ", ".join(['"${vars.first}"'] * 8)
    (project / "pipelines" / "used.yaml").write_text(f'tags: [{used}]\nvars: {{first: "${{vars.other}}"}}\n{GOOD}')
    reports = [factory("lint", "--format", "json", cwd=project, environment={"PYTHONHASHSEED": n}) for n in "12"]
    assert [place["column"] for place in json.loads(reports[0].stdout)["findings"][0]["related"]] == [8]
    assert reports[0].stdout == reports[1].stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "team/_templates/mine.yaml",
            "not a template: these are in the pipelines folder's own `_templates`, side by side",
        ),
        (
            "_templates/more/mine.yaml",
            "not a template: these are in the pipelines folder's own `_templates`, side by side",
        ),
        ("_old/a.yaml", "nothing in `_old` is one, because the folder's name starts with _ or ."),
    ],
)
def test_a_file_in_a_folder_that_is_not_looked_at(project: Path, name: str, words: str) -> None:
    file = project / "pipelines" / name
    file.parent.mkdir(parents=True)
    file.write_text(GOOD)

    done = factory("lint", f"pipelines/{name}", cwd=project)

    assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_no_pipelines_folder(tmp_path: Path) -> None:
    result = factory("lint", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "factory lint: there is no folder pipelines; name the files or folders to look at\n"


def test_a_reader_that_goes_away_is_no_traceback(project: Path) -> None:
    for number in range(400):
        (project / "pipelines" / f"bad{number}.yaml").write_text(BAD)
    result = factory("lint", cwd=project)
    assert result.returncode == 1
    piped = subprocess.run(  # noqa: S602 # a pipe is what is tested
        f"'{sys.executable}' -m factory.cli lint | head -1",
        shell=True,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert "Traceback" not in piped.stderr
    assert "BrokenPipe" not in piped.stderr


def test_the_policy_of_the_project_holds(project: Path) -> None:
    (project / "factory.toml").write_text("[policy]\nrequire = ['owner']\nmin_retries = 1\n")
    (project / "pipelines" / "sales" / "other.yaml").write_text(f"owner: shop\n{GOOD}")
    result = factory("lint", "--format", "concise", "pipelines", "pipelines/sales", cwd=project)
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "factory.toml:3:1: PF503 there is no setting `min_retries` (did you mean `min-retries`?)",
        "pipelines/good.yaml:1:1: PF504 the policy requires `owner` in every pipeline",
    ]
