"""The Airflow plugin. Its only work is to be imported by the processes that start tasks, before they fork."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from factory.preload import preload_before_fork

preload_before_fork()


class PipelineFactoryPlugin(AirflowPlugin):
    """Registers nothing; see the module's text."""

    name = "pipeline_factory"
