"""The operator behind the built-in task `http`, and so behind `poll`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from factory.http.connection import credentials, target
from factory.http.errors import Timeouts, where
from factory.http.expectations import Expectations, ResponseAction, StatusPattern
from factory.http.network import Network, UnusableSettingError
from factory.http.page import SkippedError
from factory.http.pages import Pagination
from factory.http.poll import PollAnswer, PollFacts, PollRequest, poll
from factory.http.rate import Rate, SharedRate, Unlimited
from factory.http.request import Query
from factory.http.retries import Retries
from factory.http.session import HttpSession, Transport

XCOM_KEY = "http"


class RequestedUrlLink(BaseOperatorLink):
    """The URL of the last page, without credentials and query, which may hold secrets."""

    name = "Requested URL"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 # the base class names it
        """Airflow asks for it in the task's process, when the task is over; empty where nothing was requested."""
        url: str = operator.requested_url
        return url.removesuffix("?…")


class HttpRequestOperator(BaseOperator):
    """Requests a URL, with pages where it has them; the decoded body (JSON or text), or its rows, are the output.

    :param url: absolute `http` or `https` URL (templated)
    :param conn_id: in place of `url`: an Airflow HTTP connection, with its address, credentials and TLS (templated)
    :param endpoint: what follows the connection's address (templated)
    :param method: HTTP method
    :param headers: header fields of the request (templated)
    :param query: query parameters, added to the URL's own (templated)
    :param json_body: body, sent as JSON (templated)
    :param data: body, sent as form fields (templated)
    :param auth: `{"type": …, "conn_id": …}`: how the request is signed, with what that connection holds
    :param timeout: longest wait for a connection, and for each piece of an answer; the whole body has ten
        times as long. One for both, or `{"connect": …, "read": …}`
    :param request_retries: arguments of `Retries`; None: a page is requested once
    :param expect: arguments of `Expectations`. A redirect is followed unless its own status is expected.
    :param response_actions: arguments of a `ResponseAction` each
    :param data_selector: JMESPath of the rows in the body
    :param pagination: arguments of `Pagination`
    :param rate_limit: `{"requests": 10, "per": timedelta(seconds=1)}`
    :param max_bytes: largest body, in bytes after decompression

    The body is JSON if the Content-Type says so, else text; None where there is none (HEAD, 204). With `data_selector`
    or `pagination` the output is always one flat list. A second XCom, `http`, says what came, also for an unexpected
    status: `{"status": 200, "bytes": 312, "rows": 4, "pages": 1, "retries": 0, "milliseconds": 12, "url": …,
    "content_type": …}`. At most 10 redirects are followed, and another server gets no credentials.

    Raises HttpError, of one line that names method and URL without credentials.
    """

    template_fields: Sequence[str] = ("url", "conn_id", "endpoint", "headers", "query", "json_body", "data")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "headers": "json",
        "query": "json",
        "json_body": "json",
        "data": "json",
    }
    operator_extra_links: Sequence[BaseOperatorLink] = (RequestedUrlLink(),)
    ui_color = "#d9ecff"

    def __init__(  # noqa: PLR0913 # the parts of a request, each by name
        self,
        *,
        url: str | None = None,
        conn_id: str | None = None,
        endpoint: str | None = None,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        json_body: Any = None,
        data: Query | None = None,
        auth: Mapping[str, Any] | None = None,
        timeout: timedelta | Mapping[str, timedelta] = timedelta(seconds=30),
        request_retries: Mapping[str, Any] | None = None,
        expect: Mapping[str, Any] | None = None,
        response_actions: Sequence[Mapping[str, Any]] = (),
        data_selector: str | None = None,
        pagination: Mapping[str, Any] | None = None,
        rate_limit: Mapping[str, Any] | None = None,
        max_bytes: int = 1_048_576,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.url = url
        self.conn_id = conn_id
        self.endpoint = endpoint
        self.method = method
        self.headers = headers
        self.query = query
        self.json_body = json_body
        self.data = data
        self.auth = auth
        self.timeout = timeout
        self.request_retries = request_retries
        self.expect = expect
        self.response_actions = response_actions
        self.data_selector = data_selector
        self.pagination = pagination
        self.rate_limit = rate_limit
        self.max_bytes = max_bytes
        self.requested_url = ""

    def execute(self, context: Any) -> Any:
        """Send the request; return the decoded body or the rows. Raises HttpError."""
        return self.polled(context).output

    def polled(
        self,
        context: Any,
        *,
        params: Query | None = None,
        headers: Mapping[str, str] | None = None,
        enough: Callable[[Sequence[Any]], bool] | None = None,
    ) -> PollAnswer:
        """Poll, with more query parameters and header fields, and an end of one's own (see `poll`); log and push what
        happened.

        Raises HttpError; AirflowSkipException where `response_actions` says so; AirflowFailException where the
        installation does not say what may be requested.
        """
        facts = PollFacts(method=self.method)
        request, transport = self.request(self.dag_id)
        try:
            with HttpSession(Network.of(os.environ), transport) as session:
                answer = poll(request, session, params=params, headers=headers, enough=enough, facts=facts)
        except UnusableSettingError as unusable:
            raise AirflowFailException(str(unusable)) from None
        except SkippedError as skipped:
            raise AirflowSkipException(str(skipped)) from None
        finally:
            self._report(context, facts)
        if answer.unkeepable:
            self.log.warning(
                "The answer has characters that PostgreSQL cannot keep (U+0000, or half of a surrogate pair). "
                "Where it is Airflow's database, this task fails next, unless the output goes to an object store."
            )
        return answer

    def request(self, dag_id: str) -> tuple[PollRequest, Transport]:
        """What is asked for and over what, its templates filled in and its connections read. `dag_id` says whose
        `rate_limit` it is."""
        url, headers, transport = self.url, dict(self.headers or {}), Transport()
        if self.conn_id is not None:
            leads_to = target(self.conn_id, self.endpoint)
            written = {name.lower() for name in headers}
            headers |= {name: value for name, value in leads_to.headers.items() if name.lower() not in written}
            url, transport = leads_to.url, leads_to.transport
        if not url:
            raise AirflowException("there is neither a `url` nor a `conn_id` to request")
        request = PollRequest(
            url=url,
            method=self.method,
            headers=headers,
            query=self.query,
            json_body=self.json_body,
            form=self.data,
            timeouts=_timeouts(self.timeout),
            expectations=_expectations(self.expect or {}),
            max_bytes=self.max_bytes,
            credentials=credentials(self.auth),
            retries=_retries(self.request_retries),
            actions=tuple(map(_action, self.response_actions)),
            data_selector=self.data_selector,
            pagination=Pagination(**self.pagination) if self.pagination is not None else None,
            rate=self._rate(dag_id),
            log=self.log.warning,
            tell=self.log.info,
        )
        return request, transport

    def _rate(self, dag_id: str) -> Rate:
        if self.rate_limit is None:
            return Unlimited()
        folder = Path(tempfile.gettempdir()) / f"airflow-pipelines-{os.getuid()}"
        requests, per = self.rate_limit["requests"], self.rate_limit["per"].total_seconds()
        return SharedRate(requests, per, folder, f"{dag_id} {requests}/{per}")

    def _report(self, context: Any, facts: PollFacts) -> None:
        self.requested_url = facts.url
        if not facts.url:
            return
        answered = facts.status is not None
        parts = [f"{facts.bytes} bytes"] if answered or facts.pages else []
        if answered:
            parts.append(facts.media_type or "no content type")
        if facts.rows is not None:
            parts.append(_counted(facts.rows, "row"))
        if answered or facts.pages:
            parts.append(_counted(facts.pages, "page"))
        if facts.retries:
            parts.append(_counted(facts.retries, "retry", "retries"))
        summary = ", ".join([str(facts.status or "no answer"), *parts, f"{facts.milliseconds} ms"])
        self.log.info("%s %s%s → %s", facts.method, facts.url, where(facts.url, facts.redirected_from), summary)
        if self.do_xcom_push:
            context["ti"].xcom_push(key=XCOM_KEY, value=facts.as_mapping())


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _timeouts(timeout: timedelta | Mapping[str, timedelta]) -> Timeouts:
    if isinstance(timeout, timedelta):
        return Timeouts(timeout.total_seconds(), timeout.total_seconds())
    return Timeouts(timeout["connect"].total_seconds(), timeout["read"].total_seconds())


def _status(written: StatusPattern | Sequence[StatusPattern] | None) -> tuple[StatusPattern, ...]:
    if written is None:
        return ()
    return (written,) if isinstance(written, int | str) else tuple(written)


def _expectations(expect: Mapping[str, Any]) -> Expectations:
    types = expect.get("content_type") or ()
    return Expectations(
        status=_status(expect.get("status", "2xx")),
        content_type=(types,) if isinstance(types, str) else tuple(types),
        json_schema=expect.get("json_schema"),
        condition=expect.get("condition"),
    )


def _retries(written: Mapping[str, Any] | None) -> Retries:
    if written is None:
        return Retries()
    seconds = {name: value.total_seconds() for name, value in written.items() if isinstance(value, timedelta)}
    return Retries(**{**written, **seconds, "status": _status(written.get("status"))})


def _action(written: Mapping[str, Any]) -> ResponseAction:
    return ResponseAction(written["action"], _status(written.get("status_code")), written.get("content"))
