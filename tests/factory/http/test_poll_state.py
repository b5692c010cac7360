"""Polls that remember, run after run against a real server: what they ask for, and when their state moves."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.programs import module_program

from .shop_server import DATES, ShopServer

CHECKOUT = Path(__file__).resolve().parents[3]
EXAMPLES = CHECKOUT / "docs/examples/poll-state"
EXAMPLE_FILES = sorted(path.name for path in EXAMPLES.glob("*.yaml") if ".test." not in path.name)
PIPELINES = {
    "rows.yaml": """
        poll:
          url: ${env.TEST_API}/rows
          incremental: {cursor_path: id, start_param: since, initial_value: 0}
        tasks:
          - {id: load, uses: jobs.load, with: {answer: "${tasks.poll.output}"}}
          - {id: tidy, uses: empty, needs: [load], trigger_rule: all_done}
        """,
    "times.yaml": """
        tasks:
          - id: poll
            uses: http
            with:
              url: ${env.TEST_API}/times
              state_key: shop/times
              incremental:
                {cursor_path: at, start_param: since, end_param: until, initial_value: 2026-01-01T00:00:00Z, lag: 1d}
        """,
    "etag.yaml": """
        poll: {url: "${env.TEST_API}/document", change_detection: etag}
        tasks:
          - {id: load, uses: jobs.load, with: {answer: "${tasks.poll.output}"}}
        """,
    "modified.yaml": """
        poll: {url: "${env.TEST_API}/document", change_detection: last_modified, on_unchanged: run, commit: poll}
        tasks:
          - {id: load, uses: jobs.load, with: {answer: "${tasks.poll.output}"}}
        """,
    "digest.yaml": """
        poll: {url: "${env.TEST_API}/document", change_detection: hash}
        """,
    "short.yaml": """
        poll: {url: "${env.TEST_API}/document", change_detection: hash}
        tasks:
          - {id: wanted, uses: short_circuit, with: {python_callable: jobs.never}}
          - {id: load, uses: jobs.load, needs: [wanted], with: {answer: "${tasks.poll.output}"}}
        """,
    "unwanted.yaml": """
        poll: {url: "${env.TEST_API}/document", change_detection: hash}
        tasks:
          - {id: load, uses: jobs.load, run_if: "{{ false }}", with: {answer: "${tasks.poll.output}"}}
        """,
    "hidden.yaml": """
        poll:
          url: ${env.TEST_API}/document
          change_detection: hash
        tasks:
          - {id: check, uses: empty}
          - {id: load, uses: jobs.load, needs: [check], with: {answer: "${tasks.poll.output}"}}
          - {id: quiet, uses: empty, skip_if: "{{ true }}"}
          - {id: done, uses: empty, needs: [load, quiet]}
        """,
}

JOBS = """
import os
from pathlib import Path

def load(answer):
    if (Path(os.environ["TEST_FOLDER"]) / "fail").exists():
        raise RuntimeError("told to fail")
    print("LOADED", answer)

def never():
    return False
"""

DAG_FILE = """
# airflow dag
from pathlib import Path
from factory.stub_loader import load_stub
load_stub(globals(), {path!r}, Path({folder!r}))
"""

SUCCESS = {"poll": "success", "load": "success", "poll_commit": "success"}
SKIPPED = dict.fromkeys(SUCCESS, "skipped")


@dataclass(frozen=True)
class Ran:
    """States of the tasks and what was kept, by step; and what was asked for and logged."""

    states: dict[str, dict[str, str]]
    kept: dict[str, dict[str, Any]]
    asked: list[tuple[str, dict[str, str]]]
    log: str
    shop: Path

    def paths(self, start: str) -> list[str]:
        return [path for path, _ in self.asked if path.startswith(start)]


@pytest.fixture(scope="module")
def server() -> Iterator[ShopServer]:
    server = ShopServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, server: ShopServer) -> Ran:
    root = tmp_path_factory.mktemp("poll-state")
    pipelines, dags = root / "pipelines", root / "home" / "dags"
    pipelines.mkdir()
    dags.mkdir(parents=True)
    (pipelines / "jobs.py").write_text(JOBS)
    for example in EXAMPLES.iterdir():
        shutil.copy(example, pipelines)
    for path, text in PIPELINES.items():
        (pipelines / path).write_text(textwrap.dedent(text))
    for path in (*PIPELINES, *EXAMPLE_FILES):
        (dags / f"{path}.py").write_text(DAG_FILE.format(path=path, folder=str(pipelines)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(root / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": "0" * 64,
        "TEST_API": server.url(""),
        "TEST_FOLDER": str(root),
        "SHOP_API": server.url(""),
        "SHOP_DATABASE": str(root / "shop.db"),
    }
    names = [path.removesuffix(".yaml") for path in (*PIPELINES, "examples")]
    command = [*module_program("tests.factory.http.poll_state_runs"), *names]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    steps = [json.loads(line.removeprefix("STEP ")) for line in done.stdout.splitlines() if line.startswith("STEP ")]
    return Ran(
        {step["name"]: step["states"] for step in steps},
        {step["name"]: step["kept"] for step in steps},
        [(request.path, request.headers) for request in server.received],
        done.stdout,
        root / "shop.db",
    )


def test_a_run_asks_from_the_watermark_which_moves_when_all_has_succeeded(ran: Ran) -> None:
    marks = {name.removeprefix("rows: "): kept for name, kept in ran.kept.items() if name.startswith("rows: ")}
    assert marks["first"] == {"watermark": 3}
    assert marks["load fails"] == {"watermark": 3}
    assert marks["goes on"] == {"watermark": 6}
    assert marks["nothing new"] == {"watermark": 6}
    assert ran.paths("/rows")[:4] == ["/rows?since=0", "/rows?since=3", "/rows?since=3", "/rows?since=6"]
    assert ran.states["rows: first"] == SUCCESS | {"tidy": "success"}
    # `tidy` hides the failure of `load`; the watermark stays where it is all the same.
    assert ran.states["rows: load fails"] == SUCCESS | {
        "load": "failed", "tidy": "success", "poll_commit": "upstream_failed",
    }  # fmt: skip # tasks side by side


def test_a_cleared_run_asks_for_the_same_again_and_never_moves_the_watermark_back(ran: Ran) -> None:
    assert ran.paths("/rows")[4:] == ["/rows?since=0"]
    assert ran.kept["rows: first again"] == {"watermark": 7}
    assert "LOADED [{'id': 1}, {'id': 2}, {'id': 3}, {'id': 4}, {'id': 5}, {'id': 6}, {'id': 7}]" in ran.log
    assert ran.states["rows: only load again"]["load"] == "success"


def test_a_run_whose_record_is_gone_fails_and_says_so(ran: Ran) -> None:
    assert ran.states["rows: record gone"]["poll"] == "failed"
    assert ran.kept["rows: record gone"] == {"watermark": 7}
    assert "what it asked for is no longer on record" in ran.log


def test_a_failure_counts_that_a_skip_beside_it_hides_from_the_last_task(ran: Ran) -> None:
    """Airflow skips a task as soon as one before it is skipped, also while another one before it runs."""
    states = ran.states["hidden: load fails"]
    assert (states["load"], states["done"], states["poll_commit"]) == ("failed", "skipped", "upstream_failed")
    assert ran.kept["hidden: load fails"] == {}
    assert ran.states["hidden: loads"]["poll_commit"] == "success"


def test_what_skips_all_behind_it_skips_the_commit_too(ran: Ran) -> None:
    assert ran.states["short: first"] == {
        "poll": "success", "wanted": "success", "load": "skipped", "poll_commit": "skipped",
    }  # fmt: skip # tasks side by side
    assert ran.kept["short: first"] == {}


def test_what_conditions_keep_from_all_tasks_is_asked_for_again(ran: Ran) -> None:
    for step in ("first", "second"):
        assert ran.states[f"unwanted: {step}"] == SKIPPED | {"poll": "success"}
        assert ran.kept[f"unwanted: {step}"] == {}


def test_times_go_back_by_the_lag_and_end_at_the_moment_of_asking(ran: Ran) -> None:
    first, second = ran.paths("/times")
    time = r"20\d\d-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ"
    assert re.fullmatch(rf"/times\?since=2026-01-01T00%3A00%3A00Z&until={time}", first)
    assert re.fullmatch(rf"/times\?since=2026-01-02T12%3A30%3A00Z&until={time}", second)
    assert ran.kept["times: second"] == {"watermark": "2026-01-03T12:30:00Z"}
    assert ran.states["times: first"] == {"poll": "success"}


def test_the_same_etag_skips_the_run_until_the_answer_changes(ran: Ran) -> None:
    assert ran.kept["etag: first"] == {"answer": {"etag": '"v0"'}}
    assert ran.states["etag: same"] == SKIPPED
    # What failed to arrive is still another answer for the next run.
    assert ran.kept["etag: load fails"] == {"answer": {"etag": '"v0"'}}
    assert (ran.states["etag: changed"], ran.kept["etag: changed"]) == (SUCCESS, {"answer": {"etag": '"v1"'}})
    # It asked without a condition when it first started, so it does again.
    assert ran.states["etag: first again"] == SUCCESS
    conditions = [headers.get("If-None-Match") for path, headers in ran.asked if path == "/document"]
    assert conditions[:5] == [None, '"v0"', '"v0"', '"v0"', None]


def test_an_unchanged_answer_may_run_on_and_the_poll_may_commit(ran: Ran) -> None:
    assert ran.states["modified: same"] == {"poll": "success", "load": "success"}
    assert ran.kept["modified: first"] == {"answer": {"last_modified": DATES[1]}}
    assert "LOADED None" in ran.log


def test_a_hash_sees_what_the_server_does_not_say(ran: Ran) -> None:
    assert [ran.states[f"digest: {step}"] for step in ("first", "same", "changed")] == [
        {"poll": "success"},
        {"poll": "skipped"},
        {"poll": "success"},
    ]
    assert ran.kept["digest: first"] == ran.kept["digest: same"] != ran.kept["digest: changed"]


def test_the_examples_of_the_documentation(ran: Ran) -> None:
    assert ran.kept["new_orders: second"] == {"watermark": "2026-01-03T12:30:00Z"}
    assert ran.paths("/orders")[1] == "/orders?since=2026-01-03T12%3A20%3A00Z"
    with sqlite3.connect(ran.shop) as database:
        assert database.execute("SELECT count(*), max(updated_at) FROM orders").fetchone() == (
            3,
            "2026-01-03T12:30:00Z",
        )
    for example in ("prices", "stock"):
        assert ran.states[f"{example}: first"] == dict.fromkeys(("poll", "publish", "poll_commit"), "success")
        assert ran.states[f"{example}: second"] == dict.fromkeys(("poll", "publish", "poll_commit"), "skipped")
    for step in ("first", "second"):
        assert ran.states[f"catalogue: {step}"] == dict.fromkeys(("poll", "report", "poll_commit"), "success")
    assert ran.states["returns: second"] == {"poll": "success"}
    assert ran.kept["returns: second"] == {"watermark": "2026-01-06T12:30:00Z"}
    asked = [parse_qs(urlsplit(path).query) for path in ran.paths("/returns")]
    # The second run asks from a lag before the watermark, and is done with the first page, whose last row it had.
    assert [(query["since"], query["page"]) for query in asked] == [
        *[(["2026-01-01T00:00:00Z"], [str(number)]) for number in (1, 2, 3, 4)],
        (["2026-01-06T10:30:00Z"], ["1"]),
    ]
    assert all("until" in query for query in asked)
