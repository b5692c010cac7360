"""`factory schedule`: what is shown of schedules, and one that is set in its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.cli import main
from tests.factory.cli.commands import factory

TASK = "tasks: [{id: a, uses: empty}]\n"


@pytest.fixture
def pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipelines").mkdir()
    return tmp_path / "pipelines"


def test_a_dag_id_is_shown_and_what_is_left_out_is_named(pipelines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in {"a": "schedule: '@daily'\n", "b": "schedule: '@hourly'\n", "bad": "tasks: ["}.items():
        (pipelines / f"{name}.yaml").write_text(text + TASK)

    assert main(["schedule", "a"]) == 0
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()] == ["DAG", "a"]
    assert "pipelines/bad.yaml has errors and is left out" in printed.err
    assert main(["schedule", "a", "c"]) == 2
    assert "c: there is no such file or DAG (there are a, b)" in capsys.readouterr().err
    for words in (["schedule", "x" * 300], ["plan", "x" * 300]):
        assert main(words) == 2
        assert "too long for the name of a file" in capsys.readouterr().err
    assert main(["plan", "nowhere"]) == 2
    assert "there is no folder `nowhere`: not a git repository" in capsys.readouterr().err
    (pipelines / "sub").mkdir()
    (pipelines / "sub" / "d1.yaml").write_text(TASK)
    (pipelines / "twice.yaml").write_text(f"dag_id: b\n{TASK}")
    for name, said in (
        ("b", "b: several files have this DAG id, name one of them: pipelines/b.yaml, pipelines/twice.yaml"),
        ("d1", "(did you mean `sub.d1`?)"),
        ("bad", "pipelines/bad.yaml has errors: see `factory lint`"),
        ("pipelines/bad.yaml", "pipelines/bad.yaml has errors: see `factory lint`"),
    ):
        assert main(["schedule", "set", name, "@daily"]) == 2
        assert said in capsys.readouterr().err


def test_a_warning_does_not_stop_a_new_schedule(pipelines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = pipelines / "a.yaml"
    file.write_text(f"schedule: '@daily'\ntimezone: Europe/Berlin\n{TASK}")

    assert main(["schedule", "set", "a", "30 2 * * *"]) == 0
    assert "30 2 * * *" in file.read_text()
    assert "warning" in capsys.readouterr().err


def test_runs_are_shown_in_a_zone_and_counted_by_hour(pipelines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(6):
        (pipelines / f"p{number}.yaml").write_text(f"schedule: '0 5 * * *'\n{TASK}")
    at = ("--from", "2026-03-02", "--timezone", "Asia/Seoul")

    assert main(["schedule", "p1", "--next", "2", *at]) == 0
    assert "at 05:00  Mon 2026-03-02 14:00 KST, Tue 2026-03-03 14:00 KST" in capsys.readouterr().out
    assert main(["schedule", "--load", *at]) == 0
    said = capsys.readouterr().out
    assert "14:00      6  \u2588" in said
    assert "05:00      0\n" in said
    assert "crowded: 14:00 (6 runs)" in said
    assert main(["schedule", "--timezone", "Asia/Soul"]) == 2
    assert "there is no time zone `Asia/Soul`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words", "after"),
    [
        (f"schedule: '@daily' # x\n{TASK}", ("null",), f"schedule: null # x\n{TASK}"),
        (f"schedule: '@daily'\n{TASK}", ("{every: 90m}",), f"schedule: {{every: 90m}}\n{TASK}"),
        (f"schedule: {{every: 90m}}\n{TASK}", ("{cron: 0 9 * * *}",), f"schedule: {{cron: 0 9 * * *}}\n{TASK}"),
        (
            f"schedule: null\n{TASK}",
            ("{cron: '@daily'}", "--timezone", "Asia/Seoul"),
            f'schedule: {{cron: "@daily", timezone: Asia/Seoul}}\n{TASK}',
        ),
        (
            f"\ufeffdescription: x\r\n# tasks\r\n{TASK}",
            ("0 9 * * *",),
            f'\ufeffdescription: x\r\nschedule: "0 9 * * *"\r\n# tasks\r\n{TASK}',
        ),
        (
            f"schedule:\r\n  cron: 0 1 * * *\r\n{TASK}",
            ("0 9 * * *", "--timezone", "Asia/Seoul"),
            f'schedule:\r\n  cron: "0 9 * * *"\r\n  timezone: Asia/Seoul\r\n{TASK}',
        ),
        (
            f"schedule: '@daily'\nenvironments:\n  prod: {{schedule: '@hourly'}}\n{TASK}",
            ("0 9 * * *", "--environment", "prod"),
            f"schedule: '@daily'\nenvironments:\n  prod: {{schedule: \"0 9 * * *\"}}\n{TASK}",
        ),
        (
            f"schedule:\n  cron: 0 6 * * *\n  timezone: Asia/Seoul\n\n# tasks\n{TASK}",
            ("null",),
            f"schedule: null\n\n# tasks\n{TASK}",
        ),
        (f"schedule:\r\n  every: 1h\r\n{TASK}", ("{every: 2h}",), f"schedule: {{every: 2h}}\r\n{TASK}"),
        (
            f"schedule: {{\n  cron: [0 6 * * *,\n    0 9 * * *]}}  # x\n{TASK}",
            ("{cron: 0 9 * * *}",),
            f"schedule: {{cron: 0 9 * * *}}  # x\n{TASK}",
        ),
        (
            f"schedule:\n  cron:\n    - 0 6 * * *\n  # why\n  timezone: UTC\n{TASK}",
            ("{every: 2h}",),
            "a.yaml:1: the schedule is left as it is: it has comments inside",
        ),
        (f"schedule:  # x\n{TASK}", ("@daily",), f'schedule: "@daily"  # x\n{TASK}'),
        (f"schedule:\n{TASK}", ("@daily",), f'schedule: "@daily"\n{TASK}'),
        (f"schedule: >-\n  0 6\n  * * *\n{TASK}", ("@daily",), f'schedule: "@daily"\n{TASK}'),
        (
            f"vars: {{s: &s '@hourly'}}\nschedule: *s\n{TASK}",
            ("@daily",),
            f"vars: {{s: &s '@hourly'}}\nschedule: \"@daily\"\n{TASK}",
        ),
        (f"schedule: &s '@hourly'\n{TASK}", ("@daily",), f'schedule: &s "@daily"\n{TASK}'),
        (
            f"schedule: &s '@hourly'\nenvironments: {{p: {{schedule: *s}}}}\n{TASK}",
            ("@daily",),
            "others use it as `*s`",
        ),
        (
            f"schedule: &s {{cron: '@hourly'}}\nenvironments: {{p: {{schedule: *s}}}}\n{TASK}",
            ("@daily",),
            "used elsewhere as `*s`",
        ),
        (
            f"environments: {{p: {{schedule: &s {{cron: '@hourly'}}}}}}\nschedule: *s\n{TASK}",
            ("@daily",),
            "the schedule is that of line 1",
        ),
    ],
)
def test_a_schedule_is_set_and_the_rest_of_the_file_stays(
    text: str,
    words: tuple[str, ...],
    after: str,
    pipelines: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = pipelines / "a.yaml"
    file.write_bytes(text.encode())

    is_set = "\n" in after
    assert main(["schedule", "set", "a", *words]) == (0 if is_set else 2)
    assert file.read_bytes() == (after if is_set else text).encode()
    assert is_set or after in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("",), 2, "write a cron expression"),
        (("[0 6 * * *, 0 7 * * *]",), 2, 'for several crons write "{cron: [0 6 * * *, 0 7 * * *]}"'),
        (("@daily", "--from", "9999-12-31T23:59"), 2, "--from takes a date from 1900 to 9000"),
        (("none",), 1, "write null for no schedule"),
        (("null", "--timezone", "Asia/Seoul"), 2, "--timezone goes with a cron expression"),
        (("@daily", "--environment", "prod"), 2, "environment `prod` has no schedule of its own in this file"),
        (("@daily", "--environment", "prd"), 2, "prd"),
    ],
)
def test_what_cannot_be_set_is_said(
    words: tuple[str, ...],
    status: int,
    said: str,
    pipelines: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = pipelines / "a.yaml"
    file.write_text(f"schedule: '@hourly'\nenvironments: {{prod: {{tags: [x]}}}}\n{TASK}")

    assert main(["schedule", "set", "a", *words]) == status
    assert said in capsys.readouterr().err
    assert "@hourly" in file.read_text()


def test_all_dags_that_a_new_schedule_reaches_are_named(pipelines: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pipelines / "area.yaml").write_text(
        "dag_id: area-${matrix.region}\nmatrix: {region: [DE, US]}\nschedule: '@daily'\n"
        f"environments: {{prod: {{schedule: '@hourly'}}, test: {{}}}}\n{TASK}"
    )

    assert main(["schedule", "set", "area-DE", "0 9 * * *", "--from", "2026-03-02"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  area-DE, area-US",
        "  before: at 00:00; next runs: Tue 2026-03-03 00:00 UTC, Wed 2026-03-04 00:00 UTC, Thu 2026-03-05 00:00 UTC",
        "  after:  at 09:00; next runs: Mon 2026-03-02 09:00 UTC, Tue 2026-03-03 09:00 UTC, Wed 2026-03-04 09:00 UTC",
        "  environment prod: no change, it has a schedule of its own",
    ]


def test_a_schedule_of_assets_and_an_interval_in_words_say_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    text = "schedule: {assets: {any: [orders]}}\ntasks: [{id: a, uses: empty}]\n"
    (tmp_path / "pipelines" / "a.yaml").write_text(text)

    assets = factory("schedule", "set", "a", "0 7 * * *", cwd=tmp_path)
    words = factory("schedule", "set", "a", "every 15m", cwd=tmp_path)
    assert (assets.returncode, words.returncode) == (2, 2)
    assert """by the clock instead: write '{cron: "0 7 * * *"}'; by both: add `cron` there""" in assets.stderr
    assert words.stderr == 'factory schedule: for a run every 15m write "{every: 15m}"\n'
    assert (tmp_path / "pipelines" / "a.yaml").read_text() == text
    assert factory("schedule", "set", "a", '{cron: "0 7 * * *"}', cwd=tmp_path).returncode == 0
