"""Starts components again that ended by themselves or hang, a few times."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence

from factory.local.component import Component
from factory.local.process_tree import children, descendants, group_leaders, send
from factory.local.task_logs import cut, last_reason
from factory.local.terminal import Event

PAUSES = (1.0, 5.0, 20.0)
"""Seconds before each restart; there are no more restarts than pauses within WINDOW_SECONDS."""

WINDOW_SECONDS = 600.0
UNHEALTHY_SECONDS = 45.0
STARTING_SECONDS = 60.0
"""A component that was just started counts as healthy so long."""

GRACE_SECONDS = 3.0
REASON_LINES = 100
"""Of a log's end, in which the reason is looked for."""


class Recovery:
    """Looks at the components now and then; `start` starts one again, `say` tells the person.

    On Linux this process must be the parent of every orphan (`adopt_orphans`), so that none is left behind.
    """

    def __init__(
        self, components: Sequence[Component], start: Callable[[Component], None], say: Callable[[Event], None]
    ) -> None:
        self._components = components
        self._start = start
        self._say = say
        self._ends: dict[str, list[float]] = {}
        self._due: dict[str, float] = {}
        self._killed: dict[str, float] = {}
        """When a component that hangs was told to end."""

    def look(self, unhealthy_since: Mapping[str, float]) -> Component | None:
        """Do what is due now. Returns a component that has ended for good."""
        now = time.monotonic()
        for component in self._components:
            if component.running:
                self._end_if_hanging(component, unhealthy_since.get(component.name), now)
            elif component.name in self._due:
                self._restart_if_due(component, now)
            elif not self._plan(component, now):
                return component
        return None

    def _plan(self, component: Component, now: float) -> bool:
        """Whether there will be a restart. Clears away what the component left behind either way."""
        self._killed.pop(component.name, None)
        self._clear(component)
        ends = [end for end in self._ends.get(component.name, []) if now - end < WINDOW_SECONDS]
        if len(ends) >= len(PAUSES):
            return False
        self._ends[component.name] = [*ends, now]
        pause = PAUSES[len(ends)]
        self._due[component.name] = now + pause
        text = f"{component.name} {component.how_it_ended}, starts again in {pause:.0f} s (log: {component.log})"
        self._say(Event(text, cut(last_reason(component.last_lines(REASON_LINES)))))
        return True

    def _restart_if_due(self, component: Component, now: float) -> None:
        if now >= self._due[component.name]:
            del self._due[component.name]
            self._start(component)

    def _end_if_hanging(self, component: Component, since: float | None, now: float) -> None:
        killed = self._killed.get(component.name)
        if killed is not None:
            if now - killed > GRACE_SECONDS:
                send(signal.SIGKILL, [*descendants(component.pid), component.pid])
            return
        healthy_until = max(since or now, component.started + STARTING_SECONDS)
        if since is None or now - healthy_until < UNHEALTHY_SECONDS:
            return
        self._killed[component.name] = now
        self._say(Event(f"{component.name} hangs: Airflow finds it unhealthy for {now - since:.0f} s. Ending it …"))
        # Also its tasks, which report to nobody without it.
        send(signal.SIGTERM, [*group_leaders(component.pid), component.pid])

    def _clear(self, component: Component) -> None:
        """End what a component left: its group, and on Linux the orphans that came here."""
        component.kill_group()
        ours = {other.pid for other in self._components if other.running}
        for orphan in [pid for pid in children(os.getpid()) if pid not in ours]:
            send(signal.SIGKILL, [*descendants(orphan), orphan])
