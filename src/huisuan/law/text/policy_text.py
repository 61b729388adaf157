"""The official text of a policy, one numbered sentence a line, exactly as issued."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from huisuan.law.model.errors import LawError

_CHAPTER = re.compile(r"## (.+)")
_ARTICLE = re.compile(r"### 第(\d+)条 (.+)")
_SENTENCE = re.compile(r"- \[([\w.]+)\] (.+)")
_UNCHECKED = re.compile(r"  - 待核：(.+)")
_DUTY = re.compile(r"  - 责任单位：([^;]+?)(?: ; 配合单位：(.+))?")


#: an article while it is read: number, title, chapter, sentences
ArticleDraft: TypeAlias = tuple[str, str, str, list["Sentence"]]


@dataclass(frozen=True)
class Sentence:
    """One sentence of the law by its number ("2.2"), with the departments that the text names for it.

    `unchecked` says what of it is still to be checked against the issued text; empty where nothing is.
    """

    number: str
    text: str
    responsible: str = ""
    cooperating: str = ""
    unchecked: str = ""

    @property
    def article(self) -> str:
        """The number of its article ("2")."""
        return self.number.split(".")[0]


@dataclass(frozen=True)
class Departments:
    """The departments that the text names, and the sentence that they stand behind."""

    responsible: str = ""
    cooperating: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class ArticleText:
    """One article: its number, title and sentences in their order; the supplementary part is article 0."""

    number: str
    title: str
    chapter: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class PolicyText:
    """The whole text."""

    title: str
    articles: tuple[ArticleText, ...]
    sentences: Mapping[str, Sentence] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_number = {sentence.number: sentence for article in self.articles for sentence in article.sentences}
        object.__setattr__(self, "sentences", by_number)

    def departments_for(self, number: str) -> Departments:
        """Who is responsible for a sentence: named behind it, or behind the next one of its article that has a name."""
        article = next(article for article in self.articles if article.number == self.sentences[number].article)
        at = article.sentences.index(self.sentences[number])
        named = (sentence for sentence in article.sentences[at:] if sentence.responsible)
        found = next(named, None)
        return Departments(found.responsible, found.cooperating, found.number) if found else Departments()

    def check_citation(self, number: str, phrase: str, by: str) -> Sentence:
        """The sentence that `by` cites, if the phrase occurs in it word for word.

        Raises:
            LawError: no such sentence, or the phrase is not in it.
        """
        sentence = self.sentences.get(number)
        if sentence is None:
            raise LawError(f"{by}：引用了不存在的句 {number}", code="law.sentence_unknown")
        if not phrase or phrase not in sentence.text:
            raise LawError(
                f"{by}：引文“{phrase}”不在第 {number} 句中；该句为：{sentence.text}", code="law.phrase_not_in_sentence"
            )
        return sentence


def read_policy_file(path: Path) -> str:
    """A file of a policy.

    Raises:
        LawError: it is not there, cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LawError(f"{path}：读不了（{error.strerror}）；请检查路径与权限", code="law.file_unreadable") from None
    except UnicodeDecodeError:
        raise LawError(f"{path.name}：不是 UTF-8 文本；请另存为 UTF-8", code="law.file_not_utf8") from None


def load_policy_text(path: Path) -> PolicyText:
    """Read `text.md`.

    Raises:
        LawError: a line that is neither heading, sentence, department nor preamble; a number used twice; no file.
    """
    lines = read_policy_file(path).splitlines()
    title, chapter = "", ""
    articles: list[ArticleDraft] = []
    for at, line in enumerate(lines, start=1):
        if found := _SENTENCE.fullmatch(line):
            _add_sentence(articles, chapter, found, f"{path.name} 行 {at}")
        elif (found := _DUTY.fullmatch(line)) and articles:
            sentences = articles[-1][3]
            last = sentences[-1]
            sentences[-1] = replace(last, responsible=found[1], cooperating=found[2] or "")
        elif (found := _UNCHECKED.fullmatch(line)) and articles:
            articles[-1][3][-1] = replace(articles[-1][3][-1], unchecked=found[1])
        elif found := _ARTICLE.fullmatch(line):
            articles.append((found[1], found[2], chapter, []))
        elif found := _CHAPTER.fullmatch(line):
            chapter = found[1]
        elif line.startswith("# ") and not title:
            title = line[2:]
        elif line.strip() and articles:
            raise LawError(f"{path.name} 行 {at}：看不懂“{line}”；应为“- [条.句] 文本”", code="law.text_line_unknown")
    done = tuple(ArticleText(number, name, part, tuple(found)) for number, name, part, found in articles)
    _check_unique(sentence.number for article in done for sentence in article.sentences)
    return PolicyText(title, done)


def _add_sentence(
    articles: list[tuple[str, str, str, list[Sentence]]], chapter: str, found: re.Match[str], at: str
) -> None:
    number = found[1].split(".")[0]
    if not articles or articles[-1][0] != number:
        if number != "0" and not number.isalpha():
            raise LawError(f"{at}：句 {found[1]} 不在第 {number} 条之下", code="law.sentence_misplaced")
        articles.append((number, chapter, chapter, []))
    articles[-1][3].append(Sentence(found[1], found[2]))


def _check_unique(numbers: Iterable[str]) -> None:
    seen: set[str] = set()
    for number in numbers:
        if number in seen:
            raise LawError(f"句 {number} 出现了两次", code="law.sentence_twice")
        seen.add(number)
