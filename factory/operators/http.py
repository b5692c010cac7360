"""The operator behind the built-in task `http`, and so behind `poll`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import requests
from airflow.sdk import BaseOperator

from factory.operators.http_answer import Answer, AnswerError, read_body, read_start
from factory.operators.http_errors import HttpError, shown_url
from factory.operators.http_expectations import StatusPattern, is_expected, unexpected_status
from factory.operators.http_request import HttpCall, Query, answer_to
from factory.operators.http_secrets import Secrets

XCOM_KEY = "http"
_START_BYTES = 8 * 1024


class HttpRequestOperator(BaseOperator):
    """Requests a URL; the decoded body (JSON or text) is the output.

    :param url: absolute `http` or `https` URL (templated)
    :param method: HTTP method
    :param headers: header fields of the request (templated)
    :param query: query parameters, added to the URL's own (templated)
    :param json_body: body, sent as JSON (templated)
    :param timeout: longest wait for a connection, and for each piece of the answer; the whole body has ten
        times as long
    :param expected_status: codes (200) or ranges (`2xx`); any other status fails the task. A redirect is followed
        unless its own status is among them.
    :param max_bytes: largest body, in bytes after decompression

    The body is JSON if the Content-Type says so, else text; None where there is none (HEAD, 204). A second XCom,
    `http`, says what came, also for an unexpected status: `{"status": 200, "bytes": 312, "milliseconds": 12,
    "url": …, "content_type": …}`. At most 10 redirects are followed, and another server gets no credentials.

    Raises HttpError, an AirflowException of one line that names method and URL without credentials.
    """

    template_fields: Sequence[str] = ("url", "headers", "query", "json_body")
    template_fields_renderers: ClassVar[dict[str, str]] = {"headers": "json", "query": "json", "json_body": "json"}
    ui_color = "#d9ecff"

    def __init__(
        self,
        *,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        json_body: Any = None,
        timeout: timedelta = timedelta(seconds=30),
        expected_status: Sequence[StatusPattern] = ("2xx",),
        max_bytes: int = 1_048_576,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.url = url
        self.method = method
        self.headers = headers
        self.query = query
        self.json_body = json_body
        self.timeout = timeout
        self.expected_status = expected_status
        self.max_bytes = max_bytes

    def execute(self, context: Any) -> Any:
        """Send the request; return the decoded body. Raises HttpError."""
        call = HttpCall.of(self.method, self.url, self.headers, self.query, self.json_body)
        started = time.monotonic()
        with answer_to(call, self.timeout.total_seconds(), self._expects) as (last, response):
            expected = self._expects(response.status_code)
            try:
                answer = self._read(response, Secrets(call, last), whole=expected)
            except AnswerError as error:
                raise HttpError(last.method, last.url, str(error)) from None
        self._report(context, last, answer, round((time.monotonic() - started) * 1000))
        if not expected:
            reason = unexpected_status(answer.status, self.expected_status, answer.excerpt())
            raise HttpError(last.method, last.url, reason)
        try:
            return answer.decoded()
        except AnswerError as error:
            raise HttpError(last.method, last.url, str(error)) from None

    def _expects(self, status: int) -> bool:
        return is_expected(status, self.expected_status)

    def _read(self, response: requests.Response, secrets: Secrets, *, whole: bool) -> Answer:
        seconds = self.timeout.total_seconds()
        if whole:
            body = read_body(response, self.max_bytes, seconds)
        else:
            body = read_start(response, min(self.max_bytes, _START_BYTES), seconds)
        return Answer(response.status_code, response.headers.get("Content-Type"), body, secrets.blanked_in)

    def _report(self, context: Any, call: HttpCall, answer: Answer, milliseconds: int) -> None:
        url = shown_url(call.url)
        media_type = (answer.content_type or "").partition(";")[0].strip() or "no content type"
        self.log.info(
            "%s %s → %d, %d bytes, %s, %d ms",
            call.method, url, answer.status, len(answer.body), media_type, milliseconds,
        )  # fmt: skip # one line of the log, one line of code
        if self.do_xcom_push:
            facts = {
                "status": answer.status,
                "bytes": len(answer.body),
                "milliseconds": milliseconds,
                "url": url,
                "content_type": answer.content_type,
            }
            context["ti"].xcom_push(key=XCOM_KEY, value=facts)
