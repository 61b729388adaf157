"""Every command of the manual is run as it stands, page by page, on a platform with what it takes as given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from support import manual_world as world
from support.command_tree import invoke
from support.manual import PAGES, ROOT, Shown, shown

#: what a reader knows of the case that a sentence is about: `f.json` is another on every page
FACTS = {
    "2.2": {"in_anhui": True, "kind": "enterprise", "spend": 153456785, "self_use": 30000000},
    "8.2": {"key_technology": True, "city_paid": 100000000, "city": "340100"},
}
#: what a page takes as given, beside files and people
GIVEN: dict[str, list[Callable[[], None]]] = {
    "for-auditors.md": [world.centre, world.evidence, world.settled],
    "for-data-users.md": [world.stewards, world.briefs],
    "for-province.md": [world.centre, world.jobs, world.attested_policy],
    "for-stewards.md": [world.stewards],
    "operating.md": [world.centre, world.settled],
    "for-users.md": [world.centre, world.jobs],
    "jobs.md": [world.centre, world.jobs, world.array],
}
#: what happens between two commands of a page, told in its sentences
MEANWHILE: dict[tuple[str, str], Callable[[], None]] = {
    ("for-centres.md", "meter register"): world.register,
    ("for-centres.md", "meter answer"): world.correction,
    ("for-centres.md", "meter seal"): world.sealed_until_february,
    ("for-auditors.md", "meter answer"): world.correction,
    ("for-province.md", "settle cancel"): world.asked_to_settle,
    ("for-stewards.md", "data findings"): world.gate_scanned,
    ("for-stewards.md", "data release"): world.gate_scanned,
    ("operating.md", "person reset-factor"): world.enrol_zhang,
}
#: exit codes other than 0 that the page itself announces
ANNOUNCED = {
    ("writing-policy.md", "policy check"): 1,  # what a new policy leaves open
}
#: what is typed, or comes from a pipe
TYPED = {"login": f"{world.PASSWORD}\n"}
#: commands that are not run here: why, and the test that runs them
NOT_RUN = {
    "up": ("a machine to itself: processes, ports", "tests/serving/processes/test_up.py"),
    "backup": ("dumps what is committed, which a test's own transaction is not", "tests/serving/backup/test_backup.py"),
    "restore": ("wants an empty home and a database of its own", "tests/serving/backup/test_backup.py"),
    "agent enrol": ("makes an agent of this machine", "tests/compute/site_agent/test_diagnostics.py"),
    "agent doctor": ("looks at a platform at its real address", "tests/compute/site_agent/test_diagnostics.py"),
    "session": ("wants a relay, an agent and somebody who types", "tests/compute/sessions/test_shell.py"),
    "programme generate": ("wants invented parties alone", "tests/programmes/generated_year/test_generated_year.py"),
    "job submit --outputs": ("wants a centre whose agent keeps results", "tests/client/test_fetch.py"),
    "experts draw": ("wants a call with submissions and a pool", "tests/programmes/review/test_draw_of_a_call.py"),
    **dict.fromkeys(
        ("experts commit", "experts verify"),
        ("wants a call before and after its submissions", "tests/programmes/review/test_seed.py"),
    ),
    **dict.fromkeys(
        ("document template add", "document template show"),
        ("wants a DOCX of an office", "tests/programmes/papers/test_templates.py"),
    ),
    "register award": (
        "wants registers of vendors that cities filled and froze", "tests/programmes/registers/test_city_award.py",
    ),
    "data grant": ("wants a conditional entry and a firm of the register", "tests/portal/opendata/test_grants.py"),
    "contract": ("wants a decided project and its contract", "tests/programmes/contract_desk/test_milestones.py"),
    "struck issuer": ("wants an application with files", "tests/programmes/struck/test_striking.py"),
    "struck strike": ("wants the code of an issuer", "tests/programmes/struck/test_striking.py"),
    "job ls": ("wants an agent that answers", "tests/client/test_fetch.py"),
    "job get": ("wants an agent that answers", "tests/client/test_fetch.py"),
    "job cp": ("wants an agent that answers", "tests/client/test_fetch.py"),
    **dict.fromkeys(
        (
            "application check", "application checks", "application flags", "application answer-flag",
            "application act", "call missing", "call submit",
        ),
        ("wants an application that waits for its check", "tests/programmes/checks/test_check_commands.py"),
    ),
    "job logs UID --search loss": ("exits with 1 where no line has it", "tests/client/test_fetch.py"),
    "job submit sweep.sbatch --array 0-99 --retries 2 --wait": (
        "waits for a hundred jobs", "tests/compute/jobs/cli/test_commands.py",
    ),
}  # fmt: skip


#: architecture.md names commands where a walk through the code begins; deploy.md is about machines that are set up
HOW_TO = [page for page in PAGES if page.name not in ("architecture.md", "deploy.md")]


def not_run(command: Shown) -> bool:
    """Whether the command, or its group, is one of those."""
    text = " ".join(command.words)
    return any(text == name or text.startswith(f"{name} ") for name in NOT_RUN)


@pytest.fixture
def desk(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: object) -> Iterator[Path]:
    """A folder with the files that the manual takes as given, and a platform that answers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "h"))
    at, name = connection.settings_dict["HOST"], connection.settings_dict["NAME"]
    monkeypatch.setenv("DATABASE_URL", f"postgresql://postgres@/{name}?host={at}")  # else this home would get its own
    monkeypatch.setenv("HUISUAN_AGENT_HOME", str(tmp_path / "代理目录"))
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path / "policies"))
    settings.HUISUAN_OIDC_ISSUER = "https://id.example.cn"  # type: ignore[attr-defined]
    world.lay_out(tmp_path)
    (tmp_path / "facts.json").write_text(json.dumps(FACTS["2.2"]))
    world.parties()
    with world.served() as url:
        monkeypatch.setenv("HUISUAN_URL", url)
        monkeypatch.setenv("HUISUAN_TOKEN", world.token("user"))
        yield tmp_path


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.name)
def test_the_commands_of_the_page_do_what_it_says(page: Path, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for prepare in GIVEN.get(page.name, []):
        prepare()
    if page.name == "for-province.md":
        monkeypatch.setenv("HUISUAN_TOKEN", world.token("province"))
    bad = []
    for command in shown(page):
        if not_run(command) or not command.is_complete:
            continue
        two = " ".join(command.words[:2])
        if meanwhile := MEANWHILE.get((page.name, two)):
            meanwhile()
        sentence = next((name for name in FACTS if any(word.endswith(name) for word in command.words)), "2.2")
        (desk / "f.json").write_text(json.dumps(FACTS[sentence]))
        result = invoke(*world.put(command.words), given=TYPED.get(command.words[0]))
        if command.into:
            (desk / command.into).write_text(result.stdout, encoding="utf-8")
        if result.exit_code != ANNOUNCED.get((page.name, two), 0):
            bad.append(f"{command}: {result.exit_code} {result.exception!r} {result.output[-300:]}")
    assert not bad, "\n".join(bad)


def test_what_is_not_run_here_stands_on_a_page_and_is_run_by_a_test_that_there_is() -> None:
    texts = [" ".join(command.words) for page in PAGES for command in shown(page)]
    for name, (why, test) in NOT_RUN.items():
        assert why
        assert any(text == name or text.startswith(f"{name} ") for text in texts), f"no page shows {name}"
        found = (ROOT / test).read_text("utf-8")
        assert name.split()[-1 if len(name.split()) < 3 else 1] in found, f"{test} has nothing of {name}"
