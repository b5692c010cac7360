"""The language of airflow-pipeline-factory: YAML text → a checked model, without Airflow. See `schemas.check`."""
