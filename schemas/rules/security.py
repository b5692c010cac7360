"""What lets others in: cloud metadata, certificates that are not verified, commands built from foreign text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.built_ins import BUILT_INS
from schemas.rules.subject import Subject
from schemas.shape.places import value_at

_HOST = re.compile(
    r"https?://(?:[^/?#@\s]{0,200}@)?"
    r"(?P<host>169\.254\.[0-9]{1,3}\.[0-9]{1,3}|100\.100\.100\.200|168\.63\.129\.16|192\.0\.0\.192"
    r"|metadata\.google\.internal|\[(?:fe[89ab][0-9a-f]:|fd00:ec2::254\]|fd20:ce::254\]))",
    re.IGNORECASE,
)
_MARKS = ("169.254.", "100.100.100.200", "168.63.129.16", "192.0.0.192", "google.internal", "[f", "[F")


def check_metadata_addresses(subject: Subject) -> Iterator[Diagnostic]:
    """`url` of requests."""
    if not subject.may_hold(*_MARKS):
        return
    for task in subject.tasks:
        url = task.arguments.get("url") if task.uses == "http" else None
        match = _HOST.match(url) if isinstance(url, str) else None
        if match is not None:
            yield subject.finding(
                Code.METADATA_ADDRESS,
                (*task.with_path, "url"),
                "requests to link-local addresses and to those of cloud metadata are refused when the task runs",
                help="the machine's credentials are there; `PIPELINES_ALLOWED_ADDRESSES` allows an address",
                part=match.span("host") if not isinstance(url, EnvText) else None,
            )


_TLS_KEYS = frozenset(
    {"verify", "verify_ssl", "ssl_verify", "verify_certs", "verify_tls", "check_hostname", "ssl_check_hostname"}
)


def check_tls(subject: Subject) -> Iterator[Diagnostic]:
    """`verify: false` and its other names, anywhere but at the top of the file."""
    if not subject.may_hold("verify", "check_hostname"):
        return
    for path in subject.keys:
        if (
            path[-1] in _TLS_KEYS
            and len(path) > 1
            and value_at(subject.data, path) is False
            and not _is_unknown(subject, path)
        ):
            yield subject.finding(
                Code.UNVERIFIED_TLS,
                path,
                f"`{path[-1]}: false`: anybody on the network can read and change what is sent",
                help="name the CA's certificates instead: in `REQUESTS_CA_BUNDLE`, or as a path in this argument",
            )


def _is_unknown(subject: Subject, path: DataPath) -> bool:
    """Whether the language has no such key there, which is a finding of its own: beside `uses`, or of a built-in."""
    task = subject.entry_at(path)
    if task is None:
        return False
    return path[:-1] == task.path or (task.uses in BUILT_INS and path[:-1] == task.with_path)
