"""What `dags/pipelines.py` has to know of the Airflow it runs in."""

from __future__ import annotations

from airflow.configuration import conf

BUNDLE_CLASS = "factory.bundle.PipelineBundle"


def is_bundle_configured() -> bool:
    """Whether Airflow's configuration names the pipelines bundle; every DAG would exist twice otherwise."""
    return BUNDLE_CLASS in conf.get("dag_processor", "dag_bundle_config_list", fallback="")
