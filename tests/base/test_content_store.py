"""Contents stored by their SHA-256: once, unchanged or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.content_store import ContentDamaged, ContentMissing, ContentStore
from huisuan.base.hashing import bytes_sha256, file_sha256, text_sha256


@given(content=st.binary(max_size=300))
def test_what_is_stored_is_loaded_unchanged_and_lies_there_once(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    store = ContentStore(tmp_path_factory.mktemp("store"))
    sha256 = store.store(content)
    assert store.store(content) == sha256 == bytes_sha256(content) == file_sha256(store.path_of(sha256))
    assert store.load(sha256) == content
    assert [path for path in store.folder.rglob("*") if path.is_file()] == [store.path_of(sha256)]


def test_a_content_that_is_gone_or_was_changed_is_not_served(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    with pytest.raises(ContentMissing):
        store.load(text_sha256("nothing"))
    sha256 = store.store(b"a contract")
    store.path_of(sha256).write_bytes(b"another")
    with pytest.raises(ContentDamaged):
        store.load(sha256)


def test_its_owner_alone_can_read_a_content(tmp_path: Path) -> None:
    store = ContentStore(tmp_path)
    assert stat.S_IMODE(store.path_of(store.store(b"a contract")).stat().st_mode) == 0o600
