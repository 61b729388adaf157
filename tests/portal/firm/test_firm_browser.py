"""The journey of a firm's desk in a browser: a colleague invited, a project with a budget, a job that waits for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.browser import CHROMIUM, Site

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
    colleague.goto(f"{site.url}/firm/")
    assert colleague.locator('form[action$="/firm/projects"]').count() == 0  # a submitter looks
    assert colleague.evaluate("document.documentElement.scrollWidth") <= 390
    _seen(colleague, f"firm-390-{language}")
    desk.goto(f"{site.url}/firm/")
    desk.locator("details:has(form[action$='/firm/projects']) summary").click()
    desk.locator('input[name="code"]').fill(f"speech-{language}")
    desk.locator('form[action$="/firm/projects"] input[name="name"]').fill("语音识别与合成的一个很长的项目名称" * 3)
    desk.locator('form[action$="/firm/projects"] button').click()
    desk.locator("details:has(form[action$='/firm/budgets']) summary").click()
    desk.locator('input[name="limit"]').fill("12,000.50")
    desk.locator('form[action$="/firm/budgets"] button').click()
    assert "12,000.50" in desk.locator("table.budgets").inner_text()
    _seen(desk, f"project-{language}")
    desk.goto(f"{site.url}/firm/?month=2024-05")
    assert desk.locator("#use tbody tr").count() >= 1
    _seen(desk, f"firm-{language}")
    with desk.expect_download() as download:
        desk.locator('a[href$="/statements/2024-05/focus"]').click()
    assert "BilledCost" in Path(download.value.path()).read_text("utf-8")
