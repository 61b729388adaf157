"""The DOCX of a bulletin from an office's own template: merge fields alone, as templates of documents have them."""

from __future__ import annotations

from collections.abc import Mapping

from huisuan.documents.docx import merge_values, read_template_fields
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part

#: fields of every bulletin, by the name that a template writes; annexes besides, as in documents
BULLETIN_FIELDS = ("标题", "文号", "发文机关", "日期", "正文", "总体情况", "主要问题", "工作要求", "附注")
#: without these nobody can tell which bulletin it is and from which snapshot it follows
NEEDED_BULLETIN_FIELDS = ("文号", "附注")
_SECTIONS = {"一、总体情况": "总体情况", "二、主要问题": "主要问题", "三、下一步工作要求": "工作要求"}
_SAMPLE = Letter(
    "关于某期情况的通报",
    (
        Part("一、总体情况", "heading"), Part("总体情况。"), Part("二、主要问题", "heading"), Part("主要问题。"),
        Part("三、下一步工作要求", "heading"), Part("工作要求。"),
    ),
    note="快照", annexes=tuple(
        Annex(f"清单{at}", (AnnexColumn("项"),) * 6, (("甲",) * 6, ("乙",) * 6)) for at in range(1, 4)
    ),
)  # fmt: skip


def read_bulletin_fields(template: bytes) -> tuple[str, ...]:
    """The merge fields of a template of bulletins.

    Raises:
        InvalidRequest: as `read_template_fields`: it is no DOCX, does more than fill in, or has fields nobody knows.
        Unavailable: the library that fills in is not there.
    """
    return read_template_fields(template, BULLETIN_FIELDS, NEEDED_BULLETIN_FIELDS)


def merge_bulletin(template: bytes, letter: Letter, office: str, number: str, day: str) -> bytes:
    """The DOCX. The same template and letter are the same bytes.

    Raises:
        InvalidRequest, Unavailable: as `read_bulletin_fields`; or the template takes no such letter.
    """
    read_bulletin_fields(template)
    body = "\n".join(part.text if part.kind != "text" else f"　　{part.text}" for part in letter.body)
    values = {
        "标题": letter.title, "文号": number, "发文机关": office, "日期": day, "正文": body, **_sections(letter),
        "附注": f"（{letter.note}）" if letter.note else "",
    }  # fmt: skip
    return merge_values(template, values, letter.annexes)


def _sections(letter: Letter) -> Mapping[str, str]:
    """What stands under each heading."""
    found: dict[str, list[str]] = {name: [] for name in _SECTIONS.values()}
    at = ""
    for part in letter.body:
        if part.kind == "heading":
            at = _SECTIONS.get(part.text, "")
        elif at:
            found[at].append(f"　　{part.text}")
    return {name: "\n".join(texts) for name, texts in found.items()}


def merge_bulletin_sample(template: bytes) -> bytes:
    """A template filled in with a bulletin that nobody issued: to look at it.

    Raises:
        InvalidRequest, Unavailable: as `merge_bulletin`.
    """
    return merge_bulletin(template, _SAMPLE, "某某局", "某〔2000〕1号", "2000年1月1日")
