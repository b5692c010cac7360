"""Writes what docker compose needs into .env: generated secrets and the user id.

    python scripts/make_env.py [FILE]

What is in the file is never changed: only missing keys are added and empty ones filled. The file can be
read by its owner only. Standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

AIRFLOW_IMAGE_UID: Final = 50000


class EnvFileError(Exception):
    """The file cannot be read or written; the message is one line for the user."""


def _fernet_key() -> str:
    """32 random bytes, as the Fernet specification wants its key written."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _user_id() -> str:
    """The caller's, so that the containers' files are theirs; never root's, and Windows has none."""
    own = os.getuid() if hasattr(os, "getuid") else 0
    return str(own or AIRFLOW_IMAGE_UID)


# Letters, digits, `-` and `_` only: the values are used in URLs and in .env without quotes.
GENERATORS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "FERNET_KEY": _fernet_key,
        "JWT_SECRET": lambda: secrets.token_urlsafe(64),
        "API_SECRET_KEY": lambda: secrets.token_urlsafe(48),
        "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(24),
        "WAREHOUSE_PASSWORD": lambda: secrets.token_urlsafe(24),
        "REDIS_PASSWORD": lambda: secrets.token_urlsafe(24),
        "AIRFLOW_ADMIN_PASSWORD": lambda: secrets.token_urlsafe(12),
        "AIRFLOW_UID": _user_id,
    }
)


IN_ADDRESSES: Final = ("POSTGRES_PASSWORD", "WAREHOUSE_PASSWORD", "REDIS_PASSWORD")


def _assignment(line: str) -> tuple[str, str] | None:
    """Key and value of a line of the file, or None for a comment or an empty line."""
    name, equals, value = line.strip().removeprefix("export ").partition("=")
    if name.startswith("#") or not equals:
        return None
    value = value.strip()
    if value[:1] in {"'", '"'}:
        value = value[1:].partition(value[0])[0]
    elif value.startswith("#"):
        value = ""
    else:
        value = value.partition(" #")[0].rstrip()
    return name.strip(), value


def read_env(path: Path) -> dict[str, str]:
    """The values in an env file; none when there is no file. As docker compose does, the last of two wins."""
    return dict(filter(None, map(_assignment, _text(path).splitlines())))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise EnvFileError(f"cannot read {path}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"


def complete(text: str) -> tuple[str, list[str]]:
    """`text` with a value for every key that needs one, and the keys that got theirs now."""
    lines = text.splitlines(keepends=True)
    present = dict(filter(None, map(_assignment, lines)))
    added = [key for key in GENERATORS if not present.get(key)]
    values = {key: GENERATORS[key]() for key in added}
    for index, line in enumerate(lines):
        assignment = _assignment(line)
        if assignment and assignment[0] in values:
            lines[index] = f"{assignment[0]}={values.pop(assignment[0])}\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join(lines) + "".join(f"{key}={value}\n" for key, value in values.items()), added


def make_env(path: Path) -> list[str]:
    """Completes the env file and returns the keys that were generated. EnvFileError when it cannot, or when a password
    would end the address that it is a part of."""
    path = path.resolve()
    for key, value in read_env(path).items():
        sign = re.search(r"[@/?#%\[\]]", value) if key in IN_ADDRESSES else None
        if sign is not None:
            help_text = "use letters, digits, `-` and `_`"
            raise EnvFileError(f"{path}: {key} has a `{sign[0]}`, and it is a part of an address: {help_text}")
    text, added = complete(_text(path))
    try:
        if added:
            _replace(path, text)
        elif stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise EnvFileError(f"cannot write {path}: {_reason(error)}") from error
    return added


def set_in_env(path: Path, key: str, value: str) -> bool:
    """Set one key of the env file, in its line or a new one; returns whether that changed it. Raises EnvFileError."""
    path = path.resolve()
    lines = _text(path).splitlines()
    places = [index for index, line in enumerate(lines) if (found := _assignment(line)) and found[0] == key]
    new = f"{key}={value}"
    if places and lines[places[-1]] == new:
        return False
    lines[places[-1] if places else len(lines) :] = [new, *(lines[places[-1] + 1 :] if places else [])]
    try:
        _replace(path, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise EnvFileError(f"cannot write {path}: {_reason(error)}") from error
    return True


def _replace(path: Path, text: str) -> None:
    """All or nothing, and never readable by others, not even for a moment: mkstemp gives mode 0600."""
    descriptor, temporary = tempfile.mkstemp(prefix=".env-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main(arguments: list[str]) -> int:
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print("make_env: usage: make_env.py [FILE], FILE being .env by default", file=sys.stderr)
        return 2
    path = Path(arguments[0] if arguments else ".env")
    try:
        added = make_env(path)
    except EnvFileError as error:
        print(f"make_env: {error}", file=sys.stderr)
        return 2
    print(f"{path}: generated {', '.join(added)}" if added else f"{path}: complete, nothing changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
