"""The plugin is one that Airflow takes, and its name is ours."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from factory.loading.plugin import PipelineFactoryPlugin


def test_the_plugin_is_valid() -> None:
    PipelineFactoryPlugin.validate()
    assert issubclass(PipelineFactoryPlugin, AirflowPlugin)
    assert PipelineFactoryPlugin.name == "pipeline_factory"
