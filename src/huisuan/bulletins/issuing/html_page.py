"""A letter as one HTML file: nothing loaded from elsewhere, readable at 390 px, printed on A4."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from huisuan.bulletins.issuing.pictures import Picture
from huisuan.documents.letters import Annex, Letter

_STYLE = """
body{margin:0 auto;max-width:46rem;padding:1.5rem 1rem;background:#fbfaf7;color:#1d2327;line-height:1.8;
font-family:"Noto Serif SC","Songti SC",SimSun,serif}
header{border-bottom:2px solid #b3261e;text-align:center;padding-bottom:.5rem}
header p{margin:.25rem 0}.office{color:#b3261e;font-size:1.5rem}
h1{font-size:1.3rem;text-align:center}h2{font-size:1.05rem}p{text-indent:2em;margin:.4rem 0}
header p,.sign,.note,caption{text-indent:0}.sign{text-align:right}.note{font-size:.85rem;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.85rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.5rem 0}th,td{border-bottom:1px solid #dcd8cf;padding:.25rem .5rem;
text-align:left}th{border-bottom:1px solid #1d2327}.n{text-align:right;white-space:nowrap}
figure{margin:1.5rem 0}figcaption{font-weight:600;padding:.5rem 0}
svg{display:block;max-width:100%;height:auto}
@media print{body{background:none;max-width:none}section{break-before:page}}
"""


def write_html(letter: Letter, office: str, number: str, day: str, pictures: Sequence[Picture]) -> bytes:
    """The page. The same letter is the same bytes; whatever a name holds is text."""
    head = f'<header><p class="office">{escape(office)}</p><p>{escape(number)}</p></header>'
    body = "".join(
        f"<h2>{escape(part.text)}</h2>" if part.kind != "text" else f"<p>{escape(part.text)}</p>"
        for part in letter.body
    )
    sign = f'<p class="sign">{escape(office)}<br>{escape(day)}</p>'
    note = f'<p class="note">（{escape(letter.note)}）</p>' if letter.note else ""
    drawn = "".join(f"<figure><figcaption>{escape(one.title)}</figcaption>{one.svg}</figure>" for one in pictures)
    annexes = "".join(_annex(at, annex) for at, annex in enumerate(letter.annexes, start=1))
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(letter.title)}</title><style>{_STYLE}</style></head><body>{head}"
        f"<h1>{escape(letter.title)}</h1>{body}{sign}{note}{drawn}{annexes}</body></html>\n"
    ).encode()


def _annex(at: int, annex: Annex) -> str:
    kinds = [' class="n"' if column.number else "" for column in annex.columns]
    titles = "".join(
        f"<th{kind}>{escape(column.title)}</th>" for kind, column in zip(kinds, annex.columns, strict=True)
    )
    rows = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, row, strict=True)) + "</tr>"
        for row in annex.rows
    )
    note = f'<p class="note">{escape(annex.note)}</p>' if annex.note else ""
    return (
        f'<section><div class="wide"><table><caption>附件{at}　{escape(annex.title)}</caption>'
        f"<thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table></div>{note}</section>"
    )
