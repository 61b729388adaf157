"""Policies from their folders: found on the search path, read, checked."""

from __future__ import annotations

import itertools
import os
import threading
import tomllib
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from huisuan.base.paths import home
from huisuan.law.authoring.article_modules import import_articles
from huisuan.law.authoring.groups import check_shared_cap
from huisuan.law.authoring.registry import ArticleRegistry, registering
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import SettingSpec
from huisuan.law.model.overflow_proof import prove_no_overflow
from huisuan.law.model.rules import LEVELS, Allotment, Rule
from huisuan.law.policy.by_day import read_rule
from huisuan.law.policy.coverage import check_handlings
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import Settings, load_settings
from huisuan.law.policy.sources import Source, list_sources, overlay_folders, sources_digest, with_known_from
from huisuan.law.policy.stacking import check_overlaps
from huisuan.law.policy.versions import check_versions, with_versions
from huisuan.law.procedure import ProgrammeSpec, offices_named
from huisuan.law.procedure.checks import check_objects, check_programme, check_selection
from huisuan.law.procedure.register_links import check_register_feeds, check_register_links
from huisuan.law.procedure.registers import check_register_facts, check_register_spec
from huisuan.law.text.policy_text import load_policy_text, read_policy_file
from huisuan.law.text.text_changes import load_changes

#: articles are run as modules: of two threads that load at once, one would drop the other's half-run modules
_loading = threading.RLock()
#: digests of laws whose bounds were proved in this process: the same files need no second proof
_proved: set[str] = set()


def search_path() -> list[Path]:
    """Where policies are looked for, first come first served."""
    named = [Path(part) for part in os.environ.get("HUISUAN_POLICIES", "").split(os.pathsep) if part]
    package = Path(__file__).parents[2]
    return [*named, home() / "policies", package / "policies", package.parents[1] / "policies"]


def list_policies() -> list[str]:
    """The names of all policies that can be loaded."""
    found = {path.parent.name for place in search_path() for path in place.glob("*/policy.toml")}
    return sorted(found)


def load_policy(name: str) -> Policy:
    """The policy of that name.

    Raises:
        LawError: none of that name, or two (one would hide the other), or its folder does not stand up to the checks.
    """
    places = [place / name for place in search_path() if (place / name / "policy.toml").is_file()]
    folders = list(dict.fromkeys(place.resolve() for place in places)) if Path(name).name == name else []
    if len(folders) > 1:
        shown = "、".join(map(str, folders))
        raise LawError(
            f"政策 {name} 有两个文件夹：{shown}；名称要唯一，请给其中一个改名或从 HUISUAN_POLICIES 去掉",
            code="law.policy_twice",
        )
    if folders:
        return load_folder(folders[0], overlay_folders(name))
    raise LawError(f"没有政策 {name}；现有：{'、'.join(list_policies()) or '无'}", code="law.policy_unknown")


def load_folder(folder: Path, adopted: tuple[Path, ...] = ()) -> Policy:
    """The policy in a folder, with the settings in the folders `adopted`; loaded once as long as no file changes."""
    folder = folder.resolve()
    with _loading:
        return _load(folder, adopted, list_sources(folder, adopted))


@lru_cache(maxsize=32)
def _load(folder: Path, adopted: tuple[Path, ...], sources: tuple[Source, ...]) -> Policy:
    encoded = tuple(source for source in sources if not source.name.startswith(("settings/", "adopted/")))
    unset = _load_encoded(folder, encoded)
    settings = load_settings(
        [folder / "settings", *adopted], unset.setting_specs().values(), unset.interpretation_specs().values()
    )
    known = {adopted.path: adopted.known_from for adopted in settings.adopted}
    known |= {change.path: change.known_from for change in unset.changes}
    policy = replace(unset, settings=settings, digest=sources_digest(sources), sources=with_known_from(sources, known))
    if policy.digest not in _proved:
        prove_bounds(policy)
        _proved.add(policy.digest)
    return policy


@lru_cache(maxsize=32)
def _load_encoded(folder: Path, sources: tuple[Source, ...]) -> Policy:
    """The text and the articles, checked, without any setting: what an adoption leaves as it was is not read again."""
    about = _load_metadata(folder / "policy.toml")
    text = load_policy_text(folder / "text.md")
    changes = load_changes(folder / "changes", text, about["valid_from"], about["valid_to"], about["issued"])
    state = ArticleRegistry(text, changes, about["issued"])
    with registering(state):
        import_articles(folder, sources_digest(sources))
    order = list(text.sentences)
    rules = tuple(sorted(state.rules, key=lambda rule: order.index(rule.sentence)))
    rules, versions = with_versions(rules, state.versions)
    _check_settings_agree((*rules, *versions, *state.allotments, *state.programmes))
    unset = Policy(
        folder.name, text.title, about.get("title_en", text.title), about["issuer"], about["issued"],
        about["valid_from"], about["valid_to"], about.get("note", ""), text, rules, Settings(()),
        sources_digest(sources),
        folder,
        tuple(state.allotments), tuple(state.stackings), tuple(state.shared_caps), tuple(state.handlings),
        changes=changes, versions=versions, level=about.get("level", ""),
        prepared=bool(about.get("prepared", False)), treasury=str(about.get("treasury", "")),
        programmes=tuple(state.programmes), registers=tuple(state.registers), example=bool(about.get("example", False)),
    )  # fmt: skip
    check_versions(unset)
    check_overlaps(unset)
    for cap in unset.shared_caps:
        check_shared_cap(cap, rules)
    check_handlings(unset)
    _check_programmes(unset)
    return unset


def _load_metadata(path: Path) -> dict[str, Any]:
    try:
        about = tomllib.loads(read_policy_file(path))
    except tomllib.TOMLDecodeError as error:
        raise LawError(f"{path.name}：不是 TOML（{error}）", code="law.toml_malformed") from None
    if about.get("level", LEVELS[0]) not in LEVELS:
        raise LawError(f"{path.name}：level 应为 {'、'.join(LEVELS)} 之一", code="law.level_unknown")
    for key, kind in {"issuer": str, "issued": date, "valid_from": date, "valid_to": date}.items():
        if not isinstance(about.get(key), kind):
            raise LawError(f"{path.name}：缺 {key}，或其类型不对", code="law.metadata_missing")
    return about


def _check_programmes(policy: Policy) -> None:
    for programme in policy.programmes:
        if all(allotment.key != programme.rule_key for allotment in policy.allotments):
            facts = [fact.name for fact in policy.rule(programme.rule_key).facts]
            check_objects(programme, facts)
            check_selection(programme, facts)
        if programme.selection and programme.selection.places:
            policy.text.check_citation(programme.sentence, programme.selection.phrase, f"程序 {programme.key}")
        for spec in programme.settings():
            policy.text.check_citation(spec.sentence, spec.phrase, spec.name)
        named = offices_named(policy.text, programme.sentence) or (policy.issuer,)  # nobody named: who issued it
        check_programme(programme, named, policy.treasury)
        _check_review_field(policy, programme)
    for register in policy.registers:
        check_register_spec(register, offices_named(policy.text, register.sentence) or (policy.issuer,))
    registers = {register.key: register for register in policy.registers}
    for register in policy.registers:
        check_register_links(register, registers, {programme.key for programme in policy.programmes})
        check_register_feeds(
            register,
            {each.key: {indicator.fact.name for indicator in each.indicators} for each in policy.allotments},
        )
    for rule in policy.rules:
        check_register_facts(rule.key, rule.facts, registers)


def _check_review_field(policy: Policy, programme: ProgrammeSpec) -> None:
    """What experts must know is said by a choice among the facts of the programme's rule."""
    field = programme.review.field if programme.review else ""
    if field and all(fact.name != field or not fact.options for fact in policy.rule(programme.rule_key).facts):
        raise LawError(
            f"程序 {programme.key}：专家领域 {field} 不是其规则的选择类事实", code="law.review_field_unknown"
        )


def _check_settings_agree(rules: tuple[Rule | Allotment | ProgrammeSpec, ...]) -> None:
    specs: dict[str, SettingSpec] = {}
    for rule in rules:
        for spec in rule.settings():
            if specs.setdefault(spec.name, spec) != spec:
                raise LawError(
                    f"参数 {spec.name} 在两处声明得不一样（{specs[spec.name].sentence}、{spec.sentence}）",
                    code="law.setting_declared_twice",
                )


def prove_bounds(policy: Policy) -> None:
    """Prove for every adopted setting that no rule can overflow 64 bits.

    Raises:
        LawError: one could; it names the sentence.
    """
    days = {adopted.valid_from for adopted in policy.settings.adopted} | {policy.valid_from}
    days |= {change.valid_from for change in policy.changes}
    known = {adopted.known_from for adopted in policy.settings.adopted} | {date.max}
    known |= {change.known_from for change in policy.changes}
    seen: list[tuple[list[int], dict[str, object]]] = []  # most days read as others do
    for on, as_known in itertools.product(sorted(days), sorted(known)):
        adopted: dict[str, object] = {name: entry.value for name, entry in policy.adopted(on, as_known).items()}
        law = ([id(policy.rule_on(rule, on, as_known)) for rule in policy.rules], adopted)
        if law in seen:
            continue
        seen.append(law)
        for rule in policy.rules:
            reading = read_rule(policy, rule, on, as_known)
            if not reading.unset:
                prove_no_overflow(reading.rule, reading.terms)


def load_installed() -> tuple[list[Policy], dict[str, str]]:
    """The policies that stand up, and what is wrong with each that does not: one does not take the others down."""
    found: list[Policy] = []
    broken: dict[str, str] = {}
    for name in list_policies():
        try:
            found.append(load_policy(name))
        except LawError as error:
            broken[name] = str(error)
    return found, broken
