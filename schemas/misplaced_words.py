"""What to write for a key that no other key stands for: it is said elsewhere, or in another form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.built_ins import BUILT_INS, built_in
from schemas.data_path import DataPath
from schemas.model_types import keys_of, model_at
from schemas.notifications import RunNotifications, TaskNotifications
from schemas.pipeline import Pipeline
from schemas.task_places import task_path

_DOWNSTREAM = ("downstream", "downstream_task_ids", "downstream_tasks", "set_downstream")
_EMAIL = ("email", "email_on_failure", "email_on_retry", "emails")


def other_words(key: str, path: DataPath, beside: Mapping[str, Any]) -> str:
    """What is to be written in place of an unknown key of a request, of a task, of defaults, or of the pipeline; empty
    for others."""
    if key == "verify" and beside.keys() & {"url", "conn_id"}:
        return "TLS settings stand in an Airflow connection, which `conn_id` names"
    of_task = path[:-1] == task_path(path) != ()
    of_defaults = path[-2:-1] == ("default_args",)
    if not (of_task or of_defaults or len(path) == 1):
        return ""
    if of_task and key in _DOWNSTREAM:
        own = beside.get("id")
        return f"write `needs: [{own if isinstance(own, str) else 'ID'}]` in the task that waits"
    if built_in_as_key(key, path, beside):
        return f"write `uses: {key}`{_with(key)}"
    if key in _EMAIL:
        return _notification("on_retry" if key == "email_on_retry" else "on_failure", "email")
    event = {"on_skip": "on_skipped"}.get(key.removesuffix("_callback"), key.removesuffix("_callback"))
    if event in keys_of(RunNotifications if len(path) == 1 else TaskNotifications):
        return _notification(event, "module.function")
    is_pipelines = key in keys_of(Pipeline) and key not in ("poll", "tasks")
    return "a setting of the pipeline: write it at the top level" if of_defaults and is_pipelines else ""


def built_in_as_key(key: str, path: DataPath, beside: Mapping[str, Any]) -> bool:
    """Whether a task says what it does by a key, not in `uses`."""
    return path[:-1] == task_path(path) != () and key in BUILT_INS and not beside.keys() & {"uses", "tasks"}


def _with(name: str) -> str:
    model = model_at(built_in(name), ("with",))
    needed = [f.alias or key for key, f in model.model_fields.items() if f.is_required()] if model is not None else []
    return f" and `with: {{{needed[0]}: …}}`" if needed else ""


def _notification(event: str, uses: str) -> str:
    return f"write `notifications: {{{event}: [{{uses: {uses}}}]}}`"
