"""The manual of job files says what is so: its examples are read, its lists are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from huisuan.compute.jobspec import detect as recognise
from huisuan.compute.jobspec.core.request_rules import checked
from huisuan.compute.jobspec.huisuan.job_file import JobFile
from huisuan.compute.jobspec.sbatch.options import CARRIED

MANUAL = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(?:yaml|bash)\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("number", "form"), list(enumerate(["huisuan", "sbatch", "skypilot", "kubernetes"])))
def test_each_example_is_read_as_its_own_format(number: int, form: str) -> None:
    job = recognise.parse_job_file(EXAMPLES[number], "docs/jobs.md")
    assert job.request.source_format == form
    assert checked(job.request).cards in (8, 16)


def test_the_example_of_our_own_format_shows_every_key_but_what_it_could_say_otherwise() -> None:
    shown = set(re.findall(r"^(\w+):", EXAMPLES[0], re.MULTILINE))
    assert JobFile.model_fields.keys() - shown == {"script", "centre"}
    assert "script" in MANUAL
    assert "centre: " in MANUAL


def test_every_option_of_sbatch_that_is_carried_over_is_listed() -> None:
    for name in CARRIED:
        assert f"`--{name}" in MANUAL or f"--{name}`" in MANUAL
