"""The pipelines of a folder, for an Airflow that only has a dags folder. Keep the words: airflow, dag.

The bundle (`factory.bundle.PipelineBundle`) isolates pipelines from each other and pins runs to what they started
with; where it is configured this file builds nothing.
"""

import os
from pathlib import Path

from factory.loading.pipelines import is_bundle_configured, load_pipelines

FOLDER = Path(os.environ.get("PIPELINES_FOLDER") or Path(__file__).resolve().parent.parent / "pipelines")

if not is_bundle_configured():
    globals().update(load_pipelines(FOLDER).dags)
