"""One Airflow for all tests of the pages, as `make run` starts it, and a Chromium for each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from factory.local.home import Home
from tests.e2e.browser import Browser, browser
from tests.e2e.harness import LocalRun, copy_pipelines, local_run

EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
BROKEN = 'schedule: "0 25 * * *"\ntasks:\n  - {id: a, uses: empty}\n'


def evil(made: Path) -> dict[str, object]:
    """A pipeline that says markup wherever it can; lint warns of its schedule."""
    rows = [{EVIL: number, "kind": EVIL, "y": number % 7} for number in range(40)]
    spec = {"mark": "bar", "encoding": {"x": {"field": "kind", "type": "nominal"}, "y": {"field": "y"}}}
    chart = {"rows": rows, "spec": spec, "title": EVIL, "to": str(made / "evil.html")}
    train = {
        "rows": rows,
        "target": "y",
        "estimator": "sklearn.linear_model.LinearRegression",
        "to": str(made / "model"),
    }
    return {
        "description": EVIL,
        "tags": ["<b>x</b>"],
        "schedule": "*/59 * * * *",
        "start_date": "2026-01-01",
        "tasks": [
            {"id": "a", "uses": "empty", "doc_md": EVIL},
            {"id": "chart", "uses": "chart", "with": chart},
            {"id": "pdf", "uses": "chart", "with": {**chart, "to": str(made / "evil.pdf")}},
            {"id": "train", "uses": "train", "with": train},
        ],
    }


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    pipelines = copy_pipelines(tmp_path_factory.mktemp("project") / "pipelines")
    made = tmp_path_factory.mktemp("made")
    (pipelines / "evil.yaml").write_text(json.dumps(evil(made)))
    (pipelines / "broken.yaml").write_text(BROKEN)
    (pipelines / "_defaults.yaml").write_text("default_args:\n  retries: 2\n")
    with local_run(pipelines, tmp_path_factory.mktemp("home"), local_api_host="host.docker.internal") as started:
        started.wait_for(lambda: started.printed("orders_report", "chart", "success"), 400, "the report's chart")
        started.wait_for((made / "model" / "model.json").exists, 200, "the model")
        started.wait_for((made / "evil.pdf").exists, 200, "the PDF")
        yield started


@pytest.fixture(scope="session")
def token(run: LocalRun) -> str:
    login = {"username": "admin", "password": Home(run.home).read_password()}
    return str(requests.post(f"{run.url}/auth/token", json=login, timeout=30).json()["access_token"])


@pytest.fixture
def window(run: LocalRun, token: str) -> Iterator[Browser]:
    with browser() as opened:
        opened.log_in(f"{run.url}/pipelines/page.css", token)
        opened.errors()  # the file above was asked for without a login
        yield opened
