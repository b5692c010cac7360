"""The Airflow plugin. Its work is to be imported: by the processes that start tasks, before they fork, and by all in
which dag-factory would report runs."""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from factory.data.chart import PREFIX as CHARTS
from factory.loading.preload import preload_before_fork
from factory.operators import turn_off_telemetry
from factory.operators.timetables import TIMETABLES
from factory.pages.application import PREFIX as PIPELINES
from factory.pages.application import LazyApplication, chart_pages, external_views, pipeline_pages

turn_off_telemetry()
preload_before_fork()


class PipelineFactoryPlugin(AirflowPlugin):
    """Registers the timetables, without which Airflow cannot read the schedules that it stored; serves the pages."""

    name = "pipeline_factory"
    timetables = list(TIMETABLES)  # noqa: RUF012 # declared so by Airflow
    fastapi_apps = [  # noqa: RUF012
        {"app": LazyApplication(chart_pages), "url_prefix": CHARTS, "name": "Charts"},
        {"app": LazyApplication(pipeline_pages), "url_prefix": PIPELINES, "name": "Pipelines"},
    ]
    external_views = external_views(urlsplit(conf.get("api", "base_url", fallback="")).path)
