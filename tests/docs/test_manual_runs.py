"""The commands of the manual that need no platform, run page by page as they stand, among a reader's files."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huisuan.cli.main import assemble
from support.manual import ALONE, PAGES, shown

#: exit codes other than 0 that the page itself announces
ANNOUNCED = {("policy", "check", "hefei-compute-2026"): 1}
#: what a reader knows of the case that a sentence is about: `f.json` is another on every page
FACTS = {
    "2.2": {"in_anhui": True, "kind": "enterprise", "spend": 153456785, "self_use": 30000000},
    "8.2": {"key_technology": True, "city_paid": 100000000, "city": "340100"},
}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the manual takes as given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path / "policies"))
    trace = (
        "job_id,user,vc,gpu_num,submit_time,duration\n1,u,v,8,2020-09-01 00:00:00,60\n2,u,v,1,2020-09-01 00:00:05,9\n"
    )
    centres = '[[centres]]\ncode = "hefei"\nmodel = "A800-SXM4-80GB"\nnodes = 1\ncards_per_node = 8\n'
    for name, text in {
        "venus-2020-09.csv": trace,
        "cluster_log.csv": trace,
        "centres.toml": centres,
        "mine.toml": (files("huisuan.compute.placement") / "weights.toml").read_text("utf-8"),
        "印发文本.txt": "合肥市支持算力发展若干措施\n第一条 为了支持算力发展，制定本措施。\n"
        "第二条 对使用算力的企业给予不超过10%的补助。\n",
        "facts.json": json.dumps(FACTS["2.2"]),
        "projects.csv": "key_technology,city_paid,city\ntrue,100000000,340100\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_the_page_that_stand_alone_do_what_it_says(page: Path, desk: Path) -> None:
    bad = []
    for command in shown(page):
        if command.words[0] not in ALONE or len(command.words) < 3:
            continue
        sentence = next((name for name in FACTS if any(word.endswith(name) for word in command.words)), "2.2")
        (desk / "f.json").write_text(json.dumps(FACTS[sentence]))
        result = CliRunner().invoke(assemble(), list(command.words))
        if result.exit_code != ANNOUNCED.get(command.words[:3], 0):
            bad.append(f"{command}: {result.exit_code} {result.exception!r} {result.output[-300:]}")
    assert not bad, "\n".join(bad)
