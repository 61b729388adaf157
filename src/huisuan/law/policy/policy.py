"""A policy: one folder with its text, its articles, its settings. Nothing outside the folder names it.

Folders are looked for in `HUISUAN_POLICIES` (paths separated like PATH), then among those that the package
brings along. Settings adopted since then lie in folders of their own (see `sources.overlays`).
"""

from __future__ import annotations

import itertools
import os
import tomllib
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from huisuan.law.authoring.article import Loading, loading
from huisuan.law.authoring.article_modules import run_articles
from huisuan.law.model.exact_arithmetic import prove
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.model.rules import Allotment, Rule, RuleKind, Stacking
from huisuan.law.policy.coverage import Said, check_said
from huisuan.law.policy.settings import Adopted, Settings, read_settings, terms_of
from huisuan.law.policy.sources import Source, dated, digest, overlays, read_sources
from huisuan.law.policy.stacking import check_overlaps
from huisuan.law.text.policy_text import ArticleText, LawError, PolicyText, read_file, read_text


@dataclass(frozen=True)
class Policy:
    """A policy as loaded: its text, its rules in the order of the text, its settings, and its digest.

    `digest` is a SHA-256 over every file that decides about answers, settings adopted later included: who shows the
    same digest computed under the same law.
    """

    name: str
    title: str
    title_en: str
    issuer: str
    issued: date
    valid_from: date
    valid_to: date
    note: str
    text: PolicyText
    rules: tuple[Rule, ...]
    settings: Settings
    digest: str
    folder: Path
    allotments: tuple[Allotment, ...] = ()
    stackings: tuple[Stacking, ...] = ()
    said: tuple[Said, ...] = ()
    sources: tuple[Source, ...] = ()

    def rule(self, wanted: str) -> Rule:
        """The rule of that key ("8.2", "6.2.recommendation"), or the one that pays in an article ("8").

        Raises:
            LawError: none, or several (then it names them).
        """
        exact = [rule for rule in self.rules if rule.key == wanted]
        if exact:
            return exact[0]
        within = [rule for rule in self.rules if wanted in (rule.sentence, rule.sentence.split(".")[0])]
        paying = [rule for rule in within if rule.kind is RuleKind.PAYS] or within
        if len(paying) == 1:
            return paying[0]
        if paying:
            raise LawError(f"第 {wanted} 条（句）有多条规则，请指明：{'、'.join(rule.key for rule in paying)}")
        known = "、".join(rule.key for rule in self.rules)
        raise LawError(f"政策 {self.name} 的“{wanted}”没有可计算的规则；可计算的句：{known}")

    def allotment(self, key: str) -> Allotment:
        """The allotment of that key ("4.1.cities").

        Raises:
            LawError: none.
        """
        for each in self.allotments:
            if each.key == key:
                return each
        known = "、".join(each.key for each in self.allotments) or "无"
        raise LawError(f"政策 {self.name} 的“{key}”没有按绩效分配的规则；有的是：{known}")

    def article(self, number: str) -> ArticleText:
        """The text of an article.

        Raises:
            LawError: no such article.
        """
        for article in self.text.articles:
            if article.number == number:
                return article
        raise LawError(f"政策 {self.name} 没有第 {number} 条")

    def facts(self, wanted: str) -> tuple[FactSpec, ...]:
        """The facts that a sentence or article asks for."""
        return self.rule(wanted).facts

    def digest_as_known(self, day: date) -> str:
        """The digest of what was known on a day: settings adopted later leave it as it was."""
        return digest(self.sources, day)

    def in_force(self, on: date) -> bool:
        """Whether the policy holds on a day, both ends included (0.3)."""
        return self.valid_from <= on <= self.valid_to

    def adopted(self, on: date, as_known: date) -> dict[str, Adopted]:
        """Settings and interpretations that hold on a day, as known on a day."""
        return self.settings.at(on, as_known)

    def setting_specs(self) -> dict[str, SettingSpec]:
        """Every setting that some rule or allotment rests on."""
        resting: list[Rule | Allotment] = [*self.rules, *self.allotments]
        return {spec.name: spec for each in resting for spec in each.settings()}

    def interpretation_specs(self) -> dict[str, InterpretationSpec]:
        """Every open question that some rule, or the way in which rules combine, rests on."""
        found = {spec.name: spec for rule in self.rules for spec in rule.interpretations()}
        return found | {each.by.name: each.by for each in self.stackings}


def search_path() -> list[Path]:
    """Where policies are looked for, first come first served."""
    named = [Path(part) for part in os.environ.get("HUISUAN_POLICIES", "").split(os.pathsep) if part]
    package = Path(__file__).parents[2]
    return [*named, package / "policies", package.parents[1] / "policies"]


def list_policies() -> list[str]:
    """The names of all policies that can be loaded."""
    found = {path.parent.name for place in search_path() for path in place.glob("*/policy.toml")}
    return sorted(found)


def installed() -> tuple[list[Policy], dict[str, str]]:
    """The policies that stand up, and what is wrong with each that does not: one does not take the others down."""
    found: list[Policy] = []
    broken: dict[str, str] = {}
    for name in list_policies():
        try:
            found.append(load_policy(name))
        except LawError as error:
            broken[name] = str(error)
    return found, broken


def load_policy(name: str) -> Policy:
    """The policy of that name.

    Raises:
        LawError: none of that name, or two (one would hide the other), or its folder does not stand up to the checks.
    """
    places = [place / name for place in search_path() if (place / name / "policy.toml").is_file()]
    folders = list(dict.fromkeys(each.resolve() for each in places)) if Path(name).name == name else []
    if len(folders) > 1:
        shown = "、".join(map(str, folders))
        raise LawError(f"政策 {name} 有两个文件夹：{shown}；名称要唯一，请给其中一个改名或从 HUISUAN_POLICIES 去掉")
    if folders:
        return load_folder(folders[0], overlays(name))
    raise LawError(f"没有政策 {name}；现有：{'、'.join(list_policies()) or '无'}")


def load_folder(folder: Path, adopted: tuple[Path, ...] = ()) -> Policy:
    """The policy in a folder, with the settings in the folders `adopted`; loaded once as long as no file changes."""
    folder = folder.resolve()
    return _load(folder, adopted, read_sources(folder, adopted))


@lru_cache(maxsize=32)
def _load(folder: Path, adopted: tuple[Path, ...], sources: tuple[Source, ...]) -> Policy:
    about = _read_about(folder / "policy.toml")
    text = read_text(folder / "text.md")
    state = Loading(text)
    with loading(state):
        run_articles(folder, digest(sources))
    order = list(text.sentences)
    rules = tuple(sorted(state.rules, key=lambda rule: order.index(rule.sentence)))
    _settings_agree((*rules, *state.allotments))
    unset = Policy(
        folder.name, text.title, about.get("title_en", text.title), about["issuer"], about["issued"],
        about["valid_from"], about["valid_to"], about.get("note", ""), text, rules, Settings(()), digest(sources),
        folder,
        tuple(state.allotments), tuple(state.stackings), tuple(state.said),
    )  # fmt: skip
    check_overlaps(unset)
    check_said(unset)
    settings = read_settings(
        [folder / "settings", *adopted], unset.setting_specs().values(), unset.interpretation_specs().values()
    )
    known = {each.path: each.known_from for each in settings.adopted}
    policy = replace(unset, settings=settings, sources=dated(sources, known))
    prove_bounds(policy)
    return policy


def _read_about(path: Path) -> dict[str, Any]:
    try:
        about = tomllib.loads(read_file(path))
    except tomllib.TOMLDecodeError as error:
        raise LawError(f"{path.name}：不是 TOML（{error}）") from None
    for key, kind in {"issuer": str, "issued": date, "valid_from": date, "valid_to": date}.items():
        if not isinstance(about.get(key), kind):
            raise LawError(f"{path.name}：缺 {key}，或其类型不对")
    return about


def _settings_agree(rules: tuple[Rule | Allotment, ...]) -> None:
    specs: dict[str, SettingSpec] = {}
    for rule in rules:
        for spec in rule.settings():
            if specs.setdefault(spec.name, spec) != spec:
                raise LawError(f"参数 {spec.name} 在两处声明得不一样（{specs[spec.name].sentence}、{spec.sentence}）")


def prove_bounds(policy: Policy) -> None:
    """Prove for every adopted setting that no rule can overflow 64 bits.

    Raises:
        LawError: one could; it names the sentence.
    """
    days = {each.valid_from for each in policy.settings.adopted} | {policy.valid_from}
    known = {each.known_from for each in policy.settings.adopted} | {date.max}
    for on, as_known in itertools.product(sorted(days), sorted(known)):
        for rule in policy.rules:
            terms, unset = terms_of(rule, policy.adopted(on, as_known))
            if not unset:
                prove(rule, terms)
