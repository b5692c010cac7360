"""One page: requested, again where that helps, and held against what is expected of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import requests

from factory.http.answer import Answer, AnswerError, media_type_of, read_body, read_start
from factory.http.deadline import BodyDeadline
from factory.http.errors import HttpError, shown_url, where
from factory.http.expectations import Expectation, ResponseAction, action_for, status_text, unexpected_status
from factory.http.request import HttpCall, answer_to, same_server
from factory.http.retries import retry_after
from factory.http.secrets import Secrets
from factory.http.session import HttpSession

if TYPE_CHECKING:
    from factory.http.poll import PollFacts, PollRequest

_START_BYTES = 8 * 1024
NOT_MODIFIED = 304


class SkippedError(Exception):
    """An answer that `response_actions` skips the task for; its text names the request and the status."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it came. `asked` is the URL before redirects, `number` counts from 1 where there may be several.
    `ignored`: it counts as one without rows, and as the last."""

    call: HttpCall
    asked: str
    number: int | None
    status: int
    headers: Mapping[str, str]
    body: bytes
    value: Any
    ignored: bool
    excerpt: Callable[[], str]

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


class PageReader:
    """Reads the pages of one poll."""

    def __init__(self, request: PollRequest, session: HttpSession, deadline: BodyDeadline, facts: PollFacts) -> None:
        self._request = request
        self._session = session
        self._deadline = deadline
        self._facts = facts
        self._expectation = Expectation(request.expectations)

    def read(self, call: HttpCall, *, conditional: bool = False) -> Page:
        """The page that a call is answered with; `conditional`: 304 is such an answer.

        Raises HttpError, which says of which page it is; SkippedError.
        """
        # With `pagination` there may be several.
        number = self._facts.pages + 1 if self._request.pagination is not None else None
        try:
            return self._read(call, number, conditional)
        except HttpError as error:
            error.page = number
            raise

    def _read(self, call: HttpCall, number: int | None, conditional: bool) -> Page:
        retries = self._request.retries
        credentials, is_ours = self._request.credentials, same_server(self._request.url, call.url)
        unsigned, renewed, attempt = call, False, 0
        while True:
            attempt += 1
            again = attempt < retries.attempts and retries.covers(call.method)
            self._request.rate.wait(call.url)
            self._facts.asks(unsigned.method, unsigned.url)
            try:
                call = credentials.signed(unsigned, self._session, self._request.timeouts) if is_ours else unsigned
                last, response, answer = self._answer(call)
            except HttpError as error:
                if not (again and error.passing and retries.connection_errors):
                    raise
                error.page = number
                self._wait(attempt, None, error)
                continue
            page = Page(
                last, call.url, number, answer.status, response.headers, answer.body, None, False, answer.excerpt
            )
            rule = action_for(self._request.actions, answer.status, answer.body)
            if answer.status == 401 and rule is None and is_ours and not renewed and credentials.renew():
                renewed, attempt = True, attempt - 1
                continue
            if again and self._wants_again(answer, rule, conditional):
                reason = page.bare_error(f"it answered {status_text(answer.status)}{_because(rule)}")
                self._wait(attempt, retry_after(response.headers), reason)
                continue
            return self._page(page, answer, rule, conditional)

    def _wants_again(self, answer: Answer, rule: ResponseAction | None, conditional: bool) -> bool:
        if rule is not None:
            return rule.action == "retry"
        return not self._is_good(answer.status, conditional) and self._request.retries.covers_status(answer.status)

    def _answer(self, call: HttpCall) -> tuple[HttpCall, requests.Response, Answer]:
        with answer_to(self._session, call, self._request.timeouts, self._is_final) as (last, response):
            content_type = response.headers.get("Content-Type")
            self._facts.answered(last.method, last.url, call.url, response.status_code, content_type)
            whole = self._expectation.expects(response.status_code) or any(
                action.content is not None and action.covers_status(response.status_code)
                for action in self._request.actions
            )
            limit = self._request.max_bytes
            try:
                if whole:
                    body = read_body(response, limit, self._request.timeouts, self._deadline)
                else:
                    body = read_start(response, min(limit, _START_BYTES), self._request.timeouts, self._deadline)
            except AnswerError as error:
                raise HttpError(last.method, last.url, str(error), passing=error.passing) from None
        self._facts.bytes += len(body)

        def blanked(text: str) -> str:
            return Secrets(call, last).blanked_in(text)

        return last, response, Answer(response.status_code, content_type, body, blanked)

    def _is_final(self, status: int) -> bool:
        return self._expectation.expects(status) or any(
            action.status and action.covers_status(status) for action in self._request.actions
        )

    def _is_good(self, status: int, conditional: bool) -> bool:
        return self._expectation.expects(status) or (conditional and status == NOT_MODIFIED)

    def _wait(self, attempt: int, asked: float | None, error: HttpError) -> None:
        seconds = self._request.retries.delay(attempt, asked)
        if seconds is None:
            raise type(error)(
                self._facts.method,
                self._facts.url,
                f"the server asks to wait {asked:g} s, longer than `max_delay` of `request_retries` allows "
                f"({self._request.retries.max_delay:g} s)",
            )
        self._facts.retries += 1
        self._request.log(f"{error}; again in {seconds:.1f} s")
        time.sleep(seconds)

    def _page(self, page: Page, answer: Answer, rule: ResponseAction | None, conditional: bool) -> Page:
        action = rule.action if rule is not None else None
        if action == "ignore":
            self._request.tell(f"{page.named}: it answered {status_text(page.status)}{_because(rule)}")
            return replace(page, ignored=True)
        if action == "skip":
            raise SkippedError(f"{page.named}: it answered {status_text(page.status)}{_because(rule)}")
        if action in ("fail", "retry"):
            self._refuse(page, f"it answered {status_text(page.status)}{_because(rule)}", answer)
        if conditional and page.status == NOT_MODIFIED:
            return page
        if not self._expectation.expects(page.status):
            reason = unexpected_status(page.status, self._request.expectations.status, answer.excerpt())
            raise page.bare_error(reason)
        problem = self._expectation.refused_type(media_type_of(answer.content_type)) if answer.body else None
        if problem is not None:
            self._refuse(page, problem, answer)
        try:
            value = answer.decoded()
        except AnswerError as error:
            raise page.bare_error(str(error)) from None
        problem = self._expectation.refused_value(value)
        if problem is not None:
            self._refuse(page, problem, answer)
        return replace(page, value=value)

    @staticmethod
    def _refuse(page: Page, reason: str, answer: Answer) -> NoReturn:
        start = answer.excerpt()
        text = answer.shortened(answer.blanked(reason))
        raise page.bare_error(f"{text}; it sent: {start}" if start else text)


def _because(rule: ResponseAction | None) -> str:
    return f", for which {rule}" if rule is not None else ""
