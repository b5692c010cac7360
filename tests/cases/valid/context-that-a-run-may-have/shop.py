import contextlib

from airflow.sdk import get_current_context


def asks(**context):
    return context.get("ds") or context["dag_run"].run_after


def asks_first(**context):
    if context.get("ds"):
        return context["ds"]
    return context["run_id"]


def given(**options):
    return options["ds"]


def looks(**context):
    if "ds" in context:
        return context["ds"]
    return context["run_id"]


def looks_at_the_run(**context):
    if context["dag_run"].logical_date is None:
        return context["run_id"]
    return context["ds"]


def tries():
    context = get_current_context()
    try:
        return context["ds"]
    except KeyError:
        return context["run_id"]


def suppresses(**context):
    with contextlib.suppress(KeyError):
        return context["ds"]
    return context["run_id"]


def writes(**context):
    context["execution_date"] = context["run_id"]
    return context["execution_date"]


def another_mapping(rows, **context):
    context = {"ds": rows}
    return context["ds"], rows["execution_date"]


def each(rows, **context):
    return [context["ds"] for context in rows]


def listed():
    return [{"ds": "2026-01-01"}]


def mapped(ds):
    return ds
