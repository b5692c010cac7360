"""A pipelines folder: which files are pipelines, and whose language they are. The way in: `pipeline_paths`."""

from schemas.folder.discovery import default_dag_id, pipeline_paths

__all__ = ["default_dag_id", "pipeline_paths"]
