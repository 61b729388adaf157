"""A file of the register between its preview and its acceptance: on disk by its content, for a day.

What the page carries in between is a signed slip that names the file, its reader's name and who uploaded it.
"""

from __future__ import annotations

import time

from django.core import signing

from huisuan.base.content_store import ContentDamaged, ContentMissing, ContentStore
from huisuan.base.errors import InvalidRequest
from huisuan.base.paths import home

HELD_SECONDS = 24 * 3600
_SALT = "huisuan.register-import"


def hold_file(content: bytes, name: str, by: str) -> str:
    """Keep a file for a day; the slip by which its uploader has it back."""
    _clear_away()
    sha256 = _store().store(content)
    _store().path_of(sha256).touch()  # its day begins anew where it was there already
    return signing.dumps([sha256, name, by], salt=_SALT)


def held_file(slip: str, by: str) -> tuple[bytes, str]:
    """The content and the name of a file that this person uploaded within a day.

    Raises:
        InvalidRequest: the slip is none of theirs, too old, or the file is gone.
    """
    try:
        sha256, name, owner = signing.loads(slip, salt=_SALT, max_age=HELD_SECONDS)
        if owner != by:
            raise signing.BadSignature
        return _store().load(sha256), name
    except (signing.BadSignature, ContentMissing, ContentDamaged, ValueError):
        raise InvalidRequest("预览过的文件已经不在了（只留一天）：请重新上传", code="register.held_file_gone") from None


def _store() -> ContentStore:
    return ContentStore(home() / "register-imports")


def _clear_away() -> None:
    """Remove what was held for longer than a day."""
    oldest = time.time() - HELD_SECONDS
    for path in _store().folder.glob("??/*"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:  # another request was quicker
            continue
