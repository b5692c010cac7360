"""The settings that every task has, of a task, a group or `default_args`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.dagfactory.convert.assets import assets
from schemas.dagfactory.convert.callbacks import notifications
from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.convert.dates import DATES, moment, of_task
from schemas.dagfactory.convert.objects import as_duration, value
from schemas.dagfactory.convert.written import Written
from schemas.dagfactory.keys import CALLBACKS, DEADLINE
from schemas.findings.paths import DataPath
from schemas.model.settings import SETTING_KEYS

_DURATIONS = frozenset({"retry_delay", "max_retry_delay", "execution_timeout"})
_EMAIL = ("email", "email_on_failure", "email_on_retry")
CALLBACK_KEYS = frozenset(f"{callback}{part}" for callback in CALLBACKS for part in ("", "_name", "_file"))
OWN_KEYS = (SETTING_KEYS - {"notifications"}) | CALLBACK_KEYS | {*_EMAIL, "sla"}
"""Keys that are settings, callbacks among them."""


def settings(
    conversion: Conversion, path: DataPath, data: Mapping[str, Any], around: str | None = None
) -> dict[str, Written]:
    """The settings of a mapping in its order; `around` is the pipeline's time zone where dates are dag-factory's to
    read, as in `default_args`."""
    made: dict[str, Written] = {}
    for key, given in data.items():
        if key in SETTING_KEYS and key != "notifications":
            made[key] = _setting(conversion, (*path, key), given, data, around)
        elif key in CALLBACK_KEYS and "notifications" not in made:
            found = notifications(conversion, path, data)
            if found is not None:
                made["notifications"] = found
    _email(conversion, path, data)
    if data.get("sla") is not None:
        conversion.changed((*path, "sla"), "`sla` is left out: Airflow 3 reads over it", help=DEADLINE)
    return made


def _setting(
    conversion: Conversion, path: DataPath, given: Any, data: Mapping[str, Any], around: str | None
) -> Written:
    key = path[-1]
    if given is None:
        return Written(None, path)
    if key in DATES:
        if around is None:
            return of_task(conversion, path, given)
        return moment(conversion, path, given, data.get("timezone"), around)
    if key in _DURATIONS:
        return as_duration(conversion, path, given)
    if key == "retries" and isinstance(given, str) and given.isdecimal():
        return Written(int(given), path)  # as Airflow does
    if key in ("inlets", "outlets"):
        return assets(conversion, path, given)
    if key == "retry_exponential_backoff" and isinstance(given, bool):
        return Written(2 if given else 0, path)  # as Airflow does (`airflow.sdk.BaseOperator`)
    return value(conversion, path, given)


def _email(conversion: Conversion, path: DataPath, data: Mapping[str, Any]) -> None:
    if data.get("email"):
        conversion.lost(
            (*path, "email"), "mails are notifications here", help="write `notifications` with `uses: email`"
        )
    for key in _EMAIL[1:]:
        if key in data:
            conversion.changed((*path, key), f"`{key}` is left out: `notifications` say who gets a mail")
