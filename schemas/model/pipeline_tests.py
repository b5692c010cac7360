"""`NAME.test.yaml`: tests of the pipeline beside it, run by `factory test`, in the words of dbt's unit tests."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.model.fields import Model, PlainValue
from schemas.model.http import URL_PATTERN
from schemas.model.times import Date

Rows = list[dict[str, PlainValue]]
PathOr = Annotated[str, Field(min_length=1)]
"""A path below the test file's folder, of a JSON, JSON Lines or CSV file, in place of the value."""

ROW_FILES = (".json", ".jsonl", ".csv")
"""Endings by which a task's output is the path of a file."""

TaskEnd = Literal["success", "failed", "skipped", "upstream_failed"]


_HEADER = re.compile(r"[\x20-\x7e\xa0-\xff\t]*")


def _header(text: str) -> str:
    if _HEADER.fullmatch(text) is None:
        raise PydanticCustomError("header", "a header field has no line ends, and no characters but those of Latin-1")
    return text


_Header = Annotated[str, AfterValidator(_header)]


class HttpRequestFixture(Model):
    """Which request an answer is for. What is not written may be anything."""

    url: str = Field(pattern=URL_PATTERN, examples=["https://shop.example.com/orders"])
    """The URL; its query may be in `params`, too."""
    method: str = "GET"
    """HTTP method."""
    params: dict[str, str | int | float | bool | list[str]] | None = None
    """Query parameters that the request must have; others may come with them."""
    headers: dict[str, str] | None = None
    """Header fields that the request must have."""
    json_: Any = Field(default=None, alias="json")
    """The JSON body that the request must have."""


class HttpResponseFixture(Model):
    """An answer."""

    status: int = Field(default=200, ge=200, le=599)
    """Its status."""
    headers: dict[_Header, _Header] = {}
    """Its header fields."""
    json_: Any = Field(default=None, alias="json")
    """Its body, as JSON."""
    text: str | None = None
    """Its body, as text."""
    file: str | None = None
    """A file below the test file's folder that holds its body."""

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        bodies = [f"`{name.rstrip('_')}`" for name in ("json_", "text", "file") if name in self.model_fields_set]
        if len(bodies) > 1:
            which = {"which": " and ".join(bodies)}
            raise PydanticCustomError("bodies", "an answer has one body: {which} exclude each other", which)
        return self


class HttpFixture(Model):
    """One answer of a server that is not there."""

    request: HttpRequestFixture
    """Which request it is for."""
    response: HttpResponseFixture = HttpResponseFixture.model_construct()
    """The answer."""
    times: int | None = Field(default=None, ge=1)
    """How often it is given; then the next fixture that fits counts. Default: as often as it is asked for."""


class TableFixture(Model):
    """A table: its columns, also where it has no rows."""

    columns: list[str] | dict[str, str] = Field(min_length=1)
    """Their names, or their types by name, in the database's words."""
    rows: Rows | PathOr = []
    """The rows, or the path of a file with them."""


class FileFixture(Model):
    """A file beside the test, of which the test gets a copy."""

    file: PathOr
    """Its path below the test file's folder."""


class Given(Model):
    """What is there before the tasks run."""

    http: list[HttpFixture] | PathOr = []
    """Answers of servers, or a file with a list of them, as `--record` writes it."""
    tasks: dict[str, PlainValue] = {}
    """Outputs of tasks that do not run: a value, or the path of a file."""
    tables: dict[str, Rows | PathOr | TableFixture] = {}
    """Rows of tables, by `CONNECTION.TABLE`. Each connection is a database of the test's own, a SQLite file."""
    files: dict[str, str | Rows | FileFixture] = {}
    """Files in the test's own folder, in which its tasks run, by path: a text, rows, or a copy (`file`)."""
    connections: dict[str, str] = {}
    """Connections by id, as URIs; `sqlite` or `duckdb` is a database of the test's own."""
    variables: dict[str, str] = {}
    """Airflow variables."""
    env: dict[str, str] = {}
    """Environment variables. `${env.TEST_FOLDER}` is the test's own folder, here, in `connections` and in `params`."""


class ExpectedRows(Model):
    """What rows must be."""

    rows: Rows | PathOr | None = None
    """The rows, or the path of a file with them."""
    count: int | None = Field(default=None, ge=0)
    """How many there are."""
    match: Literal["exact", "subset"] = "exact"
    """`subset`: each row may have more keys, and there may be more rows."""
    order: Literal["given", "any"] = "given"
    """`any`: in any order."""


class ExpectedOutput(ExpectedRows):
    """What a task's output must be."""

    value: PlainValue = None
    """The whole output, of any shape."""


class ExpectedFile(ExpectedRows):
    """What a file must hold; with no key, that it is there."""

    text: str | None = None
    """Its whole text."""


class ExpectedOutcome(Model):
    """What must be there after the tasks have run. Without `tasks`, all that run must succeed or be skipped."""

    tasks: dict[str, TaskEnd] = {}
    """How tasks end."""
    output: dict[str, ExpectedOutput] = {}
    """What tasks hand on."""
    tables: dict[str, ExpectedRows] = {}
    """What tables hold, by `CONNECTION.TABLE`."""
    files: dict[str, ExpectedFile] = {}
    """What files hold, by their path below the test's own folder."""
    requests: int | None = Field(default=None, ge=0)
    """How many requests are sent."""
    state: dict[str, dict[str, PlainValue]] = {}
    """What polls remember afterwards, by task: `{poll: {cursor: …}}`; with `token_path` it is a `token`, with
    `change_detection` an `answer`."""
    error: str | None = None
    """Text that the error of a failed task must hold."""


class PipelineTest(Model):
    """One test."""

    name: str = Field(min_length=1)
    """What it shows, in a person's words."""
    task: str | Annotated[list[str], Field(min_length=1)] | None = None
    """The tasks that run; without it the whole pipeline."""
    dag_id: str | None = None
    """Which DAG of the file, where a matrix makes several."""
    now: Date | None = None
    """The moment at which it runs, which is its logical date, too. Default: the real one."""
    params: dict[str, PlainValue] = {}
    """Params, as in Airflow's trigger form."""
    environment: str | None = None
    """Which of the pipeline's `environments`."""
    state: dict[str, dict[str, PlainValue]] = {}
    """What polls remember from earlier runs, by task, as in `expect.state`."""
    given: Given = Given.model_construct()
    """What is there before."""
    expect: ExpectedOutcome = ExpectedOutcome.model_construct()
    """What must be there afterwards."""


class PipelineTests(Model):
    """A test file."""

    pipeline: str | None = None
    """The pipeline's file, in the same folder. Default: the test file's own name."""
    tests: list[PipelineTest] = Field(min_length=1)
    """The tests, each on its own."""
