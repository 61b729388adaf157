"""A procedure as a drawing: states as boxes in the order of the lifecycle, actions as arrows (SVG)."""

from __future__ import annotations

from html import escape

from huisuan.law.procedure.model import ProgrammeSpec, State
from huisuan.law.procedure.words import ACTION_WORDS, STATE_WORDS

_WIDTH, _BOX, _ROW, _TOP = 660, 150, 54, 20  # px
_LEFT = 255  # of the boxes


def draw_programme(spec: ProgrammeSpec, *, english: bool = False) -> str:
    """The drawing, as an SVG element of its own. Arrows forward run on the right, those back on the left."""
    edges = [(source, taken) for taken in spec.steps for source in taken.sources]
    used = {State.DRAFT, *(source for source, _ in edges), *(taken.target for taken in spec.steps)}
    rows = {state: number for number, state in enumerate(state for state in State if state in used)}
    height = _TOP * 2 + _ROW * len(rows)
    parts = [_box(state, row, english) for state, row in rows.items()]
    for number, (source, taken) in enumerate(edges):
        words = ACTION_WORDS[taken.action]
        name = words.en if english else words.zh
        parts.append(_arrow(rows[source], rows[taken.target], number, name, f"end-of-{spec.key}"))
    marker = (
        f'<defs><marker id="end-of-{spec.key}" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="currentColor"/></marker></defs>'
    )
    label = escape(spec.title_en if english else spec.title, quote=True)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}" '
        f'xmlns="http://www.w3.org/2000/svg" font-size="12">{marker}{"".join(parts)}</svg>'
    )


def _box(state: State, row: int, english: bool) -> str:
    top = _TOP + row * _ROW
    name = escape(STATE_WORDS[state].official_en if english else STATE_WORDS[state].official)
    return (
        f'<rect x="{_LEFT}" y="{top}" width="{_BOX}" height="28" rx="4" fill="none" stroke="currentColor"/>'
        f'<text x="{_LEFT + _BOX // 2}" y="{top + 18}" text-anchor="middle" fill="currentColor">{name}</text>'
    )


def _arrow(begins: int, ends: int, number: int, words: str, head: str) -> str:
    forward = ends > begins
    edge = _LEFT + _BOX if forward else _LEFT
    bend = edge + (1 if forward else -1) * (16 + 20 * (abs(ends - begins) % 8))
    first, last = _TOP + begins * _ROW + 14 + number % 5 * 2, _TOP + ends * _ROW + 8 + number % 5 * 2
    anchor = "start" if forward else "end"
    text = (
        f'<text x="{bend}" y="{(first + last) // 2}" text-anchor="{anchor}" fill="currentColor">{escape(words)}</text>'
    )
    path = f"M{edge},{first} C{bend},{first} {bend},{last} {edge},{last}"
    return f'<path d="{path}" fill="none" stroke="currentColor" marker-end="url(#{head})"/>{text}'
