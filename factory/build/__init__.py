"""A checked pipeline → an Airflow DAG. The way in: `build`."""

from factory.build.dag import build

__all__ = ["build"]
