"""Pairs of folders, a file each in `pairs/`: `before` and `after` by path, and all lines of the plan in their order.

An entry is written `kind id (environment)` here, and `!` in front means that something may be lost.
`python -m tests.factory.plan.test_pairs` writes what comes now: read the difference.
"""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from factory.cli import main
from factory.cli.plan import base_folder
from factory.plan.changes import Change
from factory.plan.plan import Entry, Plan, as_json, markdown, plan, text

PAIRS = sorted((Path(__file__).parent / "pairs").glob("*.yaml"))
NOW = datetime(2026, 3, 2, tzinfo=UTC)
SECRETS = ("hush-hush-hush", "/root", "from-the-environment")


def planned(pair: Path, folder: Path) -> tuple[Plan, list[str]]:
    content = yaml.safe_load(pair.read_text(encoding="utf-8"))
    for side in ("before", "after"):
        (folder / side).mkdir()
        for path, body in content[side].items():
            (folder / side / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / side / path).write_text(body, encoding="utf-8")
    found = plan(folder / "before", folder / "after", base="before", shown="pipelines", now=NOW)
    return found, content["expect"]


def lines(found: Plan) -> list[str]:
    said = []
    for entry in found.entries:
        environment = f" ({entry.environment})" if entry.environment else ""
        said.append(f"{'! ' if entry.loses else ''}{entry.kind} {entry.dag_id}{environment}")
        if entry.reasons:
            said.append(entry.reasons[0] if entry.kind == "broken" else f"because of {', '.join(entry.reasons)}")
        for change in entry.changes:
            said += [f"{'! ' if change.loses else ''}{change.text}", *change.details]
        if entry.needs:
            said.append(f"needs: {', '.join(f'{kind} {name}' for kind, name in entry.needs)}")
    return said


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.stem)
def test_a_pair_gives_its_lines(pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION", "from-the-environment")
    found, expected = planned(pair, tmp_path)

    assert lines(found) == expected
    for report in (text, markdown, as_json):
        assert not [secret for secret in SECRETS if secret in report(found)]


def test_a_revision_may_have_links_that_lead_away(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "a.yaml").write_text("tasks: []\n")
    for name, target in (("b.yaml", "/etc/hostname"), ("c.yaml", "../../away"), ("d.yaml", "a.yaml")):
        (folder / name).symlink_to(target)
    for words in ("init -q", "add .", "-c user.name=a -c user.email=a@example.com commit -qm a"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)

    with base_folder("HEAD", folder) as (before, _):
        assert sorted(path.name for path in before.iterdir()) == ["a.yaml", "d.yaml"]


def test_a_clean_checkout_is_no_change_whatever_git_exports(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (tmp_path / ".gitattributes").write_text("x.yaml export-ignore\n*.sql text eol=crlf\n")
    (folder / "x.yaml").write_text("tasks: [{id: a, uses: sql, with: {conn_id: w, sql: q ä.sql}}]\n", encoding="utf-8")
    (folder / "q ä.sql").write_bytes(b"SELECT 1\r\n")
    for words in ("init -q", "add .", "-c user.name=a -c user.email=a@example.com commit -qm a"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)

    for place in (folder, tmp_path):
        with base_folder("HEAD", place) as (before, name):
            assert plan(before, place, base=name, shown="", now=NOW).entries == ()
            assert next(before.rglob("x.yaml")).read_bytes() == (folder / "x.yaml").read_bytes()


def test_several_folders_are_one_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("shop", "books"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yaml").write_text("tasks: [{id: a, uses: empty}]\n")
    for words in ("init -q", "add .", "-c user.name=a -c user.email=a@example.com commit -qm a"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    (tmp_path / "shop" / "shop.yaml").unlink()
    (tmp_path / "books" / "books.yaml").write_text("schedule: '@daily'\ntasks: [{id: a, uses: empty}]\n")
    folders = ("--pipelines", "shop", "--pipelines", "books")

    assert main(["plan", "HEAD", *folders, "--exit-code"]) == 2
    said = capsys.readouterr().out
    assert "1 removed, 1 changed" in said.splitlines()[0]
    assert "! - shop  removed  shop/shop.yaml" in said
    assert "~ books  changed  books/books.yaml" in said
    (tmp_path / "shop").rmdir()
    for named in ("shop/shop.yaml", "shop"):
        assert main(["plan", "HEAD", "--pipelines", named]) == 0
        assert "! - shop  removed  shop/shop.yaml" in capsys.readouterr().out
    assert main(["plan", "HEAD", "--pipelines", "nowhere"]) == 2
    assert "nowhere: there are no pipelines in this folder, and were none" in capsys.readouterr().err
    assert main(["plan", "", "--pipelines", "books"]) == 2
    assert "BASE is empty" in capsys.readouterr().err
    assert main(["plan", "v1..v2", "--pipelines", "books"]) == 2
    assert "there is no revision or folder `v1..v2`: write its first revision, v1" in capsys.readouterr().err
    assert main(["plan", "../nowhere", "--pipelines", "books"]) == 2
    assert capsys.readouterr().err == "factory plan: there is no revision or folder `../nowhere`\n"
    assert main(["plan", "books", *folders]) == 2
    assert "books is one folder: name one with --pipelines" in capsys.readouterr().err


def test_new_environments_of_many_dags_are_counted_apart_and_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("before", "pipelines"):
        (tmp_path / folder).mkdir()
        for name in ("a", "b", "c"):
            (tmp_path / folder / f"{name}.yaml").write_text("tasks: [{id: a, uses: empty}]\n")
        (tmp_path / folder / "old.yml").write_text(
            "old:\n  default_args: {start_date: 2026-01-01}\n  schedule: '@daily'\n  tasks:\n"
            "    a: {operator: airflow.providers.standard.operators.empty.EmptyOperator}\n"
        )
    (tmp_path / "pipelines" / "_defaults.yaml").write_text("environments: {dev: {tags: [d]}, prod: {}}\n")

    assert main(["plan", "before"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "compared with before: 3 touched, new environments (dev, prod) of 3 DAGs"
    assert "  + environment dev: a, b, c  new  in 3 DAGs\n" in said
    assert "  + environment prod: a, b, c  new  in 3 DAGs\n" in said
    assert "old" not in said, "dag-factory takes no `_defaults.yaml`"


def test_a_base_may_be_above_or_behind_a_link(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (("old", 1), ("new", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "steps.py").write_text(f"def run():\n    return {value}\n")
        (tmp_path / name / "a.yaml").write_text("tasks: [{id: a, uses: steps.run}]\n")
        (tmp_path / name / "b.yaml").write_text("tasks: [{id: a, uses: empty}]\n")
    (tmp_path / "link").symlink_to(tmp_path / "old")
    monkeypatch.chdir(tmp_path / "new")

    for base in ("../old", "../link", "../new/../link"):
        assert main(["plan", base, "--pipelines", "."]) == 0
        said = capsys.readouterr()
        assert (said.out.count("touched"), said.err) == (2, ""), said.out  # in the summary, and of a


def test_there_are_fifty_pairs() -> None:
    assert len(PAIRS) >= 50


def test_markdown_shows_code_as_it_is_and_no_html() -> None:
    change = Change("task", r"task `a_b[0]*` is `<x>`, \`<b>` @all ``", "")
    change_of_code = Change("task", "task `a_b` has <b> and a_b", "a.yaml:1")

    said = markdown(Plan("main", (Entry("changed", "d", "a.yaml", changes=(change, change_of_code)),)))

    assert "task `a_b` has &lt;b&gt; and a\\_b" in said
    assert "<b>" not in said
    assert "@all" not in said


def test_markdown_fits_into_a_comment_and_says_what_it_leaves_out() -> None:
    changes = tuple(
        Change("task", f"task `größe_{number}` is removed", "a.yaml:1", loses=True) for number in range(9000)
    )
    entries = (Entry("broken", ", ".join(f"dag_{n}" for n in range(9000)), "a.yaml"), Entry("changed", "d", "a.yaml"))

    said = markdown(Plan("main", (entries[0], replace(entries[1], changes=changes))))

    assert 64_000 < len(said.encode()) < 65_536
    assert said.splitlines()[-1].endswith(" more lines: `factory plan --format json` has them all")
    assert "task `größe_0`" in said


def test_a_rename_has_the_place_that_people_know(tmp_path: Path) -> None:
    found, _ = planned(Path(__file__).parent / "pairs" / "renamed-by-file.yaml", tmp_path)

    assert {change.place for change in found.entries[0].changes} == {"pipelines/sales.yaml:1"}


def test_a_default_above_many_pipelines_reaches_all(tmp_path: Path) -> None:
    for side, retries in (("before", 1), ("after", 5)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "_defaults.yaml").write_text(f"default_args: {{retries: {retries}}}\n")
        for number in range(200):
            (tmp_path / side / f"p{number}.yaml").write_text("tasks:\n  - {id: a, uses: empty}\n")

    found = plan(tmp_path / "before", tmp_path / "after", base="before", shown="", now=NOW)

    assert [entry.kind for entry in found.entries] == ["changed"] * 200
    for report in (text(found), markdown(found)):
        assert report.replace("\\_", "_").count("default_args.retries: 1 → 5") == 1
        assert "in 200 DAGs" in report
        assert "p0, p1, p10, " in report


def test_what_many_dags_share_is_listed_once_and_the_rest_with_each() -> None:
    owner = Change("default", "default_args.owner: ann → bob", "_defaults.yaml:1")
    outlet = Change("asset", "outlets is removed", "b.yaml:3", loses=True)
    entries = [Entry("changed", name, f"{name}.yaml", changes=(owner,), needs=(("pool", "big"),)) for name in "abc"]
    entries[1] = replace(entries[1], changes=(owner, outlet))

    said = text(Plan("main", tuple(entries)))

    assert said.splitlines()[2:] == [
        "! ~ b  changed  b.yaml",
        "      ! outlets is removed  (b.yaml:3)",
        "  ~ a, b, c  changed  in 3 DAGs",
        "      default_args.owner: ann → bob  (_defaults.yaml:1)",
        "      needs: pool big",
    ]
    many = tuple(Entry("new", f"d{number}", "a.yaml") for number in range(150))
    assert text(Plan("main", many)).splitlines()[-1] == "and 50 more new"


def write() -> None:
    """Put what a plan says now into the files of the pairs."""
    for pair in PAIRS:
        with TemporaryDirectory() as folder:
            found, _ = planned(pair, Path(folder))
        kept = pair.read_text(encoding="utf-8").rpartition("\nexpect:")[0]
        said = yaml.safe_dump({"expect": lines(found)}, width=1000, allow_unicode=True)
        pair.write_text(f"{kept}\n{said}", encoding="utf-8")


if __name__ == "__main__":
    write()
