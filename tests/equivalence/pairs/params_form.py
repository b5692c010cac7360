import datetime

from airflow.sdk import DAG, Param, task

with DAG(
    dag_id="params_form",
    schedule=None,
    start_date=datetime.datetime(2022, 3, 4),
    catchup=False,
    tags=["example", "params", "ui"],
    params={
        "number_param": 3,
        "text_param": "Hello World!",
        "bool_param": False,
        "list_param": ["one", "two"],
        "dict_param": {"key": "value"},
        "favourite": Param(42, type="integer", title="Your favourite number", minimum=0, maximum=128, section="Typed"),
        "pick_one": Param("value 42", type="string", enum=[f"value {i}" for i in range(41, 44)], section="Typed"),
        "duration": Param("PT15M", type="string", format="duration"),
        "date": Param("2026-01-31", type="string", format="date"),
        "time": Param("12:13:14", type=["string", "null"], format="time"),
        "required": Param(type="string", minLength=10, maxLength=30),
        "optional": Param("text", type=["null", "string"], description_md="May be **left out**."),
        "labelled": Param(3, type=["number", "null"], enum=[1, 2, 3], values_display={1: "One", 2: "Two", 3: "Three"}),
        "proposals": Param("some", type="string", examples=["some", "any"]),
        "several": Param(["two"], type="array", examples=["one", "two"], values_display={"one": "1", "two": "2"}),
        "numbers": Param([1, 2], type="array", items={"type": "number"}),
        "object": Param({"key": "value"}, type=["object", "null"]),
        "objects": Param([{"name": "n"}], type="array", items={"type": "object", "properties": {"name": {}}}),
        "hidden": Param("constant", const="constant"),
    },
) as dag:

    @task
    def say_hello():
        print("hello")

    say_hello()
