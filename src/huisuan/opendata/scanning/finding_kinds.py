"""The kinds of findings, and the one way in which each is masked everywhere: two masks of one number would add up."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class FindingKind(StrEnum):
    """What was found."""

    RESIDENT_ID = "resident_id"
    DAMAGED_ID = "damaged_id"
    MOBILE = "mobile"
    LANDLINE = "landline"
    BANK_CARD = "bank_card"
    USCC = "uscc"
    PLATE = "plate"
    PASSPORT = "passport"
    EMAIL = "email"
    ADDRESS = "address"
    NAME = "name"
    SECRECY = "secrecy"
    UNREAD = "unread"
    UNREAD_NAMES = "unread_names"  # text that no model judged for names: for a person to read


#: kinds that stand for no value
WITHOUT_VALUE = (FindingKind.SECRECY, FindingKind.UNREAD, FindingKind.UNREAD_NAMES)


class Confidence(StrEnum):
    """How sure a finding is: `low` is for a person to look at."""

    HIGH = "high"
    LOW = "low"


FINDING_NAMES: Mapping[FindingKind, str] = {
    FindingKind.RESIDENT_ID: "身份证号", FindingKind.DAMAGED_ID: "受损的身份证号", FindingKind.MOBILE: "手机号",
    FindingKind.LANDLINE: "固定电话", FindingKind.BANK_CARD: "银行卡号", FindingKind.USCC: "统一社会信用代码",
    FindingKind.PLATE: "车牌号", FindingKind.PASSPORT: "护照或通行证号", FindingKind.EMAIL: "电子邮箱",
    FindingKind.ADDRESS: "详细地址", FindingKind.NAME: "姓名", FindingKind.SECRECY: "密级标志",
    FindingKind.UNREAD: "未读", FindingKind.UNREAD_NAMES: "姓名未查",
}  # fmt: skip
#: how many characters stay in clear at the beginning and at the end
_SHOWN: Mapping[FindingKind, tuple[int, int]] = {
    FindingKind.RESIDENT_ID: (3, 1), FindingKind.DAMAGED_ID: (3, 0), FindingKind.MOBILE: (3, 4),
    FindingKind.LANDLINE: (4, 2), FindingKind.BANK_CARD: (4, 4), FindingKind.USCC: (4, 4), FindingKind.PLATE: (2, 1),
    FindingKind.PASSPORT: (1, 2), FindingKind.EMAIL: (1, 0), FindingKind.ADDRESS: (4, 0), FindingKind.NAME: (1, 0),
}  # fmt: skip
_LONGEST_MASK = 24


def mask_value(kind: FindingKind, value: str) -> str:
    """A value as people may see it; marks of secrecy and what was not read stay as they are."""
    if kind in WITHOUT_VALUE:
        return value
    head, tail = _SHOWN[kind]
    if kind is FindingKind.EMAIL:
        name, _, domain = value.partition("@")
        return f"{name[:1]}***@{domain}"
    hidden = max(len(value) - head - tail, 1)
    end = value[-tail:] if tail and len(value) > head + tail else ""
    return value[:head] + "*" * min(hidden, _LONGEST_MASK) + end
