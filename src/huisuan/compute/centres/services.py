"""Centres, their partitions and their tariffs: what changes them, each in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.text_length import check_length
from huisuan.base.time_zones import parse_time_zone
from huisuan.compute import engines
from huisuan.compute.accelerators import is_all_of_it, part_of
from huisuan.compute.accelerators.registry import accelerator_by_name
from huisuan.compute.models import Accelerator, Centre, Partition
from huisuan.parties.models import Region
from huisuan.parties.queries import get_party
from huisuan.protocol.agent import HUGE_CARDS

PARTITION = re.compile(r"(?P<name>[^=]+)=(?P<model>[^:]+):(?P<nodes>[^:x×]+)[x×](?P<cards>[^:]+)(?::(?P<local>.*))?")


@dataclass(frozen=True)
class PartitionPlan:
    """A partition as `--partition` writes it."""

    name: str
    accelerator: Accelerator
    nodes: int
    cards_per_node: int
    local_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class CentrePlan:
    """What `centre add` says of a centre; None leaves what stands (or the default, for a new one)."""

    name: str | None = None
    operator: str | None = None
    region: str | None = None
    name_en: str | None = None
    timezone: str | None = None
    engine: str | None = None
    partitions: tuple[str, ...] = ()
    demo: bool = False


def parse_partition(text: str) -> PartitionPlan:
    """Read `name=MODEL:NODESxCARDS[:localname,localname]`.

    Raises:
        Refused: it is not written so, or names an unknown model.
    """
    found = PARTITION.fullmatch(text.strip())
    if not found:
        raise InvalidRequest(
            f'--partition "{text}" 写法不对；应为 分区=型号:节点数x每节点卡数[:调度器中的卡名,…]，如 gpu=H20:16x8:h20',
            code="partition.malformed",
        )
    counts = {}
    for key, label, most in (("nodes", "节点数", HUGE_CARDS), ("cards", "每节点卡数", 1024)):
        value = found[key].strip()
        if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= most:
            raise InvalidRequest(
                f'--partition "{text}" 的{label} "{value}" 不是 1 至 {most:,} 的整数',
                code="partition.count_out_of_range",
            )
        counts[key] = int(value)
    local = tuple(dict.fromkeys(filter(None, (name.strip().lower() for name in (found["local"] or "").split(",")))))
    name = found["name"].strip()
    if len(name) > 60 or any(len(each) > 60 for each in local):
        raise InvalidRequest(f'--partition "{text}" 的分区名或卡名超过 60 个字符', code="partition.name_too_long")
    for each in local:
        if (what := part_of(each)) and not is_all_of_it(each):
            raise InvalidRequest(
                f'--partition "{text}" 的卡名 "{each}" 是一张卡的一部分（{what}），不能登记为整卡的名字',
                code="card.part_of_card",
            )
    return PartitionPlan(name, accelerator_by_name(found["model"]), counts["nodes"], counts["cards"], local)


def add_centre(code: str, plan: CentrePlan) -> Centre:
    """Add a centre, or add to one that stands: further partitions, and what `plan` names anew.

    A partition is known by its name and model; given again with other figures, it is changed.

    Raises:
        Refused: a part of the plan is missing or wrong.
    """
    partitions = [parse_partition(text) for text in plan.partitions]
    with transaction.atomic():
        centre = Centre.objects.select_for_update().filter(code=code).first() or _new_centre(code, plan)
        _apply_plan(centre, plan)
        for each in partitions:
            Partition.objects.update_or_create(
                centre=centre,
                name=each.name,
                accelerator=each.accelerator,
                defaults={
                    "nodes": each.nodes,
                    "cards_per_node": each.cards_per_node,
                    "local_names": list(each.local_names),
                },
            )
    return centre


def _new_centre(code: str, plan: CentrePlan) -> Centre:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", code):
        raise InvalidRequest(
            f'中心代码 "{code}" 不合规；请用 1 至 40 个字母、数字、- 或 _，如 hefei-1', code="centre.code_malformed"
        )
    missing = [
        option
        for option, value in (("--name", plan.name), ("--operator", plan.operator), ("--region", plan.region))
        if not value
    ]
    if not plan.partitions:
        missing.append("--partition")
    if missing:
        raise InvalidRequest(f'新中心 "{code}" 还缺 {"、".join(missing)}', code="centre.incomplete")
    operator = get_party(plan.operator or "")
    return Centre(code=code, operator=operator, demo=plan.demo)


def _apply_plan(centre: Centre, plan: CentrePlan) -> None:
    if plan.operator and get_party(plan.operator) != centre.operator:
        raise Conflict(
            f"中心 {centre.code} 的运营方是 {centre.operator}，决定自建自用，不能改；请另立新中心",
            code="centre.operator_fixed",
        )
    if plan.region:
        region = Region.objects.filter(pk=plan.region).first() or Region.objects.filter(name_zh=plan.region).first()
        if region is None:
            raise InvalidRequest(
                f'--region "{plan.region}" 不是已知的行政区划代码；安徽各市为 340100 合肥市 至 341800 宣城市',
                code="region.unknown",
            )
        centre.region = region
    if plan.timezone:
        centre.timezone = parse_time_zone(plan.timezone).key
    if plan.engine:
        if plan.engine not in (known := engines.installed()):
            raise InvalidRequest(
                f'--engine "{plan.engine}" 未知；可用：{"、".join(known)}；只报用量的中心不必写', code="engine.unknown"
            )
        centre.engine = plan.engine
    centre.name = check_length(plan.name or centre.name, 120, "中心名称")
    centre.name_en = check_length(plan.name_en or centre.name_en, 120, "中心英文名称")
    centre.save()


def centre_by_code(code: str) -> Centre:
    """The centre of this code.

    Raises:
        Refused: there is none.
    """
    found = Centre.objects.select_related("operator", "region").filter(code=code).first()
    if found is None:
        raise NotFound(
            f'没有代码为 "{code}" 的智算中心；用 huisuan centre list 查看，或先 huisuan centre add',
            code="centre.unknown",
        )
    return found
