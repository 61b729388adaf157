"""What a declared procedure must be: every state reached and left, offices as the text names them, money apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from huisuan.law.model.errors import LawError
from huisuan.law.procedure.model import CLOSING_STATES, Duty, ProgrammeSpec, ProgrammeStep, State
from huisuan.law.procedure.words import ACTION_WORDS


def check_programme(spec: ProgrammeSpec, offices: Collection[str], treasury: str) -> None:
    """Refuse a procedure that cannot be carried out, or by nobody.

    `offices` are those that the text names for its sentence; `treasury` is allowed besides, to commit and to pay.

    Raises:
        LawError: what is wrong with which step or state.
    """
    seen: set[tuple[str, State]] = set()
    for taken in spec.steps:
        _check_step(spec, taken, offices, treasury)
        for source in taken.sources:
            if (taken.action, source) in seen:
                raise LawError(
                    f"程序 {spec.key}：{source} 的步骤 {taken.action} 写了两次", code="law.programme_step_twice"
                )
            seen.add((taken.action, source))
    _check_states(spec)
    _check_money_apart(spec)
    _check_contract(spec)


def check_objects(spec: ProgrammeSpec, facts: Collection[str]) -> None:
    """Refuse kinds of objects that are named twice, and counts that are no facts of the rule.

    Raises:
        LawError: which.
    """
    kinds = [each.kind for each in spec.objects]
    for each in spec.objects:
        if kinds.count(each.kind) > 1:
            raise LawError(f"程序 {spec.key}：申报对象“{each.kind}”写了两次", code="law.object_kind_twice")
        if unknown := [name for name in each.counts if name not in facts]:
            raise LawError(
                f"程序 {spec.key}：申报对象“{each.kind}”的数量 {'、'.join(unknown)} 不是本规则的事实",
                code="law.object_count_no_fact",
            )


def check_selection(spec: ProgrammeSpec, facts: Collection[str]) -> None:
    """Refuse a selection of what is no fact of the rule, or that nobody ranks.

    Raises:
        LawError: what is wrong with it.
    """
    if spec.selection is None:
        return
    if unknown := [name for name in spec.selection.facts if name not in facts]:
        raise LawError(
            f"程序 {spec.key}：评选确定的 {'、'.join(unknown)} 不是本规则的事实", code="law.selection_fact_wrong"
        )
    if all(taken.action != "rank" for taken in spec.steps):
        raise LawError(f"程序 {spec.key}：有评选名额或结果，却没有排序的步骤（rank）", code="law.selection_unranked")


def _check_step(spec: ProgrammeSpec, taken: ProgrammeStep, offices: Collection[str], treasury: str) -> None:
    place = f"程序 {spec.key} 的步骤 {taken.action}"
    if taken.action not in ACTION_WORDS:
        raise LawError(f"{place}：没有这个动作；可用 {'、'.join(ACTION_WORDS)}", code="law.programme_action_unknown")
    if (taken.action == "review") != (taken.review is not None):
        raise LawError(
            f"{place}：评审的步骤（review）须声明评审办法（panel_review），别的步骤不声明",
            code="law.programme_review_half",
        )
    if taken.duty is Duty.APPLY:
        if taken.office:
            raise LawError(f"{place}：申报人的步骤不写单位", code="law.programme_office_not_named")
        return
    allowed = {*offices, treasury} if taken.duty in (Duty.COMMIT, Duty.PAY) else set(offices)
    if not taken.office or taken.office not in allowed:
        raise LawError(
            f"{place}：第 {spec.sentence} 句没有写到单位“{taken.office}”；写到的是 {'、'.join(offices) or '无'}",
            code="law.programme_office_not_named",
        )


def _check_contract(spec: ProgrammeSpec) -> None:
    actions = {taken.action for taken in spec.steps}
    if spec.contract is not None and not {"contract", "commit"} <= actions:
        raise LawError(
            f"程序 {spec.key}：有合同，却没有签订合同（contract）或下达资金（commit）的步骤",
            code="law.contract_without_step",
        )
    if ("eliminate" in actions) != (spec.contract is not None and spec.contract.race is not None):
        raise LawError(f"程序 {spec.key}：淘汰的步骤（eliminate）与赛马的办法（race）须同时声明", code="law.race_half")
    if any(taken.action == "eliminate" and taken.target is State.IN_RECOVERY for taken in spec.steps):
        raise LawError(
            f"程序 {spec.key}：淘汰（eliminate）不转入追回：已付的不退，不立应退的款；要追回的，另写 recover",
            code="law.eliminate_recovers",
        )


def _check_states(spec: ProgrammeSpec) -> None:
    edges = [(source, taken.target) for taken in spec.steps for source in taken.sources]
    used = {State.DRAFT, *(state for edge in edges for state in edge)}
    reached = _closure({State.DRAFT}, edges)
    for state in State:
        if state in used and state not in reached:
            raise LawError(f"程序 {spec.key}：没有步骤能到达状态 {state}", code="law.programme_state_unreachable")
    leaving = _closure(set(CLOSING_STATES), [(target, source) for source, target in edges])
    for state in State:
        if state in used and state not in leaving:
            raise LawError(f"程序 {spec.key}：状态 {state} 没有出路", code="law.programme_state_without_exit")


def _closure(begin: set[State], edges: Iterable[tuple[State, State]]) -> set[State]:
    found, pairs = set(begin), list(edges)
    while more := {target for source, target in pairs if source in found} - found:
        found |= more
    return found


def _check_money_apart(spec: ProgrammeSpec) -> None:
    deciding = {taken.office for taken in spec.steps if taken.duty is Duty.DECIDE}
    for taken in spec.steps:
        if taken.duty is Duty.COMMIT and taken.office in deciding:
            raise LawError(
                f"程序 {spec.key}：{taken.office} 既决定又下达资金；两者须是不同的单位",
                code="law.programme_money_apart",
            )
