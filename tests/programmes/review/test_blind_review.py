"""What an expert may read where the review is blind: nothing names the applicant, wherever its name was written."""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterator

import pikepdf
import pytest
from typer.testing import CliRunner

from huisuan.base.errors import NotAllowed, NotFound
from huisuan.parties.models import Party, Person, Succession
from huisuan.parties.viewer import Viewer
from huisuan.programmes.applications.evidence_store import evidence_store
from huisuan.programmes.models import Application, ApplicationSubmission
from huisuan.programmes.review_desk.commands import app
from huisuan.programmes.review_desk.queries import own_sheet, seats_of
from huisuan.programmes.scoring.identity import MASK, bears_a_name, identity_names, mask_names
from huisuan.programmes.scoring.material import review_file, review_material
from huisuan.programmes.scoring.seats import open_seat
from support.evidence import png
from support.jobs import party
from support.programmes import applicant, person
from support.reviews import REVIEWED, challenge, panels, pool, recommended, seated

pytestmark = pytest.mark.django_db
NAME, OLD_NAME = "安徽灵犀智能科技有限公司", "合肥灵犀软件有限责任公司"
STEM = "灵犀申报书终稿"


@pytest.fixture
def made() -> Application:
    firm, old = party(1), party(8)
    Party.objects.filter(pk=firm.pk).update(name=NAME)
    Party.objects.filter(pk=old.pk).update(name=OLD_NAME)
    Succession.objects.create(
        old=old, new=firm, kind="merged", valid_from="2023-01-01", known_from="2023-01-01", source="登记", by="李处",
        at=REVIEWED,
    )  # fmt: skip
    applicant(1)
    Person.objects.filter(username="firm1").update(name="欧阳灵犀", email="ouyang@lingxi.example")
    pool(9)
    found = recommended(challenge(tasks={"T1": "大模型底座"}), 1, task="T1")
    panels(found)
    return found


def names_in_many_places(made: Application) -> ApplicationSubmission:
    """The next version of what was handed in, with the applicant's names wherever a text can stand."""
    first = made.submissions.get()
    wide = unicodedata.normalize("NFKC", NAME).replace("智", "智 ")
    said = f"由{NAME}（原{OLD_NAME}）欧阳灵犀负责，见{STEM}.pdf，ouyang@lingxi.example，{party(1).uscc.lower()}"
    naming = evidence_store().store(package(f"<w>灵犀</w><w>{NAME[4:]}</w>"))
    file = {"fact": "cost", "filename": f"{STEM}.pdf", "media_type": "application/pdf", "size": 3}
    return ApplicationSubmission.objects.create(
        application=made, version=2, step=made.steps.get(action="check"), draft_version=1,
        facts={**first.facts, "way": said, "topic": wide, "cost": f"{NAME[2:8]}\u200b出资 1000 万"},
        known={"in_plan": {"value": f"{NAME}：是", "source": said, "day": "2024-09-01"}},
        evidence=[
            file | {"sha256": evidence_store().store(b"plain")},
            file | {"filename": "firm1.docx", "sha256": naming},
        ],
        task="T1", named=[{"kind": "contract", "code": f"LX-{NAME}"}], law=first.law, read_on=first.read_on,
        by=first.by, at=REVIEWED, hash="0" * 64,
    )  # fmt: skip


def package(text: str) -> bytes:
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("word/document.xml", f"<doc>{NAME[:6]}<b/>{text}</doc>")
        made.writestr("word/other.xml", f"<a>{NAME[:4]}</a><b>{NAME[4:]}</b>")
    return place.getvalue()


def texts(value: object) -> Iterator[str]:
    """Every text in a value as JSON holds it, keys too."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from (*texts(key), *texts(each))
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def test_nothing_that_an_expert_reads_names_the_applicant(made: Application) -> None:
    names_in_many_places(made)
    expert = seated(made)[0]
    seat = open_seat(made.number, expert, REVIEWED)
    shown = [review_material(seat), own_sheet(seat), seats_of(Viewer.for_person(expert))]
    printed = CliRunner().invoke(app, ["sheet", made.number, "--by", expert.username, "--json"])
    assert printed.exit_code == 0, printed.exception
    shown.append(json.loads(printed.stdout))
    wanted = (
        NAME, OLD_NAME, "灵犀智能科技", "灵犀软件", "欧阳灵犀", "firm1", "ouyang@lingxi.example", party(1).uscc,
        party(8).uscc, STEM,
    )  # fmt: skip
    for text in texts(shown):
        plain = re.sub(r"[\s\u200b]", "", unicodedata.normalize("NFKC", text)).casefold()
        for name in wanted:
            assert name.casefold() not in plain, text
    facts = {fact["name"]: fact["text"] for fact in review_material(seat)["facts"]}
    assert facts["way"].startswith(f"由{MASK}(原{MASK}){MASK}负责")
    assert facts["city"] == "合肥市"
    assert [file["name"] for file in review_material(seat)["files"]] == ["材料 1", "材料 2"]


def test_a_file_that_says_who_applies_is_not_handed_to_an_expert(made: Application) -> None:
    names_in_many_places(made)
    seat = open_seat(made.number, seated(made)[0], REVIEWED)
    assert review_file(seat, 1) == ("材料 1", "application/pdf", b"plain")
    with pytest.raises(NotAllowed, match="材料 2 写有申报单位"):
        review_file(seat, 2)
    with pytest.raises(NotFound, match="没有第 3 份"):
        review_file(seat, 3)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_name_is_found_in_a_file_whatever_its_encoding(encoding: str) -> None:
    assert bears_a_name(f"单位：{NAME}".encode(encoding), [NAME])
    assert not bears_a_name("单位：某公司".encode(encoding), [NAME])


def pdf(text: str) -> bytes:
    """A PDF of one page that says it, its streams compressed: no search of the bytes finds anything."""
    out, book = io.BytesIO(), pikepdf.new()
    page = book.add_blank_page()
    page.Resources = pikepdf.Dictionary(
        Font=pikepdf.Dictionary(
            F=pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        )
    )
    page.Contents = book.make_stream(f"BT /F 12 Tf 9 9 Td ({text}) Tj ET".encode())
    book.save(out, compress_streams=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def docx(text: str, *parts: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as made:
        for name, content in (*parts, ("word/document.xml", text.encode())):
            made.writestr(name, content)
    return out.getvalue()


def test_a_name_is_found_however_it_is_spelled_or_packed() -> None:
    references = "".join(f"&#{ord(sign)};" for sign in NAME)
    for content in (
        pdf("by Lingxi AI Ltd"), docx(f"<w>{references}</w>"), docx(f"<w>{NAME[:4]}<![CDATA[{NAME[4:]}]]></w>"),
        docx("<w>ＬＩＮＧＸＩ　ＡＩ　Ｌｔｄ</w>"), docx(f'<w a="{references}"/>'),
        f"{NAME[:4]}\u200b {NAME[4:]}".encode(),
    ):  # fmt: skip
        assert bears_a_name(content, [NAME, "Lingxi AI Ltd"])
    for content in (pdf("by somebody"), docx("<w>某公司</w>"), docx("<w/>", ("word/media/a.png", png()))):
        assert not bears_a_name(content, [NAME, "Lingxi AI Ltd"])


def test_what_cannot_be_read_to_its_end_counts_as_bearing_a_name() -> None:
    for content in (
        pdf(""), png(), pdf("by somebody")[:-400], docx("<w>"), docx("<w/>", packing=zipfile.ZIP_BZIP2),
        docx("<w/>", ("word/first.bin", bytes(65 << 20))), docx("<w/>")[:-30],
    ):  # fmt: skip
        assert bears_a_name(content, [NAME])


def test_short_words_of_the_language_are_no_names() -> None:
    assert mask_names({"智能": ["智能科技"]}, ["安徽灵犀"]) == {"智能": ["智能科技"]}
    assert mask_names("安 徽\n灵犀的", ["安徽灵犀"]) == f"{MASK}的"


def test_who_merely_handled_the_application_is_no_name_of_the_applicant(made: Application) -> None:
    names = identity_names(made)
    assert person("checker").username not in names
    assert "灵犀智能科技" in names
