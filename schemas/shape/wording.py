"""pydantic's error types in a user's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from schemas.compose.env_values import EnvText
from schemas.expressions.reading import DOTTED_PATH_PATTERN, EXCEPTION_PATTERN
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Edit, InQuotes, Word, Yaml, typo_fix
from schemas.findings.meant_times import meant_date, meant_duration, meant_time
from schemas.findings.suggestions import did_you_mean, meant
from schemas.model.cron import cron_problem
from schemas.model.fields import FINITE, WIDE
from schemas.model.http import MEDIA_TYPE_PATTERN, STATE_KEY_PATTERN, STATUS_PATTERN, URL_PATTERN
from schemas.model.pipeline import DAG_ID_PATTERN
from schemas.model.task_base import TASK_ID_PATTERN

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}
_PATTERNS = {
    TASK_ID_PATTERN: "letters, digits, `_` and `-`",
    DAG_ID_PATTERN: "letters, digits, `_`, `-` and `.`",
    r"^[1-5]xx$": "`1xx` to `5xx`",
    STATUS_PATTERN: "a status from `100` to `599`, in quotes",
    STATE_KEY_PATTERN: "ASCII letters, digits, `_`, `-`, `.` and `/`",
    MEDIA_TYPE_PATTERN: "a media type such as `application/json`",
    URL_PATTERN: "an absolute URL, `http://…` or `https://…`",
    EXCEPTION_PATTERN: "the name of an exception, `TimeoutError` or `module.Exception`",
    DOTTED_PATH_PATTERN: "a dotted path, `module.function`",
}
_BOOLEAN_WORDS = {**dict.fromkeys(("yes", "on", "true"), "true"), **dict.fromkeys(("no", "off", "false"), "false")}

BOUNDS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} character(s) long",
    "string_too_long": "at most {max_length} character(s) long",
    "too_short": "a list of at least {min_length} item(s)",
    FINITE: "a finite number",
    WIDE: "a number of at most 64 bits",
}
_MOVING = re.compile(r"now|today|yesterday|tomorrow|days?_ago|datetime|\{\{|\d+ days? ago", re.IGNORECASE)
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:[:/?#]\S*)?$")
_NOT_OF_IDS = re.compile(r"[^\w-]+")
_MOST_DIGITS = 18
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_KEY_AND_VALUE = re.compile(r"\w[\w-]*:(?!//)\S")
_KEY_EQUALS = re.compile(r"\w[\w-]*\s*=\s")
_ASSIGNMENT = re.compile(r"(\w+)=.*", re.DOTALL)
_SHELL_VARIABLE = re.compile(r"\$(\w+)")
_SHORT = {
    "`watch`": ("every", re.compile(r"[1-9][0-9]{0,5}(?:s|m|h|d)")),
    "`request_retries`": ("attempts", re.compile(r"[1-9][0-9]{0,5}")),
    "`rate_limit`": ("requests", re.compile(r"[1-9][0-9]{0,5}")),
    "`expect`": ("status", re.compile(r"[1-5](?:[0-9][0-9]|xx)")),
    "`pagination`": ("type", re.compile(r"[a-z]{4,6}_[a-z]{4,6}|cursor|offset")),
}
"""Mappings of which people write the one value that they want to say, with the key of it."""
_SIZE = re.compile(r"([1-9]\d{0,5}) ?([kKmMgG])(i?)[bB]?")
_BRACKETS = {"list_type": r"(?s)\[.*\]\s*", **dict.fromkeys(("model_type", "dict_type"), r"(?s)\{.*\}\s*")}
"""JSON in quotes, and a template, by the type that was expected."""
_WORD = re.compile(r"[A-Za-z_][\w-]*")


class ProblemText(NamedTuple):
    """What a diagnostic says of one pydantic error."""

    code: Code
    message: str
    caret: str = ""
    help: str = ""
    allowed: tuple[str, ...] = ()
    fix: Edit | None = None


def described(value: Any) -> str:
    """What kind of thing a value is; never the value itself, which may come from the environment."""
    if isinstance(value, EnvText):
        return f"what `{value.expression}` gives"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "a decimal number"
    if isinstance(value, int):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"


def expectation(error: ErrorDetails) -> str:
    """What would have been right, as a noun."""
    kind = error["type"]
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    context = error.get("ctx", {})
    if kind == "literal_error":
        return f"one of {context['expected']}"
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"text of the form {context['pattern']}")
    if kind.startswith(("duration", "date")):
        return "a duration" if kind.startswith("duration") else "a date"
    limit = bound(error)
    return limit if limit is not None else error["msg"].lower()


def literals(error: ErrorDetails) -> tuple[str, ...]:
    """The words that a field takes, where it takes a choice of words."""
    if error["type"] != "literal_error":
        return ()
    return tuple(word.strip("' ") for word in str(error["ctx"]["expected"]).replace(" or ", ", ").split(","))


def bound(error: ErrorDetails) -> str | None:
    """The limit that a value of the right type passes: "at least 100"."""
    context = error.get("ctx", {})
    words = BOUNDS.get(error["type"])
    if words is None:
        return None
    if error["type"] == "too_short" and context.get("field_type") == "Dictionary":
        words = "a mapping of at least {min_length} key(s)"
    one = words.replace("(s)", "" if context.get("min_length", context.get("max_length")) == 1 else "s")
    return one.format(**context)


def problem_text(error: ErrorDetails, name: str) -> ProblemText:
    """What to say of the value called `name`."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind in _EXPECTED:
        message = f"{name} must be {_EXPECTED[kind]}, not {described(value)}"
        hint, fix = _type_hint(kind, value, name)
        return ProblemText(Code.WRONG_TYPE, message, caret=hint, fix=fix)
    if kind in ("duration_type", "date_type"):
        what = "a duration" if kind == "duration_type" else "a date"
        unit = kind == "duration_type" and isinstance(value, int) and not isinstance(value, bool) and value > 0
        caret = f"with a unit: `{value}s`, `{value}m` or `{value}h`" if unit and not isinstance(value, EnvText) else ""
        caret = caret if kind == "duration_type" else did_you_mean(_meant_time(value, context))
        message = f"{name} must be {what}, not {described(value)}"
        return ProblemText(Code.WRONG_TYPE, message, caret=caret, help=_forms(context))
    if kind in ("duration", "date"):
        caret, fix = _duration_hint(value, name) if kind == "duration" else _date_hint(value, context)
        return ProblemText(Code.WRONG_VALUE, f"{name} is not a {kind}", caret=caret, help=_forms(context), fix=fix)
    if kind == "duration_zero":
        return ProblemText(Code.WRONG_VALUE, f"{name} must be longer than zero")
    if kind == "no_such_date":
        return ProblemText(Code.NO_SUCH_DATE, f"{name} is not a date of the calendar: {context['reason']}")
    if kind == "date_range":
        return ProblemText(Code.NO_SUCH_DATE, f"{name} is out of range: {context['reason']}")
    if kind == "literal_error":
        return _not_one_of(name, value, literals(error))
    if kind == "string_pattern_mismatch":
        return _does_not_match(value, name, context["pattern"])
    if kind == "string_too_short" and not value:
        return ProblemText(Code.WRONG_VALUE, f"{name} is empty")
    limit = bound(error)
    if limit is not None:
        return ProblemText(
            Code.WRONG_VALUE, f"{name} must be {limit}", caret="put it in quotes" if kind == WIDE else ""
        )
    return ProblemText(Code.WRONG_VALUE, f"{name}: {error['msg'][0].lower()}{error['msg'][1:]}")


def _does_not_match(value: str, name: str, pattern: str) -> ProblemText:
    if not value:
        return ProblemText(Code.WRONG_VALUE, f"{name} is empty")
    if pattern == URL_PATTERN:
        caret = f"write `https://{value}`" if _HOST.match(value) else ""
        if variable := _SHELL_VARIABLE.fullmatch(value):
            caret = f"did you mean `${{env.{variable[1]}}}`?"
        return ProblemText(Code.WRONG_VALUE, f"{name} must be {_PATTERNS[URL_PATTERN]}", caret=caret)
    allowed = _PATTERNS.get(pattern, f"the form {pattern}")
    is_id = pattern in (TASK_ID_PATTERN, DAG_ID_PATTERN) and not isinstance(value, EnvText)
    caret = did_you_mean(_NOT_OF_IDS.sub("_", value).strip("_") or None) if is_id else ""
    return ProblemText(Code.WRONG_VALUE, f"{name} may hold only {allowed}", caret=caret)


def _forms(context: dict[str, Any]) -> str:
    return f"write {context['allowed']}"


def _duration_hint(text: str, name: str) -> tuple[str, Edit | None]:
    if name == "`every`" and (text.startswith("@") or cron_problem(text) is None):
        return "write a cron expression in `cron`", None
    meant_text = None if isinstance(text, EnvText) else meant_duration(text.strip())
    # `5M` may be months.
    return did_you_mean(meant_text), Word(meant_text) if meant_text is not None and text.islower() else None


def _meant_time(value: Any, context: Mapping[str, Any]) -> str | None:
    return meant_time(value) if "06:30" in context.get("allowed", "") and not isinstance(value, EnvText) else None


def _date_hint(text: str, context: Mapping[str, Any]) -> tuple[str, Edit | None]:
    meant_text = None if isinstance(text, EnvText) else meant_date(text.strip()) or _meant_time(text, context)
    if meant_text is None:
        return ("write a date that stays the same" if _MOVING.match(text) else ""), None
    return did_you_mean(meant_text), Word(meant_text)


def _not_one_of(name: str, value: Any, allowed: tuple[str, ...]) -> ProblemText:
    if isinstance(value, EnvText) or not isinstance(value, str):
        return ProblemText(Code.WRONG_VALUE, f"{name} cannot be {described(value)}", allowed=allowed)
    return ProblemText(
        Code.WRONG_VALUE,
        f"{name} cannot be `{value}`",
        caret=meant(value, allowed),
        allowed=allowed,
        fix=typo_fix(value, allowed),
    )


def _in_place_of_list(value: list[Any]) -> str:
    """What a list was meant as, where a mapping must stand."""
    pairs = [_ASSIGNMENT.fullmatch(item) if isinstance(item, str) else None for item in value]
    if pairs[0] is not None and all(pairs):
        return f"write `{pairs[0][1]}: …`, without `- `"
    if all(isinstance(item, dict) and item.keys() == {"name", "value"} for item in value):
        return f"write `{value[0]['name']}: …`, without `- `"
    return "remove the `- `" if len(value) == 1 and isinstance(value[0], dict) else ""


def _written_short(kind: str, value: Any, name: str) -> str:
    """How the one thing that a short form says is written; empty for what is none."""
    key, form = _SHORT.get(name, ("", _WORD))
    if kind == "model_type" and key and not isinstance(value, bool) and form.fullmatch(str(value)):
        return f"{{{key}: {value}}}"
    size = _SIZE.fullmatch(value) if kind == "int_type" and isinstance(value, str) and name == "`max_bytes`" else None
    if size is None:
        return ""
    return str(int(size[1]) * (1024 if size[3] else 1000) ** ("kmg".index(size[2].lower()) + 1))


def _number_hint(digits: str) -> tuple[str, Edit | None]:
    """For digits in quotes, also those of another script or of double width; `²` and `½` are none."""
    if digits.isascii():
        return "write it without quotes", Yaml(digits) if _NUMBER.fullmatch(digits) else None
    return (f"write {int(digits)}", Yaml(str(int(digits)))) if len(digits) <= _MOST_DIGITS else ("", None)


def _text_hint(value: list[Any] | dict[str, Any], name: str) -> str:
    """For several values in place of a text."""
    if name == "`body`":
        return "write `json` for `body`"
    if name == "`assets`" and isinstance(value, list):
        return "for several assets write {any: [..]} or {all: [..]}"
    if name != "`schedule`" or not isinstance(value, list):
        return ""
    are_assets = any(isinstance(one, str) and "://" in one for one in value)
    return f"write {'assets in {assets: {all: [..]}}' if are_assets else 'several cron expressions in {cron: [..]}'}"


def _type_hint(kind: str, value: Any, name: str) -> tuple[str, Edit | None]:
    if isinstance(value, EnvText):
        return "", None
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return "put it in quotes", InQuotes()
    if kind == "string_type" and isinstance(value, list | dict):
        return _text_hint(value, name), None
    if kind == "bool_type" and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        meaning = _BOOLEAN_WORDS[value.lower()]
        return f"write {meaning}", Yaml(meaning)
    if kind in ("int_type", "float_type") and isinstance(value, str) and value.isdecimal():
        return _number_hint(value)
    if isinstance(value, bool) and (kind == "string_type" or name == "`retry_exponential_backoff`"):
        return ("put it in quotes" if kind == "string_type" else "write 2 to double the delay each time, or 0"), None
    if kind == "list_type" and isinstance(value, dict):
        return ("write each as `- id: …`" if name == "`tasks`" else "each entry of a list begins with `- `"), None
    if kind in _BRACKETS and isinstance(value, str) and re.fullmatch(_BRACKETS[kind], value) is not None:
        hint = "a template gives text: write one for each value" if value[1] == "{" else "write it without quotes"
        return hint, None
    if kind == "list_type" and isinstance(value, str) and value:
        return ("write it in `[ ]`", Yaml(f"[{value}]") if _WORD.fullmatch(value) else None)
    short = _written_short(kind, value, name)
    if short:
        return f"write {short}", None
    if kind in ("model_type", "dict_type") and isinstance(value, str):
        equals = "write `:` in place of `=`" if _KEY_EQUALS.match(value) else ""
        return ("is a space missing after the `:`?" if _KEY_AND_VALUE.match(value) else equals), None
    if kind in ("model_type", "dict_type") and isinstance(value, list) and value:
        return _in_place_of_list(value), None
    return "", None
