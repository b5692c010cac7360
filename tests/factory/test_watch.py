"""A watched poll: when its trigger fires, against a real server, and the DAG that it starts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.serialization.serialized_objects import BaseSerialization, DagSerialization
from airflow.triggers.base import TriggerEvent

from factory.operators.http_watch import HttpWatchTrigger

from .built_dags import built
from .operators.shop_server import ShopServer

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/poll-state/stock.yaml"
EVERY = timedelta(milliseconds=50)


class Store:
    """What the triggerer gives a trigger: the state of the assets it watches."""

    def __init__(self, asset: str = "watched/poll") -> None:
        self.asset = asset
        self.values: dict[str, Any] = {}

    def __getitem__(self, asset: Asset) -> Store:
        assert asset.name == self.asset
        return self

    async def aget(self, key: str) -> Any:
        return self.values.get(key)


@pytest.fixture
def server() -> Iterator[ShopServer]:
    server = ShopServer()
    yield server
    server.close()


def watching(
    server: ShopServer, store: Store, detection: Any, path: str = "/document", **request: Any
) -> HttpWatchTrigger:
    request["url"] = server.url(path)
    trigger = HttpWatchTrigger(
        dag_id="watched", state="watched/poll", request=request, every=EVERY, detection=detection
    )
    trigger.asset_state_store = store  # type: ignore[assignment] # the part of it that is asked
    return trigger


async def next_event(events: AsyncIterator[TriggerEvent], seconds: float = 10) -> TriggerEvent:
    return await asyncio.wait_for(anext(events), seconds)


async def requests_after(server: ShopServer, number: int) -> None:
    wanted = len(server.received) + number
    while len(server.received) < wanted:
        await asyncio.sleep(0.01)


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


def test_a_server_without_etag_is_watched_by_its_answers(server: ShopServer) -> None:
    async def watch() -> None:
        events = watching(server, Store(), "etag", "/times").run()
        await next_event(events)
        waiting = asyncio.create_task(anext(events))
        await requests_after(server, 3)
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(watch())


def test_requests_that_fail_do_not_end_it(server: ShopServer, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(handler: Any) -> None:
        if len(server.received) == 2:
            server.routes["/document"] = server.document
        handler.send_error(500)

    server.routes["/document"] = broken

    async def watch() -> None:
        await next_event(watching(server, Store(), "hash").run())

    asyncio.run(watch())
    assert len(server.received) == 3
    assert "watched/poll: request failed (2 in a row): GET" in capsys.readouterr().out


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


def test_a_host_that_does_not_answer_holds_up_no_other(server: ShopServer) -> None:
    server.routes["/slow"] = lambda _: time.sleep(1)

    async def watch() -> None:
        slow = [asyncio.create_task(anext(watching(server, Store(), "hash", "/slow").run())) for _ in range(40)]
        while sum(request.path == "/slow" for request in server.received) < len(slow):
            await asyncio.sleep(0.01)
        started = time.monotonic()
        await next_event(watching(server, Store(), "hash").run())
        assert time.monotonic() - started < 0.8
        for task in slow:
            task.cancel()

    asyncio.run(watch())


def test_watched_requests_share_the_budget_of_their_pipeline(
    server: ShopServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: 0.0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    limit = {"requests": 10, "per": timedelta(seconds=1)}

    async def watch() -> float:
        both = [
            asyncio.create_task(next_event(watching(server, Store(), "hash", path, rate_limit=limit).run()))
            for path in ("/document", "/times")
        ]
        await asyncio.gather(*both)
        task = built(
            f"tasks: [{{id: ask, uses: http, with: {{url: '{server.url('/stock')}', rate_limit: {{requests: 10}}}}}}]",
            tmp_path,
            "watched.yaml",
        ).task_dict["ask"]
        started = time.monotonic()
        request, _ = task.request()  # type: ignore[union-attr] # it is the operator of `http`
        for _ in range(3):
            request.rate.wait(request.url)
        return time.monotonic() - started

    # The watchers took the slots before; alone, the third would come after 200 ms.
    assert asyncio.run(watch()) > 0.21
    assert len(list(tmp_path.glob("airflow-pipelines-*/*"))) == 1


def test_a_trigger_goes_over_the_database_and_back(server: ShopServer) -> None:
    trigger = watching(server, Store(), "etag")
    path, arguments = trigger.serialize()
    assert path == "factory.operators.http_watch.HttpWatchTrigger"
    assert HttpWatchTrigger(**arguments).serialize() == trigger.serialize()


def test_a_watched_pipeline_is_started_by_its_asset(tmp_path: Path) -> None:
    dag = built("poll: {url: 'http://localhost/x', watch: {every: 10s}}", tmp_path, "watched.yaml")
    serialized = DagSerialization.to_dict(dag)["dag"]
    (watcher,) = serialized["timetable"]["__var"]["asset_condition"]["objects"][0]["watchers"]
    assert watcher["trigger"]["classpath"] == "factory.operators.http_watch.HttpWatchTrigger"
    poll = dag.task_dict["poll"]
    # Airflow takes in one of the assets that have one name, be it the schedule's or the inlet.
    assert [(asset.name, len(asset.watchers)) for asset in poll.inlets] == [("watched/poll", 1)]
    assert (dag.max_active_runs, poll.change_detection) == (1, "hash")


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
