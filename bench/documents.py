"""An official document with a long annex as PDF, beside WeasyPrint on the same table.

    .venv/bin/python bench/documents.py [--rows 3000] [--rounds 1] [--json]

Ours is the whole document of `huisuan.documents` (red head, code on each page, embedded faces); the peer's is the table
alone. The peer lives in .venv-bench (`make bench` makes it). Exit code 1: ours takes more than a twentieth of its time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from measure import as_json, interleaved, line, machine, report

from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part
from huisuan.documents.typesetting import Imprint, typeset

AIM = 1 / 20
PEER = Path(__file__).parents[1] / ".venv-bench/bin/python"
IMPRINT = Imprint("安徽省科学技术厅", "皖科〔2026〕1号", "0123-4567-89AB", "https://example.cn/documents/0123-4567-89AB",
                  datetime(2026, 11, 29, 4, tzinfo=UTC))  # fmt: skip


def main() -> int:
    """Print the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = tuple((f"安徽省第{number}智能科技有限公司", f"{number * 997:,}.00") for number in range(options.rows))
    columns = (AnnexColumn("单位", wide=True), AnnexColumn("金额（元）", number=True))
    letter = Letter("关于下达资金的通知", (Part("现予下达。"),), annexes=(Annex("分配表", columns, rows),))

    def ours() -> None:
        typeset(letter, IMPRINT)

    def peer() -> tuple[float, float]:
        done = subprocess.run(
            [str(PEER), str(Path(__file__).with_name("weasyprint_peer.py"))],
            input=json.dumps(rows), capture_output=True, text=True, check=True,
        )  # fmt: skip
        said = json.loads(done.stdout)
        return said["clock"], said["processor"]

    if not PEER.is_file():
        print("no .venv-bench: run make bench once", file=sys.stderr)
        return 1
    timings = interleaved({"ours": ours, "peer": peer}, options.rounds)
    lines = [
        line("huisuan, the whole document", options.rows, timings["ours"]),
        line("WeasyPrint, the table", options.rows, timings["peer"], ("the whole document", timings["ours"]), AIM),
    ]
    title, about = f"an annex of {options.rows:,} rows to PDF", machine("typst")
    if options.json:
        print(json.dumps(as_json(title, lines, about, []), ensure_ascii=False, indent=2))
    else:
        report(title, lines, about, [])
    return 0 if lines[-1].met else 1


if __name__ == "__main__":
    sys.exit(main())
