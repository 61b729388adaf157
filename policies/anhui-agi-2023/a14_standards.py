"""第十四条 支持标准化体系建设 (article 14): a single award for each standard that a firm led."""

from __future__ import annotations

from huisuan.law import (
    THE_CLAIMANT,
    Article,
    Facts,
    FieldKind,
    Money,
    RegisterField,
    RegisterSpec,
    Start,
    always,
    boolean,
    day,
    integer,
    interpretation,
    money_setting,
    names,
    share,
    variant,
)

from .a00_supplementary import CLAIM, OFFICE, agi_income, is_agi_enterprise, listed_agi, payable

article = Article("14")

AWARD = "每个标准分别给予一次性最高奖补100万元、50万元"

per_international = money_setting(
    "14.1.international", "每个国际标准奖补", "Award per international standard",
    sentence="14.1", phrase=AWARD, at_most="100万元",
)  # fmt: skip
per_national = money_setting(
    "14.1.national", "每个国家（行业）标准奖补", "Award per national or industry standard",
    sentence="14.1", phrase=AWARD, at_most="50万元",
)  # fmt: skip
which_day = interpretation(
    "14.1.day", "每个标准的奖补按申报之日还是标准发布之日的数额",
    "Is the award that of the application or of the publication?",
    {
        "application": ("申报之日", "the day of application"),
        "event": ("标准发布之日", "the day of publication"),
    },
    sentence="14.1", phrase=AWARD,
)  # fmt: skip
where = interpretation(
    "14.1.where", "主导制定标准的企业是否须在皖", "Must the firm be in Anhui?",
    {
        "anywhere": ("不要求：本句没有写“在皖”（2.2、3.2、4.1 等写了）", "no: unlike others, this sentence is silent"),
        "anhui": ("须在皖登记：省级资金支持本省企业", "yes: the province's money is for its own firms"),
    },
    sentence="14.1", phrase="主导制定国际、国家（行业）标准的通用人工智能企业",
)  # fmt: skip
joint = interpretation(
    "14.1.joint", "几家企业共同主导的同一标准，奖补给谁", "Who is awarded for a standard that several firms led?",
    {
        "first": ("只给核实为主导（第一起草单位）的一家", "the one that is found to have led, the first drafter"),
        "share": ("各主导企业按份额分享，合计不超过一个标准的奖补", "all who led, by shares, one award in all"),
    },
    sentence="14.1", phrase="每个标准分别给予一次性",
)  # fmt: skip


class StandardsLed(Facts):
    """The standards that a firm led and for which it has had no award yet (一次性)."""

    agi_enterprise = listed_agi("14.1")
    agi_revenue = agi_income("14.1")
    international = integer(
        "主导制定的国际标准数（未曾获奖补）", "International standards led, not awarded before", unit="个",
        maximum=500, asked_by="14.1", evidence="国际标准组织的发布文本及主导证明",
    )  # fmt: skip
    national = integer(
        "主导制定的国家（行业）标准数（未曾获奖补）", "National or industry standards led, not awarded before",
        unit="个", maximum=500, asked_by="14.1", evidence="国家（行业）标准的发布公告及主导证明",
    )  # fmt: skip
    in_anhui = boolean(
        "在皖", "In Anhui", asked_by="14.1", evidence="营业执照", known_by="register", measure="region",
        within="340000", about=THE_CLAIMANT,
    )  # fmt: skip
    portion = share(
        "本企业在共同主导中的份额（独家主导写 100%；份额不同的分件申报）",
        "The firm's share of what was led together (alone: 100%)", asked_by="14.1", evidence="主导企业之间的份额约定",
    )  # fmt: skip
    published_on = day("标准发布日期（不同日期的分开申报）", "Day of publication", asked_by="14.1", role="event")
    begun_on = day("标准立项日期", "Day on which the standard was begun", asked_by="14.1", role="began")


@article.pays(
    "14.1", AWARD, to="主导制定标准的通用人工智能企业", to_en="AGI enterprises that led standards",
    title="标准制定奖补", title_en="Award for standards", by=("enterprise",), settings_by=which_day,
)  # fmt: skip
def standards_award(led: StandardsLed) -> Money:
    """So much for each international, so much for each national or industry standard; a standard counts once."""
    is_agi_enterprise(led.agi_enterprise, led.agi_revenue).required("14.1", "通用人工智能企业")
    here = where.choose(anywhere=always(), anhui=led.in_anhui)
    here.required("14.1", "通用人工智能企业", "企业所在", "Where the firm is")
    international = (led.international * per_international).cites("14.1", "国际", "国际标准", "International standards")
    national = (led.national * per_national).cites("14.1", "国家（行业）标准", "国家（行业）标准", "National standards")
    alone = international + national
    shared = (led.portion * alone).cites("14.1", "每个标准分别给予一次性", "按份额分享", "The firm's share")
    return payable(joint.choose(first=alone, share=shared))


article.programme(
    "14.1", AWARD, start=Start.CALL, title="标准制定奖补", title_en="Award for standards",
    steps=variant(CLAIM, offices={OFFICE: "省经济和信息化厅"}),
    objects=(
        names(
            "standard", counts=(StandardsLed.international, StandardsLed.national), contested=True,
            shared=(joint, StandardsLed.portion),
        ),
    ),
)  # fmt: skip


article.register(
    RegisterSpec(
        "standards",
        "14.1",
        "主导制定国际、国家（行业）标准",
        title="主导制定的标准",
        title_en="Standards led by firms",
        office="省经济和信息化厅",
        name_is="标准名称",
        name_is_en="Standard",
        holder_is="主导企业",
        holder_is_en="Firm that led",
        fields=(
            RegisterField(
                "level",
                "级别",
                "Level",
                FieldKind.CHOICE,
                options={
                    "international": ("国际", "international"),
                    "national": ("国家", "national"),
                    "industry": ("行业", "industry"),
                },
            ),
            RegisterField("published_on", "发布日期", "Published on", FieldKind.DAY),
        ),
    )
)
