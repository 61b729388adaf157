"""An answer as HTML: a self-contained fragment, the law's sentences with the quoted phrases marked."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from huisuan.law.model.answers import STATUS_ZH, Answer
from huisuan.law.model.values import format_fen
from huisuan.law.text.policy_text import PolicyText


def mark_phrases(text: str, phrases: Iterable[str]) -> str:
    """A sentence as HTML with every quoted phrase in <mark>; phrases may overlap."""
    covered = bytearray(len(text))
    for phrase in phrases:
        at = text.find(phrase) if phrase else -1
        while at >= 0:
            covered[at : at + len(phrase)] = b"\x01" * len(phrase)
            at = text.find(phrase, at + 1)
    parts: list[str] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or covered[end] != covered[start]:
            piece = escape(text[start:end])
            parts.append(f"<mark>{piece}</mark>" if covered[start] else piece)
            start = end
    return "".join(parts)


def cited_sentences(answer: Answer, text: PolicyText) -> list[tuple[str, str]]:
    """(number, HTML) of every sentence that the answer cites, in the order of the text, phrases marked."""
    phrases: dict[str, list[str]] = {answer.sentence: []}
    grounds = [(step.sentence, step.phrase) for step in answer.steps]
    grounds += [(reason.sentence, reason.phrase) for reason in answer.reasons]
    grounds += [(used.sentence, used.phrase) for used in (*answer.settings, *answer.interpretations)]
    for sentence, phrase in grounds:
        if sentence:
            phrases.setdefault(sentence, []).append(phrase)
    cited = [sentence for sentence in text.sentences.values() if sentence.number in phrases]
    return [(sentence.number, mark_phrases(sentence.text, phrases[sentence.number])) for sentence in cited]


def answer_html(answer: Answer, text: PolicyText) -> str:
    """The whole answer as an <article> element."""
    amount = "—" if answer.amount_fen is None else f"{format_fen(answer.amount_fen)} 元"
    law = "".join(f"<p><b>{number}</b> {html}</p>" for number, html in cited_sentences(answer, text))
    steps = "".join(
        f"<li>{step.mark} {escape(step.text)} <cite>{escape(step.sentence)}“{escape(step.phrase)}”</cite></li>"
        for step in answer.steps
    )
    reasons = "".join(f"<li>{escape(reason.text)}</li>" for reason in answer.reasons)
    reasons += "".join(f"<li>最近的符合条件的情形：{escape(change.text)}</li>" for change in answer.nearest)
    reasons += f"<li>可享：{escape(answer.grants)}</li>" if answer.grants else ""
    used = "".join(
        f"<li>{escape(spec.question or spec.label)}：{escape(spec.shown)}"
        f"（{escape(spec.authority)}，{spec.valid_from}）</li>"
        for spec in (*answer.settings, *answer.interpretations)
    )
    return (
        f'<article class="answer" data-status="{answer.status.value}">'
        f"<h2>{escape(answer.sentence)} {escape(answer.title)}</h2>"
        f"<p><strong>{STATUS_ZH[answer.status]}</strong> {amount}</p>"
        f"<section>{law}</section><ol>{steps}</ol><ul>{reasons}</ul><ul>{used}</ul></article>\n"
    )
