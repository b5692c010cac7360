"""An Airflow DAG bundle of YAML pipelines: `factory.bundle.PipelineBundle`.

Configure it for every Airflow process:

    AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST='[{"name": "pipelines",
        "classpath": "factory.bundle.PipelineBundle", "kwargs": {"folder": "/opt/airflow/pipelines"}}]'

Only the dag-processor reads `folder`. Tasks read snapshots from the bundle's storage
(`[dag_processor] dag_bundle_storage_path`), which has to be the same for all hosts; read-only will do for
tasks, as the dag-processor makes the snapshot before it shows a version to Airflow.
"""

from __future__ import annotations

from pipeline_factory import check_own_names

check_own_names()

from factory.bundle.pipeline_bundle import PipelineBundle  # noqa: E402 # what it imports may be another distribution's

__all__ = ["PipelineBundle"]
