"""A watched poll: when its trigger fires, against a real server, and the DAG that it starts."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.serialization.serialized_objects import BaseSerialization, DagSerialization

from factory.http.connection import session_for
from factory.http.errors import Timeouts
from factory.operators.http_watch import HttpWatchTrigger
from tests.factory.build.built_dags import built

from .conftest import operator
from .shop_server import ShopServer
from .watching import Store, next_event, requests_after, watching

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/examples/poll-state/stock.yaml"

KNOWN = {
    "etag": [{"etag": '"v0"'}, {"etag": '"v1"'}],
    "hash": [{"hash": hashlib.sha256(f'{{"version": {version}}}'.encode()).hexdigest()} for version in (0, 1)],
    "{'path': 'version'}": [{"path": "version", "value": version} for version in (0, 1)],
}
"""What is known of the server's two documents, by the way they are looked at."""


@pytest.fixture
def server() -> Iterator[ShopServer]:
    server = ShopServer()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("detection", "known"),
    [("etag", {"etag": '"v0"'}), ("hash", None), ({"path": "version"}, {"path": "version", "value": 0})],
)
def test_it_fires_when_the_answer_is_another_one(
    server: ShopServer, detection: Any, known: dict[str, Any] | None
) -> None:
    async def watch() -> None:
        store = Store()
        events = watching(server, store, detection).run()
        first = await next_event(events)
        # The same answer does not fire again, whether the run has made use of it or not.
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        if known is not None:
            store.values["answer"] = known
        server.version = 1
        second = await asyncio.wait_for(waiting, 10)
        assert first.payload.keys() == second.payload.keys() == {"changed"}
        assert first.payload != second.payload

    asyncio.run(watch())


def test_it_goes_on_from_the_answer_that_was_made_use_of(server: ShopServer) -> None:
    async def watch() -> None:
        store = Store()
        store.values["answer"] = {"etag": '"v0"'}
        events = watching(server, store, "etag").run()
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        # A run by hand was faster.
        store.values["answer"] = {"etag": '"v1"'}
        server.version = 1
        await requests_after(server, 3)
        assert not waiting.done()
        waiting.cancel()
        assert {request.headers.get("If-None-Match") for request in server.received} == {'"v0"', '"v1"'}

    asyncio.run(watch())


@pytest.mark.parametrize("detection", ["etag", "hash", {"path": "version"}])
def test_it_fires_when_the_server_went_back_while_a_run_was_under_way(
    server: ShopServer, detection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory.operators.http_watch._UNLOOKED", 0.0)

    async def watch() -> None:
        store = Store()
        events = watching(server, store, detection).run()
        known = [(await next_event(events)).payload]
        store.values["answer"] = KNOWN[str(detection)][0]
        server.version = 1
        known.append((await next_event(events)).payload)
        # Before the run of this event is over, the server is back at what was made use of before.
        server.version = 0
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        store.values["answer"] = KNOWN[str(detection)][1]
        known.append((await asyncio.wait_for(waiting, 10)).payload)
        assert known[0] == known[2] != known[1]
        # A run that fails makes use of nothing, and the same answer starts no other one.
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(watch())


def test_it_fires_when_what_was_made_use_of_is_forgotten(server: ShopServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory.operators.http_watch._UNLOOKED", 0.0)

    async def watch() -> None:
        store = Store()
        store.values["answer"] = KNOWN["etag"][0]
        events = watching(server, store, "etag").run()
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        del store.values["answer"]
        await asyncio.wait_for(waiting, 10)

    asyncio.run(watch())


def test_what_was_made_use_of_is_not_looked_up_with_each_request(server: ShopServer) -> None:
    async def watch() -> None:
        store = Store()
        store.values["answer"] = KNOWN["etag"][0]
        waiting = asyncio.create_task(anext(watching(server, store, "etag").run()))
        await requests_after(server, 4)
        assert store.looked_up == 1
        waiting.cancel()

    asyncio.run(watch())


def test_a_server_without_etag_is_watched_by_its_answers(server: ShopServer) -> None:
    async def watch() -> None:
        events = watching(server, Store(), "etag", "/times").run()
        await next_event(events)
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(watch())


@pytest.mark.parametrize("detection", ["etag", "hash", {"path": "version"}])
def test_an_answer_that_is_skipped_is_neither_a_change_nor_a_failure(
    server: ShopServer, detection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server.routes["/document"] = lambda handler: handler.send_error(503)
    actions = [{"status_code": 503, "action": "skip"}]

    async def watch() -> None:
        events = watching(server, Store(), detection, response_actions=actions).run()
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        server.routes["/document"] = server.document
        await asyncio.wait_for(waiting, 10)

    asyncio.run(watch())
    assert "failed" not in capsys.readouterr().out


@pytest.mark.parametrize("detection", ["etag", "hash", {"path": "version"}])
def test_an_answer_that_is_ignored_is_one_without_rows(
    server: ShopServer, detection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    actions = [{"status_code": 404, "action": "ignore"}]

    async def watch() -> None:
        events = watching(server, Store(), detection, response_actions=actions).run()
        await next_event(events)
        server.routes["/document"] = lambda handler: handler.send_error(404)
        await next_event(events)
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        server.routes["/document"] = server.document
        await asyncio.wait_for(waiting, 10)

    asyncio.run(watch())
    assert "failed" not in capsys.readouterr().out


def test_a_trigger_goes_over_the_database_and_back(server: ShopServer) -> None:
    trigger = watching(server, Store(), "etag")
    path, arguments = trigger.serialize()
    assert path == "factory.operators.http_watch.HttpWatchTrigger"
    assert HttpWatchTrigger(**arguments).serialize() == trigger.serialize()


def test_it_shares_the_rate_limit_of_its_pipeline_with_no_other_one(
    server: ShopServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pauses: list[float] = []
    monkeypatch.setattr("factory.http.retries.time.sleep", pauses.append)
    limit = {"requests": 1, "per": timedelta(hours=1)}

    async def watch() -> None:
        for dag_id in ("one", "two"):
            trigger = watching(server, Store(), "hash", rate_limit=limit)
            trigger.dag_id = dag_id
            await next_event(trigger.run())

    asyncio.run(watch())
    assert not pauses
    task = operator(task_id="poll", url=server.url("/document"), rate_limit=limit)
    request, transport = task.request()
    with session_for(request, transport, "two", task.log.info) as session:
        session.sent("GET", server.url("/document"), {}, None, Timeouts(5, 5)).close()
    assert [round(pause / 3600) for pause in pauses] == [1]


def test_a_watched_pipeline_is_started_by_its_asset(tmp_path: Path) -> None:
    dag = built("poll: {url: 'http://localhost/x', watch: {every: 10s}}", tmp_path, "watched.yaml")
    serialized = DagSerialization.to_dict(dag)["dag"]
    (watcher,) = serialized["timetable"]["__var"]["asset_condition"]["objects"][0]["watchers"]
    assert watcher["trigger"]["classpath"] == "factory.operators.http_watch.HttpWatchTrigger"
    poll = dag.task_dict["poll"]
    # Airflow takes in one of the assets that have one name, be it the schedule's or the inlet.
    assert [(asset.name, len(asset.watchers)) for asset in poll.inlets] == [("watched/poll", 1)]
    assert (dag.max_active_runs, poll.settings["change_detection"]) == (1, "hash")


def test_the_example_of_the_documentation(server: ShopServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its trigger, as Airflow's triggerer gets it; what runs then is in `test_poll_state`."""
    # Without the first pause, which is up to five seconds.
    monkeypatch.setattr("random.random", lambda: 0.0)
    dag = built(EXAMPLE.read_text(), EXAMPLE.parent, EXAMPLE.name, SHOP_API=server.url(""))
    serialized = DagSerialization.to_dict(dag)["dag"]["timetable"]["__var"]["asset_condition"]["objects"][0]
    arguments = {"__type": "dict", "__var": serialized["watchers"][0]["trigger"]["kwargs"]}
    trigger = HttpWatchTrigger(**BaseSerialization.deserialize(arguments))
    trigger.asset_state_store = Store("stock/poll")  # type: ignore[assignment] # the part of it that is asked

    async def watch() -> None:
        events = trigger.run()
        await next_event(events)
        assert trigger.every == timedelta(seconds=10)

    asyncio.run(watch())
    assert [request.path for request in server.received] == ["/stock"]
