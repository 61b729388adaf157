"""What claims name is declared beside the procedure; what nobody could name does not load."""

from __future__ import annotations

from dataclasses import replace

import pytest

from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import ClaimObjectSpec, ObjectKind, names, programme_sentences
from huisuan.law.procedure.checks import check_objects

CLAIM = load_policy("anhui-agi-2023").programme("14.1")


def test_a_programme_says_what_its_claims_name_and_how_many_there_are() -> None:
    (named,) = CLAIM.objects
    assert replace(named, shared=None) == ClaimObjectSpec(
        ObjectKind.STANDARD, True, ("international", "national"), contested=True
    )
    assert named.shared is not None
    assert (named.shared.by.name, named.shared.portion) == ("14.1.joint", "portion")
    assert any("标准" in said for said in programme_sentences(CLAIM, {}))
    assert any("standard" in said for said in programme_sentences(CLAIM, {}, english=True))


def test_what_claims_name_belongs_to_the_digest() -> None:
    assert replace(CLAIM, objects=()).digest != CLAIM.digest


@pytest.mark.parametrize("kind", ["entitlement", "colour", ""])  # an entitlement is named by the platform alone
def test_only_known_kinds_are_named(kind: str) -> None:
    with pytest.raises(LawError) as refused:
        names(kind)
    assert refused.value.code == "law.object_kind_unknown"


def test_counts_are_facts_of_the_rule() -> None:
    with pytest.raises(LawError) as refused:
        names("standard", counts=(3,))
    assert refused.value.code == "law.object_count_no_fact"
    with pytest.raises(LawError, match="national"):
        check_objects(CLAIM, ["international"])


def test_a_kind_is_declared_once() -> None:
    with pytest.raises(LawError) as refused:
        check_objects(replace(CLAIM, objects=(names("contract"), names("contract"))), [])
    assert refused.value.code == "law.object_kind_twice"


def test_what_is_held_year_by_year_says_so_and_what_is_held_once_keeps_its_digest() -> None:
    yearly = names("project", held="per_year")
    assert (yearly.to_dict()["held"], "held" in names("voucher").to_dict()) == ("per_year", False)
    said = replace(CLAIM, objects=(yearly, names("voucher")))
    assert "其中项目每年度一件" in programme_sentences(said, {})[-1]
    assert "that of a project has one each year" in programme_sentences(said, {}, english=True)[-1]
    with pytest.raises(LawError) as refused:
        names("project", held="for_ever")
    assert refused.value.code == "law.object_held_unknown"
