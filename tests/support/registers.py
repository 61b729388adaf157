"""A register with something on it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from huisuan.parties.models import Person
from huisuan.programmes.models import RegisteredThing, RegisterVersion
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.registers.services import import_register
from support.programmes import person

POLICY, PARKS = "anhui-agi-2023", "parks"
OFFICE = "省人工智能产业推进组工作专班"
HEADER = "编号,园区名称,建设主体,市,自,至,入园企业数,其中通用人工智能企业数,授予文件"
REGISTERED = ("量子园", "皖智〔2024〕1号", "季度更新")  # what stands on it in Chinese
_NOON = datetime(2024, 6, 3, 4, tzinfo=UTC)


def park(code: str = "P-1", firms: str = "100", agi: str = "61", **other: str) -> str:
    """A row of the parks' file."""
    row = {
        "name": "量子园",
        "holder": "",
        "region": "合肥市",
        "from": "2024-01-01",
        "until": "",
        "document": "皖智〔2024〕1号",
    }
    row |= other
    return ",".join(
        [code, row["name"], row["holder"], row["region"], row["from"], row["until"], firms, agi, row["document"]]
    )


def registered_park(keeper: Person) -> tuple[str, str, str]:
    """A park whose share was corrected once: policy, register and code."""
    if not keeper.posts.filter(duty="register").exists():
        give_post(keeper, OFFICE, "register", date(2024, 1, 1), person("giver"), _NOON)
    for agi in ("61", "70"):
        content = f"{HEADER}\n{park(agi=agi)}".encode()
        import_register(content, "园区.csv", POLICY, PARKS, by=keeper, now=_NOON, reason="季度更新")
    return POLICY, PARKS, "P-1"


def listed_as_agi(owner: Person, from_day: date = date(2023, 10, 12)) -> RegisteredThing:
    """Put a person's firm on the register of firms of general AI, once."""
    assert owner.party is not None
    entry, made = RegisteredThing.objects.get_or_create(
        policy=POLICY, register="agi_firms", code=f"AGI-{owner.party.uscc}"
    )
    if made:
        entry.latest = RegisterVersion.objects.create(
            entry=entry, number=1, name=owner.party.name, holder=owner.party, from_day=from_day, digest="0" * 64,
            values={"ground": "专家评审", "document": "皖智〔2023〕2号"}, source="名录.csv", by=owner, at=_NOON,
        )  # fmt: skip
        entry.save(update_fields=["latest"])
    return entry
