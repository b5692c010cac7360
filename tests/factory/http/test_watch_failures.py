"""A watched poll whose server, store or host fails: it goes on and loses no change."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from factory.operators.http_watch import HttpWatchTrigger

from .shop_server import ShopServer
from .watching import Store, next_event, watching


@pytest.fixture
def server() -> Iterator[ShopServer]:
    server = ShopServer()
    yield server
    server.close()


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


def test_a_store_that_fails_does_not_end_it_and_loses_no_change(
    server: ShopServer, capsys: pytest.CaptureFixture[str]
) -> None:
    async def watch() -> None:
        store = Store()
        store.failing = 1
        events = watching(server, store, "hash").run()
        first = await next_event(events)
        store.failing = 1
        server.version = 1
        assert (await next_event(events)).payload != first.payload

    asyncio.run(watch())
    assert capsys.readouterr().out.count("watched/poll: request failed (1 in a row): the database is away") == 2


def test_failures_may_go_on_for_days(server: ShopServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause doubles, and 2**1024 is no floating-point number."""
    monkeypatch.setattr("factory.operators.http_watch._LONGEST_PAUSE", 0.0)
    store = Store()
    store.failing = 1100

    async def watch() -> None:
        trigger = HttpWatchTrigger(
            dag_id="watched",
            state="watched/poll",
            request={"url": server.url("/document")},
            every=timedelta(microseconds=1),
            detection="hash",
        )
        trigger.asset_state_store = store  # type: ignore[assignment] # the part of it that is asked
        await next_event(trigger.run(), 60)

    asyncio.run(watch())
    assert store.failing == 0


def test_a_host_that_does_not_answer_holds_up_no_other(server: ShopServer) -> None:
    over = threading.Event()
    server.routes["/slow"] = lambda _: over.wait(60)

    async def watch() -> None:
        slow = [asyncio.create_task(anext(watching(server, Store(), "hash", "/slow").run())) for _ in range(40)]
        while sum(request.path == "/slow" for request in server.received) < len(slow):
            await asyncio.sleep(0.01)
        await next_event(watching(server, Store(), "hash").run())
        assert not any(task.done() for task in slow)
        over.set()
        for task in slow:
            task.cancel()

    asyncio.run(watch())
