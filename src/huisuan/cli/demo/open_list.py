"""The demo's open data: a list of 16 cities, and files of one city at the states of the gate in which they can stay."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from datetime import datetime
from importlib.resources import files

from django.db import transaction
from stdnum.cn import uscc

from huisuan.base.csv_lines import FileReport
from huisuan.base.months import SHANGHAI
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.corpora.building import build_corpus
from huisuan.opendata.corpora.pages import CorpusRules
from huisuan.opendata.gate.judging import GivenJudgement, judge_findings
from huisuan.opendata.gate.queries import list_findings
from huisuan.opendata.gate.releasing import release_file, withdraw_file
from huisuan.opendata.gate.remaking import remake_file
from huisuan.opendata.gate.scan_work import run_scan
from huisuan.opendata.gate.uploading import upload_file
from huisuan.opendata.gate_arrows import GateState
from huisuan.opendata.models import DataRequest, GateFile, ScanWork
from huisuan.opendata.requests.services import AskedData, GivenAnswer, answer_request, request_data, set_answer_term
from huisuan.opendata.scanning.finding_kinds import FindingKind
from huisuan.parties.models import Person, Region

_CITY = "340100"  # Hefei, whose files stand at the gate
DEMO_CORPUS = "briefs-demo"
#: a document in which something is left to judge
_MINUTES = """办事窗口工作纪要（示例）
一、本月接件 1,204 件，办结 1,187 件。
二、群众反映停车难的，联系人电话 13912340001，已转区里办理。
三、材料不全的退回补正，咨询邮箱 chuangkou@example.com。
主动公开
"""
_ANSWER_DAYS = 20  # working days
_BOMB_BYTES = 32 * 1024 * 1024


def import_open_list(now: datetime) -> FileReport:
    """Bring the list up to its lines: the same of every city, each under a provider of its own."""
    cities = Region.objects.filter(code__startswith="34", code__endswith="00").exclude(code="340000")
    names = list(cities.values_list("code", "name_zh"))
    with (files("huisuan.cli.demo") / "open_list.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["目录代码", "行政区划", "联系处室", *lines[0]])
    for region, city in names:
        for number, line in enumerate(lines, start=1):
            said = {**line, "名称": f"{city}{line['名称']}（示例）", "提供单位": f"{city}{line['提供单位']}（示例）"}
            writer.writerow([listed_code(number, region), region, "数据资源科", *said.values()])
    return import_catalogue(buffer.getvalue().encode(), "演示清单.csv", by="huisuan demo", now=now)


def fill_the_gate(now: datetime) -> dict[str, int]:
    """Files of one city: how many stand in each state. Those that are there already stay as they are."""
    if not GateFile.objects.filter(entry__code=listed_code(1)).exists():
        _fill(now)
    states = GateFile.objects.order_by("state").values_list("state", flat=True)
    counts: dict[str, int] = {}
    for state in states:
        counts[GateState(state).label] = counts.get(GateState(state).label, 0) + 1
    return counts


def _fill(now: datetime) -> None:
    older = _released(1, "停车场.csv", _table(("名称", "区", "车位数"), _parking(40)), now)
    _released(1, "停车场.csv", _table(("名称", "区", "车位数"), _parking(60)), now, supersedes=older)
    wrong = _released(2, "线路.csv", _table(("线路", "站点"), [(f"{n}路", f"第{n}站") for n in range(40)]), now)
    withdraw_file(wrong, "站点有误，由提供单位更正后再放行", _person("zhuanban2"), now)
    _released(10, "简报.csv", _table(("期", "正文"), enumerate(_briefs(), start=1)), now)
    phones = [(f"第{n}药房", f"1391234{n:04}") for n in range(30)]
    _arrived(7, "药店.csv", _table(("企业", "联系电话"), phones), now)
    _arrived(5, "学校.csv", _table(("校名", "学段"), [(f"第{n}小学", "小学") for n in range(40)]), now)
    _ready(8, "养老机构.csv", _table(("机构", "床位"), [(f"第{n}养老院", n * 7) for n in range(40)]), now)
    _arrived(10, "纪要.txt", _MINUTES.encode(), now)
    _ready(6, "医疗机构.csv", _table(("机构", "等级"), [(f"第{n}医院", "二级") for n in range(40)]), now)
    _arrived(11, "文件.txt", "机密★10年\n某项工作安排\n".encode(), now)
    _arrived(9, "馆藏.zip", _bomb(), now)
    build_corpus(DEMO_CORPUS, "政府工作简报语料（示例）", [listed_code(10)], CorpusRules(), _person("zhuanban"), now)


def ask_for_data(now: datetime) -> None:
    """What a firm asked a city to list: one answered by an entry, one still to be answered; once."""
    if DataRequest.objects.exists():
        return
    firm, today = _person("yunxiu"), now.astimezone(SHANGHAI).date()
    set_answer_term(_ANSWER_DAYS, today, "安徽省公共数据开放工作要求（示例）", "huisuan demo", now)
    asked = [
        request_data(AskedData(title, purpose, "合肥市交通运输局（示例）", _CITY), firm, now)
        for title, purpose in (("公交站点位置", "研究换乘"), ("公共自行车骑行量", "研究短途出行"))
    ]
    answer_request(asked[0].pk, GivenAnswer(entry=listed_code(2)), _person("hefei"), now)


def listed_code(number: int, region: str = _CITY) -> str:
    """The code of a line of the list, of one city."""
    base = f"11{region}MADEM{region[2:4]}00"
    return f"{base}{uscc.calc_check_digit(base)}-2-001-{number:06}"


def release_table(
    number: int, name: str, header: tuple[str, ...], rows: Iterable[tuple[object, ...]], now: datetime
) -> None:
    """Bring a table of the city's out by three people."""
    _released(number, name, _table(header, rows), now)


def _person(username: str) -> Person:
    return Person.objects.get(username=username)


def _arrived(number: int, name: str, content: bytes, now: datetime) -> GateFile:
    """A file that came in and was read; in one transaction, so that the worker finds nothing left to do."""
    with transaction.atomic():
        file = upload_file(listed_code(number), name, content, _person("hefei"), now)
        _scan(file, now)
    return file


def _ready(number: int, name: str, content: bytes, now: datetime) -> GateFile:
    file = _arrived(number, name, content, now)
    while left := [one for one in list_findings(file) if not one["judged"]]:
        action = "false_alarm" if left[0]["kind"] == FindingKind.UNREAD_NAMES else "mask"  # whoever wrote it read it
        given = GivenJudgement(left[0]["number"], action, "演示", column=bool(left[0]["column"]))
        judge_findings(file.pk, given, _person("zhuanban"), now)
    with transaction.atomic():
        remake_file(file.pk, _person("zhuanban"), now)
        _scan(file, now)
    return file


def _released(number: int, name: str, content: bytes, now: datetime, supersedes: int | None = None) -> int:
    file = _ready(number, name, content, now)
    release_file(file.pk, _person("zhuanban2"), now, supersedes)
    return file.pk


def _scan(file: GateFile, now: datetime) -> None:
    run_scan(ScanWork.objects.filter(file=file).latest("id").pk, now)
    file.refresh_from_db()


def _table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue().encode()


def _parking(count: int) -> list[tuple[object, ...]]:
    districts = ("瑶海区", "庐阳区", "蜀山区", "包河区")
    return [(f"第{n}停车场", districts[n % 4], 40 + n * n % 317) for n in range(1, count + 1)]


def _briefs() -> list[str]:
    """Texts as an office prints them; some are printed twice, one with a note."""
    topics = ("政务服务", "项目审批", "数据开放", "招商引资", "科技创新", "营商环境")
    found = [
        f"{topic}简报第{number}期。\n本期介绍本市{topic}的进展。{'各区按月报送情况，' * 3}全市共办理{number * 137}件。"
        for topic in topics
        for number in range(1, 9)
    ]
    return [*found, *found[:5]]


def _bomb() -> bytes:
    """An archive that unpacks to a thousand times its size: it is refused."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("馆藏.csv", b"0" * _BOMB_BYTES)
    return buffer.getvalue()
