"""`.airflowignore` leaves Airflow's own discovery the stubs and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow._shared.module_loading.file_discovery import find_path_from_directory

from factory.bundle.stubs import ignore_text

STUBS = ["a.yaml.py", "sales/b.yml.py", "od d #1/it's (x).yaml.py", "deep/er.py/-c.yaml.py", "ünï/d.yaml.py"]
OTHERS = ["a.yaml", "helper.py", "sales/jobs.py", "sales/q.sql", "book.xlsx", "__pycache__", "er.pyx", "x.py"]


@pytest.mark.parametrize("syntax", ["glob", "regexp"])
def test_only_stubs_are_found(tmp_path: Path, syntax: str) -> None:
    for path in STUBS + OTHERS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    folders = [str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*") if f.is_dir()]
    (tmp_path / ".airflowignore").write_bytes(ignore_text(folders, syntax))
    found = find_path_from_directory(tmp_path, ".airflowignore", syntax)
    assert sorted(str(Path(path).relative_to(tmp_path)) for path in found) == sorted(STUBS)
