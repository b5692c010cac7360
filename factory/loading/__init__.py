"""Checked files → DAGs in a process of Airflow's. Nothing is imported here: parts of it work without Airflow."""
