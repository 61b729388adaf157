"""Our Merkle trees against pymerkle's, which follow the same RFC, and against every way to cheat."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from huisuan.compute.metering.ledger.merkle import inclusion_proof, merkle_root, root_from_proof

entries = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def oracle(held: list[bytes]) -> InmemoryTree:
    """Their tree over the same entries."""
    tree = InmemoryTree(algorithm="sha256")
    for each in held:
        tree.append_entry(each)
    return tree


def test_the_root_over_nothing_is_the_hash_of_nothing() -> None:
    assert merkle_root([]) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", [*range(1, 40), 1000, 1025])
def test_the_root_is_theirs_for_every_size(size: int) -> None:
    held = [number.to_bytes(4, "big") for number in range(size)]
    assert merkle_root(held) == oracle(held).get_root()


@given(entries, st.data())
def test_an_inclusion_proof_is_theirs_and_leads_to_the_root(held: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(held) - 1))
    proof = inclusion_proof(held, at)
    theirs = oracle(held).prove_inclusion(at + 1)
    assert [hashlib.sha256(b"\0" + held[at]).digest(), *proof] == theirs.path
    assert root_from_proof(held[at], at, len(held), proof) == merkle_root(held)


@given(entries, st.data())
def test_a_proof_stands_for_no_other_entry_place_or_tree(held: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(held) - 1))
    proof, whole = inclusion_proof(held, at), merkle_root(held)
    other = data.draw(st.binary(max_size=40).filter(lambda each: each != held[at]))
    assert root_from_proof(other, at, len(held), proof) != whole
    assert root_from_proof(held[at], at, len(held), [*proof, b"\0" * 32]) is None
    assert root_from_proof(held[at], len(held), len(held), proof) is None
    if proof:
        assert root_from_proof(held[at], at, len(held), proof[1:]) is None
        place = data.draw(st.integers(0, len(proof) - 1))
        bent = [bytes([each[0] ^ 1]) + each[1:] if n == place else each for n, each in enumerate(proof)]
        assert root_from_proof(held[at], at, len(held), bent) != whole


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=2, max_size=40, unique=True), st.data())
def test_a_change_a_loss_a_doubling_or_another_order_gives_another_root(held: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(held) - 1))
    assert (
        len(
            {
                merkle_root(held),
                merkle_root(held[:at] + held[at + 1 :]),
                merkle_root([*held, held[at]]),
                merkle_root(held[::-1]),
            }
        )
        == 4
    )


def test_there_is_no_proof_of_what_is_not_there() -> None:
    with pytest.raises(IndexError):
        inclusion_proof([b"a"], 1)
