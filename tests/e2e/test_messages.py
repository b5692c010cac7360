"""Who is told, with the real scheduler, triggerer and dag-processor: e-mail, Slack, and what a missed deadline calls.

The messages go to servers on loopback, by connections.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.e2e.harness import LocalRun, local_run
from tests.e2e.smtp_server import SmtpServer
from tests.factory.http.http_server import Server

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


@dataclass(frozen=True)
class Scene:
    """A run of Airflow, the servers that get the messages, and the file that the deadline's function writes."""

    run: LocalRun
    mail: SmtpServer
    chat: Server
    told: Path

    def received(self, subject: str) -> EmailMessage:
        """The one message with this subject, when it has come."""
        self.run.wait_for(lambda: self._mails(subject), 120, f"the e-mail {subject!r}")
        (message,) = self._mails(subject)
        return message

    def posted(self, path: str, text: str) -> dict[str, str]:
        """Headers of the one message with this text that Slack got."""
        self.run.wait_for(lambda: self._posts(path, text), 120, f"the message {text!r}")
        (headers,) = self._posts(path, text)
        return headers

    def _mails(self, subject: str) -> list[EmailMessage]:
        return [message for message in self.mail.received if message["Subject"] == subject]

    def _posts(self, path: str, text: str) -> list[dict[str, str]]:
        posts = [request for request in self.chat.received if request.path == path]
        return [request.headers for request in posts if json.loads(request.body)["text"] == text]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    root = tmp_path_factory.mktemp("messages")
    pipelines, told = root / "pipelines", root / "told"
    pipelines.mkdir()
    for name, text in (("orders.yaml", FAILS), ("late.yaml", LATE), ("alerts.py", ALERTS)):
        (pipelines / name).write_text(text)
    mail, chat = SmtpServer(), Server()
    chat.answers("/services/T1/B1/token", b"ok")
    chat.answers("/api/chat.postMessage", b'{"ok": true}', headers={"Content-Type": "application/json"})
    no_tls = {"disable_tls": True, "disable_ssl": True}
    connections = {
        "MAIL": {"conn_type": "smtp", "host": "127.0.0.1", "port": mail.port, "extra": no_tls},
        "CHAT": {"conn_type": "slackwebhook", "host": chat.url("/services"), "password": "T1/B1/token"},
        "CHAT_API": {"conn_type": "slack", "password": "xoxb-1"},
    }
    environment = {f"AIRFLOW_CONN_{name}": json.dumps(connection) for name, connection in connections.items()}
    try:
        with local_run(pipelines, root / "home", {**environment, "CHAT": chat.url(""), "TOLD": str(told)}) as run:
            yield Scene(run, mail, chat, told)
    finally:
        mail.close()
        chat.close()


def test_a_task_sends_mail(scene: Scene) -> None:
    report = scene.received("Report of orders")
    assert (report["From"], report["To"]) == ("pipelines@example.com", "boss@example.com")
    assert "<p>3 rows</p>" in content(report)


def test_a_failed_task_sends_mail(scene: Scene) -> None:
    failed = scene.received("load failed")
    assert failed["To"] == "on-call@example.com"
    assert "exit code 1" in content(failed)


def test_a_failed_task_says_so_in_slack(scene: Scene) -> None:
    scene.posted("/services/T1/B1/token", "load of orders")
    assert scene.posted("/api/chat.postMessage", "load")["Authorization"] == "Bearer xoxb-1"


def test_a_failed_run_sends_mail(scene: Scene) -> None:
    failed = scene.received("orders failed")
    assert failed["To"] == "team@example.com"
    assert "task_failure" in content(failed)


def test_a_missed_deadline_calls_a_function_below_the_pipelines_folder(scene: Scene) -> None:
    scene.run.wait_for(scene.told.exists, 120, "the function of the deadline")
    api = scene.run.api()
    scene.run.wait_for(lambda: api.runs("late", "success"), 60, "the end of the late run")
    assert scene.told.read_text() == "late late\n"


def test_a_missed_deadline_says_so_in_slack(scene: Scene) -> None:
    scene.posted("/services/T1/B1/token", "late is late")


def content(message: EmailMessage) -> str:
    body = message.get_body()
    return "" if body is None else str(body.get_content())
