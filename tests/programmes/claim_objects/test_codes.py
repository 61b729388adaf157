"""Codes of objects: what is one, what is two, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest
from huisuan.law.procedure import ClaimObjectSpec, ObjectKind
from huisuan.programmes.claim_objects.codes import MOST_OBJECTS, ends_alike, normalise_code, parse_objects
from support.jobs import party

ASKED = (ClaimObjectSpec(ObjectKind.STANDARD, True), ClaimObjectSpec(ObjectKind.CONTRACT, False))
DASHES = "-‐‑‒–—―−－﹣"
SPACES = " \t\u3000\u00a0\u2009\u200b"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("GB/T 41867-2022", "GB/T41867-2022"), ("ＧＢ／Ｔ　４１８６７—２０２２", "GB/T41867-2022"),
        ("gb/t 41867 ― 2022", "GB/T41867-2022"),
        ("ht--2024---1", "HT-2024-1"), ("皖经信〔2024〕5号", "皖经信[2024]5号"),
        ("皖经信［２０２４］5号", "皖经信[2024]5号"),
    ],
)  # fmt: skip
def test_width_case_blanks_brackets_and_dashes_make_no_difference(typed: str, code: str) -> None:
    assert normalise_code(typed) == code


def test_where_the_dash_stands_makes_a_difference() -> None:
    assert normalise_code("GB/T 1-11") != normalise_code("GB/T 11-1")


@given(st.text(max_size=60))
@example("ŉ1")
@example("ǰ１")
@example("ﬃ1")
@example("1O\u200b\u0304")  # without the blank a letter and its accent are one
def test_a_normal_code_stays_as_it_is(text: str) -> None:
    try:
        code = normalise_code(text)
    except InvalidRequest:
        return
    assert normalise_code(code) == code
    assert not any(sign.isspace() for sign in code)


@given(st.from_regex(r"[A-Z0-9]{1,6}(-[A-Z0-9]{1,6}){0,3}", fullmatch=True), st.data())
def test_whoever_types_a_code_otherwise_names_the_same_object(code: str, data: st.DataObject) -> None:
    typed = "".join(
        data.draw(st.sampled_from(SPACES)) * data.draw(st.integers(0, 2))
        + (data.draw(st.sampled_from(DASHES)) if sign == "-" else data.draw(_otherwise(sign)))
        for sign in code
    )
    assert normalise_code(typed) == code


def _otherwise(sign: str) -> st.SearchStrategy[str]:
    wide = chr(ord(sign) + 0xFEE0)
    return st.sampled_from((sign, sign.lower(), wide, wide.lower()))


@pytest.mark.parametrize("typed", ["", "  ", "-", "—/—", "\x00", "\u200b", "字" * 81, "A" * 10_000, "()"])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalise_code(typed)
    assert refused.value.code == "claim_object.code_malformed"


def test_an_object_typed_twice_is_one() -> None:
    named = parse_objects([{"kind": "standard", "code": "gb 1"}, {"kind": "standard", "code": "GB１"}], ASKED)
    assert [each.to_dict() for each in named] == [{"kind": "standard", "code": "GB1", "typed": "gb 1"}]


@pytest.mark.parametrize("kind", ["voucher", "entitlement", "", "x" * 50])
def test_only_the_kinds_that_the_programme_asks_for_are_named(kind: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_objects([{"kind": kind, "code": "1"}], ASKED)
    assert refused.value.code == "claim_object.kind_not_asked"


def test_nobody_names_thousands() -> None:
    with pytest.raises(InvalidRequest, match=str(MOST_OBJECTS)):
        parse_objects([{"kind": "contract", "code": str(at)} for at in range(MOST_OBJECTS + 1)], ASKED)


@pytest.mark.django_db
def test_a_party_is_written_before_a_contract_only() -> None:
    other = party(7).uscc
    (contract,) = parse_objects([{"kind": "contract", "code": f"{other} HT-1"}], ASKED)
    assert contract.code == f"{other}HT-1"
    with pytest.raises(InvalidRequest) as refused:  # it would be the other firm's standard once more
        parse_objects([{"kind": "standard", "code": f"{other} GB/T 41867-2022"}], ASKED)
    assert refused.value.code == "claim_object.prefix_not_allowed"
    assert ends_alike("GB/T41867-2022", "1-GB/T41867-2022")
    assert not ends_alike("GB/T41867-2022", "GB/T41867-2022")
    assert not ends_alike("22", "GB/T41867-2022")
