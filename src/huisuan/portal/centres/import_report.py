"""What became of the lines of an imported file, as its page shows it."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huisuan.compute.models import UsageImport

REFUSED_SHOWN = 200
TEXTS_SHOWN = 20
#: counts of a report in the order of the page; the first two always, the others where there are any
IMPORT_COUNTS: dict[str, str | Promise] = {
    "lines": _("读入行"),
    "new": _("新记录"),
    "superseding": _("其中更正"),
    "unchanged": _("已有未变"),
    "older": _("已被更正的旧内容"),
    "repeated": _("文件内重复"),
    "steps": _("作业步"),
    "cpu_only": _("未用加速卡"),
    "never_started": _("未曾开始"),
    "running": _("仍在运行，尚未计量"),
    "partial": _("分段（已在汇总行中）"),
    "fractional": _("其中只占部分卡，按整卡计"),
    "own": _("平台调度的作业，由站点代理计量"),
    "waiting": _("更正等待确认"),
    "turned_down": _("更正此前已答复，不再提出"),
    "held": _("可能出自作业名而没有计量"),
    "refused": _("拒收"),
}
#: lines that should have a card and have none, by kind
IMPORT_CARDLESS: dict[str, str | Promise] = {
    "asked": _("要了卡而记账里没有"),
    "unknown_gres": _("卡名不认识"),
    "untracked": _("有卡的分区没有记卡"),
    "parts": _("部分卡，没有计量"),
    "idle": _("在有卡的分区上没有用卡"),
}


def report_context(work: UsageImport) -> dict[str, Any]:
    """The report of an import, cut to what a page shows; nothing while there is none."""
    if work.report is None:
        return {}
    report: dict[str, Any] = work.report
    tenants = report["tenants"] or {}
    always = ("lines", "new")
    counts = [(label, report.get(key, 0)) for key, label in IMPORT_COUNTS.items() if report.get(key) or key in always]
    counts += [(IMPORT_CARDLESS.get(kind, kind), lines) for kind, lines in sorted(report["no_cards"].items()) if lines]
    doubts = [*report["own_doubts"], *report["doubts"]]
    known = report["own_doubts_left_out"] + report["doubts_left_out"]
    return {
        "report": report,
        "counts": counts,
        "faults": report["faults"][:REFUSED_SHOWN],
        "faults_left_out": report["refused"] - min(len(report["faults"]), REFUSED_SHOWN),
        "doubts": doubts[:TEXTS_SHOWN],
        "doubts_left_out": len(doubts) - min(len(doubts), TEXTS_SHOWN) + known,
        "notes": report["notes"][:TEXTS_SHOWN],
        "notes_left_out": max(len(report["notes"]) - TEXTS_SHOWN, 0) + report["notes_left_out"],
        "tenant_counts": tenants,
        "tenant_faults": tenants.get("faults", [])[:REFUSED_SHOWN],
    }
