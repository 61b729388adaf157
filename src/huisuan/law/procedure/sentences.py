"""A procedure as numbered sentences, made from its data."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from huisuan.law.procedure.model import Duty, ProgrammeSpec, ProgrammeStep
from huisuan.law.procedure.objects import OBJECT_WORDS, Held
from huisuan.law.procedure.words import ACTION_WORDS, DUTY_WORDS, START_WORDS, STATE_WORDS


def programme_sentences(
    spec: ProgrammeSpec, values: Mapping[str, object], *, suggested: Collection[str] = (), english: bool = False
) -> tuple[str, ...]:
    """How it begins, one sentence a step, then what its claims name, what is chosen by rank, and what is suggested.

    `values` are those of its settings on a day, by name; `suggested` names those of them that nobody has decided.
    """
    begins = START_WORDS[spec.start]
    first = f"It begins so: {begins[1]}." if english else f"开始：{begins[0]}。"
    said = _english if english else _chinese
    steps = (said(taken, values) for taken in spec.steps)
    more = (
        *_objects(spec, english=english), *_selection(spec, english=english), *_earmark(spec, english=english),
        *_contract(spec, values, english=english), *_opinions(spec, english=english),
        *_questions(spec, values, english=english),
    )  # fmt: skip
    return (first, *steps, *more, *_suggested(spec, values, suggested, english=english))


def _earmark(spec: ProgrammeSpec, *, english: bool) -> tuple[str, ...]:
    if not spec.earmark:
        return ()
    return (f"The money is earmarked: {spec.earmark}." if english else f"资金用途：{spec.earmark}。",)


def _contract(spec: ProgrammeSpec, values: Mapping[str, object], *, english: bool) -> tuple[str, ...]:
    """One sentence: money by milestone, and the race where there is one."""
    if spec.contract is None:
        return ()
    unset = "(not set)" if english else "（未定）"
    figures = ("; " if english else "；").join(
        f"{one.en if english else one.zh}{': ' if english else ' '}{values.get(one.name, unset)}"
        for one in spec.contract.settings()
    )
    if english:
        by = "a drawn panel of experts accepts" if spec.contract.panel else "the office accepts"
        race = ", who falls out of the race at its milestone keeps what was paid" if spec.contract.race else ""
        race += ", the audited cost is on record before it is closed" if spec.contract.audited else ""
        return (f"The contract says milestones; each is paid once {by} it, never before{race}; {figures}.",)
    by = "抽取的专家组" if spec.contract.panel else "签订合同的单位"
    race = "；在约定节点落后的承担单位予以淘汰，已付的不退，未付的退回预算" if spec.contract.race else ""
    race += "；办结之前登记结题审计的实际费用" if spec.contract.audited else ""
    return (f"合同分节点，每一节点由{by}验收通过后才付该节点的资金，不得提前{race}；{figures}。",)


def _opinions(spec: ProgrammeSpec, *, english: bool) -> tuple[str, ...]:
    if not spec.opinions:
        return ()
    return (
        "A decision says why, after every office that the text names has given its opinion."
        if english
        else "批准须写明理由，且先有政策所列各单位的意见。",
    )


def _questions(spec: ProgrammeSpec, values: Mapping[str, object], *, english: bool) -> tuple[str, ...]:
    """One sentence a question that bears on several claims, with what is decided; what the steps ask they say."""
    own = {taken.own_day.name for taken in spec.steps if taken.own_day}
    asked = [question for question in spec.questions() if question.name not in own]
    if english:
        return tuple(f"{one.en} {one.options_en.get(str(values.get(one.name)), '(not set)')}." for one in asked)
    return tuple(f"{one.zh}：{one.options.get(str(values.get(one.name)), '（未定）')}。" for one in asked)


def _suggested(
    spec: ProgrammeSpec, values: Mapping[str, object], suggested: Collection[str], *, english: bool
) -> tuple[str, ...]:
    named = [setting for setting in spec.settings() if setting.name in suggested and setting.name in values]
    if not named:
        return ()
    if english:
        figures = ", ".join(f"{setting.en} ({values[setting.name]})" for setting in named)
        return (f"No published text says these figures; they are suggestions until the office decides: {figures}.",)
    figures = "、".join(f"{setting.zh}（{values[setting.name]}）" for setting in named)
    return (f"下列数字没有公开的规定，是建议值，施行前须由主管部门核定：{figures}。",)


def _objects(spec: ProgrammeSpec, *, english: bool) -> tuple[str, ...]:
    if not spec.objects:
        return ()
    yearly = [OBJECT_WORDS[each.kind] for each in spec.objects if each.held is Held.PER_YEAR]
    if english:
        named = ", ".join(
            f"{OBJECT_WORDS[each.kind][1]}{'' if each.required else ' (optional)'}" for each in spec.objects
        )
        by_year = f"; that of a {', '.join(each[1] for each in yearly)} has one each year" if yearly else ""
        return (f"A claim names by its number: {named}; on one ground a number has one claim under way{by_year}.",)
    named = "、".join(f"{OBJECT_WORDS[each.kind][0]}{'' if each.required else '（可不写）'}" for each in spec.objects)
    by_year = f"，其中{'、'.join(each[0] for each in yearly)}每年度一件" if yearly else ""
    return (f"申报写明编号的对象：{named}；同一事由下一个编号只有一件在办的申报{by_year}。",)


def _selection(spec: ProgrammeSpec, *, english: bool) -> tuple[str, ...]:
    if spec.selection is None:
        return ()
    places, phrase = spec.selection.places, spec.selection.phrase
    if english:
        most = f"; at most {places} are chosen, by rank (“{phrase}”), the others wait" if places else ""
        return (f"Who is chosen the ranking decides: no applicant states it beforehand{most}.",)
    most = f"；名额 {places} 个（“{phrase}”），按排序取前 {places} 名，其余为候补" if places else ""
    return (f"是否入选由评审排序确定，申报人不填{most}。",)


def _chinese(taken: ProgrammeStep, values: Mapping[str, object]) -> str:
    sources = "、".join(STATE_WORDS[source].official for source in taken.sources)
    who = "申报人" if taken.duty is Duty.APPLY else f"{taken.office}（{DUTY_WORDS[taken.duty][0]}）"
    days = f"{values.get(taken.within.name, '（未定）')} 个工作日内" if taken.within else ""
    figures = "".join(f"；{figure.zh} {values.get(figure.name, '（未定）')}" for figure in taken.figures)
    if taken.own_day:
        figures += f"；{taken.own_day.zh}：{taken.own_day.options.get(str(values.get(taken.own_day.name)), '（未定）')}"
    target, review = STATE_WORDS[taken.target].official, _review_zh(taken, values)
    return f"状态为{sources}的，{who}{days}{ACTION_WORDS[taken.action].zh}，转为{target}{figures}{review}。"


def _english(taken: ProgrammeStep, values: Mapping[str, object]) -> str:
    sources = " or ".join(STATE_WORDS[source].official_en.lower() for source in taken.sources)
    who = "the applicant" if taken.duty is Duty.APPLY else f"{taken.office} ({DUTY_WORDS[taken.duty][1]})"
    days = f" within {values.get(taken.within.name, '(not set)')} working days" if taken.within else ""
    figures = "".join(f"; {figure.en}: {values.get(figure.name, '(not set)')}" for figure in taken.figures)
    if taken.own_day:
        option = taken.own_day.options_en.get(str(values.get(taken.own_day.name)), "(not set)")
        figures += f"; {taken.own_day.en}: {option}"
    target, review = STATE_WORDS[taken.target].official_en.lower(), _review_en(taken, values)
    return f"From {sources}, {who} may {ACTION_WORDS[taken.action].en}{days}: then it is {target}{figures}{review}."


def _review_zh(taken: ProgrammeStep, values: Mapping[str, object]) -> str:
    if taken.review is None:
        return ""
    criteria = "、".join(f"{one.zh} {values.get(one.full.name, '（未定）')} 分" for one in taken.review.criteria)
    figures = "".join(f"；{spec.zh} {values.get(spec.name, '（未定）')}" for spec in taken.review.figures().values())
    return f"；{'匿名评审，' if taken.review.blind else ''}评分：{criteria}{figures}"


def _review_en(taken: ProgrammeStep, values: Mapping[str, object]) -> str:
    if taken.review is None:
        return ""
    criteria = ", ".join(f"{one.en} {values.get(one.full.name, '(not set)')}" for one in taken.review.criteria)
    figures = "".join(f"; {spec.en}: {values.get(spec.name, '(not set)')}" for spec in taken.review.figures().values())
    return f"; {'blind, ' if taken.review.blind else ''}scored by full marks: {criteria}{figures}"
