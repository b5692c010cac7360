"""A manifest says which files a version consists of; the version is named by the manifest's hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

VERSION_PATTERN = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Manifest:
    """Relative POSIX path → token of every file of one version, stubs included."""

    files: Mapping[str, str]

    @cached_property
    def text(self) -> bytes:
        """The form that is stored and hashed: JSON with sorted keys, one file a line."""
        return json.dumps({"files": dict(self.files)}, sort_keys=True, indent=0).encode()

    @cached_property
    def version(self) -> str:
        """40 hexadecimal digits of the SHA-256 of `text`; Airflow's column holds 200 characters."""
        return hashlib.sha256(self.text).hexdigest()[:40]

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """Read what `text` wrote. :raises ValueError: the text is not a manifest."""
        data = json.loads(text)
        if not isinstance(data, dict) or not isinstance(data.get("files"), dict):
            raise ValueError("not a manifest")  # noqa: TRY004 - the text is wrong, not a type in our code
        return cls(files=data["files"])
