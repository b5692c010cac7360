"""A DAG of a dag-factory document → the document of a pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from schemas.dagfactory.convert.callbacks import notifications
from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.dates import DATES, moment, pipeline_timezone
from schemas.dagfactory.convert.inherited import say_where_they_go
from schemas.dagfactory.convert.objects import as_duration, has_objects, value
from schemas.dagfactory.convert.schedules import schedule
from schemas.dagfactory.convert.settings import settings
from schemas.dagfactory.convert.tasks import tasks
from schemas.dagfactory.convert.texts import expanded
from schemas.dagfactory.convert.written import Written
from schemas.dagfactory.keys import DAG_CALLBACKS, IGNORED_DAG_KEYS
from schemas.model.fields import OBJECT

_AS_WRITTEN = frozenset(
    {
        "catchup",
        "dag_display_name",
        "description",
        "doc_md",
        "is_paused_upon_creation",
        "max_active_runs",
        "max_active_tasks",
        "render_template_as_native_obj",
        "tags",
    }
)
_PARAM = frozenset({"airflow.sdk.Param", "airflow.models.param.Param", "airflow.sdk.definitions.param.Param"})
_HANDLED = frozenset({"tasks", "task_groups", "timezone", "default_args", *DAG_CALLBACKS})
_HANDLED_PARTS = tuple(f"{callback}_" for callback in DAG_CALLBACKS)


def document(conversion: Conversion) -> Written:
    """The document; what could not be carried over stands in the conversion's findings."""
    data = conversion.dag.data
    zone, zone_path = pipeline_timezone(conversion)
    parts: dict[str, Written] = {"dag_id": Written(conversion.dag.id)}
    makers = _makers(conversion, zone)
    for key, given in data.items():
        if given is None and key != "schedule":
            continue
        if key in _AS_WRITTEN:
            parts[key] = value(conversion, (key,), given)
        elif key in makers:
            parts |= makers[key](given)
        elif key not in _HANDLED and not key.startswith(_HANDLED_PARTS):
            _left_out(conversion, key)
    if zone != "UTC":
        parts["timezone"] = Written(zone, zone_path)
    parts |= _default_args(conversion, zone)
    told = notifications(conversion, (), data, DAG_CALLBACKS)
    if told is not None:
        parts["notifications"] = told
    parts["tasks"] = tasks(conversion, zone)
    return Written(parts, ())


def _makers(conversion: Conversion, zone: str) -> Mapping[str, Callable[[Any], dict[str, Written]]]:
    """What is made of a DAG's key: keys of the new document."""

    def date(key: str) -> Callable[[Any], dict[str, Written]]:
        return lambda given: {key: moment(conversion, (key,), given, conversion.dag.data.get("timezone"), zone)}

    def gone(key: str, why: str, help_text: str) -> Callable[[Any], dict[str, Written]]:
        def say(_: Any) -> dict[str, Written]:
            conversion.lost((key,), why, help=help_text)
            return {}

        return say

    made_by = "documentation that a function makes has no like here"
    return {
        **{key: date(key) for key in DATES},
        "schedule": lambda given: {"schedule": schedule(conversion, given)},
        "concurrency": lambda given: {"max_active_tasks": Written(given, ("concurrency",))},
        "dagrun_timeout": lambda given: {"dagrun_timeout": as_duration(conversion, ("dagrun_timeout",), given)},
        "access_control": lambda given: {"access_control": _access(given)},
        "params": lambda given: {"params": _params(conversion, given)},
        "user_defined_macros": lambda given: {"user_defined_macros": _macros(conversion, given)},
        "template_searchpath": lambda given: _searchpath(conversion, given),
        "doc_md_file_path": lambda given: _documentation(conversion, given),
        "doc_md_python_callable_file": gone("doc_md_python_callable_file", made_by, "write the text in `doc_md`"),
        "doc_md_python_callable_name": lambda _: {},
        "doc_md_python_arguments": lambda _: {},
    }


def _left_out(conversion: Conversion, key: str) -> None:
    why = "" if key not in IGNORED_DAG_KEYS else f": {IGNORED_DAG_KEYS[key]}"
    conversion.changed((key,), f"`{key}` is left out, as dag-factory does{why}")


def _default_args(conversion: Conversion, zone: str) -> dict[str, Written]:
    given = conversion.dag.data.get("default_args")
    if not isinstance(given, dict):
        return {}
    path = ("default_args",)
    say_where_they_go(conversion, path, given)
    made = settings(conversion, path, given, zone)
    return {"default_args": Written(made, path)} if made else {}


def _access(given: Any) -> Written:
    """Actions as lists; dag-factory's documents hold sets, which YAML writes `{can_read}`."""

    def actions(value: Any, path: tuple[str, ...]) -> Written:
        if isinstance(value, dict) and not any(isinstance(child, dict | list) for child in value.values()):
            return Written([Written(key) for key in value], path, flow=True)
        if isinstance(value, dict):
            return Written({key: actions(child, (*path, key)) for key, child in value.items()}, path)
        return Written([Written(item) for item in value] if isinstance(value, list) else value, path, flow=True)

    path = ("access_control",)
    return Written({role: actions(value, (*path, role)) for role, value in given.items()}, path)


def _params(conversion: Conversion, given: Mapping[str, Any]) -> Written:
    made: dict[str, Written] = {}
    for name, param in given.items():
        path = ("params", name)
        if isinstance(param, dict) and param.get("__type__") in _PARAM:
            positional = param.get("__args__") or []
            named = dict(zip(("default", "description"), positional, strict=False))
            written = {key: child for key, child in param.items() if key not in ("__type__", "__args__", "schema")}
            schema = param.get("schema")
            parts = {**named, **(schema if isinstance(schema, dict) else {}), **written}
            made[name] = Written({key: value(conversion, (*path, key), child) for key, child in parts.items()}, path)
        elif isinstance(param, dict):
            conversion.changed(path, "a mapping here is a JSON Schema: it is written as the `default` of one")
            made[name] = Written({"type": Written("object"), "default": value(conversion, path, param)}, path)
        else:
            if has_objects(param):
                conversion.lost(path, "a param takes plain values only")
            made[name] = value(conversion, path, param)
    return Written(made, ("params",))


def _macros(conversion: Conversion, given: Any, path: tuple[str, ...] = ("user_defined_macros",)) -> Written:
    if isinstance(given, dict) and "__type__" not in given:
        return Written({key: _macros(conversion, child, (*path, key)) for key, child in given.items()}, path)
    if isinstance(given, str):
        return Written({OBJECT: Written(given, path)})
    return value(conversion, path, given)


def _searchpath(conversion: Conversion, given: Any) -> dict[str, Written]:
    """Templates' files are looked for beside the pipeline and in the pipelines folder, and nowhere else."""
    folder = Path(os.path.abspath(conversion.folder))  # noqa: PTH100 # links stay as they are written
    known = {str(folder), str((folder / conversion.path).parent)}
    for place in given if isinstance(given, list) else [given]:
        if isinstance(place, str) and os.path.normpath(folder / expanded(conversion, place)) not in known:
            message = "files of templates are looked for beside the pipeline and in the pipelines folder"
            conversion.lost(("template_searchpath",), message, help="name the files by their path from there")
            break
    return {}


def _documentation(conversion: Conversion, given: Any) -> dict[str, Written]:
    path = ("doc_md_file_path",)
    beside = (conversion.folder / conversion.path).parent
    try:
        text = next(
            place.read_text(encoding="utf-8")
            for folder in (beside, conversion.folder)
            if (place := folder / expanded(conversion, str(given))).is_file()
        )
    except (OSError, ValueError, StopIteration):
        conversion.lost(path, "there is no such file here")
        return {}
    conversion.changed(path, "the text of the file is written, once and for all")
    return {"doc_md": Written(text, path)}
