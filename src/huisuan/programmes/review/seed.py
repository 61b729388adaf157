"""The seed of a draw: made from what nobody could choose alone, so that anyone can make it again. Pure.

It is the SHA-256 of a text: a heading, what is drawn for, which draw of it, the commitment (the SHA-256 of a word that
an office put on record before anything was handed in; `-` where it did not), then a line for every submission that had
come when the call closed: number, version and hash, in the order of number and version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import text_sha256

#: what stands for the draw where the lot among equals is drawn
LOT = "lot"
_HEADING = "huisuan seed 1"
_NONE = "-"
_LONGEST_WORD = 200
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class SeedSource:
    """What a seed is made from. `draw`: which draw of what is drawn for (from 1), or the lot.

    `submissions` are number, version and hash; `commitment` is empty where there is none.
    """

    drawn_for: str
    draw: str
    commitment: str
    submissions: tuple[tuple[str, int, str], ...]

    @property
    def text(self) -> str:
        """Of what the seed is the SHA-256, UTF-8, lines ended by a line feed."""
        lines = [_HEADING, self.drawn_for, self.draw, self.commitment or _NONE]
        lines += [f"{number} {version} {digest}" for number, version, digest in sorted(self.submissions)]
        return "".join(f"{line}\n" for line in lines)

    @property
    def seed(self) -> str:
        """The seed that counts: 64 hexadecimal digits."""
        return text_sha256(self.text)

    def to_dict(self) -> dict[str, Any]:
        """As it is kept among the inputs of a draw."""
        return {
            "drawn_for": self.drawn_for, "draw": self.draw, "commitment": self.commitment,
            "submissions": [list(each) for each in sorted(self.submissions)],
        }  # fmt: skip


def make_source(
    drawn_for: str, draw: int | str, commitment: str, submissions: Iterable[tuple[str, int, str]]
) -> SeedSource:
    """What a seed is made from, as it stands on record now."""
    return SeedSource(drawn_for, str(draw), commitment, tuple(sorted(submissions)))


def read_source(kept: Mapping[str, Any]) -> SeedSource:
    """The source that `to_dict` wrote."""
    rows = ((str(number), int(version), str(digest)) for number, version, digest in kept["submissions"])
    return make_source(kept["drawn_for"], kept["draw"], kept["commitment"], rows)


def word_digest(drawn_for: str, word: str) -> str:
    """The commitment to a word: the SHA-256 of `drawn for|word`.

    Raises:
        InvalidRequest: no word, or one that cannot be written down again.
    """
    check_word(word)
    return text_sha256(f"{drawn_for}|{word}")


def check_word(word: str) -> None:
    """Refuse a word that is none.

    Raises:
        InvalidRequest: empty, too long, or with signs that cannot be seen.
    """
    if not word or len(word) > _LONGEST_WORD or not word.isprintable():
        raise InvalidRequest(f"种子须是 1 至 {_LONGEST_WORD} 个可见字符，在受理开始前承诺", code="experts.seed_missing")


def check_committed(drawn_for: str, word: str, commitment: str) -> None:
    """Refuse a word that is not the one that was committed to; no word, or no commitment, is right.

    Raises:
        InvalidRequest: it is another word.
    """
    if word:
        check_word(word)
    if word and commitment and word_digest(drawn_for, word) != commitment:
        raise InvalidRequest(
            f"{drawn_for}：这不是受理开始前承诺的种子（承诺摘要 {commitment[:12]}…）；忘了可以不写，不影响结果",
            code="experts.seed_not_committed",
        )


def is_digest(text: str) -> bool:
    """Whether it can be a commitment: 64 hexadecimal digits, small letters."""
    return bool(_SHA256.fullmatch(text))
