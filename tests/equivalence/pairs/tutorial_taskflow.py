import pendulum
from airflow.sdk import dag, task


@dag(schedule=None, start_date=pendulum.datetime(2021, 1, 1, tz="UTC"), catchup=False, tags=["example"])
def tutorial_taskflow():
    @task
    def extract():
        return {"1001": 301.27, "1002": 433.21}

    @task(multiple_outputs=True)
    def transform(orders: dict):
        return {"total": sum(orders.values())}

    @task
    def load(total: float):
        print(f"{total:.2f}")

    load(transform(extract())["total"])


tutorial_taskflow()
