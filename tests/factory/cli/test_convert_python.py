"""`factory convert` to Python modules, and from Python files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import yaml

from .commands import factory
from .test_convert import project

READS = """\
# For the sales team.
schedule: "@daily"
default_args: {retries: "${env.RETRIES:-3}"}
matrix: {region: [eu, us]}
dag_id: orders_${matrix.region}
tasks:
  # Says it.
  - id: say
    uses: bash
    with: {bash_command: "echo ${env.GREETING} ${env.WHOM:-you} from ${matrix.region}"}
"""


def test_a_python_module_for_each_dag_reads_the_environment_again(tmp_path: Path) -> None:
    root = project(tmp_path, READS)
    (root / "pipelines" / "team").mkdir()
    (root / "pipelines" / "shop.yml").rename(root / "pipelines" / "team" / "shop.yml")
    command = ["convert", "--to", "python", "pipelines/team/shop.yml", "--output", "dags"]

    done = factory(*command, cwd=root, environment={"GREETING": "hi"})

    assert (done.returncode, done.stdout) == (0, "dags/team/orders_eu.py\ndags/team/orders_us.py\n"), done.stderr
    text = (root / "dags" / "team" / "orders_us.py").read_text()
    assert "template_searchpath=str(Path(__file__).parents[1])" in text
    assert "Its place is the folder team/ below that of the DAGs." in text
    assert "# For the sales team.\nwith DAG(\n" in text
    assert "    # Says it.\n    BashOperator(\n" in text
    assert "os.environ['GREETING']} {os.environ.get('WHOM', 'you')} from us" in text
    assert '"retries": 3' in text
    assert "PF126" in done.stderr
    assert "`RETRIES`" in done.stderr
    assert "GREETING" not in done.stderr


NUMBERS = """\
description: ${env.N} of ${env.WORD:-none}
doc_md: ${env.WORD:-nobody}
default_args: {retries: "${env.N}", retry_delay: "${env.LONG:-PT5M}"}
params: {a: {type: integer, default: "${env.N}"}, b: "${env.N}"}
tasks:
  - {id: a, uses: bash, with: {bash_command: a, env: {A: "${env.LONG:-1h}", B: "${env.UNSET}"}}}
  - {id: b, uses: airflow.providers.standard.sensors.time_delta.TimeDeltaSensor, with: {delta: "${env.LONG:-1h}"}}
"""


def test_a_variable_is_written_only_where_it_is_no_text(tmp_path: Path) -> None:
    """Other uses read it, each with its own default."""
    root = project(tmp_path, NUMBERS)

    done = factory("convert", "--to", "python", "pipelines/shop.yml", cwd=root, environment={"N": "5"})

    assert done.returncode == 0, done.stderr
    for line in (
        """description=f"{os.environ['N']} of {os.environ.get('WORD', 'none')}",""",
        'doc_md=os.environ.get("WORD", "nobody"),',
        'default_args={"retries": 5, "retry_delay": timedelta(minutes=5)},',
        'params={"a": Param(5, type="integer"), "b": os.environ["N"]},',
        'env={"A": os.environ.get("LONG", "1h"), "B": os.environ["UNSET"]},',
        'TimeDeltaSensor(task_id="b", delta=timedelta(hours=1))',
    ):
        assert line in done.stdout
    lines = [line.split(":")[1] for line in done.stderr.splitlines() if "-->" in line]
    assert lines == ["3", "3", "4", "7"]
    assert done.stderr.count("is written: it is no text here") == len(lines)


def test_a_value_that_is_not_there_is_not_written(tmp_path: Path) -> None:
    root = project(tmp_path, 'default_args: {retries: "${env.N}"}\ntasks: [{id: a, uses: empty}]\n')

    done = factory("convert", "--to", "python", "pipelines/shop.yml", cwd=root)

    assert (done.returncode, done.stdout) == (1, "")
    assert "PF125: `N` is not set here" in done.stderr


BY_HAND = """\
import steps
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, task


@task
def here(n):
    return n


with DAG("orders", schedule="0 5 * * *", default_args={"retries": 2}, tags=["shop"]):
    first = PythonOperator(task_id="first", python_callable=steps.count, op_args=[3])
    for table in ("a", "b"):
        BashOperator(task_id=table, bash_command=f"load {table} {{{{ ds }}}}", env={"N": first.output})
    here(first.output)
"""


def test_the_dags_of_a_python_file_become_pipelines(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "steps.py").write_text("def count(limit):\n    return limit\n")
    (tmp_path / "dags" / "shop.py").write_text(BY_HAND)

    done = factory("convert", "dags/shop.py", "--output", "new", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "new/orders.yaml\n")
    assert (
        (tmp_path / "new" / "orders.yaml").read_text()
        == """\
dag_id: orders
schedule: 0 5 * * *
tags: [shop]
default_args:
  retries: 2
tasks:
  - id: first
    uses: steps.count
    with:
      limit: 3
  - id: a
    uses: bash
    with:
      bash_command: load a {{ ds }}
      env:
        N: ${tasks.first.output}
  - id: b
    uses: bash
    with:
      bash_command: load b {{ ds }}
      env:
        N: ${tasks.first.output}
  - id: here
    uses: shop.here
    with:
      n: ${tasks.first.output}
"""
    )
    assert "dags/shop.py:7:1" in done.stderr
    assert "`here` is defined in the DAG file" in done.stderr
    assert "dags/shop.py:15:9" in done.stderr
    assert "2 tasks are made here" in done.stderr

    (tmp_path / "dags" / "shop.py").write_text("import nowhere\n")
    broken = factory("convert", "dags/shop.py", cwd=tmp_path)
    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr == (
        "factory convert: dags/shop.py:1: importing it failed: ModuleNotFoundError: No module named 'nowhere'\n"
    )


SET_LATER = """\
from datetime import timedelta
import steps
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Label

with DAG("orders", template_searchpath=["/opt/sql"], default_args={"retries": 2, "email_on_failure": False}):
    a, b = BashOperator(task_id="a", bash_command="a").as_setup(), BashOperator(task_id="b", bash_command="b")
    a >> Label("if it is well") >> b
a.retry_exponential_backoff = True
a.dag.add_result(a.output)
b.pool = "big"
b.execution_timeout = timedelta(minutes=5)
b.on_failure_callback = steps.tell
b.retries = 9
b.env = {"A": a.output}
b.nickname = "bee"
"""


def test_what_is_set_on_a_task_later_is_carried_over_or_said(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def tell(context):\n    print(context)\n")
    (tmp_path / "shop.py").write_text(SET_LATER)

    done = factory("convert", "shop.py", cwd=tmp_path)

    assert done.returncode == 1
    assert yaml.safe_load(done.stdout)["tasks"][1] == {
        "id": "b",
        "uses": "bash",
        "with": {"bash_command": "b", "env": {"A": "${tasks.a.output}"}},
        **{"pool": "big", "execution_timeout": "5m", "retries": 9},
        "notifications": {"on_failure": [{"uses": "steps.tell"}]},
    }
    assert "`nickname` is set on `b`" in done.stderr
    assert "the label `if it is well` of the edge from `a` to `b`" in done.stderr
    assert "not in `/opt/sql`" in done.stderr
    assert "`a` gives the DAG its result" in done.stderr
    assert yaml.safe_load(done.stdout)["tasks"][0]["retry_exponential_backoff"] == 2
    assert (done.stderr.count("PF125"), done.stderr.count("PF126")) == (4, 0)


MADE_BY_OTHERS = """\
import pendulum
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG


class Echo(BashOperator):
    def __init__(self, *, word, **kwargs):
        super().__init__(bash_command=f"echo {word}", append_env=True, **kwargs)


START = pendulum.datetime(2026, 1, 1, tz="Europe/Berlin")
with DAG("orders", schedule="0 7 * * *", start_date=START, default_args={"conn_id": "shop"}):
    SQLExecuteQueryOperator(task_id="a", sql="SELECT 1", end_date=START.add(hours=8))
    SQLExecuteQueryOperator(task_id="b", sql="SELECT 1", end_date=pendulum.datetime(2026, 10, 25, 1, 30))
    Echo(task_id="c", word="hi")
    BashOperator.partial(task_id="d", append_env=True).expand(bash_command=["a", "b"])
"""


def test_a_task_has_the_arguments_that_its_file_wrote_and_dates_are_local(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(MADE_BY_OTHERS)

    done = factory("convert", "shop.py", cwd=tmp_path)

    document = yaml.safe_load(done.stdout)
    assert document["timezone"] == "Europe/Berlin"
    assert document["start_date"] == date(2026, 1, 1), "Airflow itself keeps the moment in UTC"
    a, b, c, d = document["tasks"]
    assert a["with"] == b["with"] == {"conn_id": "shop", "sql": "SELECT 1"}, "not `database`, which a base class gets"
    assert a["end_date"] == "2026-01-01T08:00:00"
    assert b["end_date"] == "2026-10-25T01:30:00+00:00", "02:30 in Berlin is twice that night"
    assert c["with"] == {"word": "hi"}
    assert (d["with"], d["expand"]) == ({"append_env": True}, {"bash_command": ["a", "b"]})


SALES = """\
import shoplib
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

with DAG("<name>", schedule=None):
    PythonOperator(task_id="count", python_callable=shoplib.count)
    BashOperator(task_id="export", bash_command="export.sh")
"""


def test_new_files_are_checked_where_they_go(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "shoplib.py").write_text("def count():\n    return 1\n")
    (tmp_path / "old" / "export.sh").write_text("date\n")
    (tmp_path / "old" / "sales.py").write_text(SALES.replace("<name>", "sales"))
    (tmp_path / "pipelines").mkdir()
    for name in ("shoplib.py", "export.sh"):
        (tmp_path / "pipelines" / name).write_bytes((tmp_path / "old" / name).read_bytes())

    apart = factory("convert", "old/sales.py", "--output", "new", cwd=tmp_path)
    assert (apart.returncode, apart.stdout) == (1, "new/sales.yaml\n")
    assert "PF307" in apart.stderr
    assert "PF381" in apart.stderr
    assert "--> new/sales.yaml:" in apart.stderr
    assert apart.stderr.endswith("modules and files that pipelines use must be in new: copy them\n")
    assert factory("lint", "new", cwd=tmp_path).returncode == 1

    (tmp_path / "old" / "export.sh").unlink()
    beside = factory("convert", "old/sales.py", "--output", "pipelines", cwd=tmp_path)
    assert (beside.returncode, beside.stderr) == (0, "")
    assert factory("lint", "pipelines", cwd=tmp_path).returncode == 0


def test_several_files_and_folders_are_converted_at_once(tmp_path: Path) -> None:
    for name in ("a", "b", "team/c", "team/d"):
        file = tmp_path / "old" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            SALES.replace("<name>", file.stem).replace("import shoplib", f"import shoplib_{file.stem} as shoplib")
        )
        (file.parent / f"shoplib_{file.stem}.py").write_text("def count():\n    return 1\n")
    (tmp_path / "old" / "team" / "d.py").write_text("import airflow\nimport nowhere\nDAGS = 1\n")

    files = factory("convert", "old/a.py", "old/b.py", "--output", "new", cwd=tmp_path)
    folder = factory("convert", "old", "--output", "all", cwd=tmp_path)
    twice = factory("convert", "old/a.py", "old", "--output", "again", cwd=tmp_path)

    assert files.stdout == "new/a.yaml\nnew/b.yaml\n"
    assert folder.stdout == "all/a.yaml\nall/b.yaml\nall/team/c.yaml\n"
    assert folder.returncode == 1
    assert "old/team/d.py:2: importing it failed: ModuleNotFoundError: No module named 'nowhere'" in folder.stderr
    assert (twice.returncode, "both have the DAG 'a'; nothing is written" in twice.stderr) == (2, True)
    assert not (tmp_path / "again").exists()
