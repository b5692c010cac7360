"""What happened in a poll, and what it brought."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from factory.http.decoding import media_type_of
from factory.http.errors import shown_url
from factory.reporters.text import counted


@dataclass
class PollFacts:
    """What happened so far; right also where a poll fails halfway. `url` is without credentials and query.

    `status`, `url` and `content_type` are of the last request; `status` is None where it got no answer.
    `redirected_from`: the URL that led to `url`; `bytes` is the sum of all, after decompression. `headers` are those of
    the first answer that the request asks for, by their names in small letters.
    """

    method: str = "GET"
    url: str = ""
    status: int | None = None
    content_type: str | None = None
    bytes: int = 0
    rows: int | None = None
    pages: int = 0
    retries: int = 0
    milliseconds: int = 0
    redirected_from: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def asks(self, method: str, url: str) -> None:
        """A request goes out; until it is answered there is no status."""
        self.method, self.url = method, shown_url(url)
        self.status = self.content_type = self.redirected_from = None

    def answered(self, method: str, url: str, asked: str, status: int, content_type: str | None) -> None:
        """An answer came from `url`, which `asked` may have been redirected to; its body is not read yet."""
        self.method, self.url, self.status, self.content_type = method, shown_url(url), status, content_type
        self.redirected_from = shown_url(asked) if asked != url else None

    def add(self, other: PollFacts) -> None:
        """Take in what happened in a request of several (`each`); the last one's URL and status count."""
        for name in ("method", "url", "status", "content_type", "redirected_from"):
            setattr(self, name, getattr(other, name))
        for name in ("bytes", "pages", "retries", "milliseconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rows = (self.rows or 0) + (other.rows or 0)
        self.headers = self.headers or other.headers

    @property
    def media_type(self) -> str:
        """`application/json`; empty where there is none."""
        return media_type_of(self.content_type)

    def summary(self) -> str:
        """What came, in one line."""
        is_answered = self.status is not None
        parts = [str(self.status or "no answer")]
        parts += [f"{self.bytes} bytes"] if is_answered or self.pages else []
        parts += [self.media_type or "no content type"] if is_answered else []
        parts += [counted(self.rows, "row")] if self.rows is not None else []
        parts += [counted(self.pages, "page")] if is_answered or self.pages else []
        parts += [counted(self.retries, "retry", "retries")] if self.retries else []
        return ", ".join([*parts, f"{self.milliseconds} ms"])

    def as_mapping(self) -> dict[str, Any]:
        """As an XCom."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class PollAnswer:
    """What a poll brought.

    `headers` are the first page's, by any case of their names. `rows` is one flat list where the request selects rows
    or has pages, else None; `body` is the decoded body of the first page, `last` of the last with a body. `digest` is
    the SHA-256 of all bodies. `not_modified`: the server answered 304 to a conditional request; there is no body then.
    `unkeepable`: it holds text that PostgreSQL refuses. `pending`: a job that `until` waits for is not done; `start`:
    how that answer begins.
    `ignored`: an action took the first page for one without rows. `proofs`: what the last call proved by who asks.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    last: Any
    rows: list[Any] | None
    facts: PollFacts
    digest: str = ""
    not_modified: bool = False
    unkeepable: bool = False
    pending: bool = False
    start: str = ""
    ignored: bool = False
    proofs: Collection[str] = field(default=(), repr=False)

    @property
    def output(self) -> Any:
        """What the task hands on."""
        return self.body if self.rows is None else self.rows
