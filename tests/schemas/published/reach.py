"""What a JSON Schema can say of a pipeline, and what only `lint` can.

In reach: a document with such a finding does not fit the JSON Schema. And a document that does not fit has an
error in lint. Both hold for the effective document: what `_defaults.yaml` gives to a file, an editor does not see.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from schemas.findings.codes import Code

IN_REACH = frozenset(
    {
        Code.MISSING_KEY,
        Code.UNKNOWN_KEY,
        Code.WRONG_TYPE,
        Code.WRONG_VALUE,
        Code.CONFLICTING_KEYS,
        Code.RESERVED_KEY,
        Code.EMPTY_FILE,
    }
)

_TEXT = "it is about the text; a JSON Schema sees what was read of it"
_CALENDAR = "a pattern knows the form of the value, not the calendar, the cron fields or the time zones"
_NAMES = "it compares values of different places"
_SOURCE = "it takes the Python source or the packages that are installed"
_ENVIRONMENT = "it takes the environment's values"

_POLICY = "each project has its own policy, the schema is one for all"
_COMMENTS = "a schema sees values, not comments"
_DAG_FACTORY = "it is about dag-factory's documents, which have no JSON Schema here"
_OTHER = "it is written in a language of its own"
_GUESS = "text may hold anything; what it was meant as is a guess"

OUT_OF_REACH: Mapping[Code, str] = MappingProxyType(
    {
        Code.YAML_SYNTAX: _TEXT,
        Code.NOT_UTF8: _TEXT,
        Code.DUPLICATE_KEY: _TEXT,
        Code.TAG: _TEXT,
        Code.RECURSIVE_ALIAS: _TEXT,
        Code.TOO_LARGE: _TEXT,
        Code.TOO_DEEP: _TEXT,
        Code.SEVERAL_DOCUMENTS: _TEXT,
        Code.KEY_NOT_TEXT: _TEXT,
        Code.NEEDS_QUOTES: _TEXT,
        Code.UNREADABLE: _TEXT,
        Code.BAD_MERGE: _TEXT,
        Code.NUMBER_TOO_LONG: _TEXT,
        Code.CHECK_FAILED: "it is about the factory, not the file",
        Code.MORE_FINDINGS: "it is about the findings, not the file",
        Code.FOREIGN_DIALECT: "another language's marks may stand deep inside an argument, where all is allowed",
        Code.TASK_SETTING_IN_WITH: "a function may have such an argument; only its source tells it from an operator",
        Code.BAD_CRON: _CALENDAR,
        Code.UNKNOWN_PRESET: _CALENDAR,
        Code.UNKNOWN_TIMEZONE: _CALENDAR,
        Code.NO_SUCH_DATE: _CALENDAR,
        Code.END_BEFORE_START: _NAMES,
        Code.NOT_A_DEFAULT: "it is about `_defaults.yaml`, whose own JSON Schema has no such key",
        Code.MISNAMED_FILE: "it is about the name of a file, which an editor reads as no pipeline",
        Code.BAD_PARAM: "it holds a default against the JSON Schema beside it",
        Code.MISSPELT_KEYWORD: "a schema may have keywords of its own; that one was meant as another is a guess",
        Code.UNKNOWN_VALUE: _NAMES,
        Code.CIRCULAR_VALUES: _NAMES,
        Code.NOT_A_TEXT: _NAMES,
        Code.BAD_MATRIX: _NAMES,
        Code.MATRIX_TOO_LARGE: "it multiplies the lengths of lists",
        Code.DAG_ID_OF_MATRIX: _NAMES,
        Code.FAIL_FAST_TRIGGER_RULE: _NAMES,
        Code.CURSOR_KIND: "a text is a time or not: draft-07 compares no two values",
        Code.KEY_ALONE: "an editor would mark the whole mapping, not the key that is alone",
        Code.CONDITION_OF_ONE_PAGE: "an editor would mark the whole request, not the condition",
        Code.TEMPLATE_IN_WATCH: "templates are allowed wherever a run sends the request",
        Code.STATE_SHARED: _NAMES,
        Code.DUPLICATE_TASK_ID: _NAMES,
        Code.UNKNOWN_TASK: _NAMES,
        Code.CYCLE: _NAMES,
        Code.ID_TOO_LONG: _NAMES,
        Code.NO_OUTPUT: _NAMES,
        Code.RELATIVE_FILE: _NAMES,
        Code.CONTRADICTION: _NAMES,
        Code.UNKNOWN_DAG: "it compares files",
        Code.NOT_IN_TRIGGERER: _SOURCE,
        Code.CANNOT_EXPAND: _NAMES,
        Code.SETUP_TEARDOWN: _NAMES,
        Code.ID_OF_MATRIX: _NAMES,
        Code.UNKNOWN_TASK_TEMPLATE: "it asks which files there are",
        Code.BAD_TASK_TEMPLATE: "it is about another file",
        Code.BAD_CONDITION: _GUESS,
        Code.UNKNOWN_EXPAND: _NAMES,
        Code.BAD_EXPRESSION: "text may hold any `${…}`; that one was meant as an expression is a guess",
        Code.EXPRESSION_NOT_ALLOWED: "said of names, schedules and typed values; not of free text",
        Code.NOT_TEMPLATED: "said of typed values; which arguments an operator renders takes its source",
        Code.UNKNOWN_MODULE: _SOURCE,
        Code.UNKNOWN_NAME: _SOURCE,
        Code.UNKNOWN_ARGUMENT: _SOURCE,
        Code.MISSING_ARGUMENT: _SOURCE,
        Code.HIDDEN_MODULE: _SOURCE,
        Code.NOT_CALLABLE: _SOURCE,
        Code.UNKNOWN_USES: "said of a name without a dot; the rest takes the Python source",
        Code.DUPLICATE_DAG_ID: "it compares files",
        Code.PYTHON_SYNTAX: _SOURCE,
        Code.WRONG_ARGUMENT: _SOURCE,
        Code.BUILD_FAILED: "Airflow itself says it",
        Code.UNSET_VARIABLE: _ENVIRONMENT,
        Code.VARIABLE_DOES_NOT_FIT: _ENVIRONMENT,
        Code.OPERATOR_NOT_INSTALLED: _SOURCE,
        Code.UNKNOWN_TIMETABLE: _SOURCE,
        Code.BAD_ASSET: "which names Airflow refuses is more than a pattern says",
        Code.ASSET_CONFLICT: _NAMES,
        Code.INTERVAL_OF_SEVERAL: _NAMES,
        Code.BAD_PYTHON_OBJECT: "said of values of any shape, too",
        Code.OBJECT_NOT_ALLOWED: _SOURCE,
        Code.CLASS_IN_PLACE_OF_OBJECT: _SOURCE,
        Code.SKIPPED_TIME: _CALENDAR,
        Code.NO_DATA_INTERVAL: _NAMES,
        Code.TIMEOUT_BEYOND_SLOTS: _CALENDAR,
        Code.STEP_WITHOUT_EFFECT: _CALENDAR,
        Code.RANGE_OF_ONE: _CALENDAR,
        Code.SURPRISING_SCHEDULE: _CALENDAR,
        Code.NO_LOGICAL_DATE: _NAMES,
        Code.ASSET_LOOP: _NAMES,
        Code.NULL_BY_COMMENT: _COMMENTS,
        Code.SURPRISING_COMMAND: _OTHER,
        Code.HIDDEN_FAILURE: _NAMES,
        Code.ALWAYS_SKIPPED: _NAMES,
        Code.PULLED_TOO_EARLY: _NAMES,
        Code.BAD_JMESPATH: _OTHER,
        Code.BAD_JSON_SCHEMA: _OTHER,
        Code.RETRY_WITHOUT_EFFECT: _NAMES,
        Code.ROWS_AT_RISK: _NAMES,
        Code.KEY_OF_ANOTHER_TYPE: _NAMES,
        Code.METADATA_ADDRESS: _GUESS,
        Code.TEMPLATE_NOT_CLOSED: _GUESS,
        Code.BAD_TEMPLATE: _GUESS,
        Code.MISSING_FILE: "it asks which files there are",
        Code.MOVED_PATH: _SOURCE,
        Code.LOOK_ALIKE: _GUESS,
        Code.YAML11_VALUE: _DAG_FACTORY,
        Code.DAG_FACTORY_IGNORES: _DAG_FACTORY,
        Code.REFUSED_BY_AIRFLOW_3: _DAG_FACTORY,
        Code.MOVING_DATE: _DAG_FACTORY,
        Code.BAD_OBJECT: _DAG_FACTORY,
        Code.NOT_CONVERTED: _DAG_FACTORY,
        Code.CONVERTED_OTHERWISE: _DAG_FACTORY,
        Code.DEFAULTS_OF_NOTHING: _DAG_FACTORY,
        Code.REFERENCE_TOO_EARLY: _DAG_FACTORY,
        Code.VARIABLE_AT_PARSE: _DAG_FACTORY,
        Code.LITERAL_SECRET: _GUESS,
        Code.UNVERIFIED_TLS: _GUESS,
        Code.UNQUOTED_IN_SHELL: _GUESS,
        Code.SERVER_OF_A_RUN: "only a run knows the value",
        Code.SECRET_VARIABLE: "names that look like secrets are told by rules of words, not by a pattern",
        Code.BAD_IGNORE: _COMMENTS,
        Code.UNUSED_IGNORE: _COMMENTS,
        Code.BAD_SETTING: _POLICY,
        Code.REQUIRED_KEY: _POLICY,
        Code.TOO_FEW_RETRIES: _POLICY,
        Code.DAG_ID_PATTERN: _POLICY,
        Code.INTERVAL_TOO_SHORT: _POLICY,
        Code.USES_NOT_ALLOWED: _POLICY,
        Code.HOST_NOT_ALLOWED: _POLICY,
        Code.FILE_FORMAT: _NAMES,
        Code.BAD_CHART: _OTHER,
        Code.BAD_SQL: _OTHER,
        Code.EXTRA_NOT_INSTALLED: _SOURCE,
        Code.SURPRISING_COMMAND: _GUESS,
        Code.SURPRISING_SCHEDULE: _CALENDAR,
        Code.HIDDEN_FAILURE: _NAMES,
        Code.ALWAYS_SKIPPED: _NAMES,
        Code.PULLED_TOO_EARLY: _NAMES,
        Code.ASSET_LOOP: _NAMES,
        Code.NO_LOGICAL_DATE: _NAMES,
        Code.NULL_BY_COMMENT: _TEXT,
        Code.SECRET_IN_URL: "it is said of every text, also inside values of any shape",
    }
)
"""Code → why no JSON Schema can say it, or not everywhere."""

EXCEPTIONS: Mapping[Code, str] = MappingProxyType(
    {
        Code.MISSING_KEY: "`poll` or `tasks` made `null` by an environment variable; what one of `environments` lacks",
        Code.WRONG_VALUE: "a DAG id that comes from the file's path; `.inf` and `.nan`, which JSON does not have",
    }
)
"""Codes in reach, and the findings of theirs that are not."""
