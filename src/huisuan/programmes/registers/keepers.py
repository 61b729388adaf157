"""Who may enter what on a register: its office; of one that each city keeps, each its own; a party its own entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from huisuan.base.csv_lines import LineFault
from huisuan.base.errors import NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import EACH_CITY, Duty, RegisterSpec, offices_named
from huisuan.parties.models import MemberRole, Person
from huisuan.programmes.models import RegisterVersion
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

    def check_standing(self, line: int, code: str, latest: RegisterVersion | None) -> LineFault | None:
        """What is wrong with a row whose code is another city's or another party's entry; asked under its lock."""
        if latest is None:
            return None
        of_another_city = self.regions is not None and latest.region_id not in self.regions
        of_another_party = self.holder and (latest.holder is None or latest.holder.uscc != self.holder)
        if of_another_city or of_another_party:
            return LineFault(line, "编号", code, "已由另一单位登记", "请换一个编号")
        return None

    def filled_in(self, policy: str, spec: RegisterSpec, now: datetime) -> dict[str, str]:
        """The cells of a row that the platform fills in for a party: itself, and the day on which it came."""
        if not self.holder:
            return {}
        today = now.astimezone(SHANGHAI).date().isoformat()
        return {"holder": self.holder} | dict.fromkeys(_days_of_arrival(load_policy(policy), spec), today)

    def keep_reserved(
        self, policy: Policy, spec: RegisterSpec, content: ThingContent, latest: RegisterVersion | None, today: date
    ) -> ThingContent:
        """A party's row with what is not the party's to write as it stands: when it came, what the office answered.

        An entry that is new, or was taken off, comes today and has no answer.
        """
        if not self.holder:
            return content
        stands = latest.values if latest is not None and not latest.ended else {}
        arrived = {key: stands.get(key, today.isoformat()) for key in _days_of_arrival(policy, spec)}
        answered = {key: stands[key] for key in _answers(spec) if key in stands}
        written = {key: value for key, value in content.values.items() if key not in reserved_fields(policy, spec)}
        return replace(content, values=written | arrived | answered)


ANYTHING = Keeper()  # of the platform itself, and of an office that keeps the whole register


def reserved_fields(policy: Policy, spec: RegisterSpec) -> frozenset[str]:
    """The fields that a party which enters its own does not write: the day of arrival, the office's answer."""
    return frozenset(_days_of_arrival(policy, spec) | _answers(spec))


def _days_of_arrival(policy: Policy, spec: RegisterSpec) -> set[str]:
    queued = {each.matching.received for each in policy.registers if each.matching and each.matching.needs == spec.key}
    return queued | ({spec.answer.asked} if spec.answer else set())


def _answers(spec: RegisterSpec) -> set[str]:
    return {spec.answer.answered, spec.answer.said} - {""} if spec.answer else set()


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
        return ANYTHING
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


def may_correct(spec: RegisterSpec, version: RegisterVersion, person: Person | None, now: datetime) -> bool:
    """Whether a person may enter the next version of an entry, and so see all that it says: no city another's."""
    if person is None:
        return False
    try:
        keeper = keeper_of(spec, person, now)
    except NotAllowed:
        return False
    return keeper.check_standing(0, version.entry.code, version) is None


def not_theirs(
    keeper: Keeper, spec: RegisterSpec, entries: Mapping[str, tuple[int, ThingContent]]
) -> dict[str, LineFault]:
    """By code the rows that the keeper may not enter."""
    found = {code: keeper.check(spec, line, content) for code, (line, content) in entries.items()}
    return {code: fault for code, fault in found.items() if fault is not None}
