"""The addresses of the pages; those of programmes and their money stand in `programme_urls`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from huisuan.portal.account import openid as elsewhere
from huisuan.portal.account import sign_in as signing
from huisuan.portal.account import views as account
from huisuan.portal.audit import sample as audit_sample
from huisuan.portal.background import budgets as budget_work
from huisuan.portal.background import comparisons as comparison_work
from huisuan.portal.background import seals as seal_work
from huisuan.portal.background import settlements as settlement_work
from huisuan.portal.billing import bills, entitlements
from huisuan.portal.budget.views import budget_page
from huisuan.portal.bulletins.urls import BULLETIN_PAGES
from huisuan.portal.calculator.views import calculator
from huisuan.portal.centres import agent_desk, figures, imports, maintenance, tariffs, unclaimed
from huisuan.portal.centres import views as centre
from huisuan.portal.documents.urls import DOCUMENT_PAGES
from huisuan.portal.federation import views as federation
from huisuan.portal.firm import budgets as firm
from huisuan.portal.firm import members, statement
from huisuan.portal.home import oversight, todo
from huisuan.portal.home.views import home
from huisuan.portal.jobs import again, cancels, log_page, submit
from huisuan.portal.jobs import files as job_files
from huisuan.portal.jobs import list_page as job_pages
from huisuan.portal.jobs import now as now_pages
from huisuan.portal.jobs import views as jobs
from huisuan.portal.law import policies
from huisuan.portal.messages import inbox
from huisuan.portal.messages.settings import message_settings
from huisuan.portal.opendata import corpora, datasets, descriptions, desk, gate_file, gate_lattice, grants
from huisuan.portal.opendata import requests as data_requests
from huisuan.portal.opendata import views as opendata
from huisuan.portal.parties import file_requests, import_page, relation_forms
from huisuan.portal.parties import views as register_views
from huisuan.portal.people import views as people
from huisuan.portal.programme_urls import PROGRAMME_PATHS
from huisuan.portal.saved import views as saved
from huisuan.portal.seals import checklist, flags, register
from huisuan.portal.seals import views as seals
from huisuan.portal.search.views import search_page
from huisuan.portal.sessions import views as sessions
from huisuan.portal.settings import views as settings
from huisuan.portal.statistics import views as statistics
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
    *PROGRAMME_PATHS,
    *DOCUMENT_PAGES,
    *BULLETIN_PAGES,
    path("opendata/", opendata.catalogue_page, name="opendata"),
    path("opendata/requests", data_requests.request_list, name="data-requests"),
    path("opendata/requests/ask", data_requests.ask_page, name="ask-for-data"),
    path("opendata/requests/<int:number>", data_requests.request_page, name="data-request"),
    path("opendata/desk", desk.desk_page, name="gate-desk"),
    path("opendata/desk/<int:number>", gate_file.gate_file_page, name="gate-file"),
    path("opendata/desk/<int:number>/lattice", gate_lattice.gate_lattice_page, name="gate-lattice"),
    path("opendata/grants", grants.grant_list, name="data-grants"),
    path("opendata/grants/<int:number>", grants.grant_page, name="data-grant"),
    path("opendata/query", datasets.query_page, name="opendata-query"),
    path("opendata/changes.atom", datasets.changes_feed, name="opendata-changes"),
    path("opendata/files/<int:number>.statement.json", datasets.release_statement, name="release-statement"),
    path("opendata/files/<int:number>.scan.json", datasets.scan_statement, name="scan-statement"),
    path("opendata/files/<int:number>.<slug:form>", datasets.released_file, name="released-file"),
    path("opendata/files/<int:number>.schema.json", descriptions.table_schema_file, name="table-schema"),
    path("opendata/catalogue.jsonld", descriptions.catalogue_dcat, name="opendata-catalogue-dcat"),
    path("opendata/corpora", corpora.corpus_list, name="corpora"),
    path("opendata/corpora/<str:name>/card.md", corpora.corpus_card, name="corpus-card"),
    path("opendata/corpora/<str:name>/<int:number>.<slug:form>", corpora.corpus_shard, name="corpus-shard"),
    path("opendata/corpora/<str:name>", corpora.corpus_page, name="corpus"),
    path("opendata/<str:code>/dcat.jsonld", descriptions.entry_dcat, name="opendata-dcat"),
    path("opendata/<str:code>/croissant.json", descriptions.entry_croissant, name="opendata-croissant"),
    path("opendata/<str:code>", opendata.entry_page, name="opendata-entry"),
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
