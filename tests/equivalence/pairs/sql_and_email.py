import pendulum
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.common.sql.sensors.sql import SqlSensor
from airflow.providers.smtp.operators.smtp import EmailOperator
from airflow.sdk import DAG

with DAG("sql_and_email", schedule="@weekly", start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False) as dag:
    wait = SqlSensor(task_id="wait", conn_id="shop", sql="SELECT 1 FROM orders", mode="reschedule", poke_interval=300)
    run = SQLExecuteQueryOperator(
        task_id="run",
        conn_id="shop",
        sql=["DELETE FROM sums", "INSERT INTO sums SELECT day, sum(price) FROM orders GROUP BY day"],
        split_statements=False,
        autocommit=True,
        parameters={"day": "{{ ds }}"},
    )
    mail = EmailOperator(task_id="mail", to=["ops@example.com"], subject="Sums of {{ ds }}", html_content="<p>done</p>")
    wait >> run >> mail
