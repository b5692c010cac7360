"""What the pages are asked for, and what lies there; the tests read it without importing Airflow's server."""

from __future__ import annotations

from typing import Any

MANY = 1000
SCRIPT = "<script>parent.document.title = 'broken'</script>"
ODD: tuple[Any, ...] = (float("nan"), float("-inf"), 10**400, True, "<b>", {"a": 1}, "\ud800")
"""What no poll brings, and an XCom may hold."""
NO_FILES = ("link", "pipe", "folder", "gone")
"""What may lie where a chart did."""
POSING = (
    ("BashOperator", None),
    ("BashOperator", "secret.html"),
    ("ChartOperator", None),
    *(
        ("ChartOperator", to)
        for to in ("chart.html", "secret.html", "/x/secret.html", "***", "s3://b/secret.html", "~/secret.html")
    ),
    *(("TrainOperator", to) for to in (None, "/x/model", "mode", "odel", "../other/model")),
)
"""The operator and the rendered `to` of tasks whose outputs somebody else wrote."""
ROUTES = (
    *("/pipelines/", "/pipelines/page.js", "/pipelines/page.css", "/pipelines/data/pipelines", "/pipelines/data/day"),
    *("/pipelines/data/pipelines/mine", "/pipeline-charts/mine/r0/chart/-1", "/pipeline-charts/mine/r0/train/-1"),
)
"""Every route that the plugin has, each with something to show."""
OF_A_DAG = tuple(route for route in ROUTES if "mine" in route)
FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "script"},
)
"""What a browser adds to what another site's page asks for."""
OWN: tuple[dict[str, str], ...] = (
    {"Origin": "http://testserver"},
    {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},
)
"""The page itself, and a link to it from elsewhere."""
UPWARDS = (
    *(
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..%5c",
        "....//",
        "%00",
        "/",
        "%2f",
        ".;/",
    ),
)
TARGETS = ("database.py", "plugin.py", "etc/passwd", "airflow.cfg")


def upwards() -> list[str]:
    """Paths that lead out of what a route shows."""
    below = ("/pipelines/", "/pipelines/data/pipelines/", "/pipeline-charts/", "/pipeline-charts/mine/r0/")
    paths = [f"{route}{up * count}{name}" for route in below for up in UPWARDS for count in (1, 6) for name in TARGETS]
    return [*paths, *(f"/pipeline-charts/mine/r0/{up}secret.html/-1" for up in UPWARDS)]
