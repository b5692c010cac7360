"""`retry_policy` → Airflow's ExceptionRetryPolicy."""

from __future__ import annotations

import builtins
from pathlib import Path

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from factory.runtime.user_modules import make_importable
from schemas.model.settings import RetryPolicy


def build_retry_policy(policy: RetryPolicy, folder: Path) -> ExceptionRetryPolicy:
    """Airflow imports the exceptions where the DAG is parsed, and logs a warning for one that is not there."""
    make_importable(folder)
    rules = [
        RetryRule(
            exception=[
                _path(name) for name in ([rule.exception] if isinstance(rule.exception, str) else rule.exception)
            ],
            action=RetryAction(rule.action),
            retry_delay=rule.retry_delay,
            reason=None if rule.reason is None else str(rule.reason),
            match_subclasses=rule.match_subclasses,
        )
        for rule in policy.rules
    ]
    return ExceptionRetryPolicy(rules=rules, default=RetryAction(policy.default))


def _path(name: str) -> str:
    return f"{builtins.__name__}.{name}" if "." not in name else str(name)
