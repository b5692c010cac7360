"""Polls that remember, on PostgreSQL and with Celery: scheduled, triggered, cleared, watched, and their worker killed.

One cluster for the whole module. The tests run in the order in which they stand.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from factory.local.api import task_path
from tests.factory.http.http_server import Received
from tests.factory.http.poll_cases import CASES, Case, Ran, connections
from tests.factory.http.shop_server import PAGE_ROWS, ShopServer, send

from .cluster import HEARTBEAT_SECONDS, Cluster, cluster
from .services import missing_services

LACKING = [*missing_services(), *([] if find_spec("airflow.providers.celery") else ["the extra `celery`"])]
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}"),
]

ORDERS = """
schedule: {every: 10s}
default_args: {retries: 3, retry_delay: 0s}
poll:
  url: ${env.SHOP_API}/padded
  pagination: {type: page_number}
  incremental: {cursor_path: id, start_param: since, initial_value: 0}
tasks:
  - {id: load, uses: warehouse.load, with: {rows: "${tasks.poll.output}"}}
"""
PRICES = """
schedule: null
poll: {url: "${env.SHOP_API}/prices", change_detection: etag}
tasks:
  - {id: show, uses: bash, with: {bash_command: "true", env: {PRICES: "${tasks.poll.output}"}}}
"""
STOCK = """
poll: {url: "${env.SHOP_API}/stock", change_detection: hash, watch: {every: 2s}}
tasks:
  - {id: show, uses: bash, with: {bash_command: "true", env: {STOCK: "${tasks.poll.output}"}}}
"""
ODD = """
schedule: null
poll: {url: "${env.SHOP_API}/odd"}
"""
WAREHOUSE = """
import os, sqlite3, time
from pathlib import Path

def load(rows, ti):
    with sqlite3.connect(os.environ["SHOP_DATABASE"]) as database:
        values = [(row["id"], ti.run_id, ti.try_number) for row in rows]
        database.executemany("INSERT INTO arrived VALUES (?, ?, ?)", values)
        database.executemany("INSERT OR REPLACE INTO keyed VALUES (?)", [value[:1] for value in values])
    held = Path(os.environ["SHOP_DATABASE"] + ".hold")
    while rows and held.exists():
        held.with_suffix(".held").touch()
        time.sleep(0.1)
"""
PADDING = "x" * 2000
"""So that the rows of a large window are more than a row of the database may hold."""
LARGE = 60
ROUNDS = 4
PATIENCE = 300.0
"""Seconds. The machine may do much else, and each task takes a process that imports Airflow."""


class HoldingServer(ShopServer):
    """`/padded`: rows by pages; where `hold` is set, the third page is not answered until it is cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.routes["/padded"] = self._padded
        self.routes["/odd"] = lambda handler: send(handler, {"name": "nor\0th"})
        self.hold = threading.Event()
        self.reached = threading.Event()

    def _padded(self, handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        page, since = int(query["page"][0]), int(query["since"][0])
        while page == 3 and self.hold.is_set():
            self.reached.set()
            time.sleep(0.05)
        first = since + PAGE_ROWS * (page - 1)
        last = min(first + PAGE_ROWS, self.rows)
        send(handler, [{"id": number, "text": PADDING} for number in range(first + 1, last + 1)])


@dataclass
class Scene:
    cluster: Cluster
    server: HoldingServer
    shop: Path
    cases: list[Case]

    def query(self, text: str, *values: object) -> list[Any]:
        with sqlite3.connect(self.shop) as database:
            return database.execute(text, values).fetchall()

    def loaded(self) -> list[int]:
        return [number for (number,) in self.query("SELECT id FROM keyed ORDER BY id")]

    def all_loaded(self) -> None:
        """Wait until what was served is loaded, and the watermark is there."""
        served = list(range(1, self.server.rows + 1))
        self.cluster.wait_for(lambda: self.loaded() == served, PATIENCE, f"{self.server.rows} rows to be loaded")
        self.cluster.wait_for(lambda: self.watermark() == self.server.rows, PATIENCE, "the watermark to move")

    def watermark(self) -> Any:
        return self.kept("orders", "watermark")

    def kept(self, dag_id: str, key: str) -> Any:
        """What Airflow's API has in the state store of a poll's asset."""
        api = self.cluster.api
        assets = api.get("/assets", {"name_pattern": f"{dag_id}/poll"})["assets"]
        found = api.get(f"/assets/{assets[0]['id']}/state-store/{key}") if assets else None
        return found["value"] if found else None

    def finished(self, dag_id: str, run_id: str) -> dict[str, str]:
        """The states of a run's tasks, when it is over."""
        api = self.cluster.api
        over = ("success", "failed")
        self.cluster.wait_for(
            lambda: any(r["dag_run_id"] == run_id and r["state"] in over for r in api.runs(dag_id)), PATIENCE, run_id
        )
        return {name: task["state"] for name, task in api.tasks(dag_id, run_id).items()}

    def paths(self, start: str) -> list[Received]:
        return [request for request in self.server.received if request.path.startswith(start)]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("cluster")
    pipelines, shop = folder / "pipelines", folder / "shop.db"
    pipelines.mkdir()
    for name, text in {
        "orders.yaml": ORDERS,
        "prices.yaml": PRICES,
        "stock.yaml": STOCK,
        "warehouse.py": WAREHOUSE,
        "odd.yaml": ODD,
    }.items():
        (pipelines / name).write_text(text)
    with sqlite3.connect(shop) as database:
        database.execute("CREATE TABLE arrived (id, run, try)")
        database.execute("CREATE TABLE keyed (id PRIMARY KEY)")
    server = HoldingServer()
    try:
        variables = {"SHOP_API": server.url(""), "SHOP_DATABASE": str(shop), **connections()}
        with ExitStack() as stack:
            cases = [stack.enter_context(Case.served(case)) for case in CASES]
            for case in cases:
                case.put_into(pipelines, folder / "out")
            yield Scene(stack.enter_context(cluster(pipelines, folder / "home", variables)), server, shop, cases)
    finally:
        server.hold.clear()
        server.close()


def test_scheduled_runs_load_what_is_new(scene: Scene) -> None:
    scene.all_loaded()
    for more in range(1, ROUNDS + 1):
        scene.server.rows += more
        scene.all_loaded()
    assert scene.query("SELECT id FROM arrived GROUP BY id HAVING count(*) > 1") == []
    runs = scene.cluster.api.runs("orders", "success")
    assert {run["run_type"] for run in runs} == {"scheduled"}
    print(f"{len(runs)} scheduled runs, {scene.server.rows} rows, watermark {scene.watermark()}")


def test_a_worker_that_is_killed_between_two_pages(scene: Scene) -> None:
    before = scene.server.rows
    scene.server.hold.set()
    scene.server.rows += LARGE
    scene.cluster.wait_for(scene.server.reached.is_set, PATIENCE, "the third page")
    killed = scene.cluster.kill_worker()
    asked = len(scene.server.received)
    scene.server.hold.clear()
    # What came in the meantime is for the window that was fixed before, too.
    scene.server.rows += 1
    scene.cluster.start_worker()
    scene.all_loaded()
    again = [request for request in scene.server.received[asked:] if "page=1" in request.path]
    assert f"since={before}" in again[0].path
    assert scene.query("SELECT id FROM arrived GROUP BY id HAVING count(*) > 1") == []
    (run,) = {run for (run,) in scene.query("SELECT run FROM arrived WHERE id = ?", before + 1)}
    assert scene.cluster.api.tasks("orders", run)["poll"]["try_number"] == 2
    # The rows of that window went by a file, not by the database.
    kept = [path for path in scene.cluster.home.xcom.rglob("*") if path.is_file() and path.stat().st_size > 64 * 1024]
    assert kept
    print(
        f"{len(killed)} processes killed; taken for dead after {HEARTBEAT_SECONDS} s; {scene.server.rows} rows loaded"
    )


def test_a_worker_that_is_killed_while_rows_are_loaded(scene: Scene) -> None:
    hold, held = Path(f"{scene.shop}.hold"), Path(f"{scene.shop}.held")
    before = scene.server.rows
    hold.touch()
    scene.server.rows += 5
    scene.cluster.wait_for(held.exists, PATIENCE, "rows to be loaded")
    assert scene.watermark() == before
    scene.cluster.kill_worker()
    hold.unlink()
    scene.cluster.start_worker()
    scene.all_loaded()
    twice = scene.query("SELECT id, min(run) = max(run) FROM arrived GROUP BY id HAVING count(*) > 1")
    # They arrived in both tries of one run.
    assert twice == [(number, 1) for number in range(before + 1, before + 6)]


def test_a_run_that_is_cleared_asks_for_the_same_and_the_watermark_stays(scene: Scene) -> None:
    api = scene.cluster.api
    ((first,),) = scene.query("SELECT run FROM arrived WHERE id = 1")
    mark, asked = scene.watermark(), len(scene.server.received)
    api.send("POST", "/dags/orders/clearTaskInstances", {"dag_run_id": first, "dry_run": False, "only_failed": False})
    scene.cluster.wait_for(
        lambda: scene.query("SELECT 1 FROM arrived WHERE id = 1 AND try > 1"), PATIENCE, "the cleared run"
    )
    assert scene.finished("orders", first) == dict.fromkeys(("poll", "load", "poll_commit"), "success")
    assert any("since=0" in request.path for request in scene.server.received[asked:])
    assert scene.watermark() == mark


def test_an_answer_that_is_the_same_skips_a_triggered_run(scene: Scene) -> None:
    api = scene.cluster.api
    skipped = dict.fromkeys(("poll", "show", "poll_commit"), "skipped")
    done = dict.fromkeys(skipped, "success")
    assert scene.finished("prices", api.trigger("prices")) == done
    assert scene.kept("prices", "answer") == {"etag": '"v0"'}
    assert scene.finished("prices", api.trigger("prices")) == skipped
    scene.server.version = 1
    assert scene.finished("prices", api.trigger("prices")) == done
    assert [r.headers.get("If-None-Match") for r in scene.paths("/prices")] == [None, '"v0"', '"v0"']


def test_a_watch_starts_a_run_for_each_change(scene: Scene) -> None:
    def runs() -> int:
        return len(scene.cluster.api.runs("stock", "success"))

    # Another test changes the answer, too: where the watch has begun before, that is a run more.
    scene.cluster.wait_for(runs, PATIENCE, "the first run of the watch")
    before, asked = runs(), len(scene.paths("/stock"))
    scene.server.version = 1 - scene.server.version
    scene.cluster.wait_for(lambda: runs() == before + 1, PATIENCE, "the run of the change")
    scene.cluster.wait_for(lambda: len(scene.paths("/stock")) > asked + 5, PATIENCE, "requests without a run")
    assert runs() == before + 1
    print(json.dumps({"rows": scene.server.rows, "runs": len(scene.cluster.api.runs("orders", "success"))}))


def test_a_character_that_postgresql_cannot_keep_is_said(scene: Scene) -> None:
    run_id = scene.cluster.api.trigger("odd")
    assert scene.finished("odd", run_id)["poll"] == "failed"
    assert "characters that PostgreSQL cannot keep" in scene.cluster.api.log("odd", run_id, "poll")


def test_the_cases_of_the_poller(scene: Scene) -> None:
    wrong, ran = [], 0
    scene.cluster.wait_for(lambda: all(scene.cluster.api.dag(one.name) for one in scene.cases), PATIENCE, "the DAGs")
    for number in range(max(len(case.runs) for case in scene.cases)):
        due = [case for case in scene.cases if len(case.runs) > number]
        for case in due:
            case.server.received.clear()
        started = [(case, scene.cluster.api.trigger(case.name)) for case in due]
        for case, run_id in started:
            scene.finished(case.name, run_id)
            wrong += [
                f"{case.name} {number}: {text}" for text in case.wrong(case.runs[number], _ran(scene, case, run_id))
            ]
            ran += 1
    print(f"{len(scene.cases)} cases, {ran} runs")
    assert wrong == []


def _ran(scene: Scene, case: Case, run_id: str) -> Ran:
    api = scene.cluster.api
    poll = api.tasks(case.name, run_id)["poll"]
    answer = api.get(f"{task_path(poll)}/logs/1")
    log = json.dumps(answer["content"], ensure_ascii=False)
    http = api.xcom(poll, "http") or {}
    keeps = any("watermark" in run for run in case.runs)
    mark = scene.kept(case.name, "watermark") if keeps else None
    return Ran(poll["state"], api.xcom(poll, "return_value"), log, http.get("headers"), mark)
