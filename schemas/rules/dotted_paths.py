"""A dotted path against the source that it names: one look-up for every place that takes one. With the paths of Airflow
2: what has moved, and where to."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word, typo_fix
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, nearest
from schemas.rules.subject import Subject
from schemas.source import (
    Class,
    Function,
    Hidden,
    ModuleMissing,
    NameMissing,
    NotAPath,
    NotCallable,
    NotInstalled,
    Result,
    SourceError,
    SourceReader,
    TaskDecorated,
    Undecidable,
)

_OPERATORS = "airflow.providers.standard.operators"
_SENSORS = "airflow.providers.standard.sensors"
_SQL = "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
_SQL_SENSOR = "airflow.providers.common.sql.sensors.sql.SqlSensor"
_HTTP = "airflow.providers.http.operators.http.HttpOperator"
_POD = "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"
_SLACK = "airflow.providers.slack.operators.slack"
_EMAIL = "airflow.providers.smtp.operators.smtp.EmailOperator"
_RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "airflow.operators.bash_operator.BashOperator": f"{_OPERATORS}.bash.BashOperator",
        "airflow.operators.branch_operator.BaseBranchOperator": f"{_OPERATORS}.branch.BaseBranchOperator",
        "airflow.operators.dagrun_operator.TriggerDagRunOperator": f"{_OPERATORS}.trigger_dagrun.TriggerDagRunOperator",
        "airflow.operators.dummy.DummyOperator": f"{_OPERATORS}.empty.EmptyOperator",
        "airflow.operators.dummy_operator.DummyOperator": f"{_OPERATORS}.empty.EmptyOperator",
        "airflow.operators.email_operator.EmailOperator": _EMAIL,
        "airflow.operators.email.EmailOperator": _EMAIL,
        "airflow.operators.http_operator.SimpleHttpOperator": _HTTP,
        "airflow.operators.latest_only_operator.LatestOnlyOperator": f"{_OPERATORS}.latest_only.LatestOnlyOperator",
        "airflow.operators.mysql_operator.MySqlOperator": _SQL,
        "airflow.operators.postgres_operator.PostgresOperator": _SQL,
        "airflow.operators.python_operator.BranchPythonOperator": f"{_OPERATORS}.python.BranchPythonOperator",
        "airflow.operators.python_operator.PythonOperator": f"{_OPERATORS}.python.PythonOperator",
        "airflow.operators.python_operator.ShortCircuitOperator": f"{_OPERATORS}.python.ShortCircuitOperator",
        "airflow.operators.sqlite_operator.SqliteOperator": _SQL,
        "airflow.providers.cncf.kubernetes.operators.kubernetes_pod.KubernetesPodOperator": _POD,
        "airflow.contrib.operators.kubernetes_pod_operator.KubernetesPodOperator": _POD,
        "airflow.operators.kubernetes_pod.KubernetesPodOperator": _POD,
        "airflow.operators.hive_operator.HiveOperator": "airflow.providers.apache.hive.operators.hive.HiveOperator",
        "airflow.operators.python_operator.PythonVirtualenvOperator": f"{_OPERATORS}.python.PythonVirtualenvOperator",
        "airflow.operators.slack_operator.SlackAPIPostOperator": f"{_SLACK}.SlackAPIPostOperator",
        "airflow.sensors.s3_key_sensor.S3KeySensor": "airflow.providers.amazon.aws.sensors.s3.S3KeySensor",
        "airflow.datasets.Dataset": "airflow.sdk.Asset",
        "airflow.providers.http.operators.http.SimpleHttpOperator": _HTTP,
        "airflow.providers.mysql.operators.mysql.MySqlOperator": _SQL,
        "airflow.providers.postgres.operators.postgres.PostgresOperator": _SQL,
        "airflow.providers.sqlite.operators.sqlite.SqliteOperator": _SQL,
        "airflow.sensors.external_task_sensor.ExternalTaskSensor": f"{_SENSORS}.external_task.ExternalTaskSensor",
        "airflow.sensors.file_sensor.FileSensor": f"{_SENSORS}.filesystem.FileSensor",
        "airflow.sensors.http_sensor.HttpSensor": "airflow.providers.http.sensors.http.HttpSensor",
        "airflow.sensors.sql.SqlSensor": _SQL_SENSOR,
        "airflow.sensors.sql_sensor.SqlSensor": _SQL_SENSOR,
        "airflow.sensors.time_delta_sensor.TimeDeltaSensor": f"{_SENSORS}.time_delta.TimeDeltaSensor",
    }
)
"""Paths that Airflow 3 removed (its upgrade guide, and the providers' change logs)."""

_KEPT_OPERATORS = ("bash", "datetime", "empty", "latest_only", "python", "smooth", "trigger_dagrun", "weekday")
_KEPT_SENSORS = ("bash", "date_time", "external_task", "filesystem", "python", "time_delta", "weekday")
KEPT_MODULES: Mapping[str, str] = MappingProxyType(
    {
        **{f"airflow.operators.{name}": f"{_OPERATORS}.{name}" for name in _KEPT_OPERATORS},
        **{f"airflow.sensors.{name}": f"{_SENSORS}.{name}" for name in _KEPT_SENSORS},
        "airflow.operators.generic_transfer": "airflow.providers.common.sql.operators.generic_transfer",
        "airflow.sensors.time_sensor": f"{_SENSORS}.time",
    }
)
"""Modules that Airflow 3 keeps for a while, for where Airflow is not installed. A test compares them with Airflow's."""

_SHIMS = ("airflow.operators.", "airflow.sensors.", "airflow.models.", "airflow.hooks.")


def place_of(name: str) -> str | None:
    """Where an operator or a sensor is that is named without its module; None for those that never moved."""
    for old, new in _RENAMED.items():
        if name in (new.rpartition(".")[2], old.rpartition(".")[2]):
            return new
    return None


def moved_to(dotted: str, found: Result) -> str | None:
    """Where a path of Airflow 2 has moved to; None for one that has not.

    `found` is what the reader says of it. Through the names that Airflow 3 keeps for a while it finds the new place;
    where Airflow is not installed, a table says so.
    """
    if dotted in _RENAMED:
        return _RENAMED[dotted]
    if isinstance(found, Class | Function):
        return found.path if found.path != dotted and dotted.startswith(_SHIMS) else None
    if isinstance(found, NotInstalled) and found.module == "airflow":
        module, _, name = dotted.rpartition(".")
        if module in KEPT_MODULES and name.endswith(("Operator", "Sensor", "Async")):
            return f"{KEPT_MODULES[module]}.{name}"
    return None


_GONE = {"days_ago": "Airflow 3 has removed it: write a date, such as `2026-01-01`"}
"""Names of Airflow 2 → what to write."""
Nothing = ModuleMissing | NameMissing | NotAPath | NotCallable | SourceError
Named = Class | Function | TaskDecorated | NotCallable


def look_up(
    subject: Subject, path: DataPath, dotted: str, reader: SourceReader
) -> tuple[Named | None, tuple[Diagnostic, ...]]:
    """What the dotted path at `path` names, and findings. None: there is nothing to use, or reading cannot tell."""
    hidden = reader.hidden_by(dotted)
    if hidden is not None:
        return None, (_hidden_module(subject, path, hidden),)
    found = reader.find(dotted)
    elsewhere = _found_elsewhere(subject, path, dotted, found, reader)
    if elsewhere is not None:
        return None, (elsewhere,)
    new = moved_to(dotted, found)
    if new is not None:
        is_kept = isinstance(found, Class | Function) or dotted.rpartition(".")[0] in KEPT_MODULES
        return found if isinstance(found, Class | Function) else None, (_moved(subject, path, new, is_kept=is_kept),)
    match found:
        case Class() | Function() | TaskDecorated() | NotCallable():
            return found, ()
        case NotInstalled():
            message = f"`{found.distribution_hint}` is not installed here, so this was not checked"
            return None, (subject.finding(Code.OPERATOR_NOT_INSTALLED, path, message),)
        case Undecidable():
            module, _, name = dotted.rpartition(".")
            if module != "datetime" or hasattr(datetime, name):  # written in C: its source does not show what it has
                return None, ()
            message, near = f"`datetime` has no `{name}`", did_you_mean(nearest(name, dir(datetime)))
            return None, (subject.finding(Code.UNKNOWN_NAME, path, message, caret=near),)
        case NameMissing(module, name) if isinstance(
            kept := reader.find(f"{KEPT_MODULES.get(module, module)}.{name}"), NameMissing
        ):
            # A module that Airflow keeps gives no other names than those of its new place.
            return None, (no_callable(subject, path, kept, _operator_of(dotted, kept, reader)),)
        case missing:
            return None, (no_callable(subject, path, missing, _operator_of(dotted, missing, reader)),)


def _operator_of(dotted: str, missing: Result, reader: SourceReader) -> str | None:
    """Where an operator of Airflow's is that is looked for in another module of Airflow's."""
    home, _, name = dotted.rpartition(".")
    is_operator = dotted.startswith("airflow.") and name.endswith(("Operator", "Sensor", "Async"))
    if not is_operator or not isinstance(missing, ModuleMissing | NameMissing):
        return None
    written = missing.module if isinstance(missing, ModuleMissing) else missing.name
    if dotted.startswith("airflow.providers.") and typo_fix(written, missing.candidates) is not None:
        return None  # a letter in the path of the provider
    places = (f"{module}.{name}" for module in KEPT_MODULES.values() if module != home)
    return place_of(name) or next((place for place in places if isinstance(reader.find(place), Class)), None)


def no_function(subject: Subject, path: DataPath, dotted: str, found: TaskDecorated | NotCallable) -> Diagnostic:
    """The finding for what `look_up` found and nobody can call."""
    if isinstance(found, NotCallable):
        return no_callable(subject, path, found)
    message = f"`{dotted}` is already a task, made by `@{found.decorator}`"
    return subject.finding(Code.NOT_CALLABLE, path, message, help="name a function without this decorator")


def no_callable(subject: Subject, path: DataPath, found: Nothing, place: str | None = None) -> Diagnostic:
    """The finding for what is not there or cannot be used; `place` is where it is."""
    is_there = f"it is `{place}`" if place is not None else ""
    match found:
        case ModuleMissing(module, parent, candidates):
            below = f"below `{parent}`" if parent else "below the pipelines folder or among the installed packages"
            return subject.finding(
                Code.UNKNOWN_MODULE,
                path,
                f"there is no module `{module}` {below}",
                caret=is_there or did_you_mean(next(iter(candidates), None)),
                fix=_fix_of_name(subject, path, module, candidates) if place is None else Word(place),
            )
        case NameMissing(module, name, file, candidates, defined):
            return subject.finding(
                Code.UNKNOWN_NAME,
                path,
                f"`{module}` ({file.name}) defines no `{name}`",
                caret=is_there or did_you_mean(next(iter(candidates), None)),
                fix=_fix_of_name(subject, path, name, candidates) if place is None else Word(place),
                allowed=defined if len(defined) <= 20 and name not in _GONE else (),
                help=_GONE.get(name, ""),
            )
        case NotCallable(dotted, kind, candidates):
            return subject.finding(
                Code.NOT_CALLABLE,
                path,
                f"`{dotted}` is a {kind}, not a function and not an operator",
                allowed=candidates if len(candidates) <= 20 else (),
                help="a method needs an object: name a function that makes one and calls it"
                if kind == "method"
                else "",
            )
        case SourceError(line=line, column=column, message=message):
            return subject.finding(
                Code.PYTHON_SYNTAX, path, f"{found.path}:{line}:{column} is not valid Python: {message}"
            )
        case NotAPath(text):
            module = text.removesuffix(".py").strip("./").replace("/", ".")
            example = f"{module}.function" if text.endswith(".py") else "module.function"
            return subject.finding(Code.UNKNOWN_USES, path, f"`{text}` is not a dotted path", help=f"write `{example}`")


def _hidden_module(subject: Subject, path: DataPath, hidden: Hidden) -> Diagnostic:
    return subject.finding(
        Code.HIDDEN_MODULE,
        path,
        f"`{hidden.name}` would be imported from {hidden.owner} ({hidden.other}), not from {hidden.local.name}",
        help="give the module below the pipelines folder another name",
    )


def _moved(subject: Subject, path: DataPath, new: str, *, is_kept: bool) -> Diagnostic:
    return subject.finding(
        Code.MOVED_PATH,
        path,
        "this is its place in Airflow 2" + ("; Airflow 3 keeps it for a while" if is_kept else ""),
        caret=f"it is `{new}` now",
        fix=Word(new),
        severity=Severity.WARNING if is_kept else Severity.ERROR,
    )


def _fix_of_name(subject: Subject, path: DataPath, missing: str, candidates: tuple[str, ...]) -> Word | None:
    dotted, fix = subject.at(path), typo_fix(missing, candidates)
    if fix is None or not isinstance(dotted, str) or dotted.count(missing) != 1:
        return None
    return Word(dotted.replace(missing, fix.text))


def _found_elsewhere(
    subject: Subject, path: DataPath, dotted: str, found: Result, reader: SourceReader
) -> Diagnostic | None:
    """The finding for a path that does not start at the pipelines folder, as Python developers may expect."""
    if not isinstance(found, ModuleMissing | NotInstalled):
        return None
    module, _, rest = dotted.partition(".")
    help_text = "a module's path starts at the pipelines folder, wherever the pipeline is"
    if typo_fix(module, ("airflow",)) is not None and _is_callable(f"airflow.{rest}", reader):
        place, caret, help_text = f"airflow.{rest}", "did you mean `airflow`?", ""
    elif module == reader.folder.name and _is_callable(rest, reader):
        place, caret = rest, f"remove `{module}.`"
    else:
        place = _other_place(subject, dotted, reader) or ""
        caret = f"write `{place}`"
    if not place:
        return None
    message = f"there is no module `{module}` below the pipelines folder or among the installed packages"
    return subject.finding(Code.UNKNOWN_MODULE, path, message, caret=caret, help=help_text, fix=Word(place))


def _other_place(subject: Subject, dotted: str, reader: SourceReader) -> str | None:
    """The path from the pipeline's own folder or one above it, or from the only other folder that has it."""
    near = [".".join(folder.parts) for folder in PurePosixPath(subject.path).parents if folder.parts]
    for meant in _callables(near, dotted, reader):
        return meant
    others = list(_callables(reader.packages_with(dotted.partition(".")[0]), dotted, reader))
    return others[0] if len(others) == 1 else None


def _callables(packages: list[str] | tuple[str, ...], dotted: str, reader: SourceReader) -> Iterator[str]:
    return (meant for package in packages if _is_callable(meant := f"{package}.{dotted}", reader))


def _is_callable(dotted: str, reader: SourceReader) -> bool:
    return "." in dotted and isinstance(reader.find(dotted), Class | Function)
