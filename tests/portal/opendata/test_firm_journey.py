"""A firm's way in a browser: an application under 3.2 is decided, data granted, terms accepted, a corpus loaded."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from support.browser import CHROMIUM, Site
from support.catalogue import code

if TYPE_CHECKING:
    from huisuan.programmes.models import Application

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one where root and apt exist"
    ),
]


@pytest.fixture
def conditional(
    site: Site, django_db_blocker: DjangoDbBlocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """Texts that are open on conditions, released; a corpus of them; the firm on the register of such firms."""
    from huisuan.opendata.corpora.building import build_corpus
    from huisuan.opendata.corpora.pages import CorpusRules
    from huisuan.programmes.offices.services import give_post
    from huisuan.programmes.registers.services import import_register
    from support.gate import NOW, released, steward
    from support.programmes import person
    from support.registers import OFFICE

    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    with django_db_blocker.unblock():
        buffer = io.StringIO()
        texts = [f"办理情况简报第{n}期，本期介绍各区的办理情况，共{n * 37}件，已全部办结。" for n in range(30)]
        csv.writer(buffer).writerows([["期", "正文"], *enumerate(texts)])
        released(buffer.getvalue().encode(), access="有条件开放", ground="数据条例", terms="限训练模型，须签订协议")
        build_corpus("briefs", "办理情况简报", [code()], CorpusRules(shards=1), steward("judge"), NOW)
        keeper, alpha = site.world.people["province"], site.world.alpha
        give_post(keeper, OFFICE, "register", date(2024, 1, 1), person("giver"), NOW)
        firms = f"编号,企业名称,企业代码,市,自,至,认定依据,认定文件\nF-1,甲,{alpha.uscc},合肥市,2024-01-01,,x,y"
        import_register(firms.encode(), "企业.csv", "anhui-agi-2023", "agi_firms", by=keeper, now=NOW, reason="x")
        site.world.people["releaser"] = steward("releaser")
        site.sessions["releaser"] = site.world.browser("releaser").cookies["sessionid"].value
        yield site


def decided(site: Site) -> Application:
    """The firm's application under 3.2, submitted and decided by the offices."""
    from huisuan.programmes.workflow import act, begin_application
    from support.programmes import ENDED, LAW, NOON, official
    from support.registers import OFFICE

    made = begin_application(LAW, "3.2", 2024, site.world.people["alpha"], NOON)
    act(made.number, "submit", site.world.people["alpha"], NOON)
    for action, duty in (("check", "check"), ("publicise", "publish"), ("decide", "decide")):
        now = ENDED if action == "decide" else NOON
        act(made.number, action, official(f"{duty}-3.2", duty, OFFICE), now, reason="核对过")
    made.refresh_from_db()
    return made


def test_a_firm_goes_from_its_application_to_a_loaded_corpus(conditional: Site) -> None:
    application = decided(conditional)
    page = conditional.page("alpha")
    page.goto(f"{conditional.url}/applications/{application.number}")
    expect(page.locator("main")).to_contain_text("已批准")
    page.goto(f"{conditional.url}/opendata/corpora/briefs")
    expect(page.locator("#shards")).to_contain_text("须有对它的授权")
    page.context.close()

    page = conditional.page("releaser")
    page.goto(f"{conditional.url}/opendata/grants")
    given = {
        "entry": code(), "uscc": conditional.world.alpha.uscc, "purpose": "训练政务问答模型", "licence": "授权许可",
        "application": application.number, "starts_on": "2024-01-01", "ends_on": "2099-12-31",
    }  # fmt: skip
    for name, text in given.items():
        page.fill(f"#give [name={name}]", text)
    page.fill("#give [name=terms]", "不得转给他人；不得还原个人。")
    page.locator("#give button.main").click()
    expect(page.locator(".said")).to_contain_text("已授权")
    address = page.url
    page.context.close()

    page = conditional.page("alpha")
    page.goto(address)
    page.get_by_role("button", name="接受").click()
    expect(page.locator(".said")).to_contain_text("授权生效")
    page.goto(f"{conditional.url}/opendata/{code()}")
    expect(page.locator("#preview")).to_contain_text("办理情况简报第0期")
    page.goto(f"{conditional.url}/opendata/corpora/briefs")
    expect(page.locator("#loading")).to_contain_text("datasets.load_dataset")
    with page.expect_download() as loading:
        page.locator("#shards a[download]", has_text="jsonl").click()
    lines = [json.loads(line) for line in loading.value.path().read_text("utf-8").splitlines()]
    assert len(lines) == 30
    assert {line["grant"].partition("/")[2] for line in lines} == {conditional.world.alpha.uscc}
    page.goto(address)
    expect(page.locator("main")).to_contain_text("briefs-0001.jsonl")
    page.context.close()
