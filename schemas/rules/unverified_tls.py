"""Certificates that are not verified."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS
from schemas.rules.subject import Subject

_KEYS = frozenset(
    {"verify", "verify_ssl", "ssl_verify", "verify_certs", "verify_tls", "check_hostname", "ssl_check_hostname"}
)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`verify: false` and its other names, anywhere but at the top of the file."""
    if not subject.may_hold("verify", "check_hostname"):
        return
    for path in subject.keys:
        if path[-1] in _KEYS and len(path) > 1 and _at(subject, path) is False and not _is_unknown(subject, path):
            yield subject.finding(
                Code.UNVERIFIED_TLS,
                path,
                f"`{path[-1]}: false`: anybody on the way can read and change what is sent",
                help="name the CA's certificates instead: `REQUESTS_CA_BUNDLE`, or a path where the argument takes one",
            )


def _is_unknown(subject: Subject, path: DataPath) -> bool:
    """Whether the language has no such key there, which is a finding of its own: beside `uses`, or of a built-in."""
    task = subject.entry_at(path)
    if task is None:
        return False
    return path[:-1] == task.path or (task.uses in BUILT_INS and path[:-1] == task.with_path)


def _at(subject: Subject, path: DataPath) -> object:
    value: object = subject.data
    for element in path:
        value = value[element]  # type: ignore[index] # the path was found in this data
    return value
