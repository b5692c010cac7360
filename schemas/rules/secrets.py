"""Passwords inside URLs: in the file, or in what an environment variable gives."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.compose.env_values import EnvText, password_in_url
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject

_HELP = "keep it in an Airflow connection; the pipeline names the connection, never the password"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`scheme://user:password@host` in any value but documentation; the message never repeats it."""
    if not subject.may_hold("://", "${env"):
        return
    for path, text in subject.texts:
        where = password_in_url(text) if "://" in text else None
        if where is None or any(isinstance(key, str) and key.startswith("doc") for key in path):
            continue
        if isinstance(text, EnvText):
            message = f"what `{text.expression}` gives holds a URL with a password, which Airflow would show"
            yield subject.finding(Code.SECRET_VARIABLE, path, message, help=_HELP)
        else:
            message = "this URL holds a password, which everybody who sees the file or Airflow can read"
            yield subject.finding(Code.SECRET_IN_URL, path, message, help=_HELP, part=where)
