from datetime import timedelta

from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryRule, task

policy = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="requests.exceptions.HTTPError",
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=5),
            reason="too many requests",
        ),
        RetryRule(exception=ConnectionError, retry_delay=timedelta(seconds=30)),
    ]
)

with DAG(dag_id="retry_policy", schedule=None, catchup=False, tags=["example"]):

    @task(retries=5, retry_delay=timedelta(minutes=1), retry_exponential_backoff=2.0, retry_policy=policy)
    def extract():
        return {}

    extract()
