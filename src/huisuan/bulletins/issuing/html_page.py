"""A letter as one HTML file: nothing loaded from elsewhere, readable at 390 px, printed on A4, the scores as bars."""

from __future__ import annotations

from html import escape

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
svg{display:block;width:100%;height:auto}@media print{body{background:none;max-width:none}section{break-before:page}}
"""
_BAR, _NAME, _ROW, _MOST_BARS = 300, 130, 20, 20


def write_html(letter: Letter, office: str, number: str, day: str) -> bytes:
    """The page. The same letter is the same bytes; whatever a name holds is text."""
    head = f'<header><p class="office">{escape(office)}</p><p>{escape(number)}</p></header>'
    body = "".join(
        f"<h2>{escape(part.text)}</h2>" if part.kind != "text" else f"<p>{escape(part.text)}</p>"
        for part in letter.body
    )
    sign = f'<p class="sign">{escape(office)}<br>{escape(day)}</p>'
    note = f'<p class="note">（{escape(letter.note)}）</p>' if letter.note else ""
    chart = _bars(letter.annexes[0]) if letter.annexes else ""
    annexes = "".join(_annex(at, annex) for at, annex in enumerate(letter.annexes, start=1))
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(letter.title)}</title><style>{_STYLE}</style></head><body>{head}"
        f"<h1>{escape(letter.title)}</h1>{chart}{body}{sign}{note}{annexes}</body></html>\n"
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


def _bars(annex: Annex) -> str:
    """The scores of the first annex (its second and third column) as bars, each with its figure."""
    rows = [(row[1], int(row[2])) for row in annex.rows[:_MOST_BARS] if row[2].isdecimal()]
    most = max([1, *(score for _, score in rows)])
    bars = "".join(
        f'<text x="{_NAME - 6}" y="{at * _ROW + 14}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{_NAME}" y="{at * _ROW + 3}" width="{score * _BAR // most}" height="14" fill="#1f6f63"/>'
        f'<text x="{_NAME + score * _BAR // most + 6}" y="{at * _ROW + 14}">{score}</text>'
        for at, (name, score) in enumerate(rows)
    )
    return (
        f'<svg role="img" aria-label="{escape(annex.title)}" viewBox="0 0 {_NAME + _BAR + 50} {len(rows) * _ROW + 4}" '
        f'font-size="12">{bars}</svg>'
        if rows
        else ""
    )
