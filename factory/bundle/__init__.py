"""An Airflow DAG bundle of YAML pipelines: `factory.bundle.PipelineBundle`.

Configure it for every Airflow process:

    AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST='[{"name": "pipelines",
        "classpath": "factory.bundle.PipelineBundle", "kwargs": {"folder": "/opt/airflow/pipelines"}}]'

Only the dag-processor reads `folder`. Tasks read snapshots from the bundle's storage
(`[dag_processor] dag_bundle_storage_path`): the same folder on all hosts, or one of each host's own with `store`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_factory import check_own_names

if TYPE_CHECKING:
    from factory.bundle.pipeline_bundle import PipelineBundle

__all__ = ["PipelineBundle"]

check_own_names()


def __getattr__(name: str) -> Any:
    """`PipelineBundle` is imported when it is asked for, since it imports Airflow, and other modules here do not."""
    if name == "PipelineBundle":
        from factory.bundle.pipeline_bundle import PipelineBundle as Bundle  # noqa: PLC0415 # see above

        return Bundle
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
