"""`huisuan policy`: create a policy's folder, and check one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huisuan.law.cases.mutants import MutantReport, list_subjects, try_mutants
from huisuan.law.cases.policy_check import PolicyCheck, check_policy
from huisuan.law.cases.runner import load_policy_cases
from huisuan.law.cli.arguments import parse_day
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_folder, load_policy, search_path
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scaffold.policy_folder import PolicyMetadata, create_policy
from huisuan.terminal import AsJson, note, out, print_json, print_table, progress

app = typer.Typer()
_NewPolicyName = Annotated[
    str, typer.Argument(metavar="NAME", help="目录名：小写字母、数字与连字符，如 hefei-compute-2026")
]
LARGEST_TEXT = 5_000_000  # bytes


@app.command("new")
def new(
    name: _NewPolicyName,
    issuer: Annotated[str, typer.Option("--issuer", metavar="机关", help="发布机关")],
    valid_from: Annotated[str, typer.Option("--from", metavar="DATE", help="施行之日")],
    valid_to: Annotated[str, typer.Option("--to", metavar="DATE", help="有效期最后一天")],
    title: Annotated[
        str, typer.Option("--title", metavar="名称", help="政策名称；有 --text 时可不写，取其第一行")
    ] = "",
    text: Annotated[
        Path | None, typer.Option("--text", metavar="FILE.txt", help="印发文本（UTF-8）：按“第一条”“。”分条分句")
    ] = None,
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="在哪个文件夹下新建")] = Path("policies"),
    as_json: AsJson = False,
) -> None:
    """新建政策目录：有印发文本则分好条句、待逐句写成规则；没有则给一个能通过检查的示例。"""
    if not title and text is None:
        raise typer.BadParameter("写 --title，或以 --text 给出印发文本", param_hint="--title")
    about = PolicyMetadata(
        name,
        " ".join(title.split()),
        " ".join(issuer.split()),
        parse_day(valid_from, "--from"),
        parse_day(valid_to, "--to"),
    )
    folder = create_policy(about, into, _read(text) if text else None)
    law = load_folder(folder)
    if as_json:
        print_json({"policy": name, "folder": str(folder), "sentences": len(law.text.sentences)})
    else:
        out.print(f"{folder}：{len(law.text.articles)} 条，{len(law.text.sentences)} 句", markup=False)
    if not any(_same(place, into) for place in search_path()):
        note(f"要让其他命令找到它：export HUISUAN_POLICIES={into.resolve()}")
    note(f"接下来：huisuan policy check {folder}")


@app.command("check")
def check_(
    policy: Annotated[str, typer.Argument(metavar="POLICY|DIR", help="政策，如 anhui-agi-2023，或其文件夹")],
    mutants: Annotated[
        bool, typer.Option("--mutants", help="另把每个条件、上限、比例、比较逐个改错，列出没有算例察觉的")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """检查政策目录：引文、参数、溢出、叠加，逐句交代，算例逐个算过且够全；有待改的则退出码为 1。"""
    law = _policy(policy)
    done = check_policy(law)
    altered = _try_mutants(law) if mutants else None
    if as_json:
        print_json(done.to_dict() | ({} if altered is None else {"mutants": altered.to_dict()}))
    else:
        _print(done)
        if altered is not None:
            _print_mutants(altered)
    if not done.stands or (altered is not None and altered.unnoticed):
        raise typer.Exit(1)


def _try_mutants(law: Policy) -> MutantReport:
    with progress("逐个改错", len(list_subjects(law))) as bar:
        return try_mutants(law, load_policy_cases(law), lambda: bar.advance(bar.task_ids[0]))


def _print_mutants(report: MutantReport) -> None:
    rows = [{"place": f"cases/{found.subject}.yaml", "what": found.text} for found in report.unnoticed]
    if rows:
        print_table("没有算例察觉的改动", rows, {"place": "哪里", "what": "什么"}, "")
    out.print(f"改错 {report.tried} 处；没有算例察觉的 {len(rows)} 处", markup=False)


def _policy(named: str) -> Policy:
    """The policy in a folder, or of a name; as its folder has it, without what was adopted since."""
    if (Path(named) / "policy.toml").is_file():
        return load_folder(Path(named))
    if "/" in named or Path(named).is_dir():
        raise LawError(f"{named}：不是政策目录（没有 policy.toml）", code="law.not_a_policy_folder")
    return load_folder(load_policy(named).folder)


def _print(done: PolicyCheck) -> None:
    rows = [{"place": finding.place, "what": finding.what} for finding in done.findings]
    if rows:
        print_table("待改", rows, {"place": "哪里", "what": "什么"}, "")
    sentences, hold = len(done.policy.text.sentences), sum(outcome.holds for outcome in done.outcomes)
    out.print(
        f"{done.policy.title}：{sentences - len(done.open_sentences)}/{sentences} 句已交代；"
        f"{hold}/{len(done.outcomes)} 个算例与所写一致；待改 {len(rows)} 处",
        markup=False,
    )
    if done.unset:
        note(f"尚未确定的参数（答“参数未定”，不算错）：{'、'.join(done.unset)}")


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise LawError(f"{path}：超过 {LARGEST_TEXT // 1_000_000} MB，不像一份政策", code="law.text_too_large")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LawError(f"{path}：读不了（{error.strerror}）；请检查路径与权限", code="law.file_unreadable") from None
    except UnicodeDecodeError:
        raise LawError(f"{path}：不是 UTF-8 文本；请从公文另存为纯文本（UTF-8）", code="law.file_not_utf8") from None


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
