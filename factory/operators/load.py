"""The operator behind the built-in `load`."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from factory.data import without_rows
from factory.data.places import RowFileError, all_csv, named_by_folders, own_folder, states
from factory.data.row_files import read_rows
from factory.data.sql import SqlError, connection_of
from schemas.compose.env_values import names_secret, without


class LoadOperator(BaseOperator):
    """Loads rows into a table of a connection's database, by dlt.

    :param conn_id: Airflow connection (templated)
    :param table: `table` or `schema.table` (templated)
    :param rows: list of mappings (templated)
    :param file: in place of `rows`: a path, a list of paths or a pattern (templated)
    :param write_disposition: `append`, `replace` or `merge`
    :param primary_key: columns by which `merge` finds rows
    :param schema_contract: `evolve`, `freeze`, `discard_row` or `discard_value`
    :param columns: type, or `{"data_type": …, "precision": …, "scale": …}`, by column
    :param create: whether a table that is not there is made

    The output says how many rows have arrived, which columns were added, and how many rows and values were left out.
    """

    template_fields: Sequence[str] = ("conn_id", "table", "rows", "file")
    ui_color = "#dff3e4"

    def __init__(  # noqa: PLR0913 # the keys of `with`
        self,
        *,
        conn_id: str,
        table: str,
        rows: Sequence[Mapping[str, Any]] | None = None,
        file: str | Sequence[str] | None = None,
        write_disposition: str = "append",
        primary_key: str | Sequence[str] | None = None,
        schema_contract: str = "evolve",
        columns: Mapping[str, Any] | None = None,
        create: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.table = table
        self.rows = rows
        self.file = file
        self.write_disposition = write_disposition
        self.primary_key = primary_key
        self.schema_contract = schema_contract
        self.columns = columns
        self.create = create

    def execute(self, context: Context) -> dict[str, Any]:
        """Load them. Raises AirflowException with the database's own words, never with a password."""
        # dlt comes with these: only a task that loads pays for it.
        from factory.data.columns import ColumnType  # noqa: PLC0415
        from factory.data.csv_headers import different_columns, headers  # noqa: PLC0415
        from factory.data.destinations import target_of  # noqa: PLC0415
        from factory.data.load import load  # noqa: PLC0415
        from factory.data.load_errors import LoadError  # noqa: PLC0415
        from factory.data.load_plan import LoadRequest  # noqa: PLC0415

        if self.rows is None and self.file is None:
            raise without_rows(self)
        if self.rows is not None and self.file is not None:
            raise AirflowFailException("`load` takes either `rows` or `file`")
        ti: Any = context["ti"]
        schema, _, name = self.table.rpartition(".")
        if not name or "." in schema or self.table.startswith("."):
            raise AirflowFailException(f"`table` is `{self.table}`: write `table` or `schema.table`")
        key = [self.primary_key] if isinstance(self.primary_key, str) else list(self.primary_key or ())
        key = key if self.write_disposition == "merge" else []
        request = LoadRequest(
            self.table,
            _load_id(ti.dag_id, ti.run_id, ti.task_id, ti.map_index),
            self.write_disposition,  # type: ignore[arg-type] # the model has checked it
            key,
            self.schema_contract,  # type: ignore[arg-type]
            {
                name: ColumnType(**({"data_type": one} if isinstance(one, str) else one))
                for name, one in (self.columns or {}).items()
            },
            self.create,
        )
        secrets: list[str] = []
        try:
            connection = connection_of(self.conn_id)
            given = connection.extra_dejson.items()
            secrets += [connection.password or "", *(str(one) for name, one in given if names_secret(name))]
            with _working_folder():
                target = target_of(connection, schema or None, name)
                read = _rows_of_files(self.file or ()) if self.rows is None else lambda: self.rows or ()
                is_csv = self.rows is None and all_csv(self.file)
                of_files = {"headers": partial(headers, self.file), "folders": partial(named_by_folders, self.file)}
                loaded = load(read, target, request, is_csv=is_csv, **of_files)  # type: ignore[arg-type] # by name
                loaded.aside += different_columns(self.file) if self.rows is None else []
        except (LoadError, RowFileError, SqlError) as error:
            text = without(str(error), secrets, "***")
            raise AirflowException(f"{self.conn_id}: {text}") from None
        for text in loaded.aside:
            self.log.warning("%s", text)
        self.log.info(
            "%s",
            ", ".join(f"{name}: {value}" for name, value in loaded.output().items() if value or name == "rows_loaded"),
        )
        return loaded.output()


def _rows_of_files(file: Any) -> Callable[[], Iterator[dict[str, Any]]]:
    """Reads the rows of files as often as it is called. Raises RowFileError, also where a file is another one by then:
    types that one version was looked through for do not hold for the next."""
    first: dict[str, Any] = {}
    given = file if isinstance(file, Sequence) else ()
    paths = [one for one in ([given] if isinstance(given, str) else given) if isinstance(one, str)]

    def read() -> Iterator[dict[str, Any]]:
        is_again = bool(first)
        refuse_changes()
        yield from read_rows(file)
        if is_again:
            refuse_changes()

    def refuse_changes() -> None:
        now = {path: state for pattern in paths for path, state in states(pattern).items()}
        first.update(now if not first else {})
        for path in sorted({*first, *now}):
            if first.get(path) != now.get(path):
                raise RowFileError(
                    f"`{path}` has changed while it was read, which `load` does twice: nothing is loaded"
                )

    return read


@contextmanager
def _working_folder() -> Iterator[None]:
    """A folder of dlt's own that goes with the task, or if that is killed with the next load on this machine; and
    settings that hold whatever is configured elsewhere."""
    folder, lock = own_folder(tempfile.gettempdir(), "load-")
    before: dict[str, str | None] = {}
    try:
        settings = {
            "DLT_DATA_DIR": folder,
            "DLT_PROJECT_DIR": folder,
            # It would ask Airflow for hundreds of Variables.
            "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "CRITICAL",
            "SCHEMA__NAMING": "direct",
            # Some of its writers hold a whole file in memory.
            "DATA_WRITER__FILE_MAX_ITEMS": "100000",
            "LOAD__WORKERS": "1",
            "LOAD__TRUNCATE_STAGING_DATASET": "false",
        }
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _load_id(*parts: Any) -> str:
    """The id of a task instance's load."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
