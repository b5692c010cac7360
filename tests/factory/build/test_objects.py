"""Python objects, assets and the keys of DAG and BaseOperator that few need, in built DAGs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Asset, AssetAlias, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization
from jinja2 import ChainableUndefined

from factory.build.errors import PipelineBuildError

from .built_dags import built, built_unchecked

BASH = "airflow.providers.standard.operators.bash.BashOperator"


def test_a_dag_gets_what_stands_behind_the_paths(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text("def loud(text):\n    return text.upper()\n")
    dag = built(
        """
        dag_display_name: Orders
        schedule: "@daily"
        start_date: 2026-01-01
        allowed_run_types: [scheduled, manual]
        access_control: {analyst: [can_read]}
        disable_bundle_versioning: true
        rerun_with_latest_version: true
        jinja_environment_kwargs: {trim_blocks: true}
        template_undefined: {$object: jinja2.ChainableUndefined}
        user_defined_macros:
          digits: {$object: string.digits}
          answer: 42
          day: {$object: datetime.timedelta, with: {days: 1}}
        user_defined_filters: {loud: {$object: words.loud}}
        tasks: [{id: a, uses: empty}]
        """,
        tmp_path,
    )
    assert dag.dag_display_name == "Orders"
    assert dag.allowed_run_types == {"manual", "scheduled"}
    assert dag.access_control == {"analyst": {"DAGs": {"can_read"}}}
    assert (dag.disable_bundle_versioning, dag.rerun_with_latest_version) == (True, True)
    assert dag.template_undefined is ChainableUndefined
    environment: Any = dag.get_template_env()
    template = environment.from_string("{{ digits }} {{ answer }} {{ day }} {{ none.x.y }}{{ 'abc' | loud }}")
    assert template.render() == "0123456789 42 1 day, 0:00:00 ABC"
    assert environment.trim_blocks
    assert DagSerialization.to_dict(dag)


def test_a_task_gets_objects_at_any_depth() -> None:
    dag = built(f"""
        default_args:
          executor_config: {{limits: [{{$object: datetime.timedelta, with: {{minutes: 5}}}}]}}
          pre_execute: {{$object: builtins.print}}
        tasks:
          - id: a
            uses: {BASH}
            with: {{bash_command: "true", output_processor: {{$object: json.loads}}}}
        """)
    task: Any = dag.get_task("a")
    assert task.executor_config == {"limits": [timedelta(minutes=5)]}
    assert task._pre_execute_hook is print
    assert task.output_processor("[1]") == [1]


def test_assets_of_tasks() -> None:
    dag = built("""
        default_args: {inlets: [rates]}
        tasks:
          - {id: a, uses: empty, outlets: [orders, {uri: "s3://b/k", extra: {a: 1}}, {alias: files, group: g}]}
          - {id: b, uses: empty, inlets: []}
          - id: group
            default_args: {inlets: [{name: stock, uri: "s3://b/stock", group: g}]}
            tasks: [{id: c, uses: empty}]
        """)
    tasks: dict[str, BaseOperator] = dag.task_dict  # type: ignore[assignment] # none is mapped
    assert tasks["a"].outlets == [
        Asset("orders"),
        Asset(uri="s3://b/k", extra={"a": 1}),
        AssetAlias("files", group="g"),
    ]
    assert [tasks[name].inlets for name in ("a", "b", "group.c")] == [
        [Asset("rates")],
        [],
        [Asset("stock", "s3://b/stock", group="g")],
    ]


def test_watchers_of_an_asset() -> None:
    dag = built("""
        schedule:
          assets:
            name: inbox
            watchers:
              - name: folder
                trigger:
                  $object: airflow.providers.standard.triggers.file.FileDeleteTrigger
                  with: {filepath: /srv/inbox/new, poke_interval: 5.0}
            access_control: {producer_teams: [shop]}
        tasks: [{id: a, uses: empty}]
        """)
    condition: Any = dag.timetable.asset_condition
    assert condition.watchers[0].trigger.filepath == "/srv/inbox/new"
    assert condition.access_control.producer_teams == ["shop"]
    assert DagSerialization.to_dict(dag)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            "template_undefined: {$object: jinja2.Undefind}",
            ("template_undefined", "$object"),
            "the module `jinja2` has no `Undefind`",
        ),
        (
            "user_defined_macros: {a: {$object: nowhere.a}}",
            ("user_defined_macros", "a", "$object"),
            "there is no module `nowhere`",
        ),
        (
            "default_args: {executor_config: {a: {$object: datetime.timedelta, with: {dayz: 1}}}}",
            ("default_args", "executor_config", "a", "$object"),
            "datetime.timedelta refused its arguments",
        ),
        (
            "default_args: {weight_rule: {$object: datetime.timedelta, with: {}}}",
            ("default_args", "weight_rule", "$object"),
            "Airflow refused it",
        ),
        (
            "schedule: {assets: {name: a, watchers: [{name: w, trigger: {$object: datetime.timedelta, with: {}}}]}}",
            ("schedule", "assets"),
            "must inherit BaseEventTrigger",
        ),
    ],
)
def test_what_is_refused_is_said_at_its_place(text: str, path: tuple[str, ...], message: str) -> None:
    with pytest.raises(PipelineBuildError) as raised:
        built_unchecked(f"{text}\ntasks: [{{id: a, uses: empty}}]")
    (error,) = raised.value.errors
    assert error.path == path
    assert message in error.message
