"""Text that is too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest
from huisuan.base.text_length import check_length, distinct_key, shortened


def test_what_was_typed_too_long_is_refused_with_its_field_and_never_cut() -> None:
    assert check_length("原因", 2, "理由") == "原因"
    with pytest.raises(InvalidRequest, match=r"^理由：有 3 个字，至多 2 个，请改短$") as refusal:
        check_length("长原因", 2, "理由")
    assert refusal.value.code == "text.too_long"


@given(text=st.text(max_size=30))
def test_a_shortened_text_says_that_it_goes_on(text: str) -> None:
    short = shortened(text, 10)
    assert short == text if len(text) <= 10 else (len(short) == 10 and short == text[:9] + "…")


@given(beginning=st.text(min_size=200, max_size=200), ends=st.tuples(st.text(max_size=5), st.text(max_size=5)))
def test_two_keys_of_one_beginning_stay_two(beginning: str, ends: tuple[str, str]) -> None:
    first, second = (distinct_key(beginning + end, 200) for end in ends)
    assert len(first) <= 200
    assert (first == second) == (ends[0] == ends[1])
