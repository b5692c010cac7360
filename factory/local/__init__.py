"""Airflow on this machine, for one person: what `factory run` starts, watches and ends."""
