"""A function by its dotted path, imported when it is called. Fresh processes: modules of one name meet otherwise."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SETUP = """
import sys
from pathlib import Path
from airflow.providers.standard.operators.python import PythonOperator
from factory.operators.functions import FunctionReference

def run(path, context=None, **arguments):
    function = FunctionReference(path, Path(sys.argv[1]), arguments)
    operator = PythonOperator(task_id="t", python_callable=function, op_kwargs=arguments)
    given = dict(context or {}, ds="2026-01-01", params={"n": 1}, outlet_events={})
    try:
        print("returned", repr(operator.execute(given)))
    except Exception as error:
        print(type(error).__name__, error)
"""


def python(folder: Path, code: str) -> list[str]:
    """What the code prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + textwrap.dedent(code), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if " [info" not in line and " [warning" not in line]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobs.py").write_text(
        textwrap.dedent(
            """
            from helpers import double

            LIMIT = 3

            def plain(rows, ds, *, factor=2):
                return [double(row) * factor for row in rows], ds

            def everything(**context):
                return sorted(context)

            def shadows(ds):
                return ds

            async def later(n, params):
                return n, params

            def steps(n):
                yield n
                return n + 1

            class Jobs:
                @staticmethod
                def inside(n):
                    return n

            def broken():
                import not_installed_anywhere
            """
        )
    )
    (tmp_path / "helpers.py").write_text("def double(n):\n    return n * 2\n")
    (tmp_path / "fails.py").write_text("raise RuntimeError('at import')\n")
    (tmp_path / "lacks.py").write_text("import not_installed_anywhere\n")
    return tmp_path


def test_it_is_called_as_a_python_operator_calls_functions(folder: Path) -> None:
    assert python(
        folder,
        """
        assert "jobs" not in sys.modules
        run("jobs.plain", rows=[1, 2])
        run("jobs.plain", rows=[1], factor=5)
        run("jobs.everything", n=1)
        run("jobs.shadows", ds="mine")
        run("jobs.later", n=1)
        run("jobs.Jobs.inside", n=4)
        """,
    ) == [
        "returned ([4, 8], '2026-01-01')",
        "returned ([10], '2026-01-01')",
        "returned ['ds', 'n', 'outlet_events', 'params', 'templates_dict']",
        "returned 'mine'",
        "returned (1, {'n': 1})",
        "returned 4",
    ]


def test_errors_are_one_line_that_says_what_is_wrong(folder: Path) -> None:
    lines = python(
        folder,
        """
        run("jobs.gone")
        run("gone.main")
        run("jobs.LIMIT")
        run("jobs.plain", rows=[1], row=1)
        run("jobs.broken")
        run("lacks.main")
        run("fails.main")
        """,
    )
    assert lines == [
        f"AirflowFailException jobs.gone: the module `jobs` ({folder}/jobs.py) has no `gone`",
        f"AirflowFailException gone.main: there is no module `gone` below {folder}, and none is installed",
        "AirflowFailException jobs.LIMIT is not a function but a value of type int",
        "AirflowFailException jobs.plain takes no argument `row`; it takes: rows, ds, factor",
        "ModuleNotFoundError No module named 'not_installed_anywhere'",
        "ModuleNotFoundError No module named 'not_installed_anywhere'",
        "RuntimeError at import",
    ]


def test_its_text_holds_no_address(folder: Path) -> None:
    assert python(
        folder,
        """
        from airflow._shared.module_loading import qualname
        function = FunctionReference("jobs.plain", Path(sys.argv[1]))
        print(function, qualname(function, exclude_module=True), function.__name__)
        assert "jobs" not in sys.modules
        """,
    ) == ["FunctionReference('jobs.plain') jobs.plain plain"]
