"""The processes of benchmarks/poll.py: the server, and one client each.

    python poll_process.py ANSWER server "" PAGES
    python poll_process.py ANSWER operator|session|http_operator URL PAGES

The server prints its port and serves until it is ended; a client writes the CPU seconds of its requests to the file.
"""

from __future__ import annotations

import json
import socketserver
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROWS_OF_A_PAGE = 10
MAX_BYTES = 1_048_576
CHUNK = 64 * 1024


def main(answer: str, case: str, url: str, pages: str) -> None:
    if case == "server":
        serve(int(pages))
    rows, seconds = {"operator": by_operator, "session": by_session, "http_operator": by_http_operator}[case](url)
    if rows != int(pages) * ROWS_OF_A_PAGE:
        raise SystemExit(f"{case} got {rows} rows")
    Path(answer).write_text(json.dumps(seconds))


def serve(pages: int) -> None:
    """`?page=1` to `?page=PAGES` have rows, the one behind has none."""

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while line := self.rfile.readline():
                while self.rfile.readline().strip():
                    pass
                (page,) = parse_qs(urlsplit(line.split()[1].decode()).query)["page"]
                rows = _rows(int(page)) if int(page) <= pages else []
                body = json.dumps({"page": int(page), "data": rows}).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                self.wfile.write(head.encode() + body)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


def _rows(page: int) -> list[dict[str, Any]]:
    """Each page has its own: a page with the rows of the one before it is an error."""
    ids = range(page * ROWS_OF_A_PAGE, (page + 1) * ROWS_OF_A_PAGE)
    return [{"id": number, "name": f"order {number}", "total": 12.5} for number in ids]


def by_operator(url: str) -> tuple[int, float]:
    from factory.operators.http import HttpRequestOperator  # noqa: PLC0415 # each process imports what it measures

    operator = HttpRequestOperator(
        task_id="poll",
        url=f"{url}/rows",
        settings={
            "data_selector": "data",
            "pagination": {"type": "page_number", "max_pages": 1_000_000},
            "max_bytes": MAX_BYTES,
        },
        do_xcom_push=False,
    )
    start = time.process_time()
    rows = operator.execute({})
    return len(rows), time.process_time() - start


def by_session(url: str) -> tuple[int, float]:
    import requests  # noqa: PLC0415 # as above

    start = time.process_time()
    gathered: list[Any] = []
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
                break
            gathered += rows
            page += 1
    return len(gathered), time.process_time() - start


def by_http_operator(_: str) -> tuple[int, float]:
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
    start = time.process_time()
    found = operator.execute({})
    return len(found), time.process_time() - start


if __name__ == "__main__":
    main(*sys.argv[1:])
