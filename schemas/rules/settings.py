"""Settings of a pipeline or a task that contradict each other, or that switch certificates off."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from schemas.compose.env_values import EnvText
from schemas.compose.servers import credentials_in, is_named_later, named_servers
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, typo_fix
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.model.built_ins import BUILT_INS
from schemas.model.pipeline import RunType
from schemas.model.times import parse_date
from schemas.rules.dotted_paths import look_up
from schemas.rules.expressions import has_expression
from schemas.rules.subject import Subject, scalar
from schemas.rules.task_view import TaskView
from schemas.shape.places import mapping_at, value_at
from schemas.source import SourceReader

_FAR = timedelta(days=366)


def check_dates(subject: Subject) -> Iterator[Diagnostic]:
    """An `end_date` before its `start_date`, and a `start_date` that is to come, in the file or in a task."""
    for path, settings in (((), subject.data), *subject.settings):
        if "end_date" in settings:
            yield from _order(subject, path, settings)
        start = _date(settings.get("start_date")) if "start_date" in settings else None
        if start is not None and start > (now := datetime.now(UTC)):
            yield from _start(subject, path, start - now)


def _start(subject: Subject, path: DataPath, left: timedelta) -> Iterator[Diagnostic]:
    """Airflow makes no task instances of a task before its start, and a run without any succeeds. A schedule that
    begins soon is left alone: such a run is somebody's try."""
    is_by_hand = subject.data.get("schedule") is None and "watch" not in mapping_at(subject.data, ("poll",))
    if is_by_hand or left > _FAR:
        message = "until then a run that is started by hand runs no task and succeeds"
        help_text = "write a date in the past, or remove it" if is_by_hand else "check the year"
        yield subject.finding(Code.SURPRISING_SCHEDULE, (*path, "start_date"), message, help=help_text)


def _order(subject: Subject, path: DataPath, mapping: Mapping[str, Any]) -> Iterator[Diagnostic]:
    start, end = _date(mapping.get("start_date")), _date(mapping.get("end_date"))
    if start is not None and end is not None and end < start:
        yield subject.finding(Code.END_BEFORE_START, (*path, "end_date"), "`end_date` is before `start_date`")


def _date(value: object) -> datetime | None:
    """The instant, one without offset taken as UTC: both of a pair usually have none."""
    if not isinstance(value, str):
        return None
    try:
        date = parse_date(value)
    except ValueError:
        return None  # its shape is reported where the model is checked
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


_ONLY_AFTER_OTHERS = ("one_failed", "all_failed", "all_skipped")


NO_FIRST_SLOT = "`catchup: true` needs a `start_date`: the first slot to catch up on"


def check_what_starts_runs(subject: Subject) -> Iterator[Diagnostic]:
    """`catchup` without a start, and `allowed_run_types` without the runs of the schedule (validators of airflow.sdk
    DAG). A timetable by its class is left to the build."""
    schedule = subject.data.get("schedule")
    keys = schedule.keys() if isinstance(schedule, dict) else ()
    if "timetable" in keys:
        return
    has_assets = "assets" in keys or mapping_at(subject.data, ("poll",)).get("watch") is not None
    has_clock = isinstance(schedule, str) or "cron" in keys or "every" in keys
    has_start = subject.data.get("start_date") is not None or "start_date" in mapping_at(
        subject.data, ("default_args",)
    )
    if scalar(subject.data.get("catchup")) is True and (has_clock or has_assets) and not has_start:
        yield subject.finding(Code.KEY_ALONE, ("catchup",), NO_FIRST_SLOT, at_key=True)
    allowed = subject.data.get("allowed_run_types")
    needed = "asset_triggered" if has_assets else "scheduled" if has_clock else "manual"
    if isinstance(allowed, list) and allowed and {*map(str, allowed)} <= {*get_args(RunType)} - {needed}:
        why = {
            "asset_triggered": "the assets start such runs",
            "scheduled": "the schedule starts such runs",
            "manual": "without a schedule, people start the runs",
        }
        message = f"`allowed_run_types` must have `{needed}`: {why[needed]}"
        yield subject.finding(Code.CONTRADICTION, ("allowed_run_types",), message, caret=f"add `{needed}`")


def check_lone_rules(subject: Subject) -> Iterator[Diagnostic]:
    """Trigger rules for what became of others, where a task waits for none. A group may wait for its tasks."""
    if not subject.may_hold("trigger_rule") or "poll" in subject.data:
        return
    for task in subject.tasks:
        rule, is_outside = task.entry.get("trigger_rule"), task.path[:-1] == ("tasks",)
        if rule in _ONLY_AFTER_OTHERS and is_outside and not subject.waits[task.path] and "teardown" not in task.entry:
            message, path = f"`{rule}` has no effect: this task waits for none, so it always runs", "trigger_rule"
            yield subject.finding(
                Code.KEY_ALONE, (*task.path, path), message, help="write `needs`", severity=Severity.WARNING
            )


_ONLY_RULE = "all_success"


def check_fail_fast(subject: Subject) -> Iterator[Diagnostic]:
    """A trigger rule that `fail_fast` forbids (airflow.sdk DAG.add_task, FailFastDagInvalidTriggerRule)."""
    if scalar(subject.data.get("fail_fast")) is not True:
        return
    defaults_count = any("trigger_rule" not in task.entry for task in subject.tasks)
    for path, settings in subject.settings:
        rule = settings.get("trigger_rule") if defaults_count or path != ("default_args",) else None
        if isinstance(rule, str) and "${" not in rule and rule != _ONLY_RULE:
            what = f"the value of `{rule.expression}`" if isinstance(rule, EnvText) else f"`{rule}`"
            yield subject.finding(
                Code.FAIL_FAST_TRIGGER_RULE,
                (*path, "trigger_rule"),
                f"with `fail_fast: true` a `trigger_rule` must be `{_ONLY_RULE}`, not {what}",
                help="remove `fail_fast` or the `trigger_rule`",
            )


CONDITIONS = ("run_if", "skip_if")


def check_conditions(subject: Subject) -> Iterator[Diagnostic]:
    """Conditions that exclude each other, and texts that are the same in every run."""
    if not subject.may_hold(*CONDITIONS):
        return
    for task in subject.tasks:
        if task.path == ("poll",):
            continue
        if all(isinstance(task.entry.get(key), str) for key in CONDITIONS):
            yield subject.finding(
                Code.BAD_CONDITION,
                (*task.path, "skip_if"),
                "`run_if` and `skip_if` exclude each other",
                at_key=True,
                help='one template can do both: `run_if: "{{ … and not … }}"`',
            )
        for key in CONDITIONS:
            text, path = task.entry.get(key), (*task.path, key)
            if isinstance(text, str) and _never_says_no(text):
                yield subject.finding(
                    Code.BAD_CONDITION,
                    path,
                    f"`{key}` is more than one template, so its text is never empty or false",
                    help=f'write the whole condition in one `{{{{ }}}}`: `{key}: "{{{{ not params.full }}}}"`',
                )
            if isinstance(text, str) and "{{" not in text and "{%" not in text and not has_expression(subject, path):
                yield subject.finding(
                    Code.BAD_CONDITION,
                    path,
                    f"`{key}` must be a template; this text is the same in every run",
                    help=f'write the condition in `{{{{ }}}}`: `{key}: "{{{{ {_inside(text)} }}}}"`',
                )


def _never_says_no(text: str) -> bool:
    """Whether there is text beside the only template, or a second one: what they render to is not empty."""
    stripped = text.strip()
    is_one = stripped.startswith("{{") and stripped.endswith("}}") and stripped.count("{{") == 1
    return 0 < text.count("{{") == text.count("}}") and "{%" not in text and not is_one


def _inside(text: str) -> str:
    short = text.strip()
    return short if short and short.isprintable() and "{" not in short else "params.full"


def check_none(subject: Subject) -> Iterator[Diagnostic]:
    """Names of pools and queues that nobody gave to one: Python's `None`, templates, Airflow's pool by another name."""
    for path, settings in subject.settings if subject.may_hold("pool", "queue") else ():
        for key in ("pool", "queue"):
            written, warning = str(settings.get(key)), Severity.WARNING
            if settings.get(key) == "None":
                message = f"`None` is text in YAML: the name of a {key}"
                yield subject.finding(Code.WRONG_VALUE, (*path, key), message, caret="write `null`", severity=warning)
            elif "{{" in written:
                message = f"Airflow renders no template in `{key}`, so the task waits without end"
                yield subject.finding(Code.WRONG_VALUE, (*path, key), message)
            elif key == "pool" and written != "default_pool" and re.fullmatch(r"(?i)default[ _-]?(?:pool)?", written):
                message, caret = "a task of a pool that does not exist never starts", "did you mean `default_pool`?"
                yield subject.finding(Code.WRONG_VALUE, (*path, key), message, caret=caret, severity=warning)


_COMMENT_AS_VALUE = re.compile(r"[\"']?\s*:\s+(?P<comment>#[\w!]\S*)")


def check_null_by_comment(subject: Subject) -> Iterator[Diagnostic]:
    """Keys without a value, in whose place a comment is written without a space: `channel: #alerts`."""
    if not subject.may_hold(": #"):
        return
    for path in subject.keys:
        if value_at(subject.data, path) is None:
            _, text, span = subject.key_span(path)
            line = text.splitlines()[span.line - 1] if span.line <= text.count("\n") + 1 else ""
            match = _COMMENT_AS_VALUE.match(line, span.end_column - 1)
            if match is not None:
                message = f"`{match['comment']}` is a comment, so `{path[-1]}` is null"
                caret = f'write "{match["comment"]}"'
                yield subject.finding(Code.NULL_BY_COMMENT, path, message, at_key=True, caret=caret)


def check_retry_policies(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Exceptions in a `retry_policy` that do not exist."""
    if not subject.may_hold("retry_policy"):
        return
    for path, settings in subject.settings:
        rules = mapping_at(settings, ("retry_policy",)).get("rules")
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            named = rule.get("exception") if isinstance(rule, dict) else None
            place = (*path, "retry_policy", "rules", index, "exception")
            several = [((*place, i), name) for i, name in enumerate(named)] if isinstance(named, list) else None
            for where, name in several if several is not None else [(place, named)]:
                if isinstance(name, str) and name:
                    yield from _exception(subject, where, name, reader)


def _exception(subject: Subject, path: DataPath, name: str, reader: SourceReader) -> Iterator[Diagnostic]:
    if "." in name:
        findings = tuple(f for f in look_up(subject, path, name, reader)[1] if f.severity is Severity.ERROR)
    else:
        own = tuple(n for n, v in vars(builtins).items() if isinstance(v, type) and issubclass(v, BaseException))
        message, help_text = f"Python has no built-in exception `{name}`", "write another one as `module.Exception`"
        caret, fix = meant(name, own), typo_fix(name, own)
        finding = subject.finding(Code.UNKNOWN_NAME, path, message, caret=caret, help=help_text, fix=fix)
        findings = () if name in own else (finding,)
    if findings and isinstance(name, EnvText):
        message = f"what `{name.expression}` gives names no exception"
        yield subject.finding(Code.VARIABLE_DOES_NOT_FIT, path, message)
    else:
        yield from findings


_TLS_KEYS = frozenset(
    {"verify", "verify_ssl", "ssl_verify", "verify_certs", "verify_tls", "check_hostname", "ssl_check_hostname"}
)


def check_tls(subject: Subject) -> Iterator[Diagnostic]:
    """`verify: false` and its other names, anywhere but at the top of the file."""
    if not subject.may_hold("verify", "check_hostname"):
        return
    for path in subject.keys:
        if (
            path[-1] in _TLS_KEYS
            and len(path) > 1
            and value_at(subject.data, path) is False
            and not _is_unknown(subject, path)
        ):
            yield subject.finding(
                Code.UNVERIFIED_TLS,
                path,
                f"`{path[-1]}: false`: anybody on the network can read and change what is sent",
                help="name the CA's certificates instead: in `REQUESTS_CA_BUNDLE`, or as a path in this argument",
            )


def _is_unknown(subject: Subject, path: DataPath) -> bool:
    """Whether the language has no such key there, which is a finding of its own: beside `uses`, or of a built-in."""
    task = subject.entry_at(path)
    if task is None:
        return False
    return path[:-1] == task.path or (task.uses in BUILT_INS and path[:-1] == task.with_path)


def check_servers(subject: Subject) -> Iterator[Diagnostic]:
    """Requests with credentials whose server comes with a value of the run, which nothing in the file names."""
    for task in subject.tasks:
        if task.uses == "http":
            yield from _server(subject, task)


def _server(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    following = (*task.with_path, "pagination", "next_request", "url")
    target = value_at(subject.data, following)
    if isinstance(target, str) and "{" in target and is_named_later(target):
        message = "`next_request` is sent to a server that only a run knows: write the server, or a path alone"
        yield subject.finding(Code.BAD_EXPRESSION, following, message)
    path = (task.mapped or {}).get("url", (*task.with_path, "url"))
    url = value_at(subject.data, path)
    if not isinstance(url, str) or "{" not in url or not is_named_later(url):
        return
    auth, carried = task.arguments.get("auth"), next(credentials_in(task.arguments), None)
    if carried and not named_servers(subject.data, task.arguments):
        message = f"a value of the run says which server is asked, and nothing here says which one may get {carried}"
        help_text = "write the server before the value, as in https://api.example.com/${each.id}"
        if isinstance(auth, dict) and auth.get("conn_id"):
            help_text += f"; or make it the host of the connection `{auth['conn_id']}`, then ignore this"
        yield subject.finding(Code.SERVER_OF_A_RUN, path, message, help=help_text)
