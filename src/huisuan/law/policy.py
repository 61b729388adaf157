"""A policy: one folder with its text, its articles, its settings. Nothing outside the folder names it.

Folders are looked for in `HUISUAN_POLICIES` (paths separated like PATH), then among those that the package
brings along.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from huisuan.law.arithmetic import prove
from huisuan.law.nodes import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.rules import Loading, Rule, loading
from huisuan.law.settings import Adopted, Settings, read_settings, terms_of
from huisuan.law.text import ArticleText, LawError, PolicyText, read_text

PURE_IMPORTS = {"__future__", "datetime", "huisuan.law"}
CLOCKS = {"today", "now", "utcnow", "open", "eval", "exec", "compile", "__import__", "getattr", "globals"}


@dataclass(frozen=True)
class Policy:
    """A policy as loaded: its text, its rules in the order of the text, its settings, and its digest.

    `digest` is a SHA-256 over every file of the folder that decides about answers: who shows the same digest
    computed under the same law.
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

    def rule(self, wanted: str) -> Rule:
        """The rule of a sentence ("8.2"), or of an article that pays by one sentence only ("8").

        Raises:
            LawError: none, or several (then it names them).
        """
        exact = [rule for rule in self.rules if rule.sentence == wanted]
        if exact:
            return exact[0]
        of_article = [rule for rule in self.rules if rule.sentence.split(".")[0] == wanted]
        paying = [rule for rule in of_article if rule.amount is not None] or of_article
        if len(paying) == 1:
            return paying[0]
        if paying:
            raise LawError(f"第 {wanted} 条有多句支付，请指明：{'、'.join(rule.sentence for rule in paying)}")
        known = "、".join(rule.sentence for rule in self.rules)
        raise LawError(f"政策 {self.name} 的“{wanted}”没有可计算的规则；可计算的句：{known}")

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

    def in_force(self, on: date) -> bool:
        """Whether the policy holds on a day, both ends included (0.3)."""
        return self.valid_from <= on <= self.valid_to

    def adopted(self, on: date, as_known: date) -> dict[str, Adopted]:
        """Settings and interpretations that hold on a day, as known on a day."""
        return self.settings.at(on, as_known)

    def setting_specs(self) -> dict[str, SettingSpec]:
        """Every setting that some rule rests on."""
        return {spec.name: spec for rule in self.rules for spec in rule.settings()}

    def interpretation_specs(self) -> dict[str, InterpretationSpec]:
        """Every open question that some rule rests on."""
        return {spec.name: spec for rule in self.rules for spec in rule.interpretations()}


def search_path() -> list[Path]:
    """Where policies are looked for, first come first served."""
    named = [Path(part) for part in os.environ.get("HUISUAN_POLICIES", "").split(os.pathsep) if part]
    package = Path(__file__).parents[1]
    return [*named, package / "policies", package.parents[1] / "policies"]


def list_policies() -> list[str]:
    """The names of all policies that can be loaded."""
    found = {path.parent.name for place in search_path() for path in place.glob("*/policy.toml")}
    return sorted(found)


def load_policy(name: str) -> Policy:
    """The policy of that name.

    Raises:
        LawError: none of that name, or its folder does not stand up to the checks.
    """
    for place in search_path():
        if (place / name / "policy.toml").is_file() and Path(name).name == name:
            return load_folder(place / name)
    raise LawError(f"没有政策 {name}；现有：{'、'.join(list_policies()) or '无'}")


def load_folder(folder: Path) -> Policy:
    """The policy in a folder, loaded once as long as no file in it changes."""
    return _load(folder.resolve(), _digest(folder))


@lru_cache(maxsize=32)
def _load(folder: Path, digest: str) -> Policy:
    about = _read_about(folder / "policy.toml")
    text = read_text(folder / "text.md")
    state = Loading(text)
    with loading(state):
        _run_articles(folder, digest)
    order = list(text.sentences)
    rules = tuple(sorted(state.rules, key=lambda rule: order.index(rule.sentence)))
    _settings_agree(rules)
    settings = read_settings(
        folder / "settings",
        (spec for rule in rules for spec in rule.settings()),
        (spec for rule in rules for spec in rule.interpretations()),
    )
    policy = Policy(
        folder.name, text.title, about.get("title_en", text.title), about["issuer"], about["issued"],
        about["valid_from"], about["valid_to"], about.get("note", ""), text, rules, settings, digest, folder,
    )  # fmt: skip
    _prove(policy)
    return policy


def _read_about(path: Path) -> dict[str, Any]:
    about = tomllib.loads(path.read_text(encoding="utf-8"))
    for key, kind in {"issuer": str, "issued": date, "valid_from": date, "valid_to": date}.items():
        if not isinstance(about.get(key), kind):
            raise LawError(f"{path.name}：缺 {key}，或其类型不对")
    return about


def _run_articles(folder: Path, digest: str) -> None:
    """Import `a*.py` as modules of a package of their own, so that two policies never share a module."""
    package = f"huisuan_policy_{digest[:16]}"
    spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    for stale in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[stale]
    sys.modules[package] = importlib.util.module_from_spec(spec)
    for path in sorted(folder.glob("a[0-9][0-9]_*.py")):
        _check_purity(path)
    for path in sorted(folder.glob("a[0-9][0-9]_*.py")):
        importlib.import_module(f"{package}.{path.stem}")


def _check_purity(path: Path) -> None:
    """A rule may look at its facts and settings only: no clock, no chance, no file, no float.

    Raises:
        LawError: naming the line.
    """
    neighbours = {other.stem for other in path.parent.glob("*.py")}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path.name)):
        at = f"{path.name} 行 {getattr(node, 'lineno', '?')}"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            raise LawError(f'{at}：条款里不能有浮点数 {node.value}；比例写作 "20%" 或 "1/3"')
        for imported in _imports(node):
            if imported not in PURE_IMPORTS | neighbours:
                raise LawError(f"{at}：条款只能导入 huisuan.law，不能导入 {imported}")
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in CLOCKS:
            raise LawError(f"{at}：条款里不能用 {name}：结果只取决于事实与参数")


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""


def _settings_agree(rules: tuple[Rule, ...]) -> None:
    specs: dict[str, SettingSpec] = {}
    for rule in rules:
        for spec in rule.settings():
            if specs.setdefault(spec.name, spec) != spec:
                raise LawError(f"参数 {spec.name} 在两处声明得不一样（{specs[spec.name].sentence}、{spec.sentence}）")


def _prove(policy: Policy) -> None:
    """Refuse a policy of which an adopted setting could make a rule overflow 64 bits."""
    days = {each.valid_from for each in policy.settings.adopted} | {policy.valid_from}
    for day in sorted(days):
        for rule in policy.rules:
            terms, unset = terms_of(rule, policy.adopted(day, date.max))
            if not unset:
                prove(rule, terms)


def _digest(folder: Path) -> str:
    """SHA-256 over names and contents of everything in the folder that decides about answers."""
    total = hashlib.sha256()
    deciding = [path for kind in ("*.py", "*.toml", "*.md", "settings/*.toml") for path in folder.glob(kind)]
    if not deciding:
        raise LawError(f"{folder} 里没有政策")
    for path in sorted(deciding):
        content = path.read_bytes()
        total.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()
