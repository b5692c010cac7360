"""Pipelines of docs/recipes.md in a real Airflow, where more than one run counts; the rest is in their `.test.yaml`.

One migration and one process for all runs: both cost many seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from schemas.check import Checker, CheckOptions, check_file
from tests.factory.http.http_server import Server
from tests.programs import module_program

CHECKOUT = Path(__file__).resolve().parents[2]
RECIPES = CHECKOUT / "docs/examples/recipes"
OPTIONAL = {"kubernetes_pod": "apache-airflow-providers-cncf-kubernetes"}
"""Recipe → the package without which it is no DAG."""

STUB = """
# airflow dag
from pathlib import Path
from factory.stub_loader import load_stub
load_stub(globals(), {path!r}, Path({folder!r}))
"""
ORDERS = [
    {"id": 1, "status": "new", "updated_at": "2026-01-05T00:00:00Z"},
    {"id": 2, "status": "new", "updated_at": "2026-01-05T00:05:00Z"},
    {"id": 1, "status": "sent", "updated_at": "2026-01-05T00:08:00Z"},
]


class Shop:
    """The API of the recipes: orders by time, exchange rates with an ETag, Slack's webhooks."""

    def orders(self, handler: BaseHTTPRequestHandler) -> None:
        (since,) = parse_qs(urlsplit(handler.path).query)["updated_since"]
        # Two orders are there at first, the change of one of them later.
        seen = ORDERS[:2] if since.startswith("2026-01-01") else ORDERS
        self._answer(handler, [order for order in seen if order["updated_at"] >= since])

    def rates(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("If-None-Match") == '"1"':
            handler.send_response(304)
            handler.end_headers()
        else:
            self._answer(handler, {"rates": {"EUR": 1, "KRW": 1700}}, etag='"1"')

    def _answer(self, handler: BaseHTTPRequestHandler, value: Any, etag: str = '"0"') -> None:
        body = json.dumps(value).encode()
        handler.send_response(200)
        for name, field in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("ETag", etag)):
            handler.send_header(name, field)
        handler.end_headers()
        handler.wfile.write(body)


def installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    shop = Shop()
    server = Server(routes={"/orders": shop.orders, "/latest": shop.rates})
    server.answers("/slack/T1/B1/token", b"ok")
    yield server
    server.close()


@dataclass(frozen=True)
class Ran:
    """States of tasks by run, what is in the warehouses, the folder of files, and the whole log."""

    states: dict[str, dict[str, str]]
    folder: Path
    log: str

    def rows(self, recipe: str, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / f"{recipe}.db")) as database:
            return database.execute(query).fetchall()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Ran:
    return run_recipes(tmp_path_factory.mktemp("recipes"), server, sys.executable)


def run_recipes(root: Path, server: Server, python: str, *only: str) -> Ran:
    dags = root / "home" / "dags"
    dags.mkdir(parents=True)
    shutil.copytree(RECIPES, root / "recipes")
    for file in sorted((root / "recipes").glob("*/[!_]*.yaml")):
        if file.name.endswith(".test.yaml"):
            continue
        needed = OPTIONAL.get(file.parent.name)
        if needed is None or installed(needed):
            (dags / f"{file.stem}.py").write_text(STUB.format(path=file.name, folder=str(file.parent)))
    slack = {"conn_type": "slackwebhook", "host": server.url("/slack"), "password": "T1/B1/token"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(root / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": "0" * 64,
        "AIRFLOW_CONN_SLACK_DATA_TEAM": json.dumps(slack),
        "PIPELINE_ENVIRONMENT": "prod",
        "TEST_FOLDER": str(root),
        "SHOP_API": server.url(""),
        "RATES_API": server.url(""),
        "MODELS": str(root / "models"),
    }
    command = [*module_program("tests.factory.recipe_runs", python), *only]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    assert done.returncode == 0, log[-6000:]
    lines = [json.loads(line.removeprefix("RAN ")) for line in done.stdout.splitlines() if line.startswith("RAN ")]
    return Ran(dict(lines), root, log)


def test_what_is_new_in_the_shop_is_in_the_warehouse(ran: Ran, server: Server) -> None:
    asked = [request.path for request in server.received if request.path.startswith("/orders")]
    assert asked == [
        "/orders?updated_since=2026-01-01T00%3A00%3A00Z",
        "/orders?updated_since=2026-01-05T00%3A05%3A00Z",
    ]
    done = {"poll": "success", "load": "success", "poll_commit": "success"}
    assert ran.states["orders_to_warehouse"] == ran.states["orders_to_warehouse again"] == done
    assert ran.rows("orders_to_warehouse", "SELECT id, status FROM orders ORDER BY id") == [(1, "sent"), (2, "new")]


def test_each_region_is_a_dag() -> None:
    pipelines = check_file(RECIPES / "regions", "regions.yaml").pipelines
    assert [(p.dag_id, p.model.timezone) for p in pipelines] == [
        ("stock_seoul", "Asia/Seoul"),
        ("stock_berlin", "Europe/Berlin"),
        ("stock_boston", "America/New_York"),
    ]


def test_new_data_trains_a_model(ran: Ran) -> None:
    assert ran.states["train asset_triggered"] == {"train": "success", "announce": "success"}
    assert ran.rows("training_on_assets", "SELECT * FROM models") == [(2, 1)]
    assert "trained on 3 customers" in ran.log


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "packages", "weights"),
    [
        ("pytorch", ("torch==2.13.0", "safetensors"), "model.safetensors"),
        ("keras", ("tensorflow-cpu", "keras"), "model.keras"),
    ],
)
def test_a_network_predicts_when_it_is_new(
    tmp_path: Path, server: Server, name: str, packages: tuple[str, ...], weights: str
) -> None:
    python = os.environ.get("PYTHON_WITH_NETWORKS") or python_with(tmp_path / "venv", *packages)
    ran = run_recipes(tmp_path, server, python, f"{name}_model")
    assert ran.states[f"train_{name}"] == dict.fromkeys(("visits", "features", "train"), "success")
    assert ran.states[f"predict_{name} asset_triggered"] == dict.fromkeys(("customers", "predict", "store"), "success")
    (one, much), (two, little) = ran.rows(f"{name}_model", "SELECT id, spends FROM forecasts ORDER BY id")
    assert (one, two) == (1, 2)
    assert (much, little) == (pytest.approx(47, abs=3), pytest.approx(2, abs=3))
    assert (tmp_path / "models" / name / weights).stat().st_size > 0
    metrics = json.loads((tmp_path / "models" / name / "metrics.json").read_text())
    assert metrics["rows"] == 200
    assert metrics["mean_absolute_error"] < 2


def python_with(venv: Path, *packages: str) -> str:
    """A virtual environment that also has what this one has; no lock names a CPU build for every machine."""
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    (folder,) = venv.glob("lib/python*/site-packages")
    (folder / "project.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    python = venv / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


def test_a_backfill_sums_each_hour_once(ran: Ran) -> None:
    assert ran.rows("hourly_windows", "SELECT * FROM clicks_per_hour ORDER BY hour, page") == [
        ("2026-01-05 01:00:00+00:00", "/", 2),
        ("2026-01-05 01:00:00+00:00", "/cart", 1),
        ("2026-01-05 03:00:00+00:00", "/", 1),
    ]


def test_a_form_refuses_what_its_schema_does(ran: Ran) -> None:
    assert "REFUSED Invalid input for param customer: 0 is less than the minimum of 1" in ran.log
    assert "manual_job wrong" not in ran.states


def test_each_environment_has_a_schedule(ran: Ran) -> None:
    schedules = {}
    for environment in (None, "test", "prod"):
        checker = Checker(RECIPES / "per_environment", CheckOptions(environment=environment))
        (pipeline,) = checker.file("exchange_rates.yaml").pipelines
        schedules[environment] = pipeline.model.schedule
    assert schedules == {None: None, "test": "@hourly", "prod": "*/5 * * * *"}
    assert ran.rows("per_environment", "SELECT * FROM rates ORDER BY currency") == [("EUR", 1), ("KRW", 1700)]
    assert ran.states["exchange_rates"]["load"] == "success"
    assert ran.states["exchange_rates unchanged"]["load"] == "skipped"


def test_a_dag_waits_for_another_one(ran: Ran) -> None:
    assert ran.states["invoices"] == {"books": "success", "write": "success"}
    assert ran.states["invoices without books"] == {"books": "failed", "write": "upstream_failed"}


def test_slack_hears_of_a_run_that_is_late(ran: Ran, server: Server) -> None:
    assert "LATE 0:30:00" in ran.log
    assert "EVENT success" in ran.log
    (said,) = [json.loads(request.body) for request in server.received if request.path.startswith("/slack")]
    assert said == {"text": "The sales report is late."}


def test_a_pod_is_what_the_file_says(ran: Ran) -> None:
    if not installed(OPTIONAL["kubernetes_pod"]):
        (error,) = missing(ran)["kubernetes_pod"]
        assert error.endswith("is `apache-airflow-providers-cncf-kubernetes` installed?")
        return
    assert "POD registry.example.com/scoring:1.4.2 ['--day', '2026-01-05'] {'memory': '2Gi'}" in ran.log


def missing(ran: Ran) -> dict[str, list[str]]:
    """Errors of each recipe that is no DAG here."""
    lines = [json.loads(line.removeprefix("MISSING ")) for line in ran.log.splitlines() if line.startswith("MISSING ")]
    assert all(dags == [] for _, dags, _ in lines)
    return {recipe: errors for recipe, _, errors in lines}
