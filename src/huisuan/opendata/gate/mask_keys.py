"""Keys that mask: one per dataset or linkage group, each a file of the home; a row says only that there is one.

Destroying removes the file: no token can be made again, and none traced back. Backups made before hold it still.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from datetime import datetime
from pathlib import Path

from django.db import transaction

from huisuan.base.errors import InvalidRequest, NotAllowed, NotFound, Unavailable
from huisuan.base.hashing import text_sha256
from huisuan.base.paths import ensure_folder, home
from huisuan.opendata.models import MaskingKey
from huisuan.parties.models import Person, Role

_SCOPE = re.compile(r"[0-9A-Za-z一-鿿_-]{1,60}")


def check_scope(scope: str) -> str:
    """The name of a dataset or linkage group.

    Raises:
        InvalidRequest: it is none.
    """
    if _SCOPE.fullmatch(scope) is None:
        raise InvalidRequest(
            f'关联组 "{scope[:20]}" 写法不对：1 至 60 个汉字、字母、数字、- 或 _', code="gate.scope_malformed"
        )
    return scope


@transaction.atomic
def living_key(scope: str, now: datetime) -> MaskingKey:
    """The key that stands for a scope; made where there is none."""
    last = MaskingKey.objects.filter(scope=scope).order_by("number").last()
    if last is not None and last.destroyed_at is None:
        return last
    number = last.number + 1 if last else 1
    _make(_place(scope, number))  # before the row: a row never stands without its file
    made, _ = MaskingKey.objects.get_or_create(scope=scope, number=number, destroyed_at=None, defaults={"made_at": now})
    return made


def key_for(key: MaskingKey, purpose: str) -> bytes:
    """32 bytes of a key for one purpose ("mask", or "fingerprint" and the file's number).

    Raises:
        Unavailable: it was destroyed, or its file is gone.
    """
    try:
        secret = bytes.fromhex(_place(key.scope, key.number).read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise Unavailable(
            f'"{key.scope}" 的第 {key.number} 把密钥已销毁或不在数据目录里：以它遮蔽的内容不能再生成',
            code="gate.key_gone",
        ) from None
    return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()


@transaction.atomic
def destroy_key(scope: str, person: Person, now: datetime) -> MaskingKey:
    """Destroy the key of a scope: tokens that were made stay, and are final.

    Raises:
        NotAllowed: not somebody of the province's working group.
        NotFound: it has no key.
    """
    if person.role != Role.PROVINCE:
        raise NotAllowed("密钥只有省专班能销毁", code="gate.key_is_the_provinces")
    key = MaskingKey.objects.select_for_update(of=("self",)).filter(scope=scope, destroyed_at=None).first()
    if key is None:
        raise NotFound(f'"{scope[:60]}" 没有密钥', code="gate.key_unknown")
    key.destroyed_at, key.destroyed_by = now, person
    key.save(update_fields=["destroyed_at", "destroyed_by"])
    transaction.on_commit(lambda: _remove(_place(key.scope, key.number)))
    return key


def _place(scope: str, number: int) -> Path:
    return home() / "mask-keys" / f"{text_sha256(scope)[:32]}-{number}"


def _make(path: Path) -> None:
    """Once: of two that try at the same time, the one that links first has made it."""
    if path.exists():
        return
    draft = ensure_folder(path.parent) / f".{path.name}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _remove(path: Path) -> None:
    """Overwrite and remove; a file system that keeps old blocks is not undone by this."""
    if path.exists():
        path.write_text("0" * 64, encoding="ascii")
        path.unlink()
