"""What accounts, entries and lines of the bank are called."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from huisuan.portal.ui.columns import Text
from huisuan.portal.ui.state_labels import Word
from huisuan.treasury.models import AccountKind, BankOutcome, EntryKind

ACCOUNT_WORDS: dict[str, Text] = {
    AccountKind.APPROPRIATED: _("下达的预算"), AccountKind.AVAILABLE: _("可用余额"), AccountKind.COMMITTED: _("已承诺"),
    AccountKind.ORDERED: _("已开支付令"), AccountKind.PAID: _("已拨付"), AccountKind.LAPSED: _("已收回预算"),
    AccountKind.CLAIMED_BACK: _("应追回"), AccountKind.RECEIVABLE: _("应收"), AccountKind.RECOVERED: _("已追回"),
    AccountKind.CLEARING: _("待清算"), AccountKind.UNMATCHED: _("银行未达"),
}  # fmt: skip
ENTRY_WORDS: dict[str, Text] = {
    EntryKind.APPROPRIATION: _("下达预算"), EntryKind.COMMITMENT: _("承诺"), EntryKind.RELEASE: _("解除承诺"),
    EntryKind.ORDER: _("开支付令"), EntryKind.PAYMENT: _("支付成功"), EntryKind.FAILURE: _("支付失败"),
    EntryKind.CLEARING: _("待清算"), EntryKind.CLAIM_BACK: _("追回通知"), EntryKind.RECEIPT: _("收到追回款"),
    EntryKind.CARRY_OVER: _("结转"), EntryKind.LAPSE: _("收回预算"), EntryKind.REVERSAL: _("冲销"),
}  # fmt: skip
OUTCOME_WORDS = {
    BankOutcome.PAID.value: Word(_("已支付"), "good"), BankOutcome.FAILED.value: Word(_("未支付"), "bad"),
    BankOutcome.CLEARING.value: Word(_("待清算"), "wait"),
}  # fmt: skip
#: why a line fitted no order, by the code that the books keep
UNMATCHED_WORDS: dict[str, Text] = {
    "order_unknown": _("没有这张支付令"), "order_never_sent": _("这张支付令没有送过银行"),
    "amount_differs": _("金额与支付令不符"), "order_ended_before": _("这张支付令已有回单"),
}  # fmt: skip
