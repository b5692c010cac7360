from airflow.sdk import BaseOperator


def many(**kwargs):
    return kwargs


class Free(BaseOperator):
    template_fields = ("options",)

    def __init__(self, *, a=None, **options):
        self.a = a
        self.options = {name: options.pop(name) for name in list(options) if name == "class"}
        super().__init__(**options)
