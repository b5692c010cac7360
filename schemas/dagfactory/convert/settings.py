"""The settings that every task has, of a task, a group or `default_args`; callbacks → `notifications`; `schedule` →
cron, assets or a timetable; `inlets` and `outlets`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from schemas.dagfactory.convert.conversion import Conversion, Converted
from schemas.dagfactory.convert.values import (
    DATES,
    duration,
    duration_of_object,
    moment,
    moment_of_task,
    named_arguments,
    value,
    written_duration,
)
from schemas.dagfactory.keys import CALLBACKS, DEADLINE
from schemas.findings.paths import DataPath
from schemas.model.settings import SETTING_KEYS
from schemas.source import Function

_DURATIONS = frozenset({"retry_delay", "max_retry_delay", "execution_timeout"})
_EMAIL = ("email", "email_on_failure", "email_on_retry")
_CALLBACK_KEYS = frozenset(f"{callback}{part}" for callback in CALLBACKS for part in ("", "_name", "_file"))
OWN_KEYS = (SETTING_KEYS - {"notifications"}) | _CALLBACK_KEYS | {*_EMAIL, "sla"}
"""Keys that are settings, including callbacks."""
_NOTIFIERS: Mapping[str, str] = {
    "airflow.providers.slack.notifications.slack.send_slack_notification": "slack",
    "airflow.providers.slack.notifications.slack.SlackNotifier": "slack",
    "airflow.providers.slack.notifications.slack_webhook.send_slack_webhook_notification": "slack_webhook",
    "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier": "slack_webhook",
    "airflow.providers.smtp.notifications.smtp.send_smtp_notification": "email",
    "airflow.providers.smtp.notifications.smtp.SmtpNotifier": "email",
}
"""The paths of what a `uses` without a dot names (`schemas.model.notifications`)."""


def settings(
    conversion: Conversion, path: DataPath, data: Mapping[str, Any], around: str | None = None
) -> dict[str, Converted]:
    """The settings of a mapping, in its order. `around` is the pipeline's time zone, where dag-factory reads the dates
    itself: in `default_args`."""
    made: dict[str, Converted] = {}
    for key, given in data.items():
        if key in SETTING_KEYS and key != "notifications":
            made[key] = _setting(conversion, (*path, key), given, data, around)
        elif key in _CALLBACK_KEYS and "notifications" not in made:
            found = notifications(conversion, path, data)
            if found is not None:
                made["notifications"] = found
    if data.get("email"):
        help_text = "write `notifications` with `uses: email`"
        conversion.lost((*path, "email"), "mails are notifications here", help=help_text)
    for key in _EMAIL[1:]:
        if key in data:
            conversion.changed((*path, key), f"`{key}` is left out: `notifications` say who gets a mail")
    if data.get("sla") is not None:
        conversion.changed((*path, "sla"), "`sla` is left out: Airflow 3 ignores it", help=DEADLINE)
    return made


def _setting(
    conversion: Conversion, path: DataPath, given: Any, data: Mapping[str, Any], around: str | None
) -> Converted:
    key = path[-1]
    if given is None:
        return Converted(None, path)
    if key in DATES:
        if around is None:
            return moment_of_task(conversion, path, given)
        return moment(conversion, path, given, data.get("timezone"), around)
    if key in _DURATIONS:
        return duration(conversion, path, given)
    if key == "retries" and isinstance(given, str) and given.isdecimal():
        return Converted(int(given), path)  # as Airflow does
    if key in ("inlets", "outlets"):
        return assets(conversion, path, given)
    if key == "retry_exponential_backoff" and isinstance(given, bool):
        return Converted(2 if given else 0, path)  # as Airflow does (`airflow.sdk.BaseOperator`)
    return value(conversion, path, given)


def notifications(
    conversion: Conversion, path: DataPath, data: Mapping[str, Any], callbacks: tuple[str, ...] = CALLBACKS
) -> Converted | None:
    """What the callbacks of a mapping become; None where it has none."""
    found = {}
    for callback in callbacks:
        several = data.get(callback)
        if isinstance(several, list):
            made = [_notification(conversion, path, {callback: one}, callback, n) for n, one in enumerate(several)]
        else:
            made = [_notification(conversion, path, data, callback)]
        if any(made):
            found[callback.removesuffix("_callback")] = Converted([one for one in made if one is not None])
    return Converted(found) if found else None


def _notification(
    conversion: Conversion, path: DataPath, data: Mapping[str, Any], callback: str, index: int | None = None
) -> Converted | None:
    place = (*path, callback) if index is None else (*path, callback, index)
    given = data.get(callback)
    if isinstance(given, dict) and isinstance(given.get("callback"), str):
        dotted = conversion.fixed_text((*place, "callback"), given["callback"])
        arguments = {k: value(conversion, (*place, k), v) for k, v in given.items() if k != "callback"}
    elif isinstance(given, dict) and "__type__" in given:
        dotted = conversion.fixed_text((*place, "__type__"), str(given["__type__"]))
        arguments = named_arguments(conversion, place, dotted, given)
    elif given is not None and not isinstance(given, str):
        conversion.lost(place, f"this `{callback}` has no equivalent here")
        return None
    else:
        function = conversion.function_path(path, data, callback)
        if function is None:
            return None
        dotted, arguments = function, {}
        place = place if given else (*path, f"{callback}_name")
    found = conversion.reader.find(dotted)
    if isinstance(found, Function) and not _takes_context(found, arguments):
        message = f"Airflow hands the context to `{dotted}` as its first argument; here the argument is named `context`"
        conversion.changed(place, message, help="call the function's parameter `context`")
    parts = {"uses": Converted(_NOTIFIERS.get(dotted, dotted), place)}
    return Converted({**parts, "with": Converted(arguments)} if arguments else parts)


def _takes_context(function: Function, arguments: Mapping[str, Converted]) -> bool:
    """Whether the one argument that Airflow gives is called `context`, or is given by name, too."""
    free = [p for p in function.parameters if p.name not in arguments and p.required]
    return all(p.name == "context" or p.kind.startswith("VAR_") for p in free)


_ASSETS = frozenset(
    {
        *("airflow.sdk.Asset", "airflow.sdk.Dataset", "airflow.sdk.definitions.asset.Asset"),
        *("airflow.datasets.Dataset", "airflow.assets.Asset"),
    }
)
_ASSET_KEYS = frozenset({"name", "uri", "group", "extra"})
_FIELDS = 5
_CRON = "CronTriggerTimetable"
_CRONS = "MultipleCronTriggerTimetable"
_INTERVAL = "CronDataIntervalTimetable"
_OR_TIME = "AssetOrTimeSchedule"


def schedule(conversion: Conversion, given: Any) -> Converted:
    """The schedule of a DAG; reports one that this language cannot express."""
    path = ("schedule",)
    if not given or (isinstance(given, str) and given.strip().lower() == "none"):
        return Converted(None, path)
    if isinstance(given, str):
        text = conversion.fixed_text(path, given)
        if len(text.split()) > _FIELDS:
            conversion.lost(path, "a cron expression has no seconds here")
            text = " ".join(text.split()[:_FIELDS])
        return Converted(text, path)
    if isinstance(given, dict) and given.get("__type__") == "builtins.list" and "items" in given:
        given = given["items"]
    every = duration_of_object(given)
    if every is not None:
        return Converted({"every": Converted(written_duration(every), path)}, path)
    condition = _condition(conversion, path, given)
    made = {"assets": condition} if condition is not None else None
    if made is None and isinstance(given, dict) and "__type__" in given:
        made = _timetable(conversion, path, given)
    if made is None:
        conversion.lost(path, "this schedule has no equivalent here")
    return Converted(made, path)


def _timetable(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> dict[str, Converted] | None:
    """None for a combination that this language cannot express."""
    kind = conversion.fixed_text((*path, "__type__"), str(given["__type__"]))
    short = kind.rpartition(".")[2]
    if short == _OR_TIME:
        return _assets_or_time(conversion, path, given)
    if short in (_CRON, _CRONS, _INTERVAL) and kind.startswith("airflow."):
        cron = _cron(conversion, path, given)
        if cron is not None:
            return cron
    if kind.partition(".")[0] in sys.stdlib_module_names:
        return None  # Python's own classes are no timetables: `builtins.list` of no assets
    arguments = named_arguments(conversion, path, kind, given)
    return {"timetable": Converted(kind, (*path, "__type__")), "with": Converted(arguments)}


def _cron(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> dict[str, Converted] | None:
    """The timetable as `cron`, `timezone` and `data_interval`; None where it has other arguments."""
    arguments = given.get("__args__") or []
    rest = {key: child for key, child in given.items() if key not in ("__type__", "__args__")}
    if not isinstance(arguments, list) or not rest.keys() <= {"cron", "timezone"}:
        return None
    places: dict[DataPath, Any] = {(*path, "__args__", index): cron for index, cron in enumerate(arguments)}
    if "cron" in rest:
        places[(*path, "cron")] = rest["cron"]
    several = str(given["__type__"]).endswith(_CRONS)
    if not (places if several else len(places) == 1) or not all(isinstance(cron, str) for cron in places.values()):
        return None
    crons = [Converted(conversion.fixed_text(place, cron), place) for place, cron in places.items()]
    found = {"cron": Converted(crons, (*path, "__args__")) if several else crons[0]}
    if isinstance(rest.get("timezone"), str):
        place = (*path, "timezone")
        found["timezone"] = Converted(conversion.fixed_text(place, rest["timezone"]), place)
    if str(given["__type__"]).endswith(_INTERVAL):
        found["data_interval"] = Converted(True)
    return found


def _assets_or_time(conversion: Conversion, path: DataPath, given: dict[str, Any]) -> dict[str, Converted] | None:
    timetable = given.get("timetable")
    kind = str(timetable.get("__type__")) if isinstance(timetable, dict) else ""
    if "__args__" in given or not isinstance(timetable, dict) or kind.rpartition(".")[2] != _CRON:
        return None
    cron = _cron(conversion, (*path, "timetable"), timetable)
    condition = _condition(conversion, (*path, "assets"), given.get("assets"))
    return None if cron is None or condition is None else {"assets": condition, **cron}


def _condition(conversion: Conversion, path: DataPath, given: Any) -> Converted | None:
    """A condition on assets; None for other values."""
    if isinstance(given, list):
        return _all_of(conversion, path, "all", [((*path, index), item) for index, item in enumerate(given) if item])
    for key, word in (("__and__", "all"), ("__or__", "any")):
        if isinstance(given, dict) and isinstance(given.get(key), list):
            place = (*path, key)
            return _all_of(conversion, path, word, [((*place, index), item) for index, item in enumerate(given[key])])
    return _asset(conversion, path, given)


def _all_of(conversion: Conversion, path: DataPath, word: str, items: list[tuple[DataPath, Any]]) -> Converted | None:
    found = [_condition(conversion, place, item) for place, item in items]
    if None in found:
        return None
    place = items[0][0][:-1] if items else path
    return Converted({word: Converted(found, place)}, path)


def _asset(conversion: Conversion, path: DataPath, given: Any) -> Converted | None:
    """One asset; None for other values. A schedule accepts no variables."""
    text = conversion.fixed_text if path[0] == "schedule" else conversion.text
    if isinstance(given, str):
        return Converted(text(path, given.strip()), path)
    if not isinstance(given, dict) or given.get("__type__") not in _ASSETS:
        return None
    if path[0] == "schedule":
        given = {k: text((*path, k), v) if isinstance(v, str) else v for k, v in given.items()}
    parts = named_arguments(conversion, path, "airflow.sdk.Asset", given)
    if parts.keys() == {"uri"} or parts.keys() == {"name"}:
        (only,) = parts.values()
        return Converted(only.value, path)
    for name in sorted(parts.keys() - _ASSET_KEYS):
        conversion.lost((*path, name), f"`{name}` of an asset cannot be converted")
        del parts[name]
    return Converted(parts, path)


def assets(conversion: Conversion, path: DataPath, given: Any) -> Converted:
    """`inlets` or `outlets`."""
    if not isinstance(given, list):
        conversion.lost(path, f"`{path[-1]}` is not a list of assets")
        return Converted([], path)
    items = []
    for index, one in enumerate(given):
        made = _asset(conversion, (*path, index), one)
        if made is None:
            conversion.lost((*path, index), f"`{path[-1]}` accepts assets only", at_key=False)
        else:
            items.append(made)
    return Converted(items, path, flow=all(isinstance(item.value, str) for item in items))
