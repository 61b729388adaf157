"""Bulletins by page: drafted, reviewed by another person, issued, corrected; read and checked by everybody."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.base.months import SHANGHAI
from huisuan.bulletins.models import Bulletin, BulletinIssue, BulletinTemplate
from support.bulletins import working_group
from support.command_tree import invoke
from support.docx_templates import template
from support.gate import list_entry

pytestmark = pytest.mark.django_db
TODAY = datetime.now(SHANGHAI).date().isoformat()


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(working_group(name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_from_the_desk_to_the_archive_and_down_to_the_entry_that_fails_a_criterion(tmp_path: Path) -> None:
    entry = list_entry()
    one, other, anybody = signed_in("one"), signed_in("other"), Client()
    assert "还没有签发过" in anybody.get("/bulletins/scores").content.decode()
    words = {"office": "某省数据局", "period": "2026年第三季度", "demands": "请整改。"}
    refused = one.post("/bulletins/desk", {**words, "demands": " "})
    assert (refused.status_code, Bulletin.objects.count()) == (422, 0)
    draft = one.post("/bulletins/desk", words)["Location"]
    number = Bulletin.objects.get().pk
    assert draft == f"/bulletins/desk/{number}"
    assert anybody.get(f"/bulletins/{number}").status_code == 404
    assert anybody.get(draft).status_code == 302
    assert one.post(draft, {"do": "pass"}).status_code == 422
    assert one.post(draft, {"do": "issue", "number": "x", "day": TODAY}).status_code == 422
    assert "一、总体情况" in other.get(draft).content.decode()
    assert other.post(draft, {"do": "pass"}).status_code == 302
    assert one.post(draft, {"do": "issue", "number": "某数通〔2026〕3号", "day": TODAY}).status_code == 302

    assert "某数通〔2026〕3号" in anybody.get("/bulletins/").content.decode()
    out = tmp_path / "out"
    out.mkdir()
    names = ("bulletin.pdf", "bulletin.docx", "bulletin.html", "manifest.json", "snapshot.json", "statement.json")
    for name in names:
        (out / name).write_bytes(anybody.get(f"/bulletins/{number}/{name}").content)
    assert invoke("bulletin", "verify", str(out)).exit_code == 0
    assert anybody.get(f"/bulletins/{number}/before.json").status_code == 404
    page = anybody.get("/bulletins/scores?office=340100").content.decode()
    assert f'href="/opendata/{entry}"' in page

    entry_title = "算错了一项"
    correction = other.post(draft, {"do": "correct", "reason": entry_title})["Location"]
    assert one.post(correction, {"do": "pass"}).status_code == 302
    assert other.post(correction, {"do": "issue", "number": "某数通〔2026〕4号", "day": TODAY}).status_code == 302
    newer = anybody.get(f"/bulletins/{Bulletin.objects.latest('pk').pk}").content.decode()
    assert entry_title in newer
    assert "没有单位的得分、名次或项目不同" in newer
    assert "某数通〔2026〕4号" in anybody.get(f"/bulletins/{number}").content.decode()
    latest = f"/bulletins/{Bulletin.objects.latest('pk').pk}"
    assert f'<option value="{number}" selected' in anybody.get(f"{latest}?with={number}").content.decode()
    assert "with=99" in anybody.get(f"{latest}?with=99").content.decode()  # named as not to be used


def test_an_office_uploads_its_template_and_bulletins_drafted_later_are_made_by_it(tmp_path: Path) -> None:
    """Checked first, refused with what is unknown, kept once; the draft says which version, the folder verifies."""
    list_entry()
    one, other = signed_in("one"), signed_in("other")
    form = template("文号", "附注", "总体情况", rows=("附件1列1", "附件1列2"))

    def upload(content: bytes, **more: str) -> tuple[int, str]:
        words = {"office": "某省数据局", "kind": "openness", "file": SimpleUploadedFile("通报.docx", content), **more}
        answer = one.post("/bulletins/templates", words)
        return answer.status_code, answer.content.decode()

    status, said = upload(template("文号", "附注", "总经理"))
    assert (status, "总经理" in said, BulletinTemplate.objects.count()) == (422, True, 0)
    assert "可以用" in upload(form, check="yes")[1]
    assert (upload(form)[0], BulletinTemplate.objects.get().number) == (302, 1)
    assert upload(form)[0] == 409
    listed = one.get("/bulletins/templates").content.decode()
    kept = BulletinTemplate.objects.get().pk
    assert f"/bulletins/templates/{kept}/sample" in listed
    assert one.get(f"/bulletins/templates/{kept}/template").content == form
    assert one.get(f"/bulletins/templates/{kept}/sample").content[:2] == b"PK"
    assert one.get(f"/bulletins/templates/{kept}/other").status_code == 404

    words = {"office": "某省数据局", "period": "2026年第三季度", "demands": "请整改。"}
    draft = one.post("/bulletins/desk", words)["Location"]
    assert "第 1 版" in one.get(draft).content.decode()
    other.post(draft, {"do": "pass"})
    one.post(draft, {"do": "issue", "number": "某数通〔2026〕5号", "day": TODAY})
    issue = BulletinIssue.objects.get()
    for name in [*issue.files, "statement.json"]:
        (tmp_path / name).write_bytes(Client().get(f"/bulletins/{issue.bulletin_id}/{name}").content)
    assert (tmp_path / "template.docx").read_bytes() == form
    assert invoke("bulletin", "verify", str(tmp_path)).exit_code == 0
    rows = json.loads(invoke("bulletin", "template", "list", "--json").stdout)
    assert [(row["number"], sorted(row["fields"])) for row in rows] == [
        (1, sorted(["文号", "总体情况", "附件1列1", "附件1列2", "附注"]))
    ]
