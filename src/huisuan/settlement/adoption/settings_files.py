"""Adopted settings as files, so that every reading of the law sees them; the record in PostgreSQL decides.

`write_adopted` may run at any time and any number of times: it brings the files to what the record says.
"""

from __future__ import annotations

from pathlib import Path

from huisuan.base.errors import Conflict, Unavailable
from huisuan.base.paths import home, write_private
from huisuan.law.model import LawError
from huisuan.law.policy import adopted_folder, list_policies, list_setting_files, load_policy
from huisuan.settlement.models import End, ProposalEnd


def write_adopted() -> list[Path]:
    """Write every adopted settings file that lacks or reads otherwise than the record; gives those written.

    Raises:
        Unavailable: one cannot be written.
    """
    return [path for path, text in _recorded().items() if _write_if_different(path, text)]


def list_unadopted_files() -> list[Path]:
    """Settings files in the home of which the record knows nothing: nobody adopted them."""
    recorded = _recorded()
    places = home() / "settings"
    policies = sorted(places.iterdir()) if places.is_dir() else []
    return [path for place in policies if place.is_dir() for path in list_setting_files(place) if path not in recorded]


def refuse_unadopted_files() -> None:
    """Stop before money is computed with settings that nobody adopted.

    Raises:
        Conflict: names the files.
    """
    if found := list_unadopted_files():
        named = "、".join(map(str, found))
        raise Conflict(
            f"{named} 没有采用记录：请移走，再用 huisuan settings propose 提出；确要手工加的，放在 HUISUAN_SETTINGS",
            code="settings.stray_file",
        )


def list_problems() -> list[str]:
    """What is wrong with the settings of this home, for the start of the platform."""
    found = [f"{path} 没有采用记录：结算会拒绝，请移走" for path in list_unadopted_files()]
    for name in list_policies():
        try:
            load_policy(name)
        except LawError as error:
            found.append(f"政策 {name} 读不了：{error}")
    return found


def _recorded() -> dict[Path, str]:
    ends = ProposalEnd.objects.filter(end=End.ADOPTED).select_related("proposal").order_by("pk")
    return {adopted_folder(end.proposal.policy) / end.file: end.text for end in ends}


def _write_if_different(path: Path, text: str) -> bool:
    try:
        if path.is_file() and path.read_bytes() == text.encode():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, text)
    except OSError as error:
        raise Unavailable(
            f"{path} 写不了：{error.strerror}；采用记录仍在，修好后运行 huisuan migrate 会补上",
            code="settings.file_unwritable",
        ) from None
    return True
