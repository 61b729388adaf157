"""As whom a person acts: the role with what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.parties.models import MemberRole, Party, Region, Role


@dataclass(frozen=True)
class Position:
    """For whom a person acts: the role with its party (USCC) or city (region code), and the role within a firm.

    `member_role` is for users: owner, submitter or viewer. Empty: the firm's owner where it has none, else submitter.
    """

    role: str
    party: str | None = None
    city: str | None = None
    member_role: str = ""

    def resolve(self) -> tuple[Party | None, Region | None]:
        """The party and the city.

        Raises:
            Refused: the role is unknown, lacks its party or city, or has one that it may not have.
        """
        if self.role not in Role.values:
            raise InvalidRequest(f"角色 {self.role}：只能是 {'、'.join(Role.values)}", code="position.role_unknown")
        if self.member_role and (self.role != Role.USER or self.member_role not in MemberRole.values):
            raise InvalidRequest(
                f"成员角色 {self.member_role}：只有角色 user 有，且只能是 {'、'.join(MemberRole.values)}",
                code="position.member_role_unknown",
            )
        return _party(self.role, self.party), _city(self.role, self.city)


def _party(role: str, uscc: str | None) -> Party | None:
    if role not in (Role.USER, Role.CENTRE):
        if uscc:
            raise InvalidRequest(f"角色 {role} 不属于某个主体：请去掉 --party", code="position.party_unneeded")
        return None
    if not uscc:
        raise InvalidRequest(f"角色 {role} 须用 --party 写明主体的统一社会信用代码", code="position.party_missing")
    found = Party.objects.filter(uscc=uscc.strip().upper()).first() if "\0" not in uscc else None
    if found is None:
        raise NotFound(f"主体 {uscc} 不存在：请先用 huisuan party import 导入", code="party.unknown")
    return found


def _city(role: str, code: str | None) -> Region | None:
    if role != Role.CITY:
        if code:
            raise InvalidRequest(f"角色 {role} 不属于某个市：请去掉 --city", code="position.city_unneeded")
        return None
    if not code:
        raise InvalidRequest("角色 city 须用 --city 写明市的行政区划代码，例如 340100", code="position.city_missing")
    found = Region.objects.filter(code=code).first() if "\0" not in code else None
    if found is None or not found.in_anhui:
        raise NotFound(f"行政区划代码 {code}：不是安徽省的市", code="city.unknown")
    return found
