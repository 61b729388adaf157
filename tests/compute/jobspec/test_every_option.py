"""Nothing in a job file is dropped in silence: each key and option changes the job, is noted, or is refused.

What there is to say comes from elsewhere where it can: `sbatch --help` of a real Slurm, the models of the official
Kubernetes client.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.compute.jobspec import detect as recognise
from huisuan.compute.jobspec.core.parse_result import FileRefused, ParsedJob
from huisuan.compute.jobspec.core.request_rules import checked
from huisuan.compute.jobspec.huisuan.job_file import JobFile, job_file_schema
from huisuan.compute.jobspec.kubernetes import ignored_keys as keys
from huisuan.compute.jobspec.sbatch.options import OPTIONS, Fate, Option, Takes
from huisuan.compute.jobspec.sbatch.values import parse_time_limit
from huisuan.compute.jobspec.skypilot import resources as skypilot_cards
from huisuan.compute.jobspec.skypilot import task as skypilot

SAMPLES = {
    "array": "0-3", "deadline": "2030-01-01T00:00:00", "dependency": "afterok:01hze421g00000000000000001",
    "export": "A=1", "gpus": "3", "gpus-per-node": "a100:2", "gpus-per-task": "2", "gres": "gpu:2",
    "job-name": "x y", "nodes": "3", "ntasks": "2", "ntasks-per-node": "2", "time": "7", "tres-per-task": "gres/gpu:2",
}  # fmt: skip


def outcome(text: str, name: str = "x") -> ParsedJob | FileRefused:
    try:
        return recognise.parse_job_file(text, name)
    except FileRefused as refused:
        return refused


def differs(job: ParsedJob, plain: ParsedJob) -> bool:
    """Whether anything but the script and the notes changed."""
    without = {"script", "notes"}
    changed = job.request.model_dump(exclude=without) != plain.request.model_dump(exclude=without)
    return changed or job.wanted != plain.wanted or job.workdir != plain.workdir


# --- sbatch


def script(*lines: str) -> str:
    return "\n".join(["#!/bin/sh", *(f"#SBATCH {line}" for line in lines), "true", ""])


def written(option: Option) -> list[str]:
    value = SAMPLES.get(option.name, "1")
    if option.takes is Takes.NOTHING:
        forms = [f"--{option.name}"]
    elif option.takes is Takes.MAYBE:
        forms = [f"--{option.name}={value}"]
    else:
        forms = [f"--{option.name}={value}", f"--{option.name} {value}", f'--{option.name} "{value}"']
        forms = [form for form in forms if " " not in value or ("=" not in form and '"' in form)]
        if option.short:
            forms += [f"-{option.short} '{value}'", f"-{option.short}'{value}'"]
    return forms if option.takes is Takes.VALUE or not option.short else [*forms, f"-{option.short}"]


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_every_option_of_sbatch_is_carried_noted_or_refused(option: Option) -> None:
    plain = outcome(script())
    assert isinstance(plain, ParsedJob)
    for form in written(option):
        found = outcome(script(form))
        if option.fate is Fate.REFUSED:
            assert isinstance(found, FileRefused)
            assert f"第 2 行第 9 列：--{option.name}：" in str(found)
            continue
        assert isinstance(found, ParsedJob), str(found)
        noted = any(f"--{option.name}" in note for note in found.notes)
        assert noted or differs(found, plain)
        assert (option.fate is Fate.NOTED) <= noted


def test_the_table_knows_every_option_of_the_sbatch_on_this_machine(tmp_path: Path) -> None:
    if shutil.which("sbatch") is None:
        pytest.skip("no Slurm on this machine: setup/slurm.sh brings one")
    settings = tmp_path / "slurm.conf"
    settings.write_text("ClusterName=x\nSlurmctldHost=localhost\n", encoding="utf-8")
    told = subprocess.run(
        ["sbatch", "--help"],
        env={**os.environ, "SLURM_CONF": str(settings)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = re.findall(r"^ +(?:-([A-Za-z]), )?(?: +)?--([a-z0-9-]+)", told, re.MULTILINE)
    assert len(found) > 80
    for short, name in found:
        assert name in OPTIONS
        if short:
            assert OPTIONS[name].short == short


@given(
    st.one_of(
        st.builds("{}".format, st.integers(1, 10**5)),
        st.builds("{}:{:02}".format, st.integers(0, 10**4), st.integers(1, 59)),
        st.builds("{}:{}:{:02}".format, st.integers(0, 600), st.integers(0, 59), st.integers(1, 59)),
        st.builds("{}-{}".format, st.integers(0, 28), st.integers(1, 23)),
        st.builds("{}-{}:{}:{}".format, st.integers(0, 28), st.integers(0, 23), st.integers(0, 59), st.integers(1, 59)),
        st.text("0123456789:-", max_size=8),
    )
)
def test_a_time_is_counted_as_slurm_counts_it(text: str) -> None:
    try:
        found = parse_time_limit(text)
    except Refused:
        return
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    weights = [3600, 60, 1] if days or len(parts) == 3 else [60, 1]
    expected = int(days or 0) * 86400 + sum(weight * part for weight, part in zip(weights, parts, strict=False))
    assert found == (None if text == "0" else expected)


# --- SkyPilot

SKY_SAMPLES: dict[str, str] = {
    "name": "other", "num_nodes": "2", "resources": "{accelerators: T4}", "setup": "echo", "run": "other",
    "envs": "{A: 1}", "secrets": "{A: 1}", "workdir": ".",
}  # fmt: skip
SKY_RESOURCES = {
    "accelerators": "T4", "gpus": "T4:2", "any_of": "[{accelerators: T4}]", "ordered": "[{accelerators: T4}]",
    "image_id": "docker:x", "job_recovery": "{max_restarts_on_errors: 2}", "spot_recovery": "FAILOVER",
    "volumes": "[x]",
}  # fmt: skip


@pytest.mark.parametrize(
    "key", sorted([*skypilot.TASK_KEYS, *skypilot.NOTED_TASK_KEYS, *skypilot.REFUSED_TASK_KEYS, "_private"])
)
def test_every_key_of_a_skypilot_task_is_carried_noted_or_refused(key: str) -> None:
    base = "run: |\n  true\n" if key != "run" else ""
    plain = outcome("run: |\n  true\n", "x")
    found = outcome(f"{base}{key}: {SKY_SAMPLES.get(key, 'something')}\n", "x")
    _accounted(found, plain, key)


@pytest.mark.parametrize(
    "key", sorted([*skypilot_cards.NOTED_RESOURCE_KEYS, *skypilot_cards.RESOURCE_KEYS, "_private"])
)
def test_every_key_of_skypilots_resources_is_carried_noted_or_refused(key: str) -> None:
    plain = outcome("run: x\nresources: {}\n", "x")
    found = outcome(f"run: x\nresources:\n  {key}: {SKY_RESOURCES.get(key, 'something')}\n", "x")
    _accounted(found, plain, key if key != "spot_recovery" else "job_recovery")


def _accounted(found: ParsedJob | FileRefused, plain: ParsedJob | FileRefused, key: str) -> None:
    assert isinstance(plain, ParsedJob)
    if isinstance(found, FileRefused):
        assert key in str(found)
        return
    scripts = found.request.script != plain.request.script or found.request.command != plain.request.command
    assert differs(found, plain) or scripts or any(key in note for note in found.notes)


# --- Kubernetes


def manifest(**parts: str) -> str:
    """A small Job with one more key at one level."""
    return (
        "apiVersion: batch/v1\nkind: Job\n"
        f"{parts.get('top', '')}\n"
        f"metadata:\n  name: x\n{parts.get('metadata', '')}\n"
        f"spec:\n{parts.get('job', '')}\n  template:\n    spec:\n      restartPolicy: Never\n{parts.get('pod', '')}\n"
        f"      containers:\n      - name: a\n        image: b\n        command: [c]\n{parts.get('container', '')}\n"
    )


LEVELS: dict[str, tuple[str, int, Any]] = {
    "metadata": ("V1ObjectMeta", 2, (keys.METADATA_READ, keys.METADATA_NOTED)),
    "job": ("V1JobSpec", 2, (keys.JOB_READ, keys.JOB_NOTED)),
    "pod": ("V1PodSpec", 6, (keys.POD_READ, keys.POD_NOTED, keys.POD_REFUSED)),
    "container": ("V1Container", 8, (keys.CONTAINER_READ, keys.CONTAINER_NOTED, keys.CONTAINER_REFUSED)),
}


@pytest.mark.kube
@pytest.mark.parametrize("level", LEVELS)
def test_every_key_that_the_official_client_knows_is_in_the_table(level: str) -> None:
    import kubernetes.client

    model, _, tables = LEVELS[level]
    known = set(getattr(kubernetes.client, model).attribute_map.values())
    assert known <= set().union(*tables)


def test_every_key_of_a_kubernetes_job_is_noted_or_refused_unless_it_is_read() -> None:
    tried = 0
    for level, (_, indent, (_read, noted, *refused)) in LEVELS.items():
        for key in {**noted, **(refused[0] if refused else {})}:
            found = outcome(manifest(**{level: f"{' ' * indent}{key}: something"}), "x")
            text = str(found) if isinstance(found, FileRefused) else "\n".join(found.notes)
            assert f".{key}：" in text
            assert isinstance(found, FileRefused) == (bool(refused) and key in refused[0])
            tried += 1
        unknown = outcome(manifest(**{level: f"{' ' * indent}unheardOf: 1"}), "x")
        assert "unheardOf：Kubernetes 没有这个键" in str(unknown)
    assert tried > 60
    found = outcome(manifest(top="status: {active: 1}"))
    assert isinstance(found, ParsedJob)
    assert any("status" in note for note in found.notes)


@pytest.mark.parametrize(
    ("level", "lines"),
    [
        ("metadata", "  labels: {team: a}"),
        ("metadata", "  annotations: {note: a}"),
        ("job", "  backoffLimit: 3"),
        ("job", "  activeDeadlineSeconds: 60"),
        ("job", "  completions: 3"),
        ("job", "  parallelism: 3"),
        ("pod", "      nodeSelector: {accelerator: nvidia-h100-80gb}"),
        ("pod", "      nodeSelector: {gpu-model: T4}"),
        ("pod", "      subdomain: x"),
        ("pod", "      volumes: [{name: a, emptyDir: {}}]"),
        ("pod", "      volumes: [{name: a, hostPath: {path: /data}}]"),
        ("container", "        args: [d]"),
        ("container", "        env: [{name: A, value: b}]"),
        ("container", "        env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"),
        ("container", "        env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: b, optional: true}}}]"),
        ("container", "        resources: {limits: {nvidia.com/gpu: 2}}"),
        ("container", "        resources: {limits: {cpu: 2}}"),
        ("container", "        resources: {claims: [{name: a}]}"),
        ("container", "        volumeMounts: [{name: a, mountPath: /b}]"),
        ("container", "        workingDir: /w"),
    ],
)
def test_what_is_read_of_a_kubernetes_job_changes_the_job_or_is_told(level: str, lines: str) -> None:
    plain = outcome(manifest())
    assert isinstance(plain, ParsedJob)
    found = outcome(manifest(**{level: lines}))
    if isinstance(found, ParsedJob):
        assert differs(found, plain) or len(found.notes) > len(plain.notes) or found.request.command != ["c"]


# --- Huisuan's own

OWN: dict[str, str] = {
    "name": "other", "command": "[other]", "script": "'#!/bin/sh'", "image": "x", "environment": "{A: 1}",
    "workdir": ".", "outputs": "out", "cards": "4", "nodes": "2", "models": "T4", "vendor": "Huawei",
    "min_memory_gib": "4", "min_tflops_fp16": "4", "centre": "a", "city": "a", "data_at": "a", "price_ceiling_fen": "4",
    "deadline": "2030-01-01", "time_limit": "4", "retries": "4", "array": "0-4", "after": "abc", "notify": "http://a",
    "project": "chip",
}  # fmt: skip


@pytest.mark.parametrize("key", JobFile.model_fields)
def test_every_key_of_our_own_file_reaches_the_request(key: str) -> None:
    base = {"command": "[x]", "cards": "2"}
    if key == "script":
        del base["command"]
    plain = outcome("command: [x]\ncards: 2\n")
    found = outcome("".join(f"{name}: {value}\n" for name, value in {**base, key: OWN[key]}.items()))
    assert isinstance(plain, ParsedJob)
    assert isinstance(found, ParsedJob), str(found)
    assert differs(found, plain)
    checked(found.request)


def test_the_json_schema_takes_what_the_reader_takes_and_no_unknown_key() -> None:
    import jsonschema
    import yaml

    files = Path(__file__).parents[2] / "data" / "jobs"
    rules = job_file_schema()
    jsonschema.Draft202012Validator.check_schema(rules)
    validator = jsonschema.Draft202012Validator(rules)
    for name in ("full.yaml", "script.yaml"):
        data = yaml.load((files / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        numbers = ("cards", "nodes", "min_memory_gib", "price_ceiling_fen", "retries")
        data |= {key: int(data[key]) for key in numbers if key in data}
        data |= {key: float(data[key]) for key in ("min_tflops_fp16",) if key in data}
        data |= {"vendor": "NVIDIA"} if "vendor" in data else {}
        validator.validate(data)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"command": ["x"], "nam": "y"})
    assert all("description" in field for field in rules["properties"].values())


# --- whatever comes


@given(st.text(max_size=300))
def test_whatever_text_comes_it_is_a_job_or_refused(text: str) -> None:
    for form in (None, *recognise.JOB_FORMATS):
        try:
            recognise.parse_job_file(text, "x", form)
        except Refused:
            continue


words = st.sampled_from(
    ["run", "command", "script", "resources", "accelerators", "apiVersion", "kind", "Job", "batch/v1", "spec",
     "template", "containers", "env", "A100:8", "8", "-1", "~", "x", "[", "]", "{", "}", ":", ": ", "\n", "  ", "- ",
     "envs", "any_of", "num_nodes", "image", "limits", "nvidia.com/gpu", "&a", "*a", "<<", "'", '"', "|", "metadata",
     "#!/bin/sh\n", "#SBATCH", " --gres=gpu:", "a800:8", " -N", " 2", "=", " --array", "0-9", " --time=", "1:00",
     " --gpus-per-task=2", " -n 4", "--export=", "A=1,B", "\\"]
)  # fmt: skip


@given(st.lists(words, max_size=40).map("".join), st.sampled_from([None, *recognise.JOB_FORMATS]))
def test_whatever_is_made_of_the_formats_own_words_is_a_job_in_bounds_or_refused(text: str, form: str | None) -> None:
    try:
        job = recognise.parse_job_file(text, "x", form)
    except Refused:
        return
    assert job.request.devices % job.request.nodes == 0
    assert job.request.devices >= 1
    assert bool(job.request.command) != bool(job.request.script)
