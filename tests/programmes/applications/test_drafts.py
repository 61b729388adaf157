"""Drafts and evidence in the database: nothing is lost, nothing is rewritten, nobody undoes another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from stdnum.cn import uscc

from huisuan.base.errors import Refused
from huisuan.law.policy.load import load_policy
from huisuan.parties.models import Party, Person, Region
from huisuan.parties.viewer import Viewer
from huisuan.programmes.applications import evidence_store as stored
from huisuan.programmes.applications import queries, services
from huisuan.programmes.applications.services import DraftTexts
from huisuan.programmes.models import Draft, Evidence
from support.evidence import PDF, png

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 1, 15, 2, 0, tzinfo=UTC)
POLICY = load_policy("anhui-agi-2023")
RULE = POLICY.rule("2.2")


@pytest.fixture(autouse=True)
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of evidence lie in a folder of the test's own."""
    monkeypatch.setattr(stored, "home", lambda: tmp_path)


def party(number: int, kind: str = "enterprise", region: str = "340100") -> Party:
    base = f"91340100MA2D{number:05d}"
    code = base + uscc.calc_check_digit(base)
    return Party.objects.create(uscc=code, name=f"公司 {number}", kind=kind, region_id=region)


def person(name: str, home: Party | None = None, role: str = "user", city: str = "") -> Person:
    return Person.objects.create_person(
        name, None, role=role, party=home, city=Region.objects.get(code=city) if city else None
    )


@pytest.fixture
def author() -> Person:
    return person("author", party(1))


@pytest.fixture
def draft(author: Person) -> Draft:
    assert author.party is not None
    return services.begin_draft(
        author.party, author, POLICY, RULE, DraftTexts({"spend": "一百万", "nothing": "x"}, "甲"), NOW
    )


def test_what_was_typed_is_kept_to_the_letter_and_what_is_no_fact_is_not(draft: Draft) -> None:
    assert (draft.facts, draft.label, draft.version, draft.rule) == ({"spend": "一百万"}, "甲", 1, "2.2")


def test_two_who_save_at_once_do_not_undo_each_other(draft: Draft, author: Person) -> None:
    later = NOW + timedelta(minutes=1)
    services.save_draft(draft, 1, author, POLICY, RULE, DraftTexts({"spend": "100"}), later)
    with pytest.raises(services.DraftChanged, match="已被同单位的人改过"):
        services.save_draft(draft, 1, author, POLICY, RULE, DraftTexts({"spend": "200"}), later)
    draft.refresh_from_db()
    assert (draft.facts, draft.version, draft.updated_at) == ({"spend": "100"}, 2, later)


def test_a_text_beyond_measure_is_refused(draft: Draft, author: Person) -> None:
    for text in ("9" * 2_001, "1\x00"):
        with pytest.raises(Refused, match="算力总支出"):
            services.save_draft(draft, 1, author, POLICY, RULE, DraftTexts({"spend": text}), NOW)


def test_evidence_is_kept_once_by_its_content_and_read_back_unchanged(draft: Draft, author: Person) -> None:
    kept = services.attach_evidence(draft, RULE, "spend", "账单.pdf", PDF, author, NOW)
    again = services.attach_evidence(draft, RULE, "spend", "账单副本.pdf", PDF, author, NOW)
    other = services.attach_evidence(draft, RULE, "self_use", "账单.pdf", PDF, author, NOW)
    assert kept == again
    assert kept != other
    assert stored.load_evidence(kept.sha256) == PDF
    place = stored.evidence_store().path_of(kept.sha256)
    assert place.relative_to(stored.home()).as_posix() == f"evidence/{kept.sha256[:2]}/{kept.sha256[2:]}"
    assert place.stat().st_mode & 0o777 == 0o600
    place.write_bytes(b"other")
    with pytest.raises(Refused, match="与登记的摘要不符"):
        stored.load_evidence(kept.sha256)
    place.unlink()
    with pytest.raises(Refused, match="不在数据目录里"):
        stored.load_evidence(kept.sha256)


def test_what_may_not_be_kept_leaves_nothing_behind(draft: Draft, author: Person) -> None:
    with pytest.raises(Refused, match="与扩展名不符"):
        services.attach_evidence(draft, RULE, "spend", "账单.pdf", png(), author, NOW)
    with pytest.raises(Refused, match="没有事实 income"):
        services.attach_evidence(draft, RULE, "income", "账单.pdf", PDF, author, NOW)
    assert not Evidence.objects.exists()
    assert not (stored.home() / "evidence").exists()


def test_evidence_is_withdrawn_and_never_deleted_or_rewritten(draft: Draft, author: Person) -> None:
    kept = services.attach_evidence(draft, RULE, "spend", "账单.pdf", PDF, author, NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        kept.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        Evidence.objects.filter(pk=kept.pk).update(filename="别的.pdf")
    services.withdraw_evidence(draft, kept.pk, author, NOW)
    with pytest.raises(Refused, match="已经撤回"):
        services.withdraw_evidence(draft, kept.pk, author, NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        Evidence.objects.filter(pk=kept.pk).update(withdrawn_at=None, withdrawn_by=None)
    anew = services.attach_evidence(draft, RULE, "spend", "账单.pdf", PDF, author, NOW)
    assert anew != kept


def test_a_draft_never_changes_hands_and_is_put_away_instead_of_deleted(draft: Draft, author: Person) -> None:
    for change in ({"party": party(2)}, {"rule": "8.2"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Draft.objects.filter(pk=draft.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        draft.delete()
    services.discard_draft(draft, NOW)
    assert not queries.drafts(Viewer.for_person(author)).exists()
    with pytest.raises(Refused, match="已舍弃"):
        services.save_draft(draft, 1, author, POLICY, RULE, DraftTexts({}), NOW)


def test_before_it_is_submitted_a_draft_is_seen_by_its_own_party_alone(draft: Draft) -> None:
    colleague, stranger = person("colleague", draft.party), person("stranger", party(3))
    city_party = party(4, "city")
    overseers = [
        person("hefei", role="city", city="340100"), person("province", role="province"),
        person("auditor", role="auditor"),
    ]  # fmt: skip
    elsewhere = person("wuhu", role="city", city="340200")
    readers = {
        who.username: Viewer.for_person(who) for who in (draft.owner, colleague, stranger, *overseers, elsewhere)
    }
    reading = {name for name, viewer in readers.items() if queries.drafts(viewer).exists()}
    assert reading == {"author", "colleague"}
    assert queries.claimant(readers["hefei"]) == city_party
    assert queries.claimant(readers["wuhu"]) is None
