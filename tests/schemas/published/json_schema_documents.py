"""Documents that are right, and what is put into them to make them wrong."""

from __future__ import annotations

from typing import Any

SETTINGS: dict[str, Any] = {
    "owner": "data", "retries": 3, "retry_delay": "5m", "retry_exponential_backoff": 2, "max_retry_delay": "PT1H",
    "execution_timeout": "2h", "trigger_rule": "all_done", "depends_on_past": True, "pool": "small",
    "ignore_first_depends_on_past": True, "wait_for_past_depends_before_skipping": False, "pool_slots": 2,
    "wait_for_downstream": False, "priority_weight": -5, "weight_rule": "absolute", "queue": "q",
    "executor": "CeleryExecutor", "executor_config": {"a": [1, None]}, "max_active_tis_per_dag": 1,
    "max_active_tis_per_dagrun": 1, "start_date": "2026-01-01", "end_date": "2026-02-01T06:00:00+09:00",
    "do_xcom_push": True, "multiple_outputs": False, "run_as_user": "airflow", "map_index_template": "{{ x }}",
    "task_display_name": "주문", "doc": "d", "doc_md": "d", "doc_json": "{}", "doc_yaml": "a: 1", "doc_rst": "d",
    "logger_name": "l", "allow_nested_operators": True, "render_template_as_native_obj": False,
    "notifications": {"on_failure": [{"uses": "steps.work", "with": {"text": "{{ ds }}"}}], "on_skipped": None},
    "retry_policy": {"rules": [{"exception": ["OSError", "steps.Wrong"], "retry_delay": "1m"}], "default": "fail"},
    "resources": {"cpus": 1}, "inlets": ["raw", {"uri": "s3://b/raw"}], "pre_execute": {"$object": "builtins.print"},
    "outlets": ["orders", {"name": "stock", "uri": "s3://b/s", "group": "g", "extra": {"a": 1}}, {"alias": "files"}],
    "post_execute": {"$object": "functools.partial", "with": {"func": 1}},
}  # fmt: skip
REQUEST: dict[str, Any] = {
    "url": "https://example.com/{{ ds }}", "method": "POST", "headers": {"Accept": "text/plain"},
    "params": {"a": 1, "b": "x", "c": [1, "y", True, 1.5]}, "json": {"$filter": [None, 1]}, "timeout": "10s",
    "expect": {"status": [200, "3xx"]}, "max_bytes": 1000,
}  # fmt: skip
FIRST = {"id": "first", "uses": "empty"}
TOP: dict[str, Any] = {
    "$schema": "../schemas/pipeline.schema.json", "dag_id": "sales.orders-1", "description": "d", "doc_md": "# d",
    "owner": "data", "tags": ["a", "b"], "schedule": {"cron": "0 6 * * *", "timezone": "Asia/Seoul"},
    "timezone": "UTC", "start_date": "2026-01-01", "end_date": "2026-12-31", "catchup": False,
    "is_paused_upon_creation": True, "max_active_runs": 1, "max_active_tasks": 4, "dagrun_timeout": "1d",
    "max_consecutive_failed_dag_runs": 0, "fail_fast": False, "render_template_as_native_obj": True,
    "params": {"a": 1, "b": {"type": "string", "default": "x"}}, "owner_links": {"data": "https://example.com"},
    "notifications": {"on_success": [{"uses": "email", "with": {"to": "a@example.com"}}]},
    "deadline": [{"from": "queued_at", "within": "45m", "notify": [{"uses": "steps.work"}], "name": "n",
                  "max_runs": 5, "min_runs": 1}],
    "default_args": {"retries": 2}, "tasks": [FIRST], "dag_display_name": "Orders",
    "allowed_run_types": ["scheduled", "manual", "backfill"], "disable_bundle_versioning": False,
    "access_control": {"analyst": ["can_read"], "editor": {"DAGs": ["can_edit"]}}, "rerun_with_latest_version": True,
    "user_defined_macros": {"a": 1}, "user_defined_filters": {"quoted": {"$object": "shlex.quote"}},
    "jinja_environment_kwargs": {"trim_blocks": True}, "template_undefined": {"$object": "jinja2.Undefined"},
}  # fmt: skip
HTTP: dict[str, Any] = {"tasks": [FIRST, {"id": "ask", "uses": "http", "with": REQUEST, "needs": ["first"]}]}
SHELL: dict[str, Any] = {
    "bash_command": "echo ${HOME}", "env": {"A": "${tasks.first.output}"}, "append_env": True, "cwd": "/x",
    "output_encoding": "utf-8", "skip_on_exit_code": [99, 100],
}  # fmt: skip
BASH: dict[str, Any] = {"tasks": [FIRST, {"id": "shell", "uses": "bash", "with": SHELL}]}
ARGUMENTS: dict[str, Any] = {"rows": "${tasks.first.output}", "n": {"$filter": 1}}
CODE: dict[str, Any] = {"tasks": [
    FIRST, {"id": "code", "uses": "steps.work", "with": ARGUMENTS, "retries": 0, "setup": True, "run_if": "{{ ds }}"},
    {"id": "end", "uses": "empty", "teardown": ["code"], "on_failure_fail_dagrun": True, "skip_if": "{{ ds }}"},
]}  # fmt: skip
GROUP: dict[str, Any] = {
    "id": "load", "needs": ["first"], "default_args": {"retries": 1}, "prefix_group_id": True, "tooltip": "t",
    "group_display_name": "g", "doc_md": "d", "ui_color": "#123456", "ui_fgcolor": "black",
    "tasks": [FIRST, {"id": "inner", "prefix_group_id": False, "tasks": [{"id": "a", "uses": "empty", "retries": 2}]}],
}  # fmt: skip
GROUPS: dict[str, Any] = {"tasks": [FIRST, GROUP, {"id": "end", "uses": "empty", "needs": ["load", "load.first"]}]}
LOOKS: dict[str, Any] = {
    "poke_interval": "30s", "timeout": "6h", "soft_fail": True, "never_fail": False, "silent_fail": True,
    "mode": "reschedule", "exponential_backoff": True, "max_wait": "10m",
}  # fmt: skip
WAITS: dict[str, Any] = {"tasks": [
    FIRST,
    {"id": "a", "uses": "wait_file", "with": {
        "filepath": "/x/{{ ds }}", "recursive": True, "fs_conn_id": "f", **LOOKS}},
    {"id": "b", "uses": "wait_http", "with": {
        "endpoint": "/x", "http_conn_id": "h", "method": "GET", "request_params": {"a": 1}, "headers": {"A": "b"},
        "response_error_codes_allowlist": ["404"], "response_check": "steps.work", "extra_options": {"timeout": 1}}},
    {"id": "c", "uses": "wait_sql", "with": {
        "conn_id": "c", "sql": "SELECT 1", "parameters": [1], "success": "steps.work", "fail_on_empty": False}},
    {"id": "d", "uses": "wait_until", "with": {"target_time": "06:30", "deferrable": False}},
    {"id": "e", "uses": "wait_dag", "with": {
        "external_dag_id": "x", "external_task_ids": ["a"], "execution_delta": "1d", "failed_states": ["failed"]}},
]}  # fmt: skip
ACTS: dict[str, Any] = {"tasks": [
    FIRST,
    {"id": "a", "uses": "branch", "with": {
        "python_callable": "steps.work", "op_kwargs": {"x": "${tasks.first.output}"}}},
    {"id": "b", "uses": "short_circuit", "with": {
        "python_callable": "steps.work", "ignore_downstream_trigger_rules": False}},
    {"id": "c", "uses": "latest_only"},
    {"id": "d", "uses": "trigger_dag", "with": {
        "trigger_dag_id": "x", "conf": {"a": [1]}, "logical_date": None, "allowed_states": ["success"], "note": "n",
        "poke_interval": "5s", "wait_for_completion": True}},
    {"id": "e", "uses": "email", "with": {"to": ["a@example.com"], "cc": "b@example.com", "subject": "s",
                                          "html_content": "h", "files": ["/x"], "custom_headers": {"a": 1}}},
]}  # fmt: skip
MAPPED: dict[str, Any] = {
    "tasks": [
        FIRST, {"id": "a", "uses": "bash", "expand": {"bash_command": ["x"], "env": "${tasks.b.output[0].rows}"}},
        {"id": "b", "uses": "steps.work", "expand_kwargs": [{"a": 1}]},
        {"id": "c", "expand": {"x": {"a": 1}},
         "tasks": [{"id": "d", "uses": "steps.work", "with": {"x": "${expand.x}"}}]},
    ],
}  # fmt: skip
EVERY: dict[str, Any] = {"schedule": {"every": "15m", "data_interval": True}, "poll": {"url": "http://x", **SETTINGS}}
CONTINUOUS: dict[str, Any] = {"schedule": "@continuous", "max_active_runs": 1, "poll": {"url": "http://localhost"}}
COMPOSED: dict[str, Any] = {
    "dag_id": "orders-${matrix.region}", "vars": {"pool": "p", "endpoint": "https://${matrix.region}.example.com"},
    "matrix": {"region": ["eu", "us"], "tier": [1], "include": [{"region": "eu", "hour": 3}],
               "exclude": [{"region": "us"}]},
    "environments": {"prod": {"schedule": "@daily", "default_args": {"retries": 1}}, "dev": None},
    "poll": {"url": "${vars.endpoint}", "pool": "${vars.pool}"},
}  # fmt: skip
WATCHED: dict[str, Any] = {
    "name": "inbox", "watchers": [{"name": "w", "trigger": {"$object": "builtins.object", "with": {}}}],
    "access_control": {"producer_teams": ["a"], "consumer_teams": ["b"], "allow_global": False},
}  # fmt: skip
ASSETS: dict[str, Any] = {
    "schedule": {
        "assets": {"all": ["a", {"any": [WATCHED, {"alias": "x", "group": "g"}]}]},
        "default_partition_mapper": {"$object": "airflow.sdk.IdentityMapper", "with": {}},
        "partition_mapper_config": {"a": {"$object": "airflow.sdk.IdentityMapper", "with": {}}},
    },
    "tasks": [FIRST],
}  # fmt: skip
EITHER: dict[str, Any] = {"schedule": {"assets": "a", "cron": ["@daily"], "timezone": "UTC"}, "tasks": [FIRST]}
TIMETABLE: dict[str, Any] = {
    "schedule": {"timetable": "airflow.sdk.PartitionedAtRuntime", "with": {}},
    "tasks": [{**FIRST, "weight_rule": {"$object": "builtins.object", "with": {}}}],
}
VALID = {
    "composed": COMPOSED,
    "assets": ASSETS,
    "either": EITHER,
    "timetable": TIMETABLE,
    "top": TOP,
    "http": HTTP,
    "bash": BASH,
    "code": CODE,
    "groups": GROUPS,
    "mapped": MAPPED,
    "every": EVERY,
    "waits": WAITS,
    "acts": ACTS,
    "continuous": CONTINUOUS,
}
OF_KNOWN_KINDS = {"waits", "acts"}
"""Documents whose values are of types that the others have, too: they are tried with a value of each kind."""

VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 3, 3.0, 2.5, 200, 700, 10**12, -(10**12), "", "3", "true", "yes", "x", "a b", "a.b",
    "주문", "a→b", "x\n", "a" * 300, "5m", "0s", "5 m", "5m\n", "PT", "PT0.5S", "999999999d", "2026-01-01",
    "2026-02-30", "2026-1-1", "@daily", "@continuous", "@dayly", "http", "bash", "empty", "htpp", "steps.work",
    "GET", "get", "2xx", "9xx", "all_done", "absolute", "https://example.com", "mailto:", "javascript://x",
    "${env.A}", "${env.A:-}", "x ${env.A:-1} y", "$${env.A}", "${env.a-b}", "${envv.A}", "${FOO}", "${vars.x}",
    "${tasks.first.output}", "${tasks.first.output[0].x}", "${tasks.first.xcom.k}", "x ${tasks.first.output}",
    "${tasks.first}", "{{ ds }}", [], {}, [1], ["first"], [None], [[]], [200, "4xx"], [{}], {"a": 1}, {"a": "x"},
    {"a": None}, {"a": []}, {"a": {}}, {"$x": 1, "y": 2}, {"cron": "* * * * *"}, {"every": "5m"},
    {"cron": "* * * * *", "every": "5m"}, {"url": "http://x"}, {"status": 99},
]  # fmt: skip
KINDS: list[Any] = [None, True, -1, 3.0, 2.5, "", "3", "5m", "0s", "${env.A}", "${FOO}", [], ["a"], {}, {"a": []}]
THOROUGH = {"retries", "retry_exponential_backoff", "retry_delay", "execution_timeout", "trigger_rule", "start_date",
            "do_xcom_push", "pool", "executor_config"}  # fmt: skip
"""Settings of each type; the others are tried with a value of each kind."""
MADE_NULL = [("poll", "${env.A:-}"), ("tasks", "${env.A:-}")]
"""See EXCEPTIONS."""
KEYS = ["x", "", "$x", "with", "url", "retries", "every", "cron", "metod", "run", "task_id", "poll", "tasks"]
