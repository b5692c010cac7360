from airflow.sdk import Context, get_current_context


def from_keywords(**context):
    day = context["ds"]
    return [day, context["execution_date"]]


def from_airflow(limit):
    context = get_current_context()
    return [limit, context["data_interval_start"], get_current_context()["ts"]]


def with_a_type(ti):
    context: Context = get_current_context()
    if (again := ti.get_template_context()) is not None:
        int("3")
    return [context["prev_data_interval_end_success"], again["ds_nodash"]]


def beside_a_try(**context):
    try:
        number = int("3")
    except ValueError:
        number = 0
    return [number in (1, 2), context["ds"]]


def chooses(**context):
    known = context
    return "last" if known["ds"] else None


def asks(ds):
    return bool(ds)


def names(reason, try_number, templates_dict, ti):
    return [reason, try_number, templates_dict, ti]
