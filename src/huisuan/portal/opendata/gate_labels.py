"""Words of the gate as pages show them: kinds of findings, what is done about them, steps and duties."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from huisuan.opendata.gate_arrows import GateDuty
from huisuan.opendata.models import JudgeAction
from huisuan.opendata.scanning.finding_kinds import FindingKind
from huisuan.portal.ui.columns import Text

FINDING_LABELS: Mapping[str, Text] = {
    FindingKind.RESIDENT_ID: _("身份证号"), FindingKind.DAMAGED_ID: _("受损的身份证号"),
    FindingKind.MOBILE: _("手机号"), FindingKind.LANDLINE: _("固定电话"), FindingKind.BANK_CARD: _("银行卡号"),
    FindingKind.USCC: _("统一社会信用代码"), FindingKind.PLATE: _("车牌号"), FindingKind.EMAIL: _("电子邮箱"),
    FindingKind.PASSPORT: _("护照或通行证号"), FindingKind.ADDRESS: _("详细地址"), FindingKind.NAME: _("姓名"),
    FindingKind.SECRECY: _("密级标志"), FindingKind.UNREAD: _("未读"), FindingKind.UNREAD_NAMES: _("姓名未查"),
}  # fmt: skip
ACTION_LABELS: Mapping[str, Text] = {
    JudgeAction.MASK: _("换成令牌"), JudgeAction.GENERALISE: _("遮盖"), JudgeAction.DROP: _("删去"),
    JudgeAction.FALSE_ALARM: _("误报"),
}  # fmt: skip
DUTY_LABELS: Mapping[GateDuty, Text] = {
    GateDuty.UPLOAD: _("送交"), GateDuty.JUDGE: _("判断"), GateDuty.RELEASE: _("放行"), GateDuty.MACHINE: _("系统"),
}  # fmt: skip
STEP_LABELS: Mapping[str, Text] = {
    "upload": _("送交"), "begin": _("开始检查"), "refuse": _("拒收"), "seal": _("封存"), "find": _("有发现"),
    "pass": _("没有未判断的发现"), "judge": _("判断"), "settle": _("判断完"), "remake": _("重制"), "rescan": _("复查"),
    "again": _("再复查"), "release": _("放行"), "supersede": _("取代"), "withdraw": _("撤回"),
    "suspend": _("中止提供"), "resume": _("恢复提供"), "reopen": _("重新判断"),
}  # fmt: skip
