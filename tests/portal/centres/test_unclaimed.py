"""The page of unclaimed accounts: a suggestion is confirmed by a person, on record, and taken back."""

from __future__ import annotations

import pytest
from django.urls import reverse

from huisuan.compute.models import AccountClaim, Centre, Tenant
from support.portal import World

pytestmark = pytest.mark.django_db


def test_an_account_is_mapped_from_the_page_and_taken_back(world: World) -> None:
    Tenant.objects.create(centre=Centre.objects.get(code="wh"), kind="account", name="nobody", party=world.beta)
    browser, address = world.browser("centre"), reverse("unclaimed", args=["hf"])
    shown = browser.get(address).content.decode()
    assert "nobody" in shown
    assert "别的中心这样对应" not in shown  # that centre is another operator's
    assert "别的中心这样对应" in world.browser("province").get(address).content.decode()
    given = {"kind": "account", "name": "nobody", "uscc": world.beta.uscc}
    done = browser.post(reverse("claim-account", args=["hf"]), given, follow=True).content.decode()
    assert "重新计量了 1 条记录" in done
    claim = AccountClaim.objects.get(name="nobody")
    assert (claim.party, claim.by) == (world.beta, "centre")
    assert (
        "1 条记录" not in browser.get(reverse("centre", args=["hf"])).content.decode().split('id="unclaimed"')[1][:400]
    )
    back = browser.post(reverse("undo-claim", args=["hf", claim.pk]), follow=True).content.decode()
    assert "等省专班确认" in back
    assert "Claims on record" in world.browser("province", "en").get(address).content.decode()


def test_who_only_reads_does_not_claim_and_rubbish_is_refused_in_words(world: World) -> None:
    assert world.browser("city").post(reverse("claim-account", args=["hf"]), {}).status_code == 403
    assert world.browser("centre").post(reverse("claim-account", args=["wh"]), {}).status_code == 404
    said = world.browser("centre").post(
        reverse("claim-account", args=["hf"]), {"kind": "account", "name": "nobody", "other": "x"}, follow=True
    )
    assert "x" in said.content.decode()
    assert not AccountClaim.objects.filter(name="nobody").exists()


def test_what_a_mapping_file_mapped_first_is_on_the_page_with_its_file(world: World) -> None:
    shown = world.browser("province").get(reverse("unclaimed", args=["hf"])).content.decode()
    assert "对应表 t.csv" in shown
    assert (
        "Mapping file t.csv" in world.browser("province", "en").get(reverse("unclaimed", args=["hf"])).content.decode()
    )
