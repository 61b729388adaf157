"""`huisuan data corpus build|list|show|rebuild|holding`: corpora from released documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.terminal import AsJson, note, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.parties.models import Person

corpus = typer.Typer(no_args_is_help=True)
_Name = Annotated[str, typer.Argument(metavar="NAME", help="语料名")]
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_LIST = {"name": "语料", "title": "名称", "build": "次", "at": "生成", "reason": "为什么重新生成"}
_SHARDS = {"number": "片", "form": "格式", "state": "状态", "lines": "行", "size": "字节", "sha256": "SHA-256"}
_HOLDING = {"corpus": "语料", "number": "片", "form": "格式", "lines": "行"}


@corpus.command("build")
def build(
    context: typer.Context,
    name: _Name,
    entries: Annotated[list[str], typer.Option("--entry", metavar="ENTRY", help="目录代码，可多次")],
    by: _By,
    title: Annotated[str, typer.Option("--title", metavar="名称", help="语料的名称；不写则同语料名")] = "",
    language: Annotated[str, typer.Option("--language", metavar="zh|any", help="zh：汉字占一半以上")] = "zh",
    shortest: Annotated[int, typer.Option("--shortest", metavar="N", help="最短，字")] = 20,
    longest: Annotated[int, typer.Option("--longest", metavar="N", help="最长，字")] = 200_000,
    similarity: Annotated[int, typer.Option("--similarity", metavar="N", help="近似到百分之几就去掉")] = 80,
    shards: Annotated[int, typer.Option("--shards", metavar="N", help="分成几片")] = 4,
    as_json: AsJson = False,
) -> None:
    """从已放行的文书生成语料：统一写法、筛选、去重，JSONL 和 Parquet；再运行一次就是下一次生成。"""
    context.obj()
    from huisuan.opendata.corpora.building import build_corpus
    from huisuan.opendata.corpora.pages import CorpusRules

    rules = CorpusRules(language, shortest, longest, similarity, shards)
    person = _person(by)
    made = build_corpus(name, title or name, entries, rules, person, datetime.now(UTC))
    _print(made.corpus.name, by, as_json)


@corpus.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """列出语料。"""
    context.obj()
    from huisuan.opendata.corpora.building import standing_builds
    from huisuan.opendata.corpora.queries import summary_to_dict

    rows = [summary_to_dict(each) for each in standing_builds()]
    if as_json:
        print_json(rows)
    else:
        print_table("语料", rows, _LIST, "还没有；用 huisuan data corpus build 生成")


@corpus.command("show")
def show(
    context: typer.Context,
    name: _Name,
    by: Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义；不写则如人人所见")] = "",
    card: Annotated[bool, typer.Option("--card", help="只打印数据卡（Markdown）")] = False,
    as_json: AsJson = False,
) -> None:
    """一个语料：数据卡、分片、不再提供的来源。"""
    context.obj()
    if card:
        out.print(_row(name, by)["card"], markup=False, soft_wrap=True)
        return
    _print(name, by, as_json)


@corpus.command("rebuild")
def rebuild_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="语料名；不写则为来源有变的全部")] = "",
    as_json: AsJson = False,
) -> None:
    """重新生成：来源被撤回、取代的，从现在已放行的再来一次；后台每分钟也会看一遍。"""
    context.obj()
    from huisuan.opendata.corpora.building import rebuild, rebuild_stale
    from huisuan.opendata.corpora.queries import summary_to_dict

    now = datetime.now(UTC)
    made = [rebuild(name, "本机命令行", now)] if name else rebuild_stale(now)
    rows = [summary_to_dict(each) for each in made]
    if as_json:
        print_json(rows)
    else:
        print_table("重新生成的语料", rows, _LIST, "没有来源有变的语料")


@corpus.command("holding")
def holding(
    context: typer.Context,
    release: Annotated[int, typer.Argument(metavar="N", help="放行的文件的编号", min=1)],
    as_json: AsJson = False,
) -> None:
    """哪些分片里有这份放行的文件。"""
    context.obj()
    from huisuan.opendata.corpora.shards import shards_holding

    rows = [
        {
            "corpus": each.shard.build.corpus.name, "number": each.shard.number, "form": each.shard.form,
            "lines": each.lines,
        }
        for each in shards_holding(release)
    ]  # fmt: skip
    if as_json:
        print_json(rows)
    else:
        print_table(f"含有 r{release} 的分片", rows, _HOLDING, "没有")


def _print(name: str, by: str, as_json: bool) -> None:
    row = _row(name, by)
    if as_json:
        print_json(row)
        return
    said = row["statistics"]
    out.print(f"{row['title']}（{row['name']}）第 {row['build']} 次生成", markup=False)
    if said:
        out.print(f"{said['pages']:,} 页，留下 {said['lines']:,} 行，{said['characters']:,} 字", markup=False)
    print_table("分片", row["shards"], _SHARDS, "没有一行留下")
    if row["gone"]:
        note(f"来源不再提供：{'、'.join(f'r{number}' for number in row['gone'])}；含有它们的分片重新生成后再提供")


def _row(name: str, by: str) -> dict[str, Any]:
    from huisuan.opendata.corpora.building import get_build
    from huisuan.opendata.corpora.queries import corpus_to_dict
    from huisuan.parties.viewer import Viewer

    viewer = Viewer.for_person(_person(by)) if by else None
    return corpus_to_dict(get_build(name), viewer, datetime.now(UTC))


def _person(username: str) -> Person:
    from huisuan.base.errors import NotFound
    from huisuan.parties.models import Person

    found = Person.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise NotFound(f"--by {username}：没有这个人，或已停用", code="person.unknown")
    return found
