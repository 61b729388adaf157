# ruff: noqa: S608 (our own SQL)
"""Jobs for which Slurm's accounting has no card although there should be one: flagged in groups. Pure (DuckDB only).

A zero is never silent. A job that asked for cards, or ran where there are some, and has none in AllocTRES either used
none or was accounted without them: Slurm leaves out what AccountingStorageTRES does not name, and a generic resource
by a name that nobody registered counts for nothing. Nobody can meter it afterwards, so somebody has to look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from huisuan.base.hashing import text_sha256
from huisuan.compute.accelerators import CardNames, asks_for_cards, is_card_name, other_gres
from huisuan.compute.metering.intake.parsed_file import FileAnomaly, ParsedFile

_FLAG = "no_cards"
LINES_NAMED = 5  # lines named in a message
#: the kinds, and whether they are wrong for sure (then the import says so by its exit code)
ASKED, UNKNOWN, UNTRACKED, IDLE = "asked", "unknown_gres", "untracked", "idle"
PARTS = "parts"  # lines refused because they were given parts of cards
SURE = (ASKED, UNKNOWN, UNTRACKED)
OTHER_RESOURCES = """
nic nics ib hca rdma roce efa craynetwork nvme ssd disk tmpdisk localtmp tmp lscratch scratch bandwidth gpfs lustre
license licence fpga qat gpumem gpuutil
"""
#: generic resources that are no cards
_NOT_CARDS = frozenset(OTHER_RESOURCES.split())
#: the lines without a card by what they say, each with its number, first lines and a digest of them all
_GROUPS = f"""
SELECT part, alloc, asked, coalesce(strftime(make_timestamp((started + 28800) * 1000000), '%Y-%m'), '') AS month,
    count(*), list(line_no ORDER BY line_no)[:{LINES_NAMED}], sha256(string_agg(raw_sha256, '' ORDER BY raw_sha256))
FROM without_cards GROUP BY ALL ORDER BY ALL
"""


@dataclass
class _Group:
    """Lines of one partition and month that lack a card for one reason."""

    lines: int = 0
    first: list[int] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


def flag_missing_cards(parsed: ParsedFile, names: CardNames) -> None:
    """Put what is wrong with the lines in `without_cards` with the file: counts by kind, and an anomaly a group."""
    tracked, cut = (
        {
            part
            for (part,) in parsed.con.execute(
                f"SELECT DISTINCT part FROM tres_map WHERE outcome = '{outcome}'"
            ).fetchall()
        }
        for outcome in ("cards", "fault")
    )
    # processor slots are no cards, and in no catalogue of cards
    held = {part for part, cards in names.by_partition.items() if set(cards) & set(names.catalogue)}
    groups: dict[tuple[str, str, str, str], _Group] = defaultdict(_Group)
    for part, alloc, asked, month, lines, first, digest in parsed.con.execute(_GROUPS).fetchall():
        for kind, detail in _why(part, alloc, asked, names, tracked, held | tracked | cut):
            group = groups[kind, part, month, detail]
            group.lines += lines
            group.first = sorted([*group.first, *first])[:LINES_NAMED]
            group.digests.append(digest)
    for (kind, part, month, detail), group in groups.items():
        parsed.no_cards[kind] = parsed.no_cards.get(kind, 0) + group.lines
        # other lines of a month that was answered for are another matter; where accounting works, once a month will do
        which = "" if kind == IDLE else text_sha256("".join(sorted(group.digests)))[:12]
        key = f"{kind} {part[:60]} {month} {detail[:60]} {which}".strip()
        text = f"分区 {part or '（空）'} {month}：{_text(kind, part, detail, names, group)}"
        parsed.anomalies.append(FileAnomaly(_FLAG, key, text, group.first[0]))


def _why(
    part: str, alloc: str, asked: str, names: CardNames, tracked: set[str], carded: set[str]
) -> Iterator[tuple[str, str]]:
    """Why lines that say this have no card, if they should have one; with the resource that nobody knows."""
    others = [name for name in other_gres(alloc) if name.partition(":")[0] not in _NOT_CARDS]
    unknown = [name for name in others if part in carded or is_card_name(name, names)]
    if unknown:
        yield UNKNOWN, unknown[0]
    elif asks_for_cards(asked, names):
        yield ASKED, ""
    elif part in carded:
        yield (IDLE if part in tracked else UNTRACKED), ""


def _text(kind: str, part: str, detail: str, names: CardNames, group: _Group) -> str:
    more = "……" if group.lines > len(group.first) else ""
    which = f"{group.lines:,} 个作业（行 {'、'.join(map(str, group.first))}{more}）"
    if kind == UNKNOWN:
        return (
            f"{which}的 AllocTRES 里只有 gres/{detail}，平台不认识这个名字，没有计量；它若是这个分区登记的卡，请用 "
            f"{names.registering(detail, part)} 登记这个名字后再导入；目录里没有的型号请报平台加入目录"
        )
    typed = "".join(f",gres/gpu:{name}" for where, name in names.local_by_partition if where == part)
    remedy = (
        f"请在 slurm.conf 写明 AccountingStorageTRES=gres/gpu{typed}（昇腾等写 gres/npu 等），重启 slurmctld；"
        "此前的作业 Slurm 没有记下卡，请由中心另行报送"
    )
    if kind == ASKED:
        return f"{which}要了加速卡，AllocTRES 里却没有卡，没有计量；{remedy}"
    if kind == UNTRACKED:
        return f"{which}在有卡的分区上运行，AllocTRES 里没有任何卡，没有计量；若确实用了卡，{remedy}"
    return f"{which}在有卡的分区上运行，没有要卡，也没有分到卡；别的作业记到了卡，请核对后答复"
