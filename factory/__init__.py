"""airflow-pipeline-factory: checked pipelines → Airflow.

`load_pipelines` is imported when it is used, so that lint never imports Airflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from factory.loading.pipelines import LoadResult, load_pipelines

__all__ = ["LoadResult", "load_pipelines"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from factory.loading import pipelines as load  # noqa: PLC0415 # imports Airflow

        return getattr(load, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
