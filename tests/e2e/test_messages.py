"""Who is told, with the real scheduler, triggerer and dag-processor: e-mail, Slack, and what a missed deadline calls.

The messages go to servers on loopback, by connections.
"""

from __future__ import annotations

import json
from email.message import EmailMessage

import pytest

from tests.e2e.conftest import Scene

FAILS = """\
schedule: "@once"
start_date: 2026-01-01
params: {to: on-call@example.com}
notifications:
  on_failure:
    - uses: email
      with:
        smtp_conn_id: mail
        from_email: pipelines@example.com
        to: team@example.com
        subject: "{{ dag.dag_id }} failed"
        html_content: "<p>{{ reason }}</p>"
tasks:
  - id: report
    uses: email
    with:
      conn_id: mail
      from_email: pipelines@example.com
      to: [boss@example.com]
      subject: Report of {{ dag.dag_id }}
      html_content: <p>3 rows</p>
  - id: load
    uses: bash
    with: {bash_command: exit 1}
    needs: [report]
    notifications:
      on_failure:
        - uses: slack_webhook
          with: {slack_webhook_conn_id: chat, text: "{{ ti.task_id }} of {{ dag.dag_id }}"}
        - uses: slack
          with: {slack_conn_id: chat_api, channel: "#data", text: "{{ ti.task_id }}", base_url: "${env.CHAT}/api/"}
        - uses: email
          with:
            smtp_conn_id: mail
            from_email: pipelines@example.com
            to: "{{ params.to }}"
            subject: "{{ ti.task_id }} failed"
            html_content: "{{ exception }}"
"""
LATE = """\
schedule: "@once"
start_date: 2026-01-01
deadline:
  - from: queued_at
    within: 1s
    notify:
      - {uses: alerts.tell, with: {file: "${env.TOLD}", text: late}}
      - {uses: slack_webhook, with: {slack_webhook_conn_id: chat, text: "{{ dag_run.dag_id }} is late"}}
  - {from: queued_at, within: 1h, notify: [{uses: alerts.tell, with: {file: "${env.TOLD}", text: not yet}}]}
tasks:
  - {id: slow, uses: bash, with: {bash_command: sleep 20}}
"""
ALERTS = """\
from pathlib import Path

def tell(file, text, context):
    with Path(file).open("a") as told:
        print(text, context["dag_run"]["dag_id"], file=told)
"""


class Messages:
    """What the servers of the scene have received."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def mail(self, subject: str) -> EmailMessage:
        """The one message with this subject, when it has come."""
        received = self.scene.mail.received
        found = self.scene.soon(lambda: [m for m in received if m["Subject"] == subject], f"the e-mail {subject!r}")
        (message,) = found
        return message

    def post(self, path: str, text: str) -> dict[str, str]:
        """Headers of the one message with this text that Slack got."""
        (headers,) = self.scene.soon(lambda: self._posts(path, text), f"the message {text!r}")
        return headers

    def _mails(self, subject: str) -> list[EmailMessage]:
        return [message for message in self.scene.mail.received if message["Subject"] == subject]

    def _posts(self, path: str, text: str) -> list[dict[str, str]]:
        posts = [request for request in self.scene.chat.received if request.path == path]
        return [request.headers for request in posts if json.loads(request.body)["text"] == text]


@pytest.fixture(scope="module")
def messages(scene: Scene) -> Messages:
    for name, text in (("alerts.py", ALERTS), ("orders.yaml", FAILS), ("late.yaml", LATE)):
        scene.write(name, text)
    return Messages(scene)


def test_a_task_sends_mail(messages: Messages) -> None:
    report = messages.mail("Report of orders")
    assert (report["From"], report["To"]) == ("pipelines@example.com", "boss@example.com")
    assert "<p>3 rows</p>" in content(report)


def test_a_failed_task_sends_mail(messages: Messages) -> None:
    failed = messages.mail("load failed")
    assert failed["To"] == "on-call@example.com"
    assert "exit code 1" in content(failed)


def test_a_failed_task_says_so_in_slack(messages: Messages) -> None:
    messages.post("/services/T1/B1/token", "load of orders")
    assert messages.post("/api/chat.postMessage", "load")["Authorization"] == "Bearer xoxb-1"


def test_a_failed_run_sends_mail(messages: Messages) -> None:
    failed = messages.mail("orders failed")
    assert failed["To"] == "team@example.com"
    assert "task_failure" in content(failed)
    messages.scene.remove("orders.yaml")  # Airflow would read it again and again (73432)


def test_a_missed_deadline_calls_a_function_below_the_pipelines_folder(messages: Messages) -> None:
    scene = messages.scene
    scene.soon(scene.told.exists, "the function of the deadline")
    scene.soon(lambda: scene.succeeded("late"), "the end of the late run")
    assert scene.told.read_text() == "late late\n"


def test_a_missed_deadline_says_so_in_slack(messages: Messages) -> None:
    messages.post("/services/T1/B1/token", "late is late")


def content(message: EmailMessage) -> str:
    body = message.get_body()
    return "" if body is None else str(body.get_content())
