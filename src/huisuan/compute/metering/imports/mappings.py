"""Whose the users and accounts of a centre are by its mappings; every mapping made is a row of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from huisuan.compute.models import Centre, Tenant


@dataclass(frozen=True)
class AccountMappings:
    """The mappings of a centre as they stand, by kind (account, user) and name: a kind of its own before either."""

    tenants: Mapping[tuple[str, str], Tenant]

    def party_of(self, user: str, account: str) -> int | None:
        """Whose use of this user and account is: the user's before the account's; None where neither is mapped."""
        tenant = self.tenants.get((Tenant.Kind.USER, user)) or self.tenants.get((Tenant.Kind.ACCOUNT, account))
        return None if tenant is None else tenant.party_id


def named_kinds(kind: str) -> tuple[str, ...]:
    """What a mapping of a kind names: accounts, users, or either of them."""
    return (kind,) if kind else (Tenant.Kind.ACCOUNT.value, Tenant.Kind.USER.value)


def load_mappings(centre: Centre) -> AccountMappings:
    """All mappings of a centre."""
    known: dict[tuple[str, str], Tenant] = {}
    for tenant in Tenant.objects.filter(centre=centre).order_by("kind"):  # "" first: a kind of its own goes before
        known |= {(kind, tenant.name): tenant for kind in named_kinds(tenant.kind)}
    return AccountMappings(known)


def find_mapping(centre: Centre, kind: str, name: str) -> Tenant | None:
    """The mapping that says whose an account or user is: one of its kind, or else one of either kind."""
    found = Tenant.objects.select_related("party").filter(centre=centre, kind__in=(kind, ""), name=name)
    return found.order_by("-kind").first()


def map_name(centre: Centre, kind: str, name: str, party_id: int) -> Tenant:
    """Map it by a new row in place of the one that stands: what was refused under that one may be asked again."""
    Tenant.objects.filter(centre=centre, kind=kind, name=name).delete()
    return Tenant.objects.create(centre=centre, kind=kind, name=name, party_id=party_id)
