"""第八条 广泛招引重点企业 (article 8): the province adds to what a city pays for key AI projects it attracted."""

from __future__ import annotations

from huisuan.law import (
    Article,
    Bool,
    Facts,
    FieldKind,
    Money,
    ProcedureKind,
    RegisterDraw,
    RegisterField,
    RegisterMatching,
    RegisterSpec,
    Start,
    always,
    boolean,
    cap_scope,
    choice,
    claims,
    earmarked,
    found_alike,
    interpretation,
    legal_money,
    legal_share,
    money,
    names,
    open_list,
    read_on,
)

from .a00_supplementary import (
    CLAIM,
    GRANT,
    actual_subsidy,
    pass_on_days,
    payable,
    project_county,
    raised_and_capped,
    supporting_city,
)

article = Article("8")

AWARD = "省级按照市级实际补助金额的30%、最高1000万元给予项目所在市奖补"

FIRMS = "通用及行业大模型企业、跨领域应用企业、新兴算力企业、安全人工智能企业等"

others = open_list(
    "8.1.others", "“……安全人工智能企业等”是否限于所列", "Are the kinds of firms closed?",
    sentence="8.1", phrase="通用及行业大模型企业、跨领域应用企业、新兴算力企业、安全人工智能企业等",
    finder="省专班", finder_en="the working group",
)  # fmt: skip


class SettledFirm(Facts):
    """A firm that settled in Anhui."""

    in_anhui = boolean(
        "在皖落户", "Settled in Anhui", asked_by="8.1", evidence="营业执照", known_by="register", measure="region",
        within="340000",
    )  # fmt: skip
    field = choice(
        "企业类型", "Kind of firm",
        {
            "general": ("通用大模型企业", "general models"), "industry": ("行业大模型企业", "industry models"),
            "applied": ("跨领域应用企业", "applications across fields"), "compute": ("新兴算力企业", "new compute"),
            "safety": ("安全人工智能企业", "safe AI"), "other": ("其他", "other"),
        },
        asked_by="8.1", evidence="主营业务说明",
    )  # fmt: skip
    alike = found_alike("8.1", "省专班", "the working group")


@article.entitles(
    "8.1", "优先匹配算力、数据、场景、基金、场地等要素资源", kind=ProcedureKind.PRIORITY, by=("enterprise",),
    to="在皖落户的通用及行业大模型等企业", to_en="firms of general and industry models and the like in Anhui",
    title="要素资源优先匹配", title_en="First call on compute, data, scenarios, funds and sites",
    grants="算力、数据、场景、基金、场地等要素资源的匹配",
    grants_en="a match with compute, data, scenarios, funds, sites",
)  # fmt: skip
def first_call(firm: SettledFirm) -> Bool:
    """Firms of the named kinds that settled in Anhui are matched first."""
    firm.in_anhui.required("8.1", "对在皖落户的")
    field = others.covers(firm.field.among("general", "industry", "applied", "compute", "safety"), firm.alike)
    field.required("8.1", FIRMS, "企业类型", "Kind of firm")
    return always()


class AttractedProject(Facts):
    """One key AI technology project that a city brought in and supports."""

    key_technology = boolean(
        "引进符合条件的人工智能关键技术项目", "A qualifying key AI technology project that was brought in",
        asked_by="8.2", evidence="项目认定文件、落户协议",
    )  # fmt: skip
    city_paid = money(
        "市级实际补助金额", "What the city actually paid", maximum="100亿元", asked_by="8.2",
        evidence="市级拨付凭证", known_by="treasury", measure="city_payments",
    )  # fmt: skip
    city_granted = money(
        "市级已批准的补助", "What the city has granted", maximum="100亿元", asked_by="8.2", evidence="市级批复文件"
    )
    city = supporting_city()
    county = project_county()


@article.pays(
    "8.2", AWARD, to="项目所在市（用于智能算力建设和招引重点企业）", to_en="the city of the project (earmarked)",
    title="关键技术项目引进奖补", title_en="Award for key projects brought in", by=("city",),
    claim=claims("city-subsidy", AttractedProject.city_paid), settings_by=read_on("payment", "8.2", "市级实际补助金额"),
)  # fmt: skip
def attraction_award(project: AttractedProject) -> Money:
    """30% of what the city actually paid, at most 10 million yuan; how the uplift meets the cap is interpreted."""
    project.key_technology.required("8.2", "引进符合条件的人工智能关键技术项目")
    subsidy = actual_subsidy.choose(paid=project.city_paid, granted=project.city_granted)
    award = (legal_share("30%", "8.2", AWARD) * subsidy).cites("8.2", AWARD, "市级补助的 30%", "30% of it")
    cap = legal_money("1000万元", "8.2", "最高1000万元")
    return payable(raised_and_capped(award, project.city, project.county, cap, "8.2", "最高1000万元"))


cap_is_of = interpretation(
    "8.2.cap", "“最高1000万元”是每个项目一次、每个项目每年，还是每个市",
    "Is the limit of ten million that of a project, of its year, or of a city?",
    {
        "project": ("每个项目一次：各年合计", "of a project, all years together"),
        "project_year": ("每个项目每年", "of a project and year"),
        "city": ("每个市：各项目、各年合计", "of a city, all projects and years together"),
    },
    sentence="8.2", phrase=AWARD,
)  # fmt: skip

to_affiliates = interpretation(
    "8.2.affiliates", "专款付给市属关联方的，是否建议收回", "Does money paid to the city's own affiliates come back?",
    {
        "recovered": ("建议收回", "yes: it is proposed to be taken back"),
        "allowed": ("条文只写用途：用途相符即可", "no: the text names uses, not payees"),
    },
    sentence="8.2", phrase="用于智能算力建设和招引重点企业",
)  # fmt: skip

article.programme(
    "8.2", AWARD, start=Start.CITY_CLAIM, title="关键技术项目引进奖补",
    title_en="Award for key projects brought in", steps=CLAIM,
    objects=(names("project", held="per_year"), names("voucher")),
    earmark="用于智能算力建设和招引重点企业",
    earmarked=earmarked("earmarks", "earmark_uses", elsewhere="other", within=pass_on_days, affiliates=to_affiliates),
    cap_of=cap_scope(cap_is_of),
)  # fmt: skip


article.programme(
    "8.1", "优先匹配算力、数据、场景、基金、场地等要素资源", start=Start.CALL, title="要素资源优先匹配",
    title_en="Matching with compute, data, scenarios, funds and sites",
    steps=GRANT,
)  # fmt: skip


article.register(
    RegisterSpec(
        "resources",
        "8.1",
        "优先匹配算力、数据、场景、基金、场地等要素资源",
        title="要素资源",
        title_en="Resources on offer",
        office="省人工智能产业推进组工作专班",
        name_is="要素名称",
        name_is_en="Resource",
        holder_is="提供单位",
        holder_is_en="Provider",
        fields=(
            RegisterField(
                "kind",
                "类别",
                "Kind",
                FieldKind.CHOICE,
                options={
                    "compute": ("算力", "compute"),
                    "data": ("数据", "data"),
                    "scenario": ("场景", "scenario"),
                    "fund": ("基金", "fund"),
                    "site": ("场地", "site"),
                },
            ),
            RegisterField("amount", "数量", "Amount", FieldKind.COUNT),
            RegisterField("unit", "单位", "Unit"),
        ),
        matching=RegisterMatching(
            needs="needs",
            matches="matches",
            alike=(("kind", "kind"), ("unit", "unit")),
            received="received_on",
            resource="resource",
            need="need",
            amount="amount",
            first="8.1",
        ),
    )
)


article.register(
    RegisterSpec(
        "needs",
        "8.1",
        "优先匹配算力、数据、场景、基金、场地等要素资源",
        title="要素需求",
        title_en="What firms ask for",
        office="省人工智能产业推进组工作专班",
        name_is="需求名称",
        name_is_en="Need",
        holder_is="需求企业",
        holder_is_en="Firm that asks",
        fields=(
            RegisterField(
                "kind",
                "类别",
                "Kind",
                FieldKind.CHOICE,
                options={
                    "compute": ("算力", "compute"),
                    "data": ("数据", "data"),
                    "scenario": ("场景", "scenario"),
                    "fund": ("基金", "fund"),
                    "site": ("场地", "site"),
                },
            ),
            RegisterField("amount", "数量", "Amount", FieldKind.COUNT),
            RegisterField("unit", "单位", "Unit"),
            RegisterField("received_on", "收到日期", "Received on", FieldKind.DAY),
        ),
        by_holder=True,
    )
)


article.register(
    RegisterSpec(
        "matches",
        "8.1",
        "优先匹配算力、数据、场景、基金、场地等要素资源",
        title="要素匹配结果",
        title_en="Resources matched",
        office="省人工智能产业推进组工作专班",
        name_is="要素名称",
        name_is_en="Resource",
        holder_is="匹配企业",
        holder_is_en="Firm matched",
        fields=(
            RegisterField("resource", "要素编号", "Code of the resource", refers="resources"),
            RegisterField("need", "需求编号", "Code of the need", refers="needs"),
            RegisterField("amount", "匹配数量", "Matched", FieldKind.COUNT),
        ),
        draws=(RegisterDraw("amount", "resource", "amount"), RegisterDraw("amount", "need", "amount")),
    )
)


#: what the platform enters itself whenever money of 8.2 is paid
article.register(
    RegisterSpec(
        "earmarks",
        "8.2",
        "用于智能算力建设和招引重点企业",
        title="专款",
        title_en="Earmarked money",
        office="省人工智能产业推进组工作专班",
        name_is="项目",
        name_is_en="Programme",
        fields=(
            RegisterField("amount", "已拨付", "Paid", FieldKind.YUAN),
            RegisterField("received_on", "到账日期", "Received on", FieldKind.DAY),
            RegisterField("due_on", "使用期限", "To be used by", FieldKind.DAY, required=False),
        ),
    )
)

article.register(
    RegisterSpec(
        "earmark_uses",
        "8.2",
        "用于智能算力建设和招引重点企业",
        title="专款使用",
        title_en="Uses of earmarked money",
        office="各市人民政府",
        name_is="用途说明",
        name_is_en="Use",
        holder_is="收款单位",
        holder_is_en="Payee",
        fields=(
            RegisterField("award", "申报编号", "Application", refers="earmarks"),
            RegisterField(
                "purpose",
                "用途",
                "Purpose",
                FieldKind.CHOICE,
                options={
                    "compute": ("智能算力建设", "intelligent compute"),
                    "firms": ("招引重点企业", "attracting key firms"),
                    "other": ("其他", "other"),
                },
            ),
            RegisterField("amount", "金额", "Amount", FieldKind.YUAN),
            RegisterField("voucher", "凭证号", "Voucher"),
        ),
        draws=(RegisterDraw("amount", "award", "amount"),),
        once=("award", "voucher"),
    )
)
