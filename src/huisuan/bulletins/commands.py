"""`huisuan bulletin`: bulletins; the commands of its rooms."""

from __future__ import annotations

import typer

from huisuan.bulletins.appeals.commands import answer_one, appeal, appeal_term, delegate, list_appeals
from huisuan.bulletins.desk.commands import correct, draft, issue, list_all, review
from huisuan.bulletins.docx_templates.commands import template
from huisuan.bulletins.issuing.commands import make, snapshot, verify_folder
from huisuan.bulletins.suppression.commands import attack

app = typer.Typer()
app.command("list")(list_all)
app.command("draft")(draft)
app.command("review")(review)
app.command("issue")(issue)
app.command("correct")(correct)
app.command("appeal")(appeal)
app.command("appeals")(list_appeals)
app.command("answer")(answer_one)
app.command("appeal-term")(appeal_term)
app.command("delegate")(delegate)
app.command("snapshot")(snapshot)
app.command("make")(make)
app.command("verify")(verify_folder)
app.command("attack")(attack)
app.add_typer(template, name="template", help="通报的 DOCX 模板：上传、列出")
