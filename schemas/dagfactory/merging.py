"""Defaults files, a file's `default` and one of its DAGs → that DAG's effective document, as dag-factory merges them.

From the farthest to the nearest: the defaults files from the pipelines folder down to the file's own, then `default`,
then the DAG. `default_args` of the layers unite; other keys of defaults files replace as a whole, but `tags` unite;
`default` is merged below the DAG mapping by mapping (dag-factory 1.1, `_DagFactory.build_dags`, `utils.merge_configs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.compose.effective import Effective, Place
from schemas.findings.paths import DataPath, count
from schemas.folder.dialect import NOT_DAGS
from schemas.text.document import Document

OBJECT_KEYS = frozenset({"__type__", "__and__", "__or__", "__join__"})
"""A mapping with one of these is an object or text, and is never merged."""


def dag_ids(data: Any) -> tuple[str, ...]:
    """The ids of a document's DAGs, in its order."""
    return tuple(key for key in data if key not in NOT_DAGS) if isinstance(data, dict) else ()


def merged_size(documents: Sequence[Document]) -> int:
    """How many values the defaults hold, multiplied by the DAGs that take them."""
    *defaults, document = documents
    below = sum(count(layer.data) for layer in defaults) + count(document.data.get("default"))
    return below * len(dag_ids(document.data))


def effective_dags(documents: Sequence[Document]) -> Iterator[tuple[str, Effective]]:
    """Each DAG that is a mapping, with its effective document; the layers are the defaults, then the file."""
    *defaults, document = documents
    from_files = _Merge({}, Place(0))
    for index, layer in enumerate(defaults):
        if isinstance(layer.data, dict):
            from_files.add_defaults_file(layer.data, Place(index))
    default = document.data.get("default")
    own = Place(len(defaults))
    for dag_id in dag_ids(document.data):
        dag = document.data[dag_id]
        if isinstance(dag, dict):
            merge = _Merge(dict(dag), own.part(dag_id))
            merge.add_below(from_files, default if isinstance(default, dict) else {}, own.part("default"))
            yield dag_id, Effective(merge.data, tuple(documents), merge.place)


class _Merge:
    """Data, and the place of each part of it."""

    def __init__(self, data: dict[str, Any], place: Place) -> None:
        self.data = data
        self.place = place

    def add_defaults_file(self, data: dict[str, Any], place: Place) -> None:
        """Put a nearer defaults file over the farther ones."""
        for key, value in data.items():
            known = self.data.get(key)
            if key == "default_args" and isinstance(value, dict) and isinstance(known, dict):
                self.data[key] = {**known, **value}
                self.place = self.place.with_parts(
                    {key: self.place.part(key).with_parts({name: place.at((key, name)) for name in value})}
                )
            elif key == "tags" and isinstance(known, list) and isinstance(value, list):
                self.data[key] = sorted({str(tag) for tag in (*known, *value)})
            else:
                self.data[key] = value
                self.place = self.place.with_parts({key: place.part(key)})

    def add_below(self, from_files: _Merge, default: dict[str, Any], place: Place) -> None:
        """Put the defaults below the DAG's own keys: those of files as wholes, but their `default_args` below those of
        `default`, which is at `place`."""
        for key, value in from_files.data.items():
            if key not in self.data and key != "default_args":
                self.data[key] = value
                self.place = self.place.with_parts({key: from_files.place.part(key)})
        for key, value in default.items():
            if key != "default_args" or value is not None:
                self._below(self.data, (key,), value, place.part(key))
        key, in_default, in_files = "default_args", default.get("default_args"), from_files.data.get("default_args")
        for name, value in in_files.items() if isinstance(in_files, dict) else ():
            if isinstance(in_default, dict) and name in in_default:
                continue
            found = from_files.place.at((key, name))
            if key not in self.data:
                self.data[key] = {}
                self.place = self.place.with_parts({key: Place(found.layer, (key,))})
            if isinstance(self.data[key], dict):
                self.data[key] = dict(self.data[key])
                self._below(self.data[key], (key, name), value, found)

    def _below(self, into: dict[str, Any], path: DataPath, value: Any, place: Place) -> None:
        key = str(path[-1])
        if key not in into:
            into[key] = value
            self.place = self.place.with_part(path, place)
        elif _is_plain(into[key]) and _is_plain(value):
            into[key] = dict(into[key])
            for name, child in value.items():
                self._below(into[key], (*path, name), child, place.part(name))


def _is_plain(value: Any) -> bool:
    return isinstance(value, dict) and OBJECT_KEYS.isdisjoint(value)
