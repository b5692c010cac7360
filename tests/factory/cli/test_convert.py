"""`factory convert`: files, standard output, exit status."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jinja2.sandbox import SandboxedEnvironment

from schemas.check import check_folder

from .commands import factory

TWO = """\
orders:
  schedule: "@daily"
  tasks:
    load: {operator: airflow.providers.standard.operators.empty.EmptyOperator}
stock:
  fail_fast: true
  tasks:
    load: {operator: airflow.providers.standard.operators.bash.BashOperator, bash_command: load}
"""


def project(folder: Path, text: str) -> Path:
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "shop.yml").write_text(text)
    return folder


def test_one_file_for_each_dag_and_none_written_over(tmp_path: Path) -> None:
    root = project(tmp_path, TWO)

    done = factory("convert", "pipelines/shop.yml", "--output", "new", cwd=root)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "new/orders.yaml\nnew/stock.yaml\n"
    assert "pipelines/shop.yml:6:3" in done.stderr
    result = check_folder(root / "new")
    assert sorted(pipeline.dag_id for pipeline in result.pipelines) == ["orders", "stock"]

    (root / "new" / "stock.yaml").write_text("mine\n")
    (root / "new" / "orders.yaml").unlink()
    again = factory("convert", "pipelines/shop.yml", "--output", "new", cwd=root)
    assert (again.returncode, again.stderr) == (
        2,
        "factory convert: new/stock.yaml already exists; --force overwrites it\n",
    )
    assert not (root / "new" / "orders.yaml").exists()

    forced = factory("convert", "pipelines/shop.yml", "--output", "new", "--force", cwd=root)
    assert forced.returncode == 0
    assert "dag_id: stock" in (root / "new" / "stock.yaml").read_text()


def test_what_is_lost_is_said_and_the_exit_status_too(tmp_path: Path) -> None:
    root = project(tmp_path, TWO.replace('"@daily"', '"@daily"\n  start_date: 2 days'))

    done = factory("convert", "pipelines/shop.yml", cwd=root)

    assert done.returncode == 1
    assert done.stdout.startswith("dag_id: orders\n")
    assert "\n---\ndag_id: stock\n" in done.stdout
    assert "PF125" in done.stderr
    assert "pipelines/shop.yml:3:15" in done.stderr
    # A class of Python is no timetable.
    (root / "pipelines" / "shop.yml").write_text(TWO.replace('"@daily"', "{__type__: builtins.list}"))
    assert factory("convert", "pipelines/shop.yml", cwd=root).returncode == 1


@pytest.mark.parametrize(("new", "said"), [("bash_comand", "bash_comand"), ("b: [", "yaml-syntax")])
def test_a_document_with_errors_is_not_converted(tmp_path: Path, new: str, said: str) -> None:
    root = project(tmp_path, TWO.replace("bash_command", new))
    for what in ("pipelines/shop.yml", "pipelines"):
        done = factory("convert", what, cwd=root)
        assert (done.returncode, done.stdout) == (1, "")
        assert [one in done.stderr for one in (said, "nothing of it is converted")] == [True, True]


def test_another_file_is_an_error_of_use(tmp_path: Path) -> None:
    done = factory("convert", "pipelines/shop.yml", cwd=project(tmp_path, "tasks:\n  - {id: a, uses: empty}\n"))

    assert done.returncode == 2
    assert done.stderr == "factory convert: pipelines/shop.yml: this is not a dag-factory or Airflow 3.4 document\n"


def test_a_reference_that_begins_to_have_an_effect_is_said(tmp_path: Path) -> None:
    text = """\
orders:
  tasks:
    load: {operator: airflow.providers.standard.operators.empty.EmptyOperator}
    name: {decorator: airflow.sdk.task, python_callable: posixpath.basename, p: +load, dependencies: [load]}
"""
    done = factory("convert", "pipelines/shop.yml", cwd=project(tmp_path, text))

    assert done.returncode == 0, done.stderr
    assert "${tasks.load.output}" in done.stdout
    assert "pipelines/shop.yml:4:81" in done.stderr
    assert "PF126" in done.stderr


def test_a_folder_keeps_its_subfolders_and_a_broken_document_no_other(tmp_path: Path) -> None:
    root = project(tmp_path, TWO)
    (root / "pipelines" / "team").mkdir()
    (root / "pipelines" / "team" / "new.yml").write_text(TWO.replace("orders", "bills").replace("stock", "shelves"))
    (root / "pipelines" / "team" / "broken.yml").write_text(TWO.replace("BashOperator", "BashOperater"))
    (root / "pipelines" / "ours.yaml").write_text("tasks:\n  - {id: a, uses: empty}\n")

    done = factory("convert", "pipelines", "--output", "new", cwd=root)

    assert done.returncode == 1
    assert "pipelines/team/broken.yml: fix these errors first; nothing of it is converted" in done.stderr
    places = sorted(p.relative_to(root).as_posix() for p in (root / "new").rglob("*.yaml"))
    assert places == ["new/orders.yaml", "new/stock.yaml", "new/team/bills.yaml", "new/team/shelves.yaml"]
    assert done.stdout.split() == places

    none = factory("convert", "new", cwd=root)
    nothing = "factory convert: new: there are no dag-factory or Airflow 3.4 documents in this folder\n"
    assert (none.returncode, none.stderr) == (2, nothing)


@pytest.mark.parametrize("place", ["again.yml", "team/again.yml"])
def test_documents_of_a_folder_with_one_dag_are_refused(tmp_path: Path, place: str) -> None:
    root = project(tmp_path, TWO)
    (root / "pipelines" / place).parent.mkdir(exist_ok=True)
    (root / "pipelines" / place).write_text(TWO)

    for output in ("new", "-"):
        done = factory("convert", "pipelines", "--output", output, cwd=root)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith("both have the DAG 'orders'; nothing is written\n")
        assert f"pipelines/{place}" in done.stderr
    assert not (root / "new").exists()


def test_what_lint_refuses_of_the_new_files_is_said(tmp_path: Path) -> None:
    text = """\
orders:
  tasks:
    load:
      operator: airflow.providers.standard.operators.empty.EmptyOperator
      outlets: ["s3://shop/orders"]
stock:
  schedule:
    - {__type__: airflow.sdk.Asset, uri: "s3://shop/orders", name: orders}
  tasks:
    load: {operator: airflow.providers.standard.operators.empty.EmptyOperator}
"""
    root = project(tmp_path, text)

    done = factory("convert", "pipelines/shop.yml", "--output", "new", cwd=root)
    assert (done.returncode, done.stdout) == (1, "new/orders.yaml\nnew/stock.yaml\n")
    assert "PF208" in done.stderr
    assert (root / "new" / "stock.yaml").exists()


def test_a_dag_factory_document_is_not_converted_to_python_at_once(tmp_path: Path) -> None:
    done = factory("convert", "--to", "python", "pipelines/shop.yml", cwd=project(tmp_path, TWO))

    assert done.returncode == 2
    assert done.stderr == (
        "factory convert: pipelines/shop.yml: this is not a pipeline of this project's format: "
        "convert it to one first, without --to\n"
    )


AIRFLOW = """\
$schema: https://airflow.apache.org/schemas/dag/2026-10-30.json
dag_id: orders
tasks:
  - id: load
    uses: airflow.providers.standard.operators.bash.BashOperator
    with: {bash_command: {$t: "load {{ ds }}"}}
  - {id: score, run: {}}
"""


def test_a_document_of_airflow_comes_and_goes(tmp_path: Path) -> None:
    root = project(tmp_path, AIRFLOW)

    come = factory("convert", "pipelines/shop.yml", "--output", "new", cwd=root)
    assert (come.returncode, come.stdout) == (1, "new/orders.yaml\n")
    assert "pipelines/shop.yml:7:5" in come.stderr
    assert "`score` is left out" in come.stderr

    (root / "pipelines" / "shop.yml").write_text((root / "new" / "orders.yaml").read_text())
    gone = factory("convert", "pipelines/shop.yml", "--to", "airflow-3.4", cwd=root)
    assert (gone.returncode, gone.stderr) == (0, "")
    assert "$t: load {{ ds }}" in gone.stdout


@pytest.mark.parametrize("name", ["../../evil", "/abs", "a/b", '"a\\0b"'])
def test_a_dag_id_that_is_no_name_of_a_file_is_not_written(tmp_path: Path, name: str) -> None:
    root = project(tmp_path, AIRFLOW.replace("dag_id: orders", f"dag_id: {name}"))

    done = factory("convert", "pipelines/shop.yml", "--output", "new", cwd=root)

    assert (done.returncode, done.stdout) == (2, "")
    assert "is no name of a file" in done.stderr
    assert not (root / "new").exists()


def test_edges_stay_where_an_output_has_no_counterpart(tmp_path: Path) -> None:
    text = """\
tasks:
  - {id: a, uses: bash, with: {bash_command: echo}}
  - {id: b, uses: bash, needs: [a], with: {bash_command: "{# note #}", env: {R: "n=${tasks.a.output}"}}}
  - {id: c, uses: bash, with: {bash_command: echo, env: {R: "${tasks.a.output.rows}"}}}
  - {id: e, uses: bash, with: {bash_command: echo, env: {"$R": "${tasks.a.output}"}}}
  - {id: d, uses: bash, needs: [a], with: {bash_command: echo, env: {R: "${tasks.a.output}"}}}
"""
    done = factory("convert", "pipelines/shop.yml", "--to", "airflow-3.4", cwd=project(tmp_path, text))

    assert done.returncode == 1
    b, c, e, d = yaml.safe_load(done.stdout)["tasks"][1:]
    assert (b["needs"], c["needs"], e["needs"], d.get("needs")) == (["a"], ["a"], ["a"], None)
    assert "a key that begins with `$` is taken as it is" in done.stderr
    assert d["with"]["env"] == {"R": {"$x": "a"}}
    assert b["with"]["bash_command"] == {"$t": "{# note #}"}


def test_outputs_of_what_is_left_out_are_said_also_before_it(tmp_path: Path) -> None:
    text = """\
tasks:
  - {id: before, uses: bash, with: {bash_command: echo, env: {A: "${tasks.f.output}"}}}
  - {id: f, uses: helpers19.f}
  - {id: behind, uses: bash, with: {bash_command: echo, env: {A: "${tasks.f.output}"}}}
"""
    root = project(tmp_path, text)
    (root / "pipelines" / "helpers19.py").write_text("def f(): return 1\n")

    done = factory("convert", "pipelines/shop.yml", "--to", "airflow-3.4", cwd=root)

    assert [one["id"] for one in yaml.safe_load(done.stdout)["tasks"]] == ["before", "behind"]
    assert "$x" not in done.stdout
    assert all(f"pipelines/shop.yml:{line}:" in done.stderr for line in (2, 3, 4))


def test_outputs_of_what_is_left_out_are_said_before_it_from_airflow(tmp_path: Path) -> None:
    task = "uses: airflow.providers.standard.operators.bash.BashOperator, bash_command: {$x: score}}"
    text = AIRFLOW.replace("tasks:\n", f"default_args: {{}}\ntasks:\n  - {{id: a, {task}\n") + f"  - {{id: b, {task}\n"
    done = factory("convert", "pipelines/shop.yml", cwd=project(tmp_path, text))

    assert all(f"pipelines/shop.yml:{line}:" in done.stderr for line in (5, 9, 10))
    assert "`default_args` is no key of Airflow 3.4's YAML" in done.stderr


UNSOUND = """\
$schema: https://airflow.apache.org/schemas/dag/2026-10-30.json
dag_id: orders
tasks:
  - {uses: airflow.providers.standard.operators.empty.EmptyOperator}
  - text
  - {id: a, uses: airflow.providers.standard.operators.empty.EmptyOperator, extends: none}
  - {id: b, needs: a, uses: airflow.providers.standard.operators.bash.BashOperator, with: [x]}
  - id: c
    uses: airflow.providers.standard.operators.bash.BashOperator
    with:
      bash_command: "{{ 1 }} {% endraw %} \\"ü\\" ${x}"
      env: {R: {$x: {task: a, key: k, map_index: 1}}, S: {$x: [a]}, T: {$t: x, $x: a}}
"""


def test_what_airflow_would_refuse_is_said(tmp_path: Path) -> None:
    done = factory("convert", "pipelines/shop.yml", cwd=project(tmp_path, UNSOUND))

    assert done.returncode == 1
    for said in (
        *("the task 0 of the list is left out: it has no `id`", "the task 1 of the list is left out: it is no mapping"),
        *("`extends` is a list of names of templates", "`needs` is a list of ids of tasks", "`with` is a mapping of"),
        *("`$x` has no `map_index`", "`$x` names a task and", "`$t` stands alone in its mapping"),
    ):
        assert said in done.stderr
    command = yaml.safe_load(done.stdout)["tasks"][2]["with"]["bash_command"]
    assert SandboxedEnvironment().from_string(command.replace("$${", "${")).render() == '{{ 1 }} {% endraw %} "ü" ${x}'


def test_a_broken_document_of_airflow_is_not_converted(tmp_path: Path) -> None:
    done = factory("convert", "pipelines/shop.yml", cwd=project(tmp_path, f"{AIRFLOW}dag_id: again\n"))

    assert (done.returncode, done.stdout) == (1, "")
    assert "duplicate key" in done.stderr


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("operator: airflow.operators.bash.BashOperator\n", "a task of gusty"),
        ("dags: {d: {operators: {a: {class: x.Y}}}}\n", "a document of airflow-declarative"),
        ("name: d\nsub_dags: [{name: a, type: sub_dag, target: b}]\n", "a workflow of boundary-layer"),
    ],
)
def test_a_file_that_is_converted_by_hand_is_named_with_the_page(tmp_path: Path, text: str, whose: str) -> None:
    root = project(tmp_path, text)
    for named in ("pipelines/shop.yml", "pipelines"):
        done = factory("convert", named, cwd=root)
        assert done.returncode == 2
        assert f"this is {whose}, not this project's; it is converted by hand, and docs/migrating.md" in done.stderr
