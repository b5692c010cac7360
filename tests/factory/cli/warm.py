"""Runs `factory` commands, each in a fork of this process, which has imported what the commands use of other people's.

Half of what a command costs is that. Of Airflow and of our own code nothing is imported here: a command finds its own
environment, as in a fresh Python. Started by `commands.py`; requests come over standard input, which is a socket.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import socket
import sys
import time

PACKAGES = (
    *("libcst", "structlog", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.mysql"),
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.ext.asyncio", "jsonschema", "requests", "httpx", "cryptography.x509"),
    *("cryptography.fernet", "opentelemetry.sdk.resources", "opentelemetry.sdk.trace", "jinja2.ext", "pydantic"),
    *("pendulum", "fsspec.implementations.local", "upath", "tenacity", "click", "yaml", "pathspec", "croniter"),
    *("msgspec", "pluggy", "importlib_metadata", "dateutil.relativedelta", "psutil", "argparse", "rich.console"),
    *("pydantic.main", "pydantic.types", "pydantic.functional_validators", "pydantic.functional_serializers"),
    *("pydantic.json_schema", "pydantic.experimental.missing_sentinel", "pydantic.dataclasses", "annotated_types"),
    *("pydantic.root_model", "pydantic.type_adapter", "pydantic.networks", "pydantic_core.core_schema"),
    *("xml.etree.ElementTree", "upath.registry", "h11", "httpcore", "pygtrie", "packaging.specifiers", "difflib"),
    *(
        "cron_descriptor",
        "aiosqlite",
        "asgiref.sync",
        "anyio",
        "itsdangerous",
        "lazy_object_proxy",
        "uuid6",
        "graphlib",
    ),
)


def serve(requests: socket.socket) -> dict[str, object] | None:
    """Answer requests with exit statuses until nobody asks any more; in a fork, the request that it is for."""
    while True:
        message, descriptors, *_ = socket.recv_fds(requests, 1 << 20, 3)
        if not message:
            return None
        child = os.fork()
        if not child:
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
                os.close(descriptor)
            asked: dict[str, object] = json.loads(message)
            return asked
        for descriptor in descriptors:
            os.close(descriptor)
        requests.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def main() -> None:
    for package in PACKAGES:
        with contextlib.suppress(ImportError):
            importlib.import_module(package)
    gc.collect()
    gc.freeze()
    requests = socket.socket(fileno=os.dup(0))
    asked = serve(requests)
    requests.close()
    if asked is None:
        return
    os.chdir(str(asked["cwd"]))
    os.environ.clear()
    os.environ.update(asked["environment"])  # type: ignore[call-overload] # as `commands.py` sends it
    time.tzset()
    sys.path[0] = str(asked["cwd"])
    sys.argv[1:] = asked["arguments"]  # type: ignore[call-overload]
    runpy.run_module("factory.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
