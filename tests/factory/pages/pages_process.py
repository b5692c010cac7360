"""Asks Airflow's API server, in this process, for the pages: with no user, one who may read all, and one who may not.

Run with AIRFLOW_HOME of its own; prints what was answered as JSON.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.types import DagRunType
from fastapi.testclient import TestClient

NOW = datetime.now(UTC)
BROKEN = """\
error[bad-cron] PF201: the hour `25` is not valid
 --> pipelines/broken.yaml:2:14
  |

error PF302: <script>x</script>"""
MANY = 1000
READABLE = {"mine", "half_mine"}


class FewDags(SimpleAuthManager):
    """Lets `reader` read two DAGs, one of them in a file with another's, and `blind` see no import error."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        if user.username == "reader" and details is not None and details.id not in READABLE:
            return False
        return bool(super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details))

    def filter_authorized_dag_ids(self, *, dag_ids: set[str], user: Any, **_: Any) -> set[str]:
        return dag_ids & READABLE if user.username == "reader" else dag_ids

    def is_authorized_view(self, *, access_view: Any, user: Any) -> bool:
        blind = user.username == "blind" and access_view is AccessView.IMPORT_ERRORS
        return not blind and bool(super().is_authorized_view(access_view=access_view, user=user))


def fill() -> None:
    with create_session() as session:
        session.add_all([DagBundleModel(name="pipelines"), DagBundleModel(name="team2")])
        session.flush()
        names = {"mine": "mine.yaml.py", "theirs": "shop/theirs.yaml.py", "python": "python.py"}
        names |= {"half_mine": "both.yaml.py", "half_theirs": "both.yaml.py"}
        names |= {f"many_{number}": f"many/{number}.yml.py" for number in range(MANY)}
        for dag_id, path in names.items():
            session.add(
                DagModel(
                    dag_id=dag_id,
                    relative_fileloc=path,
                    fileloc=path,
                    bundle_name="pipelines",
                    is_stale=False,
                    is_paused=dag_id == "theirs",
                    timetable_summary="0 6 * * *",
                    next_dagrun_create_after=NOW,
                    max_active_tasks=16,
                )
            )
        session.flush()
        for number in range(12):
            at = NOW - timedelta(hours=number)
            run = DagRun(
                dag_id="mine", run_id=f"r{number}", run_after=at, run_type=DagRunType.SCHEDULED, state="success"
            )
            session.add(run)
        for bundle, path in (("pipelines", "both.yaml.py"), ("team2", "mine.yaml.py")):
            session.add(ParseImportError(filename=path, bundle_name=bundle, stacktrace="secret of others"))
        session.add(ParseImportError(filename="broken.yaml.py", bundle_name="pipelines", stacktrace=BROKEN))
        session.add(
            ParseImportError(filename="shop/theirs.yaml.py", bundle_name="pipelines", stacktrace="secret of theirs")
        )


def main() -> None:
    initdb()
    fill()
    client = TestClient(create_app(apps="core"), raise_server_exceptions=False)

    def ask(path: str, user: str | None, **headers: str) -> Any:
        if user is not None:
            token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=user, role="admin"))
            headers["Authorization"] = f"Bearer {token}"
        return client.get(path, headers=headers)

    paths = (
        "/pipelines/",
        "/pipelines/page.js",
        "/pipelines/page.css",
        "/pipelines/data/pipelines",
        "/pipelines/data/day",
    )
    paths = (*paths, "/pipelines/data/pipelines/mine")
    odd = ("docs", "openapi.json", "redoc", "page.html", "database.py", "%2e%2e%2fplugin.py", "data", "data/%2e%2e/x")
    everything = ask("/pipelines/data/pipelines", "admin").json()["pipelines"]
    print(
        json.dumps(
            {
                "nobody": {path: ask(path, None).status_code for path in paths},
                "admin": {path: ask(path, "admin").status_code for path in paths},
                "odd": {name: ask(f"/pipelines/{name}", "admin").status_code for name in odd},
                "posted": client.post("/pipelines/data/pipelines").status_code,
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
                "views": ask("/api/v2/plugins", "admin").json(),
            }
        )
    )


if __name__ == "__main__":
    main()
