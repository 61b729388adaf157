"""States in words, each with its tone; a tone never stands without its word.

Tones: good, wait, bad, plain. The labels are the Chinese msgids; `gettext` at the edge makes them English.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

MARKS = {"good": "✓", "wait": "…", "bad": "✗", "plain": "·"}


@dataclass(frozen=True)
class Word:
    """A state as it is read: its word, its tone, and the mark that says the same without colour."""

    label: str | Promise
    tone: str = "plain"

    @property
    def mark(self) -> str:
        """The sign that stands beside the word."""
        return MARKS[self.tone]

    def __str__(self) -> str:
        return str(self.label)


JOB = {
    "submitted": Word(_("等待前序作业"), "wait"),
    "waiting": Word(_("等待调度"), "wait"),
    "placed": Word(_("已调度"), "wait"),
    "queued": Word(_("中心排队"), "wait"),
    "running": Word(_("运行中"), "wait"),
    "done": Word(_("完成"), "good"),
    "failed": Word(_("失败"), "bad"),
    "cancelled": Word(_("已取消"), "plain"),
    "lost": Word(_("失联"), "bad"),
}
NODE = {
    "up": Word(_("可用"), "good"),
    "down": Word(_("故障"), "bad"),
    "drained": Word(_("停用"), "wait"),
}

SEAL = {
    "countersigned": Word(_("双方已签"), "good"),
    "sealed": Word(_("已封，待中心签"), "wait"),
    "alone": Word(_("已封，没有代理可签"), "good"),
    "refused": Word(_("中心不签"), "bad"),
    "due": Word(_("待封"), "wait"),
    "open": Word(_("未结束"), "plain"),
    "none": Word(_("没有用量"), "plain"),
}

FLAG = {
    "no_lease": _("没有调度过的作业"),
    "other_cards": _("卡数与调度不符"),
    "over_capacity": _("同时使用的卡多于中心所有"),
    "clock": _("时间与平台时钟不符"),
    "form": _("格式不对"),
    "signature": _("签名不对"),
    "order": _("批次断号或重排"),
    "missing": _("运行过而没有记录"),
    "scheduler": _("与调度器的记账不符"),
    "forgeable": _("可能写在作业名里的行"),
    "contradiction": _("同一次运行有两种说法"),
    "overlap": _("同一作业的时间重叠"),
    "correction": _("等待确认的更正"),
    "no_cards": _("该有卡而记账里没有卡"),
}

ABILITY = {
    "gang": _("多节点作业"),
    "containers": _("容器镜像"),
    "workdir": _("工作目录"),
    "live_logs": _("实时输出"),
    "accounting": _("记账"),
    "lease": _("开始前先得平台放行"),
    "suspend": _("挂起时间"),
    "sessions": _("交互会话"),
}

ENTITLEMENT = {
    "eligible": Word(_("符合条件"), "good"),
    "priority": Word(_("符合条件且优先"), "good"),
    "not_eligible": Word(_("不符合条件"), "bad"),
    "missing_facts": Word(_("缺少事实"), "wait"),
    "not_set": Word(_("参数未定"), "wait"),
    "not_in_force": Word(_("不在有效期内"), "plain"),
    "not_yet_known": Word(_("尚未公布"), "plain"),
    "discretionary": Word(_("一事一议"), "wait"),
    "budget_exhausted": Word(_("预算已用完"), "wait"),
}

MESSAGE_KIND = {
    "job_ended": _("作业结束"),
    "budget_reached": _("预算用到"),
    "month_sealed": _("月份封账"),
    "result_changed": _("结果有变"),
    "waiting": _("有事待办"),
}

PARTY = {
    "enterprise": _("企业"),
    "university": _("高校"),
    "institute": _("科研院所"),
    "city": _("市"),
    "department": _("部门"),
    "centre_operator": _("算力中心运营方"),
}

PARTY_STATUS = {"active": _("存续"), "suspended": _("列入异常或停业"), "dissolved": _("注销")}
SUCCESSION = {"renumbered": _("换统一社会信用代码"), "merged": _("合并"), "split": _("分立")}

ROLE = {
    "user": _("算力使用方"),
    "centre": _("算力中心运营方"),
    "city": _("市"),
    "province": _("省专班"),
    "department": _("部门"),
    "treasury": _("财政"),
    "expert": _("评审专家"),
    "auditor": _("审计"),
    "operator": _("平台管理员"),
}
SCOPE = {"read": _("只读"), "submit": _("提交作业（及只读）"), "manage": _("我能做的一切")}
MEMBER_ROLE = {"owner": _("所有者"), "submitter": _("提交者"), "viewer": _("只读成员")}
STEP = {
    "added": _("新增"),
    "disabled": _("停用账号"),
    "enabled": _("启用账号"),
    "password": _("改密码"),
    "moved": _("调动"),
    "token_made": _("新建令牌"),
    "token_revoked": _("吊销令牌"),
    "factor_set": _("登记两步验证"),
    "factor_codes": _("换恢复码"),
    "factor_reset": _("清除两步验证"),
    "recovery_used": _("用了恢复码"),
    "bound": _("绑定统一身份"),
    "unbound": _("解除统一身份"),
    "invited": _("邀请同事"),
    "uninvited": _("撤回邀请"),
    "signed_in": _("登录"),
    "signed_out": _("退出别处的登录"),
}


FACT_KIND = {
    "money": _("金额"),
    "bool": _("是否"),
    "int": _("整数"),
    "share": _("比例"),
    "date": _("日期"),
    "choice": _("选项"),
    "text": _("文字"),
    "regions": _("地区"),
}


#: why nothing of a job's cost comes back, by the status of the law's answer
NO_SUBSIDY = {
    "not_in_force": _("第 {sentence} 句不在有效期内"),
    "not_yet_known": _("第 {sentence} 句所在的政策尚未公布"),
    "not_eligible": _("不是第 {sentence} 句所说的申领人"),
    "not_set": _("第 {sentence} 句的年度比例还没有确定"),
    "eligible": _("第 {sentence} 句的年度比例是零"),
}


def no_subsidy(status: str, sentence: str) -> str:
    """Why nothing comes back under a sentence, in the reader's language."""
    return str(NO_SUBSIDY.get(status) or _("政策的文件有误，改好之前不按它作答。")).format(sentence=sentence)


def state_word(words: dict[str, Word], state: str) -> Word:
    """The word for a state; a state that has none is shown as it is."""
    return words.get(state) or Word(state)


def local_name(thing: Any) -> str:
    """The name of a party, centre or region in the reader's language, where it has one."""
    chinese = getattr(thing, "name", "") or getattr(thing, "name_zh", "")
    english = getattr(thing, "name_en", "")
    return str(english if english and (get_language() or "").startswith("en") else chinese)
