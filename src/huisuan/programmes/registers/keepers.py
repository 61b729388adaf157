"""Who may enter what on a register: its office; of one that each city keeps, each its own; a party its own entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from huisuan.base.csv_lines import LineFault
from huisuan.base.errors import NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import Policy
from huisuan.law.procedure import EACH_CITY, Duty, RegisterSpec, offices_named
from huisuan.parties.models import MemberRole, Person
from huisuan.programmes.offices import city_governments, posts_in_force
from huisuan.programmes.registers.entry_line import ThingContent

_ENTERS = (MemberRole.OWNER, MemberRole.SUBMITTER)


@dataclass(frozen=True)
class Keeper:
    """What somebody may enter: of these regions only (None: of any), of this holder only (empty: of any)."""

    regions: frozenset[str] | None = None
    holder: str = ""

    def check(self, spec: RegisterSpec, line: int, content: ThingContent) -> LineFault | None:
        """What is wrong with a row that somebody else would have to enter."""
        if self.regions is not None and content.region not in self.regions:
            return LineFault(line, spec.columns["region"], content.region, "不是本市", "各市只登记本市的")
        if self.holder and content.holder != self.holder:
            return LineFault(line, spec.columns["holder"], content.holder, "不是本单位", "各单位只登记自己的")
        return None


def keeper_of(spec: RegisterSpec, person: Person, now: datetime) -> Keeper:
    """What a person may enter today.

    Raises:
        NotAllowed: nothing: no post in the office that keeps the register, nor a party that enters its own.
    """
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date())
    offices = {post.office.name for post in posts if post.duty == Duty.REGISTER}
    if spec.office in EACH_CITY:
        regions = frozenset(code for code, office in city_governments().items() if office in offices)
        if regions:
            return Keeper(regions=regions)
    elif spec.office in offices:
        return Keeper()
    if spec.by_holder and person.party is not None and person.member_role in _ENTERS:
        return Keeper(holder=person.party.uscc)
    raise NotAllowed(
        f"“{spec.title}”由{spec.office}当天在任的登记岗位维护；岗位见 huisuan post list",
        code="register.no_post_in_force",
    )


def check_freezes(policy: Policy, spec: RegisterSpec, person: Person, now: datetime) -> None:
    """Refuse who may not freeze its figures: of what each city keeps, the office responsible does, no city for others.

    Raises:
        NotAllowed: the person has no post in that office.
    """
    if spec.office not in EACH_CITY:
        keeper_of(spec, person, now)
        return
    office = (*offices_named(policy.text, spec.sentence), policy.issuer)[0]
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date())
    if not any(post.duty == Duty.REGISTER and post.office.name == office for post in posts):
        raise NotAllowed(
            f"“{spec.title}”由各市登记，数字由{office}当天在任的登记岗位固定；岗位见 huisuan post list",
            code="register.no_post_to_freeze",
        )


def may_enter(spec: RegisterSpec, person: Person | None, now: datetime) -> bool:
    """Whether a person may enter anything: what a page shows a button for."""
    if person is None:
        return False
    try:
        keeper_of(spec, person, now)
    except NotAllowed:
        return False
    return True


def not_theirs(
    keeper: Keeper, spec: RegisterSpec, entries: Mapping[str, tuple[int, ThingContent]]
) -> dict[str, LineFault]:
    """By code the rows that the keeper may not enter."""
    found = {code: keeper.check(spec, line, content) for code, (line, content) in entries.items()}
    return {code: fault for code, fault in found.items() if fault is not None}
