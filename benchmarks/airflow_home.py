"""An Airflow home with a migrated SQLite database, and the environment that `factory run` would give it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, run
from factory.local.environment import BUNDLE, local_environment
from factory.local.home import Home, Settings

CHECKOUT = Path(__file__).resolve().parents[1]
OURS = "factory.bundle.PipelineBundle"
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"


class AirflowHome:
    """One home below `root` for the DAG files or pipelines in `folder`, in the bundle class `bundle`.

    Its settings are those of `factory run`, so that only the form of the pipelines differs between homes.
    """

    def __init__(self, root: Path, folder: Path, bundle: str = OURS) -> None:
        self.root = root
        self.folder = folder
        self.database = root / "airflow.db"
        root.mkdir(parents=True, exist_ok=True)
        home = Home(root)
        home.prepare()
        settings = Settings(pipelines=folder, home=root, port=0, local_api_port=0, local_api=None)
        shell = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self.environment = local_environment(shell, settings, home).variables
        self.environment["PYTHONPATH"] = str(CHECKOUT if bundle == OURS else self._without_plugin())
        keyword = "folder" if bundle == OURS else "path"
        self.environment["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(
            [{"name": BUNDLE, "classpath": bundle, "kwargs": {keyword: str(folder), "refresh_interval": 5}}]
        )

    def migrate(self) -> None:
        """Make the database. Raises CommandFailedError."""
        self.airflow("db", "migrate")

    def _without_plugin(self) -> Path:
        """A folder for `PYTHONPATH` that keeps this project's plugin, which is installed, from loading.

        Its preload would make the others quicker, too.
        """
        folder = self.root / "without_plugin"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text("import sys\n\nsys.modules['factory.loading.plugin'] = None\n")
        return folder

    def copy_database(self, other: AirflowHome) -> None:
        """Take a database that was migrated already."""
        shutil.copy(other.database, self.database)

    def airflow(self, *command: str, environment: Mapping[str, str] | None = None) -> Cost:
        """Run an `airflow …` command to its end. Raises CommandFailedError."""
        return run(
            [sys.executable, "-m", "airflow", *command],
            environment={**self.environment, **(environment or {})},
            log=self.root / f"{command[0]}.log",
            cwd=self.root,
        )

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the metadata database."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()
