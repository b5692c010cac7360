"""dag-factory's language (version 1.1): its documents are read, checked and handed to dag-factory's own builder.

One direction, like the rest of the language: `reading` (text → data as dag-factory's reader gives it), `merging`
(defaults files, `default` and a DAG → one effective document a DAG), rules over that, `language` (all of it for a
file). Nothing here imports dag-factory or Airflow.
"""
