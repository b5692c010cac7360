"""Passwords inside URLs: in the file, or in what an environment variable gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.environment import EnvText, password_in_url
from schemas.subject import Subject

_HELP = "keep it in an Airflow connection; the pipeline names the connection, never the password"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`scheme://user:password@host` in any value but documentation; the message never repeats it."""
    if not subject.may_hold("://", "${env"):
        return
    for path, text in _texts(subject.data):
        where = password_in_url(text)
        if where is None:
            continue
        if isinstance(text, EnvText):
            message = f"what `{text.expression}` gives holds a URL with a password, which Airflow would show"
            yield subject.finding(Code.SECRET_VARIABLE, path, message, help=_HELP)
        else:
            message = "this URL holds a password, which everybody who sees the file or Airflow can read"
            yield subject.finding(Code.SECRET_IN_URL, path, message, help=_HELP, part=where)


def _texts(value: Any, path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    if isinstance(value, str):
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if not (isinstance(key, str) and key.startswith("doc")):
            yield from _texts(child, (*path, key))
