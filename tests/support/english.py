"""What of an English page is still Chinese and is nobody's data.

Data may stay Chinese and is recognised narrowly. A name that somebody gave (a party, a person, a file) may stand
anywhere, since it also stands in titles and options, where no element can be marked. Everything else has to stand in
an element marked `lang="zh-hans"`, and there only words of the law or of a text that somebody wrote pass: a sentence
of the platform is not excused by a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser

from huisuan.law.policy.load import list_policies, load_policy

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
#: full-width signs are Chinese too; `＝` and `×` stand in formulas of either language
SIGNS = re.compile(r"[\u3001\u3002\uff08\uff09\uff0c\uff1a\uff1b]")
SPOKEN = ("title", "placeholder", "aria-label", "alt", "label")  # attributes that are read out or shown
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
#: what files and people wrote, as it is: logs, raw lines, scripts, what was typed into a form
VERBATIM = {"pre", "textarea"}


@dataclass
class _Open:
    tag: str
    chinese: bool
    verbatim: bool


@dataclass
class _Reader(HTMLParser):
    """Every text of a page with whether it is marked as Chinese."""

    found: list[tuple[str, bool]] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        above = self.stack[-1] if self.stack else _Open("", False, False)
        chinese = given["lang"].lower().startswith("zh") if "lang" in given else above.chinese
        here = _Open(tag, chinese, above.verbatim or tag in VERBATIM)
        if tag not in VOID:
            self.stack.append(here)
        for name, value in given.items():
            button = name == "value" and tag == "input" and given.get("type") in ("submit", "button")
            if name in SPOKEN or name.startswith("data-") or button:
                self.found.append((value, chinese))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.stack or not self.stack[-1].verbatim:
            self.found.append((data, bool(self.stack) and self.stack[-1].chinese))


@dataclass(frozen=True)
class Data:
    """What may be Chinese: `names` anywhere, `written` in marked elements only."""

    names: tuple[str, ...]
    written: str

    @classmethod
    def of(cls, names: Iterable[str], written: Iterable[str] = ()) -> Data:
        """Names that people gave, and texts that people wrote; the law's words come by themselves."""
        longest_first = sorted({each for each in names if HAN.search(each)}, key=len, reverse=True)
        return cls(tuple(longest_first), "\n".join(("中文", *law_words(), *longest_first, *written)))

    def leftovers(self, text: str, chinese: bool) -> str:
        """The text, if something in it is neither English nor data; else nothing."""
        bare = text
        for name in self.names:
            bare = bare.replace(name, " ")
        if chinese:
            strangers = [run for run in HAN.findall(bare) if run not in self.written]
        else:
            strangers = HAN.findall(bare) + SIGNS.findall(bare)
        return " ".join(text.split()) if strangers else ""


@cache
def law_words() -> tuple[str, ...]:
    """Everything that the policies quote: their text, who issued them and decides, what proves a fact."""
    found: list[str] = []
    for name in list_policies():
        policy = load_policy(name)
        found += [policy.title, policy.issuer, policy.note or ""]
        for article in policy.text.articles:
            found += [article.title, article.chapter or "", f"第{article.number}条"]
        for sentence in policy.text.sentences.values():
            found += [sentence.text, sentence.responsible or "", sentence.cooperating or ""]
        found += [spec.title for spec in policy.registers]
        found += [spec.zh for spec in (policy.setting_specs() | policy.interpretation_specs()).values()]
        for rule in policy.rules:
            found += [spec.evidence for spec in rule.facts]
        for path in sorted((policy.folder / "settings").glob("*.toml")):
            found.append(path.read_text("utf-8"))
    return tuple(found)


def leftovers(page: str, data: Data) -> Iterator[str]:
    """The texts of a page that should have been English."""
    reader = _Reader()
    reader.feed(page)
    for text, chinese in reader.found:
        if found := data.leftovers(text, chinese):
            yield ("(marked) " if chinese else "") + found[:300]


@dataclass
class Form:
    """A form that posts: where to, and its fields with what stands in them."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)

    def fillings(self) -> Iterator[tuple[str, dict[str, str]]]:
        """The form sent empty, with rubbish in every field, and as it stands."""
        yield "empty", dict.fromkeys(self.fields, "")
        yield "rubbish", dict.fromkeys(self.fields, "??")
        yield "as it stands", self.fields


class _Forms(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.found, self.here = address, list[Form](), Form("")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.here = Form(given.get("action") or self.address)
            if given.get("method") == "post":
                self.found.append(self.here)
        if tag in ("input", "select", "textarea", "button") and given.get("name"):
            if given.get("type") in ("radio", "checkbox") and "checked" not in given:
                self.here.fields.setdefault(given["name"], "")
            elif given.get("type") != "file":
                self.here.fields[given["name"]] = given.get("value", "")
        if given.get("hx-post") and tag != "button":
            self.found.append(Form(given["hx-post"]))
        if given.get("formaction"):
            self.found.append(Form(given["formaction"]))


def forms(page: str, address: str) -> list[Form]:
    """The forms of a page that post; without an action of their own they post to the page."""
    reader = _Forms(address)
    reader.feed(page)
    return reader.found
