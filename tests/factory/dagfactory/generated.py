"""Small dag-factory documents that differ in one value each, for the comparison of lint, dag-factory's build and ours."""

from __future__ import annotations

from collections.abc import Iterator

BASH = "airflow.providers.standard.operators.bash.BashOperator"
PYTHON = "airflow.providers.standard.operators.python.PythonOperator"
EMPTY = "airflow.providers.standard.operators.empty.EmptyOperator"
EXTERNAL = "airflow.providers.standard.sensors.external_task.ExternalTaskSensor"
FILE_SENSOR = "airflow.providers.standard.sensors.filesystem.FileSensor"
ASSET = "{__type__: airflow.sdk.Asset, uri: 's3://bucket/orders'}"
MINUTES = "{__type__: datetime.timedelta, minutes: 5}"
PARAM = "__type__: airflow.sdk.Param"

DAG_VALUES: dict[str, tuple[str, ...]] = {
    "schedule": (
        *("'@daily'", "'@midnight'", "'@annually'", "'@once'", "'@continuous'", "'@dayly'", "None", "'none'", "null"),
        *("'0 6 * * *'", "'0 6 * * 1-5'", "'*/10 * * * * *'", "'0 6 * *'", "'0 25 * * *'", "'0 0 30 2 *'", "'0 6 L * *'"),
        *("'0 6 * * 1#2'", "'0 0 1 jan *'", "''", "60", "true", "2026-01-01", "daily", "'@every 5m'"),
        *(MINUTES, "{__type__: dateutil.relativedelta.relativedelta, hour: 18}", ASSET, f"[{ASSET}]", "[]"),
        *("['s3://bucket/a', 's3://bucket/b']", "[a, '', null]", f"{{__and__: [{ASSET}]}}", "{__or__: [a, b]}"),
        *(f"{{__type__: builtins.list, items: [{ASSET}]}}", "{cron: '0 6 * * *'}", "{datasets: ['s3://a/b']}"),
        "{__type__: airflow.timetables.trigger.CronTriggerTimetable, cron: '0 6 * * *', timezone: UTC}",
        "{__type__: airflow.timetables.trigger.CronTriggerTimetable, __args__: ['0 6 * * *'], timezone: UTC}",
        "{__type__: airflow.timetables.trigger.CronTriggerTimetable, cron: '0 6 * * *'}",
        "{__type__: airflow.timetables.nothing.AtNoon}",
    ),
    "start_date": (
        *("2026-01-01", "'2026-01-01'", "2026-01-01 06:00:00", "'2026-01-01T06:00:00+02:00'", "now", "today"),
        *("2 days", "1 hour", "'1 day ago'", "20260101", "'20260101'", "'2026-W05'", "'2026-13-01'", "'2026-001'"),
        *("'10:30'", "'2026-1-1'", "'2026/01/01'", "'2026-01-01 6:00'", "tomorrow", "'2026'", "'2026-01'", "true", "''"),
        *("'2026-01-01/2026-02-01'", "'P1D'", "[2026]", "{__type__: datetime.datetime, __args__: [2026, 1, 1]}"),
        *("'01.02.2026'", "'2026-02-30'", "'2026-01-01 25:00'"),
    ),
    "timezone": ("Europe/Berlin", "Europe/Berln", "UTC", "local", "EST", "'+02:00'"),
    "end_date": ("2027-01-01", "'2027-01-01'", "yesterday"),
    "catchup": ("true", "off", "'false'", "0", "null"),
    "tags": ("[a, b]", "[]", "a", "[1]", "null", "{a: b}"),
    "params": (
        *("{size: 3}", "{size: {type: integer}}", f"{{size: {{{PARAM}, default: 3, type: integer}}}}", "[size]", "null"),
        *(f"{{size: {{{PARAM}, type: integer}}}}", f"{{size: {{{PARAM}, default: x, type: integer}}}}"),
    ),
    "max_active_runs": ("2", "'2'", "0", "-1", "true", "1.5", "null"),
    "max_active_tasks": ("2", "'2'", "null"),
    "concurrency": ("2", "two"),
    "dagrun_timeout": (MINUTES, "3600", "1h", "null"),
    "description": ("text", "5", "[a]", "null"),
    "doc_md": ("text", "5", "null"),
    "dag_display_name": ("Orders", "5"),
    "is_paused_upon_creation": ("true", "'true'", "null"),
    "render_template_as_native_obj": ("true", "1", "null"),
    "template_searchpath": ("/tmp", "relative", "[/tmp]", "5", "null"),
    "access_control": ("{Viewer: {can_read}}", "{Viewer: [can_read]}", "{Viewer: {DAGs: [can_read]}}", "Viewer"),
    "user_defined_macros": ("{cwd: generated_steps.read}", "{cwd: generated_steps.nothing}", "generated_steps.read", "{a: {b: generated_steps.read}}", "{a: 5}"),
    "on_failure_callback": ("generated_steps.read", "generated_steps.nothing", "[generated_steps.read]", "{callback: generated_steps.read}", "{a: b}", "5", "null"),
    "on_execute_callback": ("generated_steps.read",),
    "on_success_callback_name": ("tell",),
    "schedule_interval": ("'@daily'", "null"),
    "timetable": ("{__type__: airflow.timetables.simple.NullTimetable}", "null"),
    "fail_fast": ("true",),
    "schedul": ("'@daily'",),
    "dag_id": ("other",),
    "task_groups": (
        *("{files: {}}", "{files: {tooltip: x}}", "[{group_name: files}]", "[{tooltip: x}]", "{files: {group_name: files}}"),
        *("{files: {tooltipp: x}}", "{files: null}", "{a: {parent_group_name: b}, b: {}}", "{a: {parent_group_name: c}}"),
        *("{a: {default_args: {retries: 2}}}", "{a: {parent_group_name: a}}", "null", "{}", "{a: {prefix_group_id: false}}"),
        *("{a: {default_args: {on_failure_callback: generated_steps.read}}}", "{a: {ui_color: '#fff'}}", "{'a b': {}}", "{a: {tooltip: 5}}"),
    ),
}
"""The values that a key of a DAG has in one document each."""

DEFAULT_ARGS_VALUES: dict[str, tuple[str, ...]] = {
    "owner": ("shop", "5", "null"),
    "retries": ("2", "'2'", "two", "null", "1.5", "true"),
    "retry_delay": ("300", MINUTES, "'300'", "5m", "null"),
    "start_date": ("2026-01-01", "now", "2 days", "x"),
    "end_date": ("2027-01-01", "x"),
    "execution_timeout": (MINUTES, "30"),
    "trigger_rule": ("all_done", "all_sucess", "null"),
    "python_callable_file": ("/tmp/nowhere.py",),
    "python_callable_name": ("load",),
    "retrys": ("3",),
    "catchup": ("false",),
    "nothing_like_it": ("3",),
    "execution_delta": (MINUTES, "1h"),
    "on_failure_callback": ("generated_steps.read", "[generated_steps.read]", "generated_steps.nothing"),
    "on_failure_callback_name": ("tell",),
    "depends_on_past": ("true", "'true'", "no"),
    "email": ("a@b.example",),
    "sla": (MINUTES,),
    "pool": ("small", "5"),
    "pool_slots": ("1", "0", "'1'"),
    "priority_weight": ("1", "'1'"),
    "weight_rule": ("absolute", "absolut"),
    "task_concurrency": ("2",),
    "provide_context": ("true",),
    "retry_delay_sec": ("300",),
    "queue": ("slow", "5"),
    "max_active_tis_per_dag": ("2", "'2'"),
    "bash_command": ("echo",),
    "params": ("{a: 1}", "[a]"),
    "timezone": ("Europe/Berlin", "Europe/Berln"),
}

TASK_VALUES: dict[str, tuple[str, ...]] = {
    "task_id": ("load", "other", "5"),
    "dependencies": ("[]", "null", "[lod]", "[load]", "[first]", "first", "[first, first]", "{first: null}"),
    "task_group_name": ("files", "null", "''"),
    "retries": ("2", "two"),
    "retry_delay": ("300", "'300'", MINUTES),
    "start_date": ("2026-01-01", "2026-01-01 00:00:00", "'2026-01-01'", "{__type__: datetime.datetime, __args__: [2026, 1, 1]}"),
    "execution_timeout": ("30", MINUTES),
    "trigger_rule": ("all_done", "all_sucess"),
    "env": ("{A: b}", "{A: 1}", "{A: null}", "[a]", "text", "{A: yes}"),
    "cwd": ("/tmp", "5"),
    "append_env": ("true", "'true'"),
    "output_encoding": ("latin-1",),
    "bash_comand": ("x",),
    "provide_context": ("true",),
    "outlets": (f"[{ASSET}]", "['s3://bucket/a']", "'s3://b/o'", "{file: missing}", "{file: missing, datasets: [a]}", "5", "[]", "[5]"),
    "inlets": (f"[{ASSET}]", "{file: missing}", "[{a: b}]", "null", "{}"),
    "on_success_callback": ("generated_steps.read", "[generated_steps.read]", "{callback: generated_steps.read, a: 1}", "{callback: 5}"),
    "on_retry_callback_name": ("tell",),
    "expand": (
        *("{env: [{A: '1'}]}", "{}", "null", "{env: first.output}", "{env: XcomArg(first)}", "{env: +first}", "{env: 5}"),
        *("{env: nothing.output}", "{cwd: [/tmp]}", "{env: text}", "{env: first}", "[env]", "{envv: [{A: '1'}]}"),
        *("{env: decorated.output}", "{env: {a: b}}", "{env: []}"),
    ),
    "partial": ("{cwd: /tmp}", "null", "{}"),
    "variables_as_arguments": ("[{variable: a, attribute: cwd}]", "[a]", "{}", "[]"),
    "execution_timeout_secs": ("30",),
    "sla": (MINUTES,),
    "doc_md": ("text", "5"),
    "pool_slots": ("1", "0"),
    "max_active_tis_per_dag": ("2", "two"),
    "wait_for_downstream": ("true", "'true'"),
    "email_on_failure": ("true",),
    "skip_on_exit_code": ("99", "[99]", "'99'"),
    "depends_on": ("[first]",),
    "python_callable_file": ("/tmp/nowhere.py",),
}

SENSOR_VALUES: dict[str, tuple[str, ...]] = {
    "timeout": ("3600", "'3600'", MINUTES, "null"),
    "poke_interval": ("60", "'60'", MINUTES, "1m"),
    "mode": ("poke", "reschedule", "pok"),
    "soft_fail": ("true", "'true'"),
    "execution_delta": ("1 hour", "1h", "3600", MINUTES, "1 days", "text", "null", "''"),
    "execution_date_fn": ("generated_steps.read", "generated_steps.nothing"),
    "exponential_backoff": ("true",),
    "external_task_id": ("end", "null"),
    "allowed_states": ("[success]", "[succes]", "success"),
}

TASKS: dict[str, str] = {
    "no task": "{}",
    "no tasks": "null",
    "text for tasks": "text",
    "a task that is empty": "{load: {}}",
    "a task that is null": "{load: null}",
    "list": f"[{{task_id: load, operator: {EMPTY}}}]",
    "list without an id": f"[{{operator: {EMPTY}}}]",
    "list with one id twice": f"[{{task_id: load, operator: {EMPTY}}}, {{task_id: load, operator: {EMPTY}}}]",
    "id with a blank": f"{{'lo ad': {{operator: {EMPTY}}}}}",
    "id that is a number": f"{{5: {{operator: {EMPTY}}}}}",
    "operator without a dot": "{load: {operator: EmptyOperator}}",
    "operator with a typo": f"{{load: {{operator: {EMPTY}r}}}}",
    "operator that is no operator": "{load: {operator: generated_steps.read}}",
    "operator that is a number": "{load: {operator: 5}}",
    "operator and decorator": f"{{load: {{operator: {EMPTY}, decorator: airflow.sdk.task, python_callable: generated_steps.read}}}}",
    "operator of Airflow 2": "{load: {operator: airflow.operators.empty.EmptyOperator}}",
    "operator that is gone": "{load: {operator: airflow.operators.dummy_operator.DummyOperator}}",
    "python": f"{{load: {{operator: {PYTHON}, python_callable: generated_steps.read}}}}",
    "python without a function": f"{{load: {{operator: {PYTHON}}}}}",
    "python with a missing function": f"{{load: {{operator: {PYTHON}, python_callable: generated_steps.nothing}}}}",
    "python with only a name": f"{{load: {{operator: {PYTHON}, python_callable_name: load}}}}",
    "python with a missing file": f"{{load: {{operator: {PYTHON}, python_callable_name: l, python_callable_file: /tmp/no.py}}}}",
    "python with arguments": f"{{load: {{operator: {PYTHON}, python_callable: generated_steps.find, op_kwargs: {{cmd: A}}}}}}",
    "python with list for op_kwargs": f"{{load: {{operator: {PYTHON}, python_callable: generated_steps.find, op_kwargs: [A]}}}}",
    "python with op_args": f"{{load: {{operator: {PYTHON}, python_callable: generated_steps.find, op_args: [A]}}}}",
    "python mapped": f"{{load: {{operator: {PYTHON}, python_callable: generated_steps.find, expand: {{op_args: [[A], [B]]}}}}}}",
    "python mapped with partial": f"{{l: {{operator: {PYTHON}, python_callable: generated_steps.find, partial: {{op_kwargs: {{path: x}}}},"
    " expand: {op_args: [[A]]}}}",
    "provide_context": f"{{load: {{operator: {PYTHON}, python_callable: generated_steps.read, provide_context: true}}}}",
    "bash without a command": f"{{load: {{operator: {BASH}}}}}",
    "bash with a list for a command": f"{{load: {{operator: {BASH}, bash_command: [a, b]}}}}",
    "bash with a missing script": f"{{load: {{operator: {BASH}, bash_command: run.sh}}}}",
    "decorated": "{load: {decorator: airflow.sdk.task, python_callable: generated_steps.read}}",
    "decorated without a function": "{load: {decorator: airflow.sdk.task}}",
    "decorated with an argument": "{load: {decorator: airflow.sdk.task, python_callable: generated_steps.find, cmd: a}}",
    "decorated with an unknown argument": "{load: {decorator: airflow.sdk.task, python_callable: generated_steps.find, cmd: a, cwd: b}}",
    "decorated without its argument": "{load: {decorator: airflow.sdk.task, python_callable: generated_steps.find}}",
    "decorated with a setting": "{load: {decorator: airflow.sdk.task, python_callable: generated_steps.read, retries: 2}}",
    "decorated with a reference": "{a: {decorator: airflow.sdk.task, python_callable: generated_steps.read}, b: {decorator: airflow.sdk.task,"
    " python_callable: generated_steps.find, cmd: +a, dependencies: [a]}}",
    "decorated with a reference to nothing": "{b: {decorator: airflow.sdk.task, python_callable: generated_steps.find, cmd: +c}}",
    "decorated with an early reference": "{b: {decorator: airflow.sdk.task, python_callable: generated_steps.find, cmd: +a},"
    " a: {decorator: airflow.sdk.task, python_callable: generated_steps.read}}",
    "decorated with a reference to an operator": f"{{a: {{operator: {EMPTY}}}, b: {{decorator: airflow.sdk.task,"
    " python_callable: generated_steps.find, cmd: +a}}",
    "decorated and mapped": "{b: {decorator: airflow.sdk.task, python_callable: generated_steps.find, expand: {cmd: [a, b]}}}",
    "decorated and mapped over a task": "{a: {decorator: airflow.sdk.task, python_callable: generated_steps.names}, b: {decorator:"
    " airflow.sdk.task, python_callable: generated_steps.find, expand: {cmd: +a}, dependencies: [a]}}",
    "decorated and mapped over an output": "{a: {decorator: airflow.sdk.task, python_callable: generated_steps.names}, b: {decorator:"
    " airflow.sdk.task, python_callable: generated_steps.find, expand: {cmd: a.output}, dependencies: [a]}}",
    "decorated and mapped over text": "{b: {decorator: airflow.sdk.task, python_callable: generated_steps.find, expand: {cmd: text}}}",
    "decorated and mapped beside an argument": "{b: {decorator: airflow.sdk.task, python_callable: generated_steps.find,"
    " expand: {cmd: [a]}, path: b}}",
    "decorated with partial": "{b: {decorator: airflow.sdk.task, python_callable: generated_steps.find, expand: {cmd: [a]},"
    " partial: {path: b}}}",
    "decorated with partial beside an argument": "{b: {decorator: airflow.sdk.task, python_callable: generated_steps.find,"
    " expand: {cmd: [a]}, partial: {path: b}, mode: 1}}",
    "decorator of a collection": "{load: {decorator: airflow.sdk.task.branch, python_callable: generated_steps.read}}",
    "decorator of a provider": "{load: {decorator: airflow.providers.standard.decorators.branch_python.branch_task,"
    " python_callable: generated_steps.read}}",
    "an operator mapped over a decorated task": f"{{a: {{decorator: airflow.sdk.task, python_callable: generated_steps.names}}, b: {{operator:"
    f" {BASH}, expand: {{bash_command: a.output}}, dependencies: [a]}}}}",
    "an operator mapped over an operator": f"{{a: {{operator: {BASH}, bash_command: x}}, b: {{operator: {BASH},"
    " expand: {bash_command: a.output}, dependencies: [a]}}",
    "an operator mapped too early": f"{{b: {{operator: {BASH}, expand: {{bash_command: a.output}}}}, a: {{operator: {BASH},"
    " bash_command: x}}",
    "an operator mapped over a plus": f"{{a: {{operator: {BASH}, bash_command: x}}, b: {{operator: {BASH},"
    " expand: {bash_command: +a}, dependencies: [a]}}",
    "two that wait for each other": f"{{a: {{operator: {EMPTY}, dependencies: [b]}}, b: {{operator: {EMPTY}, dependencies: [a]}}}}",
    "an object as an argument": f"{{load: {{operator: {BASH}, bash_command: x, env: {{A: {{__join__: [a, 1]}}}}}}}}",
    "an object that cannot be made": f"{{load: {{operator: {BASH}, bash_command: x, cwd: {{__type__: generated_steps.nothing}}}}}}",
    "an object with a wrong argument": f"{{load: {{operator: {BASH}, bash_command: x, retry_delay:"
    " {__type__: datetime.timedelta, minute: 5}}}",
    "an object without a type": f"{{load: {{operator: {BASH}, bash_command: x, env: {{A: {{__args__: [1]}}}}}}}}",
    "text in an object of text": f"{{load: {{operator: {BASH}, bash_command: x, retry_delay:"
    " {__type__: datetime.timedelta, minutes: '5'}}}",
}


def documents() -> Iterator[tuple[str, str]]:
    """The name and the text of each document."""
    bash = f"load: {{operator: {BASH}, bash_command: echo"
    for key, values in DAG_VALUES.items():
        for value in values:
            start = "" if key == "start_date" else "start_date: 2026-01-01, "
            zone = ", start_date: 2026-01-01" if key == "timezone" else ""
            yield f"DAG {key}: {value}", _document(f"{key}: {value}{zone}", f"{{{bash}}}}}", start if not zone else "")
    for key, values in DEFAULT_ARGS_VALUES.items():
        for value in values:
            zone = ", start_date: 2026-01-01" if key == "timezone" else ""
            yield f"default_args {key}: {value}", _document(f"default_args: {{{key}: {value}{zone}}}", f"{{{bash}}}}}", "")
    others = f"first: {{operator: {BASH}, bash_command: x}}, decorated: {{decorator: airflow.sdk.task, python_callable: generated_steps.names}}"
    for key, values in TASK_VALUES.items():
        for value in values:
            after = ", dependencies: [first, decorated]" if key == "expand" else ""
            yield f"task {key}: {value}", _document("", f"{{{others}, {bash}, {key}: {value}{after}}}}}", "")
    for key, values in SENSOR_VALUES.items():
        for value in values:
            sensor = f"{{operator: {EXTERNAL}, external_dag_id: other, {key}: {value}}}"
            yield f"sensor {key}: {value}", _document("", f"{{wait: {sensor}}}", "")
    for name, tasks in TASKS.items():
        yield f"tasks: {name}", _document("", tasks, "")


def _document(line: str, tasks: str, start: str) -> str:
    start_line = f"  {start.removesuffix(', ')}\n" if start else ""
    line = f"  {line}\n" if line else ""
    return f"orders:\n{start_line}{line}  tasks: {tasks}\n"
