"""Where a bundle's pipelines come from: a folder, or another Airflow bundle (Git, S3, …), named by `source`."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.base import BaseDagBundle, unpack_bundle_version

from factory.bundle.store import BundleError

VERSION = re.compile(r"[\w.-]{1,100}")
COMMIT_LENGTH = 40
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Upstream:
    """The bundle that `source` describes: `{classpath: …, kwargs: {…}}`, as an entry of Airflow's own configuration.

    Only the dag-processor and the command line make it. Its files are read as a folder is.
    """

    def __init__(self, source: Mapping[str, Any], bundle_name: str) -> None:
        if set(source) - {"classpath", "kwargs"} or not isinstance(source.get("classpath"), str):
            raise BundleError(
                f"bundle {bundle_name}: `source` needs the keys `classpath` and `kwargs`, as an entry of "
                "`dag_bundle_config_list` has them"
            )
        self.classpath: str = source["classpath"]
        self._arguments = {"name": f"{bundle_name}-source", **(source.get("kwargs") or {})}
        self._next_refresh = 0.0

    @cached_property
    def bundle(self) -> BaseDagBundle:
        """Airflow's bundle. :raises BundleError: it cannot be made."""
        module, _, name = self.classpath.rpartition(".")
        try:
            made: BaseDagBundle = getattr(importlib.import_module(module), name)(**self._arguments)
        except Exception as error:  # a provider's constructor raises anything
            raise self._failed("cannot be used", error) from error
        return made

    @property
    def folder(self) -> Path:
        """Where its files are. :raises BundleError: it cannot be made."""
        return self.bundle.path

    @property
    def version(self) -> str:
        """Its version, such as a commit; empty where it has none."""
        version, _ = unpack_bundle_version(self.bundle.get_current_version(), self.bundle)
        return version if version is not None and VERSION.fullmatch(version) else ""

    def update(self) -> None:
        """Bring its files up to date, at most once in its own `refresh_interval`.

        :raises BundleError: it cannot be read; what it gave before stays.
        """
        try:
            if not self.bundle.is_initialized:
                self.bundle.initialize()
            if time.monotonic() < self._next_refresh:
                return
            self.bundle.refresh()
        except BundleError:
            raise
        except Exception as error:  # Git, S3 and the network raise anything
            raise self._failed("cannot be read", error) from error
        self._next_refresh = time.monotonic() + self.bundle.refresh_interval

    def view_url_template(self) -> str | None:
        """Where people see a commit: our versions begin with it, and the template takes its length of them."""
        template = self.bundle.view_url_template()
        if template is None:
            return None
        own = {name: getattr(self.bundle, name, None) or "" for name in PLACEHOLDER.findall(template)}
        own["version"] = f"{{version:.{COMMIT_LENGTH}}}"
        return PLACEHOLDER.sub(lambda match: str(own[match[1]]), template)

    def _failed(self, what: str, error: Exception) -> BundleError:
        text = " ".join(str(error).split())[:300]
        return BundleError(f"the source {self.classpath} {what}: {type(error).__name__}: {text}")
