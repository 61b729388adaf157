"""The journey of a firm's desk in a browser: a colleague invited, a project with a budget, a job that waits for it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from huisuan.compute.budgets.services import set_budget
from huisuan.compute.jobs.services import submit_job
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.members import invite_member
from huisuan.parties.models import Party, Person
from huisuan.parties.projects import create_project
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest
from support.browser import CHROMIUM, Site
from support.portal import NOW

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium"),
]

PASSWORD = "correct horse battery"


def _seen(page: object, name: str) -> None:
    """Keep a picture, where somebody wants to look."""
    if folder := os.environ.get("HUISUAN_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
def test_an_owner_invites_a_colleague_and_gives_a_project_a_budget(site: Site, english: bool) -> None:
    language = "en" if english else "zh"
    desk = site.page("alpha", english=english)
    desk.goto(f"{site.url}/firm/members")
    desk.locator('form[action$="/firm/invitations"] input[name="note"]').fill("Wang")
    desk.locator('form[action$="/firm/invitations"] button').click()
    link = desk.locator("#link").inner_text()
    _seen(desk, f"members-{language}")
    colleague = site.page("", 390, english=english)
    colleague.goto(link)
    colleague.locator('input[name="username"]').fill(f"wang-{language}")
    for field in ("password", "again"):
        colleague.locator(f'input[name="{field}"]').fill(PASSWORD)
    _seen(colleague, f"join-{language}")
    colleague.locator("#join button").click()
    expect(colleague.locator("#join")).to_have_count(0)
    colleague.goto(f"{site.url}/firm/")
    expect(colleague.locator('form[action$="/firm/projects"]')).to_have_count(0)  # a submitter looks
    assert colleague.evaluate("document.documentElement.scrollWidth") <= 390
    _seen(colleague, f"firm-390-{language}")
    desk.goto(f"{site.url}/firm/")
    desk.locator("details:has(form[action$='/firm/projects']) summary").click()
    desk.locator('input[name="code"]').fill(f"speech-{language}")
    desk.locator('form[action$="/firm/projects"] input[name="name"]').fill("语音识别与合成的一个很长的项目名称" * 3)
    desk.locator('form[action$="/firm/projects"] button').click()
    expect(desk.locator("main")).to_contain_text(f"speech-{language}")
    desk.locator("details:has(form[action$='/firm/budgets']) summary").click()
    desk.locator('input[name="limit"]').fill("12,000.50")
    desk.locator('form[action$="/firm/budgets"] button').click()
    expect(desk.locator("table.budgets")).to_contain_text("12,000.50", use_inner_text=True)
    _seen(desk, f"project-{language}")
    desk.goto(f"{site.url}/firm/?month=2024-05")
    expect(desk.locator("#use tbody tr").first).to_be_attached()
    _seen(desk, f"firm-{language}")
    with desk.expect_download() as download:
        desk.locator('a[href$="/statements/2024-05/focus"]').click()
    assert "BilledCost" in Path(download.value.path()).read_text("utf-8")


@pytest.fixture(scope="module")
def wide(site: Site, django_db_blocker: DjangoDbBlocker) -> dict[str, tuple[str, str]]:
    """The longest names there may be, by their letter a project's code and a job: committed, for the server to see."""
    with django_db_blocker.unblock():
        return {letter: _make_wide(site, letter, code) for letter, code in (("國", "k" * 40), ("W", "w" * 40))}


@pytest.mark.parametrize("letters", ["國", "W"], ids=["breaks anywhere", "breaks nowhere"])
def test_names_of_a_hundred_and_twenty_wide_letters_fit_every_page_of_the_firm_and_its_jobs(
    site: Site, wide: dict[str, tuple[str, str]], letters: str
) -> None:
    made, job = wide[letters]
    pages = ("/firm/", f"/firm/projects/{made}", "/firm/members", f"/jobs/?project={made}", f"/jobs/{job}",
             f"/jobs/{job}/files", f"/jobs/{job}/log", f"/jobs/new?from={job}")  # fmt: skip
    for width, english in ((390, False), (390, True), (1280, False)):
        desk = site.page("alpha", width, english=english)
        for address in pages:
            desk.goto(site.url + address)
            assert letters * 80 in desk.content()
            _seen(desk, f"wide-{ord(letters)}-{address.strip('/').replace('/', '-').split('?')[0]}-{width}-{english}")
            assert desk.evaluate("document.documentElement.scrollWidth") <= width, (address, width)


def _make_wide(site: Site, letters: str, code: str) -> tuple[str, str]:
    """A project, a budget, a job, a colleague and an invitation with the longest names; the project and the job."""
    owner = Viewer.for_person(site.world.people["alpha"])
    create_project(owner, code, letters * 120, NOW)
    set_budget(owner, code, "year", "fen", 10**16, NOW, hard=True)
    party = site.world.alpha
    Party.objects.filter(pk=party.pk).update(name=letters * 120)  # in the head of every page
    who = Person.objects.create_person(letters * 80, None, role="user", party=party)
    invite_member(owner, Actor("test"), datetime.now(UTC), member_role="viewer", note=letters * 120)
    asked = JobRequest.model_validate({"command": ["true"], "name": letters * 120, "project": code})
    return code, submit_job(asked, Viewer.for_person(who), NOW, letters.encode().rjust(10, b".")).pk
