"""The addresses of the pages of programmes: from drafts and calls to notices, registers, money and documents."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from huisuan.portal.application_acts import consenting, giving_opinion, moving, saying
from huisuan.portal.applications import draft as drafts
from huisuan.portal.applications import list as draft_list
from huisuan.portal.home.programme_year import programme_year
from huisuan.portal.home.worked_cases import worked_cases_page
from huisuan.portal.notices import desk as publicity_desk
from huisuan.portal.notices import views as notices
from huisuan.portal.programmes import (
    application_answers,
    application_list,
    application_page,
    bulk_acts,
    calls,
    claims,
    contract_page,
    milestone_list,
    new_call,
    offer,
    posts,
    submit_draft,
)
from huisuan.portal.programmes import inbox as programme_inbox
from huisuan.portal.registers import city_desk
from huisuan.portal.registers import entering as registering
from huisuan.portal.registers import views as registers
from huisuan.portal.reviews import accepting, bench, decision_sheet, draw
from huisuan.portal.struck import views as struck
from huisuan.portal.treasury import city_vouchers, corrections, debts, orders, returns
from huisuan.portal.treasury import lines as budget_lines
from huisuan.portal.treasury.statement import money_statement_page
from huisuan.portal.whole import experts
from huisuan.portal.whole import pages as whole

PROGRAMME_PATHS: list[URLPattern | URLResolver] = [
    path("drafts/", draft_list.draft_list, name="drafts"),
    path("drafts/<int:number>", drafts.draft_page, name="draft"),
    path("drafts/<int:number>/discard", drafts.discard, name="discard-draft"),
    path("drafts/new/<str:policy>/<str:rule>", drafts.new_draft, name="new-draft"),
    path("drafts/answer/<str:policy>/<str:rule>", drafts.live_answer, name="live-answer"),
    path("evidence/<int:number>", drafts.download, name="evidence"),
    path("inbox/", programme_inbox.inbox_page, name="inbox"),
    path("inbox/acts", bulk_acts.inbox_acts, name="inbox-acts"),
    path("inbox/acts/done", bulk_acts.inbox_acts_done, name="inbox-acts-done"),
    path("programmes/cases/", worked_cases_page, name="worked-cases"),
    path("programmes/year/", programme_year, name="programme-year"),
    path("applications/", application_list.application_list, name="applications"),
    path("applications/<str:number>", application_page.application_page, name="application"),
    path("applications/<str:number>/acts/<slug:action>", application_page.take_step_page, name="take-step"),
    path("applications/<str:number>/contract/<slug:act>", contract_page.contract_act, name="contract-act"),
    path("applications/<str:number>/checks", application_answers.check_application_page, name="check-application"),
    path("applications/<str:number>/move", moving.move_application_page, name="move-application"),
    path("applications/<str:number>/issuers", saying.say_issuer, name="say-issuer"),
    path("applications/<str:number>/opinions", giving_opinion.give_opinion_page, name="give-opinion"),
    path("applications/<str:number>/consents", consenting.give_consent_page, name="give-consent"),
    path(
        "applications/<str:number>/consents/<int:consent>/confirm",
        consenting.confirm_consent_page,
        name="confirm-consent",
    ),
    path(
        "applications/<str:number>/consents/<int:consent>/withdraw",
        consenting.withdraw_consent_page,
        name="withdraw-consent",
    ),
    path("struck/", struck.struck_page, name="struck"),
    path("struck/lift", struck.lift_page, name="lift-strike"),
    path("milestones/", milestone_list.milestone_list, name="milestones"),
    path("applications/<str:number>/payee", application_answers.payee_page, name="give-payee"),
    path("applications/<str:number>/payee/answer", application_answers.payee_answer_page, name="answer-payee"),
    path(
        "applications/<str:number>/flags/<int:flag>/answer",
        application_answers.application_flag_page,
        name="answer-application-flag",
    ),
    path("applications/<str:number>/files/<str:sha256>", application_page.submitted_file, name="submitted-file"),
    path("claims/", claims.claims_page, name="claims"),
    path("calls/", calls.call_list, name="calls"),
    path("calls/new", new_call.new_call, name="new-call"),
    path("calls/<str:number>/amend", new_call.amend_call_page, name="amend-call"),
    path("calls/<str:number>", calls.call_page, name="call"),
    path("calls/<str:number>/submit", submit_draft.submit_draft_page, name="submit-draft"),
    path("calls/<str:number>/draw", draw.draw_page, name="draw"),
    path("calls/<str:number>/sheet", decision_sheet.decision_sheet_page, name="decision-sheet"),
    path("calls/<str:number>/sheet.xlsx", decision_sheet.decision_sheet_file, name="decision-sheet-file"),
    path("calls/<str:number>/sheet.pdf", decision_sheet.decision_sheet_pdf, name="decision-sheet-pdf"),
    path("reviews/", bench.seat_list, name="reviews"),
    path(
        "reviews/acceptances/<str:number>/<int:milestone>/<slug:act>", accepting.acceptance_act, name="acceptance-act"
    ),
    path("reviews/<str:number>", bench.seat_page, name="review-seat"),
    path("reviews/<str:number>/score", bench.score_page, name="send-score-sheet"),
    path("reviews/<str:number>/recuse", bench.recuse_page, name="recuse"),
    path("reviews/<str:number>/files/<int:file>", bench.review_file_page, name="review-file"),
    path("notices/", notices.notice_list, name="notices"),
    path("notices/<str:number>", notices.notice_page, name="notice"),
    path("notices/<str:number>/<int:position>", notices.objection_form, name="object-to-line"),
    path("objections/", notices.follow_objection_page, name="follow-objection"),
    path("objections/<str:code>", notices.objection_page, name="objection"),
    path("publicity/", publicity_desk.publicity_desk, name="publicity-desk"),
    path("publicity/publish", publicity_desk.publish_page, name="publish-notice"),
    path("publicity/<int:number>", publicity_desk.answer_page, name="answer-objection"),
    path("publicity/<int:number>/files/<int:file>", publicity_desk.objection_file, name="objection-file"),
    path("offers/<str:number>", offer.offer_page, name="offer"),
    path("posts/", posts.post_list, name="posts"),
    path("posts/new", posts.new_post, name="new-post"),
    path("posts/<int:number>", posts.post_page, name="post"),
    path("treasury/lines/", budget_lines.budget_lines_page, name="budget-lines"),
    path("treasury/lines/<int:number>", budget_lines.budget_line_page, name="budget-line"),
    path("treasury/lines/<int:number>/<slug:action>", budget_lines.end_budget_line, name="end-budget-line"),
    path("treasury/orders/", orders.order_list, name="orders"),
    path("treasury/orders/send", orders.send_waiting_orders, name="send-orders"),
    path("treasury/files/", orders.bank_file_list, name="bank-files"),
    path("treasury/files/<int:number>.csv", orders.bank_file, name="bank-file"),
    path("treasury/returns/", returns.return_list, name="returns"),
    path("treasury/returns/<int:number>", returns.return_page, name="bank-return"),
    path("treasury/debts/", debts.debt_list, name="debts"),
    path("treasury/debts/<int:number>", debts.debt_page, name="debt"),
    path("treasury/city-payments/", city_vouchers.city_vouchers_page, name="city-payments"),
    path("treasury/city-payments/<int:number>", city_vouchers.city_voucher_page, name="city-payment"),
    path("corrections/", corrections.correction_list, name="corrections"),
    path("corrections/<str:number>", corrections.correction_page, name="correction"),
    path("treasury/statement", money_statement_page, name="statement-of-money"),
    path("cities/<str:code>", whole.city_page, name="whole-city"),
    path("offices/<int:number>", whole.office_page, name="whole-office"),
    path("experts/", experts.expert_list, name="experts"),
    path("experts/<int:number>", experts.expert_page, name="whole-expert"),
    path("city-desk", city_desk.city_desk, name="city-desk"),
    path("registers/", registers.registers_page, name="registers"),
    path("registers/enter/<str:policy>/<str:key>", registering.enter_page, name="enter-in-register"),
    path("registers/match/<str:policy>/<str:key>", registering.match_entries, name="match-register"),
    path("registers/<str:policy>/<str:key>/", registers.register_page, name="register-of"),
    path("registers/<str:policy>/<str:key>/<path:code>", registers.register_entry_page, name="register-entry"),
]
