"""A call that experts review (5.1), applications up to their panels, and the pool that the panels are drawn from."""

from __future__ import annotations

from datetime import datetime, timedelta

from huisuan.parties.models import Person
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.contract_desk.planning import file_plan
from huisuan.programmes.models import Application, Call, Draw, PanelSeat
from huisuan.programmes.review.draw_records import DrawRecord, PanelSize
from huisuan.programmes.review.panels import store_draw
from huisuan.programmes.review.pool_import import import_experts, import_ties
from huisuan.programmes.review.seed import make_source
from huisuan.programmes.scoring.sheets import send_sheet
from huisuan.programmes.workflow import act
from huisuan.treasury.lines import open_line
from support.calls import CLOSES, DURING, OPENED, draft, opened
from support.programmes import INDUSTRY, LAW, applicant, checked, official, person

SCIENCE = "省科技厅"
PROJECT = {
    "in_plan": "是", "way": "揭榜挂帅", "topic": "通用大模型", "cost": "10000000", "subsidised_compute": "0",
    "city": "合肥市", "county": "其他县（市、区）",
}  # fmt: skip
#: what its contract may not go below
PLAN = [
    {"code": "T1", "name": "参数规模", "unit": "亿", "figure": 70},
    {"code": "T2", "name": "推理时延", "unit": "毫秒", "figure": 50, "less_is_better": True},
]
REVIEWED = CLOSES + timedelta(days=10)
#: nothing that needs a reason; 80 of 100
MARKS = {"novelty": 24, "feasibility": 20, "industry": 20, "budget": 16}


def challenge(now: datetime = OPENED, **other: object) -> Call:
    """The call of an open challenge, published by the department of science."""
    official("publisher", "publish", SCIENCE)
    line = open_line(LAW.name, "5.1", 2024, SCIENCE, "厅", OPENED)
    said = {"programme": "5.1", "title": "2024 年揭榜挂帅", "evidence": (), "shortage": "rank", "line": line.pk}
    return opened(now, **(said | other))


def recommended(call: Call, number: int, task: str = "", *, files: tuple[str, ...] = (), **facts: str) -> Application:
    """An application of a firm under the call, handed in, checked and recommended: under review."""
    made = submit_draft(
        call.number, draft(number, rule="5.1", files=files, **PROJECT | facts).pk, applicant(number), DURING, task=task
    )  # fmt: skip
    file_plan(made.number, PLAN, applicant(number), DURING)
    checked(made, official("checker", "check", SCIENCE), CLOSES)
    act(made.number, "recommend", official("recommender", "recommend", INDUSTRY), CLOSES)
    return Application.objects.get(pk=made.pk)


def pool(number: int, field: str = "通用大模型", employer: str = "某大学") -> None:
    """So many experts, named e0, e1, …"""
    names = [f"e{n}" for n in range(number)]
    for name in names:
        person(name, "expert")
    lines = "".join(f"{name},{employer},{field},2020-01-01\n" for name in names)
    head = "username,employer,fields,active_from\n"
    assert not import_experts(f"{head}{lines}".encode(), "专家.csv", by="李处", now=DURING).faults


def tie(username: str, to: Application, starts: str = "2024-01-01", now: datetime = REVIEWED) -> None:
    """A tie of an expert to an applicant, entered at some time."""
    assert to.party is not None
    line = f"{username},{to.party.uscc},advice,{starts}\n"
    assert not import_ties(f"username,party,kind,starts\n{line}".encode(), "关系.csv", by="李处", now=now).faults


def panels(*made: Application, seed: str = "s", title: str = "揭榜挂帅") -> Draw:
    """Panels of five, two alternates each, drawn for the applications."""
    record = DrawRecord(title, make_source(title, seed, "", ()), "李处", REVIEWED)
    return store_draw(record, dict.fromkeys(made, "通用大模型"), PanelSize(5, 20, 2), tie_years=3)


def seated(made: Application) -> list[Person]:
    """The five who sit in its panel at first, in order."""
    seats = PanelSeat.objects.filter(application=made, alternate=False).order_by("position")
    return [seat.expert.person for seat in seats.select_related("expert__person")]


def organiser() -> Person:
    """Who organises the reviews of the department of science."""
    return official("reviewer", "review", SCIENCE)


def scored(made: Application, *totals: int) -> None:
    """Sheets of the panel's first seats; each total, of 100, is spread over the criteria as their full marks are."""
    for expert, total in zip(seated(made), totals, strict=False):
        send_sheet(made.number, marks_of(total), reasons_of("因为"), expert, REVIEWED)


def marks_of(total: int) -> dict[str, int]:
    """Marks that come to a total of 100."""
    full = {"novelty": 30, "feasibility": 25, "industry": 25, "budget": 20}
    found = {key: total * most // 100 for key, most in full.items()}
    left = total - sum(found.values())
    for key, most in full.items():
        more = min(left, most - found[key])
        found[key], left = found[key] + more, left - more
    return found


def reasons_of(text: str) -> dict[str, str]:
    """The same reason for every criterion."""
    return dict.fromkeys(("novelty", "feasibility", "industry", "budget"), text)
