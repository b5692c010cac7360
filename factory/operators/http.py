"""The operator behind the built-in task `http`, and so behind `poll`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.sdk.log import redact  # type: ignore[attr-defined] # public, but not in its `__all__`
from airflow.sdk.observability.stats import Stats

from factory.http.call import Query
from factory.http.connection import credentials, servers_of, session_for, target
from factory.http.errors import HttpError, where
from factory.http.facts import PollAnswer, PollFacts
from factory.http.network import UnusableSettingError
from factory.http.page import Means, SkippedError
from factory.http.poll import poll
from factory.http.repeats import Unique
from factory.http.rows import EachError, requests_for, with_included
from factory.http.session import HttpSession, Transport
from factory.reporters.text import counted
from schemas.compose.servers import is_named_later
from schemas.model.http import Each, HttpRequest, Until

if TYPE_CHECKING:
    from factory.data.row_files import RowFileWriter
    from factory.http.progress import RowProgress

XCOM_KEY = "http"
FILLED_IN = ("url", "conn_id", "endpoint", "headers", "query", "json_body", "data", "body", "to", "each_rows")


class RequestedUrlLink(BaseOperatorLink):
    """The URL of the last page, without credentials and query, which may hold secrets."""

    name = "Requested URL"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 # the base class names it
        """Airflow asks for it in the task's process, when the task is over; empty where nothing was requested."""
        url: str = operator.requested_url
        return url.removesuffix("?…")


class HttpRequestOperator(BaseOperator):
    """Requests a URL, with pages where it has them; the decoded body, or its rows, are the output.

    :param url: absolute `http` or `https` URL (templated)
    :param conn_id: in place of `url`: an Airflow HTTP connection, with its address, credentials and TLS (templated)
    :param endpoint: what follows the connection's address (templated)
    :param headers: header fields of the request (templated)
    :param query: query parameters, added to the URL's own (templated)
    :param json_body: body, sent as JSON (templated)
    :param data: body, sent as form fields (templated)
    :param body: body, sent as it is (templated)
    :param to: the file that the rows are written to; its path is then the output (templated)
    :param each_rows: the rows of `each` (templated)
    :param settings: the other keys of a request, as a pipeline writes them (`schemas.model.http.HttpRequest`)
    :param timezone: of times in rows that have no offset
    :param servers: URLs of the servers that may get credentials, besides those of the connections, where values of a
        run say which is requested

    With `data_selector` or `pagination` the output is always one flat list. A second XCom, `http`, says what came, also
    for an unexpected status: `{"status": 200, "bytes": 312, "rows": 4, "pages": 1, …}`. At most 10 redirects are
    followed, and another server gets no credentials. Raises HttpError, of one line that names method and URL.
    """

    template_fields: Sequence[str] = FILLED_IN
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(
        ("headers", "query", "json_body", "data"), "json"
    )
    operator_extra_links: Sequence[BaseOperatorLink] = (RequestedUrlLink(),)
    ui_color = "#d9ecff"

    def __init__(  # noqa: PLR0913 # the parts of a request that are filled in, each by name
        self,
        *,
        url: str | None = None,
        conn_id: str | None = None,
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        json_body: Any = None,
        data: Query | None = None,
        body: str | None = None,
        to: str | None = None,
        each_rows: Any = None,
        settings: Mapping[str, Any] | None = None,
        timezone: str = "UTC",
        servers: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.servers = [] if servers is None and is_named_later(str(url or endpoint or "")) else servers
        self.url = url
        self.conn_id = conn_id
        self.endpoint = endpoint
        self.headers = headers
        self.query = query
        self.json_body = json_body
        self.data = data
        self.body = body
        self.to = to
        self.each_rows = each_rows
        self.settings = settings or {}
        self.timezone = timezone
        self.requested_url = ""

    def execute(self, context: Any, event: Any = None, since: float | None = None) -> Any:  # noqa: ARG002 # see `defer`
        """Send the request; return the decoded body, the rows, or the path of their file. `since`: when a job was first
        asked for. Raises HttpError; TaskDeferred while a job is not done."""
        request, transport = self.request()
        polled = self.polled(context, request, transport)
        if polled.pending and request.until is not None:
            self._wait(request.until, since or time.time(), polled)
        return self.handed_on(polled)

    def handed_on(self, polled: PollAnswer) -> Any:
        """What the task hands on."""
        if polled.not_modified:
            return None
        return self.to_path if self.to is not None else polled.output

    def polled(
        self,
        context: Any,
        request: HttpRequest,
        transport: Transport,
        *,
        params: Query | None = None,
        headers: Mapping[str, str] | None = None,
        progress: RowProgress | None = None,
    ) -> PollAnswer:
        """Poll, with more query parameters and header fields; log and push what happened.

        Raises HttpError; AirflowSkipException where `response_actions` says so; AirflowFailException where the
        installation does not say what may be requested.
        """
        facts = PollFacts(method=request.method)

        ask = partial(poll, params=params, headers=headers, progress=progress)
        try:
            with session_for(request, transport, self.dag_id, self.log.info) as session, self._file() as file:
                means = self.means(request, session)
                write = file.write if file is not None else None
                if request.each is None:
                    answer = ask(request, means, write=write, facts=facts)
                else:
                    answer = self._asked_for_each(request, request.each, means, write, facts, ask)
                if file is not None and (answer.pending or answer.not_modified):
                    # There are no rows to show, and the file of an earlier run is as good as it was.
                    file.abandon()
        except (UnusableSettingError, EachError) as error:
            raise AirflowFailException(str(error)) from None
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

    def means(self, request: HttpRequest, session: HttpSession) -> Means:
        """What a poll works with: its session, its credentials, and where it says what happens."""
        servers = None if self.servers is None else [*self.servers, *servers_of(self.conn_id, request.auth)]
        proof = credentials(request.auth)
        return Means(session=session, credentials=proof, log=self.log.warning, tell=self.log.info, servers=servers)

    def request(self) -> tuple[HttpRequest, Transport]:
        """What is asked for and over what, its templates filled in and its connection read."""
        url, headers, transport = self.url, dict(self.headers or {}), Transport()
        if self.conn_id is not None:
            leads_to = target(self.conn_id, self.endpoint)
            written = {name.lower() for name in headers}
            headers |= {name: value for name, value in leads_to.headers.items() if name.lower() not in written}
            url, transport = leads_to.url, leads_to.transport
        if not url:
            raise AirflowException("there is neither a `url` nor a `conn_id` to request")
        filled_in = {
            "url": url,
            "headers": headers,
            "params": self.query,
            "json_body": self.json_body,
            "data": self.data,
            "body": self.body,
            "to": self.to,
        }
        return HttpRequest.model_validate(self.settings).model_copy(update=filled_in), transport

    @contextmanager
    def _file(self) -> Iterator[RowFileWriter | None]:
        if self.to is None:
            yield None
            return
        from factory.data.row_files import RowFileError, RowFileWriter  # noqa: PLC0415 # most polls write no files

        try:
            # `include` puts in values of any rows; all others are decoded here.
            with RowFileWriter(self.to, is_plain=self.each_rows is None) as file:
                yield file
        except RowFileError as error:
            raise AirflowException(str(error)) from None
        self.to_path = file.path

    def _asked_for_each(
        self,
        request: HttpRequest,
        each: Each,
        means: Means,
        write: Callable[[list[Any]], None] | None,
        facts: PollFacts,
        ask: Callable[..., PollAnswer],
    ) -> PollAnswer:
        """The rows of all requests, one after the other."""
        answer, number, asked, facts.rows = None, 0, 0, 0
        rows: list[Any] = []
        unique = Unique(request.unique_by) if request.unique_by is not None else None
        included: dict[str, Any] = {}

        def take(found: list[Any]) -> None:
            nonlocal number
            made = with_included(found, included)
            number += len(made)
            if request.max_rows is not None and number > request.max_rows:
                raise EachError(f"there are more than {request.max_rows:,} rows (`max_rows`)")
            (rows.extend if write is None else write)(made)

        # It holds for all rows together, and is looked at here.
        single = request.model_copy(update={"max_rows": None})
        for one, included in requests_for(single, each, self.each_rows):
            if unique is not None:
                unique.begin(included)
            # With what came before, for `max_total_bytes` is about all of them.
            mine, asked = PollFacts(method=request.method, bytes=facts.bytes), asked + 1
            try:
                answer = ask(one, means, write=take, facts=mine, unique=unique)
            except HttpError:
                # Behind a first page, 404 is no row that is missing: its rows would be cut off.
                if each.on_missing != "skip" or mine.status != 404 or mine.pages:
                    raise
                self.log.info("%s %s → 404, and `on_missing: skip` goes on", mine.method, mine.url)
            finally:
                mine.bytes -= facts.bytes
                self._say(mine)
                facts.add(mine)
                facts.rows = number
        if asked and answer is None:
            self.log.warning("every answer was 404, and `on_missing: skip` left all of them out: is the URL right?")
        if unique is not None and unique.dropped:
            self.log.info("`unique_by` left out %s that came before", counted(unique.dropped, "row"))
        return PollAnswer(
            status=answer.status if answer is not None else 0,
            headers=answer.headers if answer is not None else {},
            body=None,
            last=None,
            rows=rows,
            facts=facts,
        )

    def _wait(self, until: Until, since: float, polled: PollAnswer) -> None:
        """Give the worker back until it is time to ask again. Raises TaskDeferred; AirflowException where the job takes
        too long."""
        # Most polls wait for nothing.
        from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger  # noqa: PLC0415

        if time.time() - since > until.within.total_seconds():
            said = f"; the last answer was {polled.status} {polled.start}".rstrip()
            raise AirflowException(f"the job is not done after {until.within} (`within` of `until`){said}")
        self.log.info("not done; asking again in %s", until.every)
        self.defer(trigger=TimeDeltaTrigger(until.every), method_name="execute", kwargs={"since": since})

    def _say(self, facts: PollFacts) -> None:
        facts.url = str(redact(facts.url))
        if facts.redirected_from is not None:
            facts.redirected_from = str(redact(facts.redirected_from))
        # One by one: by its name, a whole field would be blanked that the pipeline asks for.
        facts.headers = {name: str(redact(value)) for name, value in facts.headers.items()}
        if facts.url:
            at = where(facts.url, facts.redirected_from)
            self.log.info("%s %s%s → %s", facts.method, facts.url, at, facts.summary())

    def _report(self, context: Any, facts: PollFacts) -> None:
        self._say(facts)
        self.requested_url = facts.url
        if not facts.url:
            return
        if facts.rows is not None:
            Stats.incr("pipeline_factory.poll_rows", facts.rows, tags={"dag_id": self.dag_id, "task_id": self.task_id})
        if self.do_xcom_push:
            context["ti"].xcom_push(key=XCOM_KEY, value=facts.as_mapping())
