"""What a corpus is made of: pages of released documents with where they are from, and by which rules they are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.opendata.corpora.near_duplicates import SHORTEST_COMPARED
from huisuan.opendata.corpora.text_cleaning import clean_text, compared_text, han_share

STEPS = "1"  #: the version of the steps: what they make of the same pages changes with it alone
NAME_PATTERN = r"^[a-z][a-z0-9-]{1,39}$"
LONGEST_PAGE = 1_000_000  # characters
MOST_SHARDS = 256
#: why a page is left out, in the order in which it is asked
LEFT_OUT_WORDS = {
    "empty": "没有文字", "short": "太短", "long": "太长", "language": "中文太少", "same": "与另一页相同",
    "alike": "与另一页近似",
}  # fmt: skip
_LEAST_HAN = 0.5


@dataclass(frozen=True)
class SourcePage:
    """A page as it was released: `page` from 1; of a table of texts its row. `sha256` is the released file's."""

    entry: str
    version: int
    release: int
    sha256: str
    licence: str
    page: int
    text: str


@dataclass(frozen=True)
class CleanPage:
    """A page after the first steps: `ordinal` is its place; `left_out` a reason or ""; equal `same` say the same."""

    ordinal: int
    source: SourcePage
    left_out: str
    same: str
    compared: int  # characters that are compared


@dataclass(frozen=True)
class CorpusRules:
    """By which rules pages are kept: lengths in characters; `similarity` in hundredths of Jaccard's measure."""

    language: str = "zh"
    shortest: int = 20
    longest: int = 200_000
    similarity: int = 80
    shards: int = 4

    def __post_init__(self) -> None:
        """Raises InvalidRequest for a rule that is out of its bounds."""
        if self.language not in ("zh", "any"):
            raise InvalidRequest(f"语言 {self.language}：只有 zh（以中文为主）和 any（不限）", code="corpus.language")
        if not 1 <= self.shortest <= self.longest <= LONGEST_PAGE:
            raise InvalidRequest(
                f"长度 {self.shortest} 至 {self.longest}：须从 1 到 {LONGEST_PAGE} 字，最短不大于最长",
                code="corpus.lengths",
            )
        if not 50 <= self.similarity <= 100:
            raise InvalidRequest(f"相似度 {self.similarity}：须为 50 至 100（百分之）", code="corpus.similarity")
        if not 1 <= self.shards <= MOST_SHARDS:
            raise InvalidRequest(f"分片数 {self.shards}：须为 1 至 {MOST_SHARDS}", code="corpus.shards")


def check_name(name: str) -> str:
    """The name of a corpus, as it stands in addresses.

    Raises:
        InvalidRequest: it is none.
    """
    if not re.match(NAME_PATTERN, name):
        raise InvalidRequest(f"语料名 {name}：须为 2 至 40 个小写字母、数字、连字符，字母开头", code="corpus.name")
    return name


def clean_page(ordinal: int, page: SourcePage, rules: CorpusRules) -> tuple[CleanPage, str]:
    """The first steps on a page: its text cleaned, and why it is left out, if it is; with what is compared of it."""
    text = clean_text(page.text)
    compared = compared_text(text)
    left_out = _why_left_out(text, compared, rules)
    source = SourcePage(page.entry, page.version, page.release, page.sha256, page.licence, page.page, text)
    return CleanPage(ordinal, source, left_out, text_sha256(compared), len(compared)), compared


def is_compared(page: CleanPage) -> bool:
    """Whether it is long enough to be compared with others: of shorter ones only equal ones are one."""
    return page.compared >= SHORTEST_COMPARED


def shard_of(sha256: str, shards: int) -> int:
    """The shard of a released file, from 1: always the same, so that a source taken back touches its own shard."""
    return int(sha256[:12], 16) % shards + 1


def _why_left_out(text: str, compared: str, rules: CorpusRules) -> str:
    if not compared:
        return "empty"
    if len(text) < rules.shortest:
        return "short"
    if len(text) > rules.longest:
        return "long"
    if rules.language == "zh" and han_share(text) < _LEAST_HAN:
        return "language"
    return ""
