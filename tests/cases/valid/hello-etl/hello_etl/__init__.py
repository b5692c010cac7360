from hello_etl.steps import load, transform

__all__ = ["extract", "load", "transform"]


def extract(ds, params, **context):
    return [{"id": 1, "day": ds, "run": context["run_id"], **params}]
