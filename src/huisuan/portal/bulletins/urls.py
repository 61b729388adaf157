"""The addresses of the pages about bulletins."""

from __future__ import annotations

from django.urls import URLPattern, path

from huisuan.portal.bulletins import appeals, archive, desk, scores, templates

BULLETIN_PAGES: list[URLPattern] = [
    path("bulletins/", archive.archive_page, name="bulletins"),
    path("bulletins/scores", scores.scores_page, name="openness-scores"),
    path("bulletins/desk", desk.desk_page, name="bulletin-desk"),
    path("bulletins/desk/<int:number>", desk.draft_page, name="bulletin-draft"),
    path("bulletins/templates", templates.bulletin_templates_page, name="bulletin-templates"),
    path(
        "bulletins/templates/<int:number>/<str:what>", templates.bulletin_template_file, name="bulletin-template-file"
    ),
    path("bulletins/appeals", appeals.appeals_page, name="bulletin-appeals"),
    path("bulletins/appeals/<int:number>", appeals.appeal_page, name="bulletin-appeal"),
    path("bulletins/<int:number>/appeal", appeals.make_appeal_page, name="appeal-bulletin"),
    path("bulletins/<int:number>", archive.bulletin_page, name="bulletin"),
    path("bulletins/<int:number>/<str:name>", archive.bulletin_file, name="bulletin-file"),
]
