"""Checked pipelines → Airflow. `load_pipelines` is loaded when asked for, so that lint never imports Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from factory.load import LoadResult, load_pipelines

__all__ = ["LoadResult", "load_pipelines"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from factory import load  # noqa: PLC0415 # imports Airflow

        return getattr(load, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
