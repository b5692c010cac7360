def removed(x=1, **kwargs):
    return kwargs["execution_date"], kwargs["conf"]


def of_a_date(ds):
    return ds


def by_context(**context):
    return context["ds"]


def asks_first(**context):
    return context.get("execution_date"), context["dag_run"].run_after
