"""Who writes an asset, and who waits for it, before and after a merge."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from factory.plan.changes import Change
from factory.plan.contents import Contents, Dag, content, contents

_NAMES = ("name", "uri", "alias")
Written = Mapping[str, str]
"""Each name of the assets that a DAG writes → the place of the first task that does."""


def written(dag: Dag) -> Written:
    """What its tasks have in `outlets`."""
    found: dict[str, str] = {}
    for task in dag.tasks.values():
        value = task.values.get("outlets")
        for name in _names(value.data) if value is not None else ():
            found.setdefault(name, value.place if value is not None else "")
    return found


class Readers:
    """The DAGs of a folder that write an asset or wait for it; files are read only where an asset's name is in them."""

    def __init__(self, folder: Path, shown: str, paths: Collection[str]) -> None:
        self._folder = folder
        self._shown = shown
        self._texts = {path: content(folder / path) for path in paths}
        self._read: dict[str, Contents] = {}

    def changes(self, before: Written, after: Written, place: str) -> Iterator[Change]:
        """What is different for those who wait, when a DAG writes other assets; `place` is the DAG's file."""
        for name in sorted(before.keys() - after.keys()):
            waiting, others = self._of(name)
            if waiting:
                rest = f"`{'`, `'.join(others)}` still writes it" if others else "nothing else writes it"
                text = f"asset `{name}` is no longer written here, and `{'`, `'.join(waiting)}` waits for it; {rest}"
                yield Change("asset", text, place, loses=not others)
        for name in sorted(after.keys() - before.keys()):
            waiting, _ = self._of(name)
            if waiting:
                text = f"asset `{name}` is written now: `{'`, `'.join(waiting)}` runs after it"
                yield Change("asset", text, after[name])

    def _of(self, name: str) -> tuple[list[str], list[str]]:
        """The ids of DAGs that wait for an asset, and of those that write it."""
        wanted = name.encode()
        waiting, writing = set[str](), set[str]()
        for path in (path for path, text in self._texts.items() if wanted in text):
            if path not in self._read:
                self._read[path] = contents(self._folder, self._shown, [path], environments=False)
            for dag in self._read[path].dags.values():
                schedule = dag.data.get("schedule")
                if isinstance(schedule, dict) and name in set(_names(schedule.get("assets"))):
                    waiting.add(dag.id)
                if name in written(dag):
                    writing.add(dag.id)
        return sorted(waiting), sorted(writing)


def _names(value: Any) -> Iterator[str]:
    """The names of all assets in a list, a condition or an asset."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _names(one)
    elif isinstance(value, dict):
        for key in _NAMES:
            if isinstance(value.get(key), str):
                yield value[key]
        for key in ("any", "all"):
            yield from _names(value.get(key))
