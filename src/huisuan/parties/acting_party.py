"""For which party somebody acts."""

from __future__ import annotations

from huisuan.base.errors import InvalidRequest, NotAllowed, NotFound
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer


def resolve_acting_party(uscc: str | None, viewer: Viewer) -> Party:
    """Whose job it is: a user's own party; the province names one.

    Raises:
        Refused: another's, none, or unknown.
    """
    if viewer.role == "user":
        own = Party.objects.get(viewer.parties())
        if uscc not in (None, own.uscc):
            raise NotAllowed(f"主体 {uscc}：只能为自己的主体（{own.uscc}）提交作业", code="party.not_own")
        return own
    if not uscc:
        raise InvalidRequest(
            "没有说明作业属于哪个主体：请用 --party 写统一社会信用代码，或以使用方身份 huisuan login",
            code="party.not_named",
        )
    found = Party.objects.filter(uscc=uscc).first()
    if found is None:
        raise NotFound(f"主体 {uscc} 不存在：请先用 huisuan party import 导入", code="party.unknown")
    return found
