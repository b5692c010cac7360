"""Defaults files, a file's `default` and one of its DAGs → that DAG's effective document, as dag-factory merges them.

From the farthest to the nearest: the defaults files from the pipelines folder down to the file's own, then `default`,
then the DAG. `default_args` of the layers unite; other keys of defaults files replace as a whole, but `tags` unite;
`default` lies below the DAG mapping by mapping (dag-factory 1.1, `_DagFactory.build_dags`, `utils.merge_configs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.compose.effective import Effective, Place
from schemas.findings.paths import DataPath, count
from schemas.folder.dialect import NOT_DAGS
from schemas.text.document import Document

Origins = dict[DataPath, tuple[int, DataPath]]

OBJECT_KEYS = frozenset({"__type__", "__and__", "__or__", "__join__"})
"""A mapping with one of these stands for an object or a text, and is never merged."""


def dag_ids(data: Any) -> tuple[str, ...]:
    """The ids of a document's DAGs, in its order."""
    return tuple(key for key in data if key not in NOT_DAGS) if isinstance(data, dict) else ()


def merged_size(documents: Sequence[Document]) -> int:
    """How many values the defaults come to with all DAGs that take them."""
    *defaults, document = documents
    below = sum(count(layer.data) for layer in defaults) + count(document.data.get("default"))
    return below * len(dag_ids(document.data))


def effective_dags(documents: Sequence[Document]) -> Iterator[tuple[str, Effective]]:
    """Each DAG that is a mapping, with its effective document; the layers are the defaults, then the file."""
    *defaults, document = documents
    below = _Merge()
    for index, layer in enumerate(defaults):
        if isinstance(layer.data, dict):
            below.defaults_file(layer.data, index)
    default = document.data.get("default")
    for dag_id in dag_ids(document.data):
        dag = document.data[dag_id]
        if isinstance(dag, dict):
            merge = below.copy()
            merge.dag(dag, dag_id, default if isinstance(default, dict) else {}, len(defaults))
            yield dag_id, Effective(merge.data, tuple(documents), merge.place)


class _Merge:
    """Data, and for each part that was taken whole the layer and the path that it came from."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origins: Origins = {}
        self._default_args: dict[str, Any] = {}

    def copy(self) -> _Merge:
        other = _Merge()
        other.data = {k: dict(v) if k == "default_args" and isinstance(v, dict) else v for k, v in self.data.items()}
        other.origins = dict(self.origins)
        return other

    @property
    def place(self) -> Place:
        """The places of all values, as a tree."""
        place = Place(*self.origins[()])
        for path, origin in sorted(self.origins.items(), key=lambda item: len(item[0])):
            place = place.with_part(path, Place(*origin)) if path else place
        return place

    def defaults_file(self, data: dict[str, Any], layer: int) -> None:
        for key, value in data.items():
            known = self.data.get(key)
            if key == "default_args" and isinstance(value, dict):
                self._unite(value, (key,), layer)
            elif key == "tags" and isinstance(known, list) and isinstance(value, list):
                self.data[key] = sorted({str(tag) for tag in (*known, *value)})
            else:
                self._take((key,), value, layer, (key,))

    def dag(self, dag: dict[str, Any], dag_id: str, default: dict[str, Any], layer: int) -> None:
        """Defaults files' keys lie below the DAG's own as wholes, but `default_args` below those of `default`."""
        from_files = self.data.pop("default_args", None)
        files_data, files_origins = self.data, self.origins
        self.data, self.origins = {}, {(): (layer, (dag_id,))}
        for key, value in dag.items():
            self.data[key] = value
        for key, value in files_data.items():
            if key not in dag:
                self.data[key] = value
                self._adopt(files_origins, (key,))
        for key, value in default.items():
            if key != "default_args":
                self._below(self.data, key, value, (key,), layer, ("default", key))
        self._default_args_below(default.get("default_args"), from_files, files_origins, layer)

    def _default_args_below(self, default: Any, from_files: Any, files_origins: Origins, layer: int) -> None:
        key = "default_args"
        if default is not None:
            self._below(self.data, key, default, (key,), layer, ("default", key))
        if not isinstance(from_files, dict):
            return
        present = default.keys() if isinstance(default, dict) else ()
        for name, value in from_files.items():
            if name in present:
                continue
            found_layer, found_path = files_origins[(key, name)]
            own = self.data.get(key)
            if own is None and key not in self.data:
                self.data[key] = {}
                self.origins[(key,)] = (found_layer, (key,))
            if isinstance(self.data[key], dict):
                self.data[key] = dict(self.data[key])
                self._below(self.data[key], name, value, (key, name), found_layer, found_path)

    def _below(
        self, into: dict[str, Any], key: str, value: Any, path: DataPath, layer: int, layer_path: DataPath
    ) -> None:
        if key not in into:
            into[key] = value
            self.origins[path] = (layer, layer_path)
        elif _is_plain(into[key]) and _is_plain(value):
            into[key] = dict(into[key])
            for name, child in value.items():
                self._below(into[key], name, child, (*path, name), layer, (*layer_path, name))

    def _unite(self, value: dict[str, Any], path: DataPath, layer: int) -> None:
        known = self.data.get(str(path[0]))
        self.data[str(path[0])] = {**known, **value} if isinstance(known, dict) else dict(value)
        self.origins.setdefault(path, (layer, path))
        for name in value:
            self.origins[(*path, name)] = (layer, (*path, name))

    def _take(self, path: DataPath, value: Any, layer: int, layer_path: DataPath) -> None:
        self.data[str(path[0])] = value
        self.origins[path] = (layer, layer_path)

    def _adopt(self, origins: Origins, path: DataPath) -> None:
        if path in origins:
            self.origins[path] = origins[path]


def _is_plain(value: Any) -> bool:
    return isinstance(value, dict) and OBJECT_KEYS.isdisjoint(value)
