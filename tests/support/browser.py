"""The pages as served, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from support.portal import World
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]


@dataclass
class Site:
    """The pages as served, a browser, and what stands behind."""

    url: str
    browser: Browser
    world: World
    sessions: dict[str, str]

    def page(self, who: str, width: int = 1280, *, english: bool = False, **options: Any) -> Page:
        """A page of a fresh browser, in which someone is signed in."""
        context = self.browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(30_000)
        cookies = {
            "django_language": "en" if english else "zh-hans",
            **({"sessionid": self.sessions[who]} if who else {}),
        }
        context.add_cookies([{"name": name, "value": value, "url": self.url} for name, value in cookies.items()])
        return context.new_page()


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    """A province committed and served, one browser for the module, and an empty database after it."""
    from playwright.sync_api import expect, sync_playwright

    from support.portal import build

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in the thread of the tests
    with django_db_blocker.unblock():
        server = LiveServer("localhost")
        try:
            world = build()
            proposal()  # here, where it is committed: the server sees no transaction of a test
            sessions = {who: world.browser(who).cookies["sessionid"].value for who in world.people}
            expect.set_options(timeout=30_000)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
                yield Site(server.url, browser, world, sessions)
                browser.close()
                connections.close_all()  # those that belong to Playwright's loop
        finally:
            server.stop()
            call_command("flush", verbosity=0, interactive=False)  # what is append-only can be truncated only
            monkeypatch.undo()


def proposal() -> int:
    """The number of a proposal that was compared."""
    from huisuan.law.policy.load import load_policy
    from huisuan.settlement.adoption.proposed_settings import parse_draft
    from huisuan.settlement.adoption.services import ProposalActor, propose_settings
    from huisuan.settlement.impact.compare import compare_year
    from huisuan.settlement.models import SettingsProposal, Through
    from support.portal import NOW

    text = 'authority = "省专班"\nvalid_from = 2024-01-01\n[settings]\n"2.2.rate" = "15%"\n'
    if not SettingsProposal.objects.exists():
        draft = parse_draft(load_policy("anhui-agi-2023"), "f.toml", text)
        compare_year(
            propose_settings("anhui-agi-2023", draft, ProposalActor("zhang", Through.WEB), NOW), 2024, "zhang", NOW
        )
    return SettingsProposal.objects.values_list("pk", flat=True)[0]
