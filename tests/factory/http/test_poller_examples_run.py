"""Examples of docs/poller.md in a real Airflow, against a real server: one migration and one process for all.

What they send and hand on is in their `.test.yaml`; here is what only Airflow shows: XComs, links, logs, mapping.
"""

from __future__ import annotations

import base64
import json
from urllib.parse import quote_plus, unquote_plus

import pytest

from .poller_example_runs import EXAMPLES, FOLDER, ROWS, SECRET, Runs, run_examples


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return run_examples(tmp_path_factory.mktemp("poller"))


def test_every_example_is_run_and_succeeds(runs: Runs) -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} >= set(EXAMPLES)
    assert {example for example, _ in runs.states} == {*EXAMPLES, "refused", "mapped"}
    assert {state for (example, _), state in runs.states.items() if example in EXAMPLES} == {"success"}


def test_a_large_output_is_in_the_store_and_reaches_the_next_task(runs: Runs) -> None:
    assert runs.xcoms["pages", "cursor", "return_value"].startswith(f"file://{runs.stored}/pages/")
    assert json.loads(runs.output("pages", "count")) == ROWS
    assert runs.xcom("large", "poll", "http")["bytes"] > 2_000_000


def test_bodies_have_their_templates_filled_in(runs: Runs) -> None:
    body, form = sorted((r for r in runs.received if r.path.startswith("/v1/reports")), key=lambda r: r.path)
    assert (form.path, form.body) == ("/v1/reports?dry_run=true", b"day=2026-01-02&shop=north&shop=south")
    assert json.loads(body.body) == {"day": "2026-01-02", "shops": ["north", "south"]}


def test_arguments_of_a_group_inside_longer_texts(runs: Runs) -> None:
    assert runs.states["mapped", "shop.orders"] == "success"
    sent = {request.path: json.loads(request.body) for request in runs.received if "/shops/" in request.path}
    (base,) = {one["deep"][0].pop("of").removesuffix(one["deep"][0]["at"][:-14]) for one in sent.values()}
    assert base.startswith("http://127.0.0.1:")
    assert sent == {
        "/v1/shops/north/2026-01-02?of=shop+north": {"deep": [{"at": "north on 2026-01-02"}]},
        "/v1/shops/a%2Fb%20c/2026-01-02?of=shop+a%2Fb+c": {"deep": [{"at": "a/b c on 2026-01-02"}]},
    }


def test_a_secret_beside_an_output_is_masked(runs: Runs) -> None:
    assert runs.rendered["mapped", "told"]["env"] == {"A": "told ***, 200"}


def test_more_rows_than_airflow_maps_over_are_said(runs: Runs) -> None:
    states = {task: state for (example, task), state in runs.states.items() if example == "mapped"}
    assert (states["many"], states["one_each"]) == ("failed", "upstream_failed")
    assert (states["part"], states["of_part__params"], states["of_part"]) == ("success", "failed", "upstream_failed")
    assert "there are 1,025 items to map over (`expand`), and Airflow maps over 1,024 at most" in runs.text


def test_the_link_and_the_summary_show_what_was_requested_and_no_secret(runs: Runs) -> None:
    link = runs.xcoms["auth", "key", "_link_RequestedUrlLink"]
    assert link.endswith("/v1/state")
    assert "200, 6 bytes, application/json, 1 page, 2 retries, " in runs.text
    assert "5 rows, 3 pages, " in runs.text


@pytest.mark.parametrize("task", ["connection", "basic", "bearer", "header", "query", "oauth"])
def test_a_server_that_sends_credentials_back_is_quoted_without_them(runs: Runs, task: str) -> None:
    assert runs.states["refused", task] == "failed"
    assert "/v1/echo" in str(runs.rendered["refused", task].get("url") or runs.rendered["refused", task]["endpoint"])
    assert runs.xcom("refused", task, "http")["status"] == 403


def test_no_secret_is_in_a_log_an_exception_an_xcom_or_a_rendered_template(runs: Runs) -> None:
    asked = [request for request in runs.received if request.path.startswith("/v1/echo")]
    pair = base64.b64encode(f"me:{SECRET}".encode()).decode()
    carried = [SECRET in str((unquote_plus(r.path), r.headers)) or pair in str(r.headers) for r in asked]
    assert carried == [True] * 6
    assert runs.text.count("it answered 403 Forbidden") >= len(asked)
    stored = "".join(path.read_text() for path in runs.stored.rglob("*") if path.is_file())
    assert "/v1/echo" in stored
    for secret in (SECRET, quote_plus(SECRET), pair):
        assert secret not in runs.text
        assert secret not in stored
