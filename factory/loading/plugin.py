"""The Airflow plugin. Its work is to be imported: by the processes that start tasks, before they fork, and by all in
which dag-factory would report runs."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from factory.data.chart import PREFIX, ChartPages
from factory.loading.preload import preload_before_fork
from factory.operators.telemetry import turn_off
from factory.operators.timetables import TIMETABLES

turn_off()
preload_before_fork()


class PipelineFactoryPlugin(AirflowPlugin):
    """Registers the timetables, without which Airflow cannot read the schedules that it stored; serves charts."""

    name = "pipeline_factory"
    timetables = list(TIMETABLES)  # noqa: RUF012 # declared so by Airflow
    fastapi_apps = [{"app": ChartPages(), "url_prefix": PREFIX, "name": "Charts"}]  # noqa: RUF012
