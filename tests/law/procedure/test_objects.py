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
    assert CLAIM.objects == (ClaimObjectSpec(ObjectKind.STANDARD, True, ("international", "national")),)
    assert "标准" in programme_sentences(CLAIM, {})[-1]
    assert "standard" in programme_sentences(CLAIM, {}, english=True)[-1]


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
