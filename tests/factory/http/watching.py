"""A watch's trigger against a real server, with a store in place of the triggerer's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset
from airflow.triggers.base import TriggerEvent

from factory.operators.http_watch import HttpWatchTrigger

from .shop_server import ShopServer

EVERY = timedelta(milliseconds=50)


class Store:
    """What the triggerer gives a trigger: the state of the assets it watches."""

    def __init__(self, asset: str = "watched/poll") -> None:
        self.asset = asset
        self.values: dict[str, Any] = {}
        self.looked_up = 0
        self.failing = 0

    def __getitem__(self, asset: Asset) -> Store:
        assert asset.name == self.asset
        return self

    async def aget(self, key: str) -> Any:
        self.looked_up += 1
        if self.failing:
            self.failing -= 1
            raise RuntimeError("the database is away")
        return self.values.get(key)


def watching(
    server: ShopServer, store: Store, detection: Any, path: str = "/document", **request: Any
) -> HttpWatchTrigger:
    request = {"url": server.url(path), "settings": {"request_retries": {"attempts": 1}, **request}}
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
