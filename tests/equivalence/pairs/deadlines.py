from datetime import UTC, datetime, timedelta

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference

mail = AsyncCallback(SmtpNotifier, kwargs={"to": "ops@example.com", "subject": "late"})

with DAG(
    dag_id="deadlines",
    schedule="@daily",
    start_date=datetime(2021, 1, 1),
    catchup=False,
    deadline=[
        DeadlineAlert(reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=timedelta(minutes=45), callback=mail),
        DeadlineAlert(reference=DeadlineReference.DAGRUN_LOGICAL_DATE, interval=timedelta(hours=2), callback=mail),
        DeadlineAlert(
            reference=DeadlineReference.FIXED_DATETIME(datetime(2027, 1, 1, tzinfo=UTC)),
            interval=timedelta(hours=1),
            callback=mail,
        ),
        DeadlineAlert(
            reference=DeadlineReference.AVERAGE_RUNTIME(max_runs=5, min_runs=2),
            interval=timedelta(minutes=10),
            callback=mail,
        ),
    ],
):
    EmptyOperator(task_id="work")
