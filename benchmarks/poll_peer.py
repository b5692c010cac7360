"""The servers of tests/factory/http/cases, asked by the poller and by dlt's `rest_api`: which rows each gets.

A case counts where dlt has words for its request: no `auth`, nothing remembered, one URL, JSON. JMESPath and JSONPath
are the same in what is translated here, plain paths.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import yaml

_WORDS = {
    "json_link": ("next_url_path",),
    "header_link": ("links_next_key",),
    "cursor": ("cursor_path", "cursor_param", "cursor_body_path", "has_more_path"),
    "offset": (
        *("limit", "offset", "offset_param", "limit_param", "offset_body_path", "limit_body_path"),
        *("total_path", "has_more_path"),
    ),
    "page_number": ("base_page", "page_param", "page_body_path", "total_path", "has_more_path"),
    "single_page": (),
}
_REQUEST = {
    "description",
    "url",
    "method",
    "params",
    "json",
    "data_selector",
    "pagination",
    "request_retries",
    "headers",
}
DLT = {"PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false", "RUNTIME__DLTHUB_TELEMETRY": "false"}
"""Of dlt in an environment that has Airflow: else it asks Airflow's database for each of its settings."""
_PLAIN = re.compile(r"[\w.]+(?:\[-?\d\])?")


def rows_of_the_cases(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """By the name of a case: how many rows, or why it failed; of the poller and of dlt."""
    os.environ |= {"AIRFLOW_HOME": str(folder / "home"), "NO_PROXY": "127.0.0.1", **DLT}
    from tests.factory.http.poll_cases import CASES, Case  # noqa: PLC0415 # starts Airflow, whose home is set now

    ours, peers = {}, {}
    for path in CASES:
        poll = yaml.safe_load((path / "pipeline.yaml").read_text())["poll"]
        config = _config(poll)
        if config is None:
            continue
        with Case.served(path) as case:
            ours[case.name] = _polled(case.put_into(folder, folder / "out"), folder)
        with Case.served(path) as case:
            peers[case.name] = _by_dlt(config, case.address)
    return ours, peers


def _config(poll: dict[str, Any]) -> dict[str, Any] | None:
    """dlt's words for a request; None where it has none."""
    pagination = poll.get("pagination", {"type": "single_page"})
    words = _WORDS[pagination["type"]]
    selector = poll.get("data_selector", "$")
    if (
        set(poll) - _REQUEST
        or set(pagination) - {"type", "max_pages", *words}
        or not _PLAIN.fullmatch(selector.replace("$", "a"))
    ):
        return None
    paginator = {key: value for key, value in pagination.items() if key != "max_pages"}
    if pagination["type"] in ("offset", "page_number"):
        paginator.setdefault("total_path", None)
    if pagination["type"] == "page_number":
        paginator.setdefault("base_page", 1)
    if pagination["type"] == "json_link":
        paginator.setdefault("next_url_path", "next")
    endpoint = {"path": poll["url"].removeprefix("${env.API}/"), "data_selector": selector, "paginator": paginator}
    endpoint |= {key: poll[key] for key in ("method", "params", "json", "headers") if key in poll}
    return endpoint


def _polled(name: str, folder: Path) -> str:
    from factory.build.dag import build  # noqa: PLC0415 # as above
    from schemas.check import check_file  # noqa: PLC0415

    (pipeline,) = check_file(folder, name).pipelines
    operator = build(pipeline).task_dict["poll"]
    operator.do_xcom_push = False
    try:
        rows = operator.execute({})
    except Exception as error:  # why it failed is the answer
        return f"fails: {str(error).partition(': ')[2][:90]}"
    return _counted(rows)


def _by_dlt(endpoint: dict[str, Any], address: str) -> str:
    from dlt.sources.rest_api import rest_api_resources  # noqa: PLC0415

    client = {"base_url": f"{address}/"}
    try:
        (resource,) = rest_api_resources({"client": client, "resources": [{"name": "rows", "endpoint": endpoint}]})
        resource.add_limit(50)
        rows = list(resource)
    except Exception as error:  # as above
        return f"fails: {str(error.__cause__ or error)[:90]}"
    return _counted(rows)


def _counted(rows: Any) -> str:
    found = rows if isinstance(rows, list) else [rows]
    return f"{len({json.dumps(row, sort_keys=True, default=str) for row in found})} of {len(found)} rows"
