"""What people get wrong in dag-factory's documents: what dag-factory makes of it, and the codes that are found here.

`accepted`: dag-factory builds it without a word. `refused`: no DAG, and its own words name neither line nor key.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

BASH = "airflow.providers.standard.operators.bash.BashOperator"
TASK = f"""
  tasks:
    load:
      operator: {BASH}
      bash_command: load
"""
BOMB = "".join(f"  {new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in pairwise("abcde"))
"""A list of ten texts becomes one of 100,000."""


@dataclass(frozen=True)
class Mistake:
    name: str
    text: str
    accepted: bool
    codes: tuple[str, ...]


MISTAKES = (
    Mistake("a key of the DAG with a typo", f"orders:\n  schedul: '@daily'{TASK}", True, ("PF102",)),
    Mistake("two typos", f"orders:\n  catchupp: true\n  default_args: {{retrys: 3}}{TASK}", True, ("PF102", "PF102")),
    Mistake("a key twice", f"orders:\n  schedule: '@daily'\n  schedule: '@hourly'{TASK}", True, ("PF003",)),
    Mistake("a DAG twice", f"orders:{TASK}\norders:{TASK}", True, ("PF003",)),
    Mistake("text for a truth value", f"orders:\n  catchup: 'false'{TASK}", False, ("PF103",)),
    Mistake("an octal number", f"orders:\n  max_active_tasks: 010{TASK}", True, ("PF120",)),
    Mistake("a time of day", f"orders:{TASK}      env: {{AT: 1:30}}", True, ("PF103", "PF120")),
    Mistake("a country", f"orders:{TASK}      env: {{COUNTRY: NO}}", True, ("PF103", "PF120")),
    Mistake("arguments of the DAG that are dropped", f"orders:\n  fail_fast: true{TASK}", True, ("PF121",)),
    Mistake("a cron expression", f"orders:\n  schedule: '99 * * * *'{TASK}", False, ("PF201",)),
    Mistake("a time zone", f"orders:\n  timezone: Europe/Berln\n  start_date: 2026-01-01{TASK}", False, ("PF203",)),
    Mistake("a dependency", f"orders:{TASK}      dependencies: [lod]", False, ("PF302",)),
    Mistake("a cycle", f"orders:{TASK}      dependencies: [load]", False, ("PF303",)),
    Mistake("an argument of an operator", f"orders:{TASK}      bash_comand: x", False, ("PF309",)),
    Mistake("an operator", f"orders:{TASK.replace('BashOperator', 'BashOperater')}", False, ("PF308",)),
    Mistake("a group without groups", f"orders:{TASK}      task_group_name: gruop", True, ("PF121",)),
    Mistake(
        "a group that is not there",
        f"orders:\n  task_groups: {{group: {{}}}}{TASK}      task_group_name: gruop",
        False,
        ("PF302",),
    ),
    Mistake(
        "a decorated task in a group that waits",
        f"orders:\n  task_groups: {{files: {{}}}}{TASK}    count:\n      decorator: airflow.sdk.task\n"
        "      python_callable: os.getcwd\n      task_group_name: files\n      dependencies: [load]\n",
        False,
        ("PF105",),
    ),
    Mistake("a callback without its file", f"orders:\n  on_failure_callback_name: tell{TASK}", True, ("PF101",)),
    Mistake("arguments without a type", f"orders:{TASK}      env: {{A: {{__args__: [1]}}}}", True, ("PF124",)),
    Mistake("a schedule of Airflow 2", f"orders:\n  schedule_interval: '@daily'{TASK}", False, ("PF122",)),
    Mistake("a timetable of Airflow 2", f"orders:\n  timetable: x{TASK}", False, ("PF122",)),
    Mistake("a start that moves", f"orders:\n  start_date: 1 day 2 hours{TASK}", True, ("PF104",)),
    Mistake("a setting that is another word", f"orders:{TASK}      trigger_rule: all_sucess", False, ("PF104",)),
    Mistake(
        "aliases that multiply",
        f"default:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n{BOMB}orders:{TASK}",
        True,
        ("PF006",),
    ),
    Mistake("a secret", f"orders:{TASK}      env: {{PASSWORD: $SHOP_PASSWORD}}", True, ("PF401",)),
)
