"""Whether a task runs, by the states of those it waits for (airflow.ti_deps.deps.trigger_rule_dep, 3.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

RUN, SKIPPED, UPSTREAM_FAILED = "run", "skipped", "upstream_failed"
SUCCESS, FAILED, REMOVED = "success", "failed", "removed"

_Rule = Callable[["_States"], str]


class _States:
    """Counts of final states."""

    def __init__(self, states: Iterable[str]) -> None:
        counts = Counter(states)
        self.success, self.skipped = counts[SUCCESS], counts[SKIPPED]
        self.failed, self.upstream_failed = counts[FAILED], counts[UPSTREAM_FAILED]
        self.all = sum(counts.values())

    @property
    def bad(self) -> int:
        return self.failed + self.upstream_failed


def decide(rule: str, states: Iterable[str], setups: Iterable[str] = ()) -> str:
    """`run`, or the state that a task gets in place of running. `setups`: of a teardown, the states of its setups."""
    counted = _States(states)
    if counted.all == 0 and rule != "all_done_setup_success":
        return RUN
    if rule == "all_done_setup_success":
        own = list(setups)
        return RUN if not own or SUCCESS in own else SKIPPED if all(s == SKIPPED for s in own) else UPSTREAM_FAILED
    return _RULES[rule](counted)


def _all_success(s: _States) -> str:
    return UPSTREAM_FAILED if s.bad else SKIPPED if s.skipped else RUN


def _none_failed(s: _States) -> str:
    return UPSTREAM_FAILED if s.bad else RUN


def _none_failed_min_one_success(s: _States) -> str:
    return UPSTREAM_FAILED if s.bad else SKIPPED if s.skipped == s.all else RUN if s.success else UPSTREAM_FAILED


def _one_success(s: _States) -> str:
    return RUN if s.success else SKIPPED if s.skipped == s.all else UPSTREAM_FAILED


def _all_failed(s: _States) -> str:
    return SKIPPED if s.success or s.skipped else RUN


def _one_failed(s: _States) -> str:
    return RUN if s.bad else SKIPPED


def _one_done(s: _States) -> str:
    return RUN if s.success or s.failed else SKIPPED


def _none_skipped(s: _States) -> str:
    return SKIPPED if s.skipped else RUN


def _all_done_min_one_success(s: _States) -> str:
    return SKIPPED if s.skipped else RUN if s.success else UPSTREAM_FAILED


def _all_skipped(s: _States) -> str:
    return RUN if s.skipped == s.all else SKIPPED


def _always(_: _States) -> str:
    return RUN


_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        "all_success": _all_success,
        "all_failed": _all_failed,
        "all_skipped": _all_skipped,
        "all_done": _always,
        "all_done_min_one_success": _all_done_min_one_success,
        "one_success": _one_success,
        "one_failed": _one_failed,
        "one_done": _one_done,
        "none_failed": _none_failed,
        "none_failed_min_one_success": _none_failed_min_one_success,
        "none_skipped": _none_skipped,
        "always": _always,
    }
)
