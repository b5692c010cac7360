"""Which files Airflow could not read, from logs of parses as Airflow writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from factory.local.logs import BEGIN, UnreadFiles

NAME = "sales/a.yaml.py"


@pytest.fixture
def now() -> datetime:
    """When a test begins: a minute and a half later a parse has been given up."""
    return datetime.now(UTC)


@pytest.fixture
def current(tmp_path: Path) -> Path:
    """The folder that Airflow reads, with one file."""
    file = tmp_path / "current" / NAME
    file.parent.mkdir(parents=True)
    file.touch()
    return tmp_path / "current"


def log(folder: Path, begun: datetime, *entries: dict[str, object], day: str = "2026-11-28") -> Path:
    path = folder / "logs" / day / "pipelines" / f"{NAME}.log"
    path.parent.mkdir(parents=True)
    begin = {"event": f"Filling up the DagBag from /home/current/{NAME}"}
    lines = [{"timestamp": begun.isoformat(), **entry} for entry in (begin, *entries)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def files(folder: Path, since: datetime | None = None) -> UnreadFiles:
    since = since or datetime.min.replace(tzinfo=UTC)
    return UnreadFiles(folder / "logs", folder / "current", folder / "dag-processor.log", since)


def look(folder: Path, kept: datetime | None = None) -> dict[str, str]:
    return files(folder).look({NAME: kept} if kept else {})


def kill(folder: Path, moment: datetime) -> Path:
    """What the dag-processor says when a process has taken 50 s."""
    info = (
        f"rel_path=PosixPath('{NAME}'), bundle_name='pipelines', bundle_path=PosixPath('/current'), bundle_version=None"
    )
    long = f"Processor for DagFileInfo({info}) with PID 7 has been running for 50.72 seconds, exceeding the timeout of"
    path = folder / "dag-processor.log"
    path.write_text(
        f"{moment - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S.%fZ} [info     ] Refreshing bundle pipelines    [manager]\n"
        f"{moment:%Y-%m-%dT%H:%M:%S.%fZ} [error    ] {long} 50.00 seconds. Killing it! [manager] loc=manager.py:1638\n"
    )
    return path


EXIT = {"event": "Process exited abnormally", "exit_code": 126}
CALLBACK = {"event": "Executing on_failure dag callback", "dag_id": "a"}


def test_a_process_that_died_is_told_until_something_newer_is_kept(
    tmp_path: Path, current: Path, now: datetime
) -> None:
    path = log(tmp_path, now, EXIT)
    unread = {NAME: f"the process that reads it exited with 126; see {path}"}
    assert look(tmp_path) == unread
    assert look(tmp_path, now - timedelta(seconds=1)) == unread
    assert look(tmp_path, now + timedelta(hours=1)) == {}
    (current / NAME).unlink()
    assert look(tmp_path) == {}


@pytest.mark.usefixtures("current")
def test_the_newest_day_counts(tmp_path: Path, now: datetime) -> None:
    log(tmp_path, now - timedelta(days=1), EXIT, day="2026-11-27")
    log(tmp_path, now)
    assert look(tmp_path, now - timedelta(hours=1)) == {}


@pytest.mark.usefixtures("current")
def test_a_parse_of_which_nothing_comes_is_told_when_airflow_has_given_it_up(tmp_path: Path, now: datetime) -> None:
    path = log(tmp_path, now - timedelta(minutes=3))
    assert look(tmp_path, now - timedelta(minutes=4)) == {NAME: f"Airflow has kept nothing of it; see {path}"}
    assert look(tmp_path, now - timedelta(minutes=2)) == {}


@pytest.mark.usefixtures("current")
def test_a_parse_that_may_still_go_on_is_no_fault(tmp_path: Path, now: datetime) -> None:
    log(tmp_path, now)
    assert look(tmp_path) == {}


@pytest.mark.usefixtures("current")
def test_a_fault_is_told_until_the_next_parse_has_ended(tmp_path: Path, now: datetime) -> None:
    died = now - timedelta(seconds=30)
    again = {"event": f"Filling up the DagBag from /home/current/{NAME}"}
    path = log(tmp_path, died, EXIT, again | {"timestamp": now.isoformat()})
    assert look(tmp_path) == {NAME: f"the process that reads it exited with 126; see {path}"}
    assert look(tmp_path, now + timedelta(seconds=5)) == {}


@pytest.mark.usefixtures("current")
def test_a_process_that_ran_callbacks_keeps_nothing_and_is_no_fault(tmp_path: Path, now: datetime) -> None:
    log(tmp_path, now - timedelta(minutes=3), CALLBACK, EXIT)
    assert look(tmp_path, now - timedelta(minutes=4)) == {}


def test_a_callback_whose_process_died_was_not_sent(tmp_path: Path, now: datetime) -> None:
    again = {"event": f"Filling up the DagBag from /home/current/{NAME}"}
    path = log(tmp_path, now, CALLBACK, EXIT, again)
    watched = files(tmp_path, now - timedelta(seconds=1))
    watched.look({})
    assert watched.failed_notifications() == [(NAME, f"its process exited with 126 (log: {path})")]
    watched.look({})
    assert watched.failed_notifications() == []


@pytest.mark.parametrize("entries", [[CALLBACK], [EXIT], [CALLBACK, {"event": BEGIN}, EXIT]], ids=str)
def test_a_callback_that_ended_or_a_parse_is_no_failed_notification(
    tmp_path: Path, now: datetime, entries: list[dict[str, object]]
) -> None:
    log(tmp_path, now, *entries)
    watched = files(tmp_path)
    watched.look({})
    assert watched.failed_notifications() == []


def test_a_callback_that_was_killed_for_its_time_was_not_sent(tmp_path: Path, now: datetime) -> None:
    log(tmp_path, now - timedelta(seconds=70), CALLBACK)
    path = kill(tmp_path, now - timedelta(seconds=20))
    watched = files(tmp_path, now - timedelta(minutes=5))
    watched.look({})
    why = f"its process was killed after 51 s, which is too long for Airflow (log: {path})"
    assert watched.failed_notifications() == [(NAME, why)]
    watched.look({})
    assert watched.failed_notifications() == []


@pytest.mark.parametrize(
    ("begun", "callbacks"), [(70, []), (300, [CALLBACK]), (10, [CALLBACK])], ids=["a parse", "before", "after"]
)
def test_a_kill_of_a_parse_is_no_failed_notification(
    tmp_path: Path, now: datetime, begun: int, callbacks: list[dict[str, object]]
) -> None:
    log(tmp_path, now - timedelta(seconds=begun), *callbacks)
    kill(tmp_path, now - timedelta(seconds=20))
    watched = files(tmp_path)
    watched.look({})
    assert watched.failed_notifications() == []
