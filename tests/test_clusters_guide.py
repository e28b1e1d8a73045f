"""What the guide to clusters says is so, and its files to copy are right."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

pytest.importorskip("distributed")

from test_clusters import FILES, settings

from sim.experiments.executors import batch
from sim.experiments.executors.choose import where
from sim.experiments.executors.cluster_file import ClusterFile
from sim.experiments.executors.place import DASK_CONFIG, ONE_THREAD

GUIDE = Path(__file__).parent.parent / "docs" / "clusters.md"


def test_files_to_copy_are_right(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batch.shutil, "which", lambda command: command)
    assert where(None, str(FILES / "slurm.yaml")).workers == 128
    subprocess.run(["bash", "-n", FILES / "array.sbatch"], check=True)
    for name in ("kubernetes-job.yaml", "kubernetes-dask.yaml"):
        told = list(yaml.safe_load_all((FILES / name).read_text()))
        assert all({"apiVersion", "kind", "metadata"} <= set(one) for one in told)
    named = set(re.findall(r"\(clusters/([^)]+)\)", GUIDE.read_text()))
    assert named == {file.name for file in FILES.iterdir()}


def test_shares_of_the_indexed_job_are_as_many_as_it_counts():
    (job,) = [one for one in yaml.safe_load_all((FILES / "kubernetes-job.yaml").read_text()) if one["kind"] == "Job"]
    (share,) = job["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one["value"] for one in share["env"]}
    assert int(told["SHARES"]) == job["spec"]["completions"]
    line = share["command"][-1].replace("exec python run.py", "echo")
    out = subprocess.run(["sh", "-c", line], env={**told, "JOB_COMPLETION_INDEX": "31"}, capture_output=True, text=True)
    assert out.stdout.split()[-1] == "32/32"


def test_every_key_of_a_cluster_file_is_in_the_guide():
    text = GUIDE.read_text()
    for key, field in ClusterFile.model_fields.items():
        assert f"| `{key}` | {field.description}" in text


def test_settings_for_schedulers_of_others_are_those_of_ours():
    told = settings()
    for name, value in DASK_CONFIG.items():
        key = "DASK_" + name.upper().replace(".", "__").replace("-", "_")
        assert told.get(key, str(value)) == str(value)
    assert {name for name in told if not name.startswith("DASK")} == set(ONE_THREAD)


def test_verbs_and_options_of_the_guide_exist():
    from sim.cli import _parse

    for line in re.findall(r"^python run\.py (.+)$", GUIDE.read_text(), flags=re.M):
        assert _parse(line.split()).verb
