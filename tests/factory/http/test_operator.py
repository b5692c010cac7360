"""The operator against a real server: what is sent, what comes back, what the log says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import read_rows
from factory.http.errors import HttpError
from tests.factory.bundle.s3 import BUCKET, CONNECTION, connection, running_s3

from .conftest import TaskInstance, operator
from .http_server import Server

Runner = Callable[..., Any]
JSON = {"Content-Type": "application/json"}


def test_json_becomes_data_and_the_facts_a_second_xcom(server: Server, run: Runner, pushed: dict[str, Any]) -> None:
    server.answers("/state", b'{"rows": [1, 2]}', headers=JSON)
    assert run(server.url("/state?page=2")) == {"rows": [1, 2]}
    milliseconds = pushed["http"].pop("milliseconds")
    assert milliseconds >= 0
    assert pushed == {
        "http": {
            "method": "GET",
            "url": server.url("/state?…"),
            "status": 200,
            "content_type": "application/json",
            "bytes": 16,
            "rows": None,
            "pages": 1,
            "retries": 0,
            "redirected_from": None,
            "headers": {},
        }
    }
    json.dumps(pushed)


@pytest.mark.parametrize(
    ("content_type", "body", "output"),
    [
        ("application/problem+json; charset=utf-8", b'{"a": 1}', {"a": 1}),
        ("application/json", b"\xef\xbb\xbf[1]", [1]),
        ("text/json", b"3", 3),
        ("application/json", b"[1.5e300, 1E5]", [1.5e300, 100000.0]),
        ("application/json", "[1]".encode("utf-16"), [1]),
        ("text/plain", b'{"a": 1}', '{"a": 1}'),
        ("text/plain; charset=iso-8859-1", b"gr\xfc\xdfe", "grüße"),
        ("text/csv", "größe;1".encode(), "größe;1"),
        (None, b"plain", "plain"),
        ("application/json", b"", None),
    ],
)
def test_the_content_type_says_how_a_body_is_decoded(
    server: Server, run: Runner, content_type: str | None, body: bytes, output: Any
) -> None:
    server.answers("/", body, headers={"Content-Type": content_type} if content_type else {})
    assert run(server.url("/")) == output


@pytest.mark.soak
def test_rows_to_object_storage(server: Server, run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"pagination": {"type": "header_link"}, "request_retries": {"attempts": 1}}
    following = {**JSON, "Link": '</rows/2>; rel="next"'}
    with running_s3() as url:
        monkeypatch.setenv("AIRFLOW_CONN_ARCHIVE", connection(url)[f"AIRFLOW_CONN_{CONNECTION}"])
        path = f"s3://archive@{BUCKET}/orders/1.jsonl.gz"
        server.answers("/rows", b'[{"id": 1}]', headers=following)
        server.answers("/rows/2", b'[{"id": 2}]', headers=JSON)
        assert run(server.url("/rows"), to=path, **pages) == path
        server.answers("/rows", b'[{"id": 3}]', headers=following)
        server.answers("/rows/2", status=500)
        with pytest.raises(HttpError, match="500"):
            run(server.url("/rows"), to=path, **pages)
        assert list(read_rows(path)) == [{"id": 1}, {"id": 2}]
        with pytest.raises(AirflowException, match=r"none/1\.csv` cannot be written: .*bucket does not exist"):
            run(server.url("/rows"), to="s3://archive@none/1.csv")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("DELETE", 204)])
def test_an_answer_without_body_is_none(server: Server, run: Runner, method: str, status: int) -> None:
    # The length of what a GET would give is larger than what is allowed, but it never comes.
    headers = {**JSON, "Content-Length": "9999"} if method == "HEAD" else {}
    server.answers("/", status=status, headers=headers)
    assert run(server.url("/"), method=method, max_bytes=10) is None


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        ("application/json", b"<html>\n no", "the answer is not JSON (Expecting value, line 1, column 1): <html> no"),
        ("application/json", b'{"a": NaN}', "NaN is not a JSON number"),
        ("application/json", b'{"a": -1e999}', "the answer is not JSON (the number -1e999 is too large): {"),
        ("application/json", b"[" + b"9" * 5000 + b"]", "the answer has a whole number of too many digits: [999"),
        ("application/json; charset=iso-8859-1", b'["gr\xfc\xdfe"]', "the answer is not JSON (no UTF-8 at byte 4): ["),
        ("application/json", b"[" * 200_000, "JSON that is nested too deeply"),
        ("image/png", b"\x89PNG\xff", "the answer (image/png) is not text in UTF-8"),
        ("text/plain; charset=klingon", b"x", "charset `klingon` is not known"),
    ],
)
def test_a_body_that_is_not_what_it_says_fails(
    server: Server, run: Runner, content_type: str, body: bytes, reason: str
) -> None:
    server.answers("/", body, headers={"Content-Type": content_type})
    with pytest.raises(HttpError) as caught:
        run(server.url("/"))
    assert str(caught.value).startswith(f"GET {server.url('/')}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_of_json_lines_that_is_cut_off_is_named(server: Server, run: Runner) -> None:
    server.answers("/", b'{"id": 1}\n\n{"id": 2}\n{"id": "x', headers={"Content-Type": "application/x-ndjson"})
    with pytest.raises(HttpError, match=r'line 4 of the answer is not JSON \(Unterminated .*column 8\): \{"id": "x$'):
        run(server.url("/"), data_selector="@")


def test_what_is_sent(server: Server, run: Runner) -> None:
    server.answers("/", b"{}", headers=JSON)
    run(
        server.url("/?a=1"),
        method="POST",
        headers={"X-Api-Key": "k"},
        query={"b": [1, True], "c": "x y", "d": False},
        json_body={"n": [1, None]},
    )
    (request,) = server.received
    assert request.method == "POST"
    assert request.path == "/?a=1&b=1&b=true&c=x+y&d=false"
    assert request.headers["X-Api-Key"] == "k"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept-Encoding"] == "gzip"
    assert json.loads(request.body) == {"n": [1, None]}


def test_credentials_in_the_url_are_sent_and_never_shown(
    server: Server, run: Runner, pushed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers("/ok", b"{}", headers=JSON)
    server.answers("/no", b"go away", status=401)
    run(f"http://me:p%40ss@127.0.0.1:{server.port}/ok?token=sesame")
    with pytest.raises(HttpError) as caught:
        run(f"http://me:p%40ss@127.0.0.1:{server.port}/no?token=sesame")
    assert server.received[0].headers["Authorization"] == "Basic bWU6cEBzcw=="
    assert str(caught.value) == (f"GET {server.url('/no')}?…: it answered 401 Unauthorized, expected 2xx: go away")
    log = capsys.readouterr().out
    assert " GET " in log
    for text in (log, str(pushed), str(caught.value)):
        assert "p%40ss" not in text
        assert "p@ss" not in text
        assert "sesame" not in text


@pytest.mark.parametrize("status", [401, 200])
def test_what_the_server_echoes_of_credentials_is_blanked(server: Server, run: Runner, status: int) -> None:
    body = (
        "Bearer t0k/en+1, t0k/en+1, key-123, c00kie1, se&same, se%26same, se&amp;same, me:p@ss, p@ss,"
        " bWU6cEBzcw==, text/html"
    )
    server.answers("/", body.encode(), status=status, headers=JSON)
    headers = {"Cookie": "a=c00kie1; b=2", "x-api-key": "key-123", "Accept": "text/html"}
    shown = []
    for authorization in ({"Authorization": "Bearer t0k/en+1"}, {}):
        url = f"http://me:p%40ss@127.0.0.1:{server.port}/"
        with pytest.raises(HttpError) as caught:
            run(url, headers=headers | authorization, query={"token": "se&same", "n": 1})
        shown.append(str(caught.value))
    assert shown[0].endswith("***, ***, ***, ***, ***, ***, ***, me:p@ss, p@ss, bWU6cEBzcw==, text/html")
    assert shown[1].endswith("Bearer t0k/en+1, t0k/en+1, ***, ***, ***, ***, ***, ***, ***, ***, text/html")


def test_of_two_secrets_that_begin_alike_all_is_blanked(server: Server, run: Runner) -> None:
    server.answers("/", b"sesame sesame-open", status=401)
    with pytest.raises(HttpError) as caught:
        run(server.url("/"), headers={"X-One": "sesame", "X-Two": "sesame-open"})
    assert str(caught.value).endswith(": *** ***")


def test_netrc_does_not_replace_the_pipelines_credentials(
    server: Server, run: Runner, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.answers("/", b"{}", headers=JSON)
    run(server.url("/"), headers={"Authorization": "Bearer mine"})
    assert server.received[0].headers["Authorization"] == "Bearer mine"


def test_the_log_says_what_was_done(server: Server, run: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers("/x", b"[1]", headers={"Content-Type": "application/json; charset=utf-8"})
    run(server.url("/x"))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " GET " in line]
    assert re.search(
        rf"GET {re.escape(server.url('/x'))} → 200, 3 bytes, application/json, 1 row, 1 page, \d+ ms", line
    )


def test_the_log_says_what_was_done_also_where_no_whole_answer_came(
    server: Server, run: Runner, capsys: pytest.CaptureFixture[str], pushed: dict[str, Any]
) -> None:
    server.routes["/silent"] = lambda _: None
    server.answers("/large", b"x" * 99)
    retries = {"attempts": 2, "initial_delay": 0.01}
    for path, said in {"/silent": "no answer, 1 retry, ", "/large": "200, 0 bytes, no content type, 0 pages, "}.items():
        with pytest.raises(HttpError):
            run(server.url(path), max_bytes=50, request_retries=retries)
        assert re.search(rf"GET {re.escape(server.url(path))} → {said}\d+ ms", capsys.readouterr().out)
        assert pushed["http"]["status"] == (200 if path == "/large" else None)


@pytest.mark.parametrize(
    ("expected", "status", "fits"),
    [
        (("2xx",), 204, True),
        (("2xx",), 404, False),
        ((200, 404), 404, True),
        ((200, 404), 201, False),
        (("4xx", 200), 418, True),
    ],
)
def test_expected_status(
    server: Server, run: Runner, pushed: dict[str, Any], expected: tuple[int | str, ...], status: int, fits: bool
) -> None:
    server.answers("/", b"" if status == 204 else b"body", status=status)
    if fits:
        run(server.url("/"), expected_status=expected)
    else:
        with pytest.raises(
            HttpError, match=f"it answered {status} .*, expected {' or '.join(map(str, expected))}: body"
        ):
            run(server.url("/"), expected_status=expected)
    assert pushed["http"]["status"] == status


def test_an_unexpected_status_shows_the_start_of_the_body_on_one_line(server: Server, run: Runner) -> None:
    server.answers("/", ("no\n\x1b[31mway " + "x" * 5000).encode(), status=503)
    with pytest.raises(HttpError) as caught:
        run(server.url("/"))
    excerpt = str(caught.value).partition("expected 2xx: ")[2]
    assert excerpt.startswith("no [31mway xxx")
    assert len(excerpt) == 301
    assert excerpt.endswith("…")


def test_no_xcom_where_the_task_keeps_none(server: Server, run: Runner, pushed: dict[str, Any]) -> None:
    server.answers("/", b"{}", headers=JSON)
    run(server.url("/"), do_xcom_push=False)
    assert pushed == {}


@pytest.mark.parametrize(
    ("body", "is_said"),
    [
        (rb'{"a": [{"b": "nor\u0000th"}]}', True),
        (rb'[{"\uD800": 1}]', True),
        (rb'["\ud83d\ude00", "\\u0000"]', False),
        ('["a"]'.encode("utf-16"), False),
    ],
)
def test_characters_that_postgresql_cannot_keep_are_said(
    server: Server, run: Runner, capsys: pytest.CaptureFixture[str], body: bytes, is_said: bool
) -> None:
    server.answers("/", body, headers=JSON)
    run(server.url("/"))
    assert ("characters that PostgreSQL cannot keep" in capsys.readouterr().out) == is_said


def test_a_job_that_takes_too_long_shows_its_last_answer(server: Server) -> None:
    server.answers("/", b'{"status": "failed"}', headers=JSON)
    until = {"condition": "status == 'done'", "every": timedelta(seconds=1), "within": timedelta(minutes=2)}
    task = operator(url=server.url("/"), until=until)
    with pytest.raises(
        AirflowException, match=r'not done after 0:02:00 .*; the last answer was 200 \{"status": "failed"\}'
    ):
        task.execute({"ti": TaskInstance()}, since=1.0)
