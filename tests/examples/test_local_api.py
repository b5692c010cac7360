"""The sample local API, as a real process, asked over real HTTP."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

SCRIPT = Path(__file__).parents[2] / "examples" / "local_api.py"


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def base_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)/\n", line)
    assert found, line
    return found.group(1)


@contextmanager
def running(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = start(*arguments)
    try:
        yield base_url(process), process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    with running("--quiet", "--tick", "3600", "--order-interval", "3600") as (url, _):
        yield url


def get(url: str, **options: object) -> requests.Response:
    return requests.get(url, timeout=10, **options)  # type: ignore[arg-type]


def test_it_is_ready_where_it_says_so() -> None:
    with running() as (url, _):
        assert get(url + "/health").json()["status"] == "ok"


def test_state_has_an_etag_and_not_modified_has_no_body(api: str) -> None:
    first = get(api + "/")
    assert first.status_code == 200
    assert {"name", "time", "requests", "status", "queue_depth"} <= first.json().keys()
    for tag in (first.headers["ETag"], "W/" + first.headers["ETag"], f'"x", {first.headers["ETag"]}', "*"):
        again = get(api + "/", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    assert get(api + "/", headers={"If-None-Match": '"x"'}).status_code == 200


def test_state_and_orders_change_over_time() -> None:
    with running("--tick", "0.05", "--order-interval", "0.05") as (url, _):
        state, total = get(url + "/"), get(url + "/orders").json()["total"]
        time.sleep(0.3)
        later = get(url + "/", headers={"If-None-Match": state.headers["ETag"]})
        assert later.status_code == 200
        assert later.json()["requests"] > state.json()["requests"]
        assert later.json()["time"] > state.json()["time"]
        assert get(url + "/orders").json()["total"] > total


def test_orders_are_pages_of_one_list(api: str) -> None:
    whole = get(api + "/orders?per_page=500").json()
    assert whole["total"] == len(whole["orders"]) == 120
    pages = [get(f"{api}/orders?per_page=50&page={page}").json() for page in (1, 2, 3, 4)]
    assert [len(page["orders"]) for page in pages] == [50, 50, 20, 0]
    assert {page["pages"] for page in pages} == {3}
    assert [row for page in pages for row in page["orders"]] == whole["orders"]
    row = whole["orders"][0]
    assert row.keys() == {"id", "customer", "country", "amount", "currency", "status", "ordered_at"}
    assert isinstance(row["amount"], float)


def test_orders_are_the_same_for_a_seed(api: str) -> None:
    with running("--seed", "1") as (same, _), running("--seed", "2") as (other, _):
        orders = [get(url + "/orders").json()["orders"] for url in (api, same, other)]
    assert orders[0] == orders[1] != orders[2]


def test_orders_have_an_etag(api: str) -> None:
    tag = get(api + "/orders?page=2").headers["ETag"]
    assert get(api + "/orders?page=2", headers={"If-None-Match": tag}).status_code == 304
    assert get(api + "/orders?page=1", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/orders?page=0", "`page` is '0'; allowed: a whole number from 1 to"),
        ("/orders?page=two", "`page` is 'two'; allowed"),
        ("/orders?page=", "`page` is ''; allowed"),
        ("/orders?per_page=501", "`per_page` is '501'; allowed: a whole number from 1 to 500"),
        ("/orders?page=" + "9" * 5000, "`page` is '99999"),
        ("/fail?status=200", "from 400 to 599"),
        ("/slow?seconds=31", "a number from 0 to 30"),
        ("/slow?seconds=nan", "a number from 0 to 30"),
        ("/big?bytes=67108865", "from 0 to 67108864"),
    ],
)
def test_a_bad_value_is_400_and_says_what_is_allowed(api: str, path: str, allowed: str) -> None:
    answer = get(api + path)
    assert answer.status_code == 400
    assert allowed in answer.json()["error"]


def test_fail_answers_with_the_status_asked_for(api: str) -> None:
    assert get(api + "/fail").status_code == 503
    answer = get(api + "/fail?status=418")
    assert answer.status_code == 418
    assert "418" in answer.json()["error"]


def test_fail_counts_by_key(api: str) -> None:
    statuses = [get(api + "/fail?status=500&times=2&key=a").status_code for _ in range(4)]
    assert statuses == [500, 500, 200, 200]
    assert get(api + "/fail?status=500&times=1&key=b").status_code == 500


def test_fail_counts_under_concurrent_requests(api: str) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(get(api + "/fail?times=10&key=many").status_code))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 10 + [503] * 10


def test_slow_waits_and_others_do_not(api: str) -> None:
    slow = threading.Thread(target=get, args=(api + "/slow?seconds=3",))
    slow.start()
    began = time.monotonic()
    assert get(api + "/slow?seconds=0.2").json() == {"slept_seconds": 0.2}
    assert time.monotonic() - began >= 0.2
    assert slow.is_alive()
    slow.join()


def test_text_is_plain_utf8(api: str) -> None:
    answer = get(api + "/text")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Zoë" in answer.text


@pytest.mark.parametrize("size", [0, 1, 65536, 1_000_001])
def test_big_has_the_size_asked_for(api: str, size: int) -> None:
    assert len(get(f"{api}/big?bytes={size}").content) == size


def test_echo_returns_what_it_was_sent(api: str) -> None:
    answer = requests.post(api + "/echo?a=1&a=2", data="Zoë".encode(), headers={"X-One": "1"}, timeout=10).json()
    assert (answer["method"], answer["query"], answer["body"]) == ("POST", {"a": ["1", "2"]}, "Zoë")
    assert answer["headers"]["X-One"] == "1"
    binary = requests.post(api + "/echo", data=b"\xff\xfe", timeout=10).json()
    assert (binary["body"], binary["body_encoding"]) == ("//4=", "base64")


def test_echo_takes_up_to_one_mebibyte(api: str) -> None:
    assert requests.post(api + "/echo", data=b"x" * 1024 * 1024, timeout=10).status_code == 200
    refused = requests.post(api + "/echo", data=b"x" * (1024 * 1024 + 1), timeout=10)
    assert refused.status_code == 413
    assert "allowed: up to 1048576" in refused.json()["error"]


def test_a_body_without_a_length_is_refused(api: str) -> None:
    assert requests.post(api + "/echo", data=iter([b"chunk"]), timeout=10).status_code == 411


@pytest.mark.parametrize("path", ["/", "/orders", "/text", "/big?bytes=1000", "/health", "/fail?status=500", "/no"])
def test_head_is_get_without_the_body(api: str, path: str) -> None:
    with requests.Session() as session:  # one connection: a body sent by mistake would break the GET behind it
        head = session.head(api + path, timeout=10)
        answer = session.get(api + path, timeout=10)
    assert head.content == b""
    assert head.status_code == answer.status_code
    same = {"Content-Type", "ETag"} | (set() if path == "/health" else {"Content-Length"})
    assert {name: head.headers.get(name) for name in same} == {name: answer.headers.get(name) for name in same}


def test_an_unknown_path_lists_the_paths(api: str) -> None:
    answer = get(api + "/order")
    assert answer.status_code == 404
    assert any("/orders" in path for path in answer.json()["paths"])


def test_a_wrong_method_says_which_is_right(api: str) -> None:
    assert get(api + "/echo").headers["Allow"] == "POST"
    answer = requests.delete(api + "/orders", timeout=10)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert requests.request("BREW", api + "/", timeout=10).json()["error"]


def test_a_body_on_get_does_not_spoil_the_next_request(api: str) -> None:
    with requests.Session() as session:
        assert session.get(api + "/text", data="GET /no HTTP/1.1\r\n\r\n", timeout=10).status_code == 200
        assert session.get(api + "/health", timeout=10).status_code == 200


def test_a_client_that_leaves_is_no_traceback() -> None:
    with running() as (url, process):
        port = int(url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /big?bytes=60000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(1000)
        assert get(url + "/health").status_code == 200
        process.terminate()
        _, log = process.communicate(timeout=120)
    assert "Traceback" not in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_also_while_requests_run(number: signal.Signals) -> None:
    process = start()
    url = base_url(process)
    with requests.get(url + "/big?bytes=60000000", stream=True, timeout=10):
        process.send_signal(number)
        _, log = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in log


@pytest.mark.parametrize(("arguments", "lines"), [((), 3), (("--quiet",), 0)])
def test_one_log_line_for_each_request(arguments: tuple[str, ...], lines: int) -> None:
    process = start(*arguments)
    url = base_url(process)
    for path in ("/", "/no", "/fail"):
        get(url + path)
    process.terminate()
    _, log = process.communicate(timeout=120)
    assert len(log.splitlines()) == lines, log


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--port", "x"), "'x' is not a port; allowed: 0 to 65535"),
        (("--port", "65536"), "not a port"),
        (("--tick", "0"), "not a time"),
        (("--hots", "127.0.0.1"), "unrecognized arguments: --hots"),
        (("--host", "no.such.host.invalid"), "cannot listen on no.such.host.invalid:0"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(arguments: tuple[str, ...], message: str) -> None:
    process = start(*arguments)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 2
    assert message in log
    assert len(log.splitlines()) == 1, log


def test_a_taken_port_is_one_line_and_status_2(api: str) -> None:
    port = api.rsplit(":", 1)[1]
    process = start("--port", port)
    _, log = process.communicate(timeout=120)
    assert process.returncode == 2
    assert log == f"local_api: cannot listen on 127.0.0.1:{port}: the port is taken, choose another with --port\n"
