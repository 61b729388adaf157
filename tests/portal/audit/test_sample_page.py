"""The auditor draws a sample on a page: by a link that draws the same again, with files that hold their proofs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.urls import reverse

from huisuan.base.months import Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.audit.sample import check_sample
from huisuan.compute.metering.seals.seal_month import seal_month
from support.portal import NOW, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """January of Hefei, sealed."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    seal_month("hf", Month(2024, 1), by="王", now=NOW, despite="历史记录")
    return world


def test_before_anything_is_sealed_the_page_says_where_to_seal(world: World) -> None:
    page = world.browser("auditor").get(reverse("audit-sample")).content.decode()
    assert "还没有封过的月" in page


def test_the_link_draws_the_same_again_and_each_line_leads_to_its_record_and_proof(sealed: World) -> None:
    address = f"{reverse('audit-sample')}?lot=2024037&size=5&by=amount"
    page = sealed.browser("auditor").get(address).content.decode()
    assert page.count(reverse("usage") + "hf/") == 3 * 5  # the record, its raw line, its proof
    assert sealed.browser("province").get(address).content.decode().count("hf/") == page.count("hf/")
    assert sealed.browser("city").get(address).status_code == 403


def test_the_files_hold_what_is_checked_without_the_platform(sealed: World) -> None:
    address = f"{reverse('audit-sample')}?lot=2024037&size=5"
    answer = sealed.browser("auditor").get(f"{address}&export=json")
    assert check_sample(json.loads(answer.content), platform_key.public()) == []
    listed = sealed.browser("auditor").get(f"{address}&export=csv").content.decode().splitlines()
    assert len(listed) == 1 + 5


@pytest.mark.parametrize("query", ["size=0", "size=x", "by=user", "year=1999", "centre=nowhere", "size=999999999999"])
def test_what_cannot_be_drawn_is_said_on_the_page(sealed: World, query: str) -> None:
    answer = sealed.browser("auditor").get(f"{reverse('audit-sample')}?lot=7&{query}")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'role="alert"' in page or f"<code>{query}</code>" in page
