"""The addresses of the pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from huisuan.portal.centre import views as centre
from huisuan.portal.home import home
from huisuan.portal.oversight import views as oversight
from huisuan.portal.public import engine, policies, signing
from huisuan.portal.user import bills, entitlements, jobs, usage

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("language", signing.language, name="language"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/<str:uid>", jobs.job_page, name="job"),
    path("jobs/<str:uid>/cancel", jobs.cancel, name="cancel-job"),
    path("usage/", usage.record_list, name="usage"),
    path("usage/<slug:code>/<int:sequence>", usage.record_page, name="record"),
    path("usage/<slug:code>/<int:sequence>/raw", usage.raw_line, name="raw-line"),
    path("bills/", bills.bill_list, name="bills"),
    path("bills/<int:number>", bills.bill_page, name="bill"),
    path("bills/<int:number>/lines", entitlements.bill_branch, name="bill-branch"),
    path("bills/<int:number>/lines/<int:line>", entitlements.line_branch, name="line-branch"),
    path("entitlements/", entitlements.entitlement_list, name="entitlements"),
    path("entitlements/<int:number>", entitlements.entitlement_page, name="entitlement"),
    path("centres/", centre.centre_list, name="centres"),
    path("centres/<slug:code>", centre.centre_page, name="centre"),
    path("runs/", oversight.run_list, name="runs"),
    path("runs/<int:number>", oversight.run_page, name="run"),
    path("charts/vega.js", engine.chart_engine, name="chart-engine"),
    path("policies/", policies.policies, name="policies"),
    path("policies/<str:name>", policies.policy_page, name="policy"),
]
