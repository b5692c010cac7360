"""What a class takes and renders, along its bases: on a small stand-in for Airflow's package layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.source import Class, SourceReader
from tests.schemas.source.files import write

BASE_OPERATOR = """
class BaseOperatorMeta(type): ...
class Templater:
    def __init__(self, **ignored): ...
class BaseOperator(Templater, metaclass=BaseOperatorMeta):
    template_fields = ()
    def __init__(self, *, task_id: str, retries: int = 0, pool=None, **kwargs):
        super().__init__()
        if kwargs:
            raise TypeError(kwargs)
"""
AIRFLOW = {
    "airflow/__init__.py": (
        "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n__version__ = '3.3.2'\n"
    ),
    "airflow/sdk/__init__.py": (
        "__lazy_imports: dict[str, str] = {'BaseOperator': '.bases.operator', 'Sensor': '.bases.operator'}\n"
        "def __getattr__(name): ...\n"
    ),
    "airflow/sdk/bases/__init__.py": "",
    "airflow/sdk/bases/operator.py": BASE_OPERATOR,
    "airflow/operators/__init__.py": (
        "from airflow.utils.deprecation_tools import add_deprecated_classes\n"
        "__deprecated_classes = {'bash': {'Bash': 'airflow.providers.standard.bash.Bash'}, __name__: {'Bash': "
        "'airflow.providers.standard.bash.Bash'}, 'all': {'*': 'airflow.providers.standard.bash'}}\n"
        "add_deprecated_classes(__deprecated_classes, __name__)\n"
    ),
}
# A second folder of the search path: providers are spread.
PROVIDERS = {
    "airflow/providers/standard/__init__.py": "",
    "airflow/providers/standard/bash.py": (
        "from airflow.sdk import BaseOperator\n"
        "class Bash(BaseOperator):\n"
        "    template_fields = ('bash_command', 'env')\n"
        "    def __init__(self, *, bash_command: str, env=None, **kwargs):\n"
        "        super().__init__(**kwargs)\n"
    ),
}
COMMON = [("task_id", True), ("retries", False), ("pool", False)]


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    write(tmp_path / "site-packages", AIRFLOW)
    write(tmp_path / "user-site", PROVIDERS)
    return [str(tmp_path / "site-packages"), str(tmp_path / "user-site")]


def read(tmp_path: Path, search_path: list[str], path: str, text: str = "") -> Class:
    write(tmp_path / "pipelines", {"ops.py": text})
    found = SourceReader(tmp_path / "pipelines", search_path).find(path)
    assert isinstance(found, Class), found
    return found


def taken(found: Class) -> list[tuple[str, bool]] | None:
    if found.parameters is None:
        return None
    return [(each.name, each.required) for each in found.parameters]


def test_an_operator_takes_its_own_and_its_bases_arguments(tmp_path: Path, installed: list[str]) -> None:
    found = read(tmp_path, installed, "airflow.providers.standard.bash.Bash")
    assert taken(found) == [("bash_command", True), ("env", False), *COMMON]
    assert {each.kind for each in found.parameters or ()} == {"KEYWORD_ONLY"}
    assert found.template_fields == frozenset({"bash_command", "env"})
    assert found.is_operator is True
    assert not found.local
    assert (found.file.name, found.line) == ("bash.py", 2)


@pytest.mark.parametrize("path", ["bash.Bash", "Bash", "all.Bash"])
def test_airflows_old_places(tmp_path: Path, installed: list[str], path: str) -> None:
    found = read(tmp_path, installed, f"airflow.operators.{path}")
    assert found.path == "airflow.providers.standard.bash.Bash"


HEAD = "from airflow.providers.standard.bash import Bash\nfrom airflow.sdk import BaseOperator\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("class Op(Bash): ...", [("bash_command", True), ("env", False), *COMMON]),
        (
            "class Op(Bash):\n def __init__(self, table, **kw):\n  super().__init__(bash_command=table, **kw)",
            [("table", True), ("env", False), *COMMON],
        ),
        (
            "class Op(Bash):\n def __init__(self, **kw):\n  kw.setdefault('bash_command', 'ls')\n"
            "  Bash.__init__(self, **kw)",
            [("bash_command", False), ("env", False), *COMMON],
        ),
        (
            "class Op(Bash):\n def __init__(self, **kw):\n  x = kw.pop('extra', 1)\n  kw['env'] = {}\n"
            "  super(Op, self).__init__(**kw)",
            [("extra", False), ("bash_command", True), ("env", False), *COMMON],
        ),
        (
            "class Mixin:\n def __init__(self, *, durable=True, **kw):\n  super().__init__(**kw)\n"
            "class Op(Mixin, Bash): ...",
            [("durable", False), ("bash_command", True), ("env", False), *COMMON],
        ),
        (
            "class Log:\n def __init__(self, context=None): ...\nclass Skip(Log): ...\n"
            "class Op(BaseOperator, Skip): ...",
            COMMON,
        ),
        ("class Op(BaseOperator):\n def __init__(self, only): ...", [("only", True)]),
        ("class Op(Bash):\n def __init__(self, **kw):\n  update(kw)\n  super().__init__(**kw)", None),
        ("class Op(Bash):\n def __init__(self, **kw):\n  super().__init__(**{**kw})", None),
        ("class Op(Bash):\n @traced\n def __init__(self, a): ...", None),
        ("class Op(Bash):\n __init__ = make()", None),
        ("class Op(Bash):\n def __new__(cls, a): ...", None),
        ("class Op(unknown, Bash): ...", None),
        ("class Op(Bash, unknown): ...", None),
        ("class Op(make(), Bash): ...", None),
        ("@traced\nclass Op(Bash): ...", None),
        ("class Meta(type): ...\nclass Op(BaseOperator, metaclass=Meta): ...", None),
        ("from dataclasses import dataclass\n@dataclass\nclass Op:\n a: int", None),
        ("class Op(Op): ...", None),
        ("class Op:\n if unknown:\n  def __init__(self, a): ...\n else:\n  def __init__(self, b): ...", None),
        (
            "import typing\nclass Op:\n if typing.TYPE_CHECKING:\n  def __init__(self, a): ...\n"
            " else:\n  def __init__(self, b): ...",
            [("b", True)],
        ),
        ("class Op: ...", []),
        ("class Op:\n def __init__(self, a, **rest): ...", [("a", True), ("rest", False)]),
        (
            "class A:\n def __init__(self, x, y): ...\n"
            "class Op(A):\n def __init__(self, **k):\n  super().__init__(1, **k)",
            [("y", True)],
        ),
    ],
)
def test_the_constructor_chain(
    tmp_path: Path, installed: list[str], text: str, expected: list[tuple[str, bool]] | None
) -> None:
    assert taken(read(tmp_path, installed, "ops.Op", HEAD + text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("class Op(Bash): ...", {"bash_command", "env"}),
        ("class Op(Bash):\n template_fields = ['a', *Bash.template_fields]", {"a", "bash_command", "env"}),
        ("class Op(Bash):\n template_fields = Bash.template_fields + ('a',)", {"a", "bash_command", "env"}),
        (
            "class Op(Bash):\n template_fields: tuple = tuple({'a'}.union(Bash.template_fields))",
            {"a", "bash_command", "env"},
        ),
        ("FIELDS = ('a', 'b')\nclass Op(Bash):\n template_fields = FIELDS", {"a", "b"}),
        ("class Op(Bash):\n template_fields = 'a'", {"a"}),
        ("class Op(BaseOperator): ...", set()),
        ("class Op(Bash):\n template_fields = compute()", None),
        ("class Op(Bash):\n template_fields = ['a']\n if x:\n  template_fields.append('b')", None),
        ("class Op(Bash):\n if x:\n  template_fields = ('a',)", None),
        ("class Op(Bash):\n @property\n def template_fields(self): ...", None),
        ("class Op(Bash):\n def __init__(self):\n  self.template_fields = ()", None),
        ("class Op(unknown): ...", None),
        ("class Op(Bash):\n template_fields = Op.template_fields", None),
        ("A = B\nB = A\nclass Op(Bash):\n template_fields = A", None),
    ],
)
def test_template_fields(tmp_path: Path, installed: list[str], text: str, expected: set[str] | None) -> None:
    assert read(tmp_path, installed, "ops.Op", HEAD + text).template_fields == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("class Op(Bash): ...", True),
        ("class Op(unknown, BaseOperator): ...", True),
        ("class Op: ...", False),
        ("class Op(unknown): ...", None),
    ],
)
def test_is_operator(tmp_path: Path, installed: list[str], text: str, expected: bool | None) -> None:
    assert read(tmp_path, installed, "ops.Op", HEAD + text).is_operator is expected


def test_without_airflow_a_base_tells_by_its_name(tmp_path: Path) -> None:
    found = read(tmp_path, [], "ops.Op", "from airflow.sdk import BaseSensorOperator as B\nclass Op(B): ...")
    assert (found.is_operator, found.parameters, found.template_fields, found.local) == (
        True,
        None,
        None,
        True,
    )


@pytest.mark.parametrize(("version", "expected"), [("3.3.2", ["new"]), ("2.11.0", ["old"]), ("dev", None)])
def test_branches_for_versions_of_airflow(
    tmp_path: Path, installed: list[str], version: str, expected: list[str] | None
) -> None:
    write(tmp_path / "site-packages", {"airflow/__init__.py": f"__version__ = '{version}'\n"})
    text = (
        "from compat import AIRFLOW_V_3_1_PLUS\n"
        "class New:\n def __init__(self, new): ...\n"
        "class Old:\n def __init__(self, old): ...\n"
        "if not AIRFLOW_V_3_1_PLUS:\n Base = Old\nelse:\n Base = New\n"
        "class Op(Base): ...\n"
    )
    found = read(tmp_path, installed, "ops.Op", text)
    assert (found.parameters and [each.name for each in found.parameters]) == expected
