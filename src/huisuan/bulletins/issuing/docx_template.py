"""The DOCX of a bulletin from an office's own template: merge fields alone, as templates of documents have them."""

from __future__ import annotations

from collections.abc import Mapping

from huisuan.documents.docx import merge_values, read_template_fields
from huisuan.documents.letters import Letter

#: fields of every bulletin, by the name that a template writes; annexes besides, as in documents
BULLETIN_FIELDS = ("标题", "文号", "发文机关", "日期", "正文", "总体情况", "主要问题", "工作要求", "附注")
#: without these nobody can tell which bulletin it is and from which snapshot it follows
NEEDED_BULLETIN_FIELDS = ("文号", "附注")
_SECTIONS = {"一、总体情况": "总体情况", "二、主要问题": "主要问题", "三、下一步工作要求": "工作要求"}


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
