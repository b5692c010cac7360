"""No key of the language gets lost in silence: each key of a pipeline, a task, a group and a poll goes to Airflow 3.4's
YAML and back, and to Python and back. What is back has the same value of the key, or a finding says why not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from factory.build.arguments import aware
from factory.build.dag import build
from factory.build.edges import Placed, placed
from factory.build.python_made import imported
from factory.build.python_module import PythonModule
from factory.loading.from_python import converted
from schemas.check import CheckedPipeline, Checker, CheckOptions
from schemas.dagfactory.convert.airflow import to_airflow
from schemas.dagfactory.convert.conversion import OPERATORS, REQUEST_NAMES
from schemas.dagfactory.convert.from_airflow import airflow_documents, from_airflow
from schemas.expressions.reading import unescape
from schemas.findings.diagnostics import Diagnostic
from schemas.model.http import HttpRequest, Poll
from schemas.model.pipeline import Pipeline
from schemas.model.task import TaskGroup
from schemas.model.task_base import TaskBase
from schemas.source import SourceReader

SLACK = "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier"
OBJECT = {"$object": "steps.chosen"}
NOTIFIED = {"on_failure": [{"uses": "steps.tell"}]}
ROWS = [{"bash_command": "a"}, {"bash_command": "b"}]
SETTINGS: Mapping[str, Any] = {
    **{"owner": "sales", "retries": 4, "retry_delay": "90s", "retry_exponential_backoff": 3, "max_retry_delay": "2h"},
    **{"retry_policy": {"rules": [{"exception": ["TimeoutError"], "action": "fail"}]}, "notifications": NOTIFIED},
    **{"execution_timeout": "10m", "trigger_rule": "all_done", "depends_on_past": True, "pool": "big", "pool_slots": 2},
    **dict.fromkeys(("ignore_first_depends_on_past", "wait_for_downstream", "allow_nested_operators"), True),
    **{"wait_for_past_depends_before_skipping": True, "priority_weight": 7, "weight_rule": "upstream", "queue": "q"},
    **{"executor": "LocalExecutor", "executor_config": {"a": 1}, "max_active_tis_per_dag": 2, "run_as_user": "bob"},
    **{"max_active_tis_per_dagrun": 3, "start_date": "2026-02-03", "end_date": "2026-03-04", "do_xcom_push": False},
    **{"multiple_outputs": True, "map_index_template": "{{ ds }}", "task_display_name": "A", "logger_name": "l"},
    **dict.fromkeys(("doc", "doc_md", "doc_json", "doc_yaml", "doc_rst"), "read me"),
    **{"render_template_as_native_obj": True, "inlets": ["in"], "outlets": ["out"], "resources": {"cpus": 2}},
    **{"pre_execute": OBJECT, "post_execute": OBJECT},
}
TASK: Mapping[str, Any] = {
    **SETTINGS,
    **{"id": "b", "uses": "bash", "with": {"bash_command": "{{ ds }} ${HOME}", "env": {"A": "${tasks.a.output}"}}},
    **{
        "needs": ["a"],
        "params": {"x": 1, "y": {"type": "object", "default": {"a": 1}}},
        "matrix": {"k": [1, 2]},
        "setup": True,
        "teardown": [],
    },
    **{"on_failure_fail_dagrun": True, "run_if": "{{ params.z }}", "skip_if": "{{ params.z }}"},
    **{"expand": {"bash_command": ["a", "b"]}, "expand_kwargs": ROWS},
}
GROUP: Mapping[str, Any] = {
    **{"id": "h", "needs": ["a"], "default_args": {"retries": 4, "end_date": "2026-03-04"}, "notifications": NOTIFIED},
    **{"prefix_group_id": False, "group_display_name": "G", "tooltip": "t", "doc_md": "read me", "ui_color": "red"},
    **{"ui_fgcolor": "blue", "expand": {"v": [1, 2]}, "expand_kwargs": [{"v": 1}], "matrix": {"k": [1, 2]}},
    "tasks": [{"id": "d", "uses": "empty"}, {"id": "e", "uses": "empty", "needs": ["d"]}],
}
DAG: Mapping[str, Any] = {
    **{"$schema": "x", "dag_id": "d", "dag_display_name": "D", "description": "d", "doc_md": "read me", "owner": "me"},
    **{"tags": ["b", "a"], "schedule": "0 5 * * *", "timezone": "Asia/Seoul", "start_date": "2026-02-03"},
    **{"end_date": "2026-03-04", "catchup": True, "is_paused_upon_creation": True, "max_active_runs": 3},
    **{"max_active_tasks": 5, "max_consecutive_failed_dag_runs": 2, "dagrun_timeout": "3h", "notifications": NOTIFIED},
    **{
        "deadline": {
            "from": "queued_at",
            "within": "1h",
            "notify": [{"uses": SLACK, "with": {"text": "late"}}],
        },
        "fail_fast": True,
    },
    **{"render_template_as_native_obj": True, "allowed_run_types": ["manual"], "disable_bundle_versioning": True},
    **{"params": {"p": 1, "q": {"type": "string", "default": "5m"}}, "access_control": {"r": ["can_read"]}},
    **{"rerun_with_latest_version": True, "user_defined_macros": {"m": OBJECT}, "user_defined_filters": {"f": OBJECT}},
    **{
        "jinja_environment_kwargs": {"trim_blocks": True},
        "template_undefined": {"$object": "jinja2.runtime.ChainableUndefined"},
    },
    **{"owner_links": {"me": "https://example.com"}, "default_args": {"retries": 4, "start_date": "2026-02-03"}},
    **{"vars": {"v": "x"}, "environments": {"prod": {"tags": ["x"]}}, "matrix": {"k": [1]}, "tasks": []},
    "poll": {"url": "https://example.com/a"},
}
POLL: Mapping[str, Any] = {
    **SETTINGS,
    **{"url": "https://example.com/a", "conn_id": "c", "endpoint": "/a", "method": "POST", "headers": {"A": "b"}},
    **{
        "params": {"a": "{{ ds }}"},
        "json": {"a": "{{ ds }}"},
        "data": {"a": "b"},
        "body": "a",
        "timeout": {"read": "9s"},
    },
    **{
        "auth": {"type": "bearer", "conn_id": "c"},
        "request_retries": {"attempts": 4},
        "expect": {"content_type": "text/csv"},
    },
    **{
        "response_actions": [{"status_code": 404, "action": "skip"}],
        "data_selector": "rows",
        "max_bytes": 9,
        "max_rows": 9,
    },
    **{"pagination": {"type": "header_link"}, "rate_limit": {"requests": 1, "per": "1s"}, "max_total_bytes": 9},
    **{"format": "csv", "compression": "gzip", "encoding": "latin-1", "csv": {"delimiter": ";"}, "decimals": "text"},
    **{"to": "/data/{{ ds }}.csv", "unique_by": "id", "each": {"rows": [{"a": 1}]}, "response_headers": ["X"]},
    **{"until": {"condition": "done", "every": "1m", "within": "1h"}, "change_detection": "hash"},
    **{
        "incremental": {"cursor_path": "t", "initial_value": 1, "start_param": "s"},
        "on_unchanged": "skip",
        "commit": "poll",
    },
    **{"state_key": "s", "watch": {"every": "1m"}},
}
BESIDE: Mapping[str, Mapping[str, Any]] = {
    **{"endpoint": {"conn_id": "c", "url": None}, "conn_id": {"endpoint": "/a", "url": None}},
    **{key: {"method": "POST"} for key in ("json", "data", "body")},
    **{"max_rows": {"data_selector": "rows"}, "csv": {"format": "csv"}, "state_key": {"change_detection": "hash"}},
    **{"on_unchanged": {"change_detection": "hash"}, "commit": {"change_detection": "hash"}},
    **{"method": {"body": "a"}, "each": {"url": "https://example.com/${each.a}"}},
    **{"unique_by": {"data_selector": "rows"}, "incremental": {"data_selector": "rows"}},
}
"""What a key of a poll needs beside it."""
PYTHON = "from __future__ import annotations\n\n\ndef tell(context): ...\n\n\ndef chosen(*args): ...\n"
Document = dict[str, Any]


def documents() -> Iterator[tuple[str, Document]]:
    """Settings together, since each is looked at by itself; all else one by one."""
    first, last = {"id": "a", "uses": "bash", "with": {"bash_command": "a"}}, {"id": "c", "uses": "empty"}
    second = {"id": "b", "uses": "bash", "with": {"bash_command": "b"}}
    zone = {"dag_id": "d", "timezone": "Asia/Seoul"}
    yield "settings of a task", {**zone, "tasks": [{**second, **SETTINGS}]}
    yield "settings of all tasks", {**zone, "default_args": SETTINGS, "tasks": [first]}
    group = {"id": "g", "default_args": SETTINGS, "tasks": [second]}
    yield "settings of a group", {**zone, "tasks": [first, group]}
    none = dict.fromkeys(SETTINGS.keys() - {"inlets", "outlets"})
    yield "settings taken back", {**zone, "default_args": SETTINGS, "tasks": [{**second, **none}]}
    yield "settings of a poll", {**zone, "poll": {"url": POLL["url"], **SETTINGS}}
    for key, one in DAG.items():
        yield f"pipeline: {key}", {**zone, "tasks": [first], **({key: one} if key != "tasks" else {})}
    for key in TASK.keys() - SETTINGS.keys():
        task = {**second, **({"teardown": []} if key == "on_failure_fail_dagrun" else {}), key: TASK[key]}
        task |= {"id": "b${matrix.k}"} if key == "matrix" else {}
        task |= {"with": {}} if "expand" in key else {}
        yield f"task: {key}", {**zone, "tasks": [first, task, last]}
    for key, one in GROUP.items():
        group = {"id": "g${matrix.k}" if key == "matrix" else "g", "tasks": [second], key: one}
        yield f"group: {key}", {**zone, "tasks": [first, group, last]}
    for key in POLL.keys() - SETTINGS.keys():
        poll = {"url": POLL["url"], **BESIDE.get(key, {}), key: POLL[key]}
        yield (
            f"poll: {key}",
            {
                **zone,
                "max_active_runs": 1,
                "tasks": [last],
                "poll": {name: one for name, one in poll.items() if one is not None},
            },
        )


DOCUMENTS = dict(sorted(documents()))


def test_each_key_has_a_sample() -> None:
    """A new key has to say what becomes of it."""
    for model, samples in ((Pipeline, DAG), (TaskBase, TASK), (TaskGroup, GROUP), (Poll, POLL)):
        assert {field.alias or name for name, field in model.model_fields.items()} == samples.keys()


def written(folder: Path, text: str) -> list[CheckedPipeline]:
    (folder / "d.yaml").write_text(text)
    result = Checker(folder, CheckOptions(shown_folder="", environ={})).file("d.yaml")
    assert not result.has_errors, [d.message for d in result.diagnostics]
    return [one for one in result.pipelines if isinstance(one, CheckedPipeline)]


def through_airflow(folder: Path) -> tuple[str, list[Diagnostic]]:
    checker, reader = Checker(folder, CheckOptions(shown_folder="", environ={})), SourceReader(folder)
    (there,) = to_airflow(checker.variants("d.yaml"), {}, reader)
    (back,) = from_airflow(airflow_documents(there.text, "d.yaml") or [], "d.yaml", reader)
    return back.text, [*there.findings, *back.findings]


def through_python(folder: Path) -> tuple[str, list[Diagnostic]]:
    checker = Checker(folder, CheckOptions(shown_folder="", environ={}))
    (pipeline,) = checker.file("d.yaml").pipelines
    assert isinstance(pipeline, CheckedPipeline)
    module = folder / "d_module.py"
    module.write_text(PythonModule(pipeline, checker.subject("d.yaml", "d").effective).text())
    (back,) = converted(imported(module), "d_module.py")
    return back.text, list(back.findings)


def held(pipeline: CheckedPipeline) -> dict[tuple[str, ...], Any]:
    """What a pipeline says, each thing by its place and in one form: settings with each task, moments in UTC."""
    model = pipeline.model
    left_out = {"schema_", "tasks", "default_args", "poll", "vars", "environments", "matrix", "owner", "timezone"}
    schedule = told(model)["schedule"] if model.schedule is not None else None
    schedule = {"cron": schedule} if isinstance(schedule, str) else schedule
    found = {("dag", name): one for name, one in model.model_dump(exclude=left_out).items()}
    found["dag", "schedule"] = schedule and {"timezone": model.timezone, **schedule}
    found["dag", "deadline"] = model.deadline if isinstance(model.deadline, list | None) else [model.deadline]
    found["dag", "deadline"] = [told(one) for one in found["dag", "deadline"] or ()] or None
    found["dag", "tags"] = sorted(model.tags)
    found["poll", "watch"] = model.poll.watch if model.poll is not None else None
    for one in placed(model):
        if isinstance(one.entry, TaskGroup):
            left_out = {"tasks", "default_args", "notifications", "id", "needs", "matrix", "prefix_group_id"}
            whole = one.entry.model_dump(exclude=left_out)
        else:
            whole = task(one, model)
        found |= {(one.full_id, name): value for name, value in whole.items()}
    found |= {(one.task_id, "needs"): sorted(one.upstream_task_ids) for one in build(pipeline).tasks}
    return {place: dated(value, model.timezone) for place, value in found.items() if value not in (None, False)}


def told(model: Any) -> dict[str, Any]:
    return {} if model is None else model.model_dump(exclude_unset=True)


def task(one: Placed, model: Pipeline) -> dict[str, Any]:
    whole = {"owner": model.owner, **told(model.default_args)}
    entry: Any = one.entry
    around: list[Any] = [group.entry for group in one.around][::-1]
    for group in around:
        own = {"notifications": told(group.notifications)} if group.notifications else {}
        whole |= told(group.default_args) | own
    without = ("id", "needs", "uses", "with_", "matrix")
    whole |= {name: value for name, value in told(one.entry).items() if name not in without}
    uses = getattr(one.entry, "uses", "http")
    arguments = {name: plain for name, plain in entry.written_arguments.items() if plain is not None}
    if uses.endswith("HttpRequestOperator"):
        names = {new: old for old, new in REQUEST_NAMES.items()}
        plain = {
            names.get(name, name): value for name, value in arguments.items() if name not in ("settings", "timezone")
        }
        arguments = plain_request(HttpRequest.model_validate({**plain, **arguments.get("settings", {})}))
    elif uses == "http":
        arguments = plain_request(entry.with_)
    return {**whole, "uses": OPERATORS.get(uses, uses), **{f"with.{name}": value for name, value in arguments.items()}}


def plain_request(request: HttpRequest) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude_defaults=True, by_alias=True, warnings=False)


def dated(value: Any, zone: str) -> Any:
    if isinstance(value, datetime):
        return aware(value, zone).astimezone(UTC).isoformat()
    if isinstance(value, str):
        return unescape(value)
    if isinstance(value, dict):
        return {key: dated(one, zone) for key, one in value.items()}
    return [dated(one, zone) for one in value] if isinstance(value, list) else value


WAYS = [
    *((name, through_airflow) for name in DOCUMENTS),
    # A default that is taken back is in Python the value that Airflow has for it.
    *((name, through_python) for name in DOCUMENTS if name != "settings taken back"),
]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_a_key_comes_back_or_has_a_finding(
    name: str, way: Callable[[Path], tuple[str, list[Diagnostic]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "steps.py").write_text(PYTHON)
    (first, *_) = written(tmp_path, yaml.safe_dump(DOCUMENTS[name], sort_keys=False))
    text, findings = way(tmp_path)
    said = [d.message for d in findings]
    if any(f"the task `{one}` is left out: " in message for one in ("b", "g.b", "poll") for message in said):
        key = name.rpartition(": ")[2]
        assert any(one.removesuffix("_kwargs") in message for one in (key, *BESIDE.get(key, ())) for message in said)
        return
    (back, *_) = written(tmp_path, text)
    before, after = held(first), held(back)
    places = [place for place in {**before, **after} if before.get(place) != after.get(place)]
    silent = [place for place in places if not any(f"`{place[1].removeprefix('with.')}" in one for one in said)]

    assert silent == [], [*said, *((place, before.get(place), after.get(place)) for place in silent)]
