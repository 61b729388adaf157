"""第十五条 加大宣传培训力度 (article 15): training, presentations and studies that the government buys."""

from __future__ import annotations

from huisuan.law import (
    Article,
    Facts,
    FieldKind,
    ProcedureKind,
    RegisterDraw,
    RegisterField,
    RegisterSpec,
    Start,
    boolean,
    choice,
    found_alike,
    names,
    open_list,
)

from .a00_supplementary import RECORD

article = Article("15")

others = open_list(
    "15.1.others", "“重大培训、推介、战略咨询研究等”是否限于所列", "Are the kinds of activity closed?",
    sentence="15.1", phrase="重大培训活动、重大推介活动、重大战略咨询研究等",
    finder="省专班", finder_en="the working group",
)  # fmt: skip


class Activity(Facts):
    """An activity that somebody offers to organise."""

    agi_field = boolean("属于通用人工智能领域", "In general AI", asked_by="15.1", evidence="活动方案")
    activity = choice(
        "活动类型", "Kind of activity",
        {
            "training": ("重大培训活动", "major training"), "promotion": ("重大推介活动", "major presentation"),
            "study": ("重大战略咨询研究", "major strategic study"), "other": ("其他", "other"),
        },
        asked_by="15.1", evidence="活动方案",
    )  # fmt: skip
    alike = found_alike("15.1", "省专班", "the working group")


@article.entitles(
    "15.1", "以政府购买服务方式组织开展", kind=ProcedureKind.PROGRAMME, by=("enterprise", "university", "institute"),
    to="承办培训、推介、咨询研究的单位", to_en="organisers of training, presentations, studies",
    title="政府购买培训、推介与研究服务", title_en="Training, presentations and studies bought by the government",
    grants="以政府购买服务方式承办（价款按采购结果）", grants_en="a contract for services, at the price of the tender",
)  # fmt: skip
def bought_service(activity: Activity) -> None:
    """Major training, presentations and studies in general AI may be bought as services."""
    activity.agi_field.required("15.1", "通用人工智能领域")
    kinds = others.covers(activity.activity.among("training", "promotion", "study"), activity.alike)
    kinds.required("15.1", "重大培训活动、重大推介活动、重大战略咨询研究等")


#: way, supplier and price are decided by procurement law and paid under the contract: they are entered, not approved
article.programme(
    "15.1", "以政府购买服务方式组织开展", start=Start.CALL, title="政府购买培训、推介与研究服务",
    title_en="Training, presentations and studies bought by the government",
    steps=RECORD, objects=(names("contract"),),
)  # fmt: skip


article.register(
    RegisterSpec(
        "events",
        "15.1",
        "以政府购买服务方式组织开展",
        title="购买的培训、推介和研究",
        title_en="Training, presentations and studies bought",
        office="省人工智能产业推进组工作专班",
        name_is="项目名称",
        name_is_en="Project",
        holder_is="承接单位",
        holder_is_en="Supplier",
        fields=(
            RegisterField(
                "kind",
                "类别",
                "Kind",
                FieldKind.CHOICE,
                options={
                    "training": ("重大培训活动", "training"),
                    "promotion": ("重大推介活动", "presentation"),
                    "study": ("重大战略咨询研究", "study"),
                },
            ),
            RegisterField("plan", "计划编号", "Code of the plan", refers="training_plans", required=False),
            RegisterField("way", "购买方式", "Way of purchase"),
            RegisterField("contract", "合同编号", "Contract"),
            RegisterField("amount", "合同金额", "Amount", FieldKind.YUAN),
            RegisterField("delivered_on", "完成日期", "Delivered on", FieldKind.DAY, required=False),
            RegisterField("score", "评价得分", "Score of the evaluation", FieldKind.COUNT, required=False),
        ),
        once=("contract",),
    )
)


article.register(
    RegisterSpec(
        "training_plans",
        "15.1",
        "以政府购买服务方式组织开展",
        title="年度宣传培训计划",
        title_en="Yearly plans of training and presentations",
        office="省人工智能产业推进组工作专班",
        name_is="计划名称",
        name_is_en="Plan",
        fields=(
            RegisterField("year", "年度", "Year", FieldKind.COUNT),
            RegisterField("budget", "计划金额", "Planned", FieldKind.YUAN),
        ),
    )
)


article.register(
    RegisterSpec(
        "event_payments",
        "15.1",
        "以政府购买服务方式组织开展",
        title="购买服务付款",
        title_en="Payments for services bought",
        office="省人工智能产业推进组工作专班",
        name_is="付款事项",
        name_is_en="Payment",
        holder_is="承接单位",
        holder_is_en="Supplier",
        fields=(
            RegisterField("event", "项目编号", "Code of the project", refers="events"),
            RegisterField("amount", "付款金额", "Paid", FieldKind.YUAN),
            RegisterField("voucher", "凭证号", "Voucher"),
            RegisterField("accepted_on", "验收日期", "Accepted on", FieldKind.DAY),
        ),
        draws=(RegisterDraw("amount", "event", "amount"),),
        once=("event", "voucher"),
    )
)
