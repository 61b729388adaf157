"""An address of every kind of page in the small province, for whoever walks them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import NoReverseMatch, reverse

from huisuan.law.policy.load import list_policies
from support.english_pages import pages

if TYPE_CHECKING:
    from support.portal import World

ROLES = ("alpha", "centre", "city", "province", "auditor", "operator", "")
#: parts of pages, which htmx asks for; and what is not reached by a GET alone
PARTS = {"held-cancels", "raw-line", "bill-branch", "line-branch", "second-step", "enrol-factor"}


def page_addresses(world: World) -> dict[str, str]:
    """One address for each kind of page by the name of its route; of things only those that this province has."""
    from support.browser import proposal

    bill, policy = world.bill(world.alpha, 5), list_policies()[0]
    things: dict[str, list[Any]] = {
        "person": [world.people["alpha"].pk], "job": [world.jobs["alpha"].uid], "record": ["hf", 1],
        "seal": ["hf", "2024-01"], "bill": [bill.pk], "entitlement": [world.entitlement(world.alpha).pk],
        "centre": ["hf"], "run": [world.run.pk], "policy": [policy], "settings": [policy], "proposal": [proposal()],
        "propose-settings": [policy], "new-draft": [policy, "2.2"],
        **{name: [world.alpha.uscc] for name in ("party", "change-party", "relation-form", "succession-form")},
        **{name: ["hf"] for name in (
            "centre-figures", "centre-maintenance", "centre-tariffs", "seal-checklist", "unclaimed", "usage-imports",
        )},
    }  # fmt: skip
    found = {}
    for name in sorted(pages().keys() - PARTS):
        try:
            found[name] = reverse(name, args=things.get(name, []))
        except NoReverseMatch:
            continue  # a thing that this province has none of
    return found
