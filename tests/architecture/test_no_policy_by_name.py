"""No module outside a policy's folder knows the policy, a sentence of it or one of its facts by name.

A rule is found by what its facts declare (`compute/fact_sources`). What the text of a policy says is read from the
policy, or it is wrong on the day on which the text changes. Docstrings and comments may name examples.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from huisuan.compute.fact_sources.registry import MEASURES
from huisuan.law.policy import Policy, list_policies, load_policy
from support.source_tree import ROOT

#: the demo tells a story about the shipped policies, as a document does
DEMO = "cli/demo/"
#: (file, name) -> why it may stand there
ALLOWED: dict[tuple[str, str], str] = {
    (
        "parties/queries.py",
        "in_anhui",
    ): "a column of the register: whether a region lies in the province of the platform",
    ("law/policy/scaffold/example.py", "第 1.1 句"): "of the example policy that `policy new` writes",
    ("settlement/statements/focus_csv.py", "1.2"): "the version of FOCUS",
}
#: a help text may give an example: "如 anhui-agi-2023"
EXAMPLE = re.compile(r"如 [\w./-]+")


def policies() -> list[Policy]:
    return [load_policy(name) for name in list_policies()]


def sentences() -> set[str]:
    """Every rule key, setting and open question that a policy declares, and every sentence."""
    found: set[str] = set()
    for policy in policies():
        found |= set(policy.text.sentences) | {rule.key for rule in policy.rules}
        found |= set(policy.setting_specs()) | set(policy.interpretation_specs())
    return found


def facts() -> set[str]:
    """The names of facts that are no plain word: a city or a size is much else besides."""
    names = {spec.name for policy in policies() for rule in policy.rules for spec in rule.facts}
    return {name for name in names if "_" in name} - {word for measure in MEASURES for word in measure}


@cache
def strings(path: Path) -> tuple[tuple[int, str], ...]:
    """The string literals of a module with their lines, without docstrings and examples; of a template its text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return tuple((line, EXAMPLE.sub("", each)) for line, each in enumerate(text.splitlines(), 1))
    every = list(ast.walk(ast.parse(text)))
    plain = {id(node.value) for node in every if isinstance(node, ast.Expr)}
    return tuple(
        (node.lineno, EXAMPLE.sub("", node.value))
        for node in every
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in plain
    )


def files() -> list[Path]:
    return [
        path
        for suffix in ("py", "html", "js", "toml", "txt")
        for path in sorted(ROOT.rglob(f"*.{suffix}"))
        if not path.relative_to(ROOT).as_posix().startswith((DEMO, "policies/")) and "migrations" not in path.parts
    ]


def found(pattern: re.Pattern[str], *suffixes: str) -> list[str]:
    return [
        f"{place}:{line}: {match[0]}"
        for path in files()
        if path.suffix in (suffixes or (path.suffix,))
        for place in (path.relative_to(ROOT).as_posix(),)
        for line, text in strings(path)
        for match in pattern.finditer(text)
        if (place, match[0]) not in ALLOWED
    ]


def one_of(names: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


def test_no_sentence_is_known_by_its_number() -> None:
    numbers = one_of(sentences())
    assert found(re.compile(rf"^(?:{numbers})$"), ".py") == [], "a string that is a sentence, a rule or a setting"
    assert found(re.compile(rf"第 ?(?:{numbers}) ?句|#s(?:{numbers})\b")) == [], "a text about a sentence"


def test_no_policy_is_known_by_its_name() -> None:
    assert found(re.compile(one_of(list_policies()))) == []


def test_no_fact_is_known_by_its_name() -> None:
    names = one_of(facts())
    assert found(re.compile(rf"^(?:facts(?:__|\.))?(?:{names})$"), ".py") == []
    assert found(re.compile(rf"\bfacts\.(?:{names})\b")) == []


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("SETTLES = '2.2'\n", test_no_sentence_is_known_by_its_number),
        ("why = f'不是第 2.2 句 {say}'\n", test_no_sentence_is_known_by_its_number),
        ("reach = adopted.get('2.2.affiliated')\n", test_no_sentence_is_known_by_its_number),
        ("name = 'anhui-agi-2023'\n", test_no_policy_is_known_by_its_name),
        ("facts = {'local_spend': 1}\n", test_no_fact_is_known_by_its_name),
    ],
)
def test_the_search_finds_what_it_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, search: Callable[[], None]
) -> None:
    (tmp_path / "settling.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    with pytest.raises(AssertionError, match="settling"):
        search()
