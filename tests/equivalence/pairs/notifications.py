import pendulum
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG


def tell(context):
    print(context["ti"].task_id)


with DAG(
    dag_id="notifications",
    schedule="@daily",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    on_failure_callback=SmtpNotifier(to="ops@example.com", subject="{{ dag.dag_id }} failed"),
    default_args={"on_failure_callback": tell, "retries": 1},
):
    BashOperator(task_id="load", bash_command="echo 1", on_success_callback=[tell, tell])
    BashOperator(task_id="report", bash_command="echo 2", on_retry_callback=tell, on_skipped_callback=tell)
