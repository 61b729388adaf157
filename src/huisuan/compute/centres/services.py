"""Centres, their partitions and their tariffs: what changes them, each in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from django.db import transaction
from django.utils import timezone

from huisuan.base.time_zones import zone_named
from huisuan.compute import engines
from huisuan.compute.accelerators.catalogue import PROCESSOR_SLOT
from huisuan.compute.accelerators.parts import is_all_of_it, part_of, refusal
from huisuan.compute.accelerators.tres import Card, CardNames, unique, words
from huisuan.compute.models import HUGE_CARDS, Accelerator, Centre, Partition, Tariff
from huisuan.parties.models import Region
from huisuan.parties.queries import party_by_uscc
from huisuan.terminal import Refused

HUGE_FEN = 10_000_000
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


def accelerator_named(model: str) -> Accelerator:
    """The model of the catalogue, whatever the case of its letters.

    Raises:
        Refused: it is not there; the nearest ones are named.
    """
    models = {accelerator.model.lower(): accelerator for accelerator in Accelerator.objects.all()}
    found = models.get(model.strip().lower())
    if found:
        return found
    if what := part_of(model):
        raise Refused(refusal(model, what))
    asked = "".join(words(model))
    likely = [name for name in models if asked and (asked in "".join(words(name)) or "".join(words(name)) in asked)]
    near = list(dict.fromkeys([*likely, *get_close_matches(model.lower(), models, n=3, cutoff=0.4)])) or sorted(models)
    raise Refused(f'加速卡目录中没有 "{model}"；相近的有：{"、".join(models[name].model for name in near[:5])}')


def planned_partition(text: str) -> PartitionPlan:
    """Read `name=MODEL:NODESxCARDS[:localname,localname]`.

    Raises:
        Refused: it is not written so, or names an unknown model.
    """
    found = PARTITION.fullmatch(text.strip())
    if not found:
        raise Refused(
            f'--partition "{text}" 写法不对；应为 分区=型号:节点数x每节点卡数[:调度器中的卡名,…]，如 gpu=H20:16x8:h20'
        )
    counts = {}
    for key, label, most in (("nodes", "节点数", HUGE_CARDS), ("cards", "每节点卡数", 1024)):
        value = found[key].strip()
        if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= most:
            raise Refused(f'--partition "{text}" 的{label} "{value}" 不是 1 至 {most:,} 的整数')
        counts[key] = int(value)
    local = tuple(dict.fromkeys(filter(None, (name.strip().lower() for name in (found["local"] or "").split(",")))))
    name = found["name"].strip()
    if len(name) > 60 or any(len(each) > 60 for each in local):
        raise Refused(f'--partition "{text}" 的分区名或卡名超过 60 个字符')
    for each in local:
        if (what := part_of(each)) and not is_all_of_it(each):
            raise Refused(f'--partition "{text}" 的卡名 "{each}" 是一张卡的一部分（{what}），不能登记为整卡的名字')
    return PartitionPlan(name, accelerator_named(found["model"]), counts["nodes"], counts["cards"], local)


def add_centre(code: str, plan: CentrePlan) -> Centre:
    """Add a centre, or add to one that stands: further partitions, and what `plan` names anew.

    A partition is known by its name and model; said again with other figures, it is changed.

    Raises:
        Refused: a part of the plan is missing or wrong.
    """
    partitions = [planned_partition(text) for text in plan.partitions]
    with transaction.atomic():
        centre = Centre.objects.select_for_update().filter(code=code).first() or _new_centre(code, plan)
        _change(centre, plan)
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
        raise Refused(f'中心代码 "{code}" 不合规；请用 1 至 40 个字母、数字、- 或 _，如 hefei-1')
    missing = [
        option
        for option, value in (("--name", plan.name), ("--operator", plan.operator), ("--region", plan.region))
        if not value
    ]
    if not plan.partitions:
        missing.append("--partition")
    if missing:
        raise Refused(f'新中心 "{code}" 还缺 {"、".join(missing)}')
    operator = party_by_uscc(plan.operator or "")
    return Centre(code=code, operator=operator, demo=plan.demo)


def _change(centre: Centre, plan: CentrePlan) -> None:
    if plan.operator and party_by_uscc(plan.operator) != centre.operator:
        raise Refused(f"中心 {centre.code} 的运营方是 {centre.operator}，决定自建自用，不能改；请另立新中心")
    if plan.region:
        region = Region.objects.filter(pk=plan.region).first() or Region.objects.filter(name_zh=plan.region).first()
        if region is None:
            raise Refused(f'--region "{plan.region}" 不是已知的行政区划代码；安徽各市为 340100 合肥市 至 341800 宣城市')
        centre.region = region
    if plan.timezone:
        centre.timezone = zone_named(plan.timezone).key
    if plan.engine:
        if plan.engine not in (known := engines.installed()):
            raise Refused(f'--engine "{plan.engine}" 未知；可用：{"、".join(known)}；只报用量的中心不必写')
        centre.engine = plan.engine
    centre.name = (plan.name or centre.name)[:120]
    centre.name_en = (plan.name_en or centre.name_en)[:120]
    centre.save()


def centre_by_code(code: str) -> Centre:
    """The centre of this code.

    Raises:
        Refused: there is none.
    """
    found = Centre.objects.select_related("operator", "region").filter(code=code).first()
    if found is None:
        raise Refused(f'没有代码为 "{code}" 的智算中心；用 huisuan centre list 查看，或先 huisuan centre add')
    return found


def card_of(accelerator: Accelerator) -> Card:
    """The model as the meter reads it."""
    return Card(accelerator.pk, accelerator.model, accelerator.vendor)


def card_names(centre: Centre) -> CardNames:
    """What cards are called at a centre: its partitions' models and local names, and the catalogue behind them."""
    names = CardNames([card_of(each) for each in Accelerator.objects.exclude(model=PROCESSOR_SLOT)], code=centre.code)
    for partition in centre.partitions.select_related("accelerator"):
        card = card_of(partition.accelerator)
        names.by_partition.setdefault(partition.name, []).append(card)
        held = f"{partition.name}={card.model}:{partition.nodes}x{partition.cards_per_node}:"
        names.written.setdefault(partition.name, []).append(held + ",".join(partition.local_names))
        for local in partition.local_names:
            names.local[local] = unique([*names.local.get(local, []), card])
            key = (partition.name, local)
            names.local_by_partition[key] = unique([*names.local_by_partition.get(key, []), card])
    return names


def single_card(centre: Centre) -> Card:
    """The one model of a centre.

    Raises:
        Refused: it has none or several.
    """
    models = card_names(centre).centre
    if len(models) != 1:
        held = "、".join(card.model for card in models) or "未登记"
        raise Refused(f"中心 {centre.code} 的型号不唯一（{held}）；请用 --model 写明这份记录用的是哪一种卡")
    return models[0]


def set_tariff(
    code: str, model: str, fen: str, first: date, last: date | None = None, *, replace: bool = False
) -> Tariff:
    """Set the price of a card-hour at a centre in whole fen, from `first` until before `last` (None: open).

    With `replace`, an open-ended tariff that stands ends on `first`; one that begins on the same day is corrected.

    Raises:
        Refused: unknown centre or model, not a sane price, no day in it, or it overlaps a tariff that stands.
    """
    centre, accelerator = centre_by_code(code), accelerator_named(model)
    price = checked_fen(fen)
    if last is not None and last <= first:
        raise Refused(f"--to {last} 不晚于 --from {first}；终止日不含当日，须晚于起始日")
    with transaction.atomic():
        Centre.objects.select_for_update().get(pk=centre.pk)
        standing = Tariff.objects.filter(centre=centre, accelerator=accelerator)
        for other in standing:
            if not (other.valid_from < (last or date.max) and first < (other.valid_to or date.max)):
                continue
            if replace and other.valid_from == first and other.valid_to == last:
                other.fen_per_card_hour, other.set_at = price, timezone.now()
                other.save(update_fields=["fen_per_card_hour", "set_at"])
                return other
            if not (replace and other.valid_to is None and other.valid_from < first):
                raise Refused(_overlaps(other, accelerator, first))
            other.valid_to = first
            other.save(update_fields=["valid_to"])
        return Tariff.objects.create(
            centre=centre, accelerator=accelerator, fen_per_card_hour=price, valid_from=first, valid_to=last
        )


def checked_fen(text: str) -> int:
    """A price per card-hour: an integer number of fen from 0 to 10,000,000.

    Raises:
        Refused: it is not.
    """
    value = text.strip().replace(",", "")
    if not re.fullmatch(r"[+-]?[0-9]+", value):
        raise Refused(f'价格 "{text}" 不是整数分；1 元写 100，12.5 元写 1250，不能有半分')
    fen = int(value)
    if fen < 0:
        raise Refused(f'价格 "{text}" 是负数；每卡时价格不能小于 0 分')
    if fen > HUGE_FEN:
        raise Refused(f'价格 "{text}" 超过每卡时 {HUGE_FEN:,} 分（10 万元）；单位是分，请核对')
    return fen


def _overlaps(other: Tariff, accelerator: Accelerator, first: date) -> str:
    stands = f"{other.fen_per_card_hour} 分/卡时，{other.valid_from} 至 {other.valid_to or '今'}"
    if other.valid_to is None and other.valid_from < first:
        remedy = f"若要自 {first} 起改价，请加 --replace（原价目止于该日）"
    elif other.valid_from == first:
        remedy = "若要更正这一条的价格，请加 --replace 并写同样的起止日"
    else:
        remedy = "请改 --from、--to 使日期不重叠"
    return f"与 {accelerator.model} 已有的价目（{stands}）重叠；{remedy}"


def cards_of(models: list[str]) -> list[Card]:
    """Cards by model.

    Raises:
        Refused: one is not in the catalogue.
    """
    return [card_of(accelerator_named(model)) for model in models]
