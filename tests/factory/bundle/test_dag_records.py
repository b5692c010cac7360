"""What the bundle remembers of a DAG: since when it has its schedule, and that a person deleted it."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from factory.bundle.records import Database, RegisteredDag, read_state, state_path
from schemas.text.document import LET_READ

from .bundles import Bench, times, version_of

SINCE = re.compile(r"since=\{'orders': '([^']+)'\}")


def since(bench: Bench) -> str:
    found = SINCE.search((bench.current / "orders.yaml.py").read_text())
    return found[1] if found else ""


def aged(bench: Bench, **changes: Any) -> None:
    """Let what the bundle remembers be of long ago, or of an older version of this project."""
    state = json.loads(state_path(bench.base).read_text())
    state["dags"]["since"] = dict.fromkeys(state["dags"]["since"], "2026-01-01T00:00:00+00:00")
    state_path(bench.base).write_text(json.dumps({**state, **changes}))


def write(bench: Bench, schedule: str, more: str = "") -> None:
    bench.write("orders.yaml", f"dag_id: orders\nschedule: {schedule}\n{more}")


def test_the_moment_is_kept_until_the_schedule_changes(bench: Bench) -> None:
    write(bench, "0 7 * * *")
    bench.refreshed()
    assert datetime.fromisoformat(since(bench)) <= datetime.now(UTC)
    aged(bench)
    write(bench, "0 7 * * *", "x: 1\n")
    bench.refreshed()
    assert since(bench).startswith("2026-01-01")
    write(bench, "0 8 * * *")
    bench.refreshed()
    assert since(bench)[:10] == datetime.now(UTC).date().isoformat()


def test_a_file_that_is_broken_for_a_while_keeps_it_and_one_that_was_away_does_not(bench: Bench) -> None:
    write(bench, "0 7 * * *")
    bench.refreshed()
    aged(bench)
    write(bench, "0 7 * * *", "broken\n")
    bench.refreshed()
    write(bench, "0 7 * * *")
    bench.refreshed()
    assert since(bench).startswith("2026-01-01")
    (bench.folder / "orders.yaml").unlink()
    bench.refreshed()
    write(bench, "0 7 * * *")
    bench.refreshed()
    assert not since(bench).startswith("2026-01-01")


def test_dags_of_an_older_version_of_this_project_go_on_as_they_were(bench: Bench) -> None:
    write(bench, "0 7 * * *")
    bench.refreshed()
    aged(bench, dags={})
    write(bench, "0 7 * * *", "x: 1\n")
    bench.refreshed()
    assert since(bench) == ""


def test_a_deleted_dag_comes_back_paused_each_time(bench: Bench) -> None:
    write(bench, "0 7 * * *")
    bundle = bench.refreshed()
    refresher = bundle._refresher

    def look(*there: str, deleted: tuple[str, ...] = ()) -> bool:
        refresher.refresh(Database(dict.fromkeys(there, RegisteredDag()), frozenset(deleted)))
        return "paused=('orders',)" in (bench.current / "orders.yaml.py").read_text()

    # Before it was registered, and in a new database, nothing was deleted.
    assert [look(), look("orders"), look()] == [False, False, False]
    assert [look("orders"), look(deleted=("orders",)), look(), look("orders")] == [False, True, True, False]
    assert look(deleted=("orders",))
    assert read_state(bench.base).dags.deleted == ["orders"]


def test_a_dag_that_is_back_before_the_look_has_another_first_version(bench: Bench) -> None:
    """The records of an older version of this project name no first version, and so tell of nothing."""
    write(bench, "0 7 * * *")
    bench.refreshed()
    bench.refreshed()._refresher.refresh(Database({"orders": RegisteredDag(first="one")}, frozenset()))
    now = {"orders": RegisteredDag(first="two")}
    assert read_state(bench.base).dags.gone_from(now) == ["orders"]
    state = json.loads(state_path(bench.base).read_text())
    state["dags"]["registered"] = ["orders"]
    state_path(bench.base).write_text(json.dumps(state))
    assert read_state(bench.base).dags.gone_from(now) == []
    assert read_state(bench.base).dags.gone_from({}) == ["orders"]


def test_an_inactive_bundle_has_everything_read_again(bench: Bench) -> None:
    write(bench, "0 7 * * *")
    bundle = bench.refreshed()
    before = (bench.current / "orders.yaml.py").stat().st_ino
    bundle._refresher.refresh(Database({}, frozenset(), was_inactive=True))
    assert (bench.current / "orders.yaml.py").stat().st_ino != before


def _written(bench: Bench, *stubs: str) -> tuple[int, ...]:
    """What tells whether they were written anew."""
    return tuple((bench.current / stub).stat().st_ino for stub in stubs)


STUBS = ("orders.yaml.py", "sound.yaml.py")


def test_a_file_whose_error_airflow_has_lost_is_read_again(bench: Bench) -> None:
    """An `airflow` command that reads all files for one DAG finds no error in the others."""
    write(bench, "0 7 * * *")
    bench.write("sound.yaml", "x: 1\n")
    refresher = bench.refreshed()._refresher
    before = _written(bench, *STUBS)
    for errors in (STUBS[:1], STUBS[:1], (STUBS[0], "gone.yaml.py"), STUBS[:1]):
        refresher.refresh(Database({}, frozenset(), errors=frozenset(errors)))
        assert _written(bench, *STUBS) == before
    refresher.refresh(Database({}, frozenset()))
    again, sound = _written(bench, *STUBS)
    assert again != before[0]
    assert sound == before[1]
    refresher.refresh(Database({}, frozenset()))
    assert _written(bench, *STUBS) == (again, sound)


def test_an_error_that_came_and_went_between_two_looks_is_found_again(bench: Bench) -> None:
    """The dag-processor looks each five seconds, and a command may take less."""
    write(bench, "0 7 * * *")
    bench.write("sound.yaml", "x: 1\n")
    refresher = bench.refreshed()._refresher
    before = _written(bench, *STUBS)
    dags = {"sound": RegisteredDag(file=STUBS[1]), "orders": RegisteredDag()}
    refresher.refresh(Database(dags, frozenset()))
    assert _written(bench, *STUBS) == before
    refresher.refresh(Database(dags, frozenset(), is_read_by_command=True))
    again, sound = _written(bench, *STUBS)
    assert again != before[0]
    refresher.refresh(Database(dags, frozenset(), errors=frozenset(STUBS[:1]), is_read_by_command=True))
    assert _written(bench, *STUBS) == (again, sound) == (again, before[1])


def test_a_folder_that_cannot_be_read_keeps_its_pipelines(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("sales/orders.yaml", "x: 1\n")
    bench.write("good.yaml", "x: 1\n")
    bundle = bench.refreshed()
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if not isinstance(path, int) and Path(path) == (bench.folder / "sales").resolve():
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    # As root, which tests may be, every folder can be read.
    monkeypatch.setattr(os, "scandir", refusing)
    bundle.refresh()
    assert (bench.current / "sales/orders.yaml.py").is_file()
    assert read_state(bench.base).problems == {"sales/": f"cannot be read: Permission denied; {LET_READ}"}
    assert "sales/: cannot be read" in (bench.current / "sales (not read).yaml.py").read_text()


def test_a_misnamed_file_is_an_import_error_that_says_its_name(bench: Bench) -> None:
    bench.write("ORDERS.YAML", "x: 1\n")
    bench.refreshed()
    assert "rename it to `ORDERS.yaml`" in (bench.current / "ORDERS.YAML (not read).yaml.py").read_text()


def test_what_runs_soon_is_read_first(bench: Bench) -> None:
    """Airflow parses the newest file first, so the order of the files' times is that of the next runs."""
    names = ("a_paused", "b_soon", "c_later", "d_at_once")
    for name in names:
        bench.write(f"{name}.yaml", f"dag_id: {name}\nschedule: 0 7 * * *\n")
    bench.refreshed()
    next_runs = {"a_paused": math.inf, "b_soon": 200.0, "c_later": 300.0, "d_at_once": 100.0}
    bench.write("_defaults.yaml", "tags: [new]\n")
    for name in names:
        bench.write(f"{name}.yaml", f"dag_id: {name}\nschedule: 0 8 * * *\n")
    bundle = bench.bundle()
    with bundle.lock():
        registered = {dag_id: RegisteredDag(next_run) for dag_id, next_run in next_runs.items()}
        bundle._refresher.refresh(Database(registered, frozenset()))
    times = {name: (bench.current / f"{name}.yaml.py").stat().st_mtime for name in names}
    assert sorted(names, key=lambda name: -times[name]) == ["d_at_once", "b_soon", "c_later", "a_paused"]


def test_a_folder_that_is_suddenly_empty_keeps_its_pipelines_for_a_while(bench: Bench) -> None:
    """A link that is swapped to nothing, as by a mount that is late; a new process at that moment, too."""
    bench.empty_seconds = 3600
    bench.write("sales/a.yaml", "dag_id: x\n")
    bench.write("sales/jobs.py", "1")
    full, bare = bench.folder.rename(bench.folder.with_name("full")), bench.folder.with_name("bare")
    bare.mkdir()
    bench.folder.symlink_to(full)
    bundle = bench.refreshed()
    before, version = times(bench.current), version_of(bundle)
    swap(bench.folder, bare)
    for _ in range(2):
        bundle.refresh()
        bundle.refresh()
        assert (times(bench.current), version_of(bundle)) == (before, version)
        assert "stay for 60 minutes" in read_state(bench.base).problems["./"]
        (bare / "readme.md").write_text("also where something else is there")
        bundle = bench.bundle()
    swap(bench.folder, full)
    bundle.refresh()
    assert (times(bench.current), version_of(bundle)) == (before, version)
    assert read_state(bench.base).problems == {}


def test_a_folder_that_stays_empty_loses_its_pipelines(bench: Bench) -> None:
    bench.empty_seconds = 0.2
    source = bench.write("a.yaml", "dag_id: x\n")
    bundle = bench.refreshed()
    source.unlink()
    bundle.refresh()
    assert (bench.current / "a.yaml.py").exists()
    time.sleep(0.3)
    bundle.refresh()
    assert not (bench.current / "a.yaml.py").exists()
    assert read_state(bench.base).problems == {}
    source.write_text("dag_id: x\n")
    bundle.refresh()
    assert (bench.current / "a.yaml.py").exists()


def swap(link: Path, target: Path) -> None:
    new = link.with_name("new link")
    new.symlink_to(target)
    new.replace(link)


def test_a_dag_processor_on_an_empty_disk_goes_on_as_the_one_before(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a new pod does: the moments of schedules, and who had a DAG id first, are not on its disk."""
    store = f"file://{tmp_path}/store"
    monkeypatch.setattr("factory.bundle.records.datetime", _Clock("2026-01-01"))
    bench.write("first.yaml", "dag_id: one\nschedule: 0 7 * * *")
    bench.bundle(store=store).refresh()
    bench.write("second.yaml", "dag_id: one\nschedule: 0 8 * * *")
    bundle = bench.bundle(store=store)
    bundle.refresh()
    before = version_of(bundle)
    shutil.rmtree(bench.base)
    monkeypatch.setattr("factory.bundle.records.datetime", _Clock("2026-02-02"))

    bundle = bench.bundle(store=store)
    bundle.refresh()
    bundle.refresh()

    assert version_of(bundle) == before
    state = json.loads(state_path(bench.base).read_text())
    assert state["owners"] == {"one": "first.yaml"}
    assert state["dags"]["since"]["one"].startswith("2026-01-01")


class _Clock:
    def __init__(self, day: str) -> None:
        self._now = datetime.fromisoformat(f"{day}T00:00:00+00:00")

    def now(self, _: object) -> datetime:
        return self._now
