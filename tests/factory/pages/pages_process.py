"""Asks Airflow's API server, in this process, for the pages: with no user, one who may read all, and one who may not.

Run with AIRFLOW_HOME of its own, below a base path; prints what was answered as JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.utils.db import initdb
from fastapi.testclient import TestClient

from tests.factory.pages.asked import FOREIGN, NO_FILES, ODD, OF_A_DAG, OWN, POSING, ROUTES, upwards
from tests.factory.pages.pages_database import HOME, fill, load_mine, make_things, polls_after

BASE = "/airflow"
READABLE = {"mine", "half_mine"}


class FewDags(SimpleAuthManager):
    """Lets `reader` read two DAGs, one of them in a file with another's, and `blind` see no import error."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        if user.username == "stranger":
            return False
        if user.username == "reader" and details is not None and details.id not in READABLE:
            return False
        return bool(super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details))

    def filter_authorized_dag_ids(self, *, dag_ids: set[str], user: Any, **_: Any) -> set[str]:
        return {"reader": dag_ids & READABLE, "stranger": set()}.get(user.username, dag_ids)

    def is_authorized_view(self, *, access_view: Any, user: Any) -> bool:
        blind = user.username == "blind" and access_view is AccessView.IMPORT_ERRORS
        return not blind and bool(super().is_authorized_view(access_view=access_view, user=user))


def main() -> None:
    initdb()
    fill()
    load_mine()
    make_things()
    client = TestClient(create_app(apps="core"), raise_server_exceptions=False)

    def ask(path: str, user: str | None, **headers: str) -> Any:
        if user is not None:
            token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=user, role="admin"))
            headers["Authorization"] = f"Bearer {token}"
        return client.get(f"{BASE}{path}", headers=headers, follow_redirects=False)

    def codes(paths: Any, user: str | None, *all_headers: dict[str, str]) -> dict[str, int]:
        """How often each status was answered."""
        asked = (ask(path, user, **headers) for path in paths for headers in (all_headers or ({},)))
        return dict(Counter(str(answer.status_code) for answer in asked))

    odd = ("docs", "openapi.json", "redoc", "page.html", "database.py", "%2e%2e%2fplugin.py", "data", "data/%2e%2e/x")
    everything = ask("/pipelines/data/pipelines", "admin").json()["pipelines"]
    print(
        json.dumps(
            {
                "nobody": codes(ROUTES, None),
                "admin": codes(ROUTES, "admin"),
                "stranger": codes(OF_A_DAG, "stranger"),
                "slashed": codes([f"{route}/" for route in ROUTES if route != "/pipelines/"], None),
                "foreign": codes(ROUTES, "admin", *FOREIGN),
                "own": codes(ROUTES, "admin", *OWN),
                "upwards": {user: codes(upwards(), user or None) for user in ("", "admin", "stranger")},
                "without_base": client.get("/pipelines/data/day").status_code,
                "odd": {name: ask(f"/pipelines/{name}", "admin").status_code for name in odd},
                "posted": client.post(f"{BASE}/pipelines/data/pipelines").status_code,
                "headers": dict(ask("/pipelines/", "admin").headers),
                "all": [row for row in everything if not row["name"].startswith("many_")],
                "many": len(everything),
                "readers": ask("/pipelines/data/pipelines", "reader").json()["pipelines"],
                "reader": {
                    name: ask(f"/pipelines/data/pipelines/{name}", "reader").status_code
                    for name in ("mine", "theirs", "no-such", "python")
                },
                "one": ask("/pipelines/data/pipelines/mine", "reader").json(),
                "half": ask("/pipelines/data/pipelines/half_mine", "reader").json(),
                "blind": [ask(f"/pipelines/data/pipelines{path}", "blind").text for path in ("", "/theirs")],
                "python": ask("/pipelines/data/pipelines/python", "admin").status_code,
                "day": ask("/pipelines/data/day", "reader").json(),
                "whole": ask("/pipelines/data/pipelines/mine", "admin").json(),
                "chart": [(one := ask("/pipeline-charts/mine/r0/chart/-1", "admin")).text, dict(one.headers)],
                "model": [(one := ask("/pipeline-charts/mine/r0/train/-1", "admin")).text, dict(one.headers)],
                "no_chart": codes(
                    [
                        f"/pipeline-charts/mine/r0/{task}/-1"
                        for number in range(len(POSING))
                        for task in (f"posing_{number}", f"posing_model_{number}")
                    ],
                    "admin",
                ),
                "no_file": codes([f"/pipeline-charts/mine/r0/{name}/-1" for name in NO_FILES], "admin"),
                "pdf": [(one := ask("/pipeline-charts/mine/r0/pdf/-1", "admin")).text, dict(one.headers)],
                "views": ask("/api/v2/plugins", "admin").json(),
                "odd_polls": [
                    polls_after(fact, lambda: ask("/pipelines/data/pipelines/mine", "admin")) for fact in ODD
                ],
                "odd_models": [
                    (HOME / "model" / "model.json").write_text(text) and ask(ROUTES[-1], "admin").status_code
                    for text in ("[1]", "[" * 100_000, '{"metrics": "\\ud800"}', "{")
                ],
            }
        )
    )


if __name__ == "__main__":
    main()
