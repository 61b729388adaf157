"""A new policy's folder: from its text as issued, or a small example that stands, to be replaced line by line."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from textwrap import wrap

from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_folder
from huisuan.law.policy.scaffold import example
from huisuan.law.policy.toml_documents import toml_string
from huisuan.law.text.from_plain_text import to_markdown
from huisuan.law.text.policy_text import ArticleText, load_policy_text

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LINE = 55  # Chinese characters of a comment


@dataclass(frozen=True)
class PolicyMetadata:
    """The contents of `policy.toml`: the issuer, and the first and last day in force."""

    name: str
    title: str
    issuer: str
    valid_from: date
    valid_to: date


def create_policy(about: PolicyMetadata, into: Path, plain: str | None = None) -> Path:
    """Make the folder of a policy below `into`; with the text as issued, every sentence is there, none yet encoded.

    The folder appears whole and can be loaded, or not at all.

    Raises:
        LawError: a name that is none or taken, days out of order, a text that has no articles, a place not to write in.
    """
    if not _NAME.fullmatch(about.name):
        raise LawError(
            f"“{about.name}”不能作政策的名称；请用小写字母、数字与连字符，如 hefei-compute-2026",
            code="law.policy_name_invalid",
        )
    if about.valid_from > about.valid_to:
        raise LawError(f"有效期 {about.valid_from} 至 {about.valid_to}：起在止之后", code="law.validity_reversed")
    target = into / about.name
    if target.exists():
        raise LawError(f"{target}：已经有了；请换一个名称，或先移开它", code="law.policy_exists")
    try:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{about.name}.", dir=into) as aside:
            draft = Path(aside) / about.name
            draft.mkdir()
            _write(draft, about, plain)
            load_folder(draft)
            shutil.rmtree(draft / "__pycache__", ignore_errors=True)
            draft.rename(target)
    except OSError as error:
        raise LawError(f"{target}：写不了（{error.strerror}）；请检查路径与权限", code="law.file_unwritable") from None
    return target


def _write(folder: Path, about: PolicyMetadata, plain: str | None) -> None:
    (folder / "policy.toml").write_text(_policy_toml(about), encoding="utf-8")
    for part in ("settings", "cases"):
        (folder / part).mkdir()
    if plain is None:
        _write_example(folder, about)
        return
    (folder / "text.md").write_text(to_markdown(plain, about.title), encoding="utf-8")
    for article in load_policy_text(folder / "text.md").articles:
        path = folder / f"a{int(article.number):02d}_article.py"
        path.write_text(_article_module(article), encoding="utf-8")


def _write_example(folder: Path, about: PolicyMetadata) -> None:
    end = f"{about.valid_to.year}年{about.valid_to.month}月{about.valid_to.day}日"
    parts = {
        "text.md": example.TEXT.format(title=about.title, end=end),
        "a01_example.py": example.ARTICLE.replace("{end}", end),
        f"settings/{about.valid_from.year}.toml": example.SETTINGS.format(
            issuer=toml_string(about.issuer), day=about.valid_from
        ),
        "cases/1.1.yaml": example.CASES.format(after=about.valid_to + timedelta(days=1)),
    }
    for name, text in parts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _policy_toml(about: PolicyMetadata) -> str:
    return (
        f"issuer = {toml_string(about.issuer)}\nissued = {about.valid_from}\n"
        f"valid_from = {about.valid_from}\nvalid_to = {about.valid_to}\n"
    )


def _article_module(article: ArticleText) -> str:
    """A file in which the article's sentences wait as comments, to be encoded one by one."""
    head = f"第{article.number}条 {article.title}".replace("\\", "").replace('"', "'")
    lines = [line for sentence in article.sentences for line in (*wrap(f"{sentence.number} {sentence.text}", LINE), "")]
    waiting = "\n".join(f"# {line}" if line else "" for line in lines)
    return (
        f'"""{head} (article {article.number})."""\n\nfrom __future__ import annotations\n\n'
        f'from huisuan.law import Article\n\narticle = Article("{article.number}")\n\n{waiting}'
    )
