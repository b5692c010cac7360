"""`factory try`: runs a DAG in this process, without a scheduler, a server or a database.

Each task runs in Airflow's own task runner. What the runner asks of Airflow's servers (XComs, connections, what a poll
remembers) is answered from memory, and gone when the process ends.
"""
