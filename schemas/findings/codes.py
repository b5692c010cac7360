"""Every code a diagnostic can carry. Codes are stable: a retired one is never given to another meaning."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import NamedTuple


class Severity(Enum):
    """An error keeps the pipeline from being built; a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class _Entry(NamedTuple):
    id: str
    slug: str
    severity: Severity
    summary: str


def _error(code: str, slug: str, summary: str) -> _Entry:
    return _Entry(code, slug, Severity.ERROR, summary)


def _warning(code: str, slug: str, summary: str) -> _Entry:
    return _Entry(code, slug, Severity.WARNING, summary)


def _note(code: str, slug: str, summary: str) -> _Entry:
    return _Entry(code, slug, Severity.NOTE, summary)


class Code(Enum):
    """`PF0xx` reading, `PF1xx` shape, `PF2xx` schedule, `PF3xx` graph, references, Python and operators,
    `PF4xx` security, `PF5xx` policy."""

    YAML_SYNTAX = _error("PF001", "yaml-syntax", "The text is not YAML.")
    NOT_UTF8 = _error("PF002", "not-utf8", "The file is not UTF-8 text.")
    DUPLICATE_KEY = _error("PF003", "duplicate-key", "A mapping has a duplicate key.")
    TAG = _error("PF004", "yaml-tag", "A value has a YAML tag; tags are not part of the language.")
    RECURSIVE_ALIAS = _error("PF005", "recursive-alias", "An alias is inside the value that it refers to.")
    TOO_LARGE = _error("PF006", "too-large", "The file, or what its aliases expand to, is too large.")
    TOO_DEEP = _error("PF007", "too-deep", "Values are nested deeper than 64 levels.")
    SEVERAL_DOCUMENTS = _error("PF008", "several-documents", "The file contains more than one YAML document.")
    KEY_NOT_TEXT = _error("PF009", "key-not-text", "A key is not text.")
    NEEDS_QUOTES = _error("PF010", "needs-quotes", "A value needs quotes.")
    UNREADABLE = _error("PF011", "unreadable", "The file cannot be read.")
    BAD_MERGE = _error("PF012", "bad-merge", "`<<` does not name a mapping.")
    NUMBER_TOO_LONG = _error("PF013", "number-too-long", "A number has too many digits.")
    CHECK_FAILED = _error(
        "PF014", "check-failed", "The file could not be checked because of a bug in pipeline-factory."
    )
    MISNAMED_FILE = _error(
        "PF015", "misnamed-file", "A file looks like a pipeline or defaults, but its name keeps it from being read."
    )
    MORE_FINDINGS = _note("PF016", "more-findings", "A file has too many findings of one kind; the rest are not shown.")

    MISSING_KEY = _error("PF101", "missing-key", "A required key is missing.")
    UNKNOWN_KEY = _error("PF102", "unknown-key", "A key is unknown.")
    WRONG_TYPE = _error("PF103", "wrong-type", "A value has the wrong type.")
    WRONG_VALUE = _error("PF104", "wrong-value", "A value is not allowed.")
    CONFLICTING_KEYS = _error("PF105", "conflicting-keys", "Keys that exclude each other are used together.")
    FOREIGN_DIALECT = _error("PF106", "foreign-dialect", "The file is written for another tool.")
    RESERVED_KEY = _error("PF107", "reserved-key", "Keys that start with `$` are reserved.")
    EMPTY_FILE = _error("PF108", "empty-file", "The file contains no pipeline.")
    TASK_SETTING_IN_WITH = _error("PF109", "task-setting-in-with", "A task setting is inside `with`.")
    NOT_A_DEFAULT = _error("PF110", "not-a-default", "A `_defaults.yaml` sets a key that belongs to a single file.")
    BAD_PARAM = _error("PF111", "bad-param", "An entry of `params` is invalid, or its default does not fit it.")

    YAML11_VALUE = _warning("PF120", "yaml-1-1-value", "dag-factory, which reads YAML 1.1, reads a value differently.")
    DAG_FACTORY_IGNORES = _warning("PF121", "dag-factory-ignores", "dag-factory or Airflow ignores a key.")
    REFUSED_BY_AIRFLOW_3 = _error("PF122", "refused-by-airflow-3", "Airflow 3 rejects what dag-factory makes of this.")
    MOVING_DATE = _warning("PF123", "moving-date", "A date is relative to today.")
    BAD_OBJECT = _error("PF124", "bad-object", "A mapping that describes an object is invalid.")
    NOT_CONVERTED = _error("PF125", "not-converted", "`factory convert` could not convert something.")
    CONVERTED_OTHERWISE = _warning(
        "PF126", "converted-otherwise", "`factory convert` left something out or wrote it differently."
    )
    DEFAULTS_OF_NOTHING = _warning("PF127", "defaults-of-nothing", "Defaults for dag-factory apply to no document.")
    UNKNOWN_VALUE = _error("PF112", "unknown-value", "`${vars.…}` or `${matrix.…}` names a value that does not exist.")
    CIRCULAR_VALUES = _error("PF113", "circular-values", "Values of `vars` refer to each other in a circle.")
    NOT_A_TEXT = _error("PF114", "not-a-text", "A mapping, a list or null is used inside a longer text.")
    BAD_MATRIX = _error("PF115", "bad-matrix", "A `matrix` gives no rows, or contains an obvious mistake.")
    MATRIX_TOO_LARGE = _error("PF116", "matrix-too-large", "A `matrix` gives more than 256 rows.")
    DAG_ID_OF_MATRIX = _error(
        "PF117", "dag-id-of-matrix", "With `matrix`, the `dag_id` must include every key that varies."
    )

    BAD_CRON = _error("PF201", "bad-cron", "A cron expression is not valid.")
    UNKNOWN_PRESET = _error("PF202", "unknown-preset", "A schedule preset does not exist.")
    UNKNOWN_TIMEZONE = _error("PF203", "unknown-timezone", "A time zone does not exist.")
    NO_SUCH_DATE = _error("PF205", "no-such-date", "A date does not exist in the calendar.")
    END_BEFORE_START = _error("PF204", "end-before-start", "`end_date` is before `start_date`.")

    UNKNOWN_TIMETABLE = _error(
        "PF206", "unknown-timetable", "Airflow cannot store the timetable that a schedule names."
    )
    BAD_ASSET = _error("PF207", "bad-asset", "The name or URI of an asset is invalid.")
    ASSET_CONFLICT = _error("PF208", "asset-conflict", "An asset name is used with two URIs, or a URI with two names.")
    INTERVAL_OF_SEVERAL = _error(
        "PF209", "interval-of-several", "A schedule of several crons cannot have a data interval."
    )

    SKIPPED_TIME = _warning("PF210", "skipped-time", "The schedule names a time of day that some days do not have.")
    NO_DATA_INTERVAL = _warning(
        "PF211", "no-data-interval", "A template uses the data interval of runs that have none."
    )
    TIMEOUT_BEYOND_SLOTS = _warning("PF212", "timeout-beyond-slots", "`dagrun_timeout` allows runs to pile up.")
    STEP_WITHOUT_EFFECT = _warning("PF213", "step-without-effect", "A cron step leaves only one value.")
    RANGE_OF_ONE = _warning("PF214", "range-of-one", "Airflow reads a cron range differently from how it is written.")

    SURPRISING_SCHEDULE = _warning(
        "PF215", "surprising-schedule", "A schedule names other times than it seems to at first sight."
    )
    NO_LOGICAL_DATE = _warning("PF216", "no-logical-date", "Something needs the logical date of runs that have none.")
    ASSET_LOOP = _warning("PF217", "asset-loop", "A pipeline updates an asset that starts it again.")

    DUPLICATE_TASK_ID = _error("PF301", "duplicate-task-id", "Two tasks have the same id.")
    UNKNOWN_TASK = _error("PF302", "unknown-task", "`needs` or a reference names a task that does not exist.")
    CYCLE = _error("PF303", "cycle", "Tasks wait for each other.")
    BAD_EXPRESSION = _error("PF304", "bad-expression", "A `${…}` expression is invalid.")
    EXPRESSION_NOT_ALLOWED = _error("PF305", "expression-not-allowed", "A `${…}` expression is not allowed here.")
    NOT_TEMPLATED = _error(
        "PF306", "not-templated", "A task's output is passed to an argument that Airflow does not render."
    )
    UNKNOWN_MODULE = _error("PF307", "unknown-module", "A dotted path names a module that does not exist.")
    UNKNOWN_NAME = _error("PF308", "unknown-name", "A module has no such function or class.")
    UNKNOWN_ARGUMENT = _error("PF309", "unknown-argument", "A function or operator has no such argument.")
    MISSING_ARGUMENT = _error("PF310", "missing-argument", "A required argument of a function or operator is missing.")
    HIDDEN_MODULE = _error("PF311", "hidden-module", "Another module with the same name would be imported.")
    NOT_CALLABLE = _error("PF312", "not-callable", "A dotted path is neither a function nor an operator.")
    UNKNOWN_USES = _error("PF313", "unknown-uses", "`uses` is neither a built-in nor a dotted path.")
    DUPLICATE_DAG_ID = _error("PF314", "duplicate-dag-id", "Two files have the same DAG id.")
    PYTHON_SYNTAX = _error("PF315", "python-syntax", "A task's Python module has a syntax error.")
    WRONG_ARGUMENT = _error("PF316", "wrong-argument", "An argument does not fit its annotation.")
    BUILD_FAILED = _error("PF317", "build-failed", "Airflow rejected the pipeline when it was built.")
    UNSET_VARIABLE = _warning("PF318", "unset-variable", "An environment variable is not set and has no default.")
    VARIABLE_DOES_NOT_FIT = _error(
        "PF319", "variable-does-not-fit", "The value of an environment variable does not fit where it is used."
    )
    OPERATOR_NOT_INSTALLED = _note(
        "PF320", "operator-not-installed", "A package is not installed here, so its operators were not checked."
    )
    FAIL_FAST_TRIGGER_RULE = _error(
        "PF321", "fail-fast-trigger-rule", "`fail_fast` is used with a `trigger_rule` other than `all_success`."
    )
    ID_TOO_LONG = _error("PF322", "id-too-long", "A task's id, including its groups, is too long for Airflow.")
    NO_OUTPUT = _error("PF323", "no-output", "A reference names something that has no output.")
    CURSOR_KIND = _error(
        "PF345", "cursor-kind", "`initial_value`, `lag` and `end_param` do not fit the same kind of cursor."
    )
    KEY_ALONE = _error("PF346", "key-alone", "A key has no effect without another key, which is missing.")
    CONDITION_OF_ONE_PAGE = _error(
        "PF347", "condition-of-one-page", "A server's answer about one page is used for all pages."
    )
    TEMPLATE_IN_WATCH = _error(
        "PF348", "template-in-watch", "A watched request contains a template, but there is no run to render it."
    )
    STATE_SHARED = _error("PF349", "state-shared", "Two tasks keep their state under the same name.")
    RELATIVE_FILE = _error("PF335", "relative-file", "A task waits for a file with a relative path.")
    CONTRADICTION = _error("PF336", "contradiction", "Values contradict each other.")
    UNKNOWN_DAG = _warning("PF337", "unknown-dag", "A task waits for or starts a DAG whose id looks like a typo.")
    NOT_IN_TRIGGERER = _error(
        "PF338", "not-in-triggerer", "The triggerer runs a function that is only in the pipelines folder."
    )
    CANNOT_EXPAND = _error("PF324", "cannot-expand", "A task or a group cannot be mapped this way.")
    UNKNOWN_EXPAND = _error(
        "PF325", "unknown-expand", "`${expand.NAME}` names something that no enclosing group is mapped over."
    )

    SETUP_TEARDOWN = _error(
        "PF326", "setup-teardown", "Setups and teardowns are combined in a way that Airflow does not allow."
    )
    BAD_CONDITION = _error("PF327", "bad-condition", "`run_if` or `skip_if` decides nothing.")
    NULL_BY_COMMENT = _warning("PF329", "null-by-comment", "A `#` after a key makes the value a comment.")
    SURPRISING_COMMAND = _warning(
        "PF350", "surprising-command", "A shell command does something other than it seems to."
    )
    HIDDEN_FAILURE = _warning("PF351", "hidden-failure", "A run succeeds although a task failed.")
    ALWAYS_SKIPPED = _warning("PF352", "always-skipped", "A task is skipped in every run.")
    PULLED_TOO_EARLY = _warning("PF353", "pulled-too-early", "A template pulls from a task that may not have run yet.")
    ID_OF_MATRIX = _error("PF328", "id-of-matrix", "With `matrix`, the `id` must include every key that varies.")

    REFERENCE_TOO_EARLY = _error(
        "PF360", "reference-too-early", "dag-factory builds a task before the one whose output it uses."
    )
    VARIABLE_AT_PARSE = _warning(
        "PF361", "variable-at-parse", "An Airflow Variable is read each time the file is parsed."
    )

    BAD_PYTHON_OBJECT = _error("PF330", "bad-python-object", "A `{$object: …}` is invalid.")
    OBJECT_NOT_ALLOWED = _error("PF331", "object-not-allowed", "A `{$object: …}` is used where no object can be made.")
    CLASS_IN_PLACE_OF_OBJECT = _error(
        "PF332", "class-in-place-of-object", "A class is used where an object is expected."
    )
    BAD_JMESPATH = _error("PF340", "bad-jmespath", "A JMESPath expression is invalid.")
    BAD_JSON_SCHEMA = _error("PF341", "bad-json-schema", "A JSON Schema is invalid.")
    RETRY_WITHOUT_EFFECT = _error(
        "PF342", "retry-without-effect", "A request is never retried, although the file asks for it."
    )
    ROWS_AT_RISK = _warning("PF344", "rows-at-risk", "A request is written so that rows may be missing, or come twice.")
    KEY_OF_ANOTHER_TYPE = _error("PF343", "key-of-another-type", "A key has no effect together with the other keys.")
    MISSPELT_KEYWORD = _error("PF333", "misspelt-keyword", "A keyword of a param's JSON Schema looks like a typo.")

    EXTRA_NOT_INSTALLED = _note(
        "PF370", "extra-not-installed", "A data task needs an extra that is not installed here."
    )
    BAD_CHART = _error(
        "PF372", "bad-chart", "The spec of a chart is not Vega-Lite, or names a column that is not there."
    )
    BAD_SQL = _warning("PF373", "bad-sql", "A text that should be SQL cannot be read as SQL.")
    FILE_FORMAT = _error("PF371", "file-format", "The name of a file does not end with a format that the task knows.")

    TEMPLATE_NOT_CLOSED = _error("PF380", "template-not-closed", "A template is not closed.")
    MISSING_FILE = _error("PF381", "missing-file", "A script or SQL file that a task names does not exist.")
    MOVED_PATH = _warning("PF382", "moved-path", "A dotted path is from Airflow 2 and has moved.")
    LOOK_ALIKE = _warning("PF383", "look-alike", "A character looks like another one.")
    BAD_TEMPLATE = _error("PF384", "bad-template", "Jinja cannot read a template, or Airflow 3 cannot render it.")

    UNKNOWN_TASK_TEMPLATE = _error("PF390", "unknown-task-template", "`template` names a template that does not exist.")
    BAD_TASK_TEMPLATE = _error("PF391", "bad-task-template", "A template of tasks cannot be used.")

    SECRET_VARIABLE = _error("PF401", "secret-variable", "An environment variable looks like a secret.")
    SECRET_IN_URL = _error("PF402", "secret-in-url", "A URL in the file contains a password.")

    LITERAL_SECRET = _error("PF403", "literal-secret", "The file contains a secret.")
    METADATA_ADDRESS = _error("PF404", "metadata-address", "A URL points to an address that is blocked.")
    UNVERIFIED_TLS = _warning("PF405", "unverified-tls", "Certificates are not verified.")
    UNQUOTED_IN_SHELL = _warning(
        "PF406", "unquoted-in-shell", "A shell command contains text from outside as a part of it."
    )
    SERVER_OF_A_RUN = _warning(
        "PF407", "server-of-a-run", "A request has credentials, and only a run says for which server."
    )

    BAD_IGNORE = _error("PF501", "bad-ignore", "A `# factory: ignore[…]` comment is invalid.")
    UNUSED_IGNORE = _warning("PF502", "unused-ignore", "A `# factory: ignore[…]` comment has nothing to ignore.")

    BAD_SETTING = _error("PF503", "bad-setting", "A policy setting does not exist or is invalid.")
    REQUIRED_KEY = _error("PF504", "required-key", "The policy requires a key that the pipeline does not have.")
    TOO_FEW_RETRIES = _error("PF505", "too-few-retries", "A task has fewer retries than the policy requires.")
    DAG_ID_PATTERN = _error("PF506", "dag-id-pattern", "A DAG id does not match the policy's pattern.")
    INTERVAL_TOO_SHORT = _error("PF507", "interval-too-short", "A pipeline runs more often than the policy allows.")
    USES_NOT_ALLOWED = _error("PF508", "uses-not-allowed", "A task uses what the policy does not allow.")
    HOST_NOT_ALLOWED = _error("PF509", "host-not-allowed", "A URL names a host that the policy does not allow.")

    @property
    def id(self) -> str:
        return self.value.id

    @property
    def slug(self) -> str:
        """The kebab name, as in `error[unknown-key]`."""
        return self.value.slug

    @property
    def severity(self) -> Severity:
        return self.value.severity

    @property
    def summary(self) -> str:
        return self.value.summary


RULE_PAGES = Path(__file__).parent / "rule_pages"


def rule_page(code: Code) -> str:
    """The Markdown page of a code: what it finds and why, a wrong and a right example (see CONTRIBUTING.md)."""
    return (RULE_PAGES / f"{code.id}.md").read_text(encoding="utf-8")
