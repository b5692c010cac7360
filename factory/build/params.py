"""`params` → what a person is asked for when the DAG is triggered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.exceptions import ParamValidationError

from factory.build.errors import BuildError, BuildErrors, one_line
from factory.build.values import plain_data
from schemas.compose.env_values import param_default
from schemas.rules.params import SCHEMA_KEYWORDS


def build_params(params: Mapping[str, Any], *, needs_defaults: bool) -> dict[str, Param]:
    """Airflow's params.

    A scalar or a list is a default. A mapping is always a JSON Schema (Airflow's own keywords such as `section` and
    `values_display` included), so a default that is a mapping is written `{type: object, default: {…}}`.
    `needs_defaults`: nobody fills in the form of a scheduled run, so Airflow requires a valid default of each
    (`DAG._validate_params`). Raises an ExceptionGroup of BuildErrors.
    """
    built: dict[str, Param] = {}
    errors = BuildErrors()
    for name, written in params.items():
        with errors.collected():
            built[name] = _param(name, written, needs_default=needs_defaults)
    errors.check()
    return built


def _param(name: str, written: Any, *, needs_default: bool) -> Param:
    if not isinstance(written, Mapping):
        return Param(plain_data(written))
    if not SCHEMA_KEYWORDS & written.keys():
        raise BuildError(
            ("params", name),
            "a mapping here is a JSON Schema; write a default that is a mapping as `{type: object, default: {…}}`",
        )
    default = plain_data(param_default(written)) if "default" in written else NOTSET
    plain = plain_data(written)
    schema = {key: value for key, value in plain.items() if key not in ("default", "description")}
    _check_schema(name, schema)
    param = Param(default, plain.get("description"), schema=schema)
    if "default" in written:
        _check_default(name, param)
    elif needs_default:
        raise BuildError(("params", name), "it needs a `default`: scheduled runs ask nobody (or set `schedule: null`)")
    return param


def _check_schema(name: str, schema: Mapping[str, Any]) -> None:
    # Only pipelines with params pay for the import.
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415
    from jsonschema.validators import validator_for  # noqa: PLC0415

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        path = (*("params", name), *error.absolute_path)
        raise BuildError(path, f"it is not a JSON Schema: {error.message}") from None


def _check_default(name: str, param: Param) -> None:
    try:
        param.resolve()
    except ParamValidationError as error:
        cause = error.args[0] if error.args else error
        raise BuildError(
            ("params", name, "default"),
            f"it does not fit its own schema: {getattr(cause, 'message', one_line(error))}",
        ) from None
