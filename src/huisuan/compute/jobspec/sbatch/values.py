"""The values of sbatch's options: times, counts, generic resources, dependencies. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from huisuan.base.errors import InvalidRequest
from huisuan.compute.accelerators import CARD_FAMILIES, known_cards, matching_models, part_of, part_refusal
from huisuan.compute.jobspec.core.request_rules import LONGEST_TIME, UID

ONE_KIND = "一个作业只能用一种型号的卡，请拆成几个作业"
ENDLESS = frozenset({"0", "infinite", "unlimited", "-1"})
#: what Slurm calls a wait for another job, and what to do where it is not "done first"
DEPENDENCIES = {
    "after": "平台没有“开始之后”",
    "afterany": "平台没有“无论成败”：前一个失败时后面的会取消",
    "afterburstbuffer": "平台没有突发缓冲区",
    "aftercorr": "平台没有“下标相同的先完成”：请让整个阵列先完成（afterok）",
    "afternotok": "平台没有“失败之后”",
    "expand": "平台不扩展已有的作业",
    "singleton": "平台没有“同名作业只跑一个”：请用 afterok 排成一串",
}


@dataclass(frozen=True)
class RequestedCards:
    """So many cards of one kind: the models that will do (empty: any) and the maker ("": any)."""

    count: int
    models: tuple[str, ...] = ()
    vendor: str = ""


def parse_time_limit(text: str) -> int | None:
    """Seconds of a time as Slurm writes it (90, 90:30, 1:30:00, 2-12, 2-12:30, 2-12:30:15); None: no limit.

    Raises:
        InvalidRequest: it is none, or longer than the platform allows.
    """
    if text.lower() in ENDLESS:
        return None
    found = re.fullmatch(r"(?:(\d{1,5})-)?(\d{1,7})(?::(\d{1,7}))?(?::(\d{1,7}))?", text, re.ASCII)
    if not found:
        raise InvalidRequest(
            f"时间 {text}：应形如 90（分钟）、90:30、1:30:00、2-12、2-12:30 或 2-12:30:00", code="sbatch.time_malformed"
        )
    days, first, second, third = (int(part) if part else None for part in found.groups())
    if days is not None:  # days-hours[:minutes[:seconds]]
        total = ((days * 24 + (first or 0)) * 60 + (second or 0)) * 60 + (third or 0)
    elif third is not None:  # hours:minutes:seconds
        total = ((first or 0) * 60 + (second or 0)) * 60 + third
    else:  # minutes[:seconds]
        total = (first or 0) * 60 + (second or 0)
    if not total:  # 00:00:00 is Slurm's other way to write "no limit"
        return None
    if not 1 <= total <= LONGEST_TIME:
        raise InvalidRequest(
            f"时间 {text} 是 {total} 秒：应在 1 秒至 {LONGEST_TIME // 86400} 天之间", code="sbatch.time_out_of_bounds"
        )
    return total


def count(text: str) -> int:
    """A whole number of nodes, tasks or cards.

    Raises:
        InvalidRequest: it is none, or zero.
    """
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not int(text):
        raise InvalidRequest(
            f"“{text}”应是正整数{'（短选项的值直接跟在后面，不写 =）' if text.startswith('=') else ''}",
            code="sbatch.number_malformed",
        )
    return int(text)


def least_nodes(text: str) -> tuple[int, bool]:
    """The fewest nodes of `2`, `2-4`; whether more were welcome.

    Raises:
        InvalidRequest: it is written otherwise.
    """
    found = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text, re.ASCII)
    if not found:
        raise InvalidRequest(f"节点数 “{text}”：应形如 2 或 2-4", code="sbatch.nodes_malformed")
    return count(found[1]), bool(found[2]) and found[2] != found[1]


def gpus(text: str) -> RequestedCards:
    """Cards as --gpus and its sisters write them: `8`, `a800:8`, `a800` for one.

    Raises:
        InvalidRequest: written otherwise, several kinds, or no card that anyone knows.
    """
    _half_width(text)
    if "," in text:
        raise InvalidRequest(
            f"“{text}”要几种卡：一个作业只能用一种型号的卡，请拆成几个作业，或只写张数再用 --models 列出可接受的型号",
            code="sbatch.several_models",
        )
    local, _, number = text.rpartition(":")
    if number and not number[0].isdigit() and not number.startswith("="):
        local, number = text, "1"
    return RequestedCards(count(number), *_kind(local, "gpu"))


def gres(text: str) -> tuple[RequestedCards | None, list[str]]:
    """Cards in a list of generic resources (`gpu:a800:8`, `gres/npu:8`), and what of the list is no card.

    Raises:
        InvalidRequest: parts of cards, several kinds, no card that anyone knows, or nothing that is a card.
    """
    _half_width(text)
    found: list[RequestedCards] = []
    others: list[str] = []
    for item in filter(None, text.split(",")):
        whole = re.sub(r"\((?:S|IDX):[^)]*\)$", "", item.removeprefix("gres/").removeprefix("gres:"))
        family, *rest = re.split(r"[:=]", whole)
        if what := part_of(family):
            raise InvalidRequest(f"{part_refusal(item, what)}，例如 gpu:张数", code="sbatch.part_of_a_card")
        if family not in CARD_FAMILIES:  # case counts, as with sbatch
            if item != "none":
                others.append(item)
            continue
        number = rest.pop() if rest and rest[-1].isdigit() else "1"
        if int(number):
            found.append(RequestedCards(count(number), *_kind(":".join(rest), family)))
    if len(found) > 1:
        raise InvalidRequest(f"“{text}”要几种卡：{ONE_KIND}", code="sbatch.several_models")
    if others and not found:  # sbatch refuses it too: to take it for "no card asked for" would run it on any card
        families = "、".join(CARD_FAMILIES)
        raise InvalidRequest(
            f"“{text}”不是加速卡：名字要小写，只能是 {families}；例如 gpu:8 或 gpu:a800:8", code="sbatch.gres_unknown"
        )
    return (found[0] if found else None), others


def _half_width(text: str) -> None:
    """Refuse what an input method slipped in: sbatch would read gpu:a100：4 as one card of a model of that name.

    Raises:
        InvalidRequest: names the characters.
    """
    if odd := "".join(sign for sign in text if not sign.isascii()):
        raise InvalidRequest(
            f"“{text}”含有全角字符 {odd}：请用半角的冒号与数字，例如 gpu:a800:8", code="sbatch.full_width_characters"
        )


def _kind(local: str, family: str) -> tuple[tuple[str, ...], str]:
    vendor = CARD_FAMILIES.get(family) or ""
    if not local:
        return (), vendor
    own = [card for card in known_cards() if not vendor or card.vendor == vendor]
    return tuple(matching_models(local, own)), vendor


def after(text: str) -> list[str]:
    """The jobs that must be done first.

    Raises:
        InvalidRequest: another kind of waiting, or no uid of the platform.
    """
    uids: list[str] = []
    if "?" in text:
        raise InvalidRequest(
            f"“{text}”：平台没有“其中一个”（?）；都要完成请用逗号", code="sbatch.dependency_unsupported"
        )
    for part in text.split(","):
        kind, *names = part.split(":")
        if kind.lower() in DEPENDENCIES:
            raise InvalidRequest(f"“{part}”：{DEPENDENCIES[kind.lower()]}", code="sbatch.dependency_unsupported")
        if kind.lower() != "afterok" or not names:
            raise InvalidRequest(f"“{part}”：应形如 afterok:作业号[:作业号…]", code="sbatch.dependency_malformed")
        for uid in names:
            if "+" in uid:
                raise InvalidRequest(
                    f"“{uid}”：平台没有“完成后再等若干分钟”，请去掉 + 之后的部分", code="sbatch.dependency_unsupported"
                )
            if not UID.fullmatch(uid) or uid.isdigit():
                raise InvalidRequest(
                    f"“{uid}”不是平台的作业号（见 huisuan job list）：Slurm 的作业号只在它自己的集群里有意义",
                    code="sbatch.dependency_not_ours",
                )
            uids.append(uid)
    return uids
