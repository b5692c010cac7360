"""The language: YAML text → a checked pipeline model. Never imports Airflow. The way in is `schemas.check.checker`."""
