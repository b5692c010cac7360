"""When a pipeline's runs start after its file or its switch changed, on the real scheduler, over real minutes.

The result is the table in docs/schedules.md, which this compares; with WRITE_TABLE=1 in the environment it writes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import CHECKOUT, LocalRun, RunClient

TASK = "tasks: [{id: a, uses: empty}]\n"
DOCS = CHECKOUT / "docs" / "schedules.md"
BEGIN, END = "<!-- when-runs-start -->\n", "<!-- /when-runs-start -->\n"
MINUTELY = f'schedule: "* * * * *"\n{TASK}'
NEXT, LAST, NOW, ALL = "the next slot", "at once, for the last slot", "at once", "at once, for each missed slot"
TWO = "at once, for the first and the last"

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

pytestmark = pytest.mark.soak


@dataclass
class Case:
    """A row: what a person does to the DAG `dag_id`, `after` what it was, and what `since` then ran."""

    what: str
    dag_id: str
    before: str = ""
    change: Callable[[Bench, Case], None] | None = None
    text: str = ""
    since: datetime = BEFORE_ALL


class Bench:
    def __init__(self, folder: Path) -> None:
        (folder / "pipelines").mkdir()
        self.run = LocalRun(folder / "pipelines", folder / "home")
        self.now = datetime.now(UTC)

    @property
    def api(self) -> RunClient:
        return self.run.api()

    def file(self, dag_id: str) -> Path:
        return self.run.pipelines / f"{dag_id}.yaml"

    def daily(self, **ago: float) -> str:
        moment = self.now - timedelta(**ago)
        return f"{moment.minute} {moment.hour} * * *"

    def pause(self, dag_id: str, *, paused: bool) -> None:
        self.api.send("PATCH", f"/dags/{dag_id}", {"is_paused": paused})

    def wait_for_dags(self, dag_ids: list[str]) -> None:
        for dag_id in dag_ids:
            self.run.wait_for(lambda dag_id=dag_id: self.api.dag(dag_id), 60, dag_id)  # type: ignore[misc]

    def outcome(self, case: Case) -> str:
        runs = [r for r in self.api.runs(case.dag_id) if r["run_type"] == "scheduled" and moment(r) >= case.since]
        slots = [datetime.fromisoformat(run["run_after"]) for run in runs]
        missed = [slot for slot in slots if slot < case.since - timedelta(seconds=1)]
        if len(missed) > 1:
            return TWO if case.dag_id == "paused" and len(missed) == 2 else ALL
        return LAST if missed else NOW if slots and "every" in case.text else NEXT


def moment(run: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(run["queued_at"])


def save(bench: Bench, case: Case) -> None:
    bench.file(case.dag_id).write_text(case.text)


def cases(bench: Bench) -> list[Case]:
    ten, two_hours = bench.daily(minutes=10), bench.daily(hours=2)
    start = "start_date: 2026-01-01\n"
    day_before = f"start_date: {(bench.now - timedelta(days=3)).date()}\n"
    cron = f'schedule: "{ten}"\n{TASK}'
    interval = f'schedule: {{cron: "{ten}", data_interval: true}}\n{TASK}'
    ran = f'schedule: "{two_hours}"\n{start}{TASK}'

    def rename(bench: Bench, case: Case) -> None:
        bench.file(case.dag_id).rename(bench.file(f"{case.dag_id}_renamed"))

    def rename_id(bench: Bench, case: Case) -> None:
        bench.file("old_name").rename(bench.file(case.dag_id))

    def restore(bench: Bench, case: Case) -> None:
        bench.file(case.dag_id).with_suffix(".away").rename(bench.file(case.dag_id))

    def switch_on(bench: Bench, case: Case) -> None:
        bench.pause(case.dag_id, paused=False)

    return [
        Case("save a new file", "new", text=cron, change=save),
        Case("the same, several crons", "several", text=f'schedule: {{cron: ["{ten}", "{two_hours}"]}}\n{TASK}'),
        Case("the same, `data_interval: true`", "interval", text=interval),
        Case("the same, `assets` and `cron`", "assets", text=f'schedule: {{assets: orders, cron: "{ten}"}}\n{TASK}'),
        Case("the same, `every: 1h`", "every", text=f"schedule: {{every: 1h}}\n{TASK}"),
        Case("the same, with a `start_date` in the past", "started", text=start + cron),
        Case("the same, with `catchup: true`, too", "catchup", text=f"catchup: true\n{day_before}{cron}"),
        Case("change the schedule", "moved", before=ran, text=cron),
        Case("the same, with a `start_date` in the past", "moved_start", before=ran, text=start + cron),
        Case("rename the file, `dag_id` written", "kept", before=f"dag_id: kept\n{ran}", change=rename),
        Case("rename the file, and so the DAG", "new_name", before="", change=rename_id),
        Case("remove the file, and put it back", "restored", before=cron, change=restore),
        Case(
            "switch it on again, more than two slots were missed in a few minutes",
            "paused",
            before=MINUTELY,
            change=switch_on,
        ),
        Case("fix the file, slots were missed", "broken", before=MINUTELY, text=MINUTELY),
        Case("start `make run` again, slots were missed", "night", before=MINUTELY, text=MINUTELY),
    ]


def test_the_table_of_what_starts_a_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    rows = cases(bench)
    by_id = {case.dag_id: case for case in rows}
    try:
        bench.run.start()
        prepare(bench, rows)
        bench.run.wait_for(lambda: all(bench.api.runs(i) for i in ("moved", "moved_start", "kept")), 90, "first runs")
        # Slots are missed: those of three minutes, for the DAG that is paused and the one that is broken.
        time.sleep(190)
        wait_until_second(30)
        bench.now = datetime.now(UTC)
        for case in rows:
            case.since = datetime.now(UTC)
            if case.dag_id != "night":
                (case.change or save)(bench, case)
        bench.wait_for_dags([case.dag_id for case in rows])
        bench.run.wait_for(lambda: bench.api.runs("every") and bench.api.runs("started"), 60, "runs")
        time.sleep(12)
        found = {case.dag_id: bench.outcome(case) for case in rows if case.dag_id != "night"}
        bench.run.stop()
        time.sleep(70)
        wait_until_second(5)
        by_id["night"].since = datetime.now(UTC)
        bench.run.start()
        bench.run.wait_for(lambda: any(moment(r) > by_id["night"].since for r in bench.api.runs("night")), 180, "a run")
        found["night"] = bench.outcome(by_id["night"])
    finally:
        if bench.run.process.poll() is None:
            bench.run.stop()
        bench.run.kill_left()
    compare_with_docs([f"| {case.what} | {found[case.dag_id]} |\n" for case in rows])


def prepare(bench: Bench, rows: list[Case]) -> None:
    """What is there before, with the DAG that is paused, the broken file and the one that was removed."""
    bench.file("old_name").write_text(f'schedule: "{bench.daily(minutes=10)}"\n{TASK}')
    there = [case for case in rows if case.before]
    for case in there:
        bench.file(case.dag_id).write_text(case.before)
    bench.wait_for_dags([case.dag_id for case in there] + ["old_name"])
    bench.run.wait_for(lambda: all(bench.api.runs(i) for i in ("paused", "broken", "night")), 90, "runs of each minute")
    bench.pause("paused", paused=True)
    bench.file("broken").write_text(MINUTELY.replace("empty", "emtpy"))
    bench.file("restored").rename(bench.file("restored").with_suffix(".away"))
    bench.run.wait_for(lambda: bench.api.dag("restored") is None and bench.api.import_errors(), 60, "the changes")


def wait_until_second(second: int) -> None:
    """So that no slot of a minute falls into what is measured."""
    time.sleep((second - time.time() % 60) % 60)


def compare_with_docs(rows: list[str]) -> None:
    table = "".join(["| you | it runs |\n", "|---|---|\n", *rows])
    text = DOCS.read_text()
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("WRITE_TABLE"):
        DOCS.write_text(f"{before}{BEGIN}{table}{END}{after}")
    else:
        assert shown == table
