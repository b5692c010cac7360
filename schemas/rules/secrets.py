"""What lets others in: secrets written into the file, and cloud metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.compose.env_values import (
    LOGIN_OF_URL,
    EnvText,
    as_written,
    is_documentation,
    looks_like_secret,
    names_secret,
    password_in_url,
)
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath, walk
from schemas.rules.subject import Subject
from schemas.shape.places import mapping_at

_HELP = "keep it in an Airflow connection; the pipeline names only the connection"


def check_urls(subject: Subject) -> Iterator[Diagnostic]:
    """`scheme://user:password@host` in any value but what documentation says itself; the message never repeats it."""
    if not subject.may_hold("://", "${env"):
        return
    for path, text in subject.texts:
        where = password_in_url(text) if "://" in text else None
        if where is None:
            continue
        if isinstance(text, EnvText):
            message = f"what `{text.expression}` gives contains a URL with a password, which Airflow would show"
            yield subject.finding(Code.SECRET_VARIABLE, path, message, help=_HELP)
        elif not any(isinstance(key, str) and key.startswith("doc") for key in path):
            message = "this URL contains a password, which everybody with access to the file or Airflow can read"
            yield subject.finding(Code.SECRET_IN_URL, path, message, help=_HELP, part=where)


_TOKENS = (
    r"(?P<a_private_key>-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY-----[^-]*)"
    r"|\b(?:(?P<an_AWS_access_key>(?:AKIA|ASIA)[0-9A-Z]{16})"
    r"|(?P<a_GitHub_token>gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})"
    r"|(?P<a_GitLab_token>glpat-[A-Za-z0-9_-]{20})"
    r"|(?P<a_Slack_token>xox[abeoprs]-[A-Za-z0-9-]{10})"
    r"|(?P<a_Stripe_key>[rs]k_live_[A-Za-z0-9]{16})"
    r"|(?P<a_Google_API_key>AIza[A-Za-z0-9_-]{35})"
    r"|(?P<an_OpenAI_or_Anthropic_key>sk-(?:proj-|ant-)[A-Za-z0-9_-]{16})"
    r"|(?P<a_Slack_webhook>hooks\.slack\.com/services/T\w+/B\w+/\w+)"
    r"|(?P<a_Discord_webhook>discord(?:app)?\.com/api/webhooks/\d+/[\w-]+)"
    r"|(?P<a_SendGrid_key>SG\.[\w-]{22}\.[\w-]{43})"
    r"|(?P<an_npm_token>npm_[A-Za-z0-9]{36})|(?P<a_Hugging_Face_token>hf_[A-Za-z0-9]{34})"
    r"|(?P<a_Databricks_token>dapi[0-9a-f]{32})|(?P<a_DigitalOcean_token>dop_v1_[0-9a-f]{64})"
    r"|(?P<a_PyPI_token>pypi-AgEI[\w-]{16})"
    r"|(?P<a_JSON_Web_Token>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4}))"
)
"""How providers of tokens let theirs be recognised; each begins with letters that nothing else begins with."""
_MARKS = (
    *("PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "k_live_"),
    *("AIza", "sk-", "eyJ", "hooks.slack.com", "api/webhooks", "SG.", "npm_", "hf_", "dapi", "dop_v1_", "pypi-AgEI"),
)
_TELLING = (
    *("pass", "pwd", "secret", "token", "key", "credential", "authorization", "cookie", "jwt"),
    *("_pat", "-pat", "pat:", "dsn", "conn", "curl", "mysql", "mariadb", "redis-cli", "docker login", "sqlcmd", "bcp "),
)
"""What a key that looks like a secret's has in it: a text without any of it need not be walked."""
_SCHEMES = ("basic ", "bearer ", "token ", "digest ", "apikey ", "api-key ")
_AUTHORIZATION = frozenset({"authorization", "proxy-authorization", "cookie"})
_NO_VALUE = r"\{\{|\{%|\$\{|^\$|^<.*>$|^[*.xX]+$|^/"
"""Filled in later, a placeholder, or the path of a file."""
_SHORTEST = 4
_QUERY = r"[?&](?P<key>[\w.-]{1,60})=(?P<value>[^\s&#'\"]{12,})"
"""A parameter of a URL with a value that is too long to be a word."""
_LONG = 12
_OPENS = r"(?:api|access|private|secret|encryption|signing|auth|fernet|account|storage|master|ssh)_?key$"
"""Keys that open something; others are names of objects more often than not."""
_VALUE = r"(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s;&|<>]+)"
_ASSIGNED = (
    r"(?<![\w-])(?P<name>[A-Za-z_]\w{0,60}(?==)"
    rf"|--(?=[\w-]*(?:pass|pwd|secret|token|key|cred|auth|jwt|dsn|conn|pat))[a-z][\w-]{{0,60}}(?=[= ]))[= ]{_VALUE}"
)
_LOGIN = r"\bcurl\b[^\n|;]{0,500}?\s(?P<name>-u|--user)[ =]?[\"']?[\w.@+-]+:(?P<value>[^\s\"']+)"
_SHORT = tuple(
    rf"\b(?:{program})\b[^\n|;]{{0,500}}?\s(?P<name>{option})[\"']?(?P<value>[^\s\"']+)"
    for program, option in (
        (r"mysql\w*|mariadb\w*", "-p"),
        ("sshpass|docker login", "-p ?"),
        ("redis-cli", "-a ?"),
        ("sqlcmd|bcp", "-P ?"),
    )
)
_HEADER = r"(?i)[\"'](?P<name>[A-Za-z][\w-]{0,60}): ?(?P<scheme>(?:Basic|Bearer|Token) )?(?P<value>[\w.~+/=-]{4,})[\"']"
_SET = r"\bconfig(?:ure)? set\s+(?:[\w.-]*\.)?(?P<name>\w+)\s+(?P<value>[^\s;&|]+)"
_KEPT_BY_NAME = ("_id", "_name", "_path", "_file", "_url", "_field", "_param", "_key_name", "_next_key")
_CURSORS = frozenset({"page_token", "next_token", "next_page_token", "continuation_token"})
"""What APIs call the place where the next page begins, which opens nothing. Of a request only: as the name of a
variable, `PAGE_TOKEN` is what opens a page of a social network."""
_OF_A_REQUEST = frozenset({"params", "json", "data"})
_USE_A_CONNECTION = (
    "keep it in an Airflow connection: an operator names it by its `conn_id`, a template reads it as "
    "{{ conn.NAME.password }}"
)


_NAME = r"(?<![A-Za-z0-9_])(?P<name>[A-Za-z_][\w-]{0,60})\\{0,2}[\"']?(?:\s{0,3}[=:]\s{0,3}|\s(?=[\"']))"
_OF_NAME = (
    r"(?i)(?:(?:Basic|Bearer|Token|Digest|ApiKey)\s+)?"
    r"(?P<value>\"[^\"\n]+\"|'[^'\n]+'|\\{1,2}[\"'][^\"'\\\n]+|[^\s;&|<>,\"')}\]]+)"
)
"""`name=value`, `name: value` and SQL's `name 'value'`, wherever they are."""
_IDENTIFIED = r"(?i)\bIDENTIFIED\s+BY\s+(?P<value>'[^'\n]+'|\"[^\"\n]+\")"


def hidden_in(text: str, mark: str) -> str:
    """A text of any kind with a mark in place of what looks like a secret: rather too much than too little, for those
    who did not write it."""
    told = (LOGIN_OF_URL, _IDENTIFIED, _LOGIN, *_SHORT)
    spans = [match.span("value") for pattern in told for match in re.finditer(pattern, text)]
    spans += [match.span() for match in re.finditer(_TOKENS, text) if any(mark in text for mark in _MARKS)]
    for pattern in (_ASSIGNED, _HEADER, _SET):
        spans += [
            match.span("value") for match in re.finditer(pattern, text) if names_secret(match["name"].lstrip("-"))
        ]
    spans += _pairs(text)
    kept, end = [], 0
    for start, stop in sorted(spans):
        value = text[start:stop].strip("\"'")
        if value and stop > end and re.search(_NO_VALUE, value) is None and value[0] not in "$`@(":
            kept += [text[end : max(start, end)], mark]
            end = stop
    return "".join([*kept, text[end:]])


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """Where the values of names of secrets are."""
    end = 0
    for match in re.finditer(_NAME, text):
        found = (
            re.compile(_OF_NAME).match(text, match.end())
            if match.end() >= end and names_secret(match["name"])
            else None
        )
        if found is not None:
            end = found.end()
            yield found.span("value")


def check_literals(subject: Subject) -> Iterator[Diagnostic]:
    """The message never repeats what was found."""
    if not subject.may_hold(*_MARKS):
        lowered = [layer.text.lower() for layer in subject.effective.documents]
        if not any(word in text for text in lowered for word in _TELLING):
            return
    for path, text in [*subject.texts, *_given(subject)]:
        if not path:
            continue
        written = as_written(text)
        if path[-1] == "bash_command":
            yield from _in_command(subject, path, written)
        finding = _token(subject, path, written) or _by_key(subject, path, written) or _in_query(subject, path, written)
        if finding is not None:
            yield finding


def _given(subject: Subject) -> Iterator[tuple[DataPath, str]]:
    """The texts that are handed to templates, which may use them under other names."""
    for arguments in subject.effective.arguments:
        for value in (value for name, value in arguments.values.items() if value and name in arguments.given):
            yield from (((*value.path, *path), text) for path, text in walk(value.value).texts)


def _token(subject: Subject, path: DataPath, text: str) -> Diagnostic | None:
    if not any(mark in text for mark in _MARKS):
        return None
    match = re.search(_TOKENS, text)
    if match is None:
        return None
    what = str(match.lastgroup).replace("_", " ")
    message = f"this is {what}, which everybody with access to the file or Airflow can read"
    return subject.finding(Code.LITERAL_SECRET, path, message, help=_USE_A_CONNECTION)


def _by_key(subject: Subject, path: DataPath, text: str) -> Diagnostic | None:
    key = path[-1]
    if not isinstance(key, str) or len(text) < _SHORTEST:
        return None
    folded = key.lower()
    of_param = mapping_at(subject.data, path[:-1]) if key == "default" and "params" in path else {}
    if of_param.get("format") == "password" and re.search(_NO_VALUE, text) is None:
        message = "this is the default of a password, which everybody with access to the file or Airflow can read"
        return subject.finding(Code.LITERAL_SECRET, path, message, help=_USE_A_CONNECTION, severity=Severity.WARNING)
    if (
        not (folded in _AUTHORIZATION or looks_like_secret(key.replace("-", "_")))
        or re.search(_NO_VALUE, text) is not None
    ):
        return None
    if folded in _AUTHORIZATION and len(path) > 1 and path[-2] == "headers":
        if folded == "authorization" and not text.lower().startswith(_SCHEMES) and " " in text:
            return None
        message = f"`{key}` contains credentials, which everybody with access to the file or Airflow can read"
        return subject.finding(Code.LITERAL_SECRET, path, message, help=_USE_A_CONNECTION)
    if folded in _AUTHORIZATION or folded.endswith(_KEPT_BY_NAME) or not _may_hold_secret(path):
        return None
    if folded.endswith("_key") and re.search(_OPENS, folded) is None and not _looks_random(text):
        return None
    if "deploy_type" in mapping_at(subject.data, path[:-1]) or (key == "secret" and "secrets" in path):
        return None  # a Kubernetes `Secret`, which names what keeps the value
    if _is_cursor(key) and path[-2] in _OF_A_REQUEST:
        return None
    message = f"`{key}` looks like a secret, which everybody with access to the file or Airflow can read"
    return subject.finding(Code.LITERAL_SECRET, path, message, help=_USE_A_CONNECTION, severity=Severity.WARNING)


def _looks_random(text: str) -> bool:
    is_one_word = len(text) >= _LONG and re.fullmatch(r"[\w+=-]+", text) is not None
    return is_one_word and any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def _in_command(subject: Subject, path: DataPath, command: str) -> Iterator[Diagnostic]:
    """`export SECRET=…`, `--password …`, `curl -u name:password`, `mysql -p…` and an `Authorization` in quotes."""
    told = [match for pattern in (_LOGIN, *_SHORT) for match in re.finditer(pattern, command)]
    by_name = [match for pattern in (_ASSIGNED, _HEADER, _SET) for match in re.finditer(pattern, command)]
    for match in (*by_name, *told):
        name, value = match["name"].strip(), match["value"].strip("\"'")
        is_told = match in told or looks_like_secret(name.lstrip("-").replace("-", "_"))
        is_told = is_told or name.lower() in ("authorization", "proxy-authorization")
        if is_told and value and re.search(_NO_VALUE, value) is None and value[0] not in "$`@(-":
            message = f"`{name}` has a secret as its value, which everybody with access to the file or Airflow can read"
            help_text = f"{_USE_A_CONNECTION}; pass it to the command in `env`"
            yield subject.finding(
                Code.LITERAL_SECRET,
                path,
                message,
                help=help_text,
                severity=Severity.WARNING,
                part=match.span("value"),
            )


def _in_query(subject: Subject, path: DataPath, text: str) -> Diagnostic | None:
    """A telling key of a URL's query, as if it were in `params`."""
    if "://" not in text or "?" not in text or not _may_hold_secret(path) or is_documentation(path):
        return None
    for match in re.finditer(_QUERY, text):
        key, value = match["key"], match["value"]
        told = looks_like_secret(key.replace("-", "_")) and not f"_{key.lower()}".endswith(_KEPT_BY_NAME)
        if told and not _is_cursor(key) and re.search(_NO_VALUE, value) is None and any(map(str.isdigit, value)):
            message = f"`{key}` looks like a secret, which everybody with access to the file or Airflow can read"
            return subject.finding(
                Code.LITERAL_SECRET,
                path,
                message,
                help=_USE_A_CONNECTION,
                severity=Severity.WARNING,
                part=match.span("value"),
            )
    return None


def _is_cursor(key: str) -> bool:
    return key.lower().replace("-", "_") in _CURSORS


def _may_hold_secret(path: DataPath) -> bool:
    """Among a task's arguments, in a poll, in `vars` or in `env`: keys elsewhere are the language's own."""
    return path[0] in ("poll", "vars") or "with" in path or "env" in path


_HOST = (
    r"(?i)https?://(?:[^/?#@\s]{0,200}@)?"
    r"(?P<host>169\.254\.[0-9]{1,3}\.[0-9]{1,3}|100\.100\.100\.200|168\.63\.129\.16|192\.0\.0\.192"
    r"|metadata\.google\.internal|\[(?:fe[89ab][0-9a-f]:|fd00:ec2::254\]|fd20:ce::254\]))"
)
_METADATA_MARKS = ("169.254.", "100.100.100.200", "168.63.129.16", "192.0.0.192", "google.internal", "[f", "[F")


def check_metadata_addresses(subject: Subject) -> Iterator[Diagnostic]:
    """`url` of requests."""
    if not subject.may_hold(*_METADATA_MARKS):
        return
    for task in subject.tasks:
        url = task.arguments.get("url") if task.uses == "http" else None
        match = re.match(_HOST, url) if isinstance(url, str) else None
        if match is not None:
            yield subject.finding(
                Code.METADATA_ADDRESS,
                (*task.with_path, "url"),
                "requests to link-local addresses and to those of cloud metadata are refused when the task runs",
                help="the machine's credentials are there; `PIPELINES_ALLOWED_ADDRESSES` allows an address",
                part=match.span("host") if not isinstance(url, EnvText) else None,
            )
