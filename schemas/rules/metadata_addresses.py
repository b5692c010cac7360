"""URLs to addresses that a request is refused for when it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject

_HOST = re.compile(
    r"https?://(?:[^/?#@\s]{0,200}@)?"
    r"(?P<host>169\.254\.[0-9]{1,3}\.[0-9]{1,3}|100\.100\.100\.200|168\.63\.129\.16|192\.0\.0\.192"
    r"|metadata\.google\.internal|\[(?:fe[89ab][0-9a-f]:|fd00:ec2::254\]|fd20:ce::254\]))",
    re.IGNORECASE,
)
_MARKS = ("169.254.", "100.100.100.200", "168.63.129.16", "192.0.0.192", "google.internal", "[f", "[F")


def check(subject: Subject) -> Iterator[Diagnostic]:
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
                help="the machine's own credentials are kept there; `PIPELINES_ALLOWED_ADDRESSES` allows an address",
                part=match.span("host") if not isinstance(url, EnvText) else None,
            )
