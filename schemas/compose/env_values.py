"""`${env.NAME}`: configuration read where a pipeline is checked; its value never shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

from schemas.expressions.reading import EnvReference, Expression, escape, expressions, filled, unescape
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath, task_path
from schemas.model.fields import OBJECT
from schemas.model.settings import SETTING_KEYS
from schemas.model.times import TRACE, untraced
from schemas.text.nodes import NumberTooLongError, plain_scalar

_DOCUMENTATION = frozenset({"doc", "doc_md", "doc_json", "doc_yaml", "doc_rst", "description"})
_BY_NAME = frozenset({"dag_id", "schedule", "matrix"})
_ARGUMENTS = frozenset({"with", "expand", "expand_kwargs"})
_BY_NAME_IN_TASK = frozenset({"id", "needs", "uses", "teardown", "template"})

_SECRET_LAST_WORDS = frozenset(
    {
        *("PASSWORD", "PASSWD", "PASS", "PWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "PAT", "JWT"),
        *("CREDENTIAL", "CREDENTIALS", "APIKEY", "DSN", "CONN", "PGPASSWORD", "SSHPASS"),
    }
)
_ENDING = r"(?:^|_)(?:(?:API|ACCESS|PRIVATE|SECRET|ENCRYPTION|SIGNING|AUTH|FERNET)_?KEY(?:_ID)?|DATABASE_URL)$"
_KEYS_TO_SHOW = frozenset(
    {
        *("PARTITION", "SORT", "PRIMARY", "FOREIGN", "UNIQUE", "JOIN", "GROUP", "INDEX", "MERGE"),
        *("BUSINESS", "SURROGATE", "NATURAL", "COMPOSITE", "DEDUP", "DEDUPLICATION", "IDEMPOTENCY", "ORDERING"),
        *("PUBLIC", "CACHE", "ROUTING", "STATE", "OBJECT", "BLOB", "BUCKET", "S3", "GCS", "XCOM"),
        *("MANIFEST", "AUDIT", "PUSH", "FILE"),
        *("SOURCE", "DEST", "DESTINATION", "TARGET", "MESSAGE", "RECORD", "RESULT"),
    }
)
"""The word before `_KEY` in the names of keys that open nothing."""

SHORTEST_SECRET = 4
"""Of one that is looked for in other texts: `1` is in too many."""
_SHORTEST_LINE = 8
"""Of one that is written over several lines."""
_NEW_WORD = r"(?<=[a-z0-9])(?=[A-Z])|-"
_ESCAPE = r"%[0-9A-F]{2}"
_HEADERS = frozenset({"AUTHORIZATION", "PROXY_AUTHORIZATION", "COOKIE", "SET_COOKIE"})

_OF_SHELLS = frozenset({"PWD", "OLDPWD"})
"""The working directory of a shell, and the one before."""
_AIRFLOWS_OWN = ("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_")
LOGIN_OF_URL = r"://[^\s/?#:@'\"]*:(?P<value>[^\s/?#@'\"]+)@"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*$")
_LONGEST_SCHEME = 40
_FILLED_IN_LATER = r"\{\{|\{%|\$\{|^\$[A-Za-z_]\w*$"


class EnvText(str):
    """Text that came from the environment. `expression` is what the document says in its place."""

    __slots__ = ("expression", "whole")

    expression: str
    whole: bool

    @classmethod
    def of(cls, value: str, expression: str, whole: bool) -> EnvText:
        text = cls(value)
        text.expression = expression
        text.whole = whole
        return text

    def as_scalar(self) -> str | int | float | bool | None:
        """The value as YAML reads it without quotes; itself where that is text."""
        try:
            return plain_scalar(untraced(self))
        except NumberTooLongError:
            return self


def as_written(text: str) -> str:
    """What the document says, whatever the environment gives."""
    return text.expression if isinstance(text, EnvText) else text


def env_texts(value: Any) -> Iterator[EnvText]:
    """All texts in a value that came from the environment."""
    if isinstance(value, EnvText):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from env_texts(child)


class Traced(dict[str, str]):
    """Environment variables, of which those in `names` say in each text where it came from."""

    def __init__(self, environ: Mapping[str, str], names: Iterable[str]) -> None:
        super().__init__(environ)
        self.names = frozenset(names)

    def get(self, name: str, default: Any = None) -> Any:
        """The value, with TRACE; of one that is not set, nothing but that."""
        value = super().get(name, default)
        if name not in self.names:
            return value
        return f"{value or ''}{TRACE[0]}{name}{'' if default is None else f'{TRACE[2]}{default}'}{TRACE[1]}"


class Resolved(NamedTuple):
    """Data with the environment's values, and the paths whose variable is unset and has no default."""

    data: Any
    unset: frozenset[DataPath]


def resolve_environment(data: Any, environ: Mapping[str, str]) -> Resolved:
    """Put the values of environment variables into effective data."""
    unset: set[DataPath] = set()
    return Resolved(_resolve(data, (), environ, unset), frozenset(unset))


def allows_environment(path: DataPath) -> bool:
    """Names and schedules are in the file as they are: what reads the file only must know them."""
    if path and (path[0] in _BY_NAME or path[-1] == OBJECT):
        return False
    task = task_path(path)
    by_name = bool(task) and len(path) > len(task) and path[len(task)] in _BY_NAME_IN_TASK
    return not (by_name or _names_notifier(path))


def _names_notifier(path: DataPath) -> bool:
    """Whether a path is the `uses` of an entry of `notifications`, or of a deadline's `notify`."""
    return (
        len(path) > 3  # `notifications`, its event, the entry's number, `uses`
        and path[-1] == "uses"
        and (path[-4] == "notifications" or (path[0] == "deadline" and path[-3] == "notify"))
        and not _is_argument(path)
    )


def looks_like_secret(name: str) -> bool:
    """Whether a variable's name says that its value is to be kept from view."""
    upper = name.upper()
    if upper in _OF_SHELLS:
        return False
    *before, last = upper.split("_")
    if last == "KEY" and before:
        return before[-1] not in _KEYS_TO_SHOW
    return last in _SECRET_LAST_WORDS or re.search(_ENDING, upper) is not None


def gives_secret(name: str, path: DataPath) -> bool:
    """The same of a variable at a path: `CONN` is a whole connection, but where an id of one is meant, its id."""
    is_id = name.upper().split("_")[-1] == "CONN" and str(path[-1]).endswith("conn_id")
    return looks_like_secret(name) and not is_id


def names_secret(key: object) -> bool:
    """The same of any name: `api-key`, `accessToken`, `Authorization`."""
    name = re.sub(_NEW_WORD, "_", str(key))
    return name.upper() in _HEADERS or looks_like_secret(name)


def without(text: str, secrets: Iterable[str], mark: str) -> str:
    """A text with a mark in place of known secrets, also as URLs and JSON write them."""
    forms = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
    pattern = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.sub(pattern, lambda _: mark, text) if forms else text


def _forms(secret: str) -> set[str]:
    in_json = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret), quote(quote(secret, safe=""), safe="")}
    in_urls |= {quote(secret, safe="+"), quote(secret, safe=" +")}  # as SQLAlchemy and dlt do
    in_urls |= {re.sub(_ESCAPE, lambda escape: escape[0].lower(), form) for form in in_urls}
    lines = {line.strip() for line in secret.splitlines()} if "\n" in secret.strip() else set()  # as output comes
    return {secret, *in_json, *in_urls, *(line for line in lines if len(line) >= _SHORTEST_LINE)}


def is_airflows_own(name: str) -> bool:
    """Whether Airflow reads a variable as an option, a connection or a Variable of its own: these hold secrets."""
    return name.upper().startswith(_AIRFLOWS_OWN)


def password_in_url(text: str) -> tuple[int, int] | None:
    """Where `scheme://user:password@` is in a text; a template, `${…}` or `$NAME` is no password."""
    for match in re.finditer(LOGIN_OF_URL, text):
        # Looked for backwards: from each letter of a long text on it would be looked for to the end.
        scheme = _SCHEME.search(text, max(0, match.start() - _LONGEST_SCHEME), match.start())
        if scheme is not None and re.search(_FILLED_IN_LATER, match["value"]) is None:
            return scheme.start(), match.end()
    return None


def is_documentation(path: DataPath) -> bool:
    """Whether a text only describes: a template or an address in it is an example."""
    return bool(path) and path[-1] in _DOCUMENTATION and task_path(path) == path[:-1]


def _resolve(value: Any, path: DataPath, environ: Mapping[str, str], unset: set[DataPath]) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(child, (*path, key), environ, unset) for key, child in value.items()}
    if isinstance(value, list):
        return [_resolve(child, (*path, index), environ, unset) for index, child in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    if allows_environment(path):
        value = _text(value, path, environ, unset)
    return value if _is_argument(path) else _unescaped(value)


def _is_argument(path: DataPath) -> bool:
    """Whether a path lies among a task's arguments, where a task's output may stand until the build."""
    if path[0] == "poll":
        return len(path) > 1 and path[1] not in SETTING_KEYS
    task = task_path(path)
    return bool(task) and len(path) > len(task) and path[len(task)] in _ARGUMENTS


def _unescaped(value: str) -> str:
    if isinstance(value, EnvText):
        return EnvText.of(unescape(value), value.expression, value.whole)
    return unescape(value)


def _text(text: str, path: DataPath, environ: Mapping[str, str], unset: set[DataPath]) -> str:
    values: list[tuple[Expression, str]] = []
    for expression in expressions(text):
        if not isinstance(expression.meaning, EnvReference):
            continue
        value = environ.get(expression.meaning.name, expression.meaning.default)
        if value is None:
            unset.add(path)
            return text
        # A value is text: what looks like an expression in it is not one.
        values.append((expression, escape(value)))
    return EnvText.of(filled(text, values), text, values[-1][0].whole) if values else text


class HiddenValues:
    """The values of one DAG's effective document that hold something of the environment."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        # A default is written in the file: there is nothing to hide, and another text of the file may be the same.
        hidden = (text for text in env_texts(data) if not text.expression.endswith(f":-{text}}}"))
        self._shown = {form: f"`{text.expression}`" for text in hidden for form in (f"`{text}`", repr(str(text)))}

    def of(self, finding: Diagnostic) -> Diagnostic:
        """The finding; messages quote what they name in backticks, those of `jsonschema` as Python does."""
        if not self._shown:
            return finding
        return replace(
            finding,
            message=self._in(finding.message),
            caret=self._in(finding.caret),
            help=self._in(finding.help),
            allowed=tuple(self._in(f"`{name}`")[1:-1] for name in finding.allowed),
        )

    def _in(self, text: str) -> str:
        for value, expression in self._shown.items():
            text = text.replace(value, expression)
        return text


def param_default(schema: Mapping[str, Any]) -> Any:
    """The default of a schema that has one. As in any typed field, a whole environment variable is read as YAML reads
    it where the schema's `type` takes no text."""
    default, types = schema["default"], schema.get("type") or "string"
    takes_text = "string" in ([types] if isinstance(types, str) else types)
    return default.as_scalar() if isinstance(default, EnvText) and default.whole and not takes_text else default
