"""What a pod pays before the user's first line, from the start of its process, with empty disks.

The version comes from a folder that is mounted (ours), from our store on S3, from Airflow's S3 bundle (an object for
each file) or from its Git bundle (a clone); S3 is moto's server on loopback, which says how many requests it got.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import pipelines, task_start_process
from benchmarks.airflow_home import BUNDLE, OURS, AirflowHome
from benchmarks.measure import arguments, in_turn, report, run
from benchmarks.task_start import STARTED
from tests.factory.bundle.s3 import BUCKET, CONNECTION, connection, running_s3

SIZES = (1, 1000)
S3 = "airflow.providers.amazon.aws.bundles.s3.S3DagBundle"
GIT = "airflow.providers.git.bundles.git.GitDagBundle"
FORMS = ("folder", "store", "s3_bundle", "git_bundle")


class Case:
    """Pipelines of one number where one form has them, ready for pods to run a task of the one in the middle."""

    def __init__(self, root: Path, form: str, number: int, url: str, log: Path) -> None:
        self._log = log
        self._is_ours = form in ("folder", "store")
        write = pipelines.write_ours if self._is_ours else pipelines.write_python
        folder = write(root / "files", number)
        with (folder / f"{pipelines.MODULE}.py").open("a") as module:
            module.write(STARTED)
        self._home = AirflowHome(root / "home", folder)
        prefix = f"{form}-{number}"
        kwargs: dict[str, object] = {"folder": str(folder)}
        if form == "store":
            kwargs["store"] = f"s3://{CONNECTION.lower()}@{BUCKET}/{prefix}"
        elif form == "s3_bundle":
            kwargs = {"aws_conn_id": CONNECTION.lower(), "bucket_name": BUCKET, "prefix": prefix}
            _upload(folder, prefix, url)
        elif form == "git_bundle":
            kwargs = {"repo_url": str(folder), "tracking_ref": "main"}
            _commit(folder)
        entry = {"name": BUNDLE, "classpath": {"s3_bundle": S3, "git_bundle": GIT}.get(form, OURS), "kwargs": kwargs}
        name = f"AIRFLOW_CONN_{CONNECTION}"
        self._home.environment |= {
            name: connection(url)[name],
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([entry]),
        }
        self._keeps_its_disk = form == "folder"
        self._dag_id = pipelines.dag_id(number // 2)
        self._version = str(self._process("version"))

    def pod(self) -> tuple[float, int]:
        """Seconds from the start of a process to the first line of the user's function, and requests to S3."""
        if not self._keeps_its_disk:
            shutil.rmtree(self._home.root / "bundles")
        asked, began = self._requests(), time.monotonic()
        file = f"{self._dag_id}.yaml.py" if self._is_ours else f"{self._dag_id}.py"
        first_line = self._process("pod", "" if self._version == "None" else self._version, file, self._dag_id, "1")
        assert isinstance(first_line, list)  # noqa: S101 # for the type checker
        return float(first_line[0]) - began, self._requests() - asked

    def _requests(self) -> int:
        return self._log.read_text(errors="replace").count(" HTTP/1.1")

    def _process(self, *words: str) -> object:
        answer = self._home.root / "answer.json"
        command = [sys.executable, task_start_process.__file__, str(answer), *words]
        run(command, environment=self._home.environment, log=self._home.root / "process.log", cwd=self._home.root)
        return json.loads(answer.read_text())


def _create_files(folder: Path) -> float:
    """Seconds for as many files as a version of 1,000 pipelines has."""
    folder.mkdir()
    began = time.monotonic()
    for number in range(2000):
        (folder / f"{number}.yaml").write_bytes(b"schedule: '@daily'\n")
    return time.monotonic() - began


def _upload(folder: Path, prefix: str, url: str) -> None:
    import boto3  # noqa: PLC0415 # it is slow to import, and needs the extra `s3`

    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=url, **keys)
    for path in sorted(folder.iterdir()):
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.name}", Body=path.read_bytes())


def _commit(folder: Path) -> None:
    name = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    for words in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        [*name, "commit", "--quiet", "-m", "all"],
    ):
        subprocess.run(["git", "-C", str(folder), *words], check=True)  # noqa: S603, S607 # fixed words


def main() -> int:
    options = arguments(__doc__).parse_args()
    sizes = (1, 20) if options.quick else SIZES
    rounds = 1 if options.quick else options.rounds or 5
    with tempfile.TemporaryDirectory() as folder:
        creation = _create_files(Path(folder) / "created")
        log = Path(folder) / "s3.log"
        with running_s3(log=log) as url:
            cases: dict[str, Callable[[], tuple[float, int]]] = {}
            for number in sizes:
                for form in FORMS:
                    case = Case(Path(folder) / f"{form}-{number}", form, number, url, log)
                    cases[f"{form}/{number}"] = partial(case.pod)
            found = in_turn(rounds, cases)
    seconds = {name: statistics.median(took for took, _ in pods) for name, pods in found.items()}
    report(
        "cold_start",
        {
            "rounds": rounds,
            "median_s": {name: round(value, 2) for name, value in seconds.items()},
            "fastest_s": {name: round(min(took for took, _ in pods), 2) for name, pods in found.items()},
            "to_the_folder": {
                name: round(value / seconds[f"folder/{name.partition('/')[2]}"], 2) for name, value in seconds.items()
            },
            # What the disk takes for it: ext4 may need ten times as long in one folder as in another.
            "to_create_2000_files_s": round(creation, 2),
            "s3_requests": {name: statistics.median(asked for _, asked in pods) for name, pods in found.items()},
        },
        keep=not options.quick,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
