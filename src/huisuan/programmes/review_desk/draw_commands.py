"""`huisuan experts commit|draw|verify`: a seed committed to, panels drawn, draws made again by anyone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, out, print_json, print_table

_Call = Annotated[str, typer.Argument(metavar="CALL", help="申报通知编号，如 C2024-0001")]
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_DRAW_COLUMNS = {"application": "申报", "members": "评审组", "alternates": "候补（依次）"}
_PROOF_COLUMNS = {
    "title": "抽签", "seed": "种子", "seed_from": "由什么算出", "submissions_match": "与收到的申报一致",
    "word_matches": "与承诺一致", "reproduced": "复算相同", "reason": "补抽理由",
}  # fmt: skip
_SEED_FROM = {"commitment": "承诺和全部申报", "submissions": "全部申报", "published": "事前公布（旧）"}


def commit_to_seed(
    call: _Call,
    by: _By,
    seed: Annotated[str, typer.Option("--seed", metavar="S", help="种子；只存它的摘要")] = "",
    digest: Annotated[str, typer.Option("--digest", metavar="SHA256", help="或只给“通知编号|种子”的 SHA-256")] = "",
    as_json: AsJson = False,
) -> None:
    """在收到申报之前承诺抽签的种子：摘要留在记录上，此后不能换。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.seeds import commit_seed

    made = commit_seed(call, find_person(by), datetime.now(UTC), word=seed, digest=digest)
    if as_json:
        print_json({"call": call, "commitment": made.digest, "by": made.by.username, "at": made.at.isoformat()})
        return
    out.print(f"{call}：已承诺，摘要 {made.digest}", markup=False)


def draw_panels_of_call(
    call: _Call,
    by: _By,
    seed: Annotated[
        str, typer.Option("--seed", metavar="S", help="承诺过的种子，只作核对；结果由截止时收到的申报定")
    ] = "",
    again: Annotated[str, typer.Option("--again", metavar="NUMBER", help="为候补已用完的这件申报补抽候补专家")] = "",
    reason: Annotated[str, typer.Option("--reason", help="为什么补抽")] = "",
    as_json: AsJson = False,
) -> None:
    """为一份已截止的申报通知下评审中、还没有评审组的申报抽专家；专家不够时说明哪件缺几人、为什么，什么都不抽。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.drawing import describe_draw, draw_again, draw_call

    person, now = find_person(by), datetime.now(UTC)
    made = draw_again(call, again, seed, reason, person, now) if again else draw_call(call, seed, person, now)
    found = describe_draw(made)
    if as_json:
        print_json(found)
        return
    rows = [row | {key: "、".join(row[key]) for key in ("members", "alternates")} for row in found["panels"]]
    print_table(found["title"], rows, _DRAW_COLUMNS, "没有抽签")
    out.print(
        f"种子 {found['seed']}（由{_SEED_FROM[found['seed_from']]}算出），输入摘要 {found['digest']}", markup=False
    )
    if seed and found["seed_from"] == "submissions":
        out.print("没有事前承诺：--seed 留在记录上，不影响结果", markup=False)


def verify_draws(
    call: _Call,
    by: _By,
    which: Annotated[int, typer.Option("--draw", metavar="N", min=1, help="哪一次，与 --output 同用")] = 1,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="把这一次种子的来源写成文件：其 SHA-256 即种子")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """复算一份申报通知的各次抽签：种子由什么算出、与收到的申报和承诺是否一致、结果是否相同。有一项不同，退出码 1。"""
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.review_desk.decision_sheet import official_call
    from huisuan.programmes.review_desk.seeds import draws_hold, prove_draws

    found = prove_draws(official_call(Viewer.for_person(find_person(by)), call), datetime.now(UTC))
    if output is not None:
        _write(output, found["draws"], which)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if not draws_hold(found):
        raise typer.Exit(1)


def _write(output: Path, draws: list[dict[str, Any]], which: int) -> None:
    if which > len(draws):
        raise InvalidRequest(f"--draw {which}：只抽过 {len(draws)} 次", code="review.draw_unknown")
    try:
        with output.open("xb") as place:
            place.write(draws[which - 1]["seed_text"].encode())
    except OSError as error:
        raise InvalidRequest(f"{output}：写不了（{error.strerror}）", code="file.unwritable") from None


def _print(found: dict[str, Any]) -> None:
    said = {True: "是", False: "否", None: "—"}
    rows = [
        one
        | {key: said[one[key]] for key in ("submissions_match", "word_matches", "reproduced")}
        | {"seed_from": _SEED_FROM[one["seed_from"]]}
        for one in found["draws"]
    ]
    print_table(f"{found['call']} 的抽签", rows, _PROOF_COLUMNS, "没有抽签")
    commitment = found["commitment"]
    said_before = f"承诺 {commitment['digest']}（{commitment['by']}，{commitment['at']}）" if commitment else "没有承诺"
    out.print(f"截止 {found['closed_at']}，收到 {found['submissions']} 份；{said_before}", markup=False)
    out.print(f"同分抽签的种子 {found['lot']['seed'] or '未定'}", markup=False)
