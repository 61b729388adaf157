"""What the demo prints."""

from __future__ import annotations

from collections.abc import Mapping

from huisuan.base.csv_lines import FileReport
from huisuan.base.money import yuan
from huisuan.compute.metering.imports.import_file import UsageReport
from huisuan.opendata.models import DataGrant
from huisuan.parties.models import Person
from huisuan.protocol.resources import Job, UsageRecord
from huisuan.settlement.cli.settle_commands import print_trace, show_run
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.settle import SettleResult
from huisuan.settlement.runs.trace import trace_entitlement
from huisuan.terminal import out, print_table


def show_jobs(jobs: list[tuple[Job, UsageRecord]]) -> None:
    """The jobs that really ran here, and how they were metered."""
    rows = [
        {
            "uid": job.uid, "name": job.name, "state": job.state, "exit": job.exit_code, "cards": record.cards,
            "card_seconds": record.card_seconds, "start": record.start, "record": f"{record.centre}/{record.sequence}",
        }
        for job, record in jobs
    ]  # fmt: skip
    columns = {
        "uid": "作业", "name": "名称", "state": "状态", "exit": "退出码", "cards": "卡", "card_seconds": "卡秒",
        "start": "开始", "record": "用量记录",
    }  # fmt: skip
    print_table("一、本机执行引擎真正运行的作业及其计量", rows, columns, "没有作业")


def show_usage(report: UsageReport) -> None:
    """What became of an accounting file."""
    counts = {
        "新记录": report.new, "未变": report.unchanged, "作业步": report.steps, "无卡": report.cpu_only,
        "未开始": report.never_started, "运行中": report.running, "未认领": report.unclaimed,
        "拒收": len(report.refused),
    }  # fmt: skip
    text = "，".join(f"{name} {count:,}" for name, count in counts.items())
    hours = f"新增 {report.card_seconds // 3600:,} 卡时"
    out.print(f"二、导入 {report.source} → {report.centre}：{report.lines:,} 行；{text}；{hours}", markup=False)
    for remark in report.notes:
        out.print(f"   注：{remark}", markup=False)
    for line, reason in report.refused[:3]:
        out.print(f"   行 {line}：{reason}", markup=False)


def show_settlement(settled: SettleResult) -> None:
    """Entitlements, and the largest of them traced to its raw lines."""
    out.print("三、结算")
    show_run(settled.run.pk)
    owed = Entitlement.objects.filter(run=settled.run).select_related("party", "run").order_by("-amount_fen").first()
    if owed is not None:
        out.print(f"四、从元到原始行：E{owed.pk}　{yuan(owed.amount_fen)} 元")
        print_trace(trace_entitlement(owed, records_per_line=1))


def show_stacked(report: UsageReport, results: list[SettleResult]) -> None:
    """A year that three policies pay for: what each rule owes by itself, and what of it is payable after the others."""
    out.print(
        f"六、三项政策在一次结算中叠加：{report.centre} {report.card_seconds // 3600:,} 卡时；"
        "省、市在先，虚构的示例区只计余下的费用",
        markup=False,
    )
    rows = [
        {
            "policy": made.run.policy, "sentence": made.run.sentence, "amount_fen": made.run.amount_fen,
            "payable_fen": made.run.payable_fen,
        }
        for made in results
    ]  # fmt: skip
    columns = {"policy": "政策", "sentence": "句", "amount_fen": "应享合计（元）", "payable_fen": "可付合计（元）"}
    print_table(f"{results[0].run.year} 年", rows, columns, "没有结算")


def show_open_data(report: FileReport, states: Mapping[str, int]) -> None:
    """The list of open data, and what stands at the gate."""
    listed = report.new + report.changed + report.same
    said = "，".join(f"{state} {count}" for state, count in states.items())
    out.print(f"七、开放数据：16 市 {listed} 条目录；送交的文件：{said}", markup=False)


def show_grant(url: str, grant: DataGrant) -> None:
    """Conditional data that a firm was granted, and where its terms and its ledger stand."""
    said = f"{grant.entry.code} 授权给{grant.party.name}（申报 {grant.application}），读过 {grant.accesses.count()} 次"
    out.print(f"   有条件开放：{said}：{url}/opendata/grants/{grant.pk}", markup=False)


def show_accounts(url: str, accounts: list[tuple[Person, str]]) -> None:
    """Where the pages are, and who may sign in."""
    rows = [
        {
            "username": person.username,
            "password": password,
            "role": person.get_role_display(),
            "code": f"huisuan person code {person.username}" if person.needs_second_factor else "",
        }
        for person, password in accounts
    ]
    columns = {"username": "账号", "password": "口令（仅本次演示）", "role": "角色"}
    columns["code"] = "登录时的验证码：另开一个终端运行"
    print_table(f"八、页面：{url}", rows, columns, "没有账号")
