from airflow.sdk import get_current_context


def asks(**context):
    return context.get("ds") or context["dag_run"].run_after


def given(**options):
    return options["ds"]


def looks(**context):
    if "ds" in context:
        return context["ds"]
    return context["run_id"]


def tries():
    context = get_current_context()
    try:
        return context["ds"]
    except KeyError:
        return context["run_id"]


def another_mapping(rows, **context):
    context = {"ds": rows}
    return context["ds"], rows["execution_date"]
