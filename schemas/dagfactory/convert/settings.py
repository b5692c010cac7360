"""The settings that every task has, of a task, a group or `default_args`; callbacks → `notifications`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.dagfactory.convert.conversion import Conversion, Converted
from schemas.dagfactory.convert.schedules import assets
from schemas.dagfactory.convert.values import DATES, duration, moment, moment_of_task, named_arguments, value
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
    made = ((callback, _notification(conversion, path, data, callback)) for callback in callbacks)
    found = {key.removesuffix("_callback"): Converted([one]) for key, one in made if one is not None}
    return Converted(found) if found else None


def _notification(conversion: Conversion, path: DataPath, data: Mapping[str, Any], callback: str) -> Converted | None:
    place = (*path, callback)
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
