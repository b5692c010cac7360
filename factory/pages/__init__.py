"""Web pages in Airflow's UI: the page *Pipelines*, and the charts that tasks drew. Nothing here changes anything."""
