"""Which names below the pipelines folder mean what: pipelines, files to copy, names of our own."""

from __future__ import annotations

import hashlib
import os
import re

from schemas.folder.discovery import SUFFIXES
from schemas.folder.project import ENVIRONMENT_VARIABLE

STUB_SUFFIX = ".py"
BYTECODE_FOLDER = "__pycache__"
IGNORE_FILE = ".airflowignore"
ENVIRONMENT_STUB = f"_{ENVIRONMENT_VARIABLE}.yaml{STUB_SUFFIX}"
"""No pipeline's stub: their names do not start with `_`, and files of users do not end in `.yaml.py`."""

# ext4, XFS, APFS and tmpfs all stop at 255 bytes for a name; a stub's name is its pipeline's plus ".py".
MAX_NAME_BYTES = 255 - len(STUB_SUFFIX)
# PATH_MAX is 4,096 with the storage folder in front of it, and Airflow keeps the path in 2,000 characters.
MAX_PATH_BYTES = 1500


def stub_path(pipeline: str) -> str:
    """The stub of a pipeline lies beside it: `sales/orders.yaml` → `sales/orders.yaml.py`."""
    return pipeline + STUB_SUFFIX


def error_stub_path(pipeline: str) -> str:
    """The stub of a pipeline that could not be copied. Its name may be the reason: then the stub lies at the root,
    under a name that file systems and Airflow's database take."""
    if name_problem(pipeline.rpartition("/")[2], pipeline) is None:
        return stub_path(pipeline)
    start = re.sub(r"[^A-Za-z0-9_-]+", "_", pipeline)[:100]
    digest = hashlib.sha256(os.fsencode(pipeline)).hexdigest()[:12]
    return stub_path(f"{start}-{digest}{SUFFIXES[0]}")


def as_text(path: str) -> str:
    """A path for logs and Airflow's database, which take no byte of a name that is not UTF-8."""
    return path.encode(errors="backslashreplace").decode()


def is_left_out(name: str) -> bool:
    """Whether a file or folder of this name is never copied: dot names and Python's bytecode.

    Dot names are editors' swap files, `.git`, `.env` with its secrets, a half-written rsync, a ConfigMap's
    `..data`, and a user's `.airflowignore`, which could hide stubs.
    """
    return name.startswith(".") or name == BYTECODE_FOLDER or name.endswith((".pyc", ".pyo"))


def name_problem(name: str, path: str) -> str | None:
    """Why an entry of this name cannot be copied, or `None`. `path` is its path relative to the folder."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "its name is not UTF-8; rename it"
    if len(os.fsencode(name)) > MAX_NAME_BYTES or size > MAX_PATH_BYTES:
        return "its name is too long; shorten it"
    if name.lower().endswith(tuple(suffix + STUB_SUFFIX for suffix in SUFFIXES)):
        return "names that end in .yaml.py or .yml.py are those of generated DAG files; rename it"
    return None
