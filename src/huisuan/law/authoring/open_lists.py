"""Lists that a text ends with 等 ("and the like"): closed, or open to what somebody finds to be alike.

    others = open_list("2.2.others", "“企业、高校院所等”是否限于所列", "...", sentence="2.2", phrase="企业、高校院所等", finder="省专班", ...)
    ...
    others.covers(use.kind.among("enterprise", "university"), use.alike).required("2.2", "企业、高校院所等", ...)

Which of the two holds is adopted with authority like every interpretation; whether something is alike is a fact, asked
for only where the list is open and does not name it.
"""  # noqa: E501

from __future__ import annotations

from huisuan.law.authoring.declarations import Interpretation, boolean
from huisuan.law.authoring.operators import Bool, any_of
from huisuan.law.model.expressions import OPEN_LIST, InterpretationSpec


class OpenList(Interpretation):
    """The question whether a list that ends with 等 is closed."""

    def covers(self, listed: Bool, alike: Bool) -> Bool:
        """What the list names; where it is open, also what was found to be alike."""
        return self.choose(closed=listed, open=any_of(listed, alike))


def open_list(name: str, zh: str, en: str, *, sentence: str, phrase: str, finder: str, finder_en: str) -> OpenList:
    """Declare the question; `finder` is who may find, where the list is open, that something is alike."""
    zh_words = {"closed": "以所列为限", "open": f"所列之外，经{finder}认定的同类也算"}
    en_words = {"closed": "only what is named", "open": f"also what {finder_en} finds to be alike"}
    assert tuple(zh_words) == OPEN_LIST
    return OpenList(InterpretationSpec(name, sentence, phrase, zh, en, zh_words, en_words))


def found_alike(asked_by: str, finder: str, finder_en: str) -> Bool:
    """The fact that something which the list does not name was found to be alike."""
    return boolean(
        f"经{finder}认定属于同类",
        f"Found to be alike by {finder_en}",
        asked_by=asked_by,
        evidence=f"{finder}的认定文件",
    )
