"""A DAG of a dag-factory document → a file of this project's language that builds the same DAG.

`dags` makes the new document of a DAG's effective one, every part with the place that it was made of (`written`);
`text` writes it down with the comments of those places. Nothing here imports dag-factory or Airflow.
"""
