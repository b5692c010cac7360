from airflow.sdk import BaseOperator


def seen(x):
    return x


class Op(BaseOperator):
    template_fields = ("options",)

    def __init__(self, *, options=None, **kwargs):
        self.options = options
        super().__init__(**kwargs)
