"""A letter as a DOCX, made from an office's template by the merge fields that Word and WPS write themselves.

A template holds no language that runs: only `MERGEFIELD` is filled in, and only page numbers may stand beside it.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from huisuan.base.errors import InvalidRequest, Unavailable
from huisuan.base.months import SHANGHAI
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.documents.typesetting import Imprint

if TYPE_CHECKING:
    from mailmerge import MailMerge

DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LARGEST_TEMPLATE = 2_000_000
_LARGEST_UNPACKED = 20_000_000
#: fields of every letter, by the name that a template writes
LETTER_FIELDS = ("标题", "文号", "发文机关", "主送", "正文", "附注", "日期", "核验码", "核验地址", "替代")
#: without these nobody can tell whether a sheet of paper is genuine
NEEDED_FIELDS = ("文号", "核验码")
_ANNEX_FIELDS = ("附件1标题", "附件1列1", "附件1列2")  # of the first annex: its title, cells of a row that repeats
_ANNEX_FIELD = re.compile(r"附件([1-9])(标题|列([1-9]|1[0-9]|20))")
_ALLOWED = frozenset({"MERGEFIELD", "PAGE", "NUMPAGES"})
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_WIDEST = 20  # columns of an annex
_SAMPLE = Letter(
    "样张", (Part("一、事实", "heading"), Part("第一行\n第二行")), to="某某公司", note="附注",
    annexes=tuple(
        Annex("清单", (AnnexColumn("项"),) * _WIDEST, (("甲",) * _WIDEST, ("乙",) * _WIDEST)) for _ in range(9)
    ),
)  # fmt: skip
_SAMPLE_IMPRINT = Imprint(
    "某某厅",
    "某〔2000〕1号",
    "0000-0000-0000",
    "https://example.org/",
    datetime(2000, 1, 1, tzinfo=UTC),
    "某〔1999〕1号",
)
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP can say


def read_template_fields(
    content: bytes, known: Sequence[str] = LETTER_FIELDS, needed: Sequence[str] = NEEDED_FIELDS
) -> tuple[str, ...]:
    """The merge fields of a template, by name; `known` are those that its documents have, `needed` those they bear.

    Raises:
        InvalidRequest: it is no DOCX, too large, links to something outside, has a field that does more than fill in,
            a field that no letter has, lacks one that each document must bear, or a letter cannot be merged into it.
    """
    if len(content) > LARGEST_TEMPLATE:
        raise InvalidRequest(f"模板超过 {LARGEST_TEMPLATE // 1_000_000} MB", code="document.template_too_large")
    _check_parts(content)
    with _opened(content) as opened:
        fields = tuple(sorted(opened.get_merge_fields()))
    unknown = [name for name in fields if name not in known and not _ANNEX_FIELD.fullmatch(name)]
    if unknown:
        raise InvalidRequest(
            f"模板里有不认识的域：{'、'.join(unknown)}；可用：{'、'.join((*known, *_ANNEX_FIELDS))}",
            code="document.template_field_unknown",
        )
    if missing := [name for name in needed if name not in fields]:
        raise InvalidRequest(f"模板缺少域：{'、'.join(missing)}", code="document.template_field_missing")
    for letter in (_SAMPLE, replace(_SAMPLE, annexes=())):
        merge_docx(content, letter, _SAMPLE_IMPRINT)
    return fields


def merge_sample(template: bytes) -> bytes:
    """A template filled in with a letter that nobody sent, with one annex of three columns: to look at it.

    Raises:
        InvalidRequest: see `merge_docx`.
    """
    annex = Annex("清单", (AnnexColumn("项"),) * 3, (("甲", "1", "1.00"), ("乙", "2", "2.00")))
    return merge_docx(template, replace(_SAMPLE, annexes=(annex,)), _SAMPLE_IMPRINT)


def merge_docx(template: bytes, letter: Letter, imprint: Imprint) -> bytes:
    """The DOCX of a letter. The same template, letter and imprint are the same bytes.

    Raises:
        InvalidRequest: the template and the letter make no DOCX together.
        Unavailable: it cannot be made here.
    """
    return merge_values(template, _values(letter, imprint), letter.annexes)


def merge_values(template: bytes, values: Mapping[str, str], annexes: Sequence[Annex]) -> bytes:
    """A template filled in with values by field, and with the titles and rows of annexes; the same are the same bytes.

    Raises:
        InvalidRequest: they make no DOCX together.
        Unavailable: it cannot be made here.
    """
    titles = {f"附件{at}标题": annex.title for at, annex in enumerate(annexes, start=1)}
    with _refused("模板套不进公文"), _opened(template) as opened:
        for at, annex in enumerate(annexes, start=1):
            rows = [{f"附件{at}列{column}": text for column, text in enumerate(row, 1)} for row in annex.rows]
            opened.merge_rows(f"附件{at}列1", rows)
        opened.merge(**values, **titles)
        made = io.BytesIO()
        opened.write(made)
        return _without_times(made.getvalue())


def _values(letter: Letter, imprint: Imprint) -> Mapping[str, str]:
    day = imprint.issued_at.astimezone(SHANGHAI)
    body = "\n".join(part.text if part.kind != "text" else f"　　{part.text}" for part in letter.body)
    return {
        "标题": letter.title, "文号": imprint.number, "发文机关": imprint.office,
        "主送": f"{letter.to}：" if letter.to else "", "正文": body, "附注": letter.note,
        "日期": f"{day.year}年{day.month}月{day.day}日", "核验码": imprint.code, "核验地址": imprint.address,
        "替代": f"（替代 {imprint.replaces}）" if imprint.replaces else "",
    }  # fmt: skip


def _opened(content: bytes) -> MailMerge:
    try:
        from mailmerge import MailMerge
    except ImportError:
        raise Unavailable("这台机器没有装 docx-mailmerge2：不能用 DOCX 模板", code="document.no_docx") from None
    with _refused("模板的域读不了"):
        return MailMerge(io.BytesIO(content))


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """What the library raises over a package that lacks a part, or a text that no XML can hold, as a refusal."""
    try:
        yield
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError, NotImplementedError) as error:
        raise InvalidRequest(
            f"{what}（{error}）：请用 Word 或 WPS 重新保存后上传", code="document.template_unreadable"
        ) from None


def _check_parts(content: bytes) -> None:
    """No link to something outside, and no field but those that fill in or count pages."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = list(_unpacked(package))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise InvalidRequest(f"模板不是 DOCX（{error}）", code="document.template_unreadable") from None
    for part in parts:
        for found in _forbidden(part):
            raise InvalidRequest(
                f"模板里有{found}：模板只能填域，不能引用外面的内容或执行什么；请删去后重新上传",
                code="document.template_active",
            )


def _unpacked(package: zipfile.ZipFile) -> Iterator[bytes]:
    """The parts that are XML, of all parts together no more than may be; no size that the package states is believed.

    Raises:
        InvalidRequest: there is more in it.
        BadZipFile: a part is not what the package states.
    """
    left = _LARGEST_UNPACKED
    for one in package.infolist():
        if one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise NotImplementedError(one.filename)  # the others cannot be unpacked bit by bit
        stated, one.file_size = one.file_size, left + 2
        with package.open(one) as stream:
            part = stream.read(left + 1)
        left -= len(part)
        if left < 0:
            raise InvalidRequest(
                f"模板解开后超过 {_LARGEST_UNPACKED // 1_000_000} MB：请删去图片等大的内容后重新上传",
                code="document.template_too_large",
            )
        if len(part) != stated:
            raise zipfile.BadZipFile(one.filename)
        if one.filename.endswith((".xml", ".rels")) or _looks_like_xml(part):
            yield part


def _looks_like_xml(part: bytes) -> bool:
    """Whatever a part is called: the package's list of types may name a file of any ending as one to be read."""
    return part[:64].replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n").startswith(b"<")


def _forbidden(part: bytes) -> Iterator[str]:
    from lxml import etree

    try:
        root = etree.fromstring(part, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError:
        yield "读不了的部件"
        return
    if root.getroottree().docinfo.doctype:
        yield "DTD 或实体"
    for relation in root.iter(_RELATION):
        if str(relation.get("TargetMode", "")).lower() == "external":
            yield f"外部链接 {str(relation.get('Target', ''))[:80]}"
    for code in _field_codes(root.iter(f"{_WORD}fldSimple", f"{_WORD}fldChar", f"{_WORD}instrText")):
        words = code.split()
        if not words or words[0].upper() not in _ALLOWED:
            yield f"域 {code.strip()[:40] or '（空）'}"


def _field_codes(elements: Iterable[object]) -> Iterator[str]:
    """The code of each field, put together from the runs that Word splits it into."""
    opened: list[str] = []
    for element in elements:
        tag, get = element.tag, element.get  # type: ignore[attr-defined]
        if tag == f"{_WORD}fldSimple":
            yield get(f"{_WORD}instr", "")
        elif tag == f"{_WORD}instrText" and opened:
            opened[-1] += element.text or ""  # type: ignore[attr-defined]
        elif get(f"{_WORD}fldCharType") == "begin":
            opened.append("")
        elif get(f"{_WORD}fldCharType") == "end" and opened:
            yield opened.pop()


def _without_times(content: bytes) -> bytes:
    """The same package with no time in it, and unpacked: packed, its bytes would hang on the library that packs."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as read, zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as written:
        for one in read.infolist():
            entry = zipfile.ZipInfo(one.filename, _NO_TIME)
            entry.create_system, entry.external_attr = 0, 0
            written.writestr(entry, read.read(one))
    return made.getvalue()
