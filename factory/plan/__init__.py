"""`factory plan` and `factory schedule`: what a change of a folder would do, and when its pipelines run. No Airflow."""
