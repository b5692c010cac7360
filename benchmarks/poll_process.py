"""The processes of benchmarks/poll.py: the server, and one client each.

    python poll_process.py ANSWER server "" PAGES ROWS
    python poll_process.py ANSWER operator|session|http_operator URL PAGES ROWS
    python poll_process.py ANSWER operator_file|session_file|dlt_file URL PAGES ROWS

The server prints its port and serves until it is ended; each page has so many rows. A client writes to the file the CPU
seconds of its requests, their wall seconds, and the MiB by which its memory grew at most while they went on.
"""

from __future__ import annotations

import json
import resource as usage
import socketserver
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

MAX_BYTES = 1_048_576
CHUNK = 64 * 1024
Work = Callable[[], int]
"""Asks for all pages, and gives the number of rows."""


def main(answer: str, case: str, url: str, pages: str, rows: str) -> None:
    if case == "server":
        serve(int(pages), int(rows))
    # Imports, and what else is ready before the first request.
    work = {
        "operator": by_operator,
        "session": by_session,
        "http_operator": by_http_operator,
        "operator_file": lambda url: by_operator(url, to=f"{answer}.jsonl"),
        "session_file": lambda url: by_session(url, to=f"{answer}.jsonl"),
        "dlt_file": lambda url: by_dlt(url, to=f"{answer}.jsonl"),
    }[case](url)
    before = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if found != int(pages) * int(rows):
        raise SystemExit(f"{case} got {found} rows")
    grown = (usage.getrusage(usage.RUSAGE_SELF).ru_maxrss - before) / 1024
    Path(answer).write_text(json.dumps({"cpu": cpu, "wall": wall, "memory": grown}))


def serve(pages: int, number: int) -> None:
    """`?page=1` to `?page=PAGES` have rows, the one behind has none."""

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while line := self.rfile.readline():
                while self.rfile.readline().strip():
                    pass
                (page,) = parse_qs(urlsplit(line.split()[1].decode()).query)["page"]
                rows = _rows(int(page), number) if int(page) <= pages else []
                body = json.dumps({"page": int(page), "data": rows}).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                self.wfile.write(head.encode() + body)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


def _rows(page: int, number: int) -> list[dict[str, Any]]:
    """Each page has its own: a page with the rows of the one before it is an error."""
    ids = range(page * number, (page + 1) * number)
    return [{"id": one, "name": f"order {one}", "total": 12.5} for one in ids]


def by_operator(url: str, to: str | None = None) -> Work:
    from factory.operators.http import HttpRequestOperator  # noqa: PLC0415 # each process imports what it measures

    operator = HttpRequestOperator(
        task_id="poll",
        url=f"{url}/rows",
        to=to,
        settings={
            "data_selector": "data",
            "pagination": {"type": "page_number", "max_pages": 1_000_000},
            "max_bytes": MAX_BYTES,
        },
        do_xcom_push=False,
    )

    def work() -> int:
        found = operator.execute({})
        return len(found) if to is None else _lines(to)

    return work


def by_session(url: str, to: str | None = None) -> Work:
    import requests  # noqa: PLC0415 # as above

    def pages() -> Iterator[list[Any]]:
        with requests.Session() as session:
            page = 1
            while True:
                with session.get(f"{url}/rows", params={"page": page}, stream=True, timeout=30) as response:
                    response.raise_for_status()
                    body = bytearray()
                    for piece in response.iter_content(CHUNK):
                        body += piece
                        if len(body) > MAX_BYTES:
                            raise SystemExit("too large")
                rows = json.loads(body)["data"]
                if not rows:
                    return
                yield rows
                page += 1

    def work() -> int:
        return len([row for rows in pages() for row in rows]) if to is None else _written(pages(), to)

    return work


def by_dlt(url: str, to: str) -> Work:
    """Its rows as it hands them on, without its own steps behind that."""
    from dlt.sources.rest_api import rest_api_resources  # noqa: PLC0415 # as above

    paginator = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": None}
    endpoint = {"path": "rows", "data_selector": "data", "paginator": paginator}
    (orders,) = rest_api_resources(
        {"client": {"base_url": url}, "resources": [{"name": "orders", "endpoint": endpoint}]}
    )

    def pages() -> Iterator[list[Any]]:
        for row in orders:
            yield [row]

    return lambda: _written(pages(), to)


def _written(pages: Iterator[list[Any]], to: str) -> int:
    with Path(to).open("w") as file:
        for rows in pages:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
    return _lines(to)


def _lines(path: str) -> int:
    with Path(path).open("rb") as file:
        return sum(1 for _ in file)


def by_http_operator(_: str) -> Work:
    """Its address is that of the connection `bench`."""
    from airflow.providers.http.operators.http import HttpOperator  # noqa: PLC0415 # as above

    def following(response: Any) -> dict[str, Any] | None:
        answer = response.json()
        return {"data": {"page": answer["page"] + 1}} if answer["data"] else None

    def rows(responses: list[Any]) -> list[Any]:
        return [row for response in responses for row in response.json()["data"]]

    operator = HttpOperator(
        task_id="poll",
        http_conn_id="bench",
        method="GET",
        endpoint="/rows",
        data={"page": 1},
        pagination_function=following,
        response_filter=rows,
    )
    return lambda: len(operator.execute({}))


if __name__ == "__main__":
    main(*sys.argv[1:])
