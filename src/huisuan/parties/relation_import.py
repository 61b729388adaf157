"""Who owns, controls or succeeds whom, from CSV: good lines are kept, bad ones named, twice changes nothing."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction

from django.db import transaction
from django.db.models import Max, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from huisuan.base.csv_lines import CsvTable, FileReport, LineRefused
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.parties.csv_import import BY_COMMAND, parse_date_cell, parse_uscc
from huisuan.parties.models import Party, Relation, Succession, SuccessionKind
from huisuan.parties.relation_history import latest_statements

_RELATION_COLUMNS = ("owner", "owned", "valid_from")
_OPTIONAL_RELATION_COLUMNS = ("share_permille", "share", "control", "valid_to", "withdrawn")
_SUCCESSION_COLUMNS = ("old", "new", "kind", "valid_from")
#: sent inside the transaction of an import that entered something: `parties` (keys of both ends), `at`
relations_entered = Signal()
_YES, _NO = {"true", "1", "yes", "y", "是"}, {"false", "0", "no", "n", "否", ""}


def import_relations(
    content: bytes, name: str = "CSV", *, by: str = BY_COMMAND, now: datetime | None = None
) -> FileReport:
    """Bring relations up to the file (columns owner, owned, valid_from; share_permille or share, control, valid_to).

    A relation is known by owner, owned and its first day; a line that says otherwise is what is known since today, and
    what was known before stays as it was. `withdrawn` takes back one that never was. One transaction.

    Raises:
        Refused: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _RELATION_COLUMNS, _OPTIONAL_RELATION_COLUMNS)
    report = FileReport(ignored_columns=table.ignored)
    at = now or timezone.now()
    entry = {"known_from": at.astimezone(SHANGHAI).date(), "source": shortened(name, 200), "by": by[:120], "at": at}
    with transaction.atomic():
        parties = {party.uscc: party for party in Party.objects.all()}
        seen: dict[tuple[int, int, date], int] = {}
        entered: set[int] = set()
        for line, cells in table.rows(report.faults):
            try:
                relation = _parse_relation(cells, parties)
                key = (relation.owner_id, relation.owned_id, relation.valid_from)
                if key in seen:
                    rule = f"与第 {seen[key]} 行说的是同一关系"
                    raise LineRefused("valid_from", cells["valid_from"], rule, "每段关系只留一行")
                for field, value in entry.items():
                    setattr(relation, field, value)
                if _store_relation(relation, report):
                    entered |= {relation.owner_id, relation.owned_id}
                seen[key] = line
            except LineRefused as refusal:
                report.faults.append(refusal.at(line))
        if entered:
            relations_entered.send(import_relations, parties=entered, at=at)
    return report


def _parse_relation(cells: dict[str, str], parties: dict[str, Party]) -> Relation:
    ends = {}
    for column in ("owner", "owned"):
        code = parse_uscc(column, cells[column])
        if code not in parties:
            raise LineRefused(column, code, "不是已登记的主体", "请先用 huisuan party import 导入它")
        ends[column] = parties[code]
    if ends["owner"] == ends["owned"]:
        raise LineRefused("owned", cells["owned"], "与 owner 相同", "关系须在两个主体之间")
    control, withdrawn = (cells.get(column, "").lower() for column in ("control", "withdrawn"))
    if control not in _YES | _NO:
        raise LineRefused("control", cells["control"], "不是 true 或 false", "有控制关系写 true，没有写 false")
    if withdrawn not in _YES | _NO:
        raise LineRefused("withdrawn", cells["withdrawn"], "不是 true 或 false", "登记错了、从来没有的关系写 true")
    share = _parse_share(cells)
    if not share and control not in _YES:
        rule = "持股为 0 且无控制关系"
        raise LineRefused("share", cells.get("share") or cells.get("share_permille", ""), rule, "请写明持股或控制关系")
    first = parse_date_cell("valid_from", cells["valid_from"])
    last = parse_date_cell("valid_to", cells["valid_to"]) if cells.get("valid_to") else None
    if last is not None and last <= first:
        raise LineRefused("valid_to", cells["valid_to"], f"不晚于 valid_from {first}", "终止日不含当日，须晚于起始日")
    return Relation(
        **ends, share_permille=share, control=control in _YES, valid_from=first, valid_to=last,
        withdrawn=withdrawn in _YES,
    )  # fmt: skip


def _parse_share(cells: dict[str, str]) -> int:
    """The share in per mille, exact: share_permille, or share as 51%, 0.5% or 1/2."""
    whole, text = cells.get("share_permille", ""), cells.get("share", "")
    column, value = ("share_permille", whole) if whole else ("share", text)
    if not value:
        return 0
    try:
        if whole:
            permille = Fraction(whole)
        elif text.endswith("%"):
            permille = Fraction(text[:-1].strip()) * 10
        else:
            permille = Fraction(text) * 1000
    except (ValueError, ZeroDivisionError):
        raise LineRefused(column, value, "不是比例", "请写成 51%、0.5%、1/2，或用 share_permille 写千分之几") from None
    if permille.denominator != 1:
        raise LineRefused(column, value, "不是整千分数", "登记以千分之一为最小单位；请按登记文件核对")
    if not 0 <= permille <= 1000:
        raise LineRefused(column, value, "不在 0 与 100% 之间", "51% 请写 51%，或在 share_permille 中写 510")
    return int(permille)


def _store_relation(relation: Relation, report: FileReport) -> bool:
    """Whether it says anything new."""
    Party.objects.select_for_update(no_key=True).get(pk=relation.owned_id)  # two imports see one another
    pair = {"owner": relation.owner_id, "owned": relation.owned_id}
    latest = Relation.objects.filter(**pair).aggregate(day=Max("known_from"))["day"]
    if latest and latest > relation.known_from:
        rule = f"的登记已有 {latest} 才知道的一条"
        raise LineRefused("owned", relation.owned.uscc, rule, "不能补登在它之前；请核对本机的日期")
    stands = latest_statements(date.max).filter(**pair)
    if not relation.withdrawn:
        _refuse_overlap(relation, stands.filter(withdrawn=False).exclude(valid_from=relation.valid_from))
    same = stands.filter(valid_from=relation.valid_from).first()
    if relation.withdrawn and same is None:
        raise LineRefused("withdrawn", "true", "没有登记过这段关系", "请核对 owner、owned 与 valid_from")
    fields = ("share_permille", "control", "valid_to", "withdrawn")
    unchanged = same and (
        all(getattr(same, field) == getattr(relation, field) for field in fields)
        or (same.withdrawn and relation.withdrawn)
    )
    if unchanged:
        report.same += 1
        return False
    relation.save()
    if same is None or same.withdrawn:
        report.new += 1
    else:
        report.changed += 1
    return True


def _refuse_overlap(relation: Relation, others: QuerySet[Relation]) -> None:
    for other in others:
        if other.valid_from < (relation.valid_to or date.max) and relation.valid_from < (other.valid_to or date.max):
            rule = f"与已登记的一段（{other.valid_from} 至 {other.valid_to or '今'}）重叠"
            raise LineRefused("valid_from", str(relation.valid_from), rule, "请先导入那一段的终止日 valid_to")


def import_successions(
    content: bytes, name: str = "CSV", *, by: str = BY_COMMAND, now: datetime | None = None
) -> FileReport:
    """Enter who took whose place (columns old, new, kind, valid_from; carries): renumbered, merged or split.

    Of a party that was split, one successor at most carries its claims and caps: `carries` says which. What is entered
    stays; the same line twice changes nothing. One transaction.

    Raises:
        Refused: the file is not a CSV with these columns.
    """
    table = CsvTable(content, name, _SUCCESSION_COLUMNS, ("carries",))
    report = FileReport(ignored_columns=table.ignored)
    at = now or timezone.now()
    with transaction.atomic():
        parties = {party.uscc: party for party in Party.objects.all()}
        for line, cells in table.rows(report.faults):
            try:
                found = _parse_succession(cells, parties)
                found.known_from, found.source, found.by, found.at = (
                    at.astimezone(SHANGHAI).date(),
                    shortened(name, 200),
                    by[:120],
                    at,
                )
                _store_succession(found, report)
            except LineRefused as refusal:
                report.faults.append(refusal.at(line))
    return report


def _parse_succession(cells: dict[str, str], parties: dict[str, Party]) -> Succession:
    ends = {}
    for column in ("old", "new"):
        code = parse_uscc(column, cells[column])
        if code not in parties:
            raise LineRefused(column, code, "不是已登记的主体", "请先用 huisuan party import 导入它")
        ends[column] = parties[code]
    if ends["old"] == ends["new"]:
        raise LineRefused("new", cells["new"], "与 old 相同", "承继须在两个主体之间")
    kinds = {label: value for value, label in SuccessionKind.choices} | {
        value: value for value in SuccessionKind.values
    }
    kind = kinds.get(cells["kind"])
    if kind is None:
        raise LineRefused("kind", cells["kind"], "不是已知的承继方式", f"可用：{'、'.join(SuccessionKind.values)}")
    carries = cells.get("carries", "").lower()
    if carries not in _YES | _NO or (kind == SuccessionKind.SPLIT and not carries):
        rule = "分立没有写明由谁承继权利与额度" if not carries else "不是 true 或 false"
        raise LineRefused("carries", carries, rule, "承继的一家写 true，其余写 false；不能按份额拆开")
    if kind != SuccessionKind.SPLIT and carries in _NO - {""}:
        raise LineRefused("carries", carries, "换号与合并一概承继", "请写 true，或改为 split")
    first = parse_date_cell("valid_from", cells["valid_from"])
    return Succession(**ends, kind=kind, carries=carries in _YES or not carries, valid_from=first)


def _store_succession(found: Succession, report: FileReport) -> None:
    stands = Succession.objects.filter(old=found.old, new=found.new).first()
    if stands is not None:
        same = (stands.kind, stands.carries, stands.valid_from) == (found.kind, found.carries, found.valid_from)
        if not same:
            rule = f"已登记为自 {stands.valid_from} 起{stands.get_kind_display()}"
            raise LineRefused("old", found.old.uscc, rule, "承继登记后不能改；请核对")
        report.same += 1
        return
    other = Succession.objects.filter(old=found.old, carries=True).select_related("new").first()
    if found.carries and other is not None:
        rule = f"的权利与额度自 {other.valid_from} 起已由 {other.new.uscc} 承继"
        raise LineRefused("old", found.old.uscc, rule, "一个主体只能由一家承继；分立的其余各家 carries 写 false")
    heirs = {found.new_id}
    while following := set(Succession.objects.filter(old__in=heirs).values_list("new", flat=True)) - heirs:
        heirs |= following
    if found.old_id in heirs:
        raise LineRefused("new", found.new.uscc, "又由 old 承继，绕成一圈", "请核对先后")
    found.save()
    report.new += 1
