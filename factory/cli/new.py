"""Write a new pipeline with its test: of a poll from what its URL answers, or of an ETL, SQL or empty pipeline; or a
template of tasks.

`factory new poll NAME --url URL` asks the URL once, and proposes where the rows are, how pages follow, the key and the
columns. Nothing is overwritten.
Exit status: 0 written, 2 usage, or no use of the answer.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from factory.cli import UsageError, to_path
from factory.plan.proposal import AnswerError, Proposal, asked, proposed, recorded, secret_keys
from schemas.check import Checker, CheckOptions
from schemas.compose.env_values import names_secret
from schemas.folder.discovery import default_dag_id
from schemas.folder.project import lexically_absolute, pipelines_folder
from schemas.rules.secrets import hidden_in
from schemas.text.edits import flow

_NAME = re.compile(r"[a-z][a-z0-9_]{0,100}")
_TAKEN = frozenset({"null", "true", "false", *keyword.kwlist})
"""Words that YAML or Python read as something else."""
_SQL_WORDS = frozenset(
    {
        *("case", "check", "column", "default", "from", "group", "index", "join", "key", "limit", "order", "primary"),
        *("references", "select", "table", "to", "union", "update", "user", "values", "view", "when", "where"),
    }
)
"""The reserved words of SQL that a table might be called by."""

ETL = """\
description: Extract rows, transform them, load them into the warehouse.
schedule: "@daily"
tasks:
  - id: extract
    uses: <module>.extract
    with: {day: "{{ ds }}"}
  - id: transform
    uses: <module>.transform
    with: {rows: "${tasks.extract.output}"}
  - id: load
    uses: load
    with: {rows: "${tasks.transform.output}", conn_id: warehouse, table: <name>, write_disposition: append}
"""
ETL_STEPS = '''\
def extract(day):
    """Rows of a day; ask your source here."""
    return [{"day": day, "amount": 3.5}, {"day": day, "amount": -1}]


def transform(rows):
    """Leave out refunds."""
    return [row for row in rows if row["amount"] > 0]
'''
ETL_TEST = """\
tests:
  - name: refunds are left out
    now: 2026-01-02T06:00:00Z
    given:
      connections: {warehouse: sqlite}
    expect:
      output: {transform: {rows: [{day: "2026-01-02", amount: 3.5}]}}
      tables: {warehouse.<name>: {count: 1}}
"""
SQL = """\
description: Sum the orders of a day in the warehouse.
schedule: "@daily"
tasks:
  - id: sums
    uses: sql
    with: {conn_id: warehouse, sql: <name>.sql, split_statements: true}
"""
SQL_FILE = """\
DELETE FROM <name> WHERE day = '{{ ds }}';
INSERT INTO <name> (day, amount) SELECT day, SUM(amount) FROM orders WHERE day = '{{ ds }}' GROUP BY day;
"""
SQL_TEST = """\
tests:
  - name: the orders of the day are summed once
    now: 2026-01-02T06:00:00Z
    given:
      tables:
        warehouse.orders:
          - {day: "2026-01-02", amount: 3}
          - {day: "2026-01-02", amount: 4}
          - {day: "2026-01-01", amount: 9}
        warehouse.<name>: [{day: "2026-01-02", amount: 1}]
    expect:
      tables: {warehouse.<name>: {rows: [{day: "2026-01-02", amount: 7}]}}
"""
EMPTY = """\
description: What <name> is for, in a sentence.
schedule: null
tasks:
  - id: start
    uses: empty
"""
EMPTY_TEST = """\
tests:
  - name: all tasks succeed
    expect:
      tasks: {start: success}
"""
TEMPLATE = """\
description: What <name> is for, in a sentence.
params:
  table: {type: string, description: Name of the table.}
  limit: {type: integer, minimum: 1, default: 100}
tasks:
  - id: count
    uses: bash
    with: {bash_command: "echo '${params.table}' ${params.limit}"}
outputs:
  rows: ${tasks.count.output}
"""
_FORMS: Mapping[str, Mapping[str, str]] = {
    "etl": {"<name>.yaml": ETL, "<name>.py": ETL_STEPS, "<name>.test.yaml": ETL_TEST},
    "sql": {"<name>.yaml": SQL, "<name>.sql": SQL_FILE, "<name>.test.yaml": SQL_TEST},
    "empty": {"<name>.yaml": EMPTY, "<name>.test.yaml": EMPTY_TEST},
    "template": {"_templates/<name>.yaml": TEMPLATE},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory new`."""
    parser.add_argument("kind", choices=("poll", *_FORMS), help="what the pipeline does; or a template of tasks")
    parser.add_argument("name", metavar="NAME", help="the DAG id, and the file's name without .yaml")
    parser.add_argument("--url", metavar="URL", help="with poll: what is asked")
    parser.add_argument(
        "--pipelines", type=to_path, metavar="FOLDER", help="where to write ($PIPELINES_FOLDER, else pipelines)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the files, and say what was found; returns the exit status. Raises UsageError."""
    name: str = arguments.name
    _require_name(name, arguments.kind)
    if (arguments.kind == "poll") != (arguments.url is not None):
        raise UsageError("poll needs --url URL, and only poll takes it")
    folder, module = _place(arguments.pipelines, name)
    if arguments.kind == "template":
        folder = _root(folder)
    if arguments.kind == "poll":
        files, said = _poll(name, arguments.url)
    else:
        forms = _FORMS[arguments.kind].items()
        files = {n.replace("<name>", name): t.replace("<name>", name).replace("<module>", module) for n, t in forms}
        said = []
    there = next((folder / path for path in files if (folder / path).exists()), None)
    if there is not None:
        raise UsageError(f"{there} is there already, and is not overwritten: choose another name")
    if arguments.kind != "template":
        _require_free(folder, f"{name}.yaml")
    for path, content in {path: text.encode() for path, text in files.items()}.items():
        try:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        except OSError as error:
            raise UsageError(f"{folder / path}: cannot be written: {(error.strerror or '').lower()}") from None
        print(f"written  {folder / path}")
    print("".join(f"{line}\n" for line in said), end="")
    if arguments.kind == "template":
        print(f"Next: `factory lint`, and in a pipeline: {{id: orders, template: {name}, with: {{table: orders}}}}")
        return 0
    print(f"Next: `factory lint`, `factory test {folder / name}.test.yaml`, `factory try {folder / name}.yaml`.")
    if "conn_id: warehouse" in files[f"{name}.yaml"]:
        print(
            "Where no Airflow has the connection `warehouse`: factory try … --conn warehouse=sqlite:///tmp/warehouse.db"
        )
    return 0


def _require_name(name: str, kind: str) -> None:
    """Raises UsageError for a name that a file, a table or a module cannot have."""
    if _NAME.fullmatch(name) is None:
        raise UsageError(f"{name}: write lower-case letters, digits and `_`, a letter first: my_orders")
    if name in _TAKEN:
        raise UsageError(f"`{name}` is a word of YAML or Python: choose another name, such as {name}_rows")
    if kind == "etl" and name in sys.stdlib_module_names:
        raise UsageError(f"Python has a module `{name}` of its own: choose another name, such as {name}_etl")
    if kind in ("poll", "sql") and name in _SQL_WORDS:
        raise UsageError(f"`{name}` is a word of SQL, and would be the table's name: choose another, such as {name}s")


def _root(folder: Path) -> Path:
    """The pipelines folder that a folder is in; one that is yet to be made is one."""
    return pipelines_folder(folder) if folder.is_dir() else folder


def _require_free(folder: Path, path: str) -> None:
    """Raises UsageError where another file has the DAG id that the new one would have."""
    root = _root(folder)
    dag_id = default_dag_id((lexically_absolute(folder) / path).relative_to(lexically_absolute(root)).as_posix())
    checker = Checker(root, CheckOptions(environ={}, environment="", read_sources=False))
    for other in checker.paths():
        if dag_id in (checker.possible_dag_ids(other) or checker.dag_ids(other)):
            raise UsageError(f"{root / other} has the DAG id `{dag_id}` already: choose another name")


def _place(chosen: Path | None, name: str) -> tuple[Path, str]:
    """The folder to write to, and the dotted path of the module `name` in it."""
    root = pipelines_folder(chosen) if chosen is not None else pipelines_folder()
    inside = lexically_absolute(chosen) if chosen is not None else lexically_absolute(root)
    if chosen is None or not inside.is_relative_to(lexically_absolute(root)):
        return root, name  # a project's folder means the pipelines in it
    return chosen, ".".join((*inside.relative_to(lexically_absolute(root)).parts, name))


def _poll(name: str, url: str) -> tuple[dict[str, str], list[str]]:
    """The files of a poll by their paths, and what was found in the answer."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # what is no number is said here
    except ValueError as error:
        raise UsageError(f"--url takes an absolute URL, https://…, not `{hidden_in(url, '•••')}`: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--url takes an absolute URL, https://…, not `{hidden_in(url, '•••')}`")
    if parts.username or parts.password:
        raise UsageError("the URL has a password: keep it in a connection, and write `conn_id` in the pipeline")
    try:
        body, headers = asked(url)
        found = proposed(body, headers, dict(parse_qsl(parts.query)))
    except (AnswerError, RecursionError) as error:
        said = str(error) if isinstance(error, AnswerError) else "the answer is nested too deeply"
        raise UsageError(said) from None
    address = parts._replace(query="", fragment="").geturl()
    secret = {key for key, _ in parse_qsl(parts.query) if names_secret(key)}
    params = {
        key: f"{{{{ var.value.{name}_{key} }}}}" if key in secret else value
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
        if key not in found.page_params
    }
    host = parts.hostname
    where = f", in the table `{name}`" if found.rows else ""
    pipeline = [f"description: What {host} has of {name}{where}.", 'schedule: "@hourly"', "poll:"]
    pipeline.append(f"  url: {flow(address)}")
    pipeline += [f"  params: {flow(params)}"] if params else []
    if found.rows:
        pipeline += [f"  data_selector: {flow(found.selector)}"] if found.selector else []
        pipeline += [f"  pagination: {flow(found.pagination)}"] if found.pagination else []
        pipeline += _load(name, found)
    told = {key: value for key, value in parse_qsl(parts.query) if key in secret}
    files = {
        f"{name}.yaml": "".join(f"{line}\n" for line in pipeline),
        f"{name}.test.yaml": _test_of_poll(name, address, {f"{name}_{key}": "hidden" for key in secret}, found),
        f"fixtures/{name}.json": f"{recorded(found.last_page, told)}\n",
    }
    needed = [
        f"secret   `{key}` is read from the Airflow variable `{name}_{key}`, which has to exist" for key in secret
    ]
    if keys := sorted(secret_keys(found.last_page)):
        needed.append(
            f"hidden   {', '.join(f'`{key}`' for key in keys)}: not in the fixture: the name is that of a secret"
        )
    return files, [*found.said(), *needed]


def _load(name: str, found: Proposal) -> list[str]:
    """The lines of the task that puts the rows into a table."""
    lines = ["tasks:", "  - id: load", "    uses: load", "    with:", "      rows: ${tasks.poll.output}"]
    lines += ["      conn_id: warehouse", f"      table: {name}"]
    if found.primary_key:
        lines += ["      write_disposition: merge", f"      primary_key: {flow(found.primary_key)}"]
    else:
        lines.append("      write_disposition: append")
    columns = [f"        {flow(key)}: {kind}" for key, kind in found.columns.items()]
    return [*lines, "      columns:", *columns] if columns else lines


def _test_of_poll(name: str, address: str, variables: Mapping[str, str], found: Proposal) -> str:
    # By number the end is asked for once more where the page may have been cut.
    is_one_request = found.pagination.get("type") not in ("offset", "page_number")
    lines = [
        "tests:",
        f"  - name: the recorded answer is {'loaded' if found.rows else 'read'}",
        "    given:",
        *(["      connections: {warehouse: sqlite}"] if found.rows else []),
        *([f"      variables: {flow(dict(variables))}"] if variables else []),
        "      http:",
        f"        - request: {{url: {flow(address)}}}",
        f"          response: {{file: fixtures/{name}.json, headers: {{Content-Type: application/json}}}}",
        "    expect:",
        f"      tasks: {{{'load' if found.rows else 'poll'}: success}}",
        *([f"      output: {{poll: {{count: {len(found.rows)}}}}}"] if found.rows else []),
        *([f"      tables: {{warehouse.{name}: {{count: {len(found.rows)}}}}}"] if found.rows else []),
        *(["      requests: 1"] if is_one_request else []),
    ]
    return "".join(f"{line}\n" for line in lines)
