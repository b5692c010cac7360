"""What a dotted path is: through `SourceReader.find`, on real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.source import (
    ModuleMissing,
    NameMissing,
    NotCallable,
    NotInstalled,
    SourceReader,
    TaskDecorated,
    Undecidable,
)
from tests.schemas.source.files import function, write


def test_a_function_has_its_place_and_parameters(pipelines: Path, site: Path) -> None:
    write(
        pipelines,
        {"etl.py": "\nasync def load(rows: list[int], /, table: 'str', *more, mode=1, **context): ...\n"},
    )
    found = function(SourceReader(pipelines, [str(site)]).find("etl.load"))
    assert (found.path, found.file, found.line) == ("etl.load", pipelines / "etl.py", 2)
    assert found.local
    assert found.is_async
    assert found.has_var_keyword
    assert [(p.name, p.kind, p.required, p.annotation) for p in found.parameters] == [
        ("rows", "POSITIONAL_ONLY", True, "list[int]"),
        ("table", "POSITIONAL_OR_KEYWORD", True, "str"),
        ("more", "VAR_POSITIONAL", False, None),
        ("mode", "KEYWORD_ONLY", False, None),
        ("context", "VAR_KEYWORD", False, None),
    ]


def test_nothing_is_executed(pipelines: Path, site: Path, tmp_path: Path) -> None:
    witness = tmp_path / "executed"
    trap = f"open({str(witness)!r}, 'w').close()\n"
    write(pipelines, {"pkg/__init__.py": trap, "pkg/job.py": trap + "from pkg import other\ndef run(): ...\n"})
    write(pipelines, {"pkg/other.py": trap})
    write(site, {"trap.pth": "import os; " + trap, "__editable___trap_finder.py": trap + "MAPPING = {}\n"})
    reader = SourceReader(pipelines, [str(site)])
    function(reader.find("pkg.job.run"))
    assert len(reader.local_modules("pkg.job.run")) == 3
    assert reader.hidden_by("pkg.job.run") is None
    assert not witness.exists()


@pytest.mark.parametrize(
    ("module", "defined_in"),
    [
        ("from lib import work as run", "lib.work"),
        ("import lib\nrun = lib.work", "lib.work"),
        ("from lib import *\nrun = work", "lib.work"),
        ("import package.inner as i\nfrom package.inner import work\nrun = work", "package.inner.work"),
        ("from package import inner\nrun = inner.work", "package.inner.work"),
        ("if True:\n    from lib import work as run", "lib.work"),
        (
            "try:\n    from nowhere import run\nexcept ImportError:\n    from lib import work as run",
            "lib.work",
        ),
        ("with open('x') as f:\n    from lib import work as run", "lib.work"),
        ("run = 1\ndef run(): ...", "job.run"),
        ("from old.place import run", "lib.work"),
        ("@overload\ndef run(a): ...\ndef run(a): ...", "job.run"),
    ],
)
def test_a_name_is_followed_to_its_definition(pipelines: Path, site: Path, module: str, defined_in: str) -> None:
    write(pipelines, {"job.py": module, "lib.py": "def work(): ...", "package/inner.py": "def work(): ..."})
    # Airflow keeps the old places of its operators alive like this, without a file for them.
    write(site, {"old/__init__.py": "add_deprecated_classes({'place': {'run': 'lib.work'}}, __name__)"})
    assert function(SourceReader(pipelines, [str(site)]).find("job.run")).path == defined_in


@pytest.mark.parametrize(
    "module",
    [
        "if x:\n    def run(a): ...\nelse:\n    def run(b): ...",
        "run = partial(print)",
        "def __getattr__(name): ...",
        "globals()['run'] = print",
        "from binary import *",
        "@traced\ndef run(): ...",
        "@make()[0]\ndef run(): ...",
        "from job import run",
        "run = print",
        "run = other\nother = run",
    ],
)
def test_what_reading_cannot_tell_is_undecidable(pipelines: Path, site: Path, module: str) -> None:
    write(pipelines, {"job.py": module})
    write(site, {"binary.so": b"\x7fELF"})
    assert isinstance(SourceReader(pipelines, [str(site)]).find("job.run"), Undecidable)


@pytest.mark.parametrize(
    "header",
    [
        "from functools import lru_cache\n@lru_cache(maxsize=3)",
        "import functools\n@functools.cache",
        "from contextlib import contextmanager\n@contextmanager",
    ],
)
def test_decorators_that_keep_the_signature(pipelines: Path, site: Path, header: str) -> None:
    write(pipelines, {"job.py": f"{header}\ndef run(a): ...\n"})
    assert [p.name for p in function(SourceReader(pipelines, [str(site)]).find("job.run")).parameters] == ["a"]


@pytest.mark.parametrize(
    ("header", "decorator"),
    [
        ("from airflow.sdk import task\n@task", "task"),
        ("from airflow.sdk import task\n@task.bash(retries=1)", "task.bash"),
        ("from airflow.decorators import task as t\n@t()", "task"),
        ("import airflow.sdk\n@airflow.sdk.dag", "dag"),
    ],
)
def test_a_task_decorated_function_says_so(pipelines: Path, site: Path, header: str, decorator: str) -> None:
    write(pipelines, {"job.py": f"{header}\ndef run(a): ...\n"})
    found = SourceReader(pipelines, [str(site)]).find("job.run")
    assert isinstance(found, TaskDecorated)
    assert (found.decorator, found.path) == (decorator, "job.run")


def test_functions_of_a_class(pipelines: Path, site: Path) -> None:
    body = "    @staticmethod\n    def a(x): ...\n    @classmethod\n    def b(cls, x): ...\n    def c(self): ...\n"
    write(pipelines, {"job.py": f"class Jobs:\n{body}"})
    reader = SourceReader(pipelines, [str(site)])
    for name in "ab":
        assert [p.name for p in function(reader.find(f"job.Jobs.{name}")).parameters] == ["x"]
    assert isinstance(reader.find("job.Jobs.c"), NotCallable)
    assert isinstance(reader.find("job.Jobs.inherited"), Undecidable)


def test_a_missing_name_offers_near_ones(pipelines: Path, site: Path) -> None:
    write(
        pipelines,
        {"job.py": "import os\nLIMIT = 3\ndef extract(): ...\ndef _hidden(): ...\nclass Loader: ..."},
    )
    found = SourceReader(pipelines, [str(site)]).find("job.extrct")
    assert found == NameMissing("job", "extrct", pipelines / "job.py", ("extract",), ("extract", "Loader"))


def test_a_missing_local_module_offers_near_ones(pipelines: Path, site: Path) -> None:
    write(pipelines, {"hello_etl.py": "", "team/orders.py": "def run(): ...", "pack/__init__.py": ""})
    reader = SourceReader(pipelines, [str(site)])
    assert reader.find("helo_etl.extract") == ModuleMissing("helo_etl", None, ("hello_etl",), local=True)
    near_orders = ModuleMissing("team.ordres", "team", ("team.orders",), local=True)
    assert reader.find("team.ordres.run") == near_orders
    assert reader.find("team.ordres") == near_orders
    assert reader.find("pack.a.b.c") == ModuleMissing("pack.a", "pack", (), local=True)


def test_a_name_imported_from_a_missing_module_names_that_module(pipelines: Path, site: Path) -> None:
    write(pipelines, {"job.py": "from helpers import run", "helper.py": ""})
    found = SourceReader(pipelines, [str(site)]).find("job.run")
    assert found == ModuleMissing("helpers", None, ("helper",), local=True)


def test_names_for_type_checkers_do_not_exist_at_run_time(pipelines: Path, site: Path) -> None:
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lib import work\n"
    write(
        pipelines,
        {"job.py": guarded, "lazy.py": guarded + "def __getattr__(name): ...\n", "lib.py": "def work(): ..."},
    )
    # Another installed module may set the name later; nobody does so to a local one.
    write(site, {"vendor.py": guarded})
    reader = SourceReader(pipelines, [str(site)])
    missing = reader.find("job.work")
    assert isinstance(missing, NameMissing)
    assert "work" not in missing.candidates
    assert isinstance(reader.find("vendor.work"), Undecidable)
    assert function(reader.find("lazy.work")).path == "lib.work"


def test_what_is_not_installed_is_no_error_without_airflow(pipelines: Path, site: Path) -> None:
    reader = SourceReader(pipelines, [str(site)])
    assert reader.find("pandas.read_csv") == NotInstalled("pandas", "pandas")
    assert reader.find("airflow.sdk.BaseOperator") == NotInstalled("airflow", "apache-airflow")
    pod = reader.find("airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator")
    assert pod == NotInstalled("airflow", "apache-airflow-providers-cncf-kubernetes")


def test_where_airflow_is_installed_an_unknown_module_is_missing(pipelines: Path, site: Path) -> None:
    write(site, {"airflow/__init__.py": "", "airflow/providers/http/__init__.py": ""})
    reader = SourceReader(pipelines, [str(site)])
    assert reader.find("pandas.read_csv") == ModuleMissing("pandas", None, (), local=False)
    limits = reader.find("kubernetes.client.V1ResourceRequirements")
    assert limits == NotInstalled("kubernetes", "apache-airflow-providers-cncf-kubernetes")
    near = ("airflow.providers.http",)
    pod = reader.find("airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator")
    assert pod == NotInstalled("airflow.providers.cncf", "apache-airflow-providers-cncf-kubernetes")
    typo = reader.find("airflow.providers.htpp.operators.http.HttpOperator")
    assert typo == NotInstalled("airflow.providers.htpp", "apache-airflow-providers-htpp", near)
    inside = reader.find("airflow.providers.http.operatrs.http.HttpOperator")
    assert isinstance(inside, ModuleMissing)
    assert inside.existing_parent == "airflow.providers.http"


def test_modules_and_constants_cannot_be_called(pipelines: Path, site: Path) -> None:
    write(pipelines, {"job.py": "LIMIT = 3\nNOTHING = None\ndef run(): ..."})
    reader = SourceReader(pipelines, [str(site)])
    assert reader.find("job") == NotCallable("job", "module", ("run",))
    assert reader.find("job.LIMIT") == NotCallable("job.LIMIT", "constant")
    assert reader.find("job.NOTHING") == NotCallable("job.NOTHING", "constant")
