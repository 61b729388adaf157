"""Small templates as Word writes them: paragraphs with merge fields, and a table whose row repeats."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_SETTINGS_TYPE = f'<Override PartName="/word/settings.xml" ContentType="{_MAIN}.settings+xml"/>'
_TYPES = (
    f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN}.document.main+xml"/>'
    f"{_SETTINGS_TYPE}</Types>"
)
_ROOT = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
)


def field(code: str) -> str:
    """A field as Word writes it: begin, its code split into two runs, separator, what is shown, end."""
    half = len(code) // 2
    runs = "".join(
        f'<w:r><w:instrText xml:space="preserve">{part}</w:instrText></w:r>' for part in (code[:half], code[half:])
    )
    return (
        f'<w:r><w:fldChar w:fldCharType="begin"/></w:r>{runs}<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        '<w:r><w:t>…</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def template(
    *names: str, rows: Sequence[str] = (), more: str = "", link: str = "", doctype: str = "",
    settings: bool = True,
) -> bytes:  # fmt: skip
    """A template with these merge fields; `rows` are those of a table's row, `more` is put into a paragraph.

    Without `settings` it has no such part, as some programs write it.
    """
    paragraphs = "".join(f"<w:p>{field(f' MERGEFIELD {name} ')}</w:p>" for name in names)
    cells = "".join(f"<w:tc><w:p>{field(f' MERGEFIELD {name} ')}</w:p></w:tc>" for name in rows)
    table = f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>" if rows else ""
    body = f"{paragraphs}<w:p>{more}</w:p>{table}<w:sectPr/>"
    document = f'{_HEAD}{doctype}<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>'
    outside = f'<Relationship Id="rId9" Type="{_OFFICE}/attachedTemplate" Target="{link}" TargetMode="External"/>'
    relations = f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{outside if link else ""}</Relationships>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in (
            ("[Content_Types].xml", _TYPES), ("_rels/.rels", _ROOT), ("word/document.xml", document),
            ("word/settings.xml", f'{_HEAD}<w:settings xmlns:w="{_W}"/>'),
            ("word/_rels/document.xml.rels", relations),
        ):  # fmt: skip
            if settings or name != "word/settings.xml":
                package.writestr(name, text if settings else text.replace(_SETTINGS_TYPE, ""))
    return made.getvalue()
