"""Whether the metadata database has to be migrated, told without starting Airflow, which takes seconds."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from importlib.metadata import version

from factory.local.home import Home

STAMP = "migrated.json"


def is_migrated(home: Home) -> bool:
    """Whether this version of Airflow migrated the database that is there, and nothing did since."""
    try:
        stamp = json.loads((home.path / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Never migrated from here, or interrupted: a migration too many does no harm.
        return False
    return bool(stamp == _current(home))


def note_migrated(home: Home) -> None:
    """Remember that the database is what the installed Airflow wants."""
    (home.path / STAMP).write_text(json.dumps(_current(home)), encoding="utf-8")


def _current(home: Home) -> dict[str, str | None]:
    return {"airflow": version("apache-airflow-core"), "revision": _revision(home)}


def _revision(home: Home) -> str | None:
    if not home.database.exists():
        return None
    with contextlib.closing(sqlite3.connect(f"{home.database.as_uri()}?mode=ro", uri=True)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.DatabaseError:
            # Not Airflow's, or damaged: the migration says so in its log.
            return None
    return str(row[0]) if row else None
