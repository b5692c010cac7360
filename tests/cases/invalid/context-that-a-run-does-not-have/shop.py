from airflow.sdk import get_current_context


def from_keywords(**context):
    day = context["ds"]
    return [day, context["execution_date"]]


def from_airflow(limit):
    context = get_current_context()
    return [limit, context["data_interval_start"], get_current_context()["ts"]]
