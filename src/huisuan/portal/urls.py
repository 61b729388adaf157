"""The addresses of the pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from huisuan.portal.account import openid as elsewhere
from huisuan.portal.account import sign_in as signing
from huisuan.portal.account import views as account
from huisuan.portal.applications import draft as drafts
from huisuan.portal.applications import list as draft_list
from huisuan.portal.audit import sample as audit_sample
from huisuan.portal.background import budgets as budget_work
from huisuan.portal.background import comparisons as comparison_work
from huisuan.portal.background import seals as seal_work
from huisuan.portal.background import settlements as settlement_work
from huisuan.portal.billing import bills, entitlements
from huisuan.portal.budget.views import budget_page
from huisuan.portal.calculator.views import calculator
from huisuan.portal.centres import agent_desk, figures, imports, maintenance, tariffs, unclaimed
from huisuan.portal.centres import views as centre
from huisuan.portal.documents.urls import DOCUMENT_PAGES
from huisuan.portal.federation import views as federation
from huisuan.portal.firm import budgets as firm
from huisuan.portal.firm import members, statement
from huisuan.portal.home import oversight, todo
from huisuan.portal.home.programme_year import programme_year
from huisuan.portal.home.views import home
from huisuan.portal.jobs import again, cancels, log_page, submit
from huisuan.portal.jobs import files as job_files
from huisuan.portal.jobs import list_page as job_pages
from huisuan.portal.jobs import now as now_pages
from huisuan.portal.jobs import views as jobs
from huisuan.portal.law import policies
from huisuan.portal.messages import inbox
from huisuan.portal.messages.settings import message_settings
from huisuan.portal.notices import desk as publicity_desk
from huisuan.portal.notices import views as notices
from huisuan.portal.opendata import datasets, desk, gate_file
from huisuan.portal.opendata import requests as data_requests
from huisuan.portal.opendata import views as opendata
from huisuan.portal.parties import file_requests, import_page, relation_forms
from huisuan.portal.parties import views as register_views
from huisuan.portal.people import views as people
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
from huisuan.portal.reviews import bench, decision_sheet, draw
from huisuan.portal.saved import views as saved
from huisuan.portal.seals import checklist, flags, register
from huisuan.portal.seals import views as seals
from huisuan.portal.search.views import search_page
from huisuan.portal.sessions import views as sessions
from huisuan.portal.settings import views as settings
from huisuan.portal.statistics import views as statistics
from huisuan.portal.struck import views as struck
from huisuan.portal.treasury import city_vouchers, corrections, debts, orders, returns
from huisuan.portal.treasury import lines as budget_lines
from huisuan.portal.treasury.statement import money_statement_page
from huisuan.portal.ui import vega_bundle as engine
from huisuan.portal.usage import records as usage

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("search/", search_page, name="search"),
    path("filters/keep", saved.keep_filter, name="keep-filter"),
    path("filters/<int:number>/forget", saved.forget, name="forget-filter"),
    path("todo/", todo.todo_page, name="todo"),
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-in/elsewhere", elsewhere.begin, name="oidc"),
    path("sign-in/elsewhere/return", elsewhere.come_back, name="oidc-return"),
    path("sign-in/code", signing.second_step, name="second-step"),
    path("account/", account.account, name="account"),
    path("account/password", account.change_password, name="change-password"),
    path("account/tokens", account.new_token, name="new-token"),
    path("account/tokens/<int:number>/revoke", account.revoke_token, name="revoke-token"),
    path("account/second-factor", account.enrol_factor, name="enrol-factor"),
    path("account/second-factor/change", account.change_factor, name="change-factor"),
    path("account/sign-out-everywhere", account.sign_out_everywhere, name="sign-out-everywhere"),
    path("messages/", inbox.message_list, name="messages"),
    path("messages/<int:number>", inbox.open_message, name="open-message"),
    path("messages/settings", message_settings, name="message-settings"),
    path("messages/read", inbox.mark_all_read, name="mark-messages-read"),
    path("messages/unread", inbox.mark_unread, name="mark-messages-unread"),
    path("people/", people.person_list, name="people"),
    path("people/new", people.new_person, name="new-person"),
    path("people/<int:number>", people.person_page, name="person"),
    path("people/<int:number>/<slug:action>", people.act, name="person-action"),
    path("firm/", firm.firm_page, name="firm"),
    path("firm/projects", firm.new_project, name="new-project"),
    path("firm/projects/<slug:code>", firm.project_page, name="project"),
    path("firm/projects/<slug:code>/tokens", firm.new_project_token, name="new-project-token"),
    path("firm/projects/<slug:code>/<slug:action>", firm.change_project, name="change-project"),
    path("firm/budgets", firm.set_budget, name="set-budget"),
    path("firm/budgets/<int:number>/end", firm.end_budget, name="end-budget"),
    path("firm/members", members.member_list, name="members"),
    path("firm/invitations", members.invite, name="invite-member"),
    path("firm/invitations/<int:number>/revoke", members.revoke_invitation, name="revoke-invitation"),
    path("firm/members/<str:username>/<slug:action>", members.act, name="member-action"),
    path("firm/statements/<str:month>/<slug:form>", statement.statement, name="statement"),
    path("join/<str:secret>", members.join, name="join"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("language", signing.language, name="language"),
    path("now/", now_pages.now_page, name="now"),
    path("jobs/", job_pages.job_list, name="jobs"),
    path("jobs/cancel", cancels.ask_cancel, name="cancel-jobs"),
    path("cancels/", cancels.held_cancels, name="held-cancels"),
    path("cancels/<int:number>/undo", cancels.undo, name="undo-cancel"),
    path("jobs/templates/delete", again.delete_template, name="delete-template"),
    path("jobs/<str:uid>/again", again.submit_again, name="submit-again"),
    path("jobs/<str:uid>/template", again.keep_template, name="keep-template"),
    path("jobs/new", submit.submit_page, name="submit-job"),
    path("jobs/<str:uid>", jobs.job_page, name="job"),
    path("jobs/<str:uid>/log", log_page.log_page, name="job-log"),
    path("jobs/<str:uid>/files", job_files.job_files, name="job-files"),
    path("jobs/<str:uid>/files/view", job_files.view_file, name="job-file-view"),
    path("jobs/<str:uid>/files/download", job_files.download, name="job-file"),
    path("jobs/<str:uid>/files/picture", job_files.picture, name="job-picture"),
    path("jobs/<str:uid>/cancel", jobs.cancel, name="cancel-job"),
    path("jobs/<str:uid>/cancel-array", jobs.cancel_whole_array, name="cancel-array"),
    path("sessions/", sessions.session_list, name="sessions"),
    path("sessions/<str:uid>/open", sessions.open_session, name="open-session"),
    path("sessions/<str:uid>/end", sessions.end_session, name="end-session"),
    path("usage/", usage.record_list, name="usage"),
    path("usage/<slug:code>/<int:sequence>", usage.record_page, name="record"),
    path("usage/<slug:code>/<int:sequence>/raw", usage.raw_line, name="raw-line"),
    path("usage/<slug:code>/<int:sequence>/proof", seals.record_proof, name="record-proof"),
    path("seals/", seals.seal_list, name="seals"),
    path("register.json", register.register_download, name="register"),
    path("seals/requests/<int:number>", seal_work.seal_request_page, name="seal-request"),
    path("seals/requests/<int:number>/cancel", seal_work.cancel_sealing, name="cancel-sealing"),
    path("seals/<slug:code>/checklist", checklist.checklist_page, name="seal-checklist"),
    path("seals/<slug:code>/check", checklist.check_month, name="check-month"),
    path("seals/<slug:code>/seal", seal_work.seal_months, name="seal-months"),
    path("seals/<slug:code>/<str:month>", seals.seal_page, name="seal"),
    path("seals/<slug:code>/<str:month>/export", seals.export_seal, name="export-seal"),
    path("audit/sample", audit_sample.sample_page, name="audit-sample"),
    path("flags/", flags.flag_list, name="flags"),
    path("flags/<int:number>", flags.flag_page, name="flag"),
    path("flags/<int:number>/answer", flags.answer_page, name="answer-flag"),
    path("bills/", bills.bill_list, name="bills"),
    path("bills/<int:number>", bills.bill_page, name="bill"),
    path("bills/<int:number>/lines", entitlements.bill_branch, name="bill-branch"),
    path("bills/<int:number>/lines/<int:line>", entitlements.line_branch, name="line-branch"),
    path("entitlements/", entitlements.entitlement_list, name="entitlements"),
    path("entitlements/<int:number>", entitlements.entitlement_page, name="entitlement"),
    path("drafts/", draft_list.draft_list, name="drafts"),
    path("drafts/<int:number>", drafts.draft_page, name="draft"),
    path("drafts/<int:number>/discard", drafts.discard, name="discard-draft"),
    path("drafts/new/<str:policy>/<str:rule>", drafts.new_draft, name="new-draft"),
    path("drafts/answer/<str:policy>/<str:rule>", drafts.live_answer, name="live-answer"),
    path("evidence/<int:number>", drafts.download, name="evidence"),
    path("inbox/", programme_inbox.inbox_page, name="inbox"),
    path("inbox/acts", bulk_acts.inbox_acts, name="inbox-acts"),
    path("inbox/acts/done", bulk_acts.inbox_acts_done, name="inbox-acts-done"),
    path("programmes/year/", programme_year, name="programme-year"),
    path("applications/", application_list.application_list, name="applications"),
    path("applications/<str:number>", application_page.application_page, name="application"),
    path("applications/<str:number>/acts/<slug:action>", application_page.take_step_page, name="take-step"),
    path("applications/<str:number>/contract/<slug:act>", contract_page.contract_act, name="contract-act"),
    path("struck/", struck.struck_page, name="struck"),
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
    *DOCUMENT_PAGES,
    path("opendata/", opendata.catalogue_page, name="opendata"),
    path("opendata/requests", data_requests.request_list, name="data-requests"),
    path("opendata/requests/ask", data_requests.ask_page, name="ask-for-data"),
    path("opendata/requests/<int:number>", data_requests.request_page, name="data-request"),
    path("opendata/desk", desk.desk_page, name="gate-desk"),
    path("opendata/desk/<int:number>", gate_file.gate_file_page, name="gate-file"),
    path("opendata/query", datasets.query_page, name="opendata-query"),
    path("opendata/changes.atom", datasets.changes_feed, name="opendata-changes"),
    path("opendata/files/<int:number>.statement.json", datasets.release_statement, name="release-statement"),
    path("opendata/files/<int:number>.scan.json", datasets.scan_statement, name="scan-statement"),
    path("opendata/files/<int:number>.<slug:form>", datasets.released_file, name="released-file"),
    path("opendata/<str:code>", opendata.entry_page, name="opendata-entry"),
    path("city-desk", city_desk.city_desk, name="city-desk"),
    path("registers/", registers.registers_page, name="registers"),
    path("registers/enter/<str:policy>/<str:key>", registering.enter_page, name="enter-in-register"),
    path("registers/match/<str:policy>/<str:key>", registering.match_entries, name="match-register"),
    path("registers/<str:policy>/<str:key>/", registers.register_page, name="register-of"),
    path("registers/<str:policy>/<str:key>/<path:code>", registers.register_entry_page, name="register-entry"),
    path("statistics/", statistics.statistics_page, name="statistics"),
    path("statistics/<slug:name>.csv", statistics.statistics_file, name="statistics-file"),
    path("parties/", register_views.party_list, name="parties"),
    path("parties/new", register_views.new_party, name="new-party"),
    path("parties/import", import_page.import_register, name="import-parties"),
    path("parties/imports/<int:number>", file_requests.register_file_page, name="register-file"),
    path("parties/imports/<int:number>/accept", file_requests.accept_register_lines, name="accept-register-file"),
    path("parties/imports/<int:number>/cancel", file_requests.cancel_register_lines, name="cancel-register-file"),
    path("parties/<str:uscc>", register_views.party_page, name="party"),
    path("parties/<str:uscc>/relation", relation_forms.relation_form, name="relation-form"),
    path("parties/<str:uscc>/succession", relation_forms.succession_form, name="succession-form"),
    path("parties/<str:uscc>/change", register_views.change_party, name="change-party"),
    path("compute/", federation.compute_page, name="compute"),
    path("centres/", centre.centre_list, name="centres"),
    path("centres/<slug:code>", centre.centre_page, name="centre"),
    path("centres/<slug:code>/agents/invite", agent_desk.invite_agent, name="invite-agent"),
    path("centres/<slug:code>/agents/revoke", agent_desk.revoke_agents, name="revoke-agents"),
    path("centres/<slug:code>/figures", figures.figures_page, name="centre-figures"),
    path("centres/<slug:code>/imports", imports.import_page, name="usage-imports"),
    path("imports/<int:number>", imports.usage_import, name="usage-import"),
    path("imports/<int:number>/cancel", imports.cancel_usage_import, name="cancel-import"),
    path("imports/<int:number>/confirm", imports.import_for_real, name="import-for-real"),
    path("imports/<int:number>/refused.csv", imports.import_faults, name="import-faults"),
    path("centres/<slug:code>/tariffs", tariffs.tariff_page, name="centre-tariffs"),
    path("centres/<slug:code>/agents/check", agent_desk.check_agent, name="check-agent"),
    path("centres/<slug:code>/unclaimed", unclaimed.unclaimed_page, name="unclaimed"),
    path("centres/<slug:code>/unclaimed/claim", unclaimed.claim, name="claim-account"),
    path("centres/<slug:code>/unclaimed/<int:number>/undo", unclaimed.undo, name="undo-claim"),
    path("centres/<slug:code>/maintenance", maintenance.maintenance_page, name="centre-maintenance"),
    path(
        "centres/<slug:code>/maintenance/<int:number>/cancel", maintenance.cancel_maintenance, name="cancel-maintenance"
    ),
    path("runs/", oversight.run_list, name="runs"),
    path("runs/settle", settlement_work.settle_year, name="settle-year"),
    path("runs/requests/<int:number>", settlement_work.settlement_request_page, name="settlement-request"),
    path("runs/requests/<int:number>/cancel", settlement_work.cancel_settlement, name="cancel-settlement"),
    path("runs/<int:number>", oversight.run_page, name="run"),
    path("budget/", budget_page, name="budget"),
    path("budget/requests/<int:number>", budget_work.budget_request_page, name="budget-request"),
    path("budget/requests/<int:number>/cancel", budget_work.cancel_budget, name="cancel-budget"),
    path("budget/requests/<int:number>/again", budget_work.budget_again, name="budget-again"),
    path("charts/vega.js", engine.chart_engine, name="chart-engine"),
    path("calculator/", calculator, name="calculator"),
    path("policies/", policies.policies, name="policies"),
    path("policies/<str:name>", policies.policy_page, name="policy"),
    path("policies/<str:name>/settings", settings.settings_page, name="settings"),
    path("policies/<str:name>/settings/propose", settings.propose, name="propose-settings"),
    path("proposals/<int:number>", settings.proposal_page, name="proposal"),
    path("proposals/<int:number>/compare", comparison_work.compare, name="compare-proposal"),
    path("comparisons/<int:number>", comparison_work.comparison_request_page, name="comparison-request"),
    path("comparisons/<int:number>/cancel", comparison_work.cancel_comparison, name="cancel-comparison"),
    path("proposals/<int:number>/adopt", settings.adopt, name="adopt-proposal"),
    path("proposals/<int:number>/withdraw", settings.withdraw, name="withdraw-proposal"),
]
