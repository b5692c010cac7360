"""`factory convert`: files, standard output, exit status."""

from __future__ import annotations

from pathlib import Path

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
        "factory convert: new/stock.yaml is there already; --force writes over it\n",
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


def test_a_document_with_errors_is_not_converted(tmp_path: Path) -> None:
    done = factory("convert", "pipelines/shop.yml", cwd=project(tmp_path, TWO.replace("bash_command", "bash_comand")))

    assert (done.returncode, done.stdout) == (1, "")
    assert "bash_comand" in done.stderr
    assert "nothing is converted" in done.stderr


def test_another_file_is_an_error_of_use(tmp_path: Path) -> None:
    done = factory("convert", "pipelines/shop.yml", cwd=project(tmp_path, "tasks:\n  - {id: a, uses: empty}\n"))

    assert done.returncode == 2
    assert done.stderr == "factory convert: pipelines/shop.yml: this is no document of dag-factory\n"
