"""`on_…_callback` → `notifications`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.functions import function_path
from schemas.dagfactory.convert.objects import named_arguments, value
from schemas.dagfactory.convert.texts import fixed
from schemas.dagfactory.convert.written import Written
from schemas.dagfactory.keys import CALLBACKS
from schemas.findings.paths import DataPath
from schemas.source import Function

_FACTORIES: Mapping[str, str] = {
    "airflow.providers.slack.notifications.slack.send_slack_notification": "slack",
    "airflow.providers.slack.notifications.slack.SlackNotifier": "slack",
    "airflow.providers.slack.notifications.slack_webhook.send_slack_webhook_notification": "slack_webhook",
    "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier": "slack_webhook",
    "airflow.providers.smtp.notifications.smtp.send_smtp_notification": "email",
    "airflow.providers.smtp.notifications.smtp.SmtpNotifier": "email",
}
"""Other names of what a `uses` without a dot names (`schemas.model.notifications`)."""


def notifications(
    conversion: Conversion, path: DataPath, data: Mapping[str, Any], callbacks: tuple[str, ...] = CALLBACKS
) -> Written | None:
    """The notifications that the callbacks of a mapping are; None where it has none."""
    found: dict[str, Written] = {}
    for callback in callbacks:
        one = _notification(conversion, path, data, callback)
        if one is not None:
            found[callback.removesuffix("_callback")] = Written([one])
    return Written(found) if found else None


def _notification(conversion: Conversion, path: DataPath, data: Mapping[str, Any], callback: str) -> Written | None:
    place = (*path, callback)
    given = data.get(callback)
    if isinstance(given, dict) and isinstance(given.get("callback"), str):
        kind = fixed(conversion, (*place, "callback"), given["callback"])
        arguments = {k: value(conversion, (*place, k), v) for k, v in given.items() if k != "callback"}
        return _made(conversion, place, kind, arguments)
    if isinstance(given, dict) and "__type__" in given:
        kind = fixed(conversion, (*place, "__type__"), str(given["__type__"]))
        return _made(conversion, place, kind, named_arguments(conversion, place, kind, given))
    if given is not None and not isinstance(given, str):
        conversion.lost(place, f"this `{callback}` has no like here")
        return None
    dotted = function_path(conversion, path, data, callback)
    return None if dotted is None else _made(conversion, place if given else (*path, f"{callback}_name"), dotted, {})


def _made(conversion: Conversion, place: DataPath, dotted: str, arguments: dict[str, Written]) -> Written:
    found = conversion.reader.find(dotted)
    if isinstance(found, Function) and not _takes_context(found, arguments):
        conversion.changed(
            place,
            f"Airflow hands the context to `{dotted}` as its first argument; here it goes by the name `context`",
            help="call the function's parameter `context`",
        )
    parts = {"uses": Written(_FACTORIES.get(dotted, dotted), place)}
    if arguments:
        parts["with"] = Written(dict(arguments))
    return Written(parts)


def _takes_context(function: Function, arguments: Mapping[str, Written]) -> bool:
    """Whether the one argument that Airflow gives has a name of its own, or is given by name, too."""
    free = [p for p in function.parameters if p.name not in arguments and p.required]
    return all(p.name == "context" or p.kind.startswith("VAR_") for p in free)
