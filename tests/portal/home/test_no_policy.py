"""The pages of a year of programmes where no policy is installed."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from support.programmes import person


@pytest.mark.django_db
@pytest.mark.parametrize("route", ["programme-year", "worked-cases"])
def test_without_a_policy_the_page_says_where_policies_go(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huisuan.law.policy.load.search_path", list)
    browser = Client()
    browser.force_login(person("shen", "auditor"), backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get(reverse(route))
    assert answer.status_code == 200
    assert "没有装入政策" in answer.content.decode()
