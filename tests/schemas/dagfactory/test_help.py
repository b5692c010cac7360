"""What findings in dag-factory documents advise: what the document gives is in it, ready to be copied."""

from __future__ import annotations

import pytest

from schemas.check import check_text

TASK = "operator: airflow.providers.standard.operators.empty.EmptyOperator"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            f"orders:\n  dagrun_timeout_sec: 3600\n  tasks:\n    load: {{{TASK}}}\n",
            "dag-factory 1.0 removed it: write `dagrun_timeout: {__type__: datetime.timedelta, seconds: 3600}`",
        ),
        (
            f"orders:\n  dagrun_timeout: 7200\n  tasks:\n    load: {{{TASK}}}\n",
            "write `{__type__: datetime.timedelta, seconds: 7200}`",
        ),
        (
            f"orders:\n  tasks:\n    load: {{{TASK}, execution_timeout: 30}}\n",
            "write `{__type__: datetime.timedelta, seconds: 30}`",
        ),
        (
            f"orders:\n  tasks:\n    load: {{{TASK}, execution_timeout: soon}}\n",
            "write `{__type__: datetime.timedelta, seconds: 300}`",
        ),
    ],
)
def test_a_duration_is_given_back_as_dag_factory_takes_it(text: str, advice: str) -> None:
    assert [finding.help for finding in check_text(text, "orders.yml").diagnostics if finding.help] == [advice]


@pytest.mark.parametrize(
    ("schedule", "advice"),
    [
        ("{uri: s3://a/b}", "write a list, with `{__type__: airflow.sdk.Asset, uri: …}` for each asset"),
        ("{or: []}", "write `__or__` for `or`"),
        ("{cron: 0 6 * * *}", "write the expression itself: `schedule: '0 6 * * *'`"),
    ],
)
def test_a_schedule_in_other_words(schedule: str, advice: str) -> None:
    found = check_text(f"orders:\n  schedule: {schedule}\n  tasks:\n    load: {{{TASK}}}\n", "orders.yml")
    assert [finding.help for finding in found.diagnostics if finding.help] == [advice]
