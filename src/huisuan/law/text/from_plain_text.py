"""From a policy as it was issued (plain text) to `text.md`: chapters, articles, one numbered sentence a line.

What it goes by: “一、……” heads a chapter, “第一条 ……” (or, where there is none, “1. ……”) an article, “。” ends a
sentence, “（责任单位：甲；配合单位：乙）” names the departments. A lawyer reads the result against the text before
anything is built on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from huisuan.law.model.errors import LawError
from huisuan.law.model.values import WHITESPACE

_DIGITS = "一二三四五六七八九"
_NUMERAL = re.compile(rf"(?:([{_DIGITS}])?(百))?[零〇]?(?:([{_DIGITS}])?(十))?([{_DIGITS}])?")
_CHAPTER = re.compile(r"[一二三四五六七八九十]+、.+")
_ARTICLES = (
    re.compile(rf"第([0-9]{{1,3}}|[{_DIGITS}十百零〇]+)条[：:、{WHITESPACE}]*(.*)"),
    re.compile(rf"([0-9]{{1,2}})[.．、][{WHITESPACE}]*([^0-9].*)"),
)
_DEPARTMENTS = re.compile(r"[（(]责任单位[：:]([^；;）)]+)(?:[；;]配合单位[：:]([^）)]+))?[）)][。]?")
_SENTENCE = re.compile(r"[^。]+。?")
MAX_ARTICLES = 99  # the files of articles are numbered with two digits
MAX_TITLE = 30  # characters: a longer first sentence says what is decided, and is no heading


@dataclass
class _Article:
    number: int
    title: str
    chapter: str
    lines: list[str] = field(default_factory=list)


def to_markdown(plain: str, title: str = "") -> str:
    """The text of `text.md`; without a title, the first line is the title.

    Raises:
        LawError: no article, an article twice or out of two digits, one without a sentence.
    """
    lines = [line.strip(WHITESPACE + "\ufeff\r") for line in plain.splitlines()]
    lines = [line for line in lines if line]
    heads = next((article for article in _ARTICLES if any(map(article.fullmatch, lines))), _ARTICLES[0])
    preamble: list[str] = []
    articles: list[_Article] = []
    chapter = ""
    for line in lines:
        if found := heads.fullmatch(line):
            articles.append(_Article(_parse_number(found[1]), "", chapter))
            _set_heading(articles[-1], found[2])
        elif _CHAPTER.fullmatch(line) and "。" not in line:
            chapter = line
        elif articles:
            articles[-1].lines += _parse_line(line)
        else:
            preamble.append(line)
    _check(articles)
    heading = title or (preamble.pop(0) if preamble else "")
    if not heading:
        raise LawError("不知道政策的名称；请写 --title，或以名称为原文的第一行", code="law.title_missing")
    return "\n".join(_markdown_lines(heading, preamble, articles)) + "\n"


def _set_heading(article: _Article, rest: str) -> None:
    """The heading is the text before the first full stop if it decides nothing: short, no comma, no figure."""
    first, stop, others = rest.partition("。")
    if len(first) <= MAX_TITLE and not re.search("[，（0-9]|^本", first):
        article.title, rest = first, others if stop else ""
    article.lines += _parse_line(rest)


def _parse_line(line: str) -> list[str]:
    """Sentences, and lines of departments behind them."""
    found: list[str] = []
    at = 0
    for duty in _DEPARTMENTS.finditer(line):
        found += _split_sentences(line[at : duty.start()])
        found.append(f"  - 责任单位：{duty[1]}" + (f" ; 配合单位：{duty[2]}" if duty[2] else ""))
        at = duty.end()
    return found + _split_sentences(line[at:])


def _split_sentences(text: str) -> list[str]:
    pieces = (piece.strip(WHITESPACE) for piece in _SENTENCE.findall(text))
    return [piece for piece in pieces if piece.strip("。")]


def _parse_number(text: str) -> int:
    """12 from 12 or 十二.

    Raises:
        LawError: no number.
    """
    if text.isdigit():
        return int(text)
    found = _NUMERAL.fullmatch(text)
    if not found:
        raise LawError(f"“第{text}条”的条号看不懂；请写第十二条或第 12 条", code="law.article_number")
    hundreds, hundred, tens, ten, ones = found.groups("")
    parts = ((100, hundreds, hundred), (10, tens, ten), (1, ones, ones))
    return sum(unit * (_DIGITS.index(digit) + 1 if digit else 1) for unit, digit, present in parts if present)


def _check(articles: list[_Article]) -> None:
    if not articles:
        raise LawError(
            "原文里没有“第一条”“1.”这样的条；请让每一条另起一行，以“第一条”开头", code="law.articles_missing"
        )
    seen: set[int] = set()
    for article in articles:
        if not 1 <= article.number <= MAX_ARTICLES:
            raise LawError(f"第 {article.number} 条：条号应在 1 与 {MAX_ARTICLES} 之间", code="law.article_number")
        if article.number in seen:
            raise LawError(f"第 {article.number} 条出现了两次", code="law.article_twice")
        if not any(not line.startswith("  - ") for line in article.lines):
            raise LawError(f"第 {article.number} 条没有句子；句子以“。”结束", code="law.article_empty")
        seen.add(article.number)


def _markdown_lines(title: str, preamble: list[str], articles: list[_Article]) -> Iterator[str]:
    yield f"# {title}"
    if preamble:
        yield ""
        yield from (f"- {line}" for line in preamble)
    chapter = ""
    for article in articles:
        if article.chapter != chapter:
            chapter = article.chapter
            yield from ("", f"## {chapter}")
        yield from ("", f"### 第{article.number}条 {article.title or '（原文无标题）'}", "")
        yield from _sentence_lines(article)


def _sentence_lines(article: _Article) -> Iterator[str]:
    at = 0
    for line in article.lines:
        if line.startswith("  - "):
            if at:
                yield line
        else:
            at += 1
            yield f"- [{article.number}.{at}] {line}"
