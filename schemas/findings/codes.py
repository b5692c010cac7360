"""Every code a diagnostic can carry. Codes are stable: a retired one is never given to another meaning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Severity(Enum):
    """An error keeps the pipeline from being built; a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class _Entry:
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
    DUPLICATE_KEY = _error("PF003", "duplicate-key", "A mapping has one key twice.")
    TAG = _error("PF004", "yaml-tag", "A value has a YAML tag; tags are not part of the language.")
    RECURSIVE_ALIAS = _error("PF005", "recursive-alias", "An alias stands inside the value it names.")
    TOO_LARGE = _error("PF006", "too-large", "The file or what its aliases expand to is too large.")
    TOO_DEEP = _error("PF007", "too-deep", "Values are nested deeper than 64 levels.")
    SEVERAL_DOCUMENTS = _error("PF008", "several-documents", "The file holds more than one YAML document.")
    KEY_NOT_TEXT = _error("PF009", "key-not-text", "A key is not text.")
    NEEDS_QUOTES = _error("PF010", "needs-quotes", "A value has to stand in quotes.")
    UNREADABLE = _error("PF011", "unreadable", "The file cannot be read.")
    BAD_MERGE = _error("PF012", "bad-merge", "`<<` does not name a mapping.")
    NUMBER_TOO_LONG = _error("PF013", "number-too-long", "A number has too many digits.")
    CHECK_FAILED = _error("PF014", "check-failed", "The file could not be checked, by a defect of the factory.")
    MISNAMED_FILE = _error("PF015", "misnamed-file", "The name of a file keeps it from being a pipeline, or defaults.")
    MORE_FINDINGS = _note("PF016", "more-findings", "A file has more findings of one kind than anybody reads.")

    MISSING_KEY = _error("PF101", "missing-key", "A key that must be there is missing.")
    UNKNOWN_KEY = _error("PF102", "unknown-key", "A key that the language does not have.")
    WRONG_TYPE = _error("PF103", "wrong-type", "A value is of the wrong type.")
    WRONG_VALUE = _error("PF104", "wrong-value", "A value is not one of those allowed.")
    CONFLICTING_KEYS = _error("PF105", "conflicting-keys", "Keys that exclude each other stand together.")
    FOREIGN_DIALECT = _error("PF106", "foreign-dialect", "The file is written in another tool's language.")
    RESERVED_KEY = _error("PF107", "reserved-key", "Keys that start with `$` are reserved.")
    EMPTY_FILE = _error("PF108", "empty-file", "The file holds no pipeline.")
    TASK_SETTING_IN_WITH = _error("PF109", "task-setting-in-with", "A setting of the task stands inside `with`.")
    NOT_A_DEFAULT = _error("PF110", "not-a-default", "A key that is about one file stands in a `_defaults.yaml`.")
    BAD_PARAM = _error("PF111", "bad-param", "A value of `params` is not right, or its default does not fit.")

    YAML11_VALUE = _warning("PF120", "yaml-1-1-value", "A value that dag-factory, a YAML 1.1 reader, takes otherwise.")
    DAG_FACTORY_IGNORES = _warning("PF121", "dag-factory-ignores", "A key that dag-factory or Airflow reads over.")
    REFUSED_BY_AIRFLOW_3 = _error("PF122", "refused-by-airflow-3", "What dag-factory makes of it Airflow 3 refuses.")
    MOVING_DATE = _warning("PF123", "moving-date", "A date that counts from today.")
    BAD_OBJECT = _error("PF124", "bad-object", "A mapping that stands for an object is not right.")
    NOT_CONVERTED = _error("PF125", "not-converted", "Something that `factory convert` could not carry over.")
    CONVERTED_OTHERWISE = _warning(
        "PF126", "converted-otherwise", "Something that `factory convert` left out or wrote otherwise."
    )
    DEFAULTS_OF_NOTHING = _warning("PF127", "defaults-of-nothing", "Defaults of dag-factory with no document below.")
    UNKNOWN_VALUE = _error("PF112", "unknown-value", "`${vars.…}` or `${matrix.…}` names what is not there.")
    CIRCULAR_VALUES = _error("PF113", "circular-values", "Values of `vars` name each other in a circle.")
    NOT_A_TEXT = _error("PF114", "not-a-text", "A mapping, a list or null is put inside a longer text.")
    BAD_MATRIX = _error("PF115", "bad-matrix", "A `matrix` gives no rows, or says something that cannot be meant.")
    MATRIX_TOO_LARGE = _error("PF116", "matrix-too-large", "A `matrix` gives more than 256 rows.")
    DAG_ID_OF_MATRIX = _error(
        "PF117", "dag-id-of-matrix", "With `matrix`, a `dag_id` must tell the rows apart by every key that varies."
    )

    BAD_CRON = _error("PF201", "bad-cron", "A cron expression is not valid.")
    UNKNOWN_PRESET = _error("PF202", "unknown-preset", "A schedule preset does not exist.")
    UNKNOWN_TIMEZONE = _error("PF203", "unknown-timezone", "A time zone does not exist.")
    NO_SUCH_DATE = _error("PF205", "no-such-date", "A date does not exist in the calendar.")
    END_BEFORE_START = _error("PF204", "end-before-start", "`end_date` is before `start_date`.")

    UNKNOWN_TIMETABLE = _error("PF206", "unknown-timetable", "A schedule names no timetable that Airflow can store.")
    BAD_ASSET = _error("PF207", "bad-asset", "The name or URI of an asset is not right.")
    ASSET_CONFLICT = _error("PF208", "asset-conflict", "One name of an asset stands for two URIs, or one URI for two.")
    INTERVAL_OF_SEVERAL = _error("PF209", "interval-of-several", "Several crons have no data interval.")

    SKIPPED_TIME = _warning("PF210", "skipped-time", "A time of day that some days do not have.")
    NO_DATA_INTERVAL = _warning("PF211", "no-data-interval", "A template asks for the time of runs that cover none.")
    TIMEOUT_BEYOND_SLOTS = _warning("PF212", "timeout-beyond-slots", "`dagrun_timeout` allows runs to pile up.")
    STEP_WITHOUT_EFFECT = _warning("PF213", "step-without-effect", "A cron step leaves one value of its field.")
    RANGE_OF_ONE = _warning("PF214", "range-of-one", "A cron range ends where it begins, which means every value.")

    DUPLICATE_TASK_ID = _error("PF301", "duplicate-task-id", "Two tasks have one id.")
    UNKNOWN_TASK = _error("PF302", "unknown-task", "`needs` or a reference names a task that is not there.")
    CYCLE = _error("PF303", "cycle", "Tasks wait for each other.")
    BAD_EXPRESSION = _error("PF304", "bad-expression", "A `${…}` expression is not right.")
    EXPRESSION_NOT_ALLOWED = _error("PF305", "expression-not-allowed", "A `${…}` expression cannot stand here.")
    NOT_TEMPLATED = _error(
        "PF306", "not-templated", "A task's output is given to an argument that Airflow does not render."
    )
    UNKNOWN_MODULE = _error("PF307", "unknown-module", "A dotted path names a module that is not there.")
    UNKNOWN_NAME = _error("PF308", "unknown-name", "A module has no such function or class.")
    UNKNOWN_ARGUMENT = _error("PF309", "unknown-argument", "A function or operator has no such argument.")
    MISSING_ARGUMENT = _error("PF310", "missing-argument", "A function or operator needs an argument.")
    HIDDEN_MODULE = _error("PF311", "hidden-module", "Another module of the same name would be imported.")
    NOT_CALLABLE = _error("PF312", "not-callable", "A dotted path is not a function and not an operator.")
    UNKNOWN_USES = _error("PF313", "unknown-uses", "`uses` is not a built-in and not a dotted path.")
    DUPLICATE_DAG_ID = _error("PF314", "duplicate-dag-id", "Two files have one DAG id.")
    PYTHON_SYNTAX = _error("PF315", "python-syntax", "A Python module of a task is not valid Python.")
    WRONG_ARGUMENT = _error("PF316", "wrong-argument", "An argument is not what the annotation says.")
    BUILD_FAILED = _error("PF317", "build-failed", "Airflow refused what the file says.")
    UNSET_VARIABLE = _warning("PF318", "unset-variable", "An environment variable is unset, without default.")
    VARIABLE_DOES_NOT_FIT = _error(
        "PF319", "variable-does-not-fit", "The value of an environment variable does not fit its place."
    )
    OPERATOR_NOT_INSTALLED = _note(
        "PF320", "operator-not-installed", "A package is not installed here; its operators were not checked."
    )
    FAIL_FAST_TRIGGER_RULE = _error(
        "PF321", "fail-fast-trigger-rule", "`fail_fast` and a `trigger_rule` other than `all_success`."
    )
    ID_TOO_LONG = _error("PF322", "id-too-long", "The id of a task, its groups included, is too long for Airflow.")
    NO_OUTPUT = _error("PF323", "no-output", "A reference names what has no output.")
    CURSOR_KIND = _error(
        "PF345", "cursor-kind", "`initial_value`, `lag` and `end_param` are about cursors of two kinds."
    )
    KEY_ALONE = _error("PF346", "key-alone", "A key says how another one works, and that one is not there.")
    CONDITION_OF_ONE_PAGE = _error(
        "PF347", "condition-of-one-page", "A server's word about one page is taken for all of them."
    )
    TEMPLATE_IN_WATCH = _error(
        "PF348", "template-in-watch", "A watched request has a template, but no run to fill it in."
    )
    STATE_SHARED = _error("PF349", "state-shared", "Two tasks keep what they remember under one name.")
    RELATIVE_FILE = _error("PF335", "relative-file", "A task waits for a file whose path is relative to nothing.")
    CONTRADICTION = _error("PF336", "contradiction", "Arguments of a built-in contradict each other.")
    UNKNOWN_DAG = _warning("PF337", "unknown-dag", "A task waits for or starts a DAG whose id looks like a typo.")
    NOT_IN_TRIGGERER = _error(
        "PF338", "not-in-triggerer", "The triggerer runs a function that only the pipelines folder has."
    )
    CANNOT_EXPAND = _error("PF324", "cannot-expand", "A task or a group cannot be mapped this way.")
    UNKNOWN_EXPAND = _error("PF325", "unknown-expand", "`${expand.NAME}` names what no group around is mapped over.")

    SETUP_TEARDOWN = _error("PF326", "setup-teardown", "Setups and teardowns do not go together this way.")
    BAD_CONDITION = _error("PF327", "bad-condition", "`run_if` or `skip_if` decides nothing.")
    ID_OF_MATRIX = _error(
        "PF328", "id-of-matrix", "With `matrix`, an `id` must tell the rows apart by every key that varies."
    )

    REFERENCE_TOO_EARLY = _error(
        "PF360", "reference-too-early", "dag-factory builds a task before the one whose output it takes."
    )
    VARIABLE_AT_PARSE = _warning("PF361", "variable-at-parse", "An Airflow Variable is read with the file.")

    BAD_PYTHON_OBJECT = _error("PF330", "bad-python-object", "A `{$object: …}` is not right.")
    OBJECT_NOT_ALLOWED = _error("PF331", "object-not-allowed", "A `{$object: …}` stands where none is made.")
    CLASS_IN_PLACE_OF_OBJECT = _error("PF332", "class-in-place-of-object", "A class stands where an object of it must.")
    BAD_JMESPATH = _error("PF340", "bad-jmespath", "A JMESPath expression cannot be read.")
    BAD_JSON_SCHEMA = _error("PF341", "bad-json-schema", "A JSON Schema is not one.")
    RETRY_WITHOUT_EFFECT = _error(
        "PF342", "retry-without-effect", "A request is never repeated, though the file asks for it."
    )
    KEY_OF_ANOTHER_TYPE = _error("PF343", "key-of-another-type", "A key has no effect beside what else is written.")
    MISSPELT_KEYWORD = _error("PF333", "misspelt-keyword", "A keyword of a param's JSON Schema looks like a typo.")

    TEMPLATE_NOT_CLOSED = _error("PF380", "template-not-closed", "A template is opened and not closed.")
    MISSING_FILE = _error("PF381", "missing-file", "A script or SQL file that a task names is not there.")
    MOVED_PATH = _warning("PF382", "moved-path", "A dotted path is Airflow 2's; it has moved.")
    LOOK_ALIKE = _warning("PF383", "look-alike", "A character looks like another one.")
    BAD_TEMPLATE = _error("PF384", "bad-template", "Jinja cannot read a template, or Airflow 3 cannot fill it in.")

    SECRET_VARIABLE = _error("PF401", "secret-variable", "An environment variable looks like a secret.")
    SECRET_IN_URL = _error("PF402", "secret-in-url", "A URL in the file holds a password.")

    LITERAL_SECRET = _error("PF403", "literal-secret", "The file holds a secret.")
    METADATA_ADDRESS = _error("PF404", "metadata-address", "A URL leads to an address that is not requested.")
    UNVERIFIED_TLS = _warning("PF405", "unverified-tls", "Certificates are not verified.")
    UNQUOTED_IN_SHELL = _warning(
        "PF406", "unquoted-in-shell", "A shell command holds, unquoted, what somebody else chose."
    )

    BAD_IGNORE = _error("PF501", "bad-ignore", "A `# factory: ignore[…]` comment cannot be followed.")
    UNUSED_IGNORE = _warning("PF502", "unused-ignore", "A `# factory: ignore[…]` comment has nothing to ignore.")

    BAD_SETTING = _error("PF503", "bad-setting", "A setting of the policy does not exist or is not right.")
    REQUIRED_KEY = _error("PF504", "required-key", "The policy wants a key that the pipeline does not have.")
    TOO_FEW_RETRIES = _error("PF505", "too-few-retries", "A task has fewer retries than the policy wants.")
    DAG_ID_PATTERN = _error("PF506", "dag-id-pattern", "A DAG id is not of the form that the policy wants.")
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
