"""One page: requested, again where that helps, and checked against what is expected of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import requests

from factory.http.body import AnswerError, BodyDeadline, read_body, read_start
from factory.http.call import HttpCall, same_server
from factory.http.credentials import Credentials, FixedCredentials, Secrets, proofs
from factory.http.decoding import Answer, Decoding, media_type_of
from factory.http.errors import HttpError, Timeouts, is_capability, shown_url, where
from factory.http.expectations import Actions, Expectation, action_text, status_text, unexpected_status
from factory.http.facts import PollFacts
from factory.http.retries import STANDARD, asked_wait, delay, may_repeat, wants_repeat
from factory.http.session import HttpSession, answer_to
from schemas.model.http import HttpRequest, ResponseAction

_START_BYTES = 8 * 1024
NOT_MODIFIED = 304
_NO_SUCH_PAGE = (400, 404, 410, 416, 422)
"""Statuses of servers that are asked for a page behind their last."""

_CAP = re.compile(
    rb"only the first|first [0-9][0-9,.]* |window|too (?:large|deep|far|many)|less than or equal|at most|max(?:imum|_)"
    rb"|limit|exceed|deep pag",
    re.IGNORECASE,
)
"""What servers say that give only the first rows of a list, and name no larger total."""


class SkippedError(Exception):
    """An answer that `response_actions` skips the task for; its text names the request and the status."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a poll works with besides its request. `log` is called with what goes wrong, `tell` with what else
    happens. `servers` may get credentials where values of a run say which is requested; None: the request's own."""

    session: HttpSession
    credentials: Credentials = field(default_factory=FixedCredentials)
    log: Callable[[str], None] = lambda _: None
    tell: Callable[[str], None] = lambda _: None
    servers: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it came. `asked` is the URL before redirects, `number` counts from 1 where there may be several.
    `ignored`: it counts as one without rows; `value` is then None. `proofs` are what the call proves by who asks;
    `inside`: keys that lead to the rows."""

    call: HttpCall
    asked: str
    number: int | None
    status: int
    headers: Mapping[str, str]
    body: bytes
    value: Any
    ignored: bool
    excerpt: Callable[[], str]
    proofs: Callable[[], Collection[str]] = frozenset
    beside: Mapping[str, Any] | None = None
    inside: Collection[str] = ()

    @property
    def frame(self) -> Any:
        """What may hold what the answer says of its rows: its value, or of a list the mappings `beside` the rows."""
        return self.value if self.beside is None else self.beside

    @property
    def named(self) -> str:
        """What was requested, as a log may name it."""
        return f"{self.call.method} {shown_url(self.call.url)}{where(self.call.url, self.asked, self.number)}"

    def error(self, reason: str) -> HttpError:
        """What is wrong with it, with the start of its body."""
        start = self.excerpt()
        return self.bare_error(f"{reason}: {start}" if start else reason)

    def bare_error(self, reason: str) -> HttpError:
        """What is wrong with it."""
        error = HttpError(self.call.method, self.call.url, reason)
        error.redirected_from, error.page = self.asked, self.number
        return error


class _Decoded:
    """The decoded body of an answer, decoded once."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._known: list[Any] = []

    def value(self) -> Any:
        """Raises AnswerError."""
        if not self._known:
            self._known.append(self._answer.decoded())
        return self._known[0]

    def value_or_none(self) -> Any:
        try:
            return self.value()
        except AnswerError:
            return None


class PageReader:
    """Reads the pages of one poll."""

    def __init__(self, request: HttpRequest, means: Means, deadline: BodyDeadline, facts: PollFacts) -> None:
        self._request = request
        self._means = means
        self._deadline = deadline
        self._facts = facts
        self._timeouts = Timeouts.of(request.timeout)
        self._retries = request.request_retries or STANDARD
        self._expectation = Expectation(request.expect)
        self._actions = Actions(request.response_actions)
        self._decoding = Decoding.of(request)
        self._has_proved = request.auth is not None or means.session.shows_certificate

    def read(self, call: HttpCall, *, conditional: bool = False, beyond: bool = False) -> Page:
        """The page that a call is answered with. `conditional`: 304 is such an answer. `beyond`: the server may say
        that there is no such page; that counts as one without rows.

        Raises HttpError, which says of which page it is; SkippedError.
        """
        # With `pagination` there may be several.
        number = self._facts.pages + 1 if self._request.pagination is not None else None
        try:
            return self._read(call, number, conditional, beyond)
        except HttpError as error:
            error.page = number
            raise

    def _read(self, call: HttpCall, number: int | None, conditional: bool, beyond: bool) -> Page:
        credentials, is_ours = self._means.credentials, same_server(str(self._request.url), call.url)
        unsigned, renewed, attempt = call, False, 0
        while True:
            attempt += 1
            again = attempt < self._retries.attempts
            self._facts.asks(unsigned.method, unsigned.url)
            try:
                call = credentials.signed(unsigned, self._means.session, self._timeouts) if is_ours else unsigned
                last, response, answer, shown = self._answer(unsigned, call)
            except HttpError as error:
                may_again = again and may_repeat(self._retries, call.method)
                if not (may_again and error.passing and self._retries.connection_errors):
                    raise
                error.page = number
                self._wait(attempt, None, error)
                continue
            decoded = _Decoded(answer)
            self._has_proved = self._has_proved or (is_ours and bool(shown()))
            page = Page(
                call=last,
                asked=unsigned.url,
                number=number,
                status=answer.status,
                headers=response.headers,
                body=answer.body,
                value=None,
                ignored=False,
                excerpt=answer.excerpt,
                proofs=shown,
            )
            rule = self._actions.holding(answer.status, response.headers, answer.body, decoded.value_or_none)
            # A session that has ended may show as a page to log in, of status 200.
            is_html = media_type_of(answer.content_type) == "text/html" and decoded.value_or_none() is None
            if (answer.status == 401 or is_html) and rule is None and is_ours and not renewed:
                renewed = credentials.renew(response.headers)
                if renewed:
                    attempt -= 1
                    continue
            if again and self._wants_again(page, rule, conditional):
                reason = page.bare_error(f"it answered {status_text(answer.status)}{_because(rule)}")
                self._wait(attempt, asked_wait(answer.status, response.headers), reason)
                continue
            if beyond and rule is None and answer.status in _NO_SUCH_PAGE:
                if answer.status in (400, 422) and _CAP.search(answer.body) is not None:
                    raise page.error("behind the total the server seems to say that it gives only a part of the list")
                return replace(page, ignored=True)
            return self._page(page, answer, decoded, rule, conditional)

    def _wants_again(self, page: Page, rule: ResponseAction | None, conditional: bool) -> bool:
        if rule is not None:
            return rule.action == "retry" and may_repeat(self._retries, page.call.method)
        if self._expectation.expects(page.status) or (conditional and page.status == NOT_MODIFIED):
            return False
        return wants_repeat(self._retries, page.call.method, page.status, page.headers)

    def _answer(
        self, unsigned: HttpCall, call: HttpCall
    ) -> tuple[HttpCall, requests.Response, Answer, Callable[[], Collection[str]]]:
        with answer_to(self._means.session, call, self._timeouts, self._is_final) as (last, response):
            content_type = response.headers.get("Content-Type")
            self._facts.answered(last.method, last.url, call.url, response.status_code, content_type)
            whole = self._expectation.expects(response.status_code) or self._actions.looks_into(response.status_code)
            limit = self._request.max_bytes
            try:
                if whole:
                    body = read_body(response, limit, self._timeouts, self._deadline)
                else:
                    body = read_start(response, min(limit, _START_BYTES), self._timeouts, self._deadline)
            except AnswerError as error:
                raise HttpError(last.method, last.url, str(error), passing=error.passing) from None
        self._facts.bytes += len(body)

        def shown() -> Collection[str]:
            return proofs(unsigned, call)

        def blanked(text: str) -> str:
            return Secrets(call, last, parts=shown()).blanked_in(text)

        answer = Answer(response.status_code, content_type, body, last.url, self._decoding, blanked)
        return last, response, answer, shown

    def _is_final(self, status: int) -> bool:
        return self._expectation.expects(status) or self._actions.may_end_at(status)

    def _wait(self, attempt: int, asked: float | None, error: HttpError) -> None:
        seconds = delay(self._retries, attempt, asked)
        if seconds is None:
            raise type(error)(
                self._facts.method,
                self._facts.url,
                f"the server asks to wait {asked:g} s, longer than `max_delay` of `request_retries` allows "
                f"({self._retries.max_delay.total_seconds():g} s)",
            )
        self._facts.retries += 1
        self._means.log(f"{error}; again in {seconds:.1f} s")
        time.sleep(seconds)

    def _page(
        self, page: Page, answer: Answer, decoded: _Decoded, rule: ResponseAction | None, conditional: bool
    ) -> Page:
        action = rule.action if rule is not None else None
        said = f"it answered {status_text(page.status)}{_because(rule)}"
        if action == "ignore":
            # Of the first page this is what the pipeline expects; of a later one, the list may be longer.
            (self._means.log if (page.number or 1) > 1 else self._means.tell)(f"{page.named}: {said}")
            return replace(page, ignored=True)
        if action == "skip":
            raise SkippedError(f"{page.named}: {said}")
        if action in ("fail", "retry"):
            self._refuse(page, said, answer)
        if conditional and page.status == NOT_MODIFIED:
            return page
        if not self._expectation.expects(page.status):
            reason = unexpected_status(page.status, self._request.expect.status, answer.excerpt())
            if page.call.is_elsewhere and page.status in (401, 403):
                reason += " (this is another server than the one first requested, so it got no credentials)"
            raise page.bare_error(reason)
        if self._has_proved and page.call.is_elsewhere and not is_capability(page.call.url, str(self._request.url)):
            self._check_elsewhere(page)
        problem = self._expectation.refused_type(media_type_of(answer.content_type)) if answer.body else None
        if problem is not None:
            self._refuse(page, problem, answer)
        try:
            value = decoded.value()
        except AnswerError as error:
            raise page.bare_error(str(error)) from None
        problem = self._expectation.refused_value(value)
        if problem is not None:
            self._refuse(page, problem, answer)
        return replace(page, value=value)

    def _check_elsewhere(self, page: Page) -> None:
        """Of what another server answers, which got no credentials: it may give only what it gives to anybody."""
        moved = page.asked != page.call.url
        reason = (
            f"it was {'redirected' if moved else 'linked'} to another server than the one first requested, which got "
            "no credentials and may give only what is public; "
        )
        if self._request.pagination is None and self._request.incremental is None:
            self._means.log(f"{page.named}: {reason}write that server in `url` if it is the API's own")
            return
        other = "page by a cursor or by number"
        if moved:
            other = "request what it leads to by itself (`expect: {status: 302}`, `response_headers: [Location]`)"
        raise page.bare_error(f"{reason}write that server in `url` if it is the API's own, or {other}")

    @staticmethod
    def _refuse(page: Page, reason: str, answer: Answer) -> NoReturn:
        start = answer.excerpt()
        text = answer.shortened(answer.blanked(reason))
        raise page.bare_error(f"{text}; it sent: {start}" if start else text)


def _because(rule: ResponseAction | None) -> str:
    return f", for which {action_text(rule)}" if rule is not None else ""
