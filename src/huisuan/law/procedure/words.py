"""What states, duties, starts and actions are called: by those who handle an application and by those who apply."""

from __future__ import annotations

from typing import NamedTuple

from huisuan.law.procedure.model import Duty, Start, State


class StateWords(NamedTuple):
    """The name of a state that an official reads and the one that an applicant reads."""

    official: str
    official_en: str
    applicant: str
    applicant_en: str


class ActionWords(NamedTuple):
    """The name of an action, whether whoever takes it has to say why, and whether nobody waits for it.

    What is taken on occasion alone (a decision is revoked, money is taken back) is in nobody's inbox.
    """

    zh: str
    en: str
    needs_reason: bool = False
    on_occasion: bool = False


STATE_WORDS = {
    State.DRAFT: StateWords("草稿", "Draft", "填写中", "You are filling it in"),
    State.SUBMITTED: StateWords("待核验", "Submitted", "已提交，等待核验", "Submitted, waiting for its check"),
    State.RETURNED: StateWords("退回补正", "Returned for correction", "请补正", "Please correct it"),
    State.CHECKED: StateWords("已核验", "Checked", "核验通过", "Checked"),
    State.RECOMMENDED: StateWords("已推荐", "Recommended", "已获推荐", "Recommended"),
    State.REVIEWED: StateWords("已评审", "Reviewed", "评审完成", "Reviewed by experts"),
    State.RANKED: StateWords("已排序", "Ranked", "评审完成，等待结果", "Reviewed, waiting for the result"),
    State.IN_PUBLICITY: StateWords("公示中", "In publicity", "公示中", "Published, open to objections"),
    State.DECIDED: StateWords("已决定", "Decided", "已批准", "Granted"),
    State.CONTRACTED: StateWords("已签合同", "Contracted", "合同已签", "Contract signed"),
    State.COMMITTED: StateWords("资金已下达", "Committed", "资金已安排", "Money set aside"),
    State.PAYING: StateWords("支付中", "Paying", "支付中", "Being paid"),
    State.MONITORED: StateWords("跟踪中", "Monitored", "跟踪检查中", "Being monitored"),
    State.CLOSED: StateWords("已办结", "Closed", "已办结", "Closed"),
    State.REFUSED: StateWords("不予支持", "Refused", "未获支持", "Not granted"),
    State.WITHDRAWN: StateWords("已撤回", "Withdrawn", "已撤回", "Withdrawn"),
    State.SUSPENDED: StateWords("暂停", "Suspended", "暂停，等待处理异议", "Suspended while an objection is answered"),
    State.IN_RECOVERY: StateWords("追回中", "In recovery", "须退回资金", "Money is to be paid back"),
}

DUTY_WORDS = {
    Duty.APPLY: ("申报", "apply"), Duty.CHECK: ("核验", "check"), Duty.RECOMMEND: ("推荐", "recommend"),
    Duty.REVIEW: ("评审", "review"), Duty.DECIDE: ("决定", "decide"), Duty.COMMIT: ("下达", "commit"),
    Duty.PAY: ("支付", "pay"), Duty.PUBLISH: ("公示", "publish"), Duty.REGISTER: ("登记", "register"),
}  # fmt: skip

START_WORDS = {
    Start.CALL: ("发布申报通知，由申报单位提交", "a call is opened and applicants submit"),
    Start.OFFER: (
        "平台核算后向符合条件的单位发出，单位确认即可（免申即享）",
        "the platform computes and offers, the user confirms",
    ),
    Start.INVITATION: ("邀请指定的单位提交", "named applicants are invited"),
    Start.CITY_CLAIM: ("由市提交", "a city claims"),
}  # fmt: skip

ACTION_WORDS = {
    "submit": ActionWords("提交", "submit"),
    "return": ActionWords("退回补正", "return for correction", needs_reason=True),
    "check": ActionWords("核验通过", "check"),
    "recommend": ActionWords("推荐", "recommend"),
    "review": ActionWords("完成评审", "complete the review"),
    "rank": ActionWords("排序", "rank"),
    "publicise": ActionWords("公示", "publish for objections"),
    "suspend": ActionWords("因异议暂停", "suspend for an objection", needs_reason=True),
    "resume": ActionWords("异议不成立，恢复公示", "resume: the objection does not hold", needs_reason=True),
    "uphold": ActionWords("异议成立，退回核验", "uphold the objection: check again", needs_reason=True),
    "decide": ActionWords("批准", "decide"),
    "refuse": ActionWords("不予支持", "refuse", needs_reason=True),
    "contract": ActionWords("签订合同", "sign the contract"),
    "commit": ActionWords("下达资金", "commit the money"),
    "pay": ActionWords("开始支付", "begin to pay"),
    "complete": ActionWords("支付完毕", "complete the payment"),
    "monitor": ActionWords("转入跟踪", "monitor"),
    "close": ActionWords("办结", "close"),
    "record": ActionWords("登记入册", "enter in the register"),
    "withdraw": ActionWords("撤回", "withdraw"),
    "revoke": ActionWords("撤销批准", "revoke the decision", needs_reason=True, on_occasion=True),
    "eliminate": ActionWords("淘汰", "eliminate from the race", needs_reason=True, on_occasion=True),
    "recover": ActionWords("启动追回", "begin recovery", needs_reason=True, on_occasion=True),
    "plead": ActionWords("陈述申辩", "be heard", needs_reason=True, on_occasion=True),
    "hear": ActionWords("答复陈述申辩", "answer what was said", needs_reason=True, on_occasion=True),
    "relent": ActionWords(
        "采纳申辩，减免追回", "uphold what was said: claim less", needs_reason=True, on_occasion=True
    ),
    "recovered": ActionWords("追回完毕", "complete recovery"),
}
