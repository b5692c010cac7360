from airflow.sdk import BaseHook


def load(rates):
    BaseHook.get_hook("warehouse").insert_rows("rates", rates.items(), ["currency", "rate"], replace=True)
