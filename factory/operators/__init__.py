"""The operators behind the built-in tasks that Airflow has none for."""
