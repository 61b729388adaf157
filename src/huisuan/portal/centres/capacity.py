"""How large a centre is: the chart of its capacities, its partitions as registered and as seen, what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.compute.capacity.capacity import Capacity, Size, counted_capacity
from huisuan.compute.fact_sources.rules import readable_policies
from huisuan.compute.models import CapacityAttestation, Centre, CentreNode
from huisuan.law.model import compared_number
from huisuan.law.text import Sentence
from huisuan.portal.ui import charts, number_format, state_labels
from huisuan.portal.ui.charts import Bar, Chart
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.table import Table

YEAR = timedelta(days=366)
_ATTESTED = 20


def sizes(centre: Centre, today: date, year: int | None) -> Capacity:
    """The capacities of a centre, its counted use within a calendar year; without one, within the last 366 days."""
    if year is None:
        return counted_capacity(centre, today - YEAR, today + timedelta(days=1))
    return counted_capacity(centre, date(year, 1, 1), date(year + 1, 1, 1))


@dataclass(frozen=True)
class LegalSize:
    """The size in P that a rule asks of a centre, and where it stands."""

    policy: str
    sentence: Sentence
    p: Decimal

    @property
    def name(self) -> str:
        """The size as it is written beside the line that marks it."""
        return f"{self.p.normalize():f} P"


def legal_size() -> LegalSize | None:
    """The size that the first rule compares a fact known by the centre with; None where no policy names one."""
    for policy in readable_policies():
        for rule in policy.rules:
            for spec in rule.facts:
                if spec.role == "capacity" and (named := compared_number(rule, spec)):
                    return LegalSize(policy.name, policy.text.sentences[rule.sentence], Decimal(named))
    return None


def chart(found: Capacity, asked: LegalSize | None) -> Chart:
    """The capacities on one axis, with the size that the law asks for."""
    named = ((_t("登记"), found.claimed), (_t("现在看到"), found.seen), (_t("一天最多看到"), found.seen_most),
             (_t("同时用过"), found.used))  # fmt: skip
    bars = [_bar(name, size) for name, size in named]
    claimed = found.claimed.p or Decimal(0)
    size = number_format.petaflops(claimed)
    if asked is None:
        return charts.against(_t("登记 {size} P").format(size=size), (_("规模"), "P", _("日期")), bars, claimed, "")
    if claimed >= asked.p:
        message = _t("登记 {size} P，达到 {asked}").format(size=size, asked=asked.name)
    else:
        lacks = number_format.petaflops(asked.p - claimed)
        message = _t("登记 {size} P，离 {asked} 还差 {lacks} P").format(size=size, asked=asked.name, lacks=lacks)
    return charts.against(message, (_("规模"), "P", _("日期")), bars, asked.p, asked.name)


def _bar(name: str, size: Size) -> Bar:
    if size.p is None:
        return Bar(name, _t("还没有"), Decimal(0))
    at = size.at
    when = (
        ""
        if at is None
        else number_format.local_time(at)[:16]
        if isinstance(at, datetime)
        else number_format.format_day(at)
    )
    return Bar(name, f"{number_format.petaflops(size.p)} P", size.p, when)


@dataclass(frozen=True)
class PartitionRow:
    """Cards of a model in a partition: as registered, and as the scheduler shows them; None where it shows none."""

    name: str
    model: str
    nodes: int
    cards: int
    p: Decimal
    seen_nodes: int | None = None
    up_nodes: int = 0
    seen: int | None = None
    used: int = 0

    @property
    def amiss(self) -> bool:
        """Whether what is seen is not what was registered."""
        return self.seen is not None and self.seen != self.cards


@dataclass
class SeenNodes:
    """The nodes that a centre's scheduler shows, summed by the database: a large centre has thousands.

    `by_place`: partition and model -> nodes, of them up, cards, cards in use; `by_state`: state -> nodes.
    """

    by_place: dict[tuple[str, str | None], tuple[int, int, int, int]]
    by_state: Counter[str]


def seen_nodes(centre: Centre) -> SeenNodes:
    """The sums of a centre's nodes."""
    found = SeenNodes({}, Counter())
    rows = CentreNode.objects.filter(centre=centre).order_by().values_list("partition", "accelerator__model", "state")
    for partition, model, state, nodes, held, busy in rows.annotate(
        nodes=Count("pk"), held=Sum("cards"), busy=Sum("used")
    ):  # fmt: skip
        before = found.by_place.get((partition, model), (0, 0, 0, 0))
        these = (nodes, nodes if state == "up" else 0, held, busy)
        found.by_place[partition, model] = tuple(map(sum, zip(before, these, strict=True)))  # type: ignore[assignment]
        found.by_state[state] += nodes
    return found


def partitions(centre: Centre, nodes: SeenNodes) -> list[PartitionRow]:
    """The partitions of a centre, with what its agent sees of each; what is seen and not registered after them.

    What a scheduler without partitions shows belongs to the only partition with that model.
    """
    seen = dict(nodes.by_place)
    rows = []
    registered = list(centre.partitions.all())
    having = Counter(each.accelerator.model for each in registered)
    for each in registered:
        model = each.accelerator.model
        found = seen.pop((each.name, model), None) or (seen.pop(("", model), None) if having[model] == 1 else None)
        rows.append(PartitionRow(each.name, model, each.nodes, each.cards, each.capacity_p, *(found or ())))
    return rows + [
        PartitionRow(partition, model or "", 0, 0, Decimal(0), *found)
        for (partition, model), found in sorted(seen.items(), key=str)
    ]


NODE_COLUMNS = [
    Column("name", _("节点"), "name", Kind.CODE, sort="name"),
    Column("partition", _("分区"), "partition", sort="partition"),
    Column("model", _("型号"), "accelerator.model", sort="accelerator__model"),
    Column("local", _("调度器中的卡名"), "local_card", Kind.CODE, sort="local_card", minor=True),
    Column(
        "state",
        _("状态"),
        lambda node: state_labels.state_word(state_labels.NODE, node.state),
        Kind.STATE,
        sort="state",
    ),
    Column("cards", _("卡数"), "cards", Kind.INTEGER, sort="cards"),
    Column("used", _("在用"), "used", Kind.INTEGER, sort="used"),
    Column("seen", _("看到"), "seen_at", Kind.MOMENT, sort="seen_at", minor=True),
]


def node_table(request: HttpRequest, centre: Centre, seen: SeenNodes) -> Table:
    """The nodes of a centre as its scheduler shows them."""
    rows: QuerySet[CentreNode] = CentreNode.objects.filter(centre=centre).select_related("accelerator")

    def states(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(state, word.label) for state, word in state_labels.NODE.items() if seen.by_state[state]]

    table = Table(
        request,
        rows,
        NODE_COLUMNS,
        file=f"{centre.code}-nodes",
        name="nodes",
        order="name",
        search=("name", "partition", "local_card"),
        choices=[Choice("state", _("状态"), states, lambda rows, state: rows.filter(state=state))],
        empty=Empty(
            _("还没有看到节点：站点代理加入后，报来调度器所见。邀请代理："),
            command=f"huisuan centre invite {centre.code}",
        ),
    )
    if not table.is_filtered:
        table.totals = {"rows": seen.by_state.total()}
    return table


def attestations(centre: Centre) -> Sequence[CapacityAttestation]:
    """What benchmark jobs measured there, the latest first."""
    return list(centre.attestations.select_related("accelerator").order_by("-measured_at", "node", "index")[:_ATTESTED])
