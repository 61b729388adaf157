"""A complete policy of two sentences: what `huisuan policy new` writes where there is no text yet.

One rule with a condition, a rate of the year and a cap, and the cases that try them all. In braces: the policy's own.
"""

TEXT = """# {title}

## 示例（请换成原文，一句一行）

### 第1条 降低算力使用成本

- [1.1] 对本地企业使用算力的实际支出，给予不超过20%的补助，每家企业每年最高100万元。
- [1.2] 本政策有效期至{end}。
"""

ARTICLE = '''"""第1条 降低算力使用成本 (article 1): an example, to be replaced."""

from __future__ import annotations

from huisuan.law import Article, Facts, Money, boolean, claims, legal_money, money, share_setting

article = Article("1")

AT_MOST_20 = "给予不超过20%的补助"
AT_MOST_A_MILLION = "每家企业每年最高100万元"

rate = share_setting("1.1.rate", "年度补助比例", "Rate of the year", sentence="1.1", phrase=AT_MOST_20, at_most="20%")

article.validity("1.2", "本政策有效期至{end}")


class ComputeUse(Facts):
    """One firm's year of compute."""

    local = boolean("本地企业", "A local firm", asked_by="1.1", evidence="营业执照")
    spend = money("算力支出", "Compute spend", maximum="100亿元", asked_by="1.1", evidence="账单与付款凭证")


@article.pays(
    "1.1", AT_MOST_20, to="本地企业", to_en="local firms", title="算力使用补助", title_en="Compute use subsidy",
    by=("enterprise",), claim=claims("local-compute-spend", ComputeUse.spend),
)  # fmt: skip
def compute_subsidy(use: ComputeUse) -> Money:
    """A share of what was spent, with a cap per firm and year."""
    use.local.required("1.1", "对本地企业")
    share = (rate * use.spend).cites("1.1", AT_MOST_20, "支出的一定比例", "A share of the spend")
    by_day = share.by_day_of_use("1.1", AT_MOST_20)
    most = legal_money("100万元", "1.1", AT_MOST_A_MILLION)
    return by_day.capped(most, "1.1", AT_MOST_A_MILLION).rounded_down("fen")
'''

SETTINGS = """authority = {issuer}
document = "示例（请写确定它的文件）"
valid_from = {day}
known_from = {day}

[settings]
"1.1.rate" = "20%"
"""

CASES = """# 第 1.1 句：给予不超过20%的补助，每家企业每年最高100万元
- case: 支出 100 万元，得 20 万元
  facts: {{local: true, spend: 100万元}}
  answer: eligible
  amount: 200000.00
- case: 支出 500 万元，恰到 100 万元，上限未生效
  facts: {{local: true, spend: 500万元}}
  answer: eligible
  amount: 1000000.00
- case: 少 5 分，少 1 分
  facts: {{local: true, spend: 4_999_999.95 元}}
  answer: eligible
  amount: 999999.99
- case: 多 5 分即封顶
  facts: {{local: true, spend: 5_000_000.05 元}}
  answer: eligible
  amount: 1000000.00
  reasons: ["capped@1.1"]
- case: 不是本地企业；要改的只有这一处
  facts: {{local: false, spend: 100万元}}
  answer: not_eligible
  reasons: ["failed:local@1.1"]
  nearest: {{local: true}}
- case: 不知道支出多少
  facts: {{local: true}}
  answer: missing_facts
  reasons: ["missing:spend"]
- case: 有效期过后一天
  day: {after}
  facts: {{local: true, spend: 100万元}}
  answer: not_in_force
  reasons: [not_in_force]
"""
