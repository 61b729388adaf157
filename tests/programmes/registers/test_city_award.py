"""Article 4: cities' registers of vendors freeze into figures, the province's award follows them to the fen."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from django.test import Client

from huisuan.base.csv_lines import FileReport
from huisuan.base.errors import NotAllowed, NotFound
from huisuan.parties.models import Person, Region
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.registers.city_award import award_cities, award_differences, city_award_to_dict, list_editions
from huisuan.programmes.registers.services import end_entry, get_register, import_register
from huisuan.programmes.registers.snapshots import freeze_register, get_snapshot
from support.command_tree import invoke
from support.programmes import NOON, applicant, official, person
from support.registers import OFFICE, POLICY

KNOWN, BUDGET = date(2025, 3, 1), 1_000_000_01
RULE = "4.1.cities"


def of_city(code: str, office: str) -> Person:
    made = person(f"city{code}", "city", city=Region.objects.get(code=code))
    if not made.posts.exists():
        give_post(made, office, "register", date(2024, 1, 1), person("giver"), NOON)
    return made


def entered(by: Person, key: str, *rows: str) -> FileReport:
    content = "\n".join([",".join(get_register(POLICY, key).columns.values()), *rows]).encode()
    return import_register(content, "f.csv", POLICY, key, by=by, now=datetime(2025, 2, 1, 4, tzinfo=UTC))


def signed_in(who: Person) -> Client:
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.django_db
def test_a_late_correction_of_a_city_makes_new_figures_and_the_award_tells_who_gets_more_and_who_less() -> None:
    hefei, wuhu = of_city("340100", "合肥市人民政府"), of_city("340200", "芜湖市人民政府")
    one, two = (who.party.uscc for number in (1, 2) if (who := applicant(number)).party)
    sale = "{code},标注服务,{firm},{city},{day},,数据标注,{day},{amount},HT-{code},{invoice}"
    first = [
        sale.format(code="H1", firm=one, city="合肥市", day="2024-03-01", amount="300", invoice="FP1"),
        sale.format(code="H2", firm=one, city="合肥市", day="2024-12-31", amount="300", invoice="FP2"),
        sale.format(code="H3", firm=one, city="合肥市", day="2025-01-01", amount="900", invoice="FP3"),
    ]
    assert not entered(hefei, "vendor_sales", *first).faults
    other = sale.format(code="W1", firm=two, city="芜湖市", day="2024-05-01", amount="400", invoice=" ｆｐ２ ")
    assert not entered(wuhu, "vendor_sales", other).faults
    assert entered(wuhu, "vendor_sales", first[0].replace("H1", "W9")).faults[0].rule == "不是本市"
    paid = "{code},当年补贴,{firm},{city},2024-12-01,,2024-12-01,{amount},{code}"
    subsidies = [paid.format(code=code, firm=one, city="合肥市", amount="5") for code in ("V1", "V2")]
    assert not entered(hefei, "vendor_subsidies", *subsidies).faults
    theirs = paid.format(code="V3", firm=two, city="芜湖市", amount="10").removesuffix("V3") + "V1"
    assert not entered(wuhu, "vendor_subsidies", theirs).faults, "each city numbers its own vouchers"
    again = paid.format(code="V4", firm=two, city="芜湖市", amount="10").removesuffix("V4") + "Ｖ１"
    (fault,) = entered(wuhu, "vendor_subsidies", again).faults
    assert "V3" in fault.rule

    group = official("keeper", "register", OFFICE)

    def frozen(key: str, day: int, reason: str = "") -> None:
        freeze_register(POLICY, key, "2024", by=group, now=datetime(2025, 2, day, tzinfo=UTC), reason=reason)

    with pytest.raises(NotAllowed) as not_theirs:
        freeze_register(POLICY, "vendor_sales", "2024", by=hefei, now=datetime(2025, 2, 1, tzinfo=UTC))
    assert not_theirs.value.code == "register.no_post_to_freeze"
    frozen("vendor_sales", 1)
    with pytest.raises(NotFound) as refused:
        award_cities(POLICY, RULE, "2024", known=KNOWN)
    assert refused.value.code == "register.no_edition"
    frozen("vendor_subsidies", 2)
    before = award_cities(POLICY, RULE, "2024", known=KNOWN, budget_fen=BUDGET)
    assert before.figures["340100"] == {"sales": 60_000, "subsidised": 1_000, "vendors": 1}, "each vendor once"
    score = Fraction(40, 100) * Fraction(3, 5) + Fraction(40, 100) / 2 + Fraction(20, 100) / 2
    assert before.result.shares[0].score == score == Fraction(54, 100)
    assert dict(before.amounts) == {"340100": 54_000_001, "340200": 46_000_000}
    twice = city_award_to_dict(POLICY, RULE, before, None)["twice"]
    assert twice == ["数据交易：发票号码 FP2 重复：合肥市 H2、芜湖市 W1"]

    now = datetime(2025, 2, 10, tzinfo=UTC)
    with pytest.raises(NotAllowed):
        end_entry(POLICY, "vendor_sales", "H2", date(2024, 12, 31), by=wuhu, now=now, reason="重复")
    end_entry(POLICY, "vendor_sales", "H2", date(2025, 2, 10), by=hefei, now=now, reason="发票已由芜湖计入")
    frozen("vendor_sales", 11, "更正重复的发票")
    after = award_cities(POLICY, RULE, "2024", known=KNOWN, budget_fen=BUDGET)
    assert (after.edition.number, len(list_editions(POLICY, RULE, "2024"))) == (2, 2)
    changes = award_differences(before, after)
    assert sum(after.amounts.values()) == BUDGET
    assert sum(changes.values()) == 0
    assert changes["340100"] < 0 < changes["340200"]
    again = award_cities(POLICY, RULE, "2024", known=KNOWN, edition=1, budget_fen=BUDGET)
    assert again.amounts == before.amounts, "what was frozen stays"
    check_what_is_private_stays_so(hefei, group)
    said = city_award_to_dict(POLICY, RULE, after, before)
    shown = invoke("register", "award", POLICY, RULE, "2024", "--budget", str(BUDGET), "--json")
    assert [row["change_fen"] for row in json.loads(shown.stdout)["cities"]] == list(changes.values())
    assert "比第 1 版" in invoke("register", "award", POLICY, RULE, "2024", "--budget", str(BUDGET)).stdout
    assert (said["against"], said["twice"], said["frozen"]["vendor_sales"]["number"]) == (1, [], 2)


def check_what_is_private_stays_so(hefei: Person, group: Person) -> None:
    """芜湖 has one vendor with one sale: its sum is that firm's turnover, for nobody beside the province."""
    address = f"/api/v1/register-figures/{POLICY}/vendor_sales/2024"
    stored = get_snapshot(POLICY, "vendor_sales", "2024")
    for reader in (Client(), signed_in(hefei), signed_in(applicant(2))):
        said = reader.get(address).json()
        assert said["rows"] == [
            {"region": "340100", "service": "annotation", "entries": 1},
            {"region": "340200", "service": "annotation", "entries": 1},
        ]
        assert said["sha256"] != stored["sha256"], "a digest of the whole tells which guess is right"
    assert signed_in(group).get(address).json()["rows"] == stored["rows"]
    assert stored["rows"][1]["amount"] == 40_000

    entry, form = f"/registers/{POLICY}/vendor_sales/W1", f"/registers/enter/{POLICY}/vendor_sales"
    city = signed_in(hefei)
    assert city.get(f"{form}?code=W1").status_code == 404, "another city's contract, invoice and amount"
    assert "FP1" in city.get(f"{form}?code=H1").content.decode()
    assert f"{form}?code=W1" not in city.get(entry).content.decode()
    assert f"{form}?code=H1" in city.get(entry.replace("W1", "H1")).content.decode()
