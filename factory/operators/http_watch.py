"""Asks a URL again and again from Airflow's triggerer, and says when the answer has changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from factory.http.connection import session_for
from factory.http.facts import PollAnswer
from factory.http.page import Means, SkippedError
from factory.http.poll import poll
from factory.http.state import ANSWER, Known, condition, is_unchanged, known_of, state_asset
from factory.operators.http import HttpRequestOperator
from schemas.model.http import HttpRequest
from schemas.model.polling import ChangeDetection, ValueDetection

T = TypeVar("T")
_LONGEST_PAUSE = 300.0
"""Seconds. After failures the pause doubles from try to try, up to here, unless `every` is longer."""
_MOST_DOUBLINGS = 32
"""Longer than the longest pause whatever `every` is, and no number that is too large for one."""
_UNLOOKED = 60.0
"""Seconds. As long as the answer stays the same, what was made use of is looked up this often: it costs a query."""
_FIRST_WITHIN = 5.0
"""Seconds. Watchers that start at once, as after a restart, do not ask at once."""


class HttpWatchTrigger(BaseEventTrigger):
    """Fires when an answer is another one than the last that was made use of, and than the last that was seen.

    :param dag_id: whose poll it is; its requests share that DAG's `rate_limit`
    :param state: name of the asset under which the poll's state is kept; the watched asset
    :param request: arguments of HttpRequestOperator; without templates
    :param every: time from one request to the next
    :param detection: how a change is seen: `etag`, `last_modified`, `hash`, or `{"path": …}`

    An event holds no part of the answer: the run that it starts asks again, on the same condition. A request that
    fails is logged and tried again; it never ends the watch.
    """

    def __init__(
        self,
        *,
        dag_id: str,
        state: str,
        request: Mapping[str, Any],
        every: timedelta,
        detection: str | Mapping[str, str],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's has no annotations
        self.dag_id = dag_id
        self.state = state
        self.request = request
        self.every = every
        self.detection = detection

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Where the triggerer finds this class, and its arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "dag_id": self.dag_id,
            "state": self.state,
            "request": dict(self.request),
            "every": self.every,
            "detection": self.detection,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask for ever."""
        if self.asset_state_store is None:
            raise RuntimeError(f"{self.state}: no asset is watched")
        watched = _Watched(self.dag_id, self.request, self.detection)
        news = _News(self.asset_state_store[state_asset(self.state)], watched)
        every = self.every.total_seconds()
        loop = asyncio.get_running_loop()
        failures = 0
        await asyncio.sleep(random.random() * min(every, _FIRST_WITHIN))  # noqa: S311 # spreads load, keeps no secret
        while True:
            started = loop.time()
            changed = None
            try:
                changed = await news.next(started)
            except Exception as error:  # whatever goes wrong with one request, the next may be right
                failures += 1
                self.log.warning("%s: request failed (%d in a row): %s", self.state, failures, error)
            else:
                failures = 0
            if changed is not None:
                yield TriggerEvent({"changed": _identity(changed)})  # type: ignore[no-untyped-call] # Airflow's
            pause = min(every * 2.0 ** min(failures, _MOST_DOUBLINGS), max(every, _LONGEST_PAUSE))
            await asyncio.sleep(max(0.0, started + pause - loop.time()))


class _News:
    """Which answers are to start a run: those that are another one than the last that was seen, and than the last that
    was made use of.

    A run asks by itself, and may come to make use of another answer than the one that started it; the server may then
    long have gone back to what was seen before. So from time to time the answer is also held against what was made
    use of since.
    """

    def __init__(self, store: Any, watched: _Watched) -> None:
        self._store = store
        self._watched = watched
        self._seen: Known | None = None
        self._used: Known | None = None
        self._looked: float | None = None

    async def next(self, now: float) -> Known | None:
        """Ask once; what to know of the answer where it is to start a run. Raises what the request raises."""
        if self._looked is None:
            self._seen = self._used = await self._store.aget(ANSWER)
            self._looked = now
        seen = await self._watched.seen(self._seen)
        if seen is None and now - self._looked < _UNLOOKED:
            return None
        used = await self._store.aget(ANSWER)
        is_new = seen is not None or used != self._used
        # Behind what may fail: a change that was seen but not told is seen again.
        self._seen, self._used, self._looked = seen or self._seen, used, now
        return self._seen if is_new and self._seen is not None and not is_unchanged(used, self._seen) else None


class _Watched:
    """A request and its session, which are made anew after a failure: a connection's password may be another one."""

    def __init__(self, dag_id: str, request: Mapping[str, Any], detection: str | Mapping[str, str]) -> None:
        self._dag_id = dag_id
        self._operator = HttpRequestOperator(task_id="watch", **request)
        self._detection: ChangeDetection = (
            ValueDetection(path=detection["path"]) if isinstance(detection, Mapping) else detection  # type: ignore[assignment] # the model has checked the word
        )
        self._ready: tuple[HttpRequest, Means] | None = None

    async def seen(self, known: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """What to know of the answer; None where it is the one that is known. Raises what the request raises."""
        if self._ready is None:
            # It asks Airflow for connections, which has to be seen by the triggerer's event loop.
            self._ready = await sync_to_async(self._prepared, thread_sensitive=False)()
        request, means = self._ready
        headers = condition(self._detection, known)
        try:
            answer = await _in_thread(lambda: poll(request, means, headers=headers))
        except SkippedError:
            # A run would skip it, too.
            return None
        except Exception:
            self._ready = None
            means.session.close()
            raise
        if answer.not_modified:
            return None
        seen = self._known_of(answer)
        return None if is_unchanged(known, seen) else seen

    def _prepared(self) -> tuple[HttpRequest, Means]:
        request, transport = self._operator.request()
        session = session_for(request, transport, self._dag_id, self._operator.log.info)
        return request, self._operator.means(request, session)

    def _known_of(self, answer: PollAnswer) -> dict[str, Any]:
        """A server without ETag would otherwise start a run with each answer."""
        return known_of(self._detection, answer) or known_of("hash", answer)


async def _in_thread(work: Callable[[], T]) -> T:
    """Call it in a thread of its own: in a pool, hosts that do not answer would hold up all other watchers."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(value)  # type: ignore[arg-type] # a value where there is no error

    def run() -> None:
        try:
            value = work()
        except BaseException as error:
            _settle_in(loop, settle, None, error)
        else:
            _settle_in(loop, settle, value, None)

    threading.Thread(target=run, name="http-watch", daemon=True).start()
    return await done


def _settle_in(loop: asyncio.AbstractEventLoop, settle: Callable[..., None], *arguments: Any) -> None:
    # A triggerer that stops closes its loop while requests are under way; nobody waits for these.
    if not loop.is_closed():
        loop.call_soon_threadsafe(settle, *arguments)


def _identity(seen: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]
