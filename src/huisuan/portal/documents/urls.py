"""The addresses of the pages about documents."""

from __future__ import annotations

from django.urls import URLPattern, path

from huisuan.portal.documents import papers
from huisuan.portal.documents import templates as document_templates
from huisuan.portal.documents import views as documents

DOCUMENT_PAGES: list[URLPattern] = [
    path("documents/", documents.documents_page, name="documents"),
    path("documents/check", documents.check_page, name="check-document"),
    path("documents/issue", papers.issue_page, name="issue-document"),
    path("documents/templates", document_templates.templates_page, name="document-templates"),
    path("documents/templates/<int:number>", document_templates.template_file, name="template-file"),
    path("documents/templates/<int:number>/sample", document_templates.template_sample, name="template-sample"),
    path("documents/<str:code>/docx", documents.document_docx, name="document-docx"),
    path("documents/<str:code>", documents.document_page, name="document"),
    path("documents/<str:code>/pdf", documents.document_pdf, name="document-pdf"),
]
